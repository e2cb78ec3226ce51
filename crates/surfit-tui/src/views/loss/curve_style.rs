//! The curves' look for whoever draws them elsewhere.

use super::LossView;
use crate::views::plot::curve_plot::CurvePlot;
use crate::views::plot::curves;
use ratatui::layout::Rect;
use surfit_core::run_state::RunState;
use surfit_core::series::CurveLook;

/// An area for which the axes are the same as for any other.
const REFERENCE_AREA: Rect = Rect::new(0, 0, 120, 40);

impl LossView {
    pub fn curve_style(&self, run_state: &RunState) -> CurveLook {
        let plot = CurvePlot::of(REFERENCE_AREA, run_state, self);
        let range = plot.as_ref().map_or((0.0, 1.0), CurvePlot::loss_limits);
        CurveLook {
            curves: curves::curves_to_show(run_state, self.show_corners),
            // Without a positive value there is no such axis.
            log: plot.is_some_and(|p| p.is_log()),
            time: self.time,
            window: self.window(run_state).unwrap_or((0.0, 1.0)),
            range,
            smoothing: self.smooth.then(|| self.smoothing()),
            rate: self.show_learning_rate,
            cursor: self.cursor,
        }
    }
}

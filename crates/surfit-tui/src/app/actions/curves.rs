//! What the loss pane shows, and other runs' curves over this one's.

use crate::action::Action;
use crate::app::comparison::CompareMode;
use crate::app::message::MessageKind;
use crate::app::{App, Effect};
use crate::views::loss::ComparedCurve;
use std::path::PathBuf;
use surfit_core::run_state::RunState;

/// A press of zoom shows this share of what was shown.
const ZOOM_FACTOR: f64 = 0.5;
/// A press of pan moves by this share of what is shown.
const PAN_FRACTION: f64 = 0.25;

impl App {
    pub(super) fn perform_curve_action(&mut self, action: Action) -> Option<Vec<Effect>> {
        let picture = &self.run_state;
        match action {
            Action::LogAxis => self.loss.log = !self.loss.log,
            Action::Recent => self.loss.toggle_recent(),
            Action::Smooth => self.loss.smooth = !self.loss.smooth,
            Action::CornerCurves => self.loss.show_corners = !self.loss.show_corners,
            Action::LossZoomIn => self.loss.zoom_by(picture, ZOOM_FACTOR, None),
            Action::LossZoomOut => self.loss.zoom_by(picture, 1.0 / ZOOM_FACTOR, None),
            Action::LossZoomAll => self.loss.reset_zoom(),
            Action::LossPanLeft => self.loss.pan_by(picture, -PAN_FRACTION),
            Action::LossPanRight => self.loss.pan_by(picture, PAN_FRACTION),
            Action::LossXAxis => self.loss.toggle_time(picture),
            Action::LossSmoother => self.loss.adjust_smoothing(1),
            Action::LossRougher => self.loss.adjust_smoothing(-1),
            Action::LossRate => self.loss.show_learning_rate = !self.loss.show_learning_rate,
            Action::CompareRunCurves => return Some(self.toggle_curve_comparison()),
            _ => return None,
        }
        Some(Vec::new())
    }

    /// Lays the chosen run's curve over this one's, or takes it away. Without a list of runs it opens one.
    fn toggle_curve_comparison(&mut self) -> Vec<Effect> {
        let line = match self.selected_run_or_open_list(Action::CompareRunCurves, "lays its loss curve over this one's")
        {
            Ok(line) => line,
            Err(effects) => return effects,
        };
        if self.loss.remove_overlay(&line.path) {
            self.show_message(MessageKind::Info, format!("{} is off the loss curves", line.id));
            return Vec::new();
        }
        self.load_listed_run(line, CompareMode::Curves)
    }

    /// Lays the curve of a run that was read over this one's.
    pub(in crate::app) fn add_compared_curve(&mut self, path: PathBuf, picture: RunState) {
        let name = self.other_run_label(&path, &picture);
        let run = ComparedCurve { name: name.clone(), path, run_state: picture };
        match self.loss.add_overlay(run) {
            Ok(()) => self.show_message(MessageKind::Info, format!("{name} lies over the loss curves")),
            Err(why) => self.show_message(MessageKind::Hint, why),
        }
    }
}

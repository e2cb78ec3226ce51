//! Loss curves: the corners' training and the surface's fit.

use super::CurvesFigure;
use super::axes::{DrawResult, draw_header};
use super::canvas::{DrawableFigure, FigurePage};
use super::style::*;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use surfit_core::event::LossCurve;
use surfit_core::run_state::RunState;
use surfit_core::series::{CurveLook, Smoothing};

/// Cross-entropy over optimizer steps, corners and surface beside each other.
pub struct LossFigure<'a> {
    pub run_state: &'a RunState,
    pub title: String,
}

/// A curve is smoothed over this part of its length, and over at least [`MIN_SMOOTHING_STEPS`].
const SMOOTHING_FRACTION: f64 = 0.025;
const MIN_SMOOTHING_STEPS: f64 = 6.0;
/// Nominal height of a panel's name.
const NAME_HEIGHT: f64 = 20.0;

impl DrawableFigure for LossFigure<'_> {
    fn size(&self) -> (u32, u32) {
        (1000, 480)
    }

    fn draw<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
        let header = draw_header(page, &self.title, "training and validation cross-entropy, nats")?;
        let mut groups =
            vec![("Corners", (0..4).map(LossCurve::Corner).collect()), ("Surface", vec![LossCurve::Surface])];
        for (_, curves) in &mut groups {
            curves.retain(|c| self.run_state.curves.get(c).is_some_and(|s| !s.is_empty()));
        }
        groups.retain(|(_, curves)| !curves.is_empty());
        let width = page.width / groups.len().max(1) as f64;
        for (n, (name, curves)) in groups.into_iter().enumerate() {
            let left = width * n as f64;
            let style = bold_style(13.0, page.theme.text, HPos::Left, VPos::Center);
            page.draw_text(name, &style, (px(left + 20.0), px(header + 10.0)))?;
            let (run_state, style) = (self.run_state, &self.curve_look(curves));
            let curves = CurvesFigure { run_state, style, other_curves: &[], title: String::new() };
            curves.draw_area(page, [left, header + NAME_HEIGHT, left + width, page.height])?;
        }
        Ok(())
    }
}

impl LossFigure<'_> {
    /// The whole of the curves, on a logarithmic axis where they fall far.
    fn curve_look(&self, curves: Vec<LossCurve>) -> CurveLook {
        let series = || curves.iter().filter_map(|c| self.run_state.curves.get(c));
        let end = series().map(|s| s.end_step()).max().unwrap_or(0).max(1) as f64;
        let past = 1.0 - 1.0 / (SMOOTHING_FRACTION * end).max(MIN_SMOOTHING_STEPS);
        let smoothed = series().flat_map(|series| {
            let mut smoothing = Smoothing::new(past);
            series.finest_buckets().filter_map(move |bucket| smoothing.add(bucket.mean(), bucket.count))
        });
        let validations = curves.iter().filter_map(|c| self.run_state.validations.get(c)).flatten();
        let values = smoothed.chain(validations.map(|v| v.loss)).filter(|v| v.is_finite() && *v > 0.0);
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        let log = low > 0.0 && high / low > 5.0;
        let margin = 0.1 * (high - low).max(0.01);
        let range = if log { (low * 0.8, high * 1.15) } else { ((low - margin).max(0.0), high + margin) };
        CurveLook {
            log,
            time: false,
            window: (0.0, end),
            range,
            smoothing: Some(past),
            rate: false,
            cursor: None,
            curves,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data;

    #[test]
    fn svg_names_axes_curves_and_degree_changes() {
        let run_state = test_data::run_state();
        let svg = LossFigure { run_state: &run_state, title: "a <b> run".into() }.svg().unwrap();
        for text in ["a &lt;b&gt; run", "optimizer step", "Corners", "Surface", "smoothed", "degree 3×3"] {
            assert!(svg.contains(text), "{text}");
        }
    }

    #[test]
    fn losses_that_are_not_finite_break_the_curve_but_not_the_figure() {
        let mut run_state = RunState::default();
        run_state
            .curves
            .entry(LossCurve::Surface)
            .or_default()
            .extend(0, &[f32::NAN, 1.0, 0.9, f32::INFINITY, 0.8, 0.7]);
        let png = LossFigure { run_state: &run_state, title: "x".into() }.png().unwrap();
        test_data::check_png(&png, (2000, 960));
        run_state.curves.get_mut(&LossCurve::Surface).unwrap().truncate(1);
        LossFigure { run_state: &run_state, title: "only gaps".into() }.svg().unwrap();
    }
}

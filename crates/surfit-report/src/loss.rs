//! Loss curves: the corners' training and the surface's fit.

use super::axes::{AxesPanel, DrawResult, LegendMark, draw_header, draw_legend, format_thousands};
use super::canvas::{DrawableFigure, FigurePage};
use super::style::*;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use surfit_core::event::LossCurve;
use surfit_core::run_state::RunState;
use surfit_core::series::Series;

/// Cross-entropy over optimizer steps: raw range, smoothed, validation, changes of degree.
pub struct LossFigure<'a> {
    pub run_state: &'a RunState,
    pub title: String,
}

/// A curve is smoothed over this part of its length, and over at least [`MIN_SMOOTHING_POINTS`] points.
const SMOOTHING_FRACTION: f64 = 0.025;
const MIN_SMOOTHING_POINTS: f64 = 6.0;

impl DrawableFigure for LossFigure<'_> {
    fn size(&self) -> (u32, u32) {
        (1000, 460)
    }

    fn draw<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
        draw_header(page, &self.title, "training and validation cross-entropy, nats")?;
        let corners: Vec<LossCurve> = (0..4).map(LossCurve::Corner).filter(|c| self.series(*c).is_some()).collect();
        let fit: Vec<LossCurve> = [LossCurve::Surface].into_iter().filter(|c| self.series(*c).is_some()).collect();
        let groups: Vec<(&str, Vec<LossCurve>)> =
            [("Corners", corners), ("Surface", fit)].into_iter().filter(|(_, curves)| !curves.is_empty()).collect();
        let count = groups.len().max(1) as f64;
        let each = (page.width - 20.0) / count;
        for (i, (name, curves)) in groups.iter().enumerate() {
            let left = 20.0 + each * i as f64;
            let frame = [left + 40.0, 118.0, left + each - 34.0, page.height - 52.0].map(px);
            self.draw_panel(page, frame, name, curves)?;
        }
        Ok(())
    }
}

impl LossFigure<'_> {
    fn series(&self, curve: LossCurve) -> Option<&Series> {
        self.run_state.curves.get(&curve).filter(|s| !s.is_empty())
    }

    fn draw_panel<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        frame: [i32; 4],
        name: &str,
        curves: &[LossCurve],
    ) -> DrawResult<DB> {
        let panel = self.build_panel(frame, curves);
        let surface = curves == [LossCurve::Surface];
        page.draw_text(
            name,
            &bold_style(13.0, page.theme.text, HPos::Left, VPos::Center),
            (frame[0] - px(34.0), frame[1] - px(36.0)),
        )?;
        panel.draw_axes(
            page,
            ("optimizer step", if panel.log_y { "loss (logarithmic)" } else { "loss" }),
            &|step, _| format_thousands(step),
        )?;
        if surface {
            self.draw_degree_changes(page, &panel)?;
        }
        let mut ends: Vec<(i32, String, RGBColor)> = Vec::new();
        for curve in curves {
            let Some(series) = self.series(*curve) else {
                continue;
            };
            let (color, label) = match curve {
                LossCurve::Corner(i) => (page.theme.corners[i % 4], format!("{}", i + 1)),
                LossCurve::Surface => (page.theme.surface, String::new()),
            };
            let end = draw_series(page, &panel, series, color, surface)?;
            if let (Some(y), false) = (end, surface) {
                ends.push((y, label, color));
            }
        }
        for curve in curves {
            self.draw_validations(page, &panel, *curve)?;
        }
        draw_end_labels(page, frame, ends)?;
        let entries = self.legend_entries(curves, &page.theme);
        draw_legend(page, (frame[0] + px(44.0), frame[1] - px(36.0)), &entries)
    }

    fn build_panel(&self, frame: [i32; 4], curves: &[LossCurve]) -> AxesPanel {
        let (mut low, mut high, mut end) = (f64::INFINITY, f64::NEG_INFINITY, 1.0f64);
        for curve in curves {
            let Some(series) = self.series(*curve) else {
                continue;
            };
            end = end.max(series.end_step() as f64);
            let smooth = smooth_series(series);
            for (_, y) in smooth.into_iter().filter(|p| p.1.is_finite() && p.1 > 0.0) {
                (low, high) = (low.min(y), high.max(y));
            }
            for v in self.run_state.validations.get(curve).into_iter().flatten() {
                if v.loss.is_finite() && v.loss > 0.0 {
                    (low, high) = (low.min(v.loss), high.max(v.loss));
                }
            }
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        let log = low > 0.0 && high / low > 5.0;
        let y = if log {
            low * 0.8..high * 1.15
        } else {
            (low - 0.1 * (high - low)).max(0.0)..high + 0.1 * (high - low).max(0.01)
        };
        AxesPanel { frame, x: 0.0..end, y, log_y: log }
    }

    fn draw_degree_changes<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>, panel: &AxesPanel) -> DrawResult<DB> {
        for (step, _, to) in &self.run_state.degree_changes {
            let x = panel.pixel_at(*step as f64, panel.y.start).0;
            let [_, top, _, bottom] = panel.frame;
            let mut y = top;
            while y < bottom {
                let dash = [(x, y), (x, (y + px(3.0)).min(bottom))];
                page.draw(&PathElement::new(dash, line_style(page.theme.muted, 1.0)))?;
                y += px(6.0);
            }
            let style = text_style(10.5, page.theme.muted, HPos::Left, VPos::Top);
            page.draw_text(&format!("degree {to}"), &style, (x + px(4.0), top))?;
        }
        Ok(())
    }

    fn draw_validations<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        panel: &AxesPanel,
        curve: LossCurve,
    ) -> DrawResult<DB> {
        let points: Vec<(f64, f64)> =
            self.run_state.validations.get(&curve).into_iter().flatten().map(|v| (v.step as f64, v.loss)).collect();
        let color = match curve {
            LossCurve::Corner(i) => page.theme.corners[i % 4],
            LossCurve::Surface => page.theme.validation,
        };
        if curve == LossCurve::Surface {
            panel.draw_curve(page, points.iter().copied(), line_style(color.mix(0.7), 1.2))?;
        }
        for (x, y) in points.into_iter().filter(|p| p.1.is_finite()) {
            page.draw(&Circle::new(panel.pixel_at(x, y), px(3.4), fill_style(page.theme.background)))?;
            page.draw(&Circle::new(panel.pixel_at(x, y), px(2.6), fill_style(color)))?;
        }
        Ok(())
    }

    fn legend_entries(&self, curves: &[LossCurve], theme: &FigureTheme) -> Vec<(LegendMark, String)> {
        let validated = curves.iter().any(|c| self.run_state.validations.contains_key(c));
        let surface = curves == [LossCurve::Surface];
        let mut entries = if surface {
            vec![
                (LegendMark::Line(line_style(theme.surface.mix(0.22), 7.0)), "each step".to_owned()),
                (LegendMark::Line(line_style(theme.surface, 2.0)), "smoothed".to_owned()),
            ]
        } else {
            let name = |c: &LossCurve| match c {
                LossCurve::Corner(i) => (LegendMark::Line(line_style(theme.corners[i % 4], 1.8)), (i + 1).to_string()),
                LossCurve::Surface => (LegendMark::Line(line_style(theme.surface, 1.8)), "surface".to_owned()),
            };
            curves.iter().map(name).collect()
        };
        if validated {
            let color = if surface { theme.validation } else { theme.muted };
            entries.push((LegendMark::Dot(color), "validation".to_owned()));
        }
        entries
    }
}

/// The exponentially smoothed curve over its buckets; gaps are NaN.
fn smooth_series(series: &Series) -> Vec<(f64, f64)> {
    let (mut sum, mut weight) = (0.0, 0.0);
    let past = 1.0 - 1.0 / (SMOOTHING_FRACTION * series.buckets().len() as f64).max(MIN_SMOOTHING_POINTS);
    series
        .buckets()
        .iter()
        .map(|b| {
            let x = b.step as f64 + b.count.saturating_sub(1) as f64 / 2.0;
            match b.mean() {
                None => (x, f64::NAN),
                Some(mean) => {
                    sum = past * sum + (1.0 - past) * mean;
                    weight = past * weight + (1.0 - past);
                    (x, sum / weight)
                }
            }
        })
        .collect()
}

/// Draws raw range and smoothed curve; gives the height at which the curve ends.
fn draw_series<DB: DrawingBackend>(
    page: &FigurePage<'_, DB>,
    panel: &AxesPanel,
    series: &Series,
    color: RGBColor,
    raw: bool,
) -> DrawResult<DB, Option<i32>> {
    let smooth = smooth_series(series);
    if raw {
        let mut piece: Vec<(f64, f64, f64)> = Vec::new();
        let buckets = series.buckets();
        // A range over a handful of neighbours reads as a band, single values would be a hatch.
        let group = (buckets.len() / 240).max(1);
        for chunk in buckets.chunks(group) {
            let low = chunk.iter().map(|b| b.min).fold(f32::INFINITY, f32::min);
            let high = chunk.iter().map(|b| b.max).fold(f32::NEG_INFINITY, f32::max);
            let x = chunk[chunk.len() / 2].step as f64;
            if low <= high {
                piece.push((x, f64::from(low), f64::from(high)));
            } else {
                panel.draw_band(page, &piece, color.mix(0.22))?;
                piece.clear();
            }
        }
        panel.draw_band(page, &piece, color.mix(0.22))?;
    }
    let width = if raw { 2.0 } else { 1.6 };
    let end = smooth.iter().rfind(|p| p.1.is_finite()).map(|p| panel.pixel_at(p.0, p.1).1);
    // More points than the eye resolves would only thicken the line; gaps stay.
    let step = (smooth.len() / 300).max(1);
    let last = smooth.len().saturating_sub(1);
    let shown = smooth.into_iter().enumerate();
    let shown = shown.filter(|(i, p)| i % step == 0 || *i == last || !p.1.is_finite());
    panel.draw_curve(page, shown.map(|(_, p)| p), line_style(color, width))?;
    Ok(end)
}

/// Writes each curve's number beside its end, moved apart where they would overlap.
fn draw_end_labels<DB: DrawingBackend>(
    page: &FigurePage<'_, DB>,
    [_, _, right, bottom]: [i32; 4],
    mut ends: Vec<(i32, String, RGBColor)>,
) -> DrawResult<DB> {
    ends.sort_by_key(|e| e.0);
    let apart = px(12.0);
    for i in 1..ends.len() {
        ends[i].0 = ends[i].0.max(ends[i - 1].0 + apart);
    }
    // Below the axis would be among its labels.
    let mut lowest = bottom - px(4.0);
    for end in ends.iter_mut().rev() {
        end.0 = end.0.min(lowest);
        lowest = end.0 - apart;
    }
    for (y, label, color) in ends {
        page.draw_text(&label, &bold_style(11.0, color, HPos::Left, VPos::Center), (right + px(6.0), y))?;
    }
    Ok(())
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
        test_data::check_png(&png, (2000, 920));
        run_state.curves.get_mut(&LossCurve::Surface).unwrap().truncate(1);
        LossFigure { run_state: &run_state, title: "only gaps".into() }.svg().unwrap();
    }
}

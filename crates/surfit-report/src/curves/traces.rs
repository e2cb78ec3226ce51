//! The curves of a figure: their values within what is seen, and how they are drawn.

use super::CurvesFigure;
use crate::axes::{AxesPanel, DrawResult};
use crate::canvas::FigurePage;
use crate::style::*;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use surfit_core::run_state::ValidationPoint;
use surfit_core::series::{Series, Smoothing, StepTrack};

pub(super) struct CurveTrace<'a> {
    pub name: String,
    pub label: String,
    pub color: RGBColor,
    pub is_other_run: bool,
    pub series: &'a Series,
    pub track: Option<&'a StepTrack>,
    pub validations: &'a [ValidationPoint],
}

/// A stretch of a curve: its place, its smallest, mean and largest value, and the smoothed one. Gaps are not numbers.
#[derive(Clone, Copy)]
pub(super) struct CurveSample {
    pub x: f64,
    pub range: (f64, f64, f64),
    pub smoothed: f64,
}

/// Most stretches that a curve is drawn of: more would only thicken the line.
const MAX_CURVE_POINTS: usize = 700;
impl CurvesFigure<'_> {
    /// The place of a step along the axis; time counts steps that are done, of which `more` belong to a step.
    pub(super) fn axis_position(&self, track: Option<&StepTrack>, step: f64, more: f64) -> f64 {
        match track.filter(|_| self.style.time) {
            Some(track) => track.mark_at(step + more).map_or(0.0, |m| m.seconds),
            None => step,
        }
    }

    /// The stretches of a curve within the window, and one more at either side.
    pub(super) fn samples(&self, trace: &CurveTrace<'_>) -> Vec<CurveSample> {
        let (from, to) = self.style.window;
        let mut smoothing = Smoothing::new(self.style.smoothing.unwrap_or(0.0));
        let mut kept: Vec<CurveSample> = Vec::new();
        for bucket in trace.series.finest_buckets() {
            let mean = bucket.mean();
            let middle = bucket.step as f64;
            let sample = CurveSample {
                x: self.axis_position(trace.track, middle, 1.0),
                range: mean.map_or((f64::NAN, f64::NAN, f64::NAN), |mean| (bucket.min.into(), mean, bucket.max.into())),
                smoothed: smoothing.add(mean, bucket.count).unwrap_or(f64::NAN),
            };
            if sample.x <= from {
                kept.clear();
            }
            kept.push(sample);
            if sample.x > to {
                break;
            }
        }
        kept
    }

    /// What a curve is drawn as at a place of the axis; `None` beyond its ends, and NaN in a gap.
    pub(super) fn value_at(&self, trace: &CurveTrace<'_>, place: f64) -> Option<f64> {
        let end = self.axis_position(trace.track, trace.series.end_step() as f64, 0.0);
        let samples = self.samples(trace);
        let sample = samples.iter().rfind(|s| s.x <= place + 1e-9).filter(|_| place < end)?;
        Some(if self.style.smoothing.is_some() { sample.smoothed } else { sample.range.1 })
    }

    /// Draws a curve and gives the place of its end.
    pub(super) fn draw_trace<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        panel: &AxesPanel,
        trace: &CurveTrace<'_>,
        last: bool,
    ) -> DrawResult<DB, Option<(i32, i32)>> {
        let samples = self.samples(trace);
        let smooth = self.style.smoothing.is_some();
        // Several raw curves over each other are noise; then only the last keeps its own.
        if last || !smooth {
            let strength = if smooth { 0.22 } else { 0.35 };
            draw_range_band(page, panel, &samples, trace.color.mix(strength))?;
        }
        let value = |s: &CurveSample| if smooth { s.smoothed } else { s.range.1 };
        let step = samples.len().div_ceil(MAX_CURVE_POINTS).max(1);
        let end = samples.len().saturating_sub(1);
        let points = samples.iter().enumerate();
        let points = points.filter(|(k, s)| k % step == 0 || *k == end || !value(s).is_finite());
        let points: Vec<(f64, f64)> = points.map(|(_, s)| (s.x, value(s))).collect();
        let width = if last && smooth { 2.0 } else { 1.4 };
        let points = clip_to_range(&points, &panel.x);
        if trace.is_other_run {
            panel.draw_dashed_curve(page, &points, line_style(trace.color, width))?;
        } else {
            panel.draw_curve(page, points.iter().copied(), line_style(trace.color, width))?;
        }
        let seen = points.iter().rfind(|p| p.1.is_finite());
        Ok(seen.map(|p| panel.pixel_at(p.0, p.1)))
    }

    pub(super) fn draw_validations<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        panel: &AxesPanel,
        trace: &CurveTrace<'_>,
        alone: bool,
    ) -> DrawResult<DB> {
        let color = if alone { page.theme.validation } else { trace.color };
        let points = trace.validations.iter().map(|v| {
            let step = v.step as f64;
            (self.axis_position(trace.track, step, 0.0), v.loss)
        });
        let inside = |p: &(f64, f64)| {
            (panel.x.start..=panel.x.end).contains(&p.0)
                && p.1.is_finite()
                && (panel.y.start..=panel.y.end).contains(&p.1)
        };
        let points: Vec<(f64, f64)> = points.filter(inside).collect();
        if alone {
            panel.draw_curve(page, points.iter().copied(), line_style(color.mix(0.7), 1.2))?;
        }
        for (x, y) in points {
            page.draw(&Circle::new(panel.pixel_at(x, y), px(3.4), fill_style(page.theme.background)))?;
            page.draw(&Circle::new(panel.pixel_at(x, y), px(2.6), fill_style(color)))?;
        }
        Ok(())
    }
}

/// The range of neighbouring values as a band.
fn draw_range_band<DB: DrawingBackend>(
    page: &FigurePage<'_, DB>,
    panel: &AxesPanel,
    samples: &[CurveSample],
    color: RGBAColor,
) -> DrawResult<DB> {
    // A range over a handful of neighbours reads as a band, single values would be a hatch.
    let group = (samples.len() / 240).max(1);
    let inside: Vec<&CurveSample> = samples.iter().filter(|s| (panel.x.start..=panel.x.end).contains(&s.x)).collect();
    let mut piece: Vec<(f64, f64, f64)> = Vec::new();
    for chunk in inside.chunks(group) {
        let low = chunk.iter().map(|s| s.range.0).fold(f64::INFINITY, f64::min);
        let high = chunk.iter().map(|s| s.range.2).fold(f64::NEG_INFINITY, f64::max);
        if low <= high {
            piece.push((chunk[chunk.len() / 2].x, low, high));
        } else {
            panel.draw_band(page, &piece, color)?;
            piece.clear();
        }
    }
    panel.draw_band(page, &piece, color)
}

/// A curve's points within a range; a line over an edge is cut there.
pub(super) fn clip_to_range(points: &[(f64, f64)], x: &std::ops::Range<f64>) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = Vec::new();
    let mut before: Option<(f64, f64)> = None;
    for &(at, y) in points {
        for edge in [x.start, x.end] {
            let crossed = before.filter(|b| b.0 < edge && edge < at);
            if let Some((x0, y0)) = crossed {
                out.push((edge, y0 + (y - y0) * (edge - x0) / (at - x0)));
            }
        }
        if (x.start..=x.end).contains(&at) {
            out.push((at, y));
        }
        before = Some((at, y));
    }
    out
}

/// Writes the sign of each curve beside its end, moved apart where they would overlap.
pub(super) fn draw_labels<DB: DrawingBackend>(
    page: &FigurePage<'_, DB>,
    panel: &AxesPanel,
    traces: &[CurveTrace<'_>],
    mut ends: Vec<((i32, i32), usize)>,
) -> DrawResult<DB> {
    ends.retain(|e| !traces[e.1].label.is_empty());
    ends.sort_by_key(|e| e.0.1);
    let (wide, high) = (px(12.0), px(12.0));
    let mut placed: Vec<(i32, i32)> = Vec::new();
    for ((x, y), n) in ends {
        // Sideways, so that a sign stays at the height of its curve.
        let mut x = x + px(6.0);
        while placed.iter().any(|p| (p.0 - x).abs() < wide && (p.1 - y).abs() < high) {
            x += wide;
        }
        placed.push((x, y));
        let y = y.min(panel.frame[3] - px(5.0));
        let style = bold_style(11.0, traces[n].color, HPos::Left, VPos::Center);
        page.draw_text(&traces[n].label, &style, (x, y))?;
    }
    Ok(())
}

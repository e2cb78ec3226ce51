//! Which loss curves to show, and their values thinned out to what a plot can resolve.

use super::dots::Dots;
use crate::views::scale::Scale;
use surfit_core::event::{Curve, Stage};
use surfit_core::picture::{Picture, Validation};
use surfit_core::series::Series;
use surfit_core::snapshot::State;

/// A stretch of a curve: one step, or a bucket of several.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// First step of the stretch.
    pub step: f64,
    /// Smallest, mean and largest finite value; `None` for a gap.
    pub range: Option<(f64, f64, f64)>,
    /// Exponentially smoothed value up to here; `None` for a gap.
    pub smooth: Option<f64>,
}

/// A curve ready to be drawn.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Which.
    pub curve: Curve,
    /// Its values, by step.
    pub samples: Vec<Sample>,
    /// Its validation measurements within the window.
    pub validations: Vec<Validation>,
}

impl Trace {
    /// The sample at `step` or the last before it.
    pub fn sample_at(&self, step: f64) -> Option<&Sample> {
        let after = self.samples.partition_point(|s| s.step <= step);
        self.samples.get(after.saturating_sub(1))
    }

    /// True when the curve reaches `step`.
    pub fn covers(&self, step: f64) -> bool {
        let ends = self.samples.first().zip(self.samples.last());
        let width = match self.samples.as_slice() {
            [.., before, last] => last.step - before.step,
            _ => 1.0,
        };
        ends.is_some_and(|(a, b)| a.step <= step + 0.5 && step < b.step + width)
    }

    /// The validation at `step` or the last before it.
    pub fn validation_at(&self, step: f64) -> Option<&Validation> {
        self.validations
            .iter()
            .rev()
            .find(|v| v.step as f64 <= step + 0.5)
    }
}

/// The curves worth showing: those of the corners while these train, afterwards that of the surface; with `overlay` the
/// corners' as well.
pub fn relevant(picture: &Picture, overlay: bool) -> Vec<Curve> {
    let has = |c: &Curve| picture.curves.get(c).is_some_and(|s| !s.is_empty());
    let corners: Vec<Curve> = (0..4).map(Curve::Corner).filter(has).collect();
    let training = picture
        .snapshot
        .as_ref()
        .is_some_and(|s| s.stage == Stage::Corners && s.state == State::Running);
    match (has(&Curve::Surface), corners.is_empty()) {
        (true, false) if training => corners,
        (true, false) if overlay => corners
            .into_iter()
            .chain(std::iter::once(Curve::Surface))
            .collect(),
        (true, _) => vec![Curve::Surface],
        (false, _) => corners,
    }
}

/// First step of the recent part of a curve that reached `end`: the last fifth, in jumps, so that the axis rests in
/// between.
pub fn recent_from(end: u64) -> u64 {
    let window = (end / 5).clamp(200, Series::RECENT as u64 - 256);
    let jump = (window / 8).max(1);
    end.saturating_sub(window).div_ceil(jump) * jump
}

/// The curve's values from step `from` on, as they came where they are still kept, else in buckets.
pub fn samples(series: &Series, from: u64) -> Vec<Sample> {
    let kept = series.end().saturating_sub(series.recent().len() as u64);
    let mut smoothing = Smoothing::default();
    if from >= kept {
        // Whatever lies before the window only leads the smoothed curve in.
        for bucket in series.whole().iter().filter(|b| b.step < kept) {
            smoothing.add(bucket.mean(), bucket.count);
        }
        for (_, value) in series.recent().filter(|(step, _)| *step < from) {
            smoothing.add(finite(value), 1);
        }
        let shown = series.recent().filter(|(s, _)| *s >= from);
        return shown
            .map(|(step, v)| {
                let value = finite(v);
                let smooth = smoothing.add(value, 1);
                Sample {
                    step: step as f64,
                    range: value.map(|v| (v, v, v)),
                    smooth,
                }
            })
            .collect();
    }
    let whole = series.whole().iter();
    whole
        .map(|b| {
            let smooth = smoothing.add(b.mean(), b.count);
            let range = b
                .mean()
                .map(|mean| (f64::from(b.min), mean, f64::from(b.max)));
            (
                b,
                Sample {
                    step: b.step as f64,
                    range,
                    smooth,
                },
            )
        })
        .filter(|(b, _)| b.step >= from)
        .map(|(_, sample)| sample)
        .collect()
}

fn finite(v: f32) -> Option<f64> {
    v.is_finite().then_some(f64::from(v))
}

/// Exponential smoothing as [`Series`] does it, over buckets of several steps too.
#[derive(Default)]
struct Smoothing {
    sum: f64,
    weight: f64,
}

impl Smoothing {
    fn add(&mut self, value: Option<f64>, count: u64) -> Option<f64> {
        let value = value?;
        // Nearly every bucket of a short curve is one step; `powf` would be most of the time a frame takes.
        let past = match count {
            1 => Series::SMOOTHING,
            n => Series::SMOOTHING.powf(n as f64),
        };
        self.sum = past * self.sum + (1.0 - past) * value;
        self.weight = past * self.weight + (1.0 - past);
        Some(self.sum / self.weight)
    }
}

/// Draws the raw values: every dot column shows their whole range, so that no spike is lost, and neighbouring columns
/// are joined unless a gap lies between.
pub fn draw_raw(dots: &mut Dots, trace: &Trace, x: &Scale, y: &Scale, rank: u8, ink: u8) {
    let mut open: Option<(usize, usize)> = None;
    for sample in &trace.samples {
        let Some((min, mean, max)) = sample.range else {
            open = None;
            continue;
        };
        let at = |value: f64| Some(dots.place(x.at(sample.step)?, y.at(value)?));
        let (Some(low), Some(here), Some(high)) = (at(min), at(mean), at(max)) else {
            continue;
        };
        dots.line(low, high, rank, ink);
        dots.line(open.unwrap_or(here), here, rank, ink);
        open = Some(here);
    }
}

/// Draws the smoothed values as one line with gaps.
pub fn draw_smooth(dots: &mut Dots, trace: &Trace, x: &Scale, y: &Scale, rank: u8, ink: u8) {
    let mut open = None;
    for sample in &trace.samples {
        let Some((value, t)) = sample.smooth.zip(x.at(sample.step)) else {
            open = None;
            continue;
        };
        let here = dots.place(t, y.at(value).unwrap_or(0.0));
        dots.line(open.unwrap_or(here), here, rank, ink);
        open = Some(here);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recent_samples_smooth_as_the_series_does() {
        let mut s = Series::default();
        let values: Vec<f32> = (0..5000).map(|k| 1.0 + (k as f32 * 0.1).sin()).collect();
        s.extend(0, &values);
        let shown = samples(&s, 4500);
        assert_eq!(shown.len(), 500);
        assert_eq!(shown[0].step, 4500.0);
        assert!((shown[499].smooth.unwrap() - s.smoothed().unwrap()).abs() < 0.02);
        let whole = samples(&s, 0);
        assert!(whole.len() <= Series::BUCKETS);
        assert!((whole.last().unwrap().smooth.unwrap() - s.smoothed().unwrap()).abs() < 0.1);
        // A short curve is smoothed exactly as the series says.
        let mut s = Series::default();
        s.extend(0, &values[..700]);
        assert!((samples(&s, 0)[699].smooth.unwrap() - s.smoothed().unwrap()).abs() < 1e-9);
        assert!((samples(&s, 300)[399].smooth.unwrap() - s.smoothed().unwrap()).abs() < 1e-9);
    }

    #[test]
    fn gaps_stay_gaps() {
        let mut s = Series::default();
        s.extend(0, &[1.0, f32::NAN, 3.0]);
        let shown = samples(&s, 0);
        assert_eq!(
            shown.iter().map(|s| s.range.is_some()).collect::<Vec<_>>(),
            [true, false, true]
        );
        assert_eq!(shown[1].smooth, None);
    }

    #[test]
    fn the_recent_window_moves_in_jumps() {
        let starts: std::collections::BTreeSet<u64> = (9000..10_000).map(recent_from).collect();
        assert!(starts.len() < 12, "{starts:?}");
        assert!((0..20_000).all(|e| recent_from(e) <= e));
        assert_eq!(recent_from(150), 0);
    }
}

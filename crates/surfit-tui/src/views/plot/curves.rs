//! Which loss curves to show, and their values within a part of the axis.

use surfit_core::event::{JobStage, LossCurve};
use surfit_core::run_state::{RunState, ValidationPoint};
use surfit_core::series::{Series, Smoothing};
use surfit_core::snapshot::EngineState;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CurveOwner {
    Own(LossCurve),
    /// The fit of another run, by its place among those laid over this one.
    Other(usize),
}

impl CurveOwner {
    /// One letter for the end of the curve and for its points: a corner's number, another run's letter.
    pub fn letter(self) -> Option<char> {
        match self {
            CurveOwner::Own(LossCurve::Corner(c)) => char::from_digit(c as u32 + 1, 10),
            CurveOwner::Own(LossCurve::Surface) => None,
            CurveOwner::Other(n) => Some((b'A' + n as u8 % 26) as char),
        }
    }
}

/// A stretch of a curve: one step, or a bucket of several.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurveSpan {
    /// First step of the stretch.
    pub step: f64,
    /// Its place along the axis.
    pub x: f64,
    /// Smallest, mean and largest finite value; `None` for a gap.
    pub range: Option<(f64, f64, f64)>,
    /// Exponentially smoothed value up to here; `None` for a gap.
    pub smooth: Option<f64>,
    pub has_nonfinite: bool,
}

#[derive(Clone, Debug)]
pub struct PlotTrace {
    pub name: CurveOwner,
    /// Its values within the window, and one more at either side.
    pub samples: Vec<CurveSpan>,
    /// Where the last stretch ends along the axis.
    pub end: f64,
    /// Its validation measurements within the window, with their places along the axis.
    pub validations: Vec<(f64, ValidationPoint)>,
    /// Learning rates within the window, with their places along the axis.
    pub rates: Vec<(f64, f64)>,
}

#[derive(Clone, Copy, Debug)]
pub struct CurveRequest {
    pub window: (f64, f64),
    pub time: bool,
    /// Weight of the past in the smoothing, per step.
    pub smoothing: f64,
}

impl PlotTrace {
    /// The trace of a curve; `None` when the run state has no value of it.
    pub fn of(run_state: &RunState, curve: LossCurve, name: CurveOwner, wanted: &CurveRequest) -> Option<Self> {
        let series = run_state.curves.get(&curve).filter(|s| !s.is_empty())?;
        let track = run_state.tracks.get(&curve).filter(|_| wanted.time);
        // Time counts steps that are done: step 0 is done when one step is.
        let x = |step: f64| match track {
            Some(track) => track.mark_at(step + 1.0).map_or(0.0, |m| m.seconds),
            None => step,
        };
        let (from, to) = wanted.window;
        let inside = |x: &f64| (from..=to).contains(x);
        let after = |step: u64| {
            if wanted.time { x(step as f64 - 1.0) } else { step as f64 }
        };
        let list = run_state.validations.get(&curve);
        let validations = list.into_iter().flatten().map(|v| (after(v.step), *v)).filter(|(x, _)| inside(x)).collect();
        let marks = run_state.tracks.get(&curve).map_or(&[][..], |t| t.marks());
        let rates = marks
            .iter()
            .map(|m| (if wanted.time { m.seconds } else { m.step as f64 - 1.0 }, m.rate))
            .filter(|(_, rate)| rate.is_finite());
        Some(Self {
            name,
            samples: samples(series, wanted, x),
            end: x(series.end_step() as f64),
            validations,
            rates: window_with_neighbors(rates, wanted.window, |r| r.0),
        })
    }

    /// The last sample that begins at or before a place.
    pub fn sample_at(&self, x: f64) -> Option<&CurveSpan> {
        let after = self.samples.partition_point(|s| s.x <= x + 1e-9);
        self.samples.get(after.saturating_sub(1))
    }

    pub fn covers(&self, x: f64) -> bool {
        self.samples.first().is_some_and(|s| s.x <= x + 0.5) && x < self.end + 1e-9
    }

    /// The validation at a place or the last before it.
    pub fn validation_at(&self, x: f64) -> Option<&ValidationPoint> {
        let before = |v: &&(f64, ValidationPoint)| v.0 <= x + 0.5;
        self.validations.iter().rev().find(before).map(|v| &v.1)
    }
}

/// The curves worth showing: those of the corners while these train, afterwards that of the surface; with `beside` the
/// corners' as well.
pub fn curves_to_show(run_state: &RunState, with_corners: bool) -> Vec<LossCurve> {
    let has = |c: &LossCurve| run_state.curves.get(c).is_some_and(|s| !s.is_empty());
    let corners: Vec<LossCurve> = (0..4).map(LossCurve::Corner).filter(has).collect();
    let under_way = matches!(run_state.engine_state(), EngineState::Running | EngineState::Paused);
    let training = under_way && run_state.snapshot.as_ref().is_some_and(|s| s.stage == JobStage::Corners);
    match (has(&LossCurve::Surface), corners.is_empty()) {
        (true, false) if training => corners,
        (true, false) if with_corners => corners.into_iter().chain(std::iter::once(LossCurve::Surface)).collect(),
        (true, _) => vec![LossCurve::Surface],
        (false, _) => corners,
    }
}

/// The curve's values within a window, as finely as they are known. Earlier values only initialise the smoothed curve.
fn samples(series: &Series, wanted: &CurveRequest, x: impl Fn(f64) -> f64) -> Vec<CurveSpan> {
    let mut smoothing = Smoothing::new(wanted.smoothing);
    let mut rest = series.finest_buckets().peekable();
    let end = series.end_step();
    let all = std::iter::from_fn(|| {
        let bucket = rest.next()?;
        let next = rest.peek().map_or(end, |b| b.step);
        let mean = bucket.mean();
        let step = bucket.step as f64;
        Some(CurveSpan {
            step,
            x: x(step),
            range: mean.map(|mean| (f64::from(bucket.min), mean, f64::from(bucket.max))),
            smooth: smoothing.add(mean, bucket.count),
            has_nonfinite: bucket.count < next.saturating_sub(bucket.step),
        })
    });
    window_with_neighbors(all, wanted.window, |s| s.x)
}

/// The items within a window and one more at either side, which lines at the edges come from and go to.
fn window_with_neighbors<T: Copy>(
    all: impl Iterator<Item = T>,
    (from, to): (f64, f64),
    x: impl Fn(&T) -> f64,
) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for item in all {
        let at = x(&item);
        if at <= from {
            kept.clear();
        }
        kept.push(item);
        if at > to {
            break;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve_request(from: u64, to: u64) -> CurveRequest {
        CurveRequest { window: (from as f64, to as f64), time: false, smoothing: Series::SMOOTHING_FACTOR }
    }

    fn of(series: &Series, from: u64, to: u64) -> Vec<CurveSpan> {
        samples(series, &curve_request(from, to), |s| s)
    }

    #[test]
    fn a_window_is_smoothed_as_the_series_is() {
        let mut s = Series::default();
        let values: Vec<f32> = (0..5000).map(|k| 1.0 + (k as f32 * 0.1).sin()).collect();
        s.extend(0, &values);
        let shown = of(&s, 4500, 5000);
        assert_eq!((shown.len(), shown[0].step), (500, 4500.0));
        assert!((shown[499].smooth.unwrap() - s.smoothed().unwrap()).abs() < 0.02);
        // A short curve is smoothed exactly as the series specifies.
        let mut s = Series::default();
        s.extend(0, &values[..700]);
        for from in [0, 300] {
            let last = *of(&s, from, 700).last().unwrap();
            assert!((last.smooth.unwrap() - s.smoothed().unwrap()).abs() < 1e-9);
        }
    }

    #[test]
    fn the_start_of_the_smoothing_is_corrected() {
        let mut s = Series::default();
        s.extend(0, &[2.0, 2.0, 2.0, 5.0]);
        for smoothing in [0.5, 0.9, 0.999] {
            let wanted = CurveRequest { smoothing, ..curve_request(0, 9) };
            let shown = samples(&s, &wanted, |s| s);
            assert!(shown[..3].iter().all(|s| (s.smooth.unwrap() - 2.0).abs() < 1e-12));
            // Direct: weights (1 - past) past^age, divided by their sum.
            let weights: Vec<f64> = (0..4).rev().map(|age| smoothing.powi(age)).collect();
            let mean =
                weights.iter().zip([2.0, 2.0, 2.0, 5.0]).map(|(w, v)| w * v).sum::<f64>() / weights.iter().sum::<f64>();
            assert!((shown[3].smooth.unwrap() - mean).abs() < 1e-12);
        }
    }

    #[test]
    fn a_window_has_one_sample_more_at_either_side() {
        let mut s = Series::default();
        s.extend(0, &[1.0; 100]);
        let steps: Vec<f64> = of(&s, 20, 25).iter().map(|s| s.step).collect();
        assert_eq!((steps[0], steps[steps.len() - 1], steps.len()), (20.0, 26.0, 7));
    }

    #[test]
    fn gaps_stay_gaps() {
        let mut s = Series::default();
        s.extend(0, &[1.0, f32::NAN, 3.0]);
        let shown = of(&s, 0, 9);
        assert_eq!(
            shown.iter().map(|s| (s.range.is_some(), s.has_nonfinite)).collect::<Vec<_>>(),
            [(true, false), (false, true), (true, false)]
        );
        assert_eq!(shown[1].smooth, None);
    }
}

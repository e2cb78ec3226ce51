//! Loss curves of any length in bounded memory.

mod curve_style;
mod smoothing;
mod track;

pub use curve_style::{CurveLook, OtherCurve};
pub use smoothing::Smoothing;
pub use track::{StepMark, StepTrack};

use crate::numbers::{nan_as_null, nans_as_null};
use serde::{Deserialize, Serialize};

/// A curve kept twice: the most recent values as they came, and the whole in buckets that widen as it grows.
///
/// Buckets keep minimum, maximum and mean, so a spike is never averaged away. Values that are not finite are kept as
/// gaps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    first_step: u64,
    next_step: u64,
    #[serde(with = "nans_as_null")]
    recent: std::collections::VecDeque<f32>,
    buckets: Vec<Bucket>,
    stride: u64,
    smoothed: f64,
    smoothed_weight: f64,
}

/// A stretch of consecutive steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// First step of the stretch.
    pub step: u64,
    /// Smallest finite value; not finite when there is none.
    #[serde(with = "nan_as_null")]
    pub min: f32,
    /// Largest finite value; not finite when there is none.
    #[serde(with = "nan_as_null")]
    pub max: f32,
    /// Sum of the finite values.
    pub sum: f64,
    /// Number of finite values.
    pub count: u64,
}

impl Bucket {
    fn empty(step: u64) -> Self {
        Self { step, min: f32::INFINITY, max: f32::NEG_INFINITY, sum: 0.0, count: 0 }
    }

    fn add(&mut self, value: f32) {
        if value.is_finite() {
            self.min = self.min.min(value);
            self.max = self.max.max(value);
            self.sum += f64::from(value);
            self.count += 1;
        }
    }

    fn merge(&mut self, other: &Bucket) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
        self.count += other.count;
    }

    /// Mean of the finite values; `None` for a gap.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

impl Default for Series {
    fn default() -> Self {
        Self {
            first_step: 0,
            next_step: 0,
            recent: Default::default(),
            buckets: Vec::new(),
            stride: 1,
            smoothed: 0.0,
            smoothed_weight: 0.0,
        }
    }
}

impl Series {
    /// How many recent values are kept as they came.
    pub const MAX_RECENT: usize = 2048;
    /// How many buckets the whole curve has at most.
    pub const MAX_BUCKETS: usize = 4096;
    /// Steps that may be missing between two that are there; with more, the curve begins anew.
    pub const MAX_GAP: u64 = 1 << 20;
    /// Weight of the past in the exponential smoothing, per step.
    pub const SMOOTHING_FACTOR: f64 = 0.97;

    /// Appends values of consecutive steps that begin at `first_step`.
    ///
    /// Values at or before a step that is already there replace what follows it: that is what a resumed run sends.
    pub fn extend(&mut self, first_step: u64, values: &[f32]) {
        if first_step < self.next_step {
            self.truncate(first_step);
        }
        if self.is_empty() {
            self.first_step = first_step;
            self.next_step = first_step;
        }
        // No run has so many steps: what is in front of such a gap does not belong to this curve.
        if first_step - self.next_step > Self::MAX_GAP {
            *self = Self { first_step, next_step: first_step, ..Self::default() };
        }
        while self.next_step < first_step {
            self.push(f32::NAN);
        }
        // Numbers end somewhere.
        let room = usize::try_from(u64::MAX - first_step).unwrap_or(usize::MAX);
        let values = &values[..values.len().min(room)];
        values.iter().for_each(|&v| self.push(v));
    }

    fn push(&mut self, value: f32) {
        let step = self.next_step;
        self.next_step += 1;
        self.recent.push_back(value);
        if self.recent.len() > Self::MAX_RECENT {
            self.recent.pop_front();
        }
        if value.is_finite() {
            self.smoothed = Self::SMOOTHING_FACTOR * self.smoothed + (1.0 - Self::SMOOTHING_FACTOR) * f64::from(value);
            self.smoothed_weight = Self::SMOOTHING_FACTOR * self.smoothed_weight + (1.0 - Self::SMOOTHING_FACTOR);
        }
        if (step - self.first_step).is_multiple_of(self.stride) {
            self.buckets.push(Bucket::empty(step));
        }
        if let Some(last) = self.buckets.last_mut() {
            last.add(value);
        }
        if self.buckets.len() >= Self::MAX_BUCKETS {
            let merged = self.buckets.chunks(2).map(|pair| {
                let mut first = pair[0];
                pair.iter().skip(1).for_each(|b| first.merge(b));
                first
            });
            self.buckets = merged.collect();
            self.stride *= 2;
        }
    }

    /// Forgets everything from `step` on, to the width of a bucket.
    pub fn truncate(&mut self, step: u64) {
        if step <= self.first_step {
            *self = Self::default();
            return;
        }
        let drop = self.next_step.saturating_sub(step) as usize;
        self.recent.truncate(self.recent.len().saturating_sub(drop));
        self.next_step = self.next_step.min(step);
        while self.buckets.last().is_some_and(|b| b.step >= step) {
            self.buckets.pop();
        }
    }

    /// True before the first value.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty()
    }

    /// One past the last step.
    pub fn end_step(&self) -> u64 {
        self.next_step
    }

    /// The latest value, finite or not.
    pub fn last_value(&self) -> Option<f32> {
        self.recent.back().copied()
    }

    /// The exponentially smoothed latest value, corrected for its start at zero; `None` before a finite value.
    pub fn smoothed(&self) -> Option<f64> {
        (self.smoothed_weight > 0.0).then(|| self.smoothed / self.smoothed_weight)
    }

    /// The recent values with their steps.
    pub fn recent_values(&self) -> impl ExactSizeIterator<Item = (u64, f32)> + '_ {
        let first = self.next_step - self.recent.len() as u64;
        self.recent.iter().enumerate().map(move |(i, &v)| (first + i as u64, v))
    }

    /// The whole curve in buckets.
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    /// The first step.
    pub fn start_step(&self) -> u64 {
        self.first_step
    }

    /// The whole curve as finely as it is known: buckets, then the recent values as buckets of one step each.
    ///
    /// Every step is in exactly one of them.
    pub fn finest_buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        let kept = self.next_step - self.recent.len() as u64;
        let whole = self.buckets.partition_point(|b| b.step.saturating_add(self.stride) <= kept);
        let from = self.buckets.get(whole).map_or(self.next_step, |b| b.step);
        // The bucket over the border is kept whole; what it holds already is left out of the recent values.
        let border = (from < kept).then(|| self.buckets[whole]);
        let skip = border.map_or(from, |b| b.step.saturating_add(self.stride));
        let recent = self.recent_values().filter(move |(step, _)| *step >= skip);
        let single = |(step, value): (u64, f32)| {
            let mut bucket = Bucket::empty(step);
            bucket.add(value);
            bucket
        };
        self.buckets[..whole].iter().copied().chain(border).chain(recent.map(single))
    }

    /// Steps of a bucket.
    pub fn stride(&self) -> u64 {
        self.stride
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounded_and_spikes_survive() {
        let mut s = Series::default();
        for step in 0..100_000u64 {
            s.extend(step, &[if step == 54_321 { 99.0 } else { 1.0 }]);
        }
        assert!(s.buckets().len() <= Series::MAX_BUCKETS && s.recent_values().len() == Series::MAX_RECENT);
        assert_eq!(s.buckets().iter().map(|b| b.count).sum::<u64>(), 100_000);
        assert!(s.buckets().iter().any(|b| b.max == 99.0));
        assert_eq!(s.end_step(), 100_000);
    }

    #[test]
    fn gaps_for_values_that_are_not_finite_and_steps_that_are_missing() {
        let mut s = Series::default();
        s.extend(10, &[1.0, f32::NAN, f32::INFINITY]);
        s.extend(15, &[2.0]);
        assert_eq!(s.end_step(), 16);
        assert_eq!(s.recent_values().filter(|(_, v)| v.is_finite()).collect::<Vec<_>>(), [(10, 1.0), (15, 2.0)]);
        assert!(s.smoothed().unwrap().is_finite());
    }

    #[test]
    fn a_first_step_that_is_far_away_begins_the_curve_anew_at_once() {
        let mut s = Series::default();
        for far in [9_000_000_000_000_000_000, u64::MAX - 1, u64::MAX] {
            s.extend(0, &[1.0; 10]);
            s.extend(far, &[2.0, 3.0]);
            assert_eq!((s.start_step(), s.recent_values().len()), (far, (u64::MAX - far).min(2) as usize));
        }
        s.extend(0, &[1.0]);
        s.extend(Series::MAX_GAP + 1, &[2.0]);
        assert_eq!((s.start_step(), s.end_step()), (0, Series::MAX_GAP + 2));
    }

    #[test]
    fn the_finest_view_has_every_step_once() {
        for n in [1u64, 100, 2048, 5000, 8192, 20_000, 70_001] {
            let mut s = Series::default();
            let values: Vec<f32> = (0..n).map(|k| k as f32).collect();
            s.extend(7, &values);
            let all: Vec<Bucket> = s.finest_buckets().collect();
            assert_eq!(all.iter().map(|b| b.count).sum::<u64>(), n, "{n}");
            assert!(all.windows(2).all(|w| w[0].step + w[0].count == w[1].step), "{n}");
            assert_eq!(all.last().unwrap().max, (n - 1) as f32);
            assert!(all.len() <= Series::MAX_BUCKETS + Series::MAX_RECENT);
        }
    }

    #[test]
    fn a_resumed_run_replaces_what_it_repeats() {
        let mut s = Series::default();
        s.extend(0, &[1.0; 100]);
        s.extend(40, &[2.0; 10]);
        assert_eq!(s.end_step(), 50);
        assert_eq!(s.last_value(), Some(2.0));
        s.extend(0, &[3.0]);
        assert_eq!((s.end_step(), s.buckets().len()), (1, 1));
    }
}

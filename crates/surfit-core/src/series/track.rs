//! When the steps of a curve were done, and at which learning rate, in bounded memory.

use serde::{Deserialize, Serialize};

/// A curve's way through time: marks at steps, between which time and learning rate are interpolated.
///
/// Marks lie at least a stride apart; the stride doubles when there are too many of them. The latest mark is always
/// kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepTrack {
    marks: Vec<StepMark>,
    stride: u64,
}

/// A moment of a training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepMark {
    /// Optimizer steps done.
    pub step: u64,
    /// Seconds of work up to here; pauses and the time without an engine do not count.
    pub seconds: f64,
    /// Learning rate of the last of these steps.
    pub rate: f64,
}

impl Default for StepTrack {
    fn default() -> Self {
        Self { marks: Vec::new(), stride: 1 }
    }
}

impl StepTrack {
    /// How many marks there are at most.
    pub const MAX_MARKS: usize = 2048;

    /// Adds that `seconds` of work brought the curve to `step`. Marks at or after that step are void: that is what a
    /// resumed run repeats.
    pub fn advance(&mut self, step: u64, seconds: f64, rate: f64) {
        self.truncate(step.saturating_sub(1));
        let seconds = if seconds.is_finite() { seconds.max(0.0) } else { 0.0 };
        let mark = StepMark { step, seconds: self.seconds() + seconds, rate };
        // The last mark gives way to this one while both belong to the same stride.
        if let [.., before, last] = self.marks.as_mut_slice()
            && last.step - before.step < self.stride
        {
            *last = mark;
        } else {
            self.marks.push(mark);
        }
        if self.marks.len() > Self::MAX_MARKS {
            self.thin();
        }
    }

    fn thin(&mut self) {
        while self.marks.len() > Self::MAX_MARKS / 2 {
            self.stride *= 2;
            let (stride, last) = (self.stride, self.marks.last().copied());
            let mut kept: Option<u64> = None;
            self.marks.retain(|m| {
                let far = kept.is_none_or(|k| m.step - k >= stride);
                if far {
                    kept = Some(m.step);
                }
                far || Some(*m) == last
            });
        }
    }

    /// Forgets everything after `step`.
    pub fn truncate(&mut self, step: u64) {
        let kept = self.marks.partition_point(|m| m.step <= step);
        if kept == self.marks.len() {
            return;
        }
        // What was between two marks is known by interpolation only.
        let between = self.mark_at(step as f64);
        self.marks.truncate(kept);
        if let (Some(mark), Some(last)) = (between, self.marks.last())
            && last.step < step
        {
            self.marks.push(StepMark { step, ..mark });
        }
    }

    /// The marks, by step.
    pub fn marks(&self) -> &[StepMark] {
        &self.marks
    }

    /// Seconds of work so far.
    pub fn seconds(&self) -> f64 {
        self.marks.last().map_or(0.0, |m| m.seconds)
    }

    /// Time and rate when `step` steps were done; before the first mark time runs from zero, after the last one it
    /// stands. `None` without marks.
    pub fn mark_at(&self, step: f64) -> Option<StepMark> {
        let (first, last) = (self.marks.first()?, self.marks.last()?);
        let whole = step.max(0.0) as u64;
        let after = self.marks.partition_point(|m| (m.step as f64) < step);
        let Some(next) = self.marks.get(after) else {
            return Some(*last);
        };
        let Some(before) = after.checked_sub(1).map(|k| self.marks[k]) else {
            let part = (step / (first.step.max(1) as f64)).clamp(0.0, 1.0);
            return Some(StepMark { step: whole, seconds: part * first.seconds, rate: first.rate });
        };
        let part = (step - before.step as f64) / (next.step - before.step).max(1) as f64;
        let between = |a: f64, b: f64| a + part * (b - a);
        Some(StepMark {
            step: whole,
            seconds: between(before.seconds, next.seconds),
            rate: between(before.rate, next.rate),
        })
    }

    /// Steps done after `seconds` of work, the inverse of [`StepTrack::mark_at`]; `None` without marks.
    pub fn step_at(&self, seconds: f64) -> Option<f64> {
        let (first, last) = (self.marks.first()?, self.marks.last()?);
        let after = self.marks.partition_point(|m| m.seconds < seconds);
        let Some(next) = self.marks.get(after) else {
            return Some(last.step as f64);
        };
        let before = match after.checked_sub(1) {
            Some(k) => (self.marks[k].step as f64, self.marks[k].seconds),
            None if first.seconds > 0.0 => (0.0, 0.0),
            None => return Some(first.step as f64),
        };
        let width = next.seconds - before.1;
        let part = if width > 0.0 { ((seconds - before.1) / width).clamp(0.0, 1.0) } else { 1.0 };
        Some(before.0 + part * (next.step as f64 - before.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn even(steps: u64) -> StepTrack {
        let mut track = StepTrack::default();
        (1..=steps).for_each(|s| track.advance(s, 0.5, 0.1));
        track
    }

    #[test]
    fn bounded_and_true_at_every_step() {
        let track = even(100_000);
        assert!(track.marks().len() <= StepTrack::MAX_MARKS);
        assert_eq!(track.marks().last().unwrap().step, 100_000);
        for step in [0.0, 1.0, 777.0, 50_000.5, 100_000.0] {
            assert!((track.mark_at(step).unwrap().seconds - 0.5 * step).abs() < 1e-6);
            assert!((track.step_at(0.5 * step).unwrap() - step).abs() < 1e-3);
        }
        assert_eq!(StepTrack::default().mark_at(3.0), None);
    }

    #[test]
    fn a_repeated_stretch_takes_the_place_of_the_first() {
        let mut track = even(100);
        track.truncate(40);
        assert_eq!(track.seconds(), 20.0);
        track.advance(50, 1.0, 0.2);
        let mark = track.mark_at(50.0).unwrap();
        assert_eq!((mark.seconds, mark.rate), (21.0, 0.2));
        track.truncate(0);
        assert!(track.marks().is_empty());
    }

    proptest! {
        #[test]
        fn time_never_runs_back(moves in prop::collection::vec((0u64..5000, any::<f64>(), any::<f64>()), 0..200), at: f64) {
            let mut track = StepTrack::default();
            for (step, seconds, rate) in moves {
                track.advance(step, seconds.clamp(-1e9, 1e9), rate);
            }
            prop_assert!(track.marks().windows(2).all(|w| w[0].step < w[1].step && w[0].seconds <= w[1].seconds));
            track.mark_at(at);
            track.step_at(at);
        }
    }
}

//! Validation measurements of any number in bounded memory.

use crate::numbers::nan_as_null;
use serde::{Deserialize, Serialize};

/// A validation measurement on a curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidationPoint {
    /// After this many optimizer steps.
    pub step: u64,
    /// Validation loss as mean cross-entropy.
    #[serde(with = "nan_as_null")]
    pub loss: f64,
    /// Accuracy, a fraction.
    pub accuracy: f64,
}

impl ValidationPoint {
    /// How many of a curve are kept at most.
    pub const MAX_POINTS: usize = 2048;

    /// Adds a measurement to those of a curve; what was measured at or after its step is void. Of too many every other is
    /// left out, the best of them and the latest never.
    pub(super) fn insert_into(self, list: &mut Vec<Self>) {
        list.truncate(list.partition_point(|v| v.step < self.step));
        list.push(self);
        if list.len() > Self::MAX_POINTS {
            thin(list);
        }
    }
}

/// Leaves out what lies closer together than a stride, which doubles until half of the most are left. The older a stretch,
/// the farther apart are its measurements; what is recent is whole.
fn thin(list: &mut Vec<ValidationPoint>) {
    let best = |better: fn(&ValidationPoint, &ValidationPoint) -> bool| {
        let finite = list.iter().filter(|v| v.loss.is_finite());
        finite.copied().reduce(|a, b| if better(&b, &a) { b } else { a }).map(|v| v.step)
    };
    let kept = [
        best(|a, b| a.accuracy > b.accuracy),
        best(|a, b| a.loss < b.loss),
        list.first().map(|v| v.step),
        list.last().map(|v| v.step),
    ];
    let mut stride = 1u64;
    // Those that are kept whatever comes may be more than half of a short list, never of one of this length.
    while list.len() > ValidationPoint::MAX_POINTS / 2 {
        stride = stride.saturating_mul(2);
        let mut before: Option<u64> = None;
        list.retain(|v| {
            let far = before.is_none_or(|b| v.step - b >= stride);
            if far {
                before = Some(v.step);
            }
            far || kept.contains(&Some(v.step))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_measurements_is_bounded_and_keeps_its_best_and_its_shape() {
        let mut list = Vec::new();
        let accuracy = |n: u64| match n {
            31_415 => 0.99,
            n => 0.5 + 0.4 * (n as f64 / 90_000.0),
        };
        let loss = |n: u64| if n == 27_182 { 0.01 } else { 1.0 };
        for n in 0..90_000u64 {
            let validation = ValidationPoint { step: 40 * n, loss: loss(n), accuracy: accuracy(n) };
            validation.insert_into(&mut list);
            assert!(list.len() <= ValidationPoint::MAX_POINTS);
            assert_eq!(list.last(), Some(&validation));
        }
        assert!(list.len() > ValidationPoint::MAX_POINTS / 4, "{}", list.len());
        assert!(list.windows(2).all(|w| w[0].step < w[1].step));
        // Every one has its measured value, the best ones among them, and none is far from the next.
        for v in &list {
            assert_eq!((v.loss, v.accuracy), (loss(v.step / 40), accuracy(v.step / 40)));
        }
        assert!(list.iter().any(|v| v.accuracy == 0.99));
        assert!(list.iter().any(|v| v.loss == 0.01));
        let widest = list.windows(2).map(|w| w[1].step - w[0].step).max();
        assert!(widest < Some(40 * 90_000 / 200), "{widest:?}");
        // What a resumed run repeats takes the place of what came after.
        let again = ValidationPoint { step: 40 * 50_000, loss: 2.0, accuracy: 0.25 };
        again.insert_into(&mut list);
        assert_eq!(list.last(), Some(&again));
    }

    #[test]
    fn steps_at_the_end_of_numbers_and_losses_that_are_none_come_to_an_end() {
        let mut list = Vec::new();
        for n in 0..5000u64 {
            ValidationPoint { step: u64::MAX - 5000 + n, loss: f64::NAN, accuracy: 0.1 }.insert_into(&mut list);
        }
        assert!(list.len() <= ValidationPoint::MAX_POINTS);
    }
}

//! Which values the colours span.

use crate::views::scale::{nice, number};
use surfit_core::heatmap::{Heatmap, Metric};

/// The span of values that colours, glyphs and digits stand for.
///
/// It is chosen from the measured cells so that differences near the top are seen: a few very bad cells are beyond its
/// lower end. Its limits are natural numbers, so that it rests while cells come in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Smallest value.
    pub lo: f64,
    /// Largest value.
    pub hi: f64,
    /// Some cells are worse than the range reaches; they have the colour of its worse end.
    pub clipped: bool,
    /// Colours grow lighter toward better values, also where smaller is better.
    pub higher_is_better: bool,
}

impl Range {
    /// The range for the measured cells of a heatmap.
    pub fn of(heatmap: &Heatmap, metric: Metric) -> Self {
        let mut values: Vec<f64> = heatmap.cells.iter().filter_map(|c| metric.of(c)).collect();
        values.sort_by(f64::total_cmp);
        let higher_is_better = metric.higher_is_better();
        let (Some(&first), Some(&last)) = (values.first(), values.last()) else {
            return Self {
                lo: 0.0,
                hi: 1.0,
                clipped: false,
                higher_is_better,
            };
        };
        let cut = values.len() / 50;
        let (lo, hi) = if higher_is_better {
            (values[cut], last)
        } else {
            (first, values[values.len() - 1 - cut])
        };
        // Half a percentage point at least: less is noise, and noise should not look like a landscape.
        let least = if metric == Metric::Accuracy {
            0.005
        } else {
            (hi.abs() * 0.02).max(1e-6)
        };
        let step = nice(((hi - lo) / 10.0).max(least / 10.0));
        let (mut low, mut high) = (
            (lo / step - 1e-6).floor() * step,
            (hi / step + 1e-6).ceil() * step,
        );
        while high - low < least {
            low -= step;
            high += step;
        }
        if metric == Metric::Accuracy {
            (low, high) = (low.max(0.0), high.min(1.0));
        } else {
            low = low.max(0.0);
        }
        let high = high.max(low + 1e-9);
        let clipped = if higher_is_better {
            first < low
        } else {
            last > high
        };
        Self {
            lo: low,
            hi: high,
            clipped,
            higher_is_better,
        }
    }

    /// How good a value is, 0 to 1.
    pub fn at(&self, value: f64) -> f64 {
        let t = ((value - self.lo) / (self.hi - self.lo)).clamp(0.0, 1.0);
        let t = if t.is_nan() { 0.0 } else { t };
        if self.higher_is_better { t } else { 1.0 - t }
    }

    /// The value at `t`, 0 (worst) to 1 (best).
    pub fn value(&self, t: f64) -> f64 {
        let t = if self.higher_is_better { t } else { 1.0 - t };
        self.lo + t * (self.hi - self.lo)
    }

    /// How good a value is, in tenths: a digit from 0 to 9.
    pub fn digit(&self, value: f64) -> u8 {
        (self.at(value) * 10.0).floor().clamp(0.0, 9.0) as u8
    }

    /// What is written before the label of the worse end.
    pub fn end_sign(&self, ascii: bool) -> &'static str {
        match (self.clipped, self.higher_is_better, ascii) {
            (false, ..) => "",
            (_, true, false) => "≤",
            (_, false, false) => "≥",
            (_, true, true) => "<",
            (_, false, true) => ">",
        }
    }

    /// A value as the metric is written beside the bar, `decimals` chosen by the range.
    pub fn label(&self, value: f64, metric: Metric) -> String {
        if metric == Metric::Loss {
            return number(value, (self.hi - self.lo) / 20.0);
        }
        let decimals = match 100.0 * (self.hi - self.lo) {
            span if span > 20.0 => 0,
            span if span > 0.99 => 1,
            span if span > 0.099 => 2,
            _ => 3,
        };
        format!("{:.decimals$}", 100.0 * value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::heatmap::Cell;

    fn heatmap(correct: &[u32]) -> Heatmap {
        let mut h = Heatmap::new(surfit_core::surface::Patch::Square, 11);
        for (cell, &correct) in h.cells.iter_mut().zip(correct) {
            *cell = Cell {
                correct,
                images: 1000,
                loss: 1.0 - correct as f32 / 1000.0,
                version: 0,
            };
        }
        h
    }

    #[test]
    fn a_few_bad_cells_do_not_flatten_the_top() {
        let mut correct: Vec<u32> = (0..121).map(|k| 850 + k % 30).collect();
        correct[60] = 110;
        correct[61] = 300;
        let r = Range::of(&heatmap(&correct), Metric::Accuracy);
        assert!(r.lo > 0.84 && (r.hi - 0.88).abs() < 1e-9, "{r:?}");
        assert_eq!((r.at(0.11), r.clipped, r.end_sign(false)), (0.0, true, "≤"));
        let l = Range::of(&heatmap(&correct), Metric::Loss);
        assert!(l.hi < 0.17 && l.at(0.12) > l.at(0.15), "{l:?}");
    }

    #[test]
    fn equal_unmeasured_and_extreme_cells() {
        let r = Range::of(
            &Heatmap::new(surfit_core::surface::Patch::Square, 5),
            Metric::Accuracy,
        );
        assert_eq!((r.lo, r.hi), (0.0, 1.0));
        for all in [0, 500, 1000] {
            let r = Range::of(&heatmap(&[all; 121]), Metric::Accuracy);
            assert!(r.hi > r.lo && r.lo >= 0.0 && r.hi <= 1.0, "{r:?}");
        }
        let r = Range::of(&heatmap(&[0, 1000]), Metric::Accuracy);
        assert_eq!(
            (r.lo, r.hi, r.digit(1.0), r.digit(0.0), r.digit(0.55)),
            (0.0, 1.0, 9, 0, 5)
        );
        assert_eq!(r.label(0.5, Metric::Accuracy), "50");
    }
}

//! What can be measured at a point of the surface: one table, one line a metric.

use super::Cell;
use crate::event::CornerReady;
use serde::{Deserialize, Serialize};

/// What a heatmap shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Fraction of validation images classified correctly; higher is better.
    #[default]
    Accuracy,
    /// Mean cross-entropy on validation images; lower is better.
    Loss,
}

/// A line of the table: everything that views need to know of a metric.
#[derive(Debug)]
pub struct MetricSpec {
    /// Metric that these facts describe.
    pub metric: Metric,
    /// Its name for people.
    pub name: &'static str,
    /// Larger values are better.
    pub higher_is_better: bool,
    /// It is a fraction that people read as a percentage.
    pub percent: bool,
    /// The smallest and the largest value that it can have.
    pub bounds: (f64, f64),
    /// Its value at a cell; see [`Metric::value_at`].
    value: fn(&Cell) -> Option<f64>,
    /// The ends of its 95 % confidence interval, where one is known.
    interval: fn(&Cell) -> Option<(f64, f64)>,
    /// Its value at a corner that is ready.
    corner: fn(&CornerReady) -> f64,
}

/// Every metric; a new one is a variant of [`Metric`] and a line here.
const METRICS: [MetricSpec; 2] = [
    MetricSpec {
        metric: Metric::Accuracy,
        name: "accuracy",
        higher_is_better: true,
        percent: true,
        bounds: (0.0, 1.0),
        value: Cell::accuracy,
        interval: Cell::interval,
        corner: |c| c.accuracy,
    },
    MetricSpec {
        metric: Metric::Loss,
        name: "loss",
        higher_is_better: false,
        percent: false,
        bounds: (0.0, f64::INFINITY),
        value: |c| (c.images > 0 && c.loss.is_finite()).then_some(c.loss.into()),
        interval: |_| None,
        corner: |c| c.loss,
    },
];

impl Metric {
    /// Every metric, in the order a switch goes through them.
    pub const ALL: [Metric; 2] = [Metric::Accuracy, Metric::Loss];

    /// The metric's line of the table.
    pub fn spec(self) -> &'static MetricSpec {
        // Every metric has its line at its place: a test sees to it.
        &METRICS[self as usize]
    }

    /// The metric after this one, round the table.
    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    /// The metric's value at a cell; `None` while unmeasured, and for a loss that is not finite.
    pub fn value_at(self, cell: &Cell) -> Option<f64> {
        (self.spec().value)(cell)
    }

    /// The ends of the 95 % confidence interval at a cell; `None` while unmeasured, and for a metric that has none.
    pub fn interval(self, cell: &Cell) -> Option<(f64, f64)> {
        (self.spec().interval)(cell)
    }

    /// The metric's value at a corner; `None` when it is not finite.
    pub fn corner_value(self, corner: &CornerReady) -> Option<f64> {
        Some((self.spec().corner)(corner)).filter(|v| v.is_finite())
    }

    /// The best value among corners; `None` when none has one.
    pub fn best_corner_value<'a>(self, corners: impl IntoIterator<Item = &'a CornerReady>) -> Option<f64> {
        let values = corners.into_iter().filter_map(|c| self.corner_value(c));
        if self.higher_is_better() { values.max_by(f64::total_cmp) } else { values.min_by(f64::total_cmp) }
    }

    /// The metric's name for people.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// True when larger values are better.
    pub fn higher_is_better(self) -> bool {
        self.spec().higher_is_better
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_its_line_and_the_switch_goes_round() {
        for (n, metric) in Metric::ALL.into_iter().enumerate() {
            assert_eq!((metric as usize, metric.spec().metric), (n, metric));
        }
        let round = Metric::ALL.iter().fold(Metric::Accuracy, |m, _| m.next());
        assert_eq!(round, Metric::Accuracy);
    }

    #[test]
    fn the_best_corner_is_the_better_one_of_each_metric() {
        let corner = |accuracy, loss| CornerReady {
            index: 0,
            source: String::new(),
            accuracy,
            loss,
            seconds: 0.0,
            own_statistics: None,
            warnings: Vec::new(),
        };
        let corners = [corner(0.8, 0.3), corner(0.9, f64::NAN), corner(0.7, 0.5)];
        assert_eq!(Metric::Accuracy.best_corner_value(&corners), Some(0.9));
        assert_eq!(Metric::Loss.best_corner_value(&corners), Some(0.3));
        assert_eq!(Metric::Loss.best_corner_value(&corners[1..2]), None);
    }
}

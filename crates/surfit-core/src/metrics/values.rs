//! Sums and values of every metric.

use super::{ClassifiedBatch, METRICS, Metric};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// Where the sums of each metric begin, and how many there are of all.
const OFFSETS: [usize; METRICS.len() + 1] = {
    let mut offsets = [0; METRICS.len() + 1];
    let mut index = 0;
    while index < METRICS.len() {
        offsets[index + 1] = offsets[index] + METRICS[index].sums;
        index += 1;
    }
    offsets
};
const SUM_COUNT: usize = OFFSETS[METRICS.len()];

/// The sums of every metric over some images. Those of two sets of images together are their sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricSums([f64; SUM_COUNT]);

impl Default for MetricSums {
    fn default() -> Self {
        Self([0.0; SUM_COUNT])
    }
}

impl std::ops::AddAssign for MetricSums {
    fn add_assign(&mut self, other: Self) {
        for (sum, more) in self.0.iter_mut().zip(other.0) {
            *sum += more;
        }
    }
}

impl MetricSums {
    /// Adds a batch to the sums of every metric.
    pub fn add_batch(&mut self, batch: &ClassifiedBatch) {
        for (spec, start) in METRICS.iter().zip(OFFSETS) {
            (spec.accumulate)(batch, &mut self.0[start..start + spec.sums]);
        }
    }

    /// The sums of a metric.
    pub fn of(&self, metric: Metric) -> &[f64] {
        &self.0[OFFSETS[metric.index()]..OFFSETS[metric.index() + 1]]
    }

    /// The sums of a metric, to be changed.
    pub fn of_mut(&mut self, metric: Metric) -> &mut [f64] {
        &mut self.0[OFFSETS[metric.index()]..OFFSETS[metric.index() + 1]]
    }

    /// A metric's value over so many images; `None` without images, and where it is not known.
    pub fn estimate(&self, metric: Metric, images: u32) -> Option<MetricEstimate> {
        (metric.spec().estimate)(self.of(metric), images.max(1)).filter(|_| images > 0)
    }

    /// The values of every metric over so many images.
    pub fn values(&self, images: u32) -> MetricValues {
        MetricValues(std::array::from_fn(|index| self.estimate(Metric(index as u8), images)))
    }
}

/// A value with the ends of its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricEstimate {
    /// Value of the metric, finite.
    pub value: f64,
    /// Ends of the interval; `None` for a metric that has none.
    pub interval: Option<(f64, f64)>,
}

/// The values of metrics by id, as far as they are known. As JSON it is `{"ID": [value], "ID": [value, low, high]}`; ids
/// that this program does not know are passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MetricValues([Option<MetricEstimate>; METRICS.len()]);

impl MetricValues {
    /// What is known of a metric.
    pub fn get(&self, metric: Metric) -> Option<MetricEstimate> {
        self.0[metric.index()]
    }

    /// Takes in a value, or forgets it.
    pub fn set(&mut self, metric: Metric, estimate: Option<MetricEstimate>) {
        self.0[metric.index()] = estimate;
    }

    /// Takes in a value without its interval, where it is finite.
    pub fn with_value(mut self, metric: Metric, value: Option<f64>) -> Self {
        let value = value.filter(|v| v.is_finite());
        self.set(metric, value.map(|value| MetricEstimate { value, interval: None }));
        self
    }

    /// What is known, in the order of the registry.
    pub fn iter(&self) -> impl Iterator<Item = (Metric, MetricEstimate)> + '_ {
        Metric::all().filter_map(|metric| Some((metric, self.get(metric)?)))
    }

    /// All but accuracy and loss, which have fields of their own in events and stored cells.
    pub fn others(mut self) -> Self {
        self.set(Metric::ACCURACY, None);
        self.set(Metric::LOSS, None);
        self
    }

    /// True when nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// A metric's value, where accuracy and loss have fields of their own besides these.
    pub(crate) fn value_beside(&self, accuracy: f64, loss: f64, metric: Metric) -> Option<f64> {
        let value = match metric {
            Metric::ACCURACY => Some(accuracy),
            Metric::LOSS => Some(loss),
            _ => self.get(metric).map(|estimate| estimate.value),
        };
        value.filter(|v| v.is_finite())
    }
}

impl Serialize for MetricValues {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let numbers = |MetricEstimate { value, interval }| match interval {
            Some((low, high)) => vec![value, low, high],
            None => vec![value],
        };
        out.collect_map(self.iter().map(|(metric, estimate)| (metric.id(), numbers(estimate))))
    }
}

impl<'de> Deserialize<'de> for MetricValues {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut values = Self::default();
        for (id, numbers) in BTreeMap::<String, serde_json::Value>::deserialize(from)? {
            let Ok(metric) = id.parse() else { continue };
            // A `null` is a number that was not finite.
            let numbers: Vec<Option<f64>> = serde_json::from_value(numbers).map_err(D::Error::custom)?;
            let finite = |index: usize| numbers.get(index).copied().flatten();
            let interval = finite(1).zip(finite(2));
            values.set(metric, finite(0).map(|value| MetricEstimate { value, interval }));
        }
        Ok(values)
    }
}

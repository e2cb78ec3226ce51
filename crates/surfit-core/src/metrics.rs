//! Metrics of a network on a set of images: the registry, and what is stored of a measurement.
//!
//! A metric is a file below this one with its [`MetricSpec`], and its line in `METRICS`. It is a sum over images: every
//! batch adds to a few numbers, the sums of two batches are those of both together, and the value follows from the sums.
//! Everything else goes by the registry: cells and events store values by id, files have a column for each, and screens,
//! reports, options, filters and documentation name what is in it.
//!
//! A metric sees logits and labels. Gradients with respect to the images are not offered: measuring is a forward pass, and
//! a backward pass beside it would make every cell of every run cost three times as much.

mod accuracy;
mod batch;
mod ece;
mod interval;
mod loss;
mod top5;
mod values;

pub use batch::{ClassifiedBatch, ImageOutput};
pub use interval::wilson_interval;
pub use values::{MetricEstimate, MetricSums, MetricValues};

use crate::config::unknown_name_message;
use crate::event::CornerReady;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Every metric, in the order a switch goes through them.
const METRICS: &[MetricSpec] = &[accuracy::SPEC, loss::SPEC, top5::SPEC, ece::SPEC];

/// How a metric's values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricUnit {
    /// A fraction that people read as a percentage; differences are percentage points.
    Percent,
    /// A plain number with the name of its unit.
    Plain(&'static str),
}

/// Everything there is to know of a metric.
#[derive(Debug)]
pub struct MetricSpec {
    /// Id in files, options and filters: lower-case letters and digits.
    pub id: &'static str,
    /// Name on screens and in reports.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub description: &'static str,
    /// How its values are written.
    pub unit: MetricUnit,
    /// Larger values are better.
    pub higher_is_better: bool,
    /// The smallest and the largest value that it can have.
    pub bounds: (f64, f64),
    /// What its 95 % confidence interval is; `None` when it has none.
    pub interval: Option<&'static str>,
    /// How many sums it keeps.
    pub sums: usize,
    /// Adds a batch to its sums.
    pub accumulate: fn(&ClassifiedBatch, &mut [f64]),
    /// Its value from the sums over so many images, at least one; `None` where it is not known.
    pub estimate: fn(&[f64], u32) -> Option<MetricEstimate>,
}

/// A metric of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Metric(u8);

/// A name that no metric has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", unknown_name_message("metric", name, &Metric::ids()))]
pub struct UnknownMetric {
    name: String,
}

impl Metric {
    /// Fraction of images classified correctly: what selection goes by.
    pub const ACCURACY: Self = Self::registered("accuracy");
    /// Mean cross-entropy: what training lowers.
    pub const LOSS: Self = Self::registered("loss");
    /// What the best point is chosen by, whatever a screen shows.
    pub const SELECTION: Self = Self::ACCURACY;
    /// Number of metrics.
    pub const COUNT: usize = METRICS.len();

    /// The metric of an id that is in the registry; else the program does not compile.
    const fn registered(id: &str) -> Self {
        let mut index = 0;
        while index < METRICS.len() {
            if same_text(METRICS[index].id, id) {
                return Self(index as u8);
            }
            index += 1;
        }
        panic!("the registry has no such metric")
    }

    /// Every metric, in the order a switch goes through them.
    pub fn all() -> impl ExactSizeIterator<Item = Self> + Clone {
        (0..Self::COUNT).map(|index| Self(index as u8))
    }

    /// The ids of all metrics.
    pub fn ids() -> Vec<&'static str> {
        Self::all().map(Self::id).collect()
    }

    /// Everything there is to know of it.
    pub fn spec(self) -> &'static MetricSpec {
        &METRICS[self.index()]
    }

    /// Place in the registry.
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Id in files, options and filters.
    pub fn id(self) -> &'static str {
        self.spec().id
    }

    /// Name on screens and in reports.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// True when larger values are better.
    pub fn higher_is_better(self) -> bool {
        self.spec().higher_is_better
    }

    /// True for fractions, which are written in percent, and their differences in percentage points.
    pub fn is_percent(self) -> bool {
        self.spec().unit == MetricUnit::Percent
    }

    /// Unit of its values as they are written.
    pub fn unit_name(self) -> &'static str {
        match self.spec().unit {
            MetricUnit::Percent => "%",
            MetricUnit::Plain(unit) => unit,
        }
    }

    /// Its name with the unit of its values: `accuracy, %`.
    pub fn label(self) -> String {
        format!("{}, {}", self.name(), self.unit_name())
    }

    /// A value for people, with four figures behind the point of a plain number.
    pub fn format_value(self, value: f64) -> String {
        if self.is_percent() { format!("{:.2} %", 100.0 * value) } else { format!("{value:.4}") }
    }

    /// Unit of differences between its values.
    pub fn difference_unit(self) -> &'static str {
        if self.is_percent() { "points" } else { self.unit_name() }
    }

    /// What a value is multiplied with to be written: 100 for a percentage.
    pub fn written_scale(self) -> f64 {
        if self.is_percent() { 100.0 } else { 1.0 }
    }

    /// A value turned so that more is better.
    pub fn score(self, value: f64) -> f64 {
        if self.higher_is_better() { value } else { -value }
    }

    /// Reads an id, one that is not in the registry as the default.
    ///
    /// # Errors
    /// For what is no text.
    pub(crate) fn deserialize_known<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(String::deserialize(from)?.parse().unwrap_or_default())
    }

    /// The best of several values.
    pub fn best_value(self, values: impl IntoIterator<Item = f64>) -> Option<f64> {
        values.into_iter().max_by(|one, other| self.score(*one).total_cmp(&self.score(*other)))
    }

    /// The best value among corners; `None` when none has one.
    pub fn best_corner_value<'a>(self, corners: impl IntoIterator<Item = &'a CornerReady>) -> Option<f64> {
        self.best_value(corners.into_iter().filter_map(|c| c.metric_value(self)))
    }
}

impl Default for Metric {
    fn default() -> Self {
        Self::ACCURACY
    }
}

impl std::str::FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(id: &str) -> Result<Self, UnknownMetric> {
        Self::all().find(|m| m.id() == id).ok_or_else(|| UnknownMetric { name: id.into() })
    }
}

impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id())
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.id())
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

const fn same_text(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut same = one.len() == other.len();
    let mut index = 0;
    while same && index < one.len() {
        same = one[index] == other[index];
        index += 1;
    }
    same
}

#[cfg(test)]
mod tests;

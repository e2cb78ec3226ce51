//! Payloads of events: runs, corners, alignments, models, results.

use crate::heatmap::{HeatmapSummary, MeasuredPoint};
use crate::metrics::{Metric, MetricValues};
use crate::numbers::{nan_as_null, nans_as_null};
use crate::surface::Degrees;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What the engine found out when it started; facts for the log and the header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Run id: the name of its directory.
    pub run: String,
    /// Version of the engine.
    pub engine: String,
    /// Device that computes, such as `cpu` or `cuda:0`.
    pub device: String,
    /// Compute type, such as `f32` or `bf16`.
    pub compute: String,
    /// Threads used for arithmetic on a CPU.
    pub threads: usize,
    /// Name of the network architecture.
    pub network: String,
    /// Number of weights `P`.
    pub parameters: usize,
    /// Data set name and source (`fashion-mnist-16k (embedded)`).
    pub data: String,
    /// Images in the training, validation and test split.
    pub images: [usize; 3],
    /// Class names in the order of the labels.
    pub classes: Vec<String>,
    /// Mean of every channel that images are normalized with; empty in older runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mean: Vec<f64>,
    /// Standard deviation of every channel, likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub std: Vec<f64>,
    /// Host name of the machine, with the batch job it is part of: `gpu7 (Slurm job 12)`; empty in older runs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub node: String,
}

/// A corner that is ready for use.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CornerReady {
    /// Corner number, `0..4`.
    pub index: usize,
    /// Where it came from: `seed 3, 8 epochs`, or a file name.
    pub source: String,
    /// Validation accuracy, a fraction, batch norm re-estimated.
    pub accuracy: f64,
    /// Mean validation cross-entropy.
    #[serde(with = "nan_as_null")]
    pub loss: f64,
    /// Seconds of training, 0 for a loaded corner.
    pub seconds: f64,
    /// Figures of a loaded network with the batch-norm statistics in its file; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_statistics: Option<OwnStatistics>,
    /// What does not look right about a loaded network, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Metrics other than accuracy and loss on validation, as far as they are known.
    #[serde(default, skip_serializing_if = "MetricValues::is_empty")]
    pub metrics: MetricValues,
}

impl CornerReady {
    /// A metric's value; `None` where it is not known.
    pub fn metric_value(&self, metric: Metric) -> Option<f64> {
        self.metrics.value_beside(self.accuracy, self.loss, metric)
    }
}

/// Validation figures of a network with the batch-norm statistics in its file, as its owner measures it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnStatistics {
    /// Accuracy, a fraction.
    pub accuracy: f64,
    /// Validation loss as mean cross-entropy.
    #[serde(with = "nan_as_null")]
    pub loss: f64,
}

/// Distances and angles between corners in weight space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Geometry {
    /// After the alignment, or as trained.
    pub aligned: bool,
    /// After a fit that trained the corners.
    #[serde(default)]
    pub fitted: bool,
    /// Pairs of corner numbers, each the smaller first.
    pub pairs: Vec<(usize, usize)>,
    /// Euclidean distance of every pair.
    #[serde(with = "nans_as_null")]
    pub distances: Vec<f64>,
    /// Angle between the weight vectors of every pair, in degrees.
    #[serde(with = "nans_as_null")]
    pub angles: Vec<f64>,
    /// For every pair without corner 0: the angle between the ways from corner 0 to the two, in degrees.
    #[serde(with = "nans_as_null")]
    pub angles_at_first: Vec<f64>,
}

/// What alignment did to a corner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alignment {
    /// Corner number, `1..4`; corner 0 is the reference.
    pub index: usize,
    /// Fraction of hidden units that moved.
    pub moved: f64,
    /// Largest difference of a logit over the check images, relative to the largest logit: rounding only.
    #[serde(with = "nan_as_null")]
    pub logit_change: f64,
    /// Distance to corner 0 in weight space before and after.
    #[serde(with = "nans_as_null")]
    pub distance: [f64; 2],
}

/// A model written to disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportedModel {
    /// Folder that holds `model.safetensors` and `model.json`.
    pub dir: PathBuf,
    /// What was requested: `best`, `at`, `centroid`, `ensemble`.
    pub selection: String,
    /// First parameter; absent for the centroid and for ensembles, which are no point of the surface.
    pub u: Option<f64>,
    /// Second parameter; absent where `u` is absent.
    pub v: Option<f64>,
    /// Validation accuracy, a fraction.
    pub validation_accuracy: f64,
    /// Test accuracy, a fraction, measured once, after the choice.
    pub test_accuracy: f64,
    /// Parameters of an ensemble's members; empty for one network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<(f64, f64)>,
    /// An ensemble's members were chosen on validation; false when they were given. Absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<bool>,
}

impl ExportedModel {
    /// An ensemble's members in words: `4 points chosen`, `2 points given`; `None` for one network.
    pub fn describe_members(&self) -> Option<String> {
        let points = match self.members.len() {
            0 => return None,
            1 => "1 point".into(),
            count => format!("{count} points"),
        };
        Some(match self.chosen {
            Some(true) => points + " chosen",
            Some(false) => points + " given",
            None => points,
        })
    }
}

/// The end of a search near a point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchResult {
    /// Where it began, measured on the whole validation split.
    pub from: MeasuredPoint,
    /// The best it found, measured likewise; the same point when nothing near is better.
    pub to: MeasuredPoint,
    /// Points that were looked at, the first one included.
    pub looked_at: usize,
    /// Validation images that were classified for it, over all points.
    pub images: u64,
}

/// An ensemble of points of the surface on the whole validation split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnsembleMeasured {
    /// Parameters of the members.
    pub points: Vec<(f64, f64)>,
    /// Accuracy of the mean of the members' class probabilities, a fraction.
    pub accuracy: f64,
    /// Mean cross-entropy of that mean.
    #[serde(with = "nan_as_null")]
    pub loss: f64,
    /// Accuracy of every member alone.
    pub members: Vec<f64>,
    /// Images it was measured on.
    pub images: u32,
    /// Metrics of that mean other than accuracy and loss, as far as they are known.
    #[serde(default, skip_serializing_if = "MetricValues::is_empty")]
    pub metrics: MetricValues,
}

/// Distances between control points in weight space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distances {
    /// Fit step at which they were taken.
    pub step: u64,
    /// Indices `(i, j)` of the control points, corners first.
    pub points: Vec<(usize, usize)>,
    /// Euclidean distances, relative to the mean distance between corners, row by row of the matrix `[K, K]`.
    #[serde(with = "nans_as_null")]
    pub values: Vec<f64>,
}

/// What else was made of the same corners, to compare the surface with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Which: `corner ensemble`, `uniform soup`, `centroid` or `surface ensemble`.
    pub name: String,
    /// Validation accuracy, a fraction.
    pub validation_accuracy: f64,
    /// Test accuracy, a fraction.
    pub test_accuracy: f64,
}

/// The result of a whole job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobResult {
    /// Validation accuracy of every corner.
    pub corners: Vec<f64>,
    /// Test accuracy of every corner.
    pub corners_test: Vec<f64>,
    /// Degrees of the surface.
    pub degrees: Degrees,
    /// The best grid point by validation accuracy.
    pub best: MeasuredPoint,
    /// Its test accuracy, when it was exported.
    pub best_test: Option<f64>,
    /// Mean accuracy over the cells that are not on the boundary.
    pub interior_mean: f64,
    /// Further figures of the heatmap.
    pub heatmap: HeatmapSummary,
    /// Points per axis of the heatmap.
    pub grid: usize,
    /// Seconds of every stage that ran, by name.
    pub seconds: std::collections::BTreeMap<String, f64>,
    /// Where the best model was written, when it was.
    pub export: Option<PathBuf>,
    /// Baselines, when `export.baselines` requested them.
    #[serde(default)]
    pub baselines: Vec<Baseline>,
    /// Optimizer steps of every corner that was trained here, and of the fit.
    #[serde(default)]
    pub steps: [u64; 2],
}

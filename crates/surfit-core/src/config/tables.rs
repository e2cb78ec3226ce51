//! The tables of a configuration file: their keys, what the keys mean, and what values they may have.
//!
//! Doc comments and rules are also what the JSON schema and the reference page are made of. A rule sees the whole
//! configuration as its context. `remedy` is the sentence for a broken rule; a key without one has a rule that gives its
//! own sentence.

use super::rules::{self, explain, suits_network, when};
use super::{ChannelConstants, ChannelStatistic, ConfigError, CornerEpochs, DegreeSetting};
use crate::data_sets::DATA_SET_NAMES;
use crate::draws::Sampling;
use crate::heatmap::Heatmap;
use crate::networks::{NETWORK_NAMES, network_descriptions};
use crate::schedule::{LrDecay, Schedule};
use crate::surface::{DegreeError, Degrees, Patch, TrainablePoints};
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A resolved configuration; what `config.toml` in a run directory holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[schemars(title = "surfit configuration")]
#[garde(context(Config as config))]
#[garde(allow_unvalidated)]
pub struct Config {
    /// Name of the experiment; run ids begin with it. Letters, digits, `-`, `_` and `.`.
    #[garde(pattern(r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$"))]
    #[schemars(extend("remedy" = "use 1 to 64 letters, digits, `-`, `_` or `.`, the first no `-` or `.`"))]
    pub name: String,
    /// Seed of every random decision: the same seed gives the same run.
    pub seed: u64,
    /// `auto` (CUDA, then MPS, then CPU), `cpu`, `cuda`, `cuda:N` or `mps`.
    #[garde(pattern(r"^(auto|cpu|mps|cuda(:(1?[0-9]?[0-9]|2[0-4][0-9]|25[0-5]))?)$"))]
    #[schemars(extend("remedy" = "use auto, cpu, cuda, cuda:N or mps"))]
    pub device: String,
    /// Type that networks compute in; weights, statistics and losses are `f32` always.
    pub precision: ComputePrecision,
    /// Threads for arithmetic on a CPU; 0 for one per core.
    #[garde(range(max = 1024))]
    #[schemars(extend("remedy" = "use 0 (one per core) to 1024"))]
    pub threads: usize,
    /// Data set, image preprocessing and sizes of the splits.
    #[garde(dive)]
    pub data: DataConfig,
    /// Architecture of the networks.
    #[garde(dive)]
    pub network: NetworkConfig,
    /// Origin and training of the corners.
    #[garde(dive)]
    pub corners: CornersConfig,
    /// Permutation alignment of the other corners to corner 1.
    #[garde(dive)]
    pub align: AlignConfig,
    /// Degree, length and optimizer of the surface fit.
    #[garde(dive)]
    pub fit: FitConfig,
    /// Grid of the heatmap and cost of the live one.
    #[garde(dive)]
    pub heatmap: HeatmapConfig,
    /// Interval between checkpoints of a fit.
    #[garde(dive)]
    pub checkpoint: CheckpointConfig,
    /// What is written when the job is done.
    pub export: ExportConfig,
}

/// Type that networks compute in; weights, statistics and losses are `f32` always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ComputePrecision {
    /// `bf16` where the device is fast at it, else `f32`.
    #[default]
    Auto,
    /// 32-bit floating point.
    F32,
    /// 16-bit brain floats.
    Bf16,
}

/// Table `[data]`: data set, image preprocessing and sizes of the splits.
///
/// Model cards hold it too, so its old names are aliases here as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
#[garde(context(Config as config))]
#[garde(allow_unvalidated)]
pub struct DataConfig {
    /// Data set; `surfit data ls` describes each.
    #[serde(alias = "set")]
    #[garde(custom(|name: &String, _: &Config| rules::known_name("data set", name, DATA_SET_NAMES)))]
    #[schemars(extend("enum" = DATA_SET_NAMES))]
    pub name: String,
    /// Folder with the data set's files, relative to the configuration file; empty for the usual places.
    #[serde(alias = "dir")]
    pub root: PathBuf,
    /// Base URL that `surfit data fetch --config` gets files from, as `MIRROR/NAME/FILE`; empty for the publishers' URLs.
    #[garde(pattern("^(https?://.*)?$"))]
    #[schemars(extend("remedy" = "use a URL that begins with http:// or https://, or leave it empty"))]
    pub mirror: String,
    /// Side in pixels that images are brought to; 0 for as they are.
    #[garde(custom(when(self.image_size == 0 || (4..=1024).contains(&self.image_size))))]
    #[schemars(range(max = 1024), extend("remedy" = "use 4 to 1024 pixels, or 0 for images as they are"))]
    pub image_size: usize,
    /// Channels that images are brought to; 0 for as they are.
    #[garde(custom(when([0, 1, 3].contains(&self.channels))))]
    #[schemars(extend("enum" = [0, 1, 3]))]
    #[schemars(extend("remedy" = "use 1 (grey) or 3 (colour), or 0 for images as they are"))]
    pub channels: usize,
    /// Class folders in the order of the logits; empty for the order of their names.
    #[garde(custom(when(self.classes.len() != 1 && rules::are_all_different(&self.classes))))]
    #[schemars(extend("uniqueItems" = true, "remedy" = "name every class once, or none"))]
    pub classes: Vec<String>,
    /// Mean of each channel, of pixel values from 0 to 1, that is subtracted from images.
    #[garde(custom(explain(self.mean.check_constants(ChannelStatistic::Mean))))]
    pub mean: ChannelConstants,
    /// Standard deviation of each channel that images are then divided by.
    #[garde(custom(explain(self.std.check_constants(ChannelStatistic::Std))))]
    pub std: ChannelConstants,
    /// Use at most this many training images; 0 for all.
    pub train_images: usize,
    /// Validation images. Of sets with a validation split at most this many, 0 for all; of others this many of the training
    /// images, 0 for 5000 or a tenth of them, whichever is less.
    pub validation_images: usize,
    /// Training images on which batch-norm statistics are estimated again at an evaluated point.
    #[serde(alias = "calibration_images")]
    #[garde(range(min = 2))]
    #[schemars(extend("remedy" = "use at least 2 images"))]
    pub bn_images: usize,
}

/// Table `[network]`: a network's name and shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields, default)]
#[garde(context(Config as config))]
#[garde(allow_unvalidated)]
pub struct NetworkConfig {
    /// Architecture of the networks: see [architectures](networks.md#architectures).
    #[garde(custom(|name: &String, _: &Config| rules::known_name("network", name, NETWORK_NAMES)))]
    #[schemars(extend("enum" = NETWORK_NAMES, "enumDescriptions" = network_descriptions()))]
    pub name: String,
    /// Sizes of the network, such as the channels of each stage; empty for the network's own.
    #[garde(custom(suits_network(self, |network| network.check_widths(&self.widths))))]
    #[schemars(length(max = 64), inner(range(min = 1, max = 65536)))]
    pub widths: Vec<usize>,
    /// Side in pixels of the patches that images are divided into; 0 for an eighth of the image's height, rounded up.
    #[garde(custom(suits_network(self, |network| network.check_patch(self.patch))))]
    #[schemars(range(max = 4096))]
    pub patch: usize,
    /// Units of the hidden layers of the network's classifier; empty for the network's own.
    #[garde(custom(suits_network(self, |network| network.check_hidden(&self.hidden))))]
    #[schemars(length(max = 16), inner(range(min = 1, max = 65536)))]
    pub hidden: Vec<usize>,
}

/// Table `[corners]`: two, three or four networks, trained here or loaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[garde(context(Config as config))]
#[garde(allow_unvalidated)]
pub struct CornersConfig {
    /// How many are trained here: 2 for a curve, 3 for a triangular patch, 4 for a surface over the square.
    #[garde(custom(explain(self.check_count())))]
    #[schemars(range(min = 2, max = 4))]
    pub count: usize,
    /// Two, three or four files or folders of weights, whatever they are called; empty to train corners here. Relative to the
    /// configuration file.
    #[garde(custom(when(self.checkpoints.is_empty() || Patch::from_corner_count(self.checkpoints.len()).is_some())))]
    #[schemars(length(max = 4), extend("remedy" = "name two, three or four files, or none"))]
    pub checkpoints: Vec<PathBuf>,
    /// Which weights are taken from a file that holds both raw and averaged ones.
    pub weights: CornerWeights,
    /// Regular expressions and what they are replaced with, in the names of the files' tensors, one after the other; a
    /// tensor that is renamed to nothing is left out.
    #[garde(custom(explain(self.check_rename())))]
    pub rename: Vec<(String, String)>,
    /// Seed of each corner's training; empty for seeds derived from the run's.
    #[garde(custom(explain(self.check_seeds())))]
    #[schemars(length(max = 4), extend("uniqueItems" = true))]
    pub seeds: Vec<u64>,
    /// Take a corner that was trained before in exactly this way from the cache, and keep new ones there.
    pub cache: bool,
    /// Epochs of each corner; or a list, and the corners are the checkpoints of one training after so many epochs.
    #[garde(custom(explain(self.check_epochs())))]
    pub epochs: CornerEpochs,
    /// Below 1, no corner is made before the fit: one network is trained for this share of the fit's steps. Then every
    /// control point starts as that network, and all are trained, corners too.
    #[garde(custom(explain(self.check_branch())))]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub branch_at: f64,
    /// Optimizer, learning rate and augmentation.
    #[serde(flatten)]
    #[garde(dive)]
    pub training: TrainingConfig,
}

/// The keys of training with SGD that the tables `[corners]` and `[fit]` share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[garde(context(Config as config))]
#[garde(allow_unvalidated)]
pub struct TrainingConfig {
    /// Images in a mini-batch.
    #[garde(range(min = 2))]
    #[schemars(extend("remedy" = "use at least 2 images"))]
    pub batch_size: usize,
    /// Peak learning rate of SGD. That of a fit is in units of weight space: the same rate serves every degree.
    #[garde(custom(when(self.learning_rate > 0.0 && self.learning_rate <= f64::from(f32::MAX))))]
    #[schemars(extend("exclusiveMinimum" = 0, "remedy" = "use a rate above 0"))]
    pub learning_rate: f64,
    /// Momentum factor of SGD; corners are trained with Nesterov momentum.
    #[garde(custom(when((0.0..1.0).contains(&self.momentum))))]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1, "remedy" = "use 0 up to, not including, 1"))]
    pub momentum: f64,
    /// Weight decay (L2, on all weights); that of a fit is on the interpolated network.
    #[garde(range(min = 0.0))]
    #[schemars(extend("remedy" = "use 0 or more"))]
    pub weight_decay: f64,
    /// Fraction of the steps over which the learning rate rises.
    #[garde(custom(when((0.0..1.0).contains(&self.warmup))))]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1, "remedy" = "use a fraction from 0 up to 1"))]
    pub warmup: f64,
    /// Decay of the learning rate after the warm-up.
    pub schedule: LrDecay,
    /// With `schedule = "step"`: fractions of the training at which the learning rate falls.
    #[garde(custom(when(rules::are_rising_fractions(&self.milestones))))]
    #[schemars(inner(range(min = 0.0, max = 1.0)))]
    #[schemars(extend("remedy" = "use rising fractions of the training, between 0 and 1"))]
    pub milestones: Vec<f64>,
    /// With `schedule = "step"`: what the learning rate is multiplied with there.
    #[garde(custom(when(self.gamma > 0.0 && self.gamma <= 1.0)))]
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0, "remedy" = "use a factor above 0, at most 1"))]
    pub gamma: f64,
    /// Share of the target that is spread over the other classes.
    #[garde(custom(when((0.0..1.0).contains(&self.label_smoothing))))]
    #[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1, "remedy" = "use a fraction from 0 up to 1"))]
    pub label_smoothing: f64,
    /// Random crops of training images that are padded by this many pixels; 0 for none.
    #[garde(range(max = 16))]
    #[schemars(extend("remedy" = "use 0 to 16 pixels"))]
    pub random_crop_padding: usize,
    /// Random horizontal flips of training images.
    pub horizontal_flip: bool,
    /// Probability that a random rectangle of a training image is erased (Zhong et al. 2020).
    #[garde(range(min = 0.0, max = 1.0))]
    #[schemars(extend("remedy" = "use a probability from 0 to 1"))]
    pub random_erasing: f64,
}

/// Which weights are taken from a file that holds both raw and averaged ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CornerWeights {
    /// The exponential moving average, as timm's loader takes it.
    #[default]
    Ema,
    /// Those of the last optimizer step.
    Raw,
}

/// Table `[align]`: permutation alignment of the corners to corner 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Config as config))]
#[garde(allow_unvalidated)]
pub struct AlignConfig {
    /// Permute hidden units of the other corners to match corner 1; what each corner computes does not change.
    pub enabled: bool,
    /// What is matched.
    pub method: AlignMethod,
    /// Training images that activations are taken from.
    #[garde(range(min = 2))]
    #[schemars(extend("remedy" = "use at least 2 images"))]
    pub images: usize,
}

/// What alignment matches (Ainsworth, Hayase, Srinivasa, ICLR 2023).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlignMethod {
    /// Correlation of activations.
    #[default]
    Activation,
    /// Inner products of weights, group by group until nothing changes.
    Weight,
}

/// Table `[fit]`: degrees, length and optimizer of the surface fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[garde(context(Config as config))]
#[garde(allow_unvalidated)]
pub struct FitConfig {
    /// Degrees along `u` and `v`, each 1 to 8; `[2, 2]` has 3×3 control points. A curve and a triangular patch have one:
    /// `degree = 2`.
    #[garde(custom(when(config.checked_degrees().is_ok())))]
    #[schemars(extend("remedy" = "a triangular patch has one degree: write it as one number"))]
    pub degree: DegreeSetting,
    /// Epochs of points on the boundary: the curves between neighbouring corners at once.
    #[garde(range(min = 0.0, max = 1e6))]
    #[schemars(extend("remedy" = "use 0 to 1000000 epochs"))]
    pub boundary_epochs: f64,
    /// Epochs of points on the whole surface.
    #[garde(range(min = 0.0, max = 1e6))]
    #[schemars(extend("remedy" = "use 0 to 1000000 epochs"))]
    pub epochs: f64,
    /// Train the corners too, from where they are. With `corners.branch_at` they always are.
    pub train_corners: bool,
    /// Surface points that are drawn for a step; the mini-batch is split over them.
    #[garde(custom(explain(self.check_points_per_step())))]
    #[schemars(range(min = 1))]
    pub points_per_step: usize,
    /// How points are drawn.
    pub sampling: Sampling,
    /// How much more is drawn where the loss on training images is high: the density follows `loss^loss_weighting`, measured
    /// once an epoch on a coarse grid; 0 for uniform. The learning rate's unit stays that of uniform points.
    #[garde(range(min = 0.0, max = 4.0))]
    #[schemars(extend("remedy" = "use 0 (uniform) to 4"))]
    pub loss_weighting: f64,
    /// Optimizer, learning rate and augmentation.
    #[serde(flatten)]
    #[garde(dive)]
    pub training: TrainingConfig,
}

/// Table `[heatmap]`: grid of the heatmap and cost of the live one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Config as config))]
#[garde(allow_unvalidated)]
pub struct HeatmapConfig {
    /// Points along each axis.
    #[garde(range(min = 2, max = Heatmap::MAX_GRID))]
    #[schemars(extend("remedy" = "use 2 to 101 points an axis"))]
    pub grid: usize,
    /// Share of the computation of a fit that the live heatmap may take, counted in passes of images through the network: the
    /// same on every machine.
    #[garde(range(min = 0.0, max = 0.9))]
    #[schemars(extend("remedy" = "use a share from 0 to 0.9"))]
    pub live_compute_fraction: f64,
    /// Validation images a live cell is measured on; complete heatmaps use all.
    #[garde(range(min = 1))]
    #[schemars(extend("remedy" = "use at least 1 image"))]
    pub live_images: usize,
}

/// Table `[checkpoint]`: interval between checkpoints of a fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
#[garde(context(Config as config))]
#[garde(allow_unvalidated)]
pub struct CheckpointConfig {
    /// Seconds between checkpoints of a fit.
    #[garde(custom(when(self.interval_secs > 0.0)))]
    #[schemars(extend("exclusiveMinimum" = 0, "remedy" = "use a time above 0"))]
    pub interval_secs: f64,
}

/// Table `[export]`: what is written when the job is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportConfig {
    /// Write the best grid point when the job is done.
    pub best: bool,
    /// Compare the surface with the corners' ensemble, their average, its own mean and an ensemble of its points.
    pub baselines: bool,
}

impl CornersConfig {
    /// True when corners are trained here, false when all are read.
    pub fn trains_corners(&self) -> bool {
        self.checkpoints.is_empty()
    }

    /// True when corners are made before the fit, false when they branch from one network in it.
    pub fn precede_fit(&self) -> bool {
        self.branch_at >= 1.0
    }

    /// Number of corners: of files, of checkpoints, else [`CornersConfig::count`].
    pub fn len(&self) -> usize {
        match &self.epochs {
            _ if !self.trains_corners() => self.checkpoints.len(),
            CornerEpochs::Checkpoints(list) => list.len(),
            CornerEpochs::Each(_) => self.count,
        }
    }

    /// Never: a surface has at least two corners.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl TrainingConfig {
    /// The learning rate's schedule.
    pub fn lr_schedule(&self) -> Schedule<'_> {
        Schedule { warmup: self.warmup, decay: self.schedule, milestones: &self.milestones, gamma: self.gamma }
    }
}

impl Config {
    /// The kind of surface that the number of corners makes.
    pub fn patch(&self) -> Patch {
        Patch::from_corner_count(self.corners.len()).unwrap_or_default()
    }

    /// Which control points the fit trains.
    pub fn trainable_points(&self) -> TrainablePoints {
        match self.fit.train_corners || !self.corners.precede_fit() {
            true => TrainablePoints::All,
            false => TrainablePoints::AllButCorners,
        }
    }

    /// Degrees of the surface to fit. Where they do not suit the number of corners, which no checked configuration has,
    /// those of the linear surface.
    pub fn degrees(&self) -> Degrees {
        self.checked_degrees().or_else(|_| Degrees::for_patch(self.patch(), 1, 1)).unwrap_or(Degrees::LINEAR)
    }

    pub(super) fn checked_degrees(&self) -> Result<Degrees, DegreeError> {
        let [m, n] = self.fit.degree.0;
        Degrees::for_patch(self.patch(), m, n)
    }

    /// As [`Config::to_toml`], for a configuration that was made otherwise than by reading one; `path` is where it is to be.
    ///
    /// # Errors
    /// For values that TOML cannot represent or not return: a path that is not UTF-8, a seed above 2⁶³ − 1.
    pub fn try_to_toml(&self, path: &Path) -> Result<String, ConfigError> {
        let fault = |why: String| ConfigError {
            origin: path.display().to_string(),
            line: None,
            message: format!(
                "the configuration cannot be written ({why}); use paths in UTF-8 and seeds up to {}",
                i64::MAX
            ),
        };
        let mut seeds = self.corners.seeds.iter().chain([&self.seed]);
        // It would be written, but no integer of TOML is as large.
        if let Some(seed) = seeds.find(|s| i64::try_from(**s).is_err()) {
            return Err(fault(format!("a seed of {seed} is too large")));
        }
        toml::to_string_pretty(self).map_err(|e| fault(e.to_string()))
    }

    /// The configuration as TOML, every key written out. What was read from a file can be written.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a configuration is plain tables")
    }
}

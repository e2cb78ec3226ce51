//! The tables of a configuration file, with their defaults.

use super::{ChannelConstants, ConfigError, CornerEpochs, DegreeSetting};
use crate::draws::Sampling;
use crate::schedule::{LrDecay, Schedule};
use crate::surface::{DegreeError, Degrees, Patch};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A resolved configuration; what `config.toml` in a run directory holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name of the experiment; run ids begin with it. Letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Seed of every random decision.
    pub seed: u64,
    /// `auto` (CUDA, then MPS, then CPU), `cpu`, `cuda`, `cuda:N` or `mps`.
    pub device: String,
    /// Type that networks compute in.
    pub compute: ComputePrecision,
    /// Threads for arithmetic on a CPU; 0 for one per core.
    pub threads: usize,
    /// The data set.
    pub data: DataConfig,
    /// Table `[network]`: architecture of the networks.
    pub network: NetworkConfig,
    /// Table `[corners]`: origin and training of the corners.
    pub corners: CornersConfig,
    /// Alignment of the other corners to corner 1.
    pub align: AlignConfig,
    /// The fit of the surface.
    pub fit: FitConfig,
    /// Table `[heatmap]`: grid and budget of the heatmap.
    pub heatmap: HeatmapConfig,
    /// Table `[checkpoint]`: interval between checkpoints of a fit.
    pub checkpoint: CheckpointConfig,
    /// What is written when the job is done.
    pub export: ExportConfig,
}

/// Type that networks compute in; weights, statistics and losses are `f32` always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ComputePrecision {
    /// `bf16` where the device is fast at it, else `f32`.
    #[default]
    Auto,
    /// 32-bit floating point (`f32`).
    F32,
    /// 16-bit brain floats.
    Bf16,
}

/// Table `[data]` of the configuration: data set, image preprocessing and sizes of the splits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// `fashion-mnist-16k` (inside the program), `fashion-mnist` (the full set where it is present, else the one inside
    /// the program), `mnist`, `cifar10`, `cifar100`, `tiny-imagenet`, or `folder` (class folders with images).
    pub set: String,
    /// Folder with the data set's files; empty for the usual places.
    pub dir: PathBuf,
    /// Where `surfit data fetch --config` gets files instead of their publishers' homes: a base URL, below which
    /// each set has a folder of its name. Empty for the publishers'.
    pub mirror: String,
    /// Side in pixels that images are brought to; 0 for as they are.
    pub image_size: usize,
    /// Channels that images are brought to, 1 or 3; 0 for as they are.
    pub channels: usize,
    /// Class folders in the order of the logits; empty for the order of their names.
    pub classes: Vec<String>,
    /// Mean of each channel, of pixel values in 0..=1, that is subtracted from images.
    pub mean: ChannelConstants,
    /// Standard deviation of each channel that images are then divided by.
    pub std: ChannelConstants,
    /// Use at most this many training images; 0 for all.
    pub train_images: usize,
    /// Validation images; for sets with a validation split of their own at most this many, 0 for all.
    pub validation_images: usize,
    /// Training images on which batch-norm statistics are re-estimated at an evaluated point.
    pub calibration_images: usize,
}

/// `[network]`: a network's name and shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// `cnn` (3×3 convolutions with batch norm), `mlp`, `resnet18` (ImageNet stem), `resnet18-cifar` (3×3 stem),
    /// `vgg16`, `vgg16-bn` (torchvision's classifier), `vgg16-cifar`, `vgg16-bn-cifar` (one linear layer), `vit-tiny` or
    /// `vit-small`.
    pub name: String,
    /// Empty for the network's own. For `cnn` the channels of every convolution, for `mlp` the units of every hidden
    /// layer, for ResNet and VGG the channels of every stage, for a ViT features, blocks and heads.
    pub widths: Vec<usize>,
    /// Height and width of a ViT's patches in pixels; 0 for an eighth of the image's height, rounded up.
    pub patch: usize,
    /// Units of the hidden layers of a VGG's classifier; empty for the network's own (two of 4096, or none in the CIFAR forms).
    pub hidden: Vec<usize>,
}

/// `[corners]`: two, three or four networks, trained here or loaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CornersConfig {
    /// How many are trained here: 2 for a curve, 3 for a triangular patch, 4 for a surface over the square.
    pub count: usize,
    /// Two, three or four files or folders of weights, whatever they are called; empty to train corners here. Relative to the
    /// configuration file.
    pub from: Vec<PathBuf>,
    /// Which weights are taken from a file that holds both raw and averaged ones.
    pub weights: CornerWeights,
    /// Regular expressions and what they are replaced with, in the names of the files' tensors, one after the other; a
    /// tensor that is renamed to nothing is left out.
    pub rename: Vec<(String, String)>,
    /// Seed of each corner's training; empty for seeds derived from the run's.
    pub seeds: Vec<u64>,
    /// Take a corner that was trained before in exactly this way from the cache, and keep new ones there.
    pub cache: bool,
    /// Epochs of each corner; or a list, and the corners are the checkpoints of one training after so many epochs.
    pub epochs: CornerEpochs,
    /// Images in a minibatch.
    pub batch: usize,
    /// Peak learning rate of SGD.
    pub learning_rate: f64,
    /// Nesterov momentum factor of SGD.
    pub momentum: f64,
    /// Weight decay (L2, on all weights).
    pub weight_decay: f64,
    /// Fraction of the steps over which the rate rises.
    pub warmup: f64,
    /// Its course after that.
    pub schedule: LrDecay,
    /// With `schedule = "step"`: fractions of the training at which the rate falls.
    pub milestones: Vec<f64>,
    /// With `schedule = "step"`: what it is multiplied with there.
    pub gamma: f64,
    /// Share of the target spread over the other classes.
    pub label_smoothing: f64,
    /// Random shifts of training images by up to this many pixels.
    pub shift: usize,
    /// Random horizontal flips.
    pub flip: bool,
    /// Probability that a random rectangle of a training image is erased (Zhong et al. 2020).
    pub erase: f64,
}

/// Which weights are taken from a file that holds both raw and averaged ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CornerWeights {
    /// The exponential moving average, as timm's loader takes it.
    #[default]
    Ema,
    /// Those of the last optimizer step.
    Raw,
}

/// Table `[align]` of the configuration: permutation alignment of the corners to corner 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlignConfig {
    /// Permute hidden units of the other corners to match corner 1.
    pub enabled: bool,
    /// What is matched.
    pub method: AlignMethod,
    /// Training images that activations are taken from.
    pub images: usize,
}

/// What alignment matches (Ainsworth, Hayase, Srinivasa, ICLR 2023).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlignMethod {
    /// Correlation of activations.
    #[default]
    Activation,
    /// Inner products of weights, group by group until nothing changes.
    Weight,
}

/// Table `[fit]` of the configuration: degrees, length and optimizer of the surface fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FitConfig {
    /// Degrees along `u` and `v`, each 1 to 8; `[2, 2]` has 3×3 control points. A curve and a triangular patch have one:
    /// `degree = 2`.
    pub degree: DegreeSetting,
    /// Epochs of draws on the boundary.
    pub edge_epochs: f64,
    /// Epochs of draws on the whole surface.
    pub epochs: f64,
    /// Images in a minibatch.
    pub batch: usize,
    /// Surface points a minibatch is split over.
    pub draws: usize,
    /// How they are drawn.
    pub sampling: Sampling,
    /// How much more is drawn where the loss on training images is high: draws follow `loss^focus`, measured once an epoch
    /// on a coarse grid; 0 is uniform. The rate's unit stays that of uniform draws.
    pub focus: f64,
    /// Peak learning rate, in units of weight space: the same rate serves every degree.
    pub learning_rate: f64,
    /// Momentum factor of SGD.
    pub momentum: f64,
    /// Weight decay on the interpolated network.
    pub weight_decay: f64,
    /// Fraction of the steps over which the rate rises.
    pub warmup: f64,
    /// Its course after that.
    pub schedule: LrDecay,
    /// With `schedule = "step"`: fractions of the training at which the rate falls.
    pub milestones: Vec<f64>,
    /// With `schedule = "step"`: what it is multiplied with there.
    pub gamma: f64,
    /// Share of the target spread over the other classes.
    pub label_smoothing: f64,
    /// Random shifts of training images by up to this many pixels.
    pub shift: usize,
    /// Random horizontal flips.
    pub flip: bool,
    /// Probability that a random rectangle of a training image is erased (Zhong et al. 2020).
    pub erase: f64,
}

/// Table `[heatmap]` of the configuration: grid and budget of the heatmap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HeatmapConfig {
    /// Points along each axis, 2 to 101.
    pub grid: usize,
    /// Share of the work of a fit that the live heatmap may take, 0 to 0.9; counted in passes of images through the network.
    pub budget: f64,
    /// Validation images a live cell is measured on; complete heatmaps use all.
    pub live_images: usize,
}

/// Table `[checkpoint]` of the configuration: interval between checkpoints of a fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointConfig {
    /// Seconds between checkpoints of a fit.
    pub every_seconds: f64,
}

/// Table `[export]` of the configuration: what is written when the job is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExportConfig {
    /// Write the best grid point when the job is done.
    pub best: bool,
    /// Compare the surface with the corners' ensemble, their average, its own mean and an ensemble of its points.
    pub baselines: bool,
}

impl CornersConfig {
    /// Number of corners: of files, of checkpoints, else [`CornersConfig::count`].
    pub fn len(&self) -> usize {
        match &self.epochs {
            _ if !self.from.is_empty() => self.from.len(),
            CornerEpochs::Checkpoints(list) => list.len(),
            CornerEpochs::Each(_) => self.count,
        }
    }

    /// The learning rate's schedule.
    pub fn lr_schedule(&self) -> Schedule<'_> {
        Schedule { warmup: self.warmup, decay: self.schedule, milestones: &self.milestones, gamma: self.gamma }
    }

    /// Never: a surface has at least two corners.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl FitConfig {
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
    /// For what TOML cannot say or not give back: a path that is not UTF-8, a seed above 2⁶³ − 1.
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

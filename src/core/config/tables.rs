//! The tables of a configuration file, with their defaults.

use crate::surface::Degrees;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

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
    pub compute: Compute,
    /// Threads for arithmetic on a CPU; 0 for one per core.
    pub threads: usize,
    /// The data set.
    pub data: DataConfig,
    /// The network.
    pub network: NetworkConfig,
    /// The four corners.
    pub corners: CornersConfig,
    /// Alignment of corners 2 to 4 to corner 1.
    pub align: AlignConfig,
    /// The fit of the surface.
    pub fit: FitConfig,
    /// The heatmap.
    pub heatmap: HeatmapConfig,
    /// Checkpoints.
    pub checkpoint: CheckpointConfig,
    /// What is written when the job is done.
    pub export: ExportConfig,
}

/// Type that networks compute in; weights, statistics and losses are `f32` always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compute {
    /// `bf16` where the device is fast at it, else `f32`.
    #[default]
    Auto,
    /// 32-bit floats.
    F32,
    /// 16-bit brain floats.
    Bf16,
}

/// `[data]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// `fashion-mnist-16k` (inside the program) or `fashion-mnist` (the full set where it is present, else the
    /// one inside the program).
    pub set: String,
    /// Folder with the data set's files; empty for the usual places.
    pub dir: PathBuf,
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
    /// `cnn` (3×3 convolutions with batch norm) or `mlp`.
    pub name: String,
    /// Channels of every convolution, or units of every hidden layer.
    pub widths: Vec<usize>,
}

/// `[corners]`: four networks, trained here or loaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CornersConfig {
    /// Four `.safetensors`, `.pt` or `.pth` files; empty to train corners here. Relative to the configuration file.
    pub from: Vec<PathBuf>,
    /// Seed of each corner's training; empty for four derived from the run's seed.
    pub seeds: Vec<u64>,
    /// Epochs of each corner.
    pub epochs: u64,
    /// Images in a minibatch.
    pub batch: usize,
    /// Peak learning rate of SGD.
    pub learning_rate: f64,
    /// Momentum (Nesterov).
    pub momentum: f64,
    /// Weight decay (L2, on all weights).
    pub weight_decay: f64,
    /// Fraction of the steps over which the rate rises.
    pub warmup: f64,
    /// Share of the target spread over the other classes.
    pub label_smoothing: f64,
    /// Random shifts of training images by up to this many pixels.
    pub shift: usize,
    /// Random horizontal flips.
    pub flip: bool,
}

/// `[align]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlignConfig {
    /// Permute hidden units of corners 2 to 4 to match corner 1.
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

/// `[fit]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FitConfig {
    /// Degrees along `u` and `v`, each 1 to 8; `[2, 2]` has 3×3 control points.
    pub degree: Degrees,
    /// Epochs of draws on the boundary.
    pub edge_epochs: f64,
    /// Epochs of draws on the whole square.
    pub epochs: f64,
    /// Images in a minibatch.
    pub batch: usize,
    /// Surface points a minibatch is split over.
    pub draws: usize,
    /// Peak learning rate, in units of weight space: the same rate serves every degree.
    pub learning_rate: f64,
    /// Momentum.
    pub momentum: f64,
    /// Weight decay on the interpolated network.
    pub weight_decay: f64,
    /// Fraction of the steps over which the rate rises.
    pub warmup: f64,
    /// Share of the target spread over the other classes.
    pub label_smoothing: f64,
    /// Random shifts of training images by up to this many pixels.
    pub shift: usize,
    /// Random horizontal flips.
    pub flip: bool,
}

/// `[heatmap]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HeatmapConfig {
    /// Points along each axis, 2 to 101.
    pub grid: usize,
    /// Share of the time of a fit that the live heatmap may take, 0 to 0.9.
    pub budget: f64,
    /// Validation images a live cell is measured on; complete heatmaps use all.
    pub live_images: usize,
}

/// `[checkpoint]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointConfig {
    /// Seconds between checkpoints of a fit.
    pub every_seconds: f64,
}

/// `[export]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExportConfig {
    /// Write the best grid point when the job is done.
    pub best: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "run".into(),
            seed: 1,
            device: "auto".into(),
            compute: Compute::Auto,
            threads: 0,
            data: DataConfig::default(),
            network: NetworkConfig::default(),
            corners: CornersConfig::default(),
            align: AlignConfig::default(),
            fit: FitConfig::default(),
            heatmap: HeatmapConfig::default(),
            checkpoint: CheckpointConfig::default(),
            export: ExportConfig::default(),
        }
    }
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            set: "fashion-mnist-16k".into(),
            dir: PathBuf::new(),
            train_images: 0,
            validation_images: 0,
            calibration_images: 1024,
        }
    }
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            name: "cnn".into(),
            widths: vec![16, 32, 64],
        }
    }
}

impl Default for CornersConfig {
    fn default() -> Self {
        Self {
            from: Vec::new(),
            seeds: Vec::new(),
            epochs: 8,
            batch: 128,
            learning_rate: 0.1,
            momentum: 0.9,
            weight_decay: 5e-4,
            warmup: 0.1,
            label_smoothing: 0.0,
            shift: 0,
            flip: false,
        }
    }
}

impl Default for AlignConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            method: AlignMethod::Activation,
            images: 1024,
        }
    }
}

impl Default for FitConfig {
    fn default() -> Self {
        Self {
            degree: Degrees::new(2, 2).expect("2 is within 1..=8"),
            edge_epochs: 2.0,
            epochs: 18.0,
            batch: 128,
            draws: 4,
            learning_rate: 0.06,
            momentum: 0.9,
            weight_decay: 5e-4,
            warmup: 0.05,
            label_smoothing: 0.0,
            shift: 0,
            flip: false,
        }
    }
}

impl Default for HeatmapConfig {
    fn default() -> Self {
        Self {
            grid: 11,
            budget: 0.1,
            live_images: 500,
        }
    }
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self {
            every_seconds: 15.0,
        }
    }
}

impl Default for ExportConfig {
    fn default() -> Self {
        Self { best: true }
    }
}

impl Config {
    /// The first rule that the values break, as the key's path and a sentence; `None` when all hold.
    pub(super) fn broken_rule(&self) -> Option<(&'static [&'static str], String)> {
        let fraction = |x: f64| (0.0..1.0).contains(&x);
        let name_ok = !self.name.is_empty()
            && self.name.len() <= 64
            && !self.name.starts_with('.')
            && self
                .name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let device_ok = ["auto", "cpu", "cuda", "mps"].contains(&self.device.as_str())
            || self
                .device
                .strip_prefix("cuda:")
                .is_some_and(|n| n.parse::<u8>().is_ok());
        let (c, f, h, d) = (&self.corners, &self.fit, &self.heatmap, &self.data);
        let rules: [(bool, &'static [&'static str], &str); 31] = [
            (
                name_ok,
                &["name"],
                "use 1 to 64 letters, digits, `-`, `_` or `.`",
            ),
            (device_ok, &["device"], "use auto, cpu, cuda, cuda:N or mps"),
            (
                self.threads <= 1024,
                &["threads"],
                "use 0 (one per core) to 1024",
            ),
            (
                d.calibration_images >= 2,
                &["data", "calibration_images"],
                "use at least 2 images",
            ),
            (
                !self.network.widths.is_empty(),
                &["network", "widths"],
                "give at least one width",
            ),
            (
                self.network.widths.iter().all(|w| (1..=65536).contains(w)),
                &["network", "widths"],
                "use widths of 1 to 65536",
            ),
            (
                self.network.widths.len() <= 64,
                &["network", "widths"],
                "use at most 64 layers",
            ),
            (
                c.from.is_empty() || c.from.len() == 4,
                &["corners", "from"],
                "name four files, or none",
            ),
            (
                c.seeds.is_empty() || c.seeds.len() == 4,
                &["corners", "seeds"],
                "give four seeds, or none",
            ),
            (
                (1..=1_000_000).contains(&c.epochs),
                &["corners", "epochs"],
                "use 1 to 1000000 epochs",
            ),
            (c.batch >= 2, &["corners", "batch"], "use at least 2 images"),
            (
                c.learning_rate > 0.0 && c.learning_rate.is_finite(),
                &["corners", "learning_rate"],
                "use a rate above 0",
            ),
            (
                fraction(c.momentum),
                &["corners", "momentum"],
                "use 0 up to, not including, 1",
            ),
            (
                c.weight_decay >= 0.0 && c.weight_decay.is_finite(),
                &["corners", "weight_decay"],
                "use 0 or more",
            ),
            (
                fraction(c.warmup),
                &["corners", "warmup"],
                "use a fraction from 0 up to 1",
            ),
            (
                fraction(c.label_smoothing),
                &["corners", "label_smoothing"],
                "use a fraction from 0 up to 1",
            ),
            (c.shift <= 16, &["corners", "shift"], "use 0 to 16 pixels"),
            (
                self.align.images >= 2,
                &["align", "images"],
                "use at least 2 images",
            ),
            (
                (0.0..=1e6).contains(&f.edge_epochs),
                &["fit", "edge_epochs"],
                "use 0 to 1000000 epochs",
            ),
            (
                (0.0..=1e6).contains(&f.epochs),
                &["fit", "epochs"],
                "use 0 to 1000000 epochs",
            ),
            (f.draws >= 1, &["fit", "draws"], "use at least 1 draw"),
            (
                f.batch >= 2 * f.draws,
                &["fit", "draws"],
                "use at most half as many draws as images in a batch",
            ),
            (
                f.learning_rate > 0.0 && f.learning_rate.is_finite(),
                &["fit", "learning_rate"],
                "use a rate above 0",
            ),
            (
                fraction(f.momentum),
                &["fit", "momentum"],
                "use 0 up to, not including, 1",
            ),
            (
                f.weight_decay >= 0.0 && f.weight_decay.is_finite(),
                &["fit", "weight_decay"],
                "use 0 or more",
            ),
            (
                fraction(f.warmup),
                &["fit", "warmup"],
                "use a fraction from 0 up to 1",
            ),
            (
                fraction(f.label_smoothing),
                &["fit", "label_smoothing"],
                "use a fraction from 0 up to 1",
            ),
            (f.shift <= 16, &["fit", "shift"], "use 0 to 16 pixels"),
            (
                (2..=crate::heatmap::Heatmap::MAX_GRID).contains(&h.grid),
                &["heatmap", "grid"],
                "use 2 to 101 points an axis",
            ),
            (
                (0.0..=0.9).contains(&h.budget),
                &["heatmap", "budget"],
                "use a share from 0 to 0.9",
            ),
            (
                self.checkpoint.every_seconds > 0.0 && self.checkpoint.every_seconds.is_finite(),
                &["checkpoint", "every_seconds"],
                "use a time above 0",
            ),
        ];
        rules
            .into_iter()
            .find(|r| !r.0)
            .map(|(_, path, remedy)| (path, remedy.to_string()))
            .or_else(|| {
                (h.live_images < 1).then(|| {
                    (
                        ["heatmap", "live_images"].as_slice(),
                        "use at least 1 image".to_string(),
                    )
                })
            })
    }

    /// The configuration as TOML, every key written out.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a configuration is plain tables")
    }
}

//! Values of keys that a configuration omits; `configs/default.toml` documents them.

use super::{
    AlignConfig, AlignMethod, ChannelConstants, CheckpointConfig, ComputePrecision, Config, CornerEpochs,
    CornerWeights, CornersConfig, DataConfig, DegreeSetting, ExportConfig, FitConfig, HeatmapConfig, NetworkConfig,
    TrainingConfig,
};
use crate::draws::Sampling;
use crate::schedule::LrDecay;
use std::path::PathBuf;

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "run".into(),
            seed: 1,
            device: "auto".into(),
            precision: ComputePrecision::Auto,
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
            name: "fashion-mnist-16k".into(),
            root: PathBuf::new(),
            mirror: String::new(),
            image_size: 0,
            channels: 0,
            classes: Vec::new(),
            mean: ChannelConstants::default(),
            std: ChannelConstants::default(),
            train_images: 0,
            validation_images: 0,
            bn_images: 1024,
        }
    }
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self { name: "cnn".into(), widths: Vec::new(), patch: 0, hidden: Vec::new() }
    }
}

impl Default for CornersConfig {
    fn default() -> Self {
        Self {
            count: 4,
            checkpoints: Vec::new(),
            weights: CornerWeights::Ema,
            rename: Vec::new(),
            seeds: Vec::new(),
            cache: true,
            epochs: CornerEpochs::Each(8),
            branch_at: 1.0,
            training: default_training(0.1, 0.1),
        }
    }
}

impl Default for AlignConfig {
    fn default() -> Self {
        Self { enabled: true, method: AlignMethod::Activation, images: 1024 }
    }
}

impl Default for FitConfig {
    fn default() -> Self {
        Self {
            degree: DegreeSetting([2, 2]),
            boundary_epochs: 2.0,
            epochs: 18.0,
            train_corners: false,
            points_per_step: 4,
            sampling: Sampling::Stratified,
            loss_weighting: 0.0,
            training: default_training(0.06, 0.05),
        }
    }
}

impl Default for HeatmapConfig {
    fn default() -> Self {
        Self { grid: 11, live_compute_fraction: 0.1, live_images: 500 }
    }
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self { interval_secs: 15.0 }
    }
}

impl Default for ExportConfig {
    fn default() -> Self {
        Self { best: true, baselines: false }
    }
}

fn default_training(learning_rate: f64, warmup: f64) -> TrainingConfig {
    TrainingConfig {
        batch_size: 128,
        learning_rate,
        momentum: 0.9,
        weight_decay: 5e-4,
        warmup,
        schedule: LrDecay::Cosine,
        milestones: vec![0.625, 0.875],
        gamma: 0.2,
        label_smoothing: 0.0,
        random_crop_padding: 0,
        horizontal_flip: false,
        random_erasing: 0.0,
    }
}

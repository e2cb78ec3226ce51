//! The configuration of a run, and how a TOML file becomes one.

mod channel_constants;
mod defaults;
mod degree;
mod differences;
mod epochs;
mod error;
mod faults;
mod load;
mod names;
mod paths;
mod rules;
mod shape;
mod tables;

pub use channel_constants::{ChannelConstants, ChannelStatistic};
pub use degree::DegreeSetting;
pub use epochs::CornerEpochs;
pub use error::ConfigError;
pub use load::{apply_set, load, parse};
pub use names::{DATA_SETS, NETWORKS, nearest, no_such, unknown};
pub use paths::{anchor, folder_of};
pub use tables::{
    AlignConfig, AlignMethod, CheckpointConfig, ComputePrecision, Config, CornerWeights,
    CornersConfig, DataConfig, ExportConfig, FitConfig, HeatmapConfig, NetworkConfig,
};

#[cfg(test)]
mod tests;

//! The configuration of a run, and how a TOML file becomes one.

mod channel_constants;
mod defaults;
mod degree;
mod differences;
mod epochs;
mod error;
mod given_keys;
mod known_names;
mod load;
mod paths;
mod renamed_keys;
mod rules;
mod schema;
mod tables;
mod value_errors;

pub use channel_constants::{ChannelConstants, ChannelConstantsError, ChannelStatistic};
pub use degree::DegreeSetting;
pub use epochs::CornerEpochs;
pub use error::ConfigError;
pub use known_names::{nearest_name, unknown_name_message};
pub use load::{CheckedConfig, apply_set, check_file, load, parse};
pub use paths::{folder_of, resolve_set_paths};
pub use renamed_keys::{RENAMED_KEYS, former_keys, present_key, renamed_key};
pub use rules::BrokenRule;
pub use schema::{config_schema, describe_keys_as_markdown};
pub use tables::{
    AlignConfig, AlignMethod, CheckpointConfig, ComputePrecision, Config, CornerWeights, CornersConfig, DataConfig,
    ExportConfig, FitConfig, HeatmapConfig, NetworkConfig, TrainingConfig,
};

#[cfg(test)]
mod tests;

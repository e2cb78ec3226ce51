//! `data.mean` and `data.std`: what images are normalized with.

use serde::{Deserialize, Serialize};

/// A constant for each channel, or the name of constants that many networks are trained with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ChannelConstants {
    /// One of [`ChannelConstants::NAMES`].
    Named(String),
    /// One number for each channel.
    Each(Vec<f64>),
}

impl ChannelConstants {
    /// Names that can stand for constants: the data set's own, ImageNet's, 0.5, or none (mean 0 and deviation 1).
    pub const NAMES: &[&str] = &["own", "imagenet", "half", "none"];
}

impl Default for ChannelConstants {
    fn default() -> Self {
        Self::Named("own".into())
    }
}

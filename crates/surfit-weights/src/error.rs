//! Weights that are not those of a network.

use crate::Dtype;
use crate::file::{WeightFileError, quote};
use crate::names::MAX_RENAMED_BYTES;
use std::path::PathBuf;
use surfit_core::networks::UnsuitableSetting;

/// Why a network cannot be built, or weights are not those of a network.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// No network is as it is configured.
    #[error(transparent)]
    Setting(#[from] UnsuitableSetting),
    /// A pattern of `corners.rename` is not a regular expression.
    #[error("corners.rename: {pattern:?} is not a regular expression ({})", source.to_string().lines().last().unwrap_or_default())]
    Pattern {
        /// The regular expression.
        pattern: String,
        /// What is wrong with it.
        source: regex::Error,
    },
    /// A pattern of `corners.rename` makes a name too long, which a few of them could let grow without end.
    #[error(
        "corners.rename: {pattern:?} makes a name of {bytes} bytes of {}; {MAX_RENAMED_BYTES} are allowed",
        quote(name)
    )]
    LongName {
        /// The regular expression.
        pattern: String,
        /// Length of the new name.
        bytes: usize,
        /// Name in the file.
        name: String,
    },
    /// Two tensors have the same name, once wrappers are left out and patterns applied.
    #[error("both {} and {} would be {}; leave one of them out with corners.rename = [[\"^…\", \"\"]]", quote(&names[0]), quote(&names[1]), quote(renamed))]
    SameName {
        /// Names in the file.
        names: [String; 2],
        /// Name of both.
        renamed: String,
    },
    /// The tensors are not those of the network. The sentence is complete.
    #[error("{0}")]
    Mismatch(String),
    /// A weight is not of floats.
    #[error("the file has values of type {dtype:?} in tensor {}; expected floats of 8 to 64 bits", quote(name))]
    NotFloats {
        /// Name in the file.
        name: String,
        /// Type of its values.
        dtype: Dtype,
    },
    /// A layer has the statistics that it began with, where others do not.
    #[error("{} was never run: {remark}", quote(layer))]
    UnusedLayer {
        /// Name of the layer in the file.
        layer: String,
        /// What the naming says of such a file.
        remark: &'static str,
    },
    /// A tensor is asked for that the file does not hold.
    #[error("the file has no tensor {}", quote(.0))]
    MissingTensor(String),
    /// A file does not hold the weights of the network.
    #[error("{}: {source}", path.display())]
    InFile {
        /// Path of the file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<NetworkError>,
    },
    /// A file of weights was refused.
    #[error(transparent)]
    File(#[from] WeightFileError),
}

//! What can go wrong with data, each as one sentence.

use std::io::ErrorKind;
use std::path::PathBuf;
use surfit_core::config::{ChannelConstants, ChannelConstantsError};
use surfit_core::data_sets::UnknownDataSet;

/// An error with data. Its text is one sentence that states what, where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file or a value that cannot be used. The sentence is complete.
    #[error("{0}")]
    Input(String),
    /// A name that no data set has.
    #[error(transparent)]
    UnknownSet(#[from] UnknownDataSet),
    /// `data.mean` or `data.std` does not suit the images.
    #[error("data.{key} = {constants}: {source}")]
    Constants {
        /// The key in the table.
        key: &'static str,
        /// Value of the key.
        constants: ChannelConstants,
        /// What is wrong with it.
        source: ChannelConstantsError,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}{}", advice(source))]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// What the system reported.
        source: std::io::Error,
    },
}

/// Result with this crate's error.
pub type Result<T> = std::result::Result<T, DataError>;

impl DataError {
    /// Bad input, from a complete sentence.
    pub fn input(sentence: impl Into<String>) -> Self {
        Self::Input(sentence.into())
    }

    /// True when the system forbids what was tried, which is independent of a file's content.
    pub fn is_permission_denied(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == ErrorKind::PermissionDenied)
    }

    /// Attaches a path to an I/O error.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

fn advice(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::PermissionDenied => "; change its permissions, or those of its folder",
        _ => "",
    }
}

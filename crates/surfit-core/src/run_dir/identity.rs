//! Distinguishing a run's directory from a copy of it.

use crate::files::{FileLocation, metadata};
use serde::{Deserialize, Serialize};
use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt;

/// The node of a directory or file in its file system. A copy has another one; what is renamed keeps it, and so does what
/// an engine works in, since it holds a file there open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileIdentity {
    /// The device that the file system is on.
    pub device: u64,
    /// The node's number there.
    pub node: u64,
}

impl FileIdentity {
    /// Of what a path leads to; `None` when nothing is there.
    pub fn of_path(path: &(impl FileLocation + ?Sized)) -> Option<Self> {
        metadata(path).ok().map(|m| Self::from_metadata(&m))
    }

    /// Of an open file.
    pub fn of_file(file: &File) -> Option<Self> {
        file.metadata().ok().map(|m| Self::from_metadata(&m))
    }

    fn from_metadata(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), node: metadata.ino() }
    }
}

//! What can go wrong with a figure or a report.

use std::path::PathBuf;

/// A figure or report that was not written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is nothing to show yet.
    #[error("{0} has no losses and no heatmap yet; wait until its first corner trains")]
    Empty(String),
    /// The drawing library failed.
    #[error("the figure could not be drawn: {0}")]
    Draw(String),
    /// The file name says no form that is known.
    #[error("{0}: figures are written as .png or .svg; choose such a name")]
    UnknownFormat(PathBuf),
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
}

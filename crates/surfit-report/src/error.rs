//! What can go wrong with a figure or a report.

use std::path::PathBuf;

/// A figure or report that was not written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is nothing to show yet.
    #[error("{0} has no losses and no heatmap yet; wait until its first corner trains")]
    Empty(String),
    /// The figure is of the surface.
    #[error("the surface is not measured yet; save it after its first cells")]
    NotMeasured,
    /// The figure is of distances.
    #[error("no distances yet; they are measured when all corners are ready")]
    NoDistances,
    /// The drawing library failed.
    #[error("the figure could not be drawn: {0}")]
    Draw(String),
    /// The file name has no known extension.
    #[error("{0}: figures are written as .png or .svg; choose such a name")]
    UnknownFormat(PathBuf),
    /// The file system returned an error.
    #[error("{path}: {source}")]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// The error it returned.
        source: std::io::Error,
    },
}

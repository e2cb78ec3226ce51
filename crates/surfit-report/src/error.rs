//! What can go wrong with a figure or a report.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("{0} has no losses and no heatmap yet; wait until its first corner trains")]
    Empty(String),
    /// The figure is of the surface.
    #[error("the surface is not measured yet; save it after its first cells")]
    NotMeasured,
    /// The figure is of distances.
    #[error("no distances yet; they are measured when all corners are ready")]
    NoDistances,
    #[error("the figure could not be drawn: {0}")]
    Draw(String),
    /// The file name has no known extension.
    #[error("{0}: figures are written as .png or .svg; choose such a name")]
    UnknownFormat(PathBuf),
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
}

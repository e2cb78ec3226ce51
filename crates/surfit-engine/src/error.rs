//! What can go wrong in the engine, each as one sentence.

use std::path::PathBuf;
use surfit_core::run_dir::RunError;

/// An error of the engine. Its text is one sentence that says what, where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Bad input: a file or a value that cannot be used. The sentence is complete.
    #[error("{0}")]
    Input(String),
    /// The run directory.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// libtorch refused an operation.
    #[error("libtorch: {}", first_line(.0))]
    Torch(#[from] tch::TchError),
}

impl From<surfit_data::DataError> for EngineError {
    fn from(error: surfit_data::DataError) -> Self {
        match error {
            surfit_data::DataError::Input(sentence) => Self::Input(sentence),
            surfit_data::DataError::Io { path, source } => Self::Io { path, source },
        }
    }
}

impl From<surfit_weights::networks::NetworkError> for EngineError {
    /// Waiting, as for a full disk, would not bring a file that cannot be read, so that it is bad input in any case.
    fn from(error: surfit_weights::networks::NetworkError) -> Self {
        Self::Input(error.0)
    }
}

/// Result with the engine's error.
pub type Result<T> = std::result::Result<T, EngineError>;

impl EngineError {
    /// Bad input, from a complete sentence.
    pub fn input(sentence: impl Into<String>) -> Self {
        Self::Input(sentence.into())
    }

    /// True for an error of the file system, which may pass: a full disk, say.
    pub fn is_io(&self) -> bool {
        match self {
            // A link or a pipe in a file's place stays there.
            Self::Io { source, .. } | Self::Run(RunError::Io { source, .. }) => {
                !surfit_core::files::is_confinement_error(source)
            }
            _ => false,
        }
    }

    /// Attaches a path to an I/O error.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

/// libtorch's messages carry a C++ stack after the first line, and memory errors deserve advice.
fn first_line(error: &tch::TchError) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default().trim();
    crate::memory::explain_oom(line, None).unwrap_or_else(|| line.to_owned())
}

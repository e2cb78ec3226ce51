//! What can go wrong in the engine, each as one sentence.

use std::path::PathBuf;
use surfit_core::protocol::{CommandError, CommandErrorCode};
use surfit_core::run_dir::RunError;
use surfit_data::DataError;
use surfit_weights::NetworkError;

/// An error of the engine. Its text is one sentence that states what, where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A value or a file that cannot be used. The sentence is complete.
    #[error("{0}")]
    Input(String),
    /// What was requested does not suit what the engine is doing, or has done. The sentence is complete.
    #[error("{0}")]
    WrongState(String),
    /// Something else has to end first. The sentence is complete.
    #[error("{0}")]
    Busy(String),
    #[error("there is no surface yet; it begins when the corners are ready, or with the fit")]
    NoSurface,
    #[error("{task}: cancelled")]
    Cancelled { task: String },
    #[error(
        "the fit diverged before step {step}: its weights are not finite; lower fit.learning_rate in {} and resume from \
         the last checkpoint", config.display()
    )]
    Diverged { step: u64, config: PathBuf },
    #[error(
        "corner {} diverged: its weights are not finite; lower corners.learning_rate in {} and resume", index + 1,
        config.display()
    )]
    CornerDiverged {
        /// Number of the corner, from 0.
        index: usize,
        config: PathBuf,
    },
    /// Weights that are not finite are not written, and no surface is made of them. The sentence is complete.
    #[error("{0}")]
    NotFinite(String),
    /// Memory ran out, or would. The sentence is complete.
    #[error("{0}")]
    OutOfMemory(String),
    /// A file is not what was written, or is of another program.
    #[error("{}: {fault}{}", path.display(), remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default())]
    DamagedFile { path: PathBuf, fault: String, remedy: Option<&'static str> },
    #[error("{} is no usable checkpoint ({fault}); restore it from a copy, or remove it to fit anew", path.display())]
    DamagedCheckpoint { path: PathBuf, fault: String },
    #[error(
        "{} was removed or moved while the engine worked in it; resume the run from where it lies now, which repeats what \
         came after its last checkpoint", .0.display()
    )]
    DirectoryGone(PathBuf),
    /// The engine ends, and the disk did not take what it reached. The sentence is complete.
    #[error("{0}")]
    StepsLost(String),
    /// A computation panicked; libtorch does that.
    #[error("the engine failed inside a computation: {0}; the last checkpoint is kept, resume from it")]
    Panicked(String),
    #[error("the server thread panicked")]
    ServerPanicked,
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Config(#[from] surfit_core::config::ConfigError),
    #[error(transparent)]
    Data(#[from] DataError),
    /// A network, or a file of its weights.
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("libtorch: {}", first_line(.0))]
    Torch(#[from] tch::TchError),
}

pub type Result<T> = std::result::Result<T, EngineError>;

impl EngineError {
    pub fn input(sentence: impl Into<String>) -> Self {
        Self::Input(sentence.into())
    }

    pub fn wrong_state(sentence: impl Into<String>) -> Self {
        Self::WrongState(sentence.into())
    }

    pub fn busy(sentence: impl Into<String>) -> Self {
        Self::Busy(sentence.into())
    }

    /// True for an error of the file system, which may pass: a full disk, for example.
    pub fn is_io(&self) -> bool {
        match self {
            // A link or a pipe in a file's place stays there.
            Self::Io { source, .. }
            | Self::Run(RunError::Io { source, .. })
            | Self::Data(DataError::Io { source, .. }) => !surfit_core::files::is_confinement_error(source),
            _ => false,
        }
    }

    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    fn code(&self) -> CommandErrorCode {
        match self {
            Self::Input(_) | Self::Config(_) | Self::Network(_) => CommandErrorCode::InvalidInput,
            Self::WrongState(_) => CommandErrorCode::WrongState,
            Self::Busy(_) => CommandErrorCode::Busy,
            Self::NoSurface => CommandErrorCode::NoSurface,
            Self::Cancelled { .. } => CommandErrorCode::Cancelled,
            Self::Diverged { .. } | Self::CornerDiverged { .. } | Self::NotFinite(_) => CommandErrorCode::Diverged,
            Self::OutOfMemory(_) => CommandErrorCode::OutOfMemory,
            Self::DamagedFile { .. } | Self::DamagedCheckpoint { .. } => CommandErrorCode::DamagedFile,
            Self::DirectoryGone(_) | Self::StepsLost(_) | Self::Io { .. } | Self::Data(DataError::Io { .. }) => {
                CommandErrorCode::FileSystem
            }
            Self::Data(DataError::Input(_) | DataError::UnknownSet(_) | DataError::Constants { .. }) => {
                CommandErrorCode::InvalidInput
            }
            Self::Run(error) => run_error_code(error),
            Self::Panicked(_) | Self::ServerPanicked | Self::Torch(_) => CommandErrorCode::Internal,
        }
    }
}

fn run_error_code(error: &RunError) -> CommandErrorCode {
    match error {
        RunError::NotFound { .. }
        | RunError::Ambiguous { .. }
        | RunError::SeveralRuns { .. }
        | RunError::NotARun(_)
        | RunError::Exists(_)
        | RunError::NotUtf8(_)
        | RunError::InsideRun { .. } => CommandErrorCode::InvalidInput,
        RunError::NoSurface(_) => CommandErrorCode::NoSurface,
        RunError::InUse { .. } => CommandErrorCode::Busy,
        RunError::Config(_) | RunError::Damaged { .. } => CommandErrorCode::DamagedFile,
        RunError::ForeignFolder(_) | RunError::ForeignSocket(_) | RunError::ReadOnly(_) | RunError::Io { .. } => {
            CommandErrorCode::FileSystem
        }
    }
}

impl From<&EngineError> for CommandError {
    fn from(error: &EngineError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// libtorch's messages carry a C++ stack after the first line, and memory errors deserve advice.
fn first_line(error: &tch::TchError) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default().trim();
    crate::memory::explain_oom(line, None).unwrap_or_else(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_the_code_of_its_cause() {
        let source = || std::io::Error::other("no");
        for (error, code) in [
            (RunError::NotARun("/a".into()), CommandErrorCode::InvalidInput),
            (RunError::NoSurface("a".into()), CommandErrorCode::NoSurface),
            (RunError::InUse { path: "/a".into(), pid: None, node: None }, CommandErrorCode::Busy),
            (RunError::Damaged { path: "/a".into(), why: "no".into() }, CommandErrorCode::DamagedFile),
            (RunError::Io { path: "/a".into(), source: source() }, CommandErrorCode::FileSystem),
        ] {
            assert_eq!(EngineError::from(error).code(), code);
        }
        let cancelled = EngineError::Cancelled { task: "exporting the best point".into() };
        let refusal = CommandError::new(CommandErrorCode::Cancelled, "exporting the best point: cancelled".to_owned());
        assert_eq!(CommandError::from(&cancelled), refusal);
    }
}

//! Why a file of weights was refused.

use std::io;
use std::path::{Path, PathBuf};

/// Why a file of weights was refused. Its text is one sentence: what, where, what to do.
#[derive(Debug, thiserror::Error)]
pub enum WeightFileError {
    /// The system does not give the file.
    #[error("{path}: {}", unreadable(.source), path = .path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system reported.
        source: io::Error,
    },
    /// It is something else than weights, or damaged.
    #[error("{path}: the file {reason}", path = .path.display())]
    Refused {
        /// The file or folder.
        path: PathBuf,
        /// What it is or does, to follow "the file".
        reason: String,
    },
}

fn unreadable(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::NotFound => "no such file; name an existing one".into(),
        _ => format!("{source}; name a file that can be read"),
    }
}

/// A [`WeightFileError`] that does not know its file yet.
#[derive(Debug)]
pub(super) enum WeightFileRefusal {
    /// The system does not give the file.
    Unreadable(io::Error),
    /// What the file is or does.
    Reason(String),
    /// An error of another file that this one names.
    Other(WeightFileError),
}

pub(super) type ReadStep<T> = Result<T, WeightFileRefusal>;

impl WeightFileRefusal {
    pub fn into_error_at(self, path: &Path) -> WeightFileError {
        let path = path.to_owned();
        match self {
            Self::Unreadable(source) => WeightFileError::Unreadable { path, source },
            Self::Reason(reason) => WeightFileError::Refused { path, reason },
            Self::Other(error) => error,
        }
    }
}

impl From<io::Error> for WeightFileRefusal {
    fn from(source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::UnexpectedEof => Self::Reason("is cut short; copy or download it again".into()),
            _ => Self::Unreadable(source),
        }
    }
}

/// Refuses for this reason, to follow "the file".
pub(super) fn refuse<T>(reason: impl Into<String>) -> ReadStep<T> {
    Err(WeightFileRefusal::Reason(reason.into()))
}

/// The refusal of a list of tensors that makes no sense.
pub(super) fn damaged_list() -> WeightFileRefusal {
    WeightFileRefusal::Reason("is damaged: its list of tensors cannot be read; copy or download it again".into())
}

/// The refusal of a tensor that the file does not hold as it states.
pub(super) fn damaged_tensor(name: &str) -> WeightFileRefusal {
    WeightFileRefusal::Reason(format!("is damaged: tensor {} cannot be read; copy or download it again", quote(name)))
}

/// Text from a file for a sentence: between backticks, its control characters escaped, and of bounded length.
pub fn quote(text: &str) -> String {
    const MAX_QUOTED_CHARS: usize = 120;
    let mut shown: String = text.chars().take(MAX_QUOTED_CHARS).flat_map(char::escape_debug).collect();
    if text.chars().nth(MAX_QUOTED_CHARS).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

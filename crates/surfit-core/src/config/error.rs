//! What is wrong with a configuration, in one sentence.

use std::fmt;

/// A fault in a configuration: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// File name, or `--set KEY=VALUE`.
    pub origin: String,
    /// Line in the file, from 1, where it is known.
    pub line: Option<usize>,
    /// The sentence, without its place.
    pub message: String,
}

impl ConfigError {
    /// The first line of another crate's message, which has all the information.
    pub(super) fn first_line(message: &str) -> String {
        message.lines().next().unwrap_or_default().to_owned()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.origin, self.message),
            None => write!(f, "{}: {}", self.origin, self.message),
        }
    }
}

impl std::error::Error for ConfigError {}

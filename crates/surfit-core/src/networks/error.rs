//! A setting that a network cannot have.

/// Why a network cannot be as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct UnsuitableSetting {
    /// Key of the configuration, dotted.
    pub key: &'static str,
    /// What is wrong with its value, and what to do.
    pub reason: String,
}

impl UnsuitableSetting {
    pub(super) fn new(key: &'static str, reason: impl Into<String>) -> Self {
        Self { key, reason: reason.into() }
    }
}

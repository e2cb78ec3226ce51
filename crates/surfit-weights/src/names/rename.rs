//! Renamings that the configuration requests.

use crate::NetworkError;
use regex::Regex;

/// Maximum length of a name that a renaming makes longer.
pub(crate) const MAX_RENAMED_BYTES: usize = 1024;

/// Regular expressions and what they are replaced with, one after the other: `corners.rename`.
#[derive(Clone, Debug, Default)]
pub struct RenameRules(Vec<(Regex, String)>);

impl RenameRules {
    /// Compiles the pairs of a configuration.
    ///
    /// # Errors
    /// [`NetworkError::Pattern`].
    pub fn new(pairs: &[(String, String)]) -> Result<Self, NetworkError> {
        let compiled = pairs.iter().map(|(pattern, replacement)| {
            let regex =
                Regex::new(pattern).map_err(|source| NetworkError::Pattern { pattern: pattern.clone(), source })?;
            Ok((regex, replacement.clone()))
        });
        compiled.collect::<Result<_, _>>().map(Self)
    }

    /// Returns what a tensor is called after all renamings; nothing when it is to be left out.
    ///
    /// # Errors
    /// When a renaming makes more than 1024 bytes of a name, which a few of them could let grow without end.
    pub fn apply(&self, name: &str) -> Result<String, NetworkError> {
        let mut renamed = name.to_owned();
        for (regex, replacement) in &self.0 {
            renamed = regex.replace_all(&renamed, replacement).into_owned();
            if renamed.len() > name.len().max(MAX_RENAMED_BYTES) {
                let (pattern, bytes, name) = (regex.as_str().into(), renamed.len(), name.into());
                return Err(NetworkError::LongName { pattern, bytes, name });
            }
        }
        Ok(renamed)
    }
}

//! Renamings that the configuration asks for.

use crate::networks::NetworkError;
use regex::Regex;

/// Regular expressions and what they are replaced with, one after the other: `corners.rename`.
#[derive(Clone, Debug, Default)]
pub struct Renames(Vec<(Regex, String)>);

impl Renames {
    /// Compiles the pairs of a configuration.
    ///
    /// # Errors
    /// A sentence for what is no regular expression.
    pub fn new(pairs: &[(String, String)]) -> Result<Self, NetworkError> {
        let compiled = pairs.iter().map(|(pattern, replacement)| {
            let regex = Regex::new(pattern).map_err(|e| {
                let why = e.to_string();
                let why = why.lines().last().unwrap_or_default();
                NetworkError(format!(
                    "corners.rename: {pattern:?} is no regular expression ({why})"
                ))
            })?;
            Ok((regex, replacement.clone()))
        });
        compiled.collect::<Result<_, _>>().map(Self)
    }

    /// What a tensor is called after all renamings; nothing when it is to be left out.
    pub fn apply(&self, name: &str) -> String {
        let mut name = name.to_owned();
        for (regex, replacement) in &self.0 {
            name = regex.replace_all(&name, replacement).into_owned();
        }
        name
    }
}

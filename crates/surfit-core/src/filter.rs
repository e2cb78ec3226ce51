//! Choosing among runs: `degree:3 acc>0.9 net:resnet18 state:running data:cifar10 loss<0.3 name words`.
//!
//! Terms are separated by spaces and all must hold; `!` before a term turns it round. A term is a word that the run's name
//! holds (or a pattern that is the whole of it: `demo-*`), a key with the values it may have (`state:running,failed`, with `*` for anything: `net:resnet*`), or a key with a
//! bound. What is not known of a run fulfils no term.

mod term;

#[cfg(test)]
mod tests;

use crate::metrics::MetricValues;
use crate::surface::Degrees;
use std::fmt;
use std::str::FromStr;
use term::FilterTerm;

pub use term::filter_keys;

/// What is known of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunAttributes {
    /// Its name, as `surfit ls` shows it.
    pub name: String,
    /// What it is doing: one of [`RUN_STATES`].
    pub state: String,
    /// Name of the run's network.
    pub network: Option<String>,
    /// Its data set.
    pub data: Option<String>,
    /// Degrees of its surface.
    pub degrees: Option<Degrees>,
    /// Metrics of its best point on validation.
    pub metrics: MetricValues,
    /// Seconds since it was begun.
    pub age: Option<f64>,
}

/// The states of a run, with those that only its directory shows.
pub const RUN_STATES: &[&str] =
    &["new", "starting", "running", "paused", "idle", "finished", "failed", "closed", "interrupted"];

/// A way to choose among runs. The empty one chooses all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    terms: Vec<(bool, FilterTerm)>,
}

/// A filter that cannot be understood; its text is one sentence with the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A `!` without a term.
    #[error("`!` needs a term after it, such as !state:failed")]
    LoneNegation,
    /// A key and a sign, and nothing after them.
    #[error("`{term}` has no value; write one after `{sign}`")]
    NoValue {
        /// The term as given.
        term: String,
        /// Its sign.
        sign: &'static str,
    },
    /// A bound on a text.
    #[error("`{term}`: a {key} cannot be compared; write `:` and a name")]
    NoOrder {
        /// The term as given.
        term: String,
        /// Name of its key.
        key: &'static str,
    },
    /// A value that the key cannot have.
    #[error("`{term}`: use {expected}")]
    BadValue {
        /// The term as given.
        term: String,
        /// What the key can have.
        expected: &'static str,
    },
    /// Nothing before the sign.
    #[error("`{0}` has no key; the keys are {keys}", keys = filter_keys().join(", "))]
    NoKey(String),
    /// Nothing at a comma.
    #[error("`{0}`: a value is missing at the comma")]
    MissingValue(String),
    /// A key that does not exist, or a name that nothing has.
    #[error("{0}")]
    UnknownName(String),
}

impl Filter {
    /// True when every term holds.
    pub fn matches(&self, facts: &RunAttributes) -> bool {
        self.terms.iter().all(|(wanted, term)| term.matches(facts) == *wanted)
    }

    /// True when it chooses everything.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// What can be written, for a help text.
    pub const HELP: &'static str = "\
words of the name · state:running,failed · net:resnet18 · data:cifar* · degree:3 · degree:3x2 · degree>2 · \
acc>0.9 (or 90%) · loss<0.3 and other metrics · age<2d · !term for the opposite";
}

impl FromStr for Filter {
    type Err = FilterError;

    /// # Errors
    /// A sentence for a key that does not exist, a value that it cannot have, or a bound that is no number.
    fn from_str(text: &str) -> Result<Self, FilterError> {
        let term = |word: &str| {
            let bare = word.trim_start_matches('!');
            let wanted = (word.len() - bare.len()).is_multiple_of(2);
            FilterTerm::parse(bare).map(|term| (wanted, term))
        };
        Ok(Self { terms: text.split_whitespace().map(term).collect::<Result<_, _>>()? })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (wanted, term)) in self.terms.iter().enumerate() {
            let gap = if index == 0 { "" } else { " " };
            let not = if *wanted { "" } else { "!" };
            write!(f, "{gap}{not}{term}")?;
        }
        Ok(())
    }
}

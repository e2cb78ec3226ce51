//! One key, or two pressed one after the other: `g`, `g l`, `ctrl-x s`.

use super::Key;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Why a text is no key or sequence of keys.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    #[error("`{0}` is no key; write one like g, G, ctrl-g, alt-g, space, enter, pageup or f5")]
    Unknown(String),
    #[error("`{0}` contains esc, which cancels a sequence")]
    ContainsEscape(String),
    #[error("an empty text is no key; `[]` removes the keys")]
    Empty,
    #[error("`{0}` is more than two keys; write one or two, such as `g` or `g l`")]
    TooLong(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sequence {
    /// The only key, or the one that opens the sequence.
    pub first: Key,
    pub second: Option<Key>,
}

impl Sequence {
    /// True when one of the two can never be finished beside the other: they are the same, or one opens the other.
    pub fn conflicts_with(self, other: Sequence) -> bool {
        self.first == other.first && (self.second.is_none() || other.second.is_none() || self.second == other.second)
    }

    pub fn display_label(self, ascii: bool) -> String {
        match self.second {
            Some(second) => format!("{} {}", self.first.display_label(ascii), second.display_label(ascii)),
            None => self.first.display_label(ascii),
        }
    }
}

impl From<Key> for Sequence {
    fn from(first: Key) -> Self {
        Self { first, second: None }
    }
}

impl FromStr for Sequence {
    type Err = KeyError;

    fn from_str(s: &str) -> Result<Self, KeyError> {
        match s.split_whitespace().collect::<Vec<_>>().as_slice() {
            [one] => Ok(Key::from_str(one)?.into()),
            [first, second] => {
                let (first, second) = (Key::from_str(first)?, Key::from_str(second)?);
                if [first, second].contains(&Key::ESC) {
                    return Err(KeyError::ContainsEscape(s.into()));
                }
                Ok(Self { first, second: Some(second) })
            }
            [] => Err(KeyError::Empty),
            _ => Err(KeyError::TooLong(s.into())),
        }
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.second {
            Some(second) => write!(f, "{} {second}", self.first),
            None => self.first.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seq(s: &str) -> Sequence {
        s.parse().unwrap()
    }

    #[test]
    fn sequences_are_written_as_they_are_read() {
        for s in ["g", "g l", "ctrl-x ctrl-s", "space f1"] {
            assert_eq!(seq(s).to_string(), s);
        }
        assert_eq!(seq("g left").display_label(false), "g ←");
        let error = |s: &str| s.parse::<Sequence>().unwrap_err();
        assert_eq!(error("g g g"), KeyError::TooLong("g g g".into()));
        assert_eq!(error("gg"), KeyError::Unknown("gg".into()));
        assert_eq!((error("g esc"), error(" ")), (KeyError::ContainsEscape("g esc".into()), KeyError::Empty));
    }

    #[test]
    fn a_key_that_opens_a_sequence_clashes_with_it() {
        assert!(seq("g").conflicts_with(seq("g l")) && seq("g l").conflicts_with(seq("g")));
        assert!(seq("g l").conflicts_with(seq("g l")) && !seq("g l").conflicts_with(seq("g s")));
        assert!(!seq("l g").conflicts_with(seq("g l")));
    }
}

//! Keys as people write them: `g`, `G`, `ctrl-c`, `space`, `f1`.

mod sequence;

pub use sequence::{KeyError, Sequence};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::fmt;
use std::str::FromStr;

/// A key with the modifiers that matter. Shift is part of the letter, as terminals send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

/// Names of keys that have no letter.
const KEY_NAMES: [(&str, KeyCode); 15] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("shift-tab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
];

impl Key {
    /// Takes back and closes, whatever the user's keys are.
    pub const ESC: Key = Key::plain(KeyCode::Esc);

    /// Answers and continues, whatever the user's keys are.
    pub const ENTER: Key = Key::plain(KeyCode::Enter);

    /// Leaves, or asks, whatever the user's keys are.
    pub const CTRL_C: Key = Key { code: KeyCode::Char('c'), modifiers: KeyModifiers::CONTROL };

    pub const fn plain(code: KeyCode) -> Self {
        Self { code, modifiers: KeyModifiers::NONE }
    }

    pub(crate) fn to_event(self) -> KeyEvent {
        KeyEvent::new(self.code, self.modifiers)
    }

    /// True for a key that writes a letter where text is typed.
    pub fn is_letter(self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && self.modifiers.is_empty()
    }

    pub const fn code(self) -> KeyCode {
        self.code
    }

    /// The key as the screen shows it: arrows as arrows where the terminal has them.
    pub fn display_label(self, ascii: bool) -> String {
        let arrow = match self.code {
            KeyCode::Left => "←",
            KeyCode::Right => "→",
            KeyCode::Up => "↑",
            KeyCode::Down => "↓",
            _ => "",
        };
        if ascii || arrow.is_empty() || !self.modifiers.is_empty() { self.to_string() } else { arrow.into() }
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let kept = KeyModifiers::CONTROL | KeyModifiers::ALT;
        Self { code: event.code, modifiers: event.modifiers & kept }
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(s: &str) -> Result<Self, KeyError> {
        let (mut rest, mut modifiers) = (s, KeyModifiers::NONE);
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-").filter(|r| !r.is_empty()) {
                (rest, modifiers) = (after, modifiers | KeyModifiers::CONTROL);
            } else if let Some(after) = rest.strip_prefix("alt-").filter(|r| !r.is_empty()) {
                (rest, modifiers) = (after, modifiers | KeyModifiers::ALT);
            } else {
                break;
            }
        }
        let mut letters = rest.chars();
        let code = match (letters.next(), letters.next()) {
            (Some(c), None) if !c.is_control() && c != ' ' => Some(KeyCode::Char(c)),
            _ => KEY_NAMES.iter().find(|n| n.0 == rest).map(|n| n.1).or_else(|| {
                let number: u8 = rest.strip_prefix('f')?.parse().ok()?;
                (1..=24).contains(&number).then_some(KeyCode::F(number))
            }),
        };
        code.map(|code| Self { code, modifiers }).ok_or_else(|| KeyError::Unknown(s.into()))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            f.write_str("ctrl-")?;
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            f.write_str("alt-")?;
        }
        if let Some((name, _)) = KEY_NAMES.iter().find(|n| n.1 == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(n) => write!(f, "f{n}"),
            other => write!(f, "{other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_they_are_read() {
        for s in ["g", "G", "-", "ctrl-c", "alt-x", "ctrl-alt-space", "f12", "shift-tab", "pageup", "?"] {
            assert_eq!(s.parse::<Key>().unwrap().to_string(), s);
        }
        for s in ["", "gg", "ctrl-", "f0", "f99", "hyper-x", " "] {
            assert!(s.parse::<Key>() == Err(KeyError::Unknown(s.into())), "{s}");
        }
        assert_eq!(Key::plain(KeyCode::Left).display_label(false), "←");
        assert_eq!(Key::plain(KeyCode::Left).display_label(true), "left");
    }

    #[test]
    fn a_capital_letter_is_the_same_key_however_a_terminal_reports_shift() {
        let key = Key::from(KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT));
        assert_eq!(key, "G".parse().unwrap());
        let back = Key::from(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT));
        assert_eq!(back, "shift-tab".parse().unwrap());
    }
}

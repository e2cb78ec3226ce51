//! A line of text that a list is searched or narrowed by.

use crate::theme::{Theme, ThemeRole};
use crossterm::event::{Event, KeyCode, KeyEvent};
use ratatui::text::Span;
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

#[derive(Clone, Debug, Default)]
pub struct SearchField {
    input: Input,
    /// Keys go into the line.
    pub typing: bool,
}

impl SearchField {
    /// An empty line that takes the keys.
    pub fn open() -> Self {
        Self { typing: true, ..Self::default() }
    }

    pub fn text(&self) -> &str {
        self.input.value().trim()
    }

    pub fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// Takes a key while the line is open. Enter keeps what was typed, escape and a backspace too many give it up.
    pub fn handle_key(&mut self, event: KeyEvent) {
        match event.code {
            KeyCode::Enter => self.typing = false,
            KeyCode::Esc => *self = Self::default(),
            KeyCode::Backspace if self.input.value().is_empty() => *self = Self::default(),
            _ => drop(self.input.handle_event(&Event::Key(event))),
        }
    }

    /// The line, for text that is pasted into it.
    pub(crate) fn input_mut(&mut self) -> &mut Input {
        &mut self.input
    }

    /// True when `text` holds what is searched for, whatever the case of its letters.
    pub fn finds(&self, text: &str) -> bool {
        !self.is_empty() && text.to_lowercase().contains(&self.text().to_lowercase())
    }

    /// The line as it is shown: `/text`, with a cursor while it is typed; `None` when there is nothing to show.
    pub fn spans<'a>(&self, theme: &Theme) -> Option<Vec<Span<'a>>> {
        if !self.typing && self.is_empty() {
            return None;
        }
        let mut out = vec![Span::styled("/", theme.style(ThemeRole::Key))];
        let style = theme.style(ThemeRole::Text);
        if !self.typing {
            out.push(Span::styled(self.text().to_owned(), style));
            return Some(out);
        }
        let at = self.input.cursor();
        let letters: Vec<char> = self.input.value().chars().collect();
        let part = |range: &[char]| range.iter().collect::<String>();
        out.push(Span::styled(part(&letters[..at.min(letters.len())]), style));
        let under = letters.get(at).map_or(" ".into(), char::to_string);
        out.push(Span::styled(under, theme.style(ThemeRole::Cursor)));
        out.push(Span::styled(part(letters.get(at + 1..).unwrap_or_default()), style));
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyModifiers;

    fn press(search: &mut SearchField, code: KeyCode) {
        search.handle_key(KeyEvent::new(code, KeyModifiers::NONE));
    }

    #[test]
    fn typed_kept_and_given_up() {
        let mut search = SearchField::open();
        assert!(!search.finds("anything"));
        for c in "Deg".chars() {
            press(&mut search, KeyCode::Char(c));
        }
        assert!(search.finds("the degree rose") && !search.finds("grid"));
        press(&mut search, KeyCode::Enter);
        assert_eq!((search.typing, search.text()), (false, "Deg"));
        search.typing = true;
        press(&mut search, KeyCode::Esc);
        assert!(!search.typing && search.is_empty());
        search.typing = true;
        press(&mut search, KeyCode::Backspace);
        assert!(!search.typing);
    }
}

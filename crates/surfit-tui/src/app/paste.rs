//! Pasted text: it goes into the text field that has the keys, and nowhere else.

use super::{App, ExportMenu, Overlay};
use tui_input::{Input, InputRequest};

/// Most characters that a text field holds after a paste.
const MAX_FIELD_CHARS: usize = 4096;

impl App {
    /// Inserts pasted text at the cursor of the text field that has the keys. Without one it does nothing at all: the
    /// letters of a path are no keys.
    pub(super) fn insert_pasted_text(&mut self, text: &str) {
        if self.question.is_some() {
            return;
        }
        if self.export_menu.is_some() {
            if let Some(ExportMenu::Name(naming)) = &mut self.export_menu {
                insert_single_line(&mut naming.input, text);
                self.dirty = true;
            }
        } else if self.is_typing_search() {
            if let Some(search) = self.active_search() {
                insert_single_line(search.input_mut(), text);
            }
            self.show_search_results();
            self.dirty = true;
        } else if let Some(Overlay::Palette { input, selected }) = &mut self.overlay {
            insert_single_line(input, text);
            *selected = 0;
            self.dirty = true;
        }
    }
}

/// Inserts `text` as one line of at most [`MAX_FIELD_CHARS`]: line breaks and tabs become single spaces, those at its
/// ends and other control characters are dropped.
fn insert_single_line(input: &mut Input, text: &str) {
    let line = text.trim_matches(['\r', '\n']).replace("\r\n", "\n");
    let spaced = line.chars().map(|c| match c {
        '\r' | '\n' | '\t' => ' ',
        c => c,
    });
    let room = MAX_FIELD_CHARS.saturating_sub(input.value().chars().count());
    let at = input.cursor();
    let new: Vec<char> = spaced.filter(|c| !c.is_control()).take(room).collect();
    let old = input.value().chars();
    let value: String = old.clone().take(at).chain(new.iter().copied()).collect();
    let value = value + &old.skip(at).collect::<String>();
    *input = Input::new(value);
    input.handle(InputRequest::SetCursor(at + new.len()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paste_is_one_line_without_control_characters_and_bounded() {
        let mut input = Input::new("ab".into());
        input.handle(InputRequest::SetCursor(1));
        insert_single_line(&mut input, "\r\nx\r\ny\tz\x1b[31m\x07é\n");
        assert_eq!((input.value(), input.cursor()), ("ax y z[31méb", 11));
        insert_single_line(&mut input, &"w".repeat(100_000));
        assert_eq!(input.value().chars().count(), MAX_FIELD_CHARS);
        assert!(input.value().ends_with('b'));
    }
}

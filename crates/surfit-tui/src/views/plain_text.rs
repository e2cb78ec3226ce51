//! A text on the whole screen, from its first column on and without a frame, so that it can be selected by hand.

use super::footer::{self, FooterItem};
use super::message::transliterate;
use super::text_wrap::break_word;
use super::view::{InputOutcome, MouseInput, View};
use crate::action::KeyScope;
use crate::app::App;
use crate::layout::ScreenLayout;
use crate::theme::ThemeRole;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Widget};

/// Text over the whole screen, without a frame.
#[derive(Debug)]
pub struct TextOverlay {
    pub text: String,
    pub scroll: usize,
}

impl View for TextOverlay {
    fn scope(&self) -> KeyScope {
        KeyScope::View("text")
    }

    fn area(&self, screen: &ScreenLayout, _app: &App) -> Rect {
        Rect { height: screen.area.height.saturating_sub(1), ..screen.area }
    }

    fn render(&self, area: Rect, buf: &mut Buffer, app: &App) {
        Clear.render(area, buf);
        buf.set_style(area, app.theme.style(ThemeRole::Background));
        let rows = wrap_lines(&self.text, area.width);
        for (row, place) in rows.iter().skip(self.scroll).zip(area.rows()) {
            let row = transliterate(row, app.theme.is_ascii());
            Line::styled(row, app.theme.style(ThemeRole::Text)).render(place, buf);
        }
    }

    fn hints(&self, app: &App) -> Vec<FooterItem> {
        vec![footer::page_hint(app), footer::close_hint(app)]
    }

    fn is_fullscreen(&self) -> bool {
        true
    }

    fn on_mouse(&mut self, app: &mut App, _area: Rect, input: MouseInput) -> InputOutcome {
        if let MouseInput::Wheel(_, by) = input {
            self.scroll(app, 3 * by);
        }
        InputOutcome::DONE
    }

    fn position_mut(&mut self) -> Option<&mut usize> {
        Some(&mut self.scroll)
    }

    fn last_position(&self, app: &App) -> usize {
        let room = usize::from(app.size.height.saturating_sub(1));
        wrap_lines(&self.text, app.size.width).len().saturating_sub(room)
    }
}

/// Returns the text's lines, cut into rows of at most `width` columns. Tabs become spaces.
pub fn wrap_lines(text: &str, width: u16) -> Vec<String> {
    text.lines().flat_map(|line| break_word(&line.replace('\t', "  "), width)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_by_the_columns_they_take() {
        assert_eq!(wrap_lines("abcde\n\n\tf", 3), ["abc", "de", "", "  f"]);
        // Each of these takes two columns; one that is wider than the row has a row of its own.
        assert_eq!(wrap_lines("模型a表面", 5), ["模型a", "表面"]);
        assert_eq!(wrap_lines("模型", 1), ["模", "型"]);
        // A letter and its accent stay together.
        assert_eq!(wrap_lines("ae\u{301}b", 2), ["ae\u{301}", "b"]);
    }
}

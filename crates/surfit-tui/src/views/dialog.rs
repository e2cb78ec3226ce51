//! A question in the middle of the screen.

use super::footer::{self, FooterItem};
use super::message::transliterate;
use super::view::{InputOutcome, KeyPress, MouseInput, View};
use super::{popup, text_wrap};
use crate::action::KeyScope;
use crate::app::{App, Question};
use crate::key::Key;
use crate::layout::ScreenLayout;
use crate::theme::ThemeRole;
use crossterm::event::{KeyCode, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::Widget;

/// Columns of an answer's key and label.
const LABEL_WIDTH: u16 = 18;

impl View for Question {
    fn scope(&self) -> KeyScope {
        KeyScope::View("question")
    }

    fn title(&self, _app: &App) -> String {
        self.title.into()
    }

    fn remark(&self, _app: &App) -> String {
        "enter confirms".into()
    }

    fn is_modal(&self) -> bool {
        true
    }

    fn area(&self, screen: &ScreenLayout, app: &App) -> Rect {
        layout_question(screen.area, self, app.theme.is_ascii()).0
    }

    fn render_body(&self, inner: Rect, buf: &mut Buffer, app: &App) {
        let theme = &app.theme;
        let screen = Rect::from((Position::ORIGIN, app.size));
        let (_, text) = layout_question(screen, self, theme.is_ascii());
        let text_rows = text.len() as u16;
        for (line, row) in text.iter().zip(inner.rows()) {
            Line::styled(line.as_str(), theme.style(ThemeRole::Text)).render(row, buf);
        }
        for (n, choice) in self.choices.iter().enumerate() {
            let row = choice_row(inner, text_rows, n);
            if row.y >= inner.bottom() {
                break;
            }
            let chosen = n == self.selected;
            popup::draw_choice(row, buf, theme, chosen, choice.key, choice.label);
            let role = if chosen { ThemeRole::Selection } else { ThemeRole::Muted };
            let used = LABEL_WIDTH.min(row.width);
            let meaning = Rect { x: row.x + used, width: row.width - used, ..row };
            Line::styled(choice.meaning, theme.style(role)).render(meaning, buf);
        }
    }

    fn hints(&self, app: &App) -> Vec<FooterItem> {
        let enter = footer::key_hint(app, Key::ENTER, "confirm");
        vec![footer::choose_hint(app), enter, footer::key_hint(app, Key::ESC, "cancel")]
    }

    fn on_key(&mut self, app: &mut App, press: KeyPress) -> InputOutcome {
        let count = self.choices.len();
        let event = press.event;
        match event.code {
            KeyCode::Esc => return InputOutcome::CLOSE,
            KeyCode::Enter => return self.on_enter(app),
            KeyCode::Down | KeyCode::Right | KeyCode::Tab => self.selected = (self.selected + 1) % count,
            KeyCode::Up | KeyCode::Left | KeyCode::BackTab => self.selected = (self.selected + count - 1) % count,
            KeyCode::Char(c) if !event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
                let c = c.to_ascii_lowercase();
                if let Some(n) = self.choices.iter().position(|choice| choice.key == c) {
                    self.selected = n;
                    return self.on_enter(app);
                }
            }
            _ => {}
        }
        InputOutcome::DONE
    }

    fn on_enter(&mut self, app: &mut App) -> InputOutcome {
        InputOutcome::Close((self.choices[self.selected].answer)(app))
    }

    /// A click on an answer gives it, one beside the question cancels.
    fn on_mouse(&mut self, app: &mut App, area: Rect, input: MouseInput) -> InputOutcome {
        let MouseInput::Click(at) = input else {
            return InputOutcome::DONE;
        };
        if !area.contains(at) || popup::closes_at(area, at) {
            return InputOutcome::CLOSE;
        }
        let screen = Rect::from((Position::ORIGIN, app.size));
        let (_, text) = layout_question(screen, self, app.theme.is_ascii());
        let rows = text.len() as u16;
        let found = (0..self.choices.len()).find(|&n| choice_row(popup::inner(area), rows, n).contains(at));
        match found {
            Some(n) => {
                self.selected = n;
                self.on_enter(app)
            }
            None => InputOutcome::DONE,
        }
    }
}

fn choice_row(inner: Rect, text_rows: u16, n: usize) -> Rect {
    Rect { y: inner.y + text_rows + 1 + n as u16, height: 1, ..inner }
}

fn layout_question(screen: Rect, question: &Question, ascii: bool) -> (Rect, Vec<String>) {
    let longest = question.choices.iter().map(|c| c.meaning.len() as u16).max().unwrap_or_default();
    let width = (longest + LABEL_WIDTH + 4).max(56).min(screen.width);
    let mut text = text_wrap::wrap_sentence(&transliterate(&question.text, ascii), width.saturating_sub(4));
    // The answers stay in sight, whatever the text is.
    let answers = question.choices.len() as u16 + 3;
    text.truncate(usize::from(screen.height.saturating_sub(answers)).max(1));
    let height = (text.len() as u16 + answers).min(screen.height);
    let area =
        Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + (screen.height - height) / 2, width, height };
    (area, text)
}

//! A question in the middle of the screen.

use super::message::transliterate;
use super::{popup, text_wrap};
use crate::app::{App, Question};
use crate::theme::{Theme, ThemeRole};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// Draws the question.
pub fn render(screen: Rect, buf: &mut Buffer, theme: &Theme, question: &Question) {
    let (area, text) = layout_question(screen, question, theme.is_ascii());
    let text_rows = text.len() as u16;
    let inner = popup::draw(area, buf, theme, question.title, "enter takes the marked one");
    for (line, row) in text.iter().zip(inner.rows()) {
        Line::styled(line.as_str(), theme.style(ThemeRole::Text)).render(row, buf);
    }
    for (n, choice) in question.choices.iter().enumerate() {
        let row = choice_row(inner, text_rows, n);
        if row.y >= inner.bottom() {
            break;
        }
        let chosen = n == question.selected;
        let mark = if chosen { theme.pick_glyph("›", ">") } else { " " };
        let line = Line::from(vec![
            Span::raw(format!("{mark} ")),
            Span::styled(
                choice.key.to_string(),
                theme.style(if chosen { ThemeRole::Selection } else { ThemeRole::Key }),
            ),
            Span::raw(format!("  {:<13}", choice.label)),
            Span::styled(choice.meaning, theme.style(if chosen { ThemeRole::Selection } else { ThemeRole::Muted })),
        ]);
        buf.set_style(row, theme.style(if chosen { ThemeRole::Selection } else { ThemeRole::Text }));
        line.render(row, buf);
    }
}

/// The answer at a place on the screen.
pub fn choice_at(app: &App, screen: Rect, question: &Question, at: Position) -> Option<usize> {
    let (area, text) = layout_question(screen, question, app.theme.is_ascii());
    let inner = popup::inner(area);
    (0..question.choices.len()).find(|&n| choice_row(inner, text.len() as u16, n).contains(at))
}

/// True on the sign that closes the question, and beside it.
pub fn cancels_at(app: &App, screen: Rect, question: &Question, at: Position) -> bool {
    let (area, _) = layout_question(screen, question, app.theme.is_ascii());
    !area.contains(at) || popup::closes_at(area, at)
}

fn choice_row(inner: Rect, text_rows: u16, n: usize) -> Rect {
    Rect { y: inner.y + text_rows + 1 + n as u16, height: 1, ..inner }
}

/// Where the question lies, and its text in rows.
fn layout_question(screen: Rect, question: &Question, ascii: bool) -> (Rect, Vec<String>) {
    let width = 56.min(screen.width);
    let mut text = text_wrap::wrap_sentence(&transliterate(&question.text, ascii), width.saturating_sub(4));
    // The answers stay in sight, whatever the text is.
    let answers = question.choices.len() as u16 + 3;
    text.truncate(usize::from(screen.height.saturating_sub(answers)).max(1));
    let height = (text.len() as u16 + answers).min(screen.height);
    let area =
        Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + (screen.height - height) / 2, width, height };
    (area, text)
}

//! A question in the middle of the screen.

use super::popup;
use crate::app::Question;
use crate::theme::{Role, Theme};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget, Wrap};

/// Draws the question.
pub fn render(screen: Rect, buf: &mut Buffer, theme: &Theme, question: &Question) {
    let (area, text_rows) = place(screen, question);
    let inner = popup::draw(
        area,
        buf,
        theme,
        question.title,
        "enter takes the marked one",
    );
    Paragraph::new(question.text.as_str())
        .wrap(Wrap { trim: true })
        .style(theme.style(Role::Text))
        .render(
            Rect {
                height: text_rows.min(inner.height),
                ..inner
            },
            buf,
        );
    for (n, choice) in question.choices.iter().enumerate() {
        let row = row_of(inner, text_rows, n);
        if row.y >= inner.bottom() {
            break;
        }
        let chosen = n == question.selected;
        let mark = if chosen { theme.pick("›", ">") } else { " " };
        let line = Line::from(vec![
            Span::raw(format!("{mark} ")),
            Span::styled(
                choice.key.to_string(),
                theme.style(if chosen { Role::Selection } else { Role::Key }),
            ),
            Span::raw(format!("  {:<13}", choice.label)),
            Span::styled(
                choice.meaning,
                theme.style(if chosen { Role::Selection } else { Role::Muted }),
            ),
        ]);
        buf.set_style(
            row,
            theme.style(if chosen { Role::Selection } else { Role::Text }),
        );
        line.render(row, buf);
    }
}

/// The answer at a place on the screen.
pub fn choice_at(screen: Rect, question: &Question, at: Position) -> Option<usize> {
    let (area, text_rows) = place(screen, question);
    let inner = popup::inner(area);
    (0..question.choices.len()).find(|&n| row_of(inner, text_rows, n).contains(at))
}

/// True on the sign that closes the question, and beside it.
pub fn cancels_at(screen: Rect, question: &Question, at: Position) -> bool {
    let (area, _) = place(screen, question);
    !area.contains(at) || popup::closes_at(area, at)
}

fn row_of(inner: Rect, text_rows: u16, n: usize) -> Rect {
    Rect {
        y: inner.y + text_rows + 1 + n as u16,
        height: 1,
        ..inner
    }
}

fn place(screen: Rect, question: &Question) -> (Rect, u16) {
    let width = 56.min(screen.width);
    // Words wrap a little earlier than letters would.
    let text_rows = (question.text.chars().count() as u16)
        .div_ceil(width.saturating_sub(12).max(1))
        .max(1);
    let height = (text_rows + question.choices.len() as u16 + 3).min(screen.height);
    let area = Rect {
        x: screen.x + (screen.width - width) / 2,
        y: screen.y + (screen.height - height) / 2,
        width,
        height,
    };
    (area, text_rows)
}

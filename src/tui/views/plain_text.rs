//! A text on the whole screen, from its first column on and without a frame, so that it can be selected by hand.

use super::message::clean;
use crate::app::App;
use crate::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Widget};

/// Draws the text from row `scroll` on, above the footer's row.
pub fn render(area: Rect, buf: &mut Buffer, app: &App, text: &str, scroll: usize) {
    let area = Rect {
        height: area.height.saturating_sub(1),
        ..area
    };
    Clear.render(area, buf);
    buf.set_style(area, app.theme.style(Role::Background));
    let rows = rows(text, area.width);
    for (row, place) in rows.iter().skip(scroll).zip(area.rows()) {
        let row = clean(row, app.theme.ascii());
        Line::styled(row, app.theme.style(Role::Text)).render(place, buf);
    }
}

/// The text's lines, cut into rows of `width` characters. Tabs become spaces.
pub fn rows(text: &str, width: u16) -> Vec<String> {
    let width = usize::from(width).max(1);
    let mut rows = Vec::new();
    for line in text.lines() {
        let line: Vec<char> = line.replace('\t', "  ").chars().collect();
        rows.extend(
            line.chunks(width)
                .map(|part| part.iter().collect::<String>()),
        );
        if line.is_empty() {
            rows.push(String::new());
        }
    }
    rows
}

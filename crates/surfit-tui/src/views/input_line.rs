//! A line that is typed.

use super::message::transliterate;
use crate::theme::{Theme, ThemeRole};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use tui_input::Input;

/// Draws what is typed, moved so that its cursor is in sight.
pub fn draw(area: Rect, buf: &mut Buffer, theme: &Theme, input: &Input) {
    if area.height == 0 || area.width < 4 {
        return;
    }
    let room = usize::from(area.width - 1);
    let hidden = input.visual_scroll(room);
    let mut passed = 0;
    // Letters that are two columns wide may extend over the edge.
    let visible: String = (input.value().chars())
        .skip_while(|c| {
            let before = passed;
            passed += Span::raw(c.to_string()).width();
            before < hidden
        })
        .collect();
    let text = transliterate(&visible, false);
    buf.set_stringn(area.x, area.y, text, room, theme.style(ThemeRole::Text));
    let caret = input.visual_cursor().saturating_sub(hidden) as u16;
    if let Some(cell) = buf.cell_mut((area.x + caret.min(area.width - 1), area.y)) {
        cell.set_style(theme.style(ThemeRole::Cursor));
    }
}

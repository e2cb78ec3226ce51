//! The frame of overlays.

use super::message::fit_hints;
use super::pane;
use crate::theme::{Theme, ThemeRole};
use ratatui::buffer::Buffer;
use ratatui::layout::{Margin, Position, Rect};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// Clears `area`, draws a frame with a title and a hint at its foot, and returns the area inside.
pub fn draw(area: Rect, buf: &mut Buffer, theme: &Theme, title: &str, hint: &str) -> Rect {
    let area = area.intersection(*buf.area());
    Clear.render(area, buf);
    buf.set_style(area, theme.style(ThemeRole::Background));
    // The frame's title style applies to the hint, too; its weight is the title's alone.
    let quiet = theme.style(ThemeRole::Muted).remove_modifier(Modifier::BOLD | Modifier::REVERSED);
    let hint = fit_hints(hint, area.width.saturating_sub(6), theme.is_ascii());
    let hint = Line::from(Span::styled(format!(" {hint} "), quiet));
    let title = Line::from(format!(" {title} "));
    let close = Line::from(Span::styled(theme.pick_glyph(" ✕ ", " x "), quiet));
    pane::block(theme, title, true)
        .title_top(close.right_aligned())
        .title_bottom(hint.right_aligned())
        .render(area, buf);
    inner(area)
}

/// True on the sign at the upper right that closes the popup.
pub fn closes_at(area: Rect, at: Position) -> bool {
    at.y == area.y && (area.right().saturating_sub(4)..area.right()).contains(&at.x)
}

pub fn inner(area: Rect) -> Rect {
    area.inner(Margin::new(2, 1))
}

/// Draws the key and the label of one of several choices.
pub fn draw_choice(row: Rect, buf: &mut Buffer, theme: &Theme, chosen: bool, key: char, label: &str) {
    let role = |usual| theme.style(if chosen { ThemeRole::Selection } else { usual });
    let mark = if chosen { theme.pick_glyph("›", ">") } else { " " };
    buf.set_style(row, role(ThemeRole::Text));
    Line::from(vec![
        Span::raw(format!("{mark} ")),
        Span::styled(key.to_string(), role(ThemeRole::Key)),
        Span::raw(format!("  {label}")),
    ])
    .render(row, buf);
}

/// The line at a place in a list of so many of which one is chosen: none below the last.
pub fn row_at(list: Rect, lines: usize, selected: usize, at: Position) -> Option<usize> {
    list.contains(at)
        .then(|| first_visible_row(selected, list.height) + usize::from(at.y - list.y))
        .filter(|&row| row < lines)
}

/// The first of `shown` of `count` lines so that the line `at` is among them.
pub fn first_shown(at: usize, shown: usize, count: usize) -> usize {
    (at + 1).saturating_sub(shown).min(count.saturating_sub(shown))
}

/// `list` rows scrolled so that `selected` is visible in `height` rows: the first one shown. None is chosen at
/// `usize::MAX`, and the list is at its beginning.
pub fn first_visible_row(selected: usize, height: u16) -> usize {
    selected.wrapping_add(1).saturating_sub(usize::from(height).max(1))
}

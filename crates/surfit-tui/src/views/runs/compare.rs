//! Two runs side by side.

use super::columns::RunColumn;
use crate::link::RunLine;
use crate::theme::{Theme, ThemeRole};
use crate::views::message::{transliterate, truncate_end};
use crate::views::plot::text::{self, format_loss};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Rows that it takes: the names and the figures.
pub const COMPARISON_ROWS: u16 = 9;
/// Columns of a figure's name.
const NAME_WIDTH: u16 = 12;

/// Draws both; where they differ in accuracy, by how many points.
pub fn draw(area: Rect, buf: &mut Buffer, theme: &Theme, pinned: &RunLine, chosen: &RunLine) {
    if area.height < 2 || area.width < NAME_WIDTH + 20 {
        return;
    }
    let rule = theme.pick_glyph("─", "-").repeat(area.width.into());
    text::put(buf, area.x, area.y, area.width, &rule, theme.style(ThemeRole::Border));
    let each = (area.width - NAME_WIDTH) / 2;
    let mut y = area.y + 1;
    let mut row = |name: &str, values: [String; 2], style: Style, note: Option<(String, ThemeRole)>| {
        if y >= area.bottom() {
            return;
        }
        text::put(buf, area.x, y, NAME_WIDTH, name, theme.style(ThemeRole::Muted));
        for (n, value) in values.iter().enumerate() {
            let x = area.x + NAME_WIDTH + n as u16 * each;
            let value = truncate_end(&transliterate(value, theme.is_ascii()), each - 1, theme.is_ascii());
            text::put(buf, x, y, each - 1, &value, style);
            if let (1, Some((note, role))) = (n, &note) {
                let at = x + value.chars().count() as u16 + 2;
                let room = area.right().saturating_sub(at);
                text::put(buf, at, y, room, note, theme.style(*role));
            }
        }
        y += 1;
    };
    let plain = theme.style(ThemeRole::Text);
    let names = [&pinned.id, &chosen.id].map(Clone::clone);
    row("", names, theme.style(ThemeRole::Title), None);
    let gain = pinned.best.zip(chosen.best).map(|(a, b)| 100.0 * (b - a));
    let note = gain.filter(|g| g.abs() >= 0.005).map(|g| {
        let role = if g > 0.0 { ThemeRole::Good } else { ThemeRole::Warning };
        (format!("{g:+.2}"), role)
    });
    let both = |column: RunColumn| [pinned, chosen].map(column.value);
    row("best", both(RunColumn::BEST), plain, note);
    let losses = [pinned, chosen].map(|r| r.loss.map(format_loss).unwrap_or_default());
    row("loss there", losses, plain, None);
    row("state", both(RunColumn::STATE), plain, None);
    let facts = [RunColumn::DEGREE, RunColumn::NETWORK, RunColumn::DATA, RunColumn::PROGRESS, RunColumn::BEGUN];
    for column in facts {
        // Differences are highlighted.
        let values = both(column);
        let style = if values[0] == values[1] { theme.style(ThemeRole::Muted) } else { plain };
        row(column.name, values, style, None);
    }
}

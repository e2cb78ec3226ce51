//! The list of what can be copied or written, with a preview, and the line for a file's name.

use super::message::{transliterate, truncate_end};
use super::{input_line, popup};
use crate::app::{App, ExportMenu};
use crate::theme::ThemeRole;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// Widest the popup gets, and most rows of the preview.
const MAX_WIDTH: u16 = 76;
const MAX_PREVIEW_ROWS: u16 = 6;
/// Columns of a line's key and words.
const LABEL_WIDTH: u16 = 36;

/// Draws it in the middle of the screen.
pub fn render(screen: Rect, buf: &mut Buffer, app: &App, take: &ExportMenu) {
    let area = popup_area(screen, take);
    match take {
        ExportMenu::Copy(menu) => {
            let hint = "a letter or enter copies";
            let inner = popup::draw(area, buf, &app.theme, "Copy", hint);
            let lines = (menu.items.iter()).map(|o| (o.key, o.label, o.value.lines().next().unwrap_or_default()));
            list(rows(inner, take), buf, app, lines, menu.selected);
            if let Some(offer) = menu.items.get(menu.selected) {
                preview(preview_area(inner, take), buf, app, &offer.value);
            }
        }
        ExportMenu::Write(menu) => {
            let hint = "a letter or enter, then its name";
            let inner = popup::draw(area, buf, &app.theme, "Write a file", hint);
            let lines = menu.items.iter().map(|o| (o.key, o.label, ""));
            list(rows(inner, take), buf, app, lines, menu.selected);
            if let Some(offer) = menu.items.get(menu.selected) {
                let muted = app.theme.style(ThemeRole::Muted);
                put(preview_area(inner, take), buf, app, offer.value.description, muted);
            }
        }
        ExportMenu::Name(naming) => {
            let hint = "enter writes it";
            let inner = popup::draw(area, buf, &app.theme, "Write a file", hint);
            put(inner, buf, app, &naming.description, app.theme.style(ThemeRole::Muted));
            let line = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1).min(1), ..inner };
            input_line::draw(line, buf, &app.theme, &naming.input);
        }
    }
}

/// True on the sign that closes the popup, and beside it.
pub fn closes_at(screen: Rect, take: &ExportMenu, at: Position) -> bool {
    let area = popup_area(screen, take);
    !area.contains(at) || popup::closes_at(area, at)
}

/// The line at a place on the screen.
pub fn line_at(screen: Rect, take: &ExportMenu, at: Position) -> Option<usize> {
    let inner = popup::inner(popup_area(screen, take));
    let rows = rows(inner, take);
    let line = usize::from(at.y.checked_sub(inner.y)?) + first_visible_line(take.selected(), rows.height);
    (rows.contains(at) && line < take.len()).then_some(line)
}

fn popup_area(screen: Rect, take: &ExportMenu) -> Rect {
    let width = MAX_WIDTH.min(screen.width);
    let lines = take.len() as u16;
    let rows = match take {
        ExportMenu::Copy(_) => lines + 1 + MAX_PREVIEW_ROWS,
        ExportMenu::Write(_) => lines + 2,
        ExportMenu::Name(_) => 2,
    };
    let height = (rows + 2).min(screen.height);
    Rect { x: screen.x + (screen.width - width) / 2, y: screen.y + (screen.height - height) / 2, width, height }
}

/// The rows of the list. What a file holds is told below it, also where not every line has room.
fn rows(inner: Rect, take: &ExportMenu) -> Rect {
    let below = match take {
        ExportMenu::Write(_) => 1,
        _ => 0,
    };
    let most = inner.height.saturating_sub(below);
    Rect { height: most.min(take.len() as u16), ..inner }
}

/// The first line that is shown: the chosen one is always in sight.
fn first_visible_line(selected: usize, rows: u16) -> usize {
    (selected + 1).saturating_sub(rows.into())
}

/// The room below the list and, where there is room for one, a gap.
fn preview_area(inner: Rect, take: &ExportMenu) -> Rect {
    let rows = rows(inner, take).height;
    let used = (rows + 1).min(inner.height.saturating_sub(1).max(rows));
    Rect { y: inner.y + used, height: inner.height - used, ..inner }
}

fn list<'a>(
    inner: Rect,
    buf: &mut Buffer,
    app: &App,
    lines: impl Iterator<Item = (char, &'a str, &'a str)>,
    selected: usize,
) {
    let theme = &app.theme;
    let lines = lines.enumerate().skip(first_visible_line(selected, inner.height));
    for ((n, (key, label, beside)), row) in lines.zip(inner.rows()) {
        let chosen = n == selected;
        let role = |usual| theme.style(if chosen { ThemeRole::Selection } else { usual });
        let mark = if chosen { theme.pick_glyph("›", ">") } else { " " };
        buf.set_style(row, role(ThemeRole::Text));
        Line::from(vec![
            Span::styled(format!("{mark} "), role(ThemeRole::Text)),
            Span::styled(key.to_string(), role(ThemeRole::Key)),
            Span::styled(format!("  {label}"), role(ThemeRole::Text)),
        ])
        .render(row, buf);
        let used = LABEL_WIDTH.min(row.width);
        let rest = Rect { x: row.x + used, width: row.width - used, ..row };
        put(rest, buf, app, &beside.replace('\t', "  "), role(ThemeRole::Muted));
    }
}

/// The first lines of a text, and how much it is in all.
fn preview(area: Rect, buf: &mut Buffer, app: &App, text: &str) {
    let theme = &app.theme;
    let count = text.lines().count();
    let room = usize::from(area.height);
    let (shown, rest) = if count > room || text.len() > crate::app::MAX_COPY_BYTES {
        (room.saturating_sub(1).min(count), true)
    } else {
        (count, false)
    };
    let rows: Vec<Rect> = area.rows().collect();
    for (line, row) in text.lines().take(shown).zip(&rows) {
        put(*row, buf, app, &line.replace('\t', "  "), theme.style(ThemeRole::Muted));
    }
    if let (true, Some(row)) = (rest, rows.get(shown)) {
        let size = text.len().div_ceil(1000);
        let (text, role) = if text.len() > crate::app::MAX_COPY_BYTES {
            (format!("{count} lines, {size} kB: more than terminals take"), ThemeRole::Warning)
        } else {
            (format!("{count} lines, {size} kB"), ThemeRole::Accent)
        };
        put(*row, buf, app, &text, theme.style(role));
    }
}

fn put(area: Rect, buf: &mut Buffer, app: &App, text: &str, style: Style) {
    let ascii = app.theme.is_ascii();
    let text = truncate_end(&transliterate(text, ascii), area.width, ascii);
    if area.height > 0 {
        Line::styled(text, style).render(area, buf);
    }
}

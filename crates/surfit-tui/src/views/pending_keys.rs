//! The message line while a sequence of keys is open: the keys that can follow, and what they do.

use crate::app::App;
use crate::key::Key;
use crate::theme::ThemeRole;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

struct PendingKey {
    x: u16,
    width: u16,
    next: Key,
    label: &'static str,
    available: bool,
}

/// Esc first, then the keys that can follow, as many as fit.
fn items(app: &App, area: Rect) -> Vec<PendingKey> {
    let ascii = app.theme.is_ascii();
    let shown = app.pending_prefix().map(|k| k.display_label(ascii)).unwrap_or_default();
    let mut x = area.x + 5 + Span::raw(shown).width() as u16;
    let follow =
        app.continuations().into_iter().map(|(next, action)| (next, action.label, (action.availability)(app).is_ok()));
    std::iter::once((Key::ESC, "cancel", true))
        .chain(follow)
        .map_while(|(next, label, possible)| {
            let width = (Span::raw(next.display_label(ascii)).width() + 1 + label.len()) as u16;
            let item = PendingKey { x, width, next, label, available: possible };
            x += width + 2;
            (item.x + width <= area.right()).then_some(item)
        })
        .collect()
}

pub fn key_at(app: &App, area: Rect, x: u16) -> Option<Key> {
    app.pending_prefix()?;
    items(app, area).into_iter().find(|i| (i.x..i.x + i.width).contains(&x)).map(|i| i.next)
}

pub fn render(area: Rect, buf: &mut Buffer, app: &App) {
    let Some(begun) = app.pending_prefix() else {
        return;
    };
    let theme = &app.theme;
    let shown = format!(" {} {}", begun.display_label(theme.is_ascii()), theme.pick_glyph("…", "~"));
    buf.set_stringn(area.x, area.y, shown, usize::from(area.width), theme.style(ThemeRole::Accent));
    for item in items(app, area) {
        let key = if item.available { ThemeRole::Key } else { ThemeRole::Muted };
        let line = Line::from(vec![
            Span::styled(item.next.display_label(theme.is_ascii()), theme.style(key)),
            Span::styled(format!(" {}", item.label), theme.style(ThemeRole::Muted)),
        ]);
        buf.set_line(item.x, area.y, &line, item.width);
    }
}

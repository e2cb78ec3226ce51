//! The message line while a sequence of keys is open: the keys that can follow, and what they do.

use crate::app::App;
use crate::key::Key;
use crate::theme::ThemeRole;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// A key that can follow, where it stands, and what it does.
struct PendingKey {
    x: u16,
    width: u16,
    next: Key,
    label: &'static str,
    possible: bool,
}

/// Esc first, then what can follow, as many as find room.
fn items(app: &App, area: Rect) -> Vec<PendingKey> {
    let ascii = app.theme.ascii();
    let shown = app.begun().map(|k| k.show(ascii)).unwrap_or_default();
    let mut x = area.x + 5 + Span::raw(shown).width() as u16;
    let follow = app.continuations().into_iter().map(|(next, action)| {
        let entry = action.entry();
        (next, entry.label, (entry.possible)(app).is_ok())
    });
    std::iter::once((Key::ESC, "cancel", true))
        .chain(follow)
        .map_while(|(next, label, possible)| {
            let width = (Span::raw(next.show(ascii)).width() + 1 + label.len()) as u16;
            let item = PendingKey {
                x,
                width,
                next,
                label,
                possible,
            };
            x += width + 2;
            (item.x + width <= area.right()).then_some(item)
        })
        .collect()
}

/// The key whose name stands at column `x`.
pub fn key_at(app: &App, area: Rect, x: u16) -> Option<Key> {
    app.begun()?;
    items(app, area)
        .into_iter()
        .find(|i| (i.x..i.x + i.width).contains(&x))
        .map(|i| i.next)
}

/// Draws the key that was pressed and those that can follow.
pub fn render(area: Rect, buf: &mut Buffer, app: &App) {
    let Some(begun) = app.begun() else { return };
    let theme = &app.theme;
    let shown = format!(" {} {}", begun.show(theme.ascii()), theme.pick("…", "~"));
    buf.set_stringn(
        area.x,
        area.y,
        shown,
        usize::from(area.width),
        theme.style(ThemeRole::Accent),
    );
    for item in items(app, area) {
        let key = if item.possible {
            ThemeRole::Key
        } else {
            ThemeRole::Muted
        };
        let line = Line::from(vec![
            Span::styled(item.next.show(theme.ascii()), theme.style(key)),
            Span::styled(format!(" {}", item.label), theme.style(ThemeRole::Muted)),
        ]);
        buf.set_line(item.x, area.y, &line, item.width);
    }
}

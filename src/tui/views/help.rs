//! Every key, group by group; what is not possible now is dim.

use super::popup;
use crate::action::{Group, TABLE};
use crate::app::App;
use crate::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// Draws the overlay from line `scroll` on.
pub fn render(area: Rect, buf: &mut Buffer, app: &App, scroll: usize) {
    let bright = app.theme.pick(
        "bright: possible now · dim: not now",
        "dim keys are not possible now",
    );
    let inner = popup::draw(area, buf, &app.theme, "Keys", bright);
    let lines = lines(app, inner.width);
    let scroll = scroll.min(lines.len().saturating_sub(inner.height.into()));
    for (line, row) in lines.iter().skip(scroll).zip(inner.rows()) {
        line.render(row, buf);
    }
}

/// How many lines there are at this width.
pub fn length(app: &App, width: u16) -> usize {
    lines(app, width).len()
}

fn lines<'a>(app: &App, width: u16) -> Vec<Line<'a>> {
    let theme = &app.theme;
    let key_width = 12usize;
    let mut lines = Vec::new();
    for group in Group::ALL {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(Line::styled(group.name(), theme.style(Role::Title)));
        for entry in TABLE.iter().filter(|e| e.group == group) {
            let keys: Vec<String> = app
                .keymap
                .keys(entry.action)
                .iter()
                .map(|k| k.show(theme.ascii()))
                .collect();
            let reason = (entry.possible)(app).err();
            let (key, text) = match reason {
                None => (Role::Key, Role::Text),
                Some(_) => (Role::Muted, Role::Muted),
            };
            let keys = if keys.is_empty() {
                "no key".into()
            } else {
                keys.join(" ")
            };
            let mut spans = vec![
                Span::styled(format!("  {keys:<key_width$}"), theme.style(key)),
                Span::styled(entry.help, theme.style(text)),
            ];
            let used = 2 + key_width + entry.help.chars().count();
            let reason = reason.map(|r| format!("  {r}")).unwrap_or_default();
            let room = usize::from(width).saturating_sub(used);
            if !reason.is_empty() && reason.chars().count() <= room {
                spans.push(Span::styled(reason, theme.style(Role::Stale)));
            }
            lines.push(Line::from(spans));
        }
    }
    lines.push(Line::default());
    if let Some(path) = crate::keymap::Keymap::user_file() {
        let text = format!("  Your own keys: {}", path.display());
        lines.push(Line::styled(text, theme.style(Role::Muted)));
    }
    lines
}

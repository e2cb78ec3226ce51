//! The runs there are.

use super::message::shortened;
use super::plot::text::percent;
use super::popup;
use crate::app::App;
use crate::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// The run at a place.
pub fn row_at(inner: Rect, selected: usize, at: Position) -> Option<usize> {
    let list = list(inner);
    list.contains(at)
        .then(|| popup::first_shown(selected, list.height) + usize::from(at.y - list.y))
}

fn list(inner: Rect) -> Rect {
    Rect {
        y: inner.y + 1,
        height: inner.height.saturating_sub(1),
        ..inner
    }
}

/// Draws the overlay.
pub fn render(area: Rect, buf: &mut Buffer, app: &App, selected: usize) {
    let theme = &app.theme;
    let inner = popup::draw(
        area,
        buf,
        theme,
        "Runs",
        "enter goes there, this run goes on",
    );
    let list = list(inner);
    if app.runs.is_empty() {
        return Line::styled("Looking for runs ...", theme.style(Role::Muted)).render(list, buf);
    }
    let head = format!("   {:<24}{:<12}{:>9}   {}", "run", "state", "best", "begun");
    Line::styled(head, theme.style(Role::Muted)).render(Rect { height: 1, ..inner }, buf);
    let first = popup::first_shown(selected, list.height);
    for ((n, run), row) in app.runs.iter().enumerate().skip(first).zip(list.rows()) {
        let chosen = n == selected;
        if chosen {
            buf.set_style(row, theme.style(Role::Selection));
        }
        let role = |usual| theme.style(if chosen { Role::Selection } else { usual });
        let (sign, sign_role) = match run.alive {
            true => (theme.pick("●", "*"), Role::Good),
            false => (theme.pick("○", "-"), Role::Muted),
        };
        let here = if run.id == app.run { "  (shown)" } else { "" };
        let best = run.best.map(|b| percent(b, 2)).unwrap_or_default();
        Line::from(vec![
            Span::styled(format!(" {sign} "), role(sign_role)),
            Span::styled(
                format!("{:<24}", shortened(&run.id, 23, theme.ascii())),
                role(Role::Text),
            ),
            Span::styled(
                format!("{:<12}", shortened(&run.state, 11, theme.ascii())),
                role(Role::Text),
            ),
            Span::styled(format!("{best:>9}   "), role(Role::Accent)),
            Span::styled(format!("{}{here}", run.when), role(Role::Muted)),
        ])
        .render(row, buf);
    }
}

//! Lists beside the panes, on a screen that has room for them: what an overlay shows, without opening it.

use super::{log, models, pane};
use crate::app::App;
use crate::layout::Beside;
use crate::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// Draws one of the lists with the frame of a pane that has not the focus.
pub fn render(area: Rect, buf: &mut Buffer, app: &App, which: Beside) {
    let (name, key) = match which {
        Beside::Models => {
            // No line of it is chosen.
            models::render(area, buf, app, usize::MAX);
            ("Models", app.key(crate::action::Action::Models))
        }
        Beside::Log => {
            log::render(area, buf, app, 0);
            ("Log", app.key(crate::action::Action::Log))
        }
    };
    let edges = [
        Rect { height: 1, ..area },
        Rect {
            y: area.bottom().saturating_sub(1),
            height: 1,
            ..area
        },
    ];
    for edge in edges {
        ratatui::widgets::Clear.render(edge, buf);
        buf.set_style(edge, app.theme.style(Role::Background));
    }
    let title = Line::from(vec![
        Span::styled(format!(" {key} "), app.theme.style(Role::Key)),
        Span::styled(format!("{name} "), app.theme.style(Role::Title)),
    ]);
    pane::block(&app.theme, title, false).render(area, buf);
}

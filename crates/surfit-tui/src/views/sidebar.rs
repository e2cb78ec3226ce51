//! Lists beside the panes, on a screen that has room for them: what an overlay shows, without opening it.

use super::{log, models, pane};
use crate::app::App;
use crate::layout::SidebarList;
use crate::theme::ThemeRole;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// Draws one of the lists with the frame of a pane that has not the focus.
pub fn render(area: Rect, buf: &mut Buffer, app: &App, which: SidebarList) {
    let (name, key) = match which {
        SidebarList::Models => {
            // No line of it is chosen.
            models::render(area, buf, app, usize::MAX);
            ("Models", app.key_label(action!("models")))
        }
        SidebarList::Log => {
            log::render(area, buf, app, 0);
            ("Log", app.key_label(action!("log")))
        }
    };
    let edges = [Rect { height: 1, ..area }, Rect { y: area.bottom().saturating_sub(1), height: 1, ..area }];
    for edge in edges {
        ratatui::widgets::Clear.render(edge, buf);
        buf.set_style(edge, app.theme.style(ThemeRole::Background));
    }
    let title = Line::from(vec![
        Span::styled(format!(" {key} "), app.theme.style(ThemeRole::Key)),
        Span::styled(format!("{name} "), app.theme.style(ThemeRole::Title)),
    ]);
    pane::block(&app.theme, title, false).render(area, buf);
}

//! Lists beside the panes, on a screen that is wide enough: what an overlay shows, without opening it.

use super::{log, models, pane, popup};
use crate::app::App;
use crate::layout::SidebarList;
use crate::theme::ThemeRole;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

/// Draws one of the lists with the frame of a pane that has not the focus.
pub fn render(area: Rect, buf: &mut Buffer, app: &App, which: SidebarList) {
    let (name, action) = match which {
        SidebarList::Models => ("Models", action!("models")),
        SidebarList::Log => ("Log", action!("log")),
    };
    Clear.render(area, buf);
    buf.set_style(area, app.theme.style(ThemeRole::Background));
    let title = Line::from(vec![
        Span::styled(format!(" {} ", app.key_label(action)), app.theme.style(ThemeRole::Key)),
        Span::styled(format!("{name} "), app.theme.style(ThemeRole::Title)),
    ]);
    pane::block(&app.theme, title, false).render(area, buf);
    match which {
        // No line of it is chosen.
        SidebarList::Models => models::render_body(popup::inner(area), buf, app, usize::MAX),
        SidebarList::Log => log::render_body(popup::inner(area), buf, app, 0),
    }
}

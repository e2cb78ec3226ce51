//! The whole screen.

use super::{footer, header, image, message, sidebar};
use crate::app::{App, Pane};
use crate::color::ColorDepth;
use crate::layout::{MIN_TERMINAL_SIZE, ScreenLayout, tab_spans};
use crate::theme::ThemeRole;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget, Wrap};
use surfit_core::text::has_unprintable;

pub fn render(app: &App, buf: &mut Buffer) {
    let screen = ScreenLayout::of(app);
    buf.set_style(screen.area, app.theme.style(ThemeRole::Background));
    if screen.is_too_small() {
        return too_small(app, screen.area, buf);
    }
    header::render(screen.header, buf, app);
    if let Some(area) = screen.tabs {
        tabs(app, area, buf);
    }
    for &(pane, area) in &screen.panes {
        pane.view().render(area, buf, app);
    }
    for &(which, area) in &screen.sidebar_lists {
        sidebar::render(area, buf, app, which);
    }
    let top = app.layers.len().saturating_sub(1);
    for (n, view) in app.layers.iter().enumerate() {
        // What has the whole screen gives it to the dialog over it.
        if n == top || !view.is_fullscreen() {
            view.render(view.area(&screen, app), buf, app);
        }
    }
    if !app.layers.last().is_some_and(|v| v.is_fullscreen()) {
        message::render(screen.message, buf, app);
    }
    footer::render(screen.footer, buf, app);
    replace_unprintable(buf);
    if app.theme.depth() == ColorDepth::Ansi16 {
        undim_colours(buf);
    }
    image::render_image(buf, app);
}

/// Takes dimness off coloured letters, where a line or sentence around them is dim: half of a colour that is legible on
/// white and on black is legible on neither.
fn undim_colours(buf: &mut Buffer) {
    for cell in buf.content.iter_mut().filter(|c| c.fg != Color::Reset) {
        cell.modifier.remove(Modifier::DIM);
    }
}

/// Puts a mark in the place of what would steer the terminal or turn the direction of writing: names and sentences come from
/// files, and from other machines.
fn replace_unprintable(buf: &mut Buffer) {
    for cell in &mut buf.content {
        if has_unprintable(cell.symbol()) {
            cell.set_symbol("?");
        }
    }
}

fn tabs(app: &App, area: Rect, buf: &mut Buffer) {
    for (n, (pane, span)) in Pane::ALL.into_iter().zip(tab_spans(area)).enumerate() {
        let chosen = pane == app.focus;
        let role = if chosen { ThemeRole::Selection } else { ThemeRole::Muted };
        let line = Line::from(vec![
            Span::styled(format!(" {} ", n + 1), app.theme.style(if chosen { role } else { ThemeRole::Key })),
            Span::styled(format!("{} ", pane.name()), app.theme.style(role)),
        ]);
        line.render(span, buf);
    }
}

fn too_small(app: &App, area: Rect, buf: &mut Buffer) {
    let (width, height) = MIN_TERMINAL_SIZE;
    let text = format!(
        "The terminal is {}x{}. surfit needs at least {width}x{height}: enlarge it. {}{} quits.",
        area.width,
        area.height,
        if app.is_run_idle() { "" } else { "The run continues; " },
        app.key_label(action!("detach"))
    );
    let rows = (text.len() as u16).div_ceil(area.width.max(1)) + 1;
    let [middle] =
        Layout::vertical([Constraint::Length(rows.min(area.height))]).flex(ratatui::layout::Flex::Center).areas(area);
    Paragraph::new(text)
        .wrap(Wrap { trim: true })
        .centered()
        .style(app.theme.style(ThemeRole::Text))
        .render(middle, buf);
}

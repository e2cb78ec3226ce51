//! The themes there are, each with a sample of its colours.

use super::message::truncate_end;
use super::popup;
use crate::app::App;
use crate::color::ColorDepth;
use crate::theme::{Theme, ThemeChoice, ThemeRole};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

/// Columns of a theme's name.
const NAME_WIDTH: u16 = 15;
/// Columns of its colour map.
const COLORMAP_WIDTH: u16 = 8;
/// What the sample shows beside the colour map.
const SAMPLE_ROLES: [ThemeRole; 6] = [
    ThemeRole::Accent,
    ThemeRole::CurveValidation,
    ThemeRole::Corner1,
    ThemeRole::Corner2,
    ThemeRole::Corner3,
    ThemeRole::Corner4,
];

/// Rows that are needed inside the frame.
pub fn row_count(choices: &[ThemeChoice]) -> usize {
    choices.len() + 2
}

/// The theme at a place.
pub fn row_at(inner: Rect, lines: usize, selected: usize, at: Position) -> Option<usize> {
    popup::row_at(list(inner), lines, selected, at)
}

/// The list has all rows but the last two: a gap, and a line about the chosen theme.
fn list(inner: Rect) -> Rect {
    Rect { height: inner.height.saturating_sub(2), ..inner }
}

/// Draws the overlay.
pub fn render(area: Rect, buf: &mut Buffer, app: &App, choices: &[ThemeChoice], selected: usize) {
    let theme = &app.theme;
    let hint = "enter keeps it";
    let inner = popup::draw(area, buf, theme, "Themes", hint);
    let list = list(inner);
    let first = popup::first_visible_row(selected, list.height);
    for ((n, choice), row) in choices.iter().enumerate().skip(first).zip(list.rows()) {
        let chosen = n == selected;
        if chosen {
            buf.set_style(row, theme.style(ThemeRole::Selection));
        }
        let role = |usual| theme.style(if chosen { ThemeRole::Selection } else { usual });
        let kept = choice.name == app.confirmed_theme().name();
        let sign = if kept { theme.pick_glyph("●", "*") } else { " " };
        let name = truncate_end(&choice.name, NAME_WIDTH, theme.is_ascii());
        Line::from(vec![
            Span::styled(format!(" {sign} "), role(ThemeRole::Accent)),
            Span::styled(format!("{name:<15} "), role(ThemeRole::Text)),
        ])
        .render(row, buf);
        let rest = Rect { x: row.x + NAME_WIDTH + 4, width: row.width.saturating_sub(NAME_WIDTH + 4), ..row };
        match &choice.theme {
            Ok(sampled) if theme.depth() > ColorDepth::None => {
                sample(rest, buf, &sampled.clone().with_terminal_of(theme));
            }
            Ok(_) => {}
            Err(_) => {
                Line::styled("cannot be read", role(ThemeRole::Warning)).render(rest, buf);
            }
        }
    }
    let Some(choice) = choices.get(selected) else {
        return;
    };
    let about = Rect { y: inner.bottom().saturating_sub(1), height: 1, ..inner };
    let (role, own) = match (&choice.theme, choice.is_user_theme) {
        (Err(_), _) => (ThemeRole::Error, ""),
        (Ok(_), true) => (ThemeRole::Muted, "your own. "),
        (Ok(_), false) => (ThemeRole::Muted, ""),
    };
    let text = format!("{own}{}", choice.description());
    let text = truncate_end(&text, about.width, theme.is_ascii());
    Line::styled(text, theme.style(role)).render(about, buf);
}

/// Colours of another theme on its own ground.
fn sample(area: Rect, buf: &mut Buffer, sampled: &Theme) {
    let ground = sampled.style(ThemeRole::Background);
    let ascii = sampled.is_ascii();
    let mut spans = vec![Span::styled(" Aa ", sampled.style(ThemeRole::Text))];
    for role in SAMPLE_ROLES {
        let mark = if ascii { "#" } else { "■" };
        spans.push(Span::styled(format!("{mark} "), sampled.style(role)));
    }
    let width = (SAMPLE_ROLES.len() * 2 + 4) as u16;
    let place = Rect { width, ..area }.intersection(area);
    buf.set_style(place, ground);
    Line::from(spans).render(place, buf);
    if sampled.depth() < ColorDepth::Ansi256 {
        return;
    }
    for n in 0..COLORMAP_WIDTH {
        let x = area.x + width + n;
        let colour = sampled.rgb(sampled.colormap().color_at(f64::from(n) / f64::from(COLORMAP_WIDTH - 1)));
        if x < area.right()
            && let Some(cell) = buf.cell_mut((x, area.y))
        {
            cell.set_symbol(" ").set_bg(colour);
        }
    }
}

#[cfg(test)]
mod tests;

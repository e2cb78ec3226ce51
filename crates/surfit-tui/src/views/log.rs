//! What has happened, latest at the bottom: searchable, and by topic.

mod rows;

#[cfg(test)]
mod tests;

use super::popup;
use super::search::SearchField;
use crate::app::App;
use crate::theme::ThemeRole;
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use surfit_core::run_state::LogTopic;

pub use rows::{last_line_rows, plain_lines, visible_lines};

/// What of the log is shown, and how.
#[derive(Clone, Debug)]
pub struct LogView {
    /// What is looked for.
    pub search: SearchField,
    /// Only lines about this.
    pub topic: Option<LogTopic>,
    /// Times of the day instead of times since the run began.
    pub absolute_time: bool,
    /// Which of the lines that were found is looked at, from the first.
    pub current_match: Option<usize>,
    /// For the times of the day.
    pub zone: TimeZone,
}

impl Default for LogView {
    fn default() -> Self {
        Self {
            search: SearchField::default(),
            topic: None,
            absolute_time: false,
            current_match: None,
            zone: TimeZone::system(),
        }
    }
}

impl LogView {
    /// The next topic, after the last again all of them.
    pub fn next_topic(&mut self) {
        let at = |t| LogTopic::ALL.iter().position(|&x| x == t).unwrap_or(0) + 1;
        self.topic = LogTopic::ALL.get(self.topic.map_or(0, at)).copied();
        self.current_match = None;
    }
}

/// Draws the overlay, `back` rows before the end.
pub fn render(area: Rect, buf: &mut Buffer, app: &App, back: usize) {
    let theme = &app.theme;
    let hint = if app.log.absolute_time { "time of day" } else { "time since the run began" };
    let inner = popup::draw(area, buf, theme, "Log", hint);
    let (head, body) = split_area(inner);
    let rows = rows::rows(app, body.width);
    header(app, &rows, back, head, buf);
    if rows.is_empty() {
        let text = match (app.log.topic, app.run_state.log.is_empty()) {
            (Some(topic), false) => {
                format!("Nothing about {} has happened yet.", topic.name())
            }
            _ => "Nothing has happened yet. The engine's first words appear here.".into(),
        };
        return super::plot::pane_frame::draw_placeholder(body, buf, theme, &text);
    }
    let first = rows.len().saturating_sub(usize::from(body.height) + back);
    let here = app.log.current_match.and_then(|h| rows::matching_entries(&rows).nth(h));
    for (row, place) in rows.iter().skip(first).zip(body.rows()) {
        if row.is_match && here == Some(row.entry) {
            buf.set_style(place, theme.style(ThemeRole::Selection));
        }
        (&row.line).render(place, buf);
    }
}

/// The row of topics and search, and the room below it.
fn split_area(inner: Rect) -> (Rect, Rect) {
    let head = Rect { height: inner.height.min(1), ..inner };
    let body = Rect { y: inner.y + head.height, height: inner.height - head.height, ..inner };
    (head, body)
}

fn header(app: &App, rows: &[rows::LogRow<'_>], back: usize, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let mut right = app.log.search.spans(theme).unwrap_or_default();
    if !app.log.search.is_empty() {
        let found = rows::matching_entries(rows).count();
        let text = match (app.log.current_match, found) {
            (_, 0) => "  not found".into(),
            (Some(hit), n) => format!("  {} of {n}", hit + 1),
            (None, n) => format!("  {n} found"),
        };
        right.push(Span::styled(text, theme.style(ThemeRole::Muted)));
    } else if back > 0 && !app.log.search.typing {
        let text = format!("{back} rows further {}", theme.pick_glyph("↓", "v"));
        right.push(Span::styled(text, theme.style(ThemeRole::Accent)));
    }
    let right = Line::from(right);
    let width = (right.width() as u16).min(area.width);
    let left = Rect { width: area.width - width, ..area };
    let chip = |topic: Option<LogTopic>| {
        let name = topic.map_or("all", LogTopic::name);
        let (text, role) = if topic == app.log.topic {
            (format!("[{name}]"), ThemeRole::Accent)
        } else {
            (format!(" {name} "), ThemeRole::Muted)
        };
        Span::styled(text, theme.style(role))
    };
    let chips: Vec<Span<'_>> = [None].into_iter().chain(LogTopic::ALL.map(Some)).map(chip).collect();
    let all = Line::from(chips);
    // Where not all have room only the chosen one is shown.
    let chips = if all.width() as u16 <= left.width { all } else { Line::from(chip(app.log.topic)) };
    chips.render(left, buf);
    right.render(Rect { x: area.right() - width, width, ..area }, buf);
}

/// How many rows before the end the last row shown can be, when the room inside the frame is `inner`.
pub fn max_scroll(app: &App, inner: Rect) -> usize {
    let (_, body) = split_area(inner);
    rows::rows(app, body.width).len().saturating_sub(body.height.into())
}

/// The line found after (or before) the one that is looked at, and how many rows before the end to show it; `None` when
/// nothing is found. The search begins at the end, and goes round.
pub fn next_match(app: &App, inner: Rect, forward: bool) -> Option<(usize, usize)> {
    let (_, body) = split_area(inner);
    let rows = rows::rows(app, body.width);
    let hits: Vec<usize> = rows::matching_entries(&rows).collect();
    let count = hits.len();
    let hit = match app.log.current_match.filter(|h| *h < count) {
        _ if count == 0 => return None,
        None => count - 1,
        Some(at) if forward => (at + 1) % count,
        Some(at) => (at + count - 1) % count,
    };
    let row = rows.iter().position(|r| r.entry == hits[hit])?;
    // In the middle of the room, as far as the ends allow.
    let below = usize::from(body.height) / 2;
    let back = (rows.len() - row).saturating_sub(below + 1);
    let most = rows.len().saturating_sub(body.height.into());
    Some((hit, back.min(most)))
}

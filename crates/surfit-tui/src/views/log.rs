//! What has happened, latest at the bottom: searchable, and by topic.

mod rows;

#[cfg(test)]
mod tests;

use super::footer::{self, FooterItem};
use super::search::SearchField;
use super::tables;
use super::view::{InputOutcome, SearchAccess, View};
use crate::action::KeyScope;
use crate::app::{App, ExportItem};
use crate::theme::ThemeRole;
use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use surfit_core::run_state::LogTopic;

pub use rows::{last_line_rows, plain_lines, visible_lines};

#[derive(Clone, Debug)]
pub struct LogView {
    pub search: SearchField,
    pub topic: Option<LogTopic>,
    /// Times of the day instead of times since the run began.
    pub absolute_time: bool,
    pub zone: TimeZone,
}

impl Default for LogView {
    fn default() -> Self {
        Self { search: SearchField::default(), topic: None, absolute_time: false, zone: TimeZone::system() }
    }
}

#[derive(Debug, Default)]
pub struct LogOverlay {
    /// Lines between the end and the last one shown.
    pub lines_from_end: usize,
}

impl View for LogOverlay {
    fn scope(&self) -> KeyScope {
        KeyScope::View("log")
    }

    fn title(&self, _app: &App) -> String {
        "Log".into()
    }

    fn remark(&self, app: &App) -> String {
        if app.log.absolute_time { "time of day" } else { "time since the run began" }.into()
    }

    fn render_body(&self, inner: Rect, buf: &mut Buffer, app: &App) {
        render_body(inner, buf, app, self.lines_from_end);
    }

    fn hints(&self, app: &App) -> Vec<FooterItem> {
        let own = [(action!("search-log"), "search"), (action!("log-topic"), "topic"), (action!("log-times"), "times")];
        footer::hints(app, [footer::text_hint(footer::arrows(app), "scroll")], &own, [footer::close_hint(app)])
    }

    fn position_mut(&mut self) -> Option<&mut usize> {
        Some(&mut self.lines_from_end)
    }

    /// How many rows before the end the last row shown can be.
    fn last_position(&self, app: &App) -> usize {
        let (_, body) = split_area(self.inner(app));
        rows::rows(app, body.width).len().saturating_sub(body.height.into())
    }

    /// The place counts from the end.
    fn scroll(&mut self, app: &mut App, by: i64) {
        let last = self.last_position(app);
        self.lines_from_end = self.lines_from_end.saturating_add_signed(-by as isize).min(last);
    }

    fn search(&self) -> Option<SearchAccess> {
        Some((|app| &app.log.search, |app| &mut app.log.search))
    }

    fn on_search_changed(&mut self, _app: &mut App) {
        self.lines_from_end = 0;
    }

    /// Takes back a search first.
    fn on_escape(&mut self, app: &mut App) -> InputOutcome {
        if app.log.search.is_empty() {
            return InputOutcome::CLOSE;
        }
        app.log.search = SearchField::default();
        self.scroll(app, 0);
        InputOutcome::DONE
    }

    fn exports(&self, app: &App) -> Vec<ExportItem> {
        let lines = visible_lines(app);
        let readout = ExportItem::readout(lines.last().map(|l| l.text.clone()));
        let about = "the lines that are shown, as they are shown";
        let text = ExportItem::text_of('l', "lines", "log", about, Some(plain_lines(app)));
        let about = "the lines that are shown, with time and topic";
        let table = (!lines.is_empty()).then(|| ExportItem::table('t', "table of the log", "log", about, tables::log));
        [readout, text, table].into_iter().flatten().collect()
    }
}

impl LogOverlay {
    /// The next topic, after the last again all of them.
    pub(crate) fn next_topic(&mut self, app: &mut App) {
        let at = |t| LogTopic::ALL.iter().position(|&x| x == t).unwrap_or(0) + 1;
        app.log.topic = LogTopic::ALL.get(app.log.topic.map_or(0, at)).copied();
        self.scroll(app, 0);
    }

    /// Keeps the visible rows in their place when a line was added, except at the end.
    pub(crate) fn keep_position(&mut self, app: &mut App) {
        if self.lines_from_end > 0 {
            self.lines_from_end += last_line_rows(app, self.inner(app).width);
        }
    }
}

/// Draws the content of the frame, `back` rows before the end.
pub(super) fn render_body(inner: Rect, buf: &mut Buffer, app: &App, back: usize) {
    let theme = &app.theme;
    let (head, body) = split_area(inner);
    let rows = rows::rows(app, body.width);
    header(app, back, head, buf);
    if rows.is_empty() {
        let text = match app.log.topic {
            _ if !app.log.search.is_empty() => format!("No events with `{}`.", app.log.search.text()),
            Some(topic) if !app.run_state.log.is_empty() => format!("No events about {} yet.", topic.name()),
            _ => "No events yet. The engine's messages appear here.".into(),
        };
        return super::plot::pane_frame::draw_placeholder(body, buf, theme, &text);
    }
    let first = rows.len().saturating_sub(usize::from(body.height) + back);
    for (row, place) in rows.iter().skip(first).zip(body.rows()) {
        row.render(place, buf);
    }
}

/// The row of topics and search, and the area below it.
fn split_area(inner: Rect) -> (Rect, Rect) {
    let head = Rect { height: inner.height.min(1), ..inner };
    let body = Rect { y: inner.y + head.height, height: inner.height - head.height, ..inner };
    (head, body)
}

fn header(app: &App, back: usize, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let mut right = app.log.search.spans(theme).unwrap_or_default();
    if !app.log.search.is_empty() {
        let text = format!("  {} found", visible_lines(app).len());
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
    let chips: Vec<Span<'_>> = [None].into_iter().chain(LogTopic::ALL.iter().copied().map(Some)).map(chip).collect();
    let all = Line::from(chips);
    // Where not all fit only the chosen one is shown.
    let chips = if all.width() as u16 <= left.width { all } else { Line::from(chip(app.log.topic)) };
    chips.render(left, buf);
    right.render(Rect { x: area.right() - width, width, ..area }, buf);
}

//! What has happened, latest at the bottom: searchable, and by topic.

mod rows;

#[cfg(test)]
mod tests;

use super::footer::{self, FooterItem};
use super::search::SearchField;
use super::view::View;
use super::{popup, tables};
use crate::action::KeyScope;
use crate::app::{App, ExportItem, ExportSource, MessageKind};
use crate::layout::ScreenLayout;
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
    /// What is looked for.
    pub search: SearchField,
    /// Only lines about this.
    pub topic: Option<LogTopic>,
    /// Times of the day instead of times since the run began.
    pub absolute_time: bool,
    /// Which of the lines that were found is looked at, from the first.
    pub current_match: Option<usize>,
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
        let own = [
            (action!("search-log"), "search"),
            (action!("find-next"), "next"),
            (action!("log-topic"), "topic"),
            (action!("log-times"), "times"),
        ];
        footer::hints(app, [footer::scroll_hint(app)], &own, [footer::close_hint(app)])
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

    fn search<'a>(&self, app: &'a App) -> Option<&'a SearchField> {
        Some(&app.log.search)
    }

    fn search_mut<'a>(&self, app: &'a mut App) -> Option<&'a mut SearchField> {
        Some(&mut app.log.search)
    }

    fn on_search_changed(&mut self, app: &mut App) {
        app.log.current_match = None;
        if !app.log.search.is_empty() {
            self.go_to_match(app, false);
        }
        self.scroll(app, 0);
    }

    fn exports(&self, app: &App) -> Vec<ExportItem> {
        let lines = visible_lines(app);
        let mut found = lines.iter().filter(|l| app.log.search.finds(&l.text));
        let at = app.log.current_match.and_then(|n| found.nth(n));
        let readout = ExportItem::readout(at.or(lines.last()).map(|l| l.text.clone()));
        let about = "the lines that are shown, as they are shown";
        let text = ExportItem::text_of('l', "lines", "log", about, Some(plain_lines(app)));
        let about = "the lines that are shown, with time and topic";
        let table = (!lines.is_empty())
            .then(|| ExportItem::new('t', "table of the log", "log", about, ExportSource::Table(tables::log)));
        [readout, text, table].into_iter().flatten().collect()
    }
}

impl LogOverlay {
    fn inner(&self, app: &App) -> Rect {
        popup::inner(self.area(&ScreenLayout::of(app), app))
    }

    /// The next topic, after the last again all of them.
    pub(crate) fn next_topic(&mut self, app: &mut App) {
        let at = |t| LogTopic::ALL.iter().position(|&x| x == t).unwrap_or(0) + 1;
        app.log.topic = LogTopic::ALL.get(app.log.topic.map_or(0, at)).copied();
        app.log.current_match = None;
        self.scroll(app, 0);
    }

    /// Goes to the next line that was found, or to the one before.
    pub(crate) fn find_next(&mut self, app: &mut App, forward: bool) {
        if app.log.search.is_empty() {
            app.show_message(MessageKind::Hint, "type a search with / first");
        } else if !self.go_to_match(app, forward) {
            let text = format!("`{}` is not in the log", app.log.search.text());
            app.show_message(MessageKind::Hint, text);
        }
    }

    fn go_to_match(&mut self, app: &mut App, forward: bool) -> bool {
        let found = next_match(app, self.inner(app), forward);
        if let Some((hit, at)) = found {
            app.log.current_match = Some(hit);
            self.lines_from_end = at;
        }
        found.is_some()
    }

    /// Keeps what is looked at in its place when a line came, unless that is the end.
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
    header(app, &rows, back, head, buf);
    if rows.is_empty() {
        let text = match (app.log.topic, app.run_state.log.is_empty()) {
            (Some(topic), false) => {
                format!("No events about {} yet.", topic.name())
            }
            _ => "No events yet. The engine's messages appear here.".into(),
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

/// The row of topics and search, and the area below it.
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
    // Where not all fit only the chosen one is shown.
    let chips = if all.width() as u16 <= left.width { all } else { Line::from(chip(app.log.topic)) };
    chips.render(left, buf);
    right.render(Rect { x: area.right() - width, width, ..area }, buf);
}

/// The line found after (or before) the one that is looked at, and how many rows before the end to show it; `None` when
/// nothing is found. The search begins at the end, and goes round.
fn next_match(app: &App, inner: Rect, forward: bool) -> Option<(usize, usize)> {
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
    // In the middle of the area, as far as the ends allow.
    let below = usize::from(body.height) / 2;
    let back = (rows.len() - row).saturating_sub(below + 1);
    let most = rows.len().saturating_sub(body.height.into());
    Some((hit, back.min(most)))
}

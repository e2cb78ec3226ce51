//! What has happened, latest at the bottom.

use super::message::clean;
use super::plot::text;
use super::popup;
use crate::app::App;
use crate::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use surfit_core::picture::LogLine;

/// Columns of the time.
const TIME: u16 = 10;

/// Draws the overlay, `back` lines before the end.
pub fn render(area: Rect, buf: &mut Buffer, app: &App, back: usize) {
    let inner = popup::draw(area, buf, &app.theme, "Log", "time since the run began");
    let lines = lines(app, inner.width);
    if lines.is_empty() {
        let text = "Nothing has happened yet.";
        return Line::styled(text, app.theme.style(Role::Muted)).render(inner, buf);
    }
    let height = usize::from(inner.height);
    let first = lines.len().saturating_sub(height + back);
    for (line, row) in lines.iter().skip(first).zip(inner.rows()) {
        line.render(row, buf);
    }
}

/// How many lines there are at this width.
pub fn length(app: &App, width: u16) -> usize {
    lines(app, width).len()
}

fn lines<'a>(app: &App, width: u16) -> Vec<Line<'a>> {
    let theme = &app.theme;
    let began = app.picture.began.unwrap_or(0.0);
    let mut all: Vec<&LogLine> = app.picture.log.iter().chain(&app.notes).collect();
    all.sort_by(|a, b| a.time.total_cmp(&b.time));
    let mut out = Vec::new();
    for line in all {
        let role = if line.error { Role::Error } else { Role::Text };
        // A figure is not parted from its unit.
        let sentence = clean(&line.text, theme.ascii()).replace(" %", "\u{a0}%");
        let words: Vec<text::Piece> = sentence
            .split(' ')
            .map(|w| vec![Span::styled(w.to_string(), theme.style(role))])
            .collect();
        let rows = text::fill(&words, width.saturating_sub(TIME));
        for (n, row) in rows.into_iter().enumerate() {
            let time = if n == 0 {
                clock(line.time - began)
            } else {
                String::new()
            };
            let usual = usize::from(TIME);
            let mut spans = vec![Span::styled(
                format!("{time:<usual$}"),
                theme.style(Role::Muted),
            )];
            spans.extend(
                row.spans
                    .into_iter()
                    .map(|s| Span::styled(s.content.replace('\u{a0}', " "), s.style)),
            );
            out.push(Line::from(spans));
        }
    }
    out
}

/// Seconds as `h:mm:ss`.
fn clock(seconds: f64) -> String {
    let s = seconds.max(0.0) as u64;
    format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

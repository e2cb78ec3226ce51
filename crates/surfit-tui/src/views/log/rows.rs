//! Lines of the log, wrapped into rows.

use crate::app::App;
use crate::theme::ThemeRole;
use crate::views::message::transliterate;
use crate::views::text_wrap;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::text::{Line, Span};
use surfit_core::run_state::LogLine;

fn time_width(app: &App) -> u16 {
    if app.log.absolute_time { 17 } else { 10 }
}

pub fn rows<'a>(app: &App, width: u16) -> Vec<Line<'a>> {
    visible_lines(app).into_iter().flat_map(|line| wrapped(app, line, width)).collect()
}

/// The lines that are to be shown, the latest last.
pub fn visible_lines(app: &App) -> Vec<&LogLine> {
    let mut all: Vec<&LogLine> = app.run_state.log.iter().chain(&app.local_log_lines).collect();
    all.sort_by(|a, b| a.time.total_cmp(&b.time));
    all.retain(|line| is_visible(app, line));
    all
}

pub fn plain_lines(app: &App) -> String {
    let line = |line: &&LogLine| format!("{}  {}\n", time(app, line.time), line.text);
    visible_lines(app).iter().map(line).collect()
}

/// How many rows the run's latest line takes; none when it is not to be shown.
pub fn last_line_rows(app: &App, width: u16) -> usize {
    match app.run_state.log.back().filter(|line| is_visible(app, line)) {
        Some(line) => wrapped(app, line, width).len(),
        None => 0,
    }
}

fn is_visible(app: &App, line: &LogLine) -> bool {
    let search = &app.log.search;
    app.log.topic.is_none_or(|t| line.topic == t) && (search.is_empty() || search.finds(&line.text))
}

fn wrapped<'a>(app: &App, line: &LogLine, width: u16) -> Vec<Line<'a>> {
    let theme = &app.theme;
    let role = if line.error { ThemeRole::Error } else { ThemeRole::Text };
    let time_width = time_width(app);
    // Two columns for the sign of an error.
    let room = width.saturating_sub(time_width + 2).max(1);
    let sign = if line.error { theme.pick_glyph("✗ ", "! ") } else { "  " };
    text_wrap::wrap_sentence(&transliterate(&line.text, theme.is_ascii()), room)
        .into_iter()
        .enumerate()
        .map(|(n, row)| {
            let (time, sign) = match n {
                0 => (time(app, line.time), sign),
                _ => (String::new(), "  "),
            };
            let usual = usize::from(time_width);
            Line::from(vec![
                Span::styled(format!("{time:<usual$}"), theme.style(ThemeRole::Muted)),
                Span::styled(sign, theme.style(ThemeRole::Error)),
                Span::styled(row, theme.style(role)),
            ])
        })
        .collect()
}

fn time(app: &App, time: f64) -> String {
    match app.log.absolute_time {
        true => day_time(time, &app.log.zone),
        false => clock(time - app.run_state.began.unwrap_or(time)),
    }
}

/// Seconds as `h:mm:ss`.
fn clock(seconds: f64) -> String {
    let s = seconds.max(0.0) as u64;
    format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

/// Seconds since the Unix epoch as `24 Nov 12:03:11`.
fn day_time(time: f64, zone: &TimeZone) -> String {
    match Timestamp::from_second(time as i64) {
        Ok(at) if time.is_finite() => at.to_zoned_datetime(zone.clone()).strftime("%d %b %H:%M:%S").to_string(),
        _ => "?".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_and_since_the_beginning() {
        assert_eq!(clock(3671.4), "1:01:11");
        assert_eq!(day_time(1_750_000_000.0, &TimeZone::UTC), "15 Jun 15:06:40");
        assert_eq!(day_time(f64::INFINITY, &TimeZone::UTC), "?");
    }
}

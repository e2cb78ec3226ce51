//! How far the stage is: a bar with figures.

use super::plot::text::{FigurePiece, group_digits, piece_width};
use crate::app::App;
use crate::theme::{Theme, ThemeRole};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use surfit_core::draws::FitPhase;
use surfit_core::event::JobStage;
use surfit_core::snapshot::{EngineState, Snapshot};

/// Columns that percentage and time left need, the most important figures.
pub fn min_width(app: &App) -> u16 {
    let s = match &app.run_state.snapshot {
        Some(s) if s.total > 0 => s,
        _ => return 0,
    };
    match (app.run_state.engine_state(), s.state) {
        (EngineState::Finished, _) => 0,
        (_, EngineState::Running) => match time_left(app) {
            Some(left) => 7 + left.chars().count() as u16 + 1,
            None => 6,
        },
        (_, EngineState::Paused) => 6,
        _ => 0,
    }
}

fn time_left(app: &App) -> Option<String> {
    let left = app.header_stats.seconds_left.filter(|_| app.is_connected())?;
    Some(format!("{} left", format_duration(left)))
}

/// The bar, with figures to its right as far as they fit.
pub fn render(area: Rect, buf: &mut Buffer, app: &App, stage_is_named: bool) {
    let theme = &app.theme;
    let Some(s) = &app.run_state.snapshot else {
        return;
    };
    let (muted, text) = (theme.style(ThemeRole::Muted), theme.style(ThemeRole::Text));
    if app.run_state.engine_state() == EngineState::Finished {
        return total_time(area, buf, app);
    }
    if !matches!(s.state, EngineState::Running | EngineState::Paused) {
        return;
    }
    // Every figure has a fixed width, so that the bar does not move while they change.
    let mut figures: Vec<FigurePiece> = Vec::new();
    if let Some(percent) = (100 * s.done.min(s.total)).checked_div(s.total) {
        figures.push(vec![Span::styled(format!("{percent:>3} %"), text)]);
        let live = s.state == EngineState::Running && app.is_connected();
        if s.state == EngineState::Running {
            let left = time_left(app).unwrap_or_default();
            // In a narrow row every column counts more than rest.
            let width = if area.width < 40 { 0 } else { 16 };
            figures.push(vec![Span::styled(format!("{left:>width$}"), theme.style(ThemeRole::Accent))]);
        }
        if let Some(left) = app.header_stats.job_seconds_left.filter(|_| live) {
            let left = format_duration(left);
            let pad = 11usize.saturating_sub(left.chars().count());
            figures.push(vec![Span::styled(format!("{}job ", " ".repeat(pad)), muted), Span::styled(left, text)]);
        }
        let of = group_digits(s.total);
        let width = of.len();
        figures.push(vec![
            Span::styled(format!("{:>width$}", group_digits(s.done)), text),
            Span::styled(format!(" / {of}"), muted),
        ]);
        let rate = Some(app.header_stats.units_per_second).filter(|rate| live && *rate > 0.0);
        let rate = rate.map(|rate| format_speed(s, rate)).unwrap_or_default();
        figures.push(vec![Span::styled(format!("{rate:>10}"), muted)]);
        if live && app.header_stats.images_per_second > 0.0 {
            let images = format!("{} images/s", group_digits(app.header_stats.images_per_second.round() as u64));
            figures.push(vec![Span::styled(format!("{images:>15}"), muted)]);
        }
    }
    let name = if stage_is_named { phase(s) } else { stage_name(s) };
    let needs = |figures: &[FigurePiece], name: &str, bar: u16| {
        let name = if name.is_empty() { 0 } else { name.chars().count() as u16 + 2 };
        figures.iter().map(|f| piece_width(f) + 2).sum::<u16>() + name + bar
    };
    // The bar gets some columns; figures give way, the last first, then the name, which the stages show as well.
    while figures.len() > 2 && needs(&figures, &name, 14) > area.width {
        figures.pop();
    }
    let name = if stage_is_named && needs(&figures, &name, 14) > area.width { String::new() } else { name };
    // Percentage and time left go before the bar and the name.
    while figures.len() > 2 && needs(&figures, &name, 7) > area.width {
        figures.pop();
    }
    let name = if needs(&figures, &name, 7) > area.width { String::new() } else { name };
    while figures.len() > 1 && needs(&figures, &name, 0) > area.width + 1 {
        figures.pop();
    }
    let mut left = area;
    if !name.is_empty() {
        let width = (name.chars().count() as u16 + 2).min(area.width);
        Span::styled(name, theme.style(ThemeRole::Accent)).render(area, buf);
        left = Rect { x: area.x + width, width: area.width - width, ..area };
    }
    if s.total == 0 {
        return;
    }
    let used: u16 = figures.iter().map(|f| piece_width(f) + 2).sum();
    let room = left.width.saturating_sub(used + 1);
    bar(Rect { width: room, ..left }, buf, theme, s.done as f64 / s.total as f64);
    let mut x = left.x + room + 1;
    for figure in figures {
        let width = piece_width(&figure).min(left.right().saturating_sub(x));
        Line::from(figure).render(Rect { x, width, ..left }, buf);
        x += width + 2;
    }
}

fn stage_name(s: &Snapshot) -> String {
    match (s.stage, s.phase) {
        (JobStage::Fit, Some(FitPhase::Trunk)) => "fit: trunk".into(),
        (JobStage::Fit, Some(FitPhase::Edge)) => "fit: edges".into(),
        (JobStage::Fit, Some(FitPhase::Interior)) => "fit: interior".into(),
        (stage, _) => stage.name().into(),
    }
}

fn phase(s: &Snapshot) -> String {
    match (s.stage, s.phase) {
        (JobStage::Fit, Some(FitPhase::Trunk)) => "trunk".into(),
        (JobStage::Fit, Some(FitPhase::Edge)) => "edges".into(),
        (JobStage::Fit, Some(FitPhase::Interior)) => "interior".into(),
        _ => String::new(),
    }
}

/// Units of work a second, with what the stage counts.
pub(super) fn format_speed(s: &Snapshot, rate: f64) -> String {
    let unit = match s.stage {
        JobStage::Corners | JobStage::Fit => "steps/s",
        JobStage::Heatmap => "cells/s",
        JobStage::Data | JobStage::Align | JobStage::Export => "/s",
    };
    if rate >= 10.0 { format!("{rate:.0} {unit}") } else { format!("{rate:.1} {unit}") }
}

/// What all stages of the job together took, at the right: what is measured again afterwards is no part of it.
fn total_time(area: Rect, buf: &mut Buffer, app: &App) {
    let total: f64 = match &app.run_state.finished {
        Some(finished) => finished.seconds.values().sum(),
        None => app.run_state.seconds.values().sum(),
    };
    let mut line = Line::from(vec![
        Span::styled("done in ", app.theme.style(ThemeRole::Muted)),
        Span::styled(format!("{} ", format_duration(total)), app.theme.style(ThemeRole::Text)),
    ]);
    if line.width() > usize::from(area.width) {
        line.spans.remove(0);
    }
    // What was only opened and looked at took no time worth a word.
    if total >= 1.0 && line.width() <= usize::from(area.width) {
        line.right_aligned().render(area, buf);
    }
}

/// A heavy line for what is done, a light one for the rest: distinguished by weight as well as by colour.
fn bar(area: Rect, buf: &mut Buffer, theme: &Theme, fraction: f64) {
    let width = usize::from(area.width);
    let (heavy, half, light) = theme.pick_glyph(("━", "╸", "─"), ("#", "#", "-"));
    let halves = (fraction.clamp(0.0, 1.0) * 2.0 * width as f64).floor() as usize;
    let mut done = heavy.repeat(halves / 2);
    if halves % 2 == 1 && halves / 2 < width {
        done += half;
    }
    let rest = light.repeat(width.saturating_sub(halves.div_ceil(2)));
    Line::from(vec![
        Span::styled(done, theme.style(ThemeRole::Accent)),
        Span::styled(rest, theme.style(ThemeRole::Border)),
    ])
    .render(area, buf);
}

/// Seconds in words: `45 s`, `2 min 11 s`, `1 h 5 min`.
pub fn format_duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "?".into();
    }
    let s = seconds.round() as u64;
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        3600..86_400 => format!("{} h {} min", s / 3600, s / 60 % 60),
        _ => format!("{} d {} h", s / 86_400, s / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::ColorDepth;

    #[test]
    fn durations_in_words() {
        let cases = [(0.4, "0 s"), (59.6, "1 min 0 s"), (131.0, "2 min 11 s"), (3900.0, "1 h 5 min")];
        for (seconds, words) in cases {
            assert_eq!(format_duration(seconds), words);
        }
        assert_eq!(format_duration(200_000.0), "2 d 7 h");
        assert_eq!(format_duration(f64::NAN), "?");
    }

    #[test]
    fn speeds_and_stages_have_their_names() {
        let mut run_state = crate::fixture::trunk_run();
        let snapshot = run_state.snapshot.as_mut().unwrap();
        assert_eq!((stage_name(snapshot), phase(snapshot)), ("fit: trunk".into(), "trunk".into()));
        let units = ["/s", "steps/s", "/s", "steps/s", "cells/s", "/s"];
        for (&stage, unit) in JobStage::ALL.iter().zip(units) {
            snapshot.stage = stage;
            assert_eq!(format_speed(snapshot, 12.3), format!("12 {unit}"));
            assert!(stage == JobStage::Fit || stage_name(snapshot) == stage.name());
        }
    }

    #[test]
    fn the_bar_grows_by_half_columns_and_tells_its_parts_apart_without_colour() {
        let theme = Theme::built_in("dark", ColorDepth::None).unwrap();
        let drawn = |fraction| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 4, 1));
            bar(buf.area, &mut buf, &theme, fraction);
            crate::test_app::buffer_text(&buf).trim_end().to_string()
        };
        assert_eq!(drawn(0.0), "────");
        assert_eq!(drawn(0.4), "━╸──");
        assert_eq!(drawn(7.0), "━━━━");
        assert_eq!(drawn(f64::NAN), "────");
    }
}

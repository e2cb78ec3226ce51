//! The line above the footer: a change of degree that waits to be confirmed, the latest event, a pending request, or
//! the run state.

use super::plot::text::format_percent;
use super::text_wrap;
use crate::app::{App, Banner, EngineLink, MessageKind};
use crate::theme::ThemeRole;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use surfit_core::event::{JobStage, LossCurve};
use surfit_core::heatmap::Metric;
use surfit_core::run_state::RunState;
use surfit_core::snapshot::EngineState;
use surfit_core::surface::Degrees;

const MAX_BANNER_ROWS: usize = 3;

pub fn render(area: Rect, buf: &mut Buffer, app: &App) {
    let theme = &app.theme;
    if app.pending_prefix().is_some() {
        return super::footer::render_pending(area, buf, app);
    }
    let Some(area) = draw_plan(area, buf, app) else {
        return;
    };
    let short = |kind| matches!(kind, MessageKind::Error | MessageKind::Hint);
    let note = app.status_message().filter(|n| short(n.kind) || app.banner().is_none());
    if note.is_none()
        && let Some(rows) = banner_rows(app, area.width)
    {
        let style = theme.style(ThemeRole::Error);
        buf.set_style(area, style);
        let signs = std::iter::once(theme.pick_glyph("▲", "!")).chain(std::iter::repeat(" "));
        for ((text, row), sign) in rows.iter().zip(area.rows()).zip(signs) {
            Line::styled(format!(" {sign} {text}"), style).render(row, buf);
        }
        return;
    }
    let (sign, role, text) = match note {
        Some(note) => {
            let (sign, role) = match note.kind {
                MessageKind::Hint => (theme.pick_glyph("·", "-"), ThemeRole::Warning),
                MessageKind::Info => (theme.pick_glyph("›", ">"), ThemeRole::Accent),
                MessageKind::Good => (theme.pick_glyph("✓", "+"), ThemeRole::Good),
                MessageKind::Error => (theme.pick_glyph("✗", "!"), ThemeRole::Error),
            };
            (sign, role, transliterate(&note.text, theme.is_ascii()))
        }
        None => match status_message(app) {
            Some((role, text)) => (theme.pick_glyph("·", "-"), role, transliterate(&text, theme.is_ascii())),
            None => return,
        },
    };
    let text_style = match role {
        ThemeRole::Error | ThemeRole::Muted => theme.style(role),
        _ => theme.style(ThemeRole::Text),
    };
    Line::from(vec![
        Span::styled(format!(" {sign} "), theme.style(role)),
        Span::styled(truncate_end(&text, area.width.saturating_sub(4), theme.is_ascii()), text_style),
    ])
    .render(area, buf);
    let rest = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    buf.set_style(rest, Style::new());
}

/// Draws the pending change of degree first, and returns the area below it; `None` when there is no other message.
fn draw_plan(area: Rect, buf: &mut Buffer, app: &App) -> Option<Rect> {
    let Some(plan) = app.plan_summary() else {
        return Some(area);
    };
    let theme = &app.theme;
    let room = area.width.saturating_sub(4);
    // The footer has the keys too.
    let whole = format!("{plan}; enter applies it, esc cancels");
    let plan = if Span::raw(whole.as_str()).width() <= usize::from(room) { whole } else { plan };
    let text = truncate_end(&transliterate(&plan, theme.is_ascii()), room, theme.is_ascii());
    let sign = Span::styled(format!(" {} ", theme.pick_glyph("›", ">")), theme.style(ThemeRole::Accent));
    Line::from(vec![sign, Span::styled(text, theme.style(ThemeRole::Text))]).render(area, buf);
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    (below.height > 0).then_some(below)
}

/// The banner shown without an engine, in rows of `width` columns and at most [`MAX_BANNER_ROWS`] of them: the reason
/// is shortened before the remedy.
fn banner_rows(app: &App, width: u16) -> Option<Vec<String>> {
    let Banner { reason: why, remedy } = app.banner()?;
    let ascii = app.theme.is_ascii();
    let (why, remedy) = (transliterate(&why, ascii), transliterate(&remedy, ascii));
    // The sign, and a column at either side.
    let room = width.saturating_sub(4);
    let whole = text_wrap::wrap_sentence(&format!("{why} {remedy}"), room);
    if whole.len() <= MAX_BANNER_ROWS {
        return Some(whole);
    }
    let (mut rows, remedy) = (text_wrap::wrap_sentence(&why, room), text_wrap::wrap_sentence(&remedy, room));
    let kept = MAX_BANNER_ROWS.saturating_sub(remedy.len());
    if let Some(last) = kept.checked_sub(1).filter(|_| rows.len() > kept) {
        rows[last] = truncate_end(&rows[last..].join(" "), room, ascii);
    }
    rows.truncate(kept);
    rows.extend(remedy);
    Some(rows)
}

pub fn row_count(app: &App, width: u16) -> u16 {
    let banner = banner_rows(app, width).map_or(1, |rows| rows.len());
    let others = banner.clamp(1, MAX_BANNER_ROWS) as u16;
    match app.plan_summary() {
        None => others,
        Some(_) if app.status_message().is_none() && app.banner().is_none() => 1,
        Some(_) => 1 + others,
    }
}

/// Letters that core's sentences use, for terminals without them.
pub fn transliterate(text: &str, ascii: bool) -> String {
    // Whatever a file name or an error holds, it stays one line and never speaks to the terminal.
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if !ascii {
        return text;
    }
    let text = text.replace('…', "...").replace('→', "->").replace('×', "x").replace('±', "+-");
    text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect()
}

/// Hints separated by two columns or more, as many as fit: all but the last are omitted first, as it shows how to
/// close the view. A single one that does not fit is shortened.
pub fn fit_hints(hints: &str, width: u16, ascii: bool) -> String {
    let mut all: Vec<&str> = hints.split("  ").map(str::trim).filter(|h| !h.is_empty()).collect();
    let fits = |text: &str| Span::raw(text).width() <= usize::from(width);
    if fits(hints) {
        return hints.into();
    }
    while all.len() > 1 {
        for gap in ["   ", "  "] {
            let text = all.join(gap);
            if fits(&text) {
                return text;
            }
        }
        all.remove(all.len() - 2);
    }
    truncate_end(all.first().unwrap_or(&""), width, ascii)
}

/// `text` in at most `width` columns, with a sign when something is left out.
pub fn truncate_end(text: &str, width: u16, ascii: bool) -> String {
    let width = usize::from(width);
    if Span::raw(text).width() <= width {
        return text.into();
    }
    let sign = if ascii { "..." } else { "…" };
    text_wrap::take_columns(text, width.saturating_sub(Span::raw(sign).width())).to_owned() + sign
}

/// What is worth knowing when nothing just happened.
fn status_message(app: &App) -> Option<(ThemeRole, String)> {
    let run_state = &app.run_state;
    if let Some(why) = &run_state.failed {
        return Some((ThemeRole::Error, why.clone()));
    }
    if run_state.engine_state() == EngineState::Finished {
        return result(run_state);
    }
    let stage = run_state.snapshot.as_ref().map(|s| s.stage);
    // Who only watches has no key for it.
    let on = |what: &str, action, does: &str| match app.readonly {
        true => what.to_owned(),
        false => format!("{what}; {} {does}", app.key_label(action)),
    };
    let text = match (run_state.engine_state(), &app.connection) {
        (_, EngineLink::Connecting) => "waiting for the engine …".into(),
        (EngineState::Starting, _) => "the engine is starting …".into(),
        (EngineState::Idle, _) => on("nothing is running", action!("start"), "starts the job"),
        (EngineState::Closed, _) => {
            let leave = app.key_label(action!("quit"));
            on("stopped", action!("resume"), "resumes the job") + &format!(", {leave} quits")
        }
        (EngineState::Paused, _) => {
            let what = match stage? {
                JobStage::Data => "loading the data set is paused",
                JobStage::Corners => "the corners are paused; the surface between them comes next",
                JobStage::Align => "the alignment is paused; the surface comes next",
                JobStage::Fit => "the fit is paused",
                JobStage::Heatmap => "the measurement of the heatmap is paused",
                JobStage::Export => "the export is paused",
            };
            on(what, action!("pause"), "resumes")
        }
        (EngineState::Running, _) => match stage? {
            JobStage::Data => "loading the data set …".into(),
            JobStage::Corners if run_state.curves.keys().any(|c| matches!(c, LossCurve::Corner(_))) => {
                "training the corners; the surface between them comes next".into()
            }
            JobStage::Corners => "preparing the corners; the surface between them comes next".into(),
            JobStage::Align => "aligning the corners to the first …".into(),
            JobStage::Heatmap => "measuring every cell on the finished surface …".into(),
            JobStage::Export => "writing the best model and measuring it on the test split …".into(),
            JobStage::Fit => return None,
        },
        _ => return None,
    };
    Some((ThemeRole::Muted, text))
}

fn result(run_state: &RunState) -> Option<(ThemeRole, String)> {
    let finished = run_state.finished.as_ref()?;
    let best = finished.best;
    if let Some(degrees) = run_state.lowered {
        return Some((ThemeRole::Muted, lowered_degree_message(run_state, degrees, best.accuracy)));
    }
    let mut text = format!(
        "finished: best {} at {}",
        format_percent(best.accuracy, 2),
        finished.degrees.patch().format_parameters(best.u, best.v, 2)
    );
    let top = |list: &[f64]| list.iter().copied().max_by(f64::total_cmp);
    if let Some(corner) = top(&finished.corners) {
        text += &format!(", {:+.2} points over the best corner", 100.0 * (best.accuracy - corner));
    }
    if let (Some(test), Some(corner)) = (finished.best_test, top(&finished.corners_test)) {
        text += &format!(" (on test {}, {:+.2})", format_percent(test, 2), 100.0 * (test - corner));
    }
    if let Some((_, grid)) = run_state.better_point_on_other_grid() {
        // The first thing to be read beside a header that shows another figure.
        let best = text.split_off("finished: best ".len());
        text += &format!("of the {grid}×{grid} grid {best}");
    }
    text += &format!("; interior mean {}", format_percent(finished.interior_mean, 2));
    Some((ThemeRole::Good, text))
}

/// What is true of a surface that was lowered after the job, whose best was `before`.
fn lowered_degree_message(run_state: &RunState, degrees: Degrees, before: f64) -> String {
    let before = format_percent(before, 2);
    let map = run_state.snapshot.as_ref().map(|s| &s.heatmap);
    let now = map.and_then(|m| m.best_point(Metric::SELECTION).zip(Some(m.is_complete())));
    let now = match now {
        Some((best, true)) => format!(
            "best {} at {}",
            format_percent(best.accuracy, 2),
            degrees.patch().format_parameters(best.u, best.v, 2)
        ),
        _ => "not fully measured since".into(),
    };
    format!("lowered to degree {degrees} after the job: {now}; before that {before}")
}

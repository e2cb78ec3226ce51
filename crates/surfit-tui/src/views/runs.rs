//! The runs there are: narrowed by a filter, two of them side by side.

mod columns;
mod compare;

#[cfg(test)]
pub(crate) mod tests;

use super::plot::pane_frame;
use super::popup;
use super::search::SearchField;
use crate::action::Action;
use crate::app::App;
use crate::link::RunLine;
use crate::theme::ThemeRole;
use columns::RunColumns;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use std::path::PathBuf;
use surfit_core::filter::{Filter, RunAttributes};
use surfit_core::metrics::Metric;

/// What of the list of runs is shown.
#[derive(Clone, Debug, Default)]
pub struct RunsView {
    /// The filter, as typed.
    pub search: SearchField,
    /// The run that the chosen one is held against.
    pub pinned: Option<PathBuf>,
    /// The run that is asked about: remove it?
    pub run_to_delete: Option<PathBuf>,
    /// When the list was last asked for, seconds since the workbench began.
    pub requested_at: f64,
}

/// The filter, or what is wrong with it.
fn filter(app: &App) -> Result<Filter, String> {
    let text = app.runs_view.search.text();
    text.parse::<Filter>().map_err(|e| e.to_string())
}

/// What a filter knows of a run.
fn run_attributes(app: &App, run: &RunLine) -> RunAttributes {
    RunAttributes {
        name: run.id.clone(),
        state: run.state.clone(),
        network: run.network.clone(),
        data: run.data.clone(),
        degrees: run.degrees,
        metrics: run.other_metrics.with_value(Metric::ACCURACY, run.best).with_value(Metric::LOSS, run.loss),
        age: run.begun.zip(app.started_at_unix).map(|(begun, epoch)| (epoch + app.now - begun).max(0.0)),
    }
}

/// The runs that pass the filter; all of them while it cannot be understood.
pub fn visible_runs(app: &App) -> Vec<&RunLine> {
    let filter = filter(app).unwrap_or_default();
    let passes = |run: &&RunLine| filter.matches(&run_attributes(app, run));
    app.runs.iter().filter(passes).collect()
}

/// The run at a place.
pub fn row_at(app: &App, inner: Rect, selected: usize, at: Position) -> Option<usize> {
    popup::row_at(layout_overlay(app, inner).list, visible_runs(app).len(), selected, at)
}

struct RunsLayout {
    /// Filter and how many pass.
    filter: Rect,
    head: Rect,
    list: Rect,
    /// The chosen run beside the pinned one.
    compare: Rect,
}

fn layout_overlay(app: &App, inner: Rect) -> RunsLayout {
    let row = |y, height| Rect { y, height, ..inner };
    let head = inner.height.min(2);
    let below = inner.height - head;
    // The list keeps at least three rows.
    let compare = match pinned(app) {
        Some(_) => (compare::COMPARISON_ROWS + 1).min(below.saturating_sub(3)),
        None => 0,
    };
    RunsLayout {
        filter: row(inner.y, head.min(1)),
        head: row(inner.y + head.min(1), head.saturating_sub(1)),
        list: row(inner.y + head, below - compare),
        compare: row(inner.bottom() - compare, compare),
    }
}

/// The run that the chosen one is held against, when it is still there.
fn pinned(app: &App) -> Option<&RunLine> {
    let path = app.runs_view.pinned.as_ref()?;
    app.runs.iter().find(|r| r.path == *path)
}

/// Draws the overlay.
pub fn render(area: Rect, buf: &mut Buffer, app: &App, selected: usize) {
    let theme = &app.theme;
    let hint = "enter goes there, this run goes on";
    let inner = popup::draw(area, buf, theme, "Runs", hint);
    let parts = layout_overlay(app, inner);
    let runs = visible_runs(app);
    filter_line(app, runs.len(), parts.filter, buf);
    if app.runs.is_empty() {
        return pane_frame::draw_placeholder(parts.list, buf, theme, "Looking for runs ...");
    }
    if runs.is_empty() {
        let text = format!(
            "No run passes the filter. {} changes it; esc while typing takes it away.",
            app.key_label(Action::FilterRuns)
        );
        return pane_frame::draw_placeholder(parts.list, buf, theme, &text);
    }
    let columns = RunColumns::of(inner.width, &runs);
    columns.head(theme).render(parts.head, buf);
    let first = popup::first_visible_row(selected, parts.list.height);
    for ((n, run), row) in runs.iter().enumerate().skip(first).zip(parts.list.rows()) {
        let chosen = n == selected;
        if chosen {
            buf.set_style(row, theme.style(ThemeRole::Selection));
        }
        let pinned = app.runs_view.pinned.as_ref() == Some(&run.path);
        let line = columns.row(app, run, chosen, pinned);
        line.render(row, buf);
    }
    if let (Some(pinned), Some(chosen)) = (pinned(app), runs.get(selected)) {
        compare::draw(parts.compare, buf, theme, pinned, chosen);
    }
}

fn filter_line(app: &App, passing: usize, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let muted = theme.style(ThemeRole::Muted);
    let search = &app.runs_view.search;
    let count = match (passing, app.runs.len()) {
        (_, 0) => String::new(),
        (1, 1) => "1 run".into(),
        (some, all) if some == all => format!("{all} runs"),
        (some, 1) => format!("{some} of 1 run"),
        (some, all) => format!("{some} of {all} runs"),
    };
    let right = (count.len() as u16).min(area.width);
    let room = Rect { width: area.width.saturating_sub(right + 2), ..area };
    let left = match (search.spans(theme), filter(app)) {
        (Some(mut spans), Err(why)) => {
            spans.push(Span::styled(format!("  {why}"), theme.style(ThemeRole::Warning)));
            spans
        }
        (Some(mut spans), Ok(_)) if search.is_empty() => {
            spans.push(Span::styled(format!("  {}", Filter::HELP), muted));
            spans
        }
        (Some(spans), Ok(_)) => spans,
        (None, _) => {
            let key = app.key_label(Action::FilterRuns);
            vec![Span::styled(format!("{key} filters"), muted)]
        }
    };
    let text: Vec<Span<'_>> = left
        .into_iter()
        .map(|s| Span::styled(super::message::transliterate(&s.content, theme.is_ascii()), s.style))
        .collect();
    Line::from(text).render(room, buf);
    Line::styled(count, muted).render(Rect { x: area.right() - right, width: right, ..area }, buf);
}

//! The runs there are: narrowed by a filter, two of them side by side.

mod columns;
mod compare;

#[cfg(test)]
pub(crate) mod tests;

use super::footer::{self, FooterItem};
use super::plot::pane_frame;
use super::search::SearchField;
use super::view::{InputOutcome, SearchAccess, View};
use super::{popup, tables};
use crate::action::KeyScope;
use crate::app::{App, ExportItem};
use crate::key::Key;
use crate::layout::ScreenLayout;
use crate::link::RunLine;
use crate::theme::ThemeRole;
use columns::RunColumns;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use std::path::PathBuf;
use surfit_core::filter::{Filter, FilterError, RunAttributes};
use surfit_core::metrics::Metric;

#[derive(Clone, Debug, Default)]
pub struct RunsView {
    pub search: SearchField,
    /// The run to compare metrics with.
    pub pinned: Option<PathBuf>,
    /// When the list was last requested, seconds since the workbench began.
    pub requested_at: f64,
}

fn filter(app: &App) -> Result<Filter, FilterError> {
    let text = app.runs_view.search.text();
    text.parse()
}

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

/// The filter, the head of the list, the list, and the values of two runs below it.
fn layout_overlay(app: &App, inner: Rect) -> [Rect; 4] {
    let row = |y, height| Rect { y, height, ..inner };
    let head = inner.height.min(2);
    let below = inner.height - head;
    // The list keeps at least three rows.
    let compare = match pinned(app) {
        Some(_) => (compare::COMPARISON_ROWS + 1).min(below.saturating_sub(3)),
        None => 0,
    };
    [
        row(inner.y, head.min(1)),
        row(inner.y + head.min(1), head.saturating_sub(1)),
        row(inner.y + head, below - compare),
        row(inner.bottom() - compare, compare),
    ]
}

/// The run to compare metrics with, while it is listed.
fn pinned(app: &App) -> Option<&RunLine> {
    let path = app.runs_view.pinned.as_ref()?;
    app.runs.iter().find(|r| r.path == *path)
}

#[derive(Debug, Default)]
pub struct RunsOverlay {
    pub selected: usize,
}

impl View for RunsOverlay {
    fn scope(&self) -> KeyScope {
        KeyScope::View("runs")
    }

    fn title(&self, _app: &App) -> String {
        "Runs".into()
    }

    fn remark(&self, _app: &App) -> String {
        "enter opens a run; this one continues".into()
    }

    fn area(&self, screen: &ScreenLayout, app: &App) -> Rect {
        let compared = if app.runs_view.pinned.is_some() { 12 } else { 2 };
        screen.centered_overlay(176, app.runs.len().max(5) + compared)
    }

    fn render_body(&self, inner: Rect, buf: &mut Buffer, app: &App) {
        let theme = &app.theme;
        let [filter, head, list, compared] = layout_overlay(app, inner);
        let runs = visible_runs(app);
        filter_line(app, runs.len(), filter, buf);
        if app.runs.is_empty() {
            return pane_frame::draw_placeholder(list, buf, theme, "Looking for runs ...");
        }
        if runs.is_empty() {
            let text = format!(
                "No run matches the filter. {} changes it; esc while typing clears it.",
                app.key_label(action!("filter-runs"))
            );
            return pane_frame::draw_placeholder(list, buf, theme, &text);
        }
        let columns = RunColumns::of(inner.width, &runs);
        columns.head(theme).render(head, buf);
        let first = popup::first_visible_row(self.selected, list.height);
        for ((n, run), row) in runs.iter().enumerate().skip(first).zip(list.rows()) {
            let chosen = n == self.selected;
            if chosen {
                buf.set_style(row, theme.style(ThemeRole::Selection));
            }
            let pinned = app.runs_view.pinned.as_ref() == Some(&run.path);
            let line = columns.row(app, run, chosen, pinned);
            line.render(row, buf);
        }
        if let (Some(pinned), Some(chosen)) = (pinned(app), runs.get(self.selected)) {
            compare::draw(compared, buf, theme, pinned, chosen);
        }
    }

    fn hints(&self, app: &App) -> Vec<FooterItem> {
        let own = [
            (action!("filter-runs"), "filter"),
            (action!("loss-overlay"), "losses"),
            (action!("beside-run"), "compare"),
            (action!("compare-run"), "values"),
            (action!("resume-run"), "resume"),
            (action!("remove-run"), "remove"),
        ];
        // The frame of the list shows the first, too: it is omitted first.
        footer::hints(app, [], &own, [footer::key_hint(app, Key::ENTER, "open"), footer::close_hint(app)])
    }

    fn on_enter(&mut self, app: &mut App) -> InputOutcome {
        let line = visible_runs(app).get(self.selected).copied().cloned();
        InputOutcome::Close(line.map_or(Vec::new(), |line| app.open_run(line)))
    }

    fn row_at(&self, app: &App, inner: Rect, at: Position) -> Option<usize> {
        popup::row_at(layout_overlay(app, inner)[2], visible_runs(app).len(), self.selected, at)
    }

    fn position_mut(&mut self) -> Option<&mut usize> {
        Some(&mut self.selected)
    }

    fn last_position(&self, app: &App) -> usize {
        visible_runs(app).len().saturating_sub(1)
    }

    fn search(&self) -> Option<SearchAccess> {
        Some((|app| &app.runs_view.search, |app| &mut app.runs_view.search))
    }

    fn exports(&self, app: &App) -> Vec<ExportItem> {
        let readout = tables::row_text(tables::runs(app), self.selected);
        let about = "the runs that are listed";
        let table = ExportItem::table('t', "table of the runs", "runs", about, tables::runs);
        ExportItem::readout(readout).into_iter().chain((!app.runs.is_empty()).then_some(table)).collect()
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
            let key = app.key_label(action!("filter-runs"));
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

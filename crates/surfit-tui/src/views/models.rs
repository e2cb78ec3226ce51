//! Models that were written, marked points, and corners, with what they are worth.

mod items;
mod sheet;

#[cfg(test)]
pub(crate) mod tests;

use super::footer::{self, FooterItem};
use super::view::{InputOutcome, ShellCommand, View};
use super::{popup, tables};
use crate::action::KeyScope;
use crate::app::{App, ExportItem, MessageKind};
use crate::key::Key;
use crate::layout::ScreenLayout;
use crate::theme::ThemeRole;
pub use items::{ModelItem, ModelSort, item_parameters, items, measured_point};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::Widget;
use sheet::ModelRow;
use surfit_core::protocol::TensorNames;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelsView {
    pub sort: ModelSort,
    /// What the tensors of models that are exported from here on are called.
    pub tensor_names: TensorNames,
}

/// Overlay that lists exports, bookmarked points and corners.
#[derive(Debug, Default)]
pub struct ModelsOverlay {
    pub selected: usize,
}

impl View for ModelsOverlay {
    fn scope(&self) -> KeyScope {
        KeyScope::View("models")
    }

    fn title(&self, _app: &App) -> String {
        "Models".into()
    }

    fn remark(&self, _app: &App) -> String {
        "chosen on validation, test measured once after".into()
    }

    fn area(&self, screen: &ScreenLayout, app: &App) -> Rect {
        screen.centered_overlay(176, sheet::rows(app, 100, 0).len())
    }

    fn render_body(&self, inner: Rect, buf: &mut Buffer, app: &App) {
        render_body(inner, buf, app, self.selected);
    }

    fn hints(&self, app: &App) -> Vec<FooterItem> {
        let before = [footer::choose_hint(app), footer::key_hint(app, Key::ENTER, "go there")];
        let own = [(action!("copy"), "copy"), (action!("sort-models"), "sort")];
        footer::hints(app, before, &own, [footer::close_hint(app)])
    }

    /// Puts the cursor where a model, a point or a corner of the list is.
    fn on_enter(&mut self, app: &mut App) -> InputOutcome {
        match items(app).get(self.selected).map(|&item| item_parameters(app, item)) {
            Some(Some((u, v))) => app.move_cursor_to(u, v),
            Some(None) => app.show_message(MessageKind::Hint, "the centroid is not a point of the surface"),
            None => app.show_message(MessageKind::Hint, "nothing is listed yet"),
        }
        InputOutcome::CLOSE
    }

    fn row_at(&self, app: &App, inner: Rect, at: Position) -> Option<usize> {
        if !inner.contains(at) {
            return None;
        }
        let rows = sheet::rows(app, inner.width, self.selected);
        let first = first_visible_row(&rows, self.selected, inner.height);
        rows.get(first + usize::from(at.y - inner.y))?.item
    }

    fn position_mut(&mut self) -> Option<&mut usize> {
        Some(&mut self.selected)
    }

    fn last_position(&self, app: &App) -> usize {
        items(app).len().saturating_sub(1)
    }

    fn exports(&self, app: &App) -> Vec<ExportItem> {
        let readout = ExportItem::readout(tables::row_text(tables::models(app), self.selected));
        let parameters = items(app).get(self.selected).and_then(|item| item_parameters(app, *item));
        let point = parameters.and_then(|point| ExportItem::point(app, point));
        let about = "exported models, bookmarked points, corners";
        let table = ExportItem::table('t', "table of the models", "models", about, tables::models);
        readout.into_iter().chain(point).chain([table]).collect()
    }

    fn shell_command(&self, app: &App, run: &str) -> ShellCommand {
        let words = |words: &[&str]| ShellCommand::Words(words.iter().map(|w| w.to_string()).collect());
        match items(app).get(self.selected) {
            Some(&ModelItem::Export(n)) => match app.run_state.exports.get(n) {
                Some(model) => words(&["eval", &model.dir.display().to_string()]),
                None => ShellCommand::Open,
            },
            Some(&ModelItem::Point { u, v, .. }) => {
                words(&["export", run, "--at", &tables::format_point(app, u, v), "--out", "model"])
            }
            _ => ShellCommand::Open,
        }
    }
}

/// Draws the content of the frame; no line is chosen at `usize::MAX`.
pub(super) fn render_body(inner: Rect, buf: &mut Buffer, app: &App, selected: usize) {
    let rows = sheet::rows(app, inner.width, selected);
    let first = first_visible_row(&rows, selected, inner.height);
    for (row, place) in rows.iter().skip(first).zip(inner.rows()) {
        if row.item == Some(selected) {
            buf.set_style(place, app.theme.style(ThemeRole::Selection));
        }
        (&row.line).render(place, buf);
    }
}

/// The first row shown: the chosen one is in sight, with the heading over the first and all that follows the last.
fn first_visible_row(rows: &[ModelRow<'_>], selected: usize, height: u16) -> usize {
    let last = rows.iter().filter_map(|r| r.item).max();
    let row = if last == Some(selected) {
        rows.len().saturating_sub(1)
    } else {
        rows.iter().position(|r| r.item == Some(selected)).unwrap_or(0)
    };
    let first = popup::first_visible_row(row, height);
    // The end is shown only as far as the chosen row stays in sight.
    let chosen = rows.iter().position(|r| r.item == Some(selected));
    chosen.map_or(first, |chosen| first.min(chosen))
}

/// What is copied of an item: the folder of a model, the place of a point, the recipe of a corner.
pub fn text_to_copy(app: &App, selected: usize) -> Option<String> {
    Some(match *items(app).get(selected)? {
        ModelItem::Export(n) => app.run_state.exports.get(n)?.dir.display().to_string(),
        ModelItem::Point { u, v, .. } => format!("{u:.4},{v:.4}"),
        ModelItem::Corner(n) => app.run_state.corners.get(&n)?.source.clone(),
    })
}

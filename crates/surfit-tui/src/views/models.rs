//! Models that were written, marked points, and corners, with what they are worth.

mod items;
mod sheet;

#[cfg(test)]
pub(crate) mod tests;

use super::popup;
use crate::app::App;
use crate::theme::ThemeRole;
pub use items::{ModelItem, ModelSort, item_parameters, items, measured_point};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::Widget;
use sheet::ModelRow;
use surfit_core::protocol::TensorNames;

/// How the list is sorted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelsView {
    /// Order of the models.
    pub sort: ModelSort,
    /// What the tensors of models that are exported from here on are called.
    pub tensor_names: TensorNames,
}

/// Draws the overlay.
pub fn render(area: Rect, buf: &mut Buffer, app: &App, selected: usize) {
    let hint = "chosen on validation, test measured once after";
    let inner = popup::draw(area, buf, &app.theme, "Models", hint);
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

/// How many rows the whole list has.
pub fn row_count(app: &App) -> usize {
    sheet::rows(app, 100, 0).len()
}

/// The item at a place.
pub fn row_at(app: &App, inner: Rect, at: Position) -> Option<usize> {
    let selected = match &app.overlay {
        Some(crate::app::Overlay::Models { selected }) => *selected,
        _ => 0,
    };
    if !inner.contains(at) {
        return None;
    }
    let rows = sheet::rows(app, inner.width, selected);
    let first = first_visible_row(&rows, selected, inner.height);
    rows.get(first + usize::from(at.y - inner.y))?.item
}

/// What is copied of an item: the folder of a model, the place of a point, the recipe of a corner.
pub fn text_to_copy(app: &App, selected: usize) -> Option<String> {
    Some(match *items(app).get(selected)? {
        ModelItem::Export(n) => app.run_state.exports.get(n)?.dir.display().to_string(),
        ModelItem::Point { u, v, .. } => format!("{u:.4},{v:.4}"),
        ModelItem::Corner(n) => app.run_state.corners.get(&n)?.source.clone(),
    })
}

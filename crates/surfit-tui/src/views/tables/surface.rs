//! The surface's slices and control points as tables, and what is known under its cursor.

use crate::app::App;
use crate::views::plot::text;
use crate::views::slices;
use crate::views::surface::SurfaceScene;
use surfit_core::surface::Patch;
use surfit_core::table::{DataTable, TableValue};

/// The cells of the slices that are chosen, each with its figures and interval.
pub fn slices(app: &App) -> DataTable {
    let mut table =
        DataTable::new(&["slice", "u", "v", "accuracy", "accuracy_low", "accuracy_high", "loss", "images", "stale"]);
    let Some(scene) = SurfaceScene::new(&app.theme, &app.run_state, &app.surface) else {
        return table;
    };
    for (name, cells) in slices::selected_cells(&scene) {
        for index in cells {
            let cell = &scene.heatmap.cells[index];
            let (u, v) = scene.heatmap.parameters(index);
            let (interval, known) = (cell.interval(), cell.images > 0);
            table.push_row([
                name.into(),
                u.into(),
                v.into(),
                cell.accuracy().into(),
                interval.map(|i| i.0).into(),
                interval.map(|i| i.1).into(),
                known.then_some(cell.loss).into(),
                cell.images.into(),
                (known && scene.heatmap.is_stale(index)).into(),
            ]);
        }
    }
    table
}

/// Every control point: where it is in its grid, where on the square its polynomial peaks, and how it fares.
pub fn points(app: &App) -> DataTable {
    let mut table = DataTable::new(&["i", "j", "u", "v", "corner", "frozen", "travelled", "gradient", "accuracy"]);
    for point in app.run_state.snapshot.iter().flat_map(|s| &s.control_points) {
        let (u, v) = app.degrees().row_parameters((point.i, point.j));
        table.push_row([
            point.i.into(),
            point.j.into(),
            u.into(),
            v.into(),
            point.corner.into(),
            point.frozen.into(),
            point.travelled.into(),
            point.gradient.into(),
            point.accuracy.into(),
        ]);
    }
    table
}

/// The matrix of distances that is known, a row a point; `None` before it was measured.
pub fn distances(app: &App) -> Option<DataTable> {
    let matrix = app.run_state.distance_matrix().filter(|m| !m.names.is_empty())?;
    let count = matrix.names.len();
    let mut table = DataTable::new(&["point"]);
    table.columns.extend(matrix.names.iter().cloned());
    for (name, row) in matrix.names.iter().zip(matrix.values.chunks(count)) {
        let first = std::iter::once(TableValue::from(name.as_str()));
        table.push_row(first.chain(row.iter().map(|&d| d.into())));
    }
    Some(table)
}

/// What is known under the surface's cursor, in a line.
pub fn readout(app: &App) -> Option<String> {
    let heatmap = &app.run_state.snapshot.as_ref()?.heatmap;
    let (u, v) = app.surface.uv(heatmap.grid);
    let index = heatmap.nearest_cell(u, v);
    let place = heatmap.patch.format_parameters(u, v, 4);
    let cell = heatmap.cells.get(index)?;
    let Some(accuracy) = cell.accuracy() else {
        return Some(format!("{place}: not measured yet"));
    };
    let mut line = format!("{place}: accuracy {}", text::format_percent(accuracy, 2));
    if let Some((low, high)) = cell.interval() {
        line += &format!(" ± {:.2}", 50.0 * (high - low));
    }
    line += &format!(", loss {}, {} images", text::format_loss(cell.loss.into()), cell.images);
    if let Some(corner) = app.run_state.best_corner_accuracy() {
        line += &format!(", {:+.2} points to the best corner", 100.0 * (accuracy - corner));
    }
    Some(line)
}

/// `U,V` as the command line takes it; `U` on a curve.
pub fn format_point(app: &App, u: f64, v: f64) -> String {
    match app.degrees().patch() {
        Patch::Curve => format!("{u:.4}"),
        _ => format!("{u:.4},{v:.4}"),
    }
}

//! The surface's slices and control points as tables, and what is known under its cursor.

use crate::app::App;
use crate::views::slices;
use crate::views::surface::{SurfaceScene, readout};
use surfit_core::metrics::{Metric, MetricEstimate};
use surfit_core::surface::Patch;
use surfit_core::table::{DataTable, TableValue};

/// The cells of the slices that are chosen, each with its figures and interval.
pub fn slices(app: &App) -> DataTable {
    let mut table = DataTable::new(&["slice", "u", "v"]);
    let scene = SurfaceScene::new(&app.theme, &app.run_state, &app.surface);
    let metrics = scene.as_ref().map_or_else(Vec::new, |s| s.heatmap.measured_metrics());
    for metric in &metrics {
        table.columns.push(metric.id().into());
        if metric.spec().interval.is_some() {
            table.columns.extend(["low", "high"].map(|end| format!("{metric}_{end}")));
        }
    }
    table.columns.extend(["images", "stale"].map(String::from));
    let Some(scene) = scene else {
        return table;
    };
    for (name, cells) in slices::selected_cells(&scene) {
        for index in cells {
            let cell = &scene.heatmap.cells[index];
            let (u, v) = scene.heatmap.parameters(index);
            let mut row: Vec<TableValue> = vec![name.into(), u.into(), v.into()];
            for &metric in &metrics {
                row.push(cell.value(metric).into());
                if metric.spec().interval.is_some() {
                    let interval = cell.interval(metric);
                    row.extend([interval.map(|i| i.0).into(), interval.map(|i| i.1).into()]);
                }
            }
            row.extend([cell.images.into(), scene.heatmap.is_stale(index).into()]);
            table.push_row(row);
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
    if cell.images == 0 {
        return Some(format!("{place}: not measured yet"));
    }
    let figure = |(metric, estimate): (Metric, MetricEstimate)| {
        let half = estimate.interval.map(|(low, high)| metric.written_scale() * (high - low) / 2.0);
        let margin = half.map_or_else(String::new, |half| format!(" ± {half:.2}"));
        format!("{} {}{margin}, ", metric.name(), readout::format_metric(metric, estimate.value))
    };
    let figures: String = cell.values.iter().map(figure).collect();
    let mut line = format!("{place}: {figures}{} images", cell.images);
    let metric = app.surface.metric;
    if let Some(gain) = cell.value(metric).zip(metric.best_corner_value(app.run_state.corners.values())) {
        let (gain, unit) = (readout::format_difference(metric, gain.0 - gain.1), metric.difference_unit());
        line += &format!(", {gain} {unit} to the best corner");
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

//! The surface's slices and control points as tables, and what is known under its cursor.

use crate::app::App;
use crate::views::slices;
use crate::views::surface::{SurfaceScene, readout};
use crate::views::tables::TableRows;
use surfit_core::heatmap::Heatmap;
use surfit_core::metrics::{Metric, MetricEstimate};
use surfit_core::surface::Patch;
use surfit_core::table::TableValue;

/// Every cell, as `surfit heatmap` writes them.
pub fn cells(app: &App) -> TableRows<'_> {
    let heatmap = app.run_state.snapshot.as_ref().map(|s| &s.heatmap);
    let mut lines = heatmap.into_iter().flat_map(Heatmap::csv_lines);
    let columns = lines.next().unwrap_or_default().split(',').map(String::from).collect();
    let rows = Box::new(lines.map(|line| line.split(',').map(TableValue::from).collect::<Vec<_>>()));
    let count = heatmap.map_or(0, |h| h.surface_cells().count());
    let json = move || heatmap.map_or_else(String::new, |h| format!("{}\n", h.to_json()));
    TableRows { columns, rows, count, json: Some(Box::new(json)) }
}

/// The cells of the slices that are chosen, each with its figures and interval.
pub fn slices(app: &App) -> TableRows<'_> {
    let mut columns = vec!["slice".to_owned(), "u".into(), "v".into()];
    let scene = SurfaceScene::new(&app.theme, &app.run_state, &app.surface);
    let metrics = scene.as_ref().map_or_else(Vec::new, |s| s.heatmap.measured_metrics());
    for metric in &metrics {
        columns.push(metric.id().into());
        if metric.spec().interval.is_some() {
            columns.extend(["low", "high"].map(|end| format!("{metric}_{end}")));
        }
    }
    columns.extend(["images", "stale"].map(String::from));
    let cells = scene.as_ref().map_or_else(Vec::new, slices::selected_cells);
    let count = cells.iter().map(|(_, cells)| cells.len()).sum();
    let cells = cells.into_iter().flat_map(|(name, cells)| cells.into_iter().map(move |index| (name, index)));
    let heatmap = scene.map(|s| s.heatmap);
    let rows = cells.filter_map(move |(name, index)| {
        let heatmap = heatmap?;
        let (cell, (u, v)) = (&heatmap.cells[index], heatmap.parameters(index));
        let mut row: Vec<TableValue> = vec![name.into(), u.into(), v.into()];
        for &metric in &metrics {
            row.push(cell.value(metric).into());
            if metric.spec().interval.is_some() {
                let interval = cell.interval(metric);
                row.extend([interval.map(|i| i.0).into(), interval.map(|i| i.1).into()]);
            }
        }
        row.extend([cell.images.into(), heatmap.is_stale(index).into()]);
        Some(row)
    });
    TableRows { columns, rows: Box::new(rows), count, json: None }
}

/// Every control point: where it is in its grid, where on the square its polynomial peaks, and how it fares.
pub fn points(app: &App) -> TableRows<'_> {
    let points = app.run_state.snapshot.as_ref().map_or(&[][..], |s| &s.control_points);
    let degrees = app.degrees();
    let rows = points.iter().enumerate().map(move |(row, point)| {
        let (u, v) = degrees.row_parameters((point.i, point.j));
        vec![
            point.i.into(),
            point.j.into(),
            u.into(),
            v.into(),
            degrees.corner_number(row).is_some().into(),
            point.frozen.into(),
            point.travelled.into(),
            point.gradient.into(),
            point.accuracy.into(),
        ]
    });
    let columns = ["i", "j", "u", "v", "corner", "frozen", "travelled", "gradient", "accuracy"];
    TableRows::new(&columns, points.len(), rows)
}

/// The matrix of distances that is known, a row a point; empty before it was measured.
pub fn distances(app: &App) -> TableRows<'_> {
    let matrix = app.run_state.distance_matrix();
    let (names, values) = matrix.map(|m| (m.names, m.values)).unwrap_or_default();
    let columns = ["point".to_owned()].into_iter().chain(names.iter().cloned()).collect();
    let count = names.len();
    let rows = names.into_iter().enumerate().map(move |(n, name)| {
        let values = values.iter().skip(n * count).take(count);
        std::iter::once(name.into()).chain(values.map(|&d| d.into())).collect::<Vec<TableValue>>()
    });
    TableRows { columns, rows: Box::new(rows), count, json: None }
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

//! Labels round the map: the parameters `u` and `v`, the cursor's place on them, the corners with their accuracy.

use super::SurfaceScene;
use super::layout::SurfaceLayout;
use super::viewport::format_parameter;
use crate::theme::ThemeRole;
use crate::views::plot::text;
use ratatui::buffer::Buffer;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use surfit_core::surface::Patch;

pub fn draw(buf: &mut Buffer, scene: &SurfaceScene<'_>, layout: &SurfaceLayout) {
    if layout.map.is_empty() {
        return;
    }
    if layout.has_axis_row {
        if scene.heatmap.patch != Patch::Curve {
            along_v(buf, scene, layout);
        }
        along_u(buf, scene, layout);
    }
    if layout.has_corner_rows {
        corners(buf, scene, layout);
    }
}

/// The first, the middle and the last cell of those that are shown along an axis, with the parameter of each.
fn labelled_cells(layout: &SurfaceLayout, first: usize, grid: usize) -> [(usize, String); 3] {
    let last = layout.grid - 1;
    let whole = grid.saturating_sub(1).max(1) as f64;
    [0, last.div_ceil(2), last].map(|k| (first + k, format_parameter((first + k) as f64 / whole)))
}

fn along_v(buf: &mut Buffer, scene: &SurfaceScene<'_>, layout: &SurfaceLayout) {
    let (axis, map) = (scene.theme.style(ThemeRole::Axis), layout.map);
    let left = map.x - layout.gutter;
    let width = layout.gutter - 1;
    let row = |b: usize| {
        let room = layout.cell_area((layout.first_cell.0, b));
        room.y + room.height.saturating_sub(1) / 2
    };
    let (first, last) = (layout.first_cell.1, layout.grid - 1);
    let mut taken = Vec::new();
    for (cell, label) in labelled_cells(layout, first, scene.heatmap.grid) {
        let y = row(cell);
        if taken.contains(&y) {
            continue;
        }
        taken.push(y);
        let pad = usize::from(width);
        text::put(buf, left, y, width, &format!("{label:>pad$}"), axis);
    }
    // The name is between the numbers of the middle and the end.
    let name = row(first + last).midpoint(row(first + last.div_ceil(2)));
    if !taken.contains(&name) {
        text::put(buf, left, name, width, scene.theme.pick_glyph("v ↑", "  v"), axis);
    }
    let arrow = scene.theme.pick_glyph("▸", ">");
    let style = scene.theme.style(ThemeRole::Accent);
    text::put(buf, map.x - 1, row(scene.cursor.1), 1, arrow, style);
}

fn along_u(buf: &mut Buffer, scene: &SurfaceScene<'_>, layout: &SurfaceLayout) {
    let (axis, map) = (scene.theme.style(ThemeRole::Axis), layout.map);
    let y = map.bottom();
    let column = |a: usize| {
        let room = layout.cell_area((a, layout.first_cell.1));
        room.x + room.width.saturating_sub(1) / 2
    };
    let (first, last) = (layout.first_cell.0, layout.grid - 1);
    let cursor = column(scene.cursor.0);
    let arrow = scene.theme.pick_glyph("▴", "^");
    text::put(buf, cursor, y, 1, arrow, scene.theme.style(ThemeRole::Accent));
    let mut taken = vec![(cursor, cursor + 1)];
    let name = scene.theme.pick_glyph("u →", "u").to_string();
    let between = column(first + last).midpoint(column(first + last.div_ceil(2)));
    let numbers = labelled_cells(layout, first, scene.heatmap.grid);
    let numbers = numbers.into_iter().map(|(cell, label)| (column(cell), label));
    for (middle, label) in numbers.chain([(between, name)]) {
        let width = label.chars().count() as u16;
        let x = middle.saturating_sub(width / 2);
        let free = taken.iter().all(|&(a, b)| x + width < a + 1 || x > b);
        if free && x + width <= map.right() + 1 {
            taken.push((x, x + width));
            text::put(buf, x, y, width, &label, axis);
        }
    }
}

fn corners(buf: &mut Buffer, scene: &SurfaceScene<'_>, layout: &SurfaceLayout) {
    let map = layout.map;
    let metric = scene.view.metric;
    let best = metric.best_corner_value(scene.run_state.corners.values());
    for (corner, index) in scene.heatmap.corner_cells().into_iter().enumerate() {
        let grid = scene.heatmap.grid;
        if !scene.cells.contains((index / grid, index % grid)) {
            continue;
        }
        let Some(ready) = scene.run_state.corners.get(&corner) else {
            continue;
        };
        let style = scene.theme.style(ThemeRole::corner(corner));
        let level = ready.metric_value(metric);
        let value = level.map_or("?".into(), |v| super::readout::format_metric(metric, v));
        let mut figure = scene.theme.style(ThemeRole::Text);
        if level.is_some() && level == best {
            figure = figure.add_modifier(Modifier::BOLD);
        }
        let number = Span::styled((corner + 1).to_string(), style.add_modifier(Modifier::BOLD));
        let (left, top) = (corner % 2 == 0, corner >= 2);
        let line = Line::from(if left {
            vec![number, Span::raw(" "), Span::styled(value, figure)]
        } else {
            vec![Span::styled(value, figure), Span::raw(" "), number]
        });
        // A corner may have any figure; it does not push others away.
        let width = line.width().min(usize::from(map.width)) as u16;
        let x = if left { map.x } else { map.right().saturating_sub(width) };
        let y = if top { map.y.saturating_sub(1) } else { map.bottom() + u16::from(layout.has_axis_row) };
        text::put_line(buf, x, y, width, &line);
    }
}

//! The grid of control points as tiles, placed as on the surface: `u` to the right, `v` upward.

mod layout;
mod tile;

use super::tile_values::{Figure, FigureSpan, accuracies};
use super::{PointState, PointsView};
use crate::theme::{Theme, ThemeRole};
use crate::views::plot::text;
pub use layout::TileLayout;
use ratatui::buffer::Buffer;
use surfit_core::run_state::RunState;
use surfit_core::snapshot::Snapshot;
use tile::PointTile;

pub fn draw(
    buf: &mut Buffer,
    theme: &Theme,
    run_state: &RunState,
    snapshot: &Snapshot,
    layout: &TileLayout,
    view: &PointsView,
) {
    let accuracies = accuracies(run_state, snapshot);
    let scale = FigureSpan::of(view.figure, &snapshot.control_points, &accuracies);
    let cursor = view.cursor.min(snapshot.control_points.len() - 1);
    for (row, point) in snapshot.control_points.iter().enumerate() {
        let Some(room) = layout.tile_area(point.i, point.j) else {
            continue;
        };
        let tile = PointTile {
            theme,
            point,
            corner: snapshot.degrees.corner_number(row),
            accuracy: accuracies[row],
            scale,
            selected: row == cursor,
            state: PointState::of(snapshot, point),
        };
        tile.draw(buf, room);
    }
    draw_overflow_signs(buf, theme, layout);
}

/// The figure that tiles show, with the unit when they are too small for figures as they are.
pub fn tile_description(
    theme: &Theme,
    run_state: &RunState,
    snapshot: &Snapshot,
    layout: &TileLayout,
    figure: Figure,
) -> String {
    let accuracies = accuracies(run_state, snapshot);
    let scale = FigureSpan::of(figure, &snapshot.control_points, &accuracies);
    scale.description(layout.value_width(), theme.is_ascii())
}

fn draw_overflow_signs(buf: &mut Buffer, theme: &Theme, layout: &TileLayout) {
    let (tiles, style) = (layout.tiles, theme.style(ThemeRole::Accent));
    if tiles.width < 4 || tiles.height == 0 {
        return;
    }
    if layout.first_tile.1 + layout.tile_count.1 < layout.degrees.n() + 1 {
        text::put(buf, tiles.right() - 1, tiles.y, 1, theme.pick_glyph("↑", "^"), style);
    }
    if layout.first_tile.1 > 0 {
        text::put(buf, tiles.right() - 1, tiles.bottom() - 1, 1, theme.pick_glyph("↓", "v"), style);
    }
}

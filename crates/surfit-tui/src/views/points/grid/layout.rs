//! Positions of the control points' tiles and of the selected point's details.

use crate::views::popup;
use ratatui::layout::Rect;
use surfit_core::surface::Degrees;

/// Columns of the widest tile, and of the widest that has a name before every figure.
const MAX_TILE_WIDTH: u16 = 18;
const MAX_NAMED_TILE_WIDTH: u16 = 30;
/// Rows of a tile that has every figure, with the one that keeps it apart from the next; what is more goes to the
/// gradients.
pub(super) const MIN_NAMED_TILE_HEIGHT: u16 = 7;
const MAX_TILE_HEIGHT: u16 = 12;

#[derive(Clone, Debug, PartialEq)]
pub struct TileLayout {
    pub(super) degrees: Degrees,
    pub(super) tiles: Rect,
    pub(super) tile: (u16, u16),
    /// First column and row (from below) that is shown, where not all fit.
    pub(super) first_tile: (usize, usize),
    /// Columns and rows shown.
    pub(super) tile_count: (usize, usize),
    pub detail: Rect,
}

impl TileLayout {
    /// The layout for the area within the border; the tile of the control point `cursor` is always shown.
    pub fn of(inner: Rect, degrees: Degrees, cursor: usize) -> Self {
        let (columns, rows) = (degrees.m() + 1, degrees.n() + 1);
        let count = rows as u16;
        // The last row of a tile of four or more keeps it apart from the next.
        let height = match inner.height {
            h if h >= MIN_NAMED_TILE_HEIGHT * count + 3 => ((h - 3) / count).min(MAX_TILE_HEIGHT),
            h if h >= 4 * count + 3 => 4,
            h if h >= 3 * count + 3 => 3,
            h if h >= 2 * count + 2 => 2,
            _ => 1,
        };
        let wanted = match inner.height {
            0..=3 => 0,
            4..=6 => 1,
            7..=9 => 2,
            _ => 3,
        };
        // Where the details fit beside the tiles they go there, and the tiles have the whole height.
        let side = inner.width >= 30 + 10 * columns as u16;
        let most = if side { inner.height } else { inner.height.saturating_sub(wanted) };
        let shown_rows = rows.min(usize::from(most / height));
        let width = if side { inner.width - 28 } else { inner.width };
        let tile_width = match width / columns as u16 {
            0 => 1,
            w if height >= MIN_NAMED_TILE_HEIGHT => w.min(MAX_NAMED_TILE_WIDTH),
            w => w.min(MAX_TILE_WIDTH),
        };
        let shown = (columns.min(usize::from(width / tile_width)), shown_rows);
        let (i, j) = degrees.row_indices().get(cursor).copied().unwrap_or((0, 0));
        let first = (popup::first_shown(i, shown.0, columns), popup::first_shown(j, shown.1, rows));
        let size = (shown.0 as u16 * tile_width, shown.1 as u16 * height);
        let left = if side { 1 } else { (inner.width - size.0.min(inner.width)) / 2 };
        let tiles = Rect::new(inner.x + left, inner.y, size.0, size.1).intersection(inner);
        let detail = if side {
            let x = tiles.right() + 2;
            Rect { x, width: inner.right().saturating_sub(x), ..inner }
        } else {
            // An empty row between, when it costs nothing.
            let free = inner.bottom() - tiles.bottom();
            let gap = u16::from(free > wanted + 1);
            Rect { y: tiles.bottom() + gap, height: free - gap, ..inner }
        };
        Self { degrees, tiles, tile: (tile_width, height), first_tile: first, tile_count: shown, detail }
    }

    /// The area of the tile of `(i, j)`; `None` when it is scrolled away.
    pub(super) fn tile_area(&self, i: usize, j: usize) -> Option<Rect> {
        let (a, b) = (i.checked_sub(self.first_tile.0)?, j.checked_sub(self.first_tile.1)?);
        if a >= self.tile_count.0 || b >= self.tile_count.1 {
            return None;
        }
        let y = self.tiles.y + (self.tile_count.1 - 1 - b) as u16 * self.tile.1;
        let x = self.tiles.x + a as u16 * self.tile.0;
        Some(Rect::new(x, y, self.tile.0, self.tile.1))
    }

    /// Characters that a tile has for its first figure.
    pub fn value_width(&self) -> usize {
        match self.tile.0 {
            w @ 0..5 => usize::from(w.saturating_sub(1)),
            w => usize::from(w - 3),
        }
    }

    pub fn point_at(&self, column: u16, row: u16) -> Option<usize> {
        self.degrees
            .row_indices()
            .into_iter()
            .position(|(i, j)| self.tile_area(i, j).is_some_and(|room| room.contains((column, row).into())))
    }
}

//! Layouts apart from the usual one: for a relief, and for maps side by side.

use super::{BAR_WIDTH, BarPlacement, LayoutOptions, MIN_PANEL_WIDTH, SurfaceLayout, pixels, split};
use crate::views::plot::pane_frame;
use ratatui::layout::Rect;

impl SurfaceLayout {
    /// A layout for a view that is no grid of characters: it has the whole area without readout, slices and bar.
    pub fn for_relief(area: Rect, grid: usize, slices: bool) -> Self {
        let inner = pane_frame::inside(area);
        let mut out = Self { grid: grid.max(1), ..Self::default() };
        let side = inner.width >= 100 && inner.height >= 20;
        let mut room = inner;
        if side {
            let width = (inner.width / 3).clamp(MIN_PANEL_WIDTH, 44);
            let panel = Rect::new(inner.right() - width, inner.y, width, inner.height);
            room.width -= width + 2;
            let options =
                LayoutOptions { side, readout: 6, slices, corners: false, bar: BarPlacement::Side, frame: false };
            if let Some((readout, slices)) = split(panel, options) {
                (out.readout, out.slices) = (readout, slices);
            }
        } else {
            let rows = match inner.height {
                0..=7 => 0,
                8..=11 => 1,
                12..=17 => 2,
                _ => 3,
            };
            room.height -= rows;
            out.readout = Rect::new(inner.x, room.bottom(), inner.width, rows);
        }
        if room.width >= 46 && room.height >= 6 {
            room.width -= BAR_WIDTH;
            let rows = room.height.min(16);
            let top = room.y + (room.height - rows) / 2;
            out.bar = Rect::new(room.right(), top, BAR_WIDTH, rows);
        }
        out.map = room;
        out
    }

    /// A layout of a map with a bar below it and nothing else; `free` for a view that is no grid of characters.
    pub fn map_with_bar(room: Rect, grid: usize, free: bool) -> Self {
        let mut out = Self { grid: grid.max(1), ..Self::default() };
        let rows = u16::from(room.height >= 4 && room.width >= 14);
        let height = room.height - rows;
        out.bar = Rect::new(room.x, room.bottom() - rows, room.width, rows);
        if free {
            out.map = Rect { height, ..room };
            return out;
        }
        out.pixels = pixels(room.width, height, out.grid);
        out.map = Rect::new(
            room.x + (room.width - out.pixels as u16) / 2,
            room.y,
            out.pixels as u16,
            out.pixels.div_ceil(2) as u16,
        );
        out.bar.y = out.map.bottom();
        out
    }
}

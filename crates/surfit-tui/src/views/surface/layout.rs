//! Positions of the parts of the pane. They depend only on the area, the grid and whether slices are wanted, so
//! that the mouse can be answered without drawing.

mod special_layouts;

#[cfg(test)]
mod tests;

use crate::views::plot::pane_frame;
use ratatui::layout::Rect;

/// Columns of the labels left of the map: three digits and a tick.
const GUTTER_WIDTH: u16 = 4;
/// Columns of the colour bar with its numbers.
const BAR_WIDTH: u16 = 10;
const MIN_SLICE_ROWS: u16 = 5;
const MIN_PANEL_WIDTH: u16 = 24;

/// The parts of the pane, in characters. Parts that do not fit are empty.
///
/// The map is made of *pixels*: half characters, which are about square. Every cell of the grid has `size × size` of
/// them; when there are more cells than pixels, pixels show every so many-th cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SurfaceLayout {
    /// Points along each axis that are shown.
    pub grid: usize,
    /// The first of them, along `u` and along `v`.
    pub first_cell: (usize, usize),
    /// Pixels along each axis of the map.
    pub pixels: usize,
    /// Characters that the map covers; with an odd number of pixels the last row is half empty.
    pub map: Rect,
    /// Columns for labels left of the map; 0 when there are none.
    pub gutter: u16,
    /// A row below the map has the labels of `u`.
    pub has_axis_row: bool,
    /// Rows above and below have the corners' accuracies.
    pub has_corner_rows: bool,
    pub bar: Rect,
    pub readout: Rect,
    /// The slices along `u` and along `v`.
    pub slices: Option<[Rect; 2]>,
}

#[derive(Clone, Copy)]
struct LayoutOptions {
    side: bool,
    readout: u16,
    slices: bool,
    corners: bool,
    bar: BarPlacement,
    frame: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum BarPlacement {
    Side,
    Below,
    None,
}

impl SurfaceLayout {
    /// The best use of a pane's `area` (border included).
    pub fn of(area: Rect, grid: usize, slices: bool) -> Self {
        let (inner, grid) = (pane_frame::inside(area), grid.max(1));
        let most = pixels(inner.width, inner.height, grid).max(1) as f64;
        let mut best: Option<(f64, SurfaceLayout)> = None;
        for options in candidate_options(slices) {
            let Some(layout) = Self::with_options(inner, grid, options) else {
                continue;
            };
            let score = 10.0 * (layout.pixels as f64 / most) + options.score(&layout);
            if best.as_ref().is_none_or(|(s, _)| score > *s + 1e-9) {
                best = Some((score, layout));
            }
        }
        best.map_or_else(|| Self { grid, ..Self::default() }, |(_, layout)| layout)
    }

    fn with_options(inner: Rect, grid: usize, options: LayoutOptions) -> Option<Self> {
        let gutter = if options.frame { GUTTER_WIDTH } else { 0 };
        let corner_rows = if options.corners { 2 } else { 0 };
        let below = u16::from(options.frame) + corner_rows + u16::from(options.bar == BarPlacement::Below);
        let wide = gutter + if options.bar == BarPlacement::Side { BAR_WIDTH } else { 0 };
        let (panel_w, panel_h) = match (options.side, options.slices) {
            (true, _) => (MIN_PANEL_WIDTH + 2, 0),
            (false, true) => (0, options.readout + MIN_SLICE_ROWS),
            (false, false) => (0, options.readout),
        };
        let room = (inner.width.checked_sub(wide + panel_w)?, inner.height.checked_sub(below + panel_h)?);
        let pixels = pixels(room.0, room.1, grid);
        if pixels == 0 || (options.frame && pixels < 6) || (options.corners && pixels < 24) {
            return None;
        }
        let (map_w, map_h) = (pixels as u16, pixels.div_ceil(2) as u16);
        // The map with its labels and bar is centred in its part; the panel takes the rest.
        let group = wide + map_w;
        let free_w = inner.width - panel_w - group;
        let left = if options.side { (free_w / 4).min(2) } else { free_w / 2 };
        let top = inner.y + u16::from(options.corners);
        let used = below + map_h;
        let map = Rect::new(inner.x + left + gutter, top, map_w, map_h);
        let after = inner.y + used;
        let bar = match options.bar {
            BarPlacement::Side => Rect::new(map.right(), map.y, BAR_WIDTH, map.height),
            BarPlacement::Below => Rect::new(map.x - gutter, after - 1, (map_w + gutter).max(20), 1),
            BarPlacement::None => Rect::new(map.right(), map.y, 0, 0),
        };
        // A bar below is wider than a narrow map, and must not reach into a panel at the side.
        let end = if options.side { inner.x + left + group } else { inner.right() };
        if bar.right() > end || (options.bar == BarPlacement::Side && map_h < 4) {
            return None;
        }
        let panel = if options.side {
            let x = inner.x + left + group + 2;
            Rect::new(x, inner.y, inner.right().saturating_sub(x), inner.height)
        } else {
            Rect::new(inner.x, after, inner.width, inner.bottom() - after)
        };
        let (readout, slices) = split(panel, options)?;
        let corners = options.corners;
        let axis = options.frame;
        Some(Self {
            grid,
            first_cell: (0, 0),
            pixels,
            map,
            gutter,
            has_axis_row: axis,
            has_corner_rows: corners,
            bar,
            readout,
            slices,
        })
    }

    /// Characters for a figure in a cell: a gap keeps neighbours apart, except in cells that hold two digits exactly.
    pub fn figure_width(cell: u16) -> usize {
        usize::from(if cell == 2 { 2 } else { cell.saturating_sub(1) })
    }

    /// The cell along `u` at a pixel counted from the left.
    pub fn column_cell(&self, pixel: usize) -> usize {
        self.first_cell.0 + self.cell_of_pixel(pixel)
    }

    /// How many cells a pixel lies behind the first, from the left or from the bottom.
    fn cell_of_pixel(&self, pixel: usize) -> usize {
        ((2 * pixel + 1) * self.grid / (2 * self.pixels.max(1))).min(self.grid - 1)
    }

    /// The pixels, first and one past the last, of a cell counted from the first; at least one, though it may show a neighbour.
    fn pixels_of_cell(&self, cell: usize) -> (usize, usize) {
        // The smallest pixel `p` with `(2p + 1)·grid ≥ 2·pixels·cell`: `cell_of_pixel` turned round.
        let first = |cell: usize| (2 * self.pixels * cell).div_ceil(self.grid).saturating_sub(1).div_ceil(2);
        let (from, to) = (first(cell), first(cell + 1).min(self.pixels));
        let from = from.min(self.pixels.saturating_sub(1));
        (from, to.max(from + 1))
    }

    /// Position of the middle of a pixel between the cells, in cells; counted from the left and from the bottom.
    pub fn pixel_position(&self, pixel: (usize, usize)) -> (f64, f64) {
        let cells = self.grid as f64 / self.pixels.max(1) as f64;
        let place = |pixel: usize, first: usize| first as f64 + (pixel as f64 + 0.5) * cells - 0.5;
        (place(pixel.0, self.first_cell.0), place(pixel.1, self.first_cell.1))
    }

    /// Position in the map of a place between cells, in characters from its upper left.
    pub fn position_in_map(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let size = self.pixels as f64 / self.grid as f64;
        let (x, y) = (x - self.first_cell.0 as f64, y - self.first_cell.1 as f64);
        let (across, up) = ((x + 0.5) * size, (y + 0.5) * size);
        (across, (self.pixels as f64 - up) / 2.0)
    }

    /// The cell along `v` in the pixel row `row`, counted from the top.
    pub fn row_cell(&self, row: usize) -> usize {
        self.first_cell.1 + self.cell_of_pixel(self.pixels.saturating_sub(1).saturating_sub(row))
    }

    /// The cell drawn at a character; `None` beside the map. Of two cells in a character, the upper.
    pub fn cell_at(&self, column: u16, row: u16) -> Option<(usize, usize)> {
        if !self.map.contains((column, row).into()) {
            return None;
        }
        let (x, y) = (usize::from(column - self.map.x), 2 * usize::from(row - self.map.y));
        Some((self.column_cell(x), self.row_cell(y)))
    }

    /// The characters that lie wholly within a cell, or the one nearest to it when none does. A cell that is not shown has none.
    pub fn cell_area(&self, (a, b): (usize, usize)) -> Rect {
        let shown = |at: usize, first: usize| at.checked_sub(first).filter(|&k| k < self.grid);
        let (Some(a), Some(b)) = (shown(a, self.first_cell.0), shown(b, self.first_cell.1)) else {
            return Rect::new(self.map.x, self.map.y, 0, 0);
        };
        let (x0, x1) = self.pixels_of_cell(a);
        let (low, high) = self.pixels_of_cell(b);
        let (y0, y1) = (self.pixels - high.min(self.pixels), self.pixels - low.min(self.pixels));
        let (top, bottom) = (y0.div_ceil(2), y1 / 2);
        let (top, bottom) = if top < bottom { (top, bottom) } else { (y0 / 2, y0 / 2 + 1) };
        Rect::new(self.map.x + x0 as u16, self.map.y + top as u16, (x1 - x0) as u16, (bottom - top) as u16)
    }
}

impl LayoutOptions {
    /// How much the parts beside the map are worth; the map itself is worth at most 10.
    fn score(self, layout: &SurfaceLayout) -> f64 {
        let rows = layout.readout.height.min(6);
        let readout = match if layout.readout.width < 16 { 0 } else { rows } {
            0 => 0.0,
            1 => 1.2,
            2 => 2.0,
            3 => 2.4,
            4 => 2.6,
            _ => 2.7,
        };
        let bar = match self.bar {
            BarPlacement::Side => 1.1,
            BarPlacement::Below => 0.9,
            BarPlacement::None => 0.0,
        };
        let on = |wished: bool, worth: f64| if wished { worth } else { 0.0 };
        readout + bar + on(self.frame, 1.2) + on(self.corners, 0.5) + on(self.slices, 2.4)
    }
}

fn candidate_options(slices: bool) -> Vec<LayoutOptions> {
    let mut out = Vec::new();
    for frame in [true, false] {
        for bar in [BarPlacement::Side, BarPlacement::Below, BarPlacement::None] {
            for corners in [true, false] {
                for slices in [true, false].into_iter().filter(|s| slices || !s) {
                    for (side, readout) in [(true, 6), (false, 3), (false, 2), (false, 1), (false, 0)] {
                        out.push(LayoutOptions { side, readout, slices, corners, bar, frame });
                    }
                }
            }
        }
    }
    out
}

/// Pixels along each axis of the largest square map in `width × height` characters.
fn pixels(width: u16, height: u16, grid: usize) -> usize {
    let room = usize::from(width).min(2 * usize::from(height));
    if room >= grid { room / grid * grid } else { room }
}

/// Readout and slices within the panel; `None` when the requested ones do not fit.
fn split(panel: Rect, options: LayoutOptions) -> Option<(Rect, Option<[Rect; 2]>)> {
    if !options.slices {
        let height = if options.side { panel.height } else { panel.height.min(4) };
        return Some((Rect { height, ..panel }, None));
    }
    if options.side {
        let readout = if panel.height >= 26 { 10 } else { 7 };
        let each = (panel.height.checked_sub(readout + 1)? / 2).min(15);
        if each < MIN_SLICE_ROWS {
            return None;
        }
        let below = panel.y + readout + 1;
        let along = Rect::new(panel.x, below, panel.width, each);
        let rooms = [along, Rect { y: below + each, ..along }];
        return Some((Rect { height: readout, ..panel }, Some(rooms)));
    }
    let height = panel.height.checked_sub(options.readout)?;
    if height < MIN_SLICE_ROWS || panel.width < 40 {
        return None;
    }
    let readout = options.readout + (height - MIN_SLICE_ROWS).min(4u16.saturating_sub(options.readout));
    let height = panel.height - readout;
    let half = (panel.width - 4) / 2;
    let along = Rect::new(panel.x, panel.y + readout, half, height);
    let across = Rect { x: along.right() + 3, ..along };
    Some((Rect { height: readout, ..panel }, Some([along, across])))
}

//! The part of the surface that is shown: a square of `(u, v)`, of whole cells, that keys and mouse zoom and move.

use super::SurfaceView;
use surfit_core::surface::Patch;

/// A part of `(u, v)`. It is kept in parameters, so that it stays where it is when the grid changes and holds for another
/// surface beside this one too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurfaceViewport {
    /// The point at its lower left.
    from: (f64, f64),
    /// From its first point to its last, along either axis.
    side: f64,
}

/// The cells that are shown: `count × count` from `first` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownCells {
    /// The cell at the lower left, along `u` and along `v`.
    pub first_cell: (usize, usize),
    /// Cells along either axis.
    pub count: usize,
    pub grid: usize,
}

/// The fewest cells a part has along an axis: a point and its neighbours.
const MIN_CELLS: usize = 3;

impl ShownCells {
    pub fn all(grid: usize) -> Self {
        Self { first_cell: (0, 0), count: grid, grid }
    }

    pub fn is_all(&self) -> bool {
        self.count == self.grid
    }

    pub fn contains(&self, (a, b): (usize, usize)) -> bool {
        let inside = |at: usize, first: usize| (first..first + self.count).contains(&at);
        inside(a, self.first_cell.0) && inside(b, self.first_cell.1)
    }

    /// Parameters of the first and of the last cell along `u`, then along `v`.
    pub fn parameter_ranges(&self) -> [(f64, f64); 2] {
        let last = self.grid.saturating_sub(1).max(1) as f64;
        let at = |cell: usize| cell as f64 / last;
        [self.first_cell.0, self.first_cell.1].map(|f| (at(f), at(f + self.count - 1)))
    }

    /// Position of a place given in cells between the first and the last of them, 0 to 1 along either axis.
    pub fn fraction(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let span = self.count.saturating_sub(1).max(1) as f64;
        ((x - self.first_cell.0 as f64) / span, (y - self.first_cell.1 as f64) / span)
    }

    /// The same number of cells from `first` on, moved so that they lie on the surface.
    fn moved_to(self, first: (i64, i64), patch: Patch) -> Self {
        let most = (self.grid - self.count) as i64;
        let a = first.0.clamp(0, most);
        let b = match patch {
            Patch::Curve => 0,
            Patch::Square => first.1.clamp(0, most),
            // The lower left cell at least belongs to the triangle.
            Patch::Triangle => first.1.clamp(0, most.min(self.grid as i64 - 1 - a)),
        };
        Self { first_cell: (a as usize, b as usize), ..self }
    }

    /// Moved as little as it takes to hold a cell.
    fn moved_to_contain(self, (a, b): (usize, usize), patch: Patch) -> Self {
        let moved = |at: usize, first: usize| first.min(at).max((at + 1).saturating_sub(self.count));
        let first = (moved(a, self.first_cell.0), moved(b, self.first_cell.1));
        self.moved_to((first.0 as i64, first.1 as i64), patch)
    }

    /// More cells or fewer, by a factor. The cell `about` stays where it is, as far as the surface goes.
    fn zoomed(self, factor: f64, about: (usize, usize), patch: Patch) -> Self {
        let wanted = (self.count as f64 * factor).round() as usize;
        // Every turn of the wheel shows some change.
        let wanted = if factor < 1.0 { wanted.min(self.count - 1) } else { wanted.max(self.count + 1) };
        let count = wanted.clamp(MIN_CELLS.min(self.grid), self.grid);
        let (x, y) = self.fraction((about.0 as f64, about.1 as f64));
        let before = |share: f64| (share.clamp(0.0, 1.0) * (count - 1) as f64).round() as i64;
        let first = (about.0 as i64 - before(x), about.1 as i64 - before(y));
        Self { count, ..self }.moved_to(first, patch)
    }

    fn viewport(self) -> Option<SurfaceViewport> {
        let [(u, to), (v, _)] = self.parameter_ranges();
        (!self.is_all()).then_some(SurfaceViewport { from: (u, v), side: to - u })
    }
}

impl SurfaceView {
    pub fn shown_cells(&self, grid: usize, patch: Patch) -> ShownCells {
        let all = ShownCells::all(grid);
        let (Some(part), true) = (self.viewport, grid > MIN_CELLS) else {
            return all;
        };
        let cell = |t: f64| (t * (grid - 1) as f64).round();
        let count = (cell(part.side) as usize + 1).clamp(MIN_CELLS, grid);
        let first = (cell(part.from.0) as i64, cell(part.from.1) as i64);
        ShownCells { count, ..all }.moved_to(first, patch)
    }

    /// Zooms by a factor on the width, below 1 to see less, about a cell; about the cursor by default.
    pub fn zoom_by(&mut self, factor: f64, about: Option<(usize, usize)>, grid: usize, patch: Patch) {
        let about = about.unwrap_or(self.cursor);
        let cells = self.shown_cells(grid, patch).zoomed(factor, about, patch);
        self.show_cells(cells, patch);
    }

    /// Moves the part that is shown by cells; the whole stays where it is.
    pub fn pan_by(&mut self, (da, db): (i64, i64), grid: usize, patch: Patch) {
        let cells = self.shown_cells(grid, patch);
        let first = (cells.first_cell.0 as i64 + da, cells.first_cell.1 as i64 + db);
        self.show_cells(cells.moved_to(first, patch), patch);
    }

    /// Moves the part that is shown by a quarter of its width, at least a cell, along each axis in the direction given.
    pub fn pan(&mut self, (across, up): (i64, i64), grid: usize, patch: Patch) {
        let step = (self.shown_cells(grid, patch).count as i64 / 4).max(1);
        self.pan_by((across * step, up * step), grid, patch);
    }

    /// Shows the whole surface again; false when it was shown already.
    pub fn show_all(&mut self) -> bool {
        self.viewport.take().is_some()
    }

    /// Moves the part that is shown as little as it takes to see the cursor.
    pub(super) fn follow_cursor(&mut self, grid: usize, patch: Patch) {
        if self.viewport.is_some() {
            self.viewport = self.shown_cells(grid, patch).moved_to_contain(self.cursor, patch).viewport();
        }
    }

    /// Shows these cells, and keeps the cursor among them.
    fn show_cells(&mut self, cells: ShownCells, patch: Patch) {
        self.viewport = cells.viewport();
        let (first, last) = (cells.first_cell, cells.count - 1);
        let (a, b) = self.cursor;
        let (mut a, mut b) = (a.clamp(first.0, first.0 + last), b.clamp(first.1, first.1 + last));
        if patch == Patch::Triangle {
            a = a.min(cells.grid - 1 - first.1);
            b = b.min(cells.grid - 1 - a);
        }
        self.cursor = (a, b);
    }
}

/// A parameter in at most three characters, for the ends of a part: `0.3`, `.25`.
pub(crate) fn format_parameter(t: f64) -> String {
    let hundredths = (100.0 * t).round() as i64;
    match hundredths {
        0 => "0".into(),
        100 => "1".into(),
        n if n % 10 == 0 => format!("{t:.1}"),
        n => format!(".{n:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use surfit_core::heatmap::Heatmap;

    const PATCHES: [Patch; 3] = [Patch::Square, Patch::Triangle, Patch::Curve];

    #[test]
    fn the_wheel_zooms_about_the_cell_under_it_and_back() {
        let mut view = SurfaceView::default();
        for _ in 0..2 {
            view.zoom_by(0.5, Some((5, 5)), 11, Patch::Square);
        }
        let cells = view.shown_cells(11, Patch::Square);
        assert_eq!((cells.first_cell, cells.count), ((4, 4), 3));
        assert_eq!(view.cursor, (4, 4), "the cursor stays in sight");
        // A finer grid shows the same part of `(u, v)`.
        assert_eq!(view.shown_cells(51, Patch::Square).parameter_ranges(), cells.parameter_ranges());
        view.pan((1, 1), 11, Patch::Square);
        assert_eq!(view.shown_cells(11, Patch::Square).first_cell, (5, 5));
        for _ in 0..9 {
            view.zoom_by(1.25, None, 11, Patch::Square);
        }
        assert!(view.viewport.is_none() && !view.show_all());
    }

    #[test]
    fn the_cursor_takes_the_part_along() {
        let mut view = SurfaceView::default();
        view.zoom_by(0.3, None, 11, Patch::Square);
        assert_eq!(view.shown_cells(11, Patch::Square).first_cell, (0, 0));
        view.move_by(7, 1, 11, Patch::Square);
        assert_eq!(view.shown_cells(11, Patch::Square).first_cell, (5, 0));
        view.move_by(-7, 0, 11, Patch::Square);
        assert_eq!(view.shown_cells(11, Patch::Square).first_cell, (0, 0));
    }

    #[test]
    fn ends_are_short() {
        let written: Vec<String> = [0.0, 0.3, 0.25, 0.04, 1.0].into_iter().map(format_parameter).collect();
        assert_eq!(written, ["0", "0.3", ".25", ".04", "1"]);
    }

    proptest! {
        #[test]
        fn whatever_is_done_the_part_lies_on_the_surface_and_shows_the_cursor(
            grid in 2usize..=101, patch in 0usize..3, moves in prop::collection::vec((0u8..5, -9i32..9, -9i32..9, 0.1f64..3.0), 1..30),
            other in 2usize..=101,
        ) {
            let patch = PATCHES[patch];
            let mut view = SurfaceView::default();
            for (what, x, y, factor) in moves {
                let cell = (x.unsigned_abs() as usize % grid, y.unsigned_abs() as usize % grid);
                match what {
                    0 => view.move_by(x, y, grid, patch),
                    1 => view.zoom_by(factor, Some(cell), grid, patch),
                    2 => view.zoom_by(factor, None, grid, patch),
                    3 => view.pan((x.into(), y.into()), grid, patch),
                    _ => view.pan_by((x.into(), y.into()), grid, patch),
                }
                let cells = view.shown_cells(grid, patch);
                prop_assert!(cells.first_cell.0 + cells.count <= grid && cells.first_cell.1 + cells.count <= grid);
                prop_assert!(cells.count >= MIN_CELLS.min(grid));
                prop_assert!(cells.contains(view.cursor), "{:?} {:?}", cells, view.cursor);
                let (a, b) = view.cursor;
                prop_assert!(Heatmap::new(patch, grid).contains_cell(a * grid + b));
                view.shown_cells(other, patch);
            }
        }
    }
}

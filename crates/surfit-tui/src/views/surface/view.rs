//! What the user chose to see of the surface, and where the cursor is.

use super::comparison::{self, SurfaceComparison};
use super::layout::SurfaceLayout;
use super::map;
use super::relief::{self, Camera};
use super::shown_field::{CellQuantity, FixedRange, ShownField};
use super::viewport::SurfaceViewport;
use super::{Contours, SurfaceScene};
use crate::theme::Theme;
use crate::views::plot::pane_frame;
use crate::views::slices::{self, Slices};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use surfit_core::heatmap::{Heatmap, Metric};
use surfit_core::run_state::RunState;
use surfit_core::surface::Patch;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct SurfaceView {
    /// Cell under the cursor, along `u` and along `v`.
    pub cursor: (usize, usize),
    /// The part that is shown; `None` for the whole.
    pub viewport: Option<SurfaceViewport>,
    pub metric: Metric,
    pub quantity: CellQuantity,
    pub fixed_range: Option<FixedRange>,
    /// Write the figures into the cells, where they fit.
    pub show_values: bool,
    pub slices: Slices,
    pub contours: Contours,
    pub interpolate: bool,
    /// The best points that are not neighbours are numbered.
    pub show_peaks: bool,
    pub show_relief: bool,
    pub camera: Camera,
    pub comparison: Option<SurfaceComparison>,
    /// This surface before its degree changed last.
    pub earlier_surface: Option<SurfaceComparison>,
    /// Place in the ranking that [`SurfaceView::move_to_next_best`] went to last, and the cell it found there.
    pub last_visited: Option<(usize, (usize, usize))>,
}

impl SurfaceView {
    pub const MAX_PEAKS: usize = 9;

    /// Moves the cursor by cells, within a grid over a kind of surface, and the part that is shown with it. Along the third edge of a
    /// triangle it slides.
    pub fn move_by(&mut self, du: i32, dv: i32, grid: usize, patch: Patch) {
        let last = grid.saturating_sub(1);
        let step = |at: usize, by: i32| at.saturating_add_signed(by as isize).min(last);
        let (a, b) = (step(self.cursor.0, du), step(self.cursor.1, dv));
        self.cursor = match patch {
            Patch::Curve => (a, 0),
            Patch::Triangle if dv > 0 => (a.min(last - b), b),
            Patch::Triangle => (a, b.min(last - a)),
            Patch::Square => (a, b),
        };
        self.follow_cursor(grid, patch);
    }

    /// Moves the cursor to the best measured cell; called again from there, to the next best, and so on, round the ranking.
    /// While best points are numbered it goes from number to number.
    pub fn move_to_next_best(&mut self, heatmap: &Heatmap) {
        let ranking =
            if self.show_peaks { heatmap.peaks(self.metric, Self::MAX_PEAKS) } else { heatmap.rank_cells(self.metric) };
        if ranking.is_empty() {
            return;
        }
        let next = match self.last_visited {
            Some((place, cell)) if cell == self.cursor => (place + 1) % ranking.len(),
            _ => 0,
        };
        self.cursor = (ranking[next] / heatmap.grid, ranking[next] % heatmap.grid);
        self.last_visited = Some((next, self.cursor));
        self.follow_cursor(heatmap.grid, heatmap.patch);
    }

    /// Keeps the cursor on the surface, whose grid may have become smaller.
    pub fn clamp(&mut self, grid: usize, patch: Patch) {
        self.move_by(0, 0, grid, patch);
    }

    /// Parameters `(u, v)` under the cursor.
    pub fn uv(&self, grid: usize) -> (f64, f64) {
        let last = grid.saturating_sub(1).max(1);
        let at = |k: usize| k.min(last) as f64 / last as f64;
        (at(self.cursor.0), at(self.cursor.1))
    }

    /// Shows a figure made of the metric, or the metric itself again.
    pub fn toggle_quantity(&mut self, quantity: CellQuantity) {
        self.quantity = if self.quantity == quantity { CellQuantity::Value } else { quantity };
    }

    /// Fixes the range of colours of what is shown, in the units of the colour bar; false when the limits are no range.
    pub fn fix_range(&mut self, run_state: &RunState, lo: f64, hi: f64) -> bool {
        let Some(snapshot) = &run_state.snapshot else {
            return false;
        };
        let corner = self.metric.best_corner_value(run_state.corners.values());
        let shown = ShownField::of(corner, &snapshot.heatmap, self);
        let limits = shown.range.typed_limits(lo, hi);
        if let Some(limits) = limits {
            self.fixed_range = Some(FixedRange { metric: self.metric, quantity: shown.quantity, limits });
        }
        limits.is_some()
    }

    /// The cell drawn at a place on the screen when the pane has `area`; `None` beside the surface. Where a character shows
    /// two cells, the upper one.
    pub fn cell_at(
        &self,
        area: Rect,
        column: u16,
        row: u16,
        theme: &Theme,
        run_state: &RunState,
    ) -> Option<(usize, usize)> {
        let scene = SurfaceScene::new(theme, run_state, self)?;
        if let Some(other) = scene.comparable_surface() {
            return comparison::cell_at(&scene, other, pane_frame::inside(area), column, row);
        }
        scene.cell_at(&scene.layout(area), column, row)
    }
}

impl<'a> SurfaceScene<'a> {
    /// The surface beside this one, when it is of the same kind and can be compared.
    pub(crate) fn comparable_surface(&self) -> Option<&'a SurfaceComparison> {
        let other = self.view.comparison.as_ref()?;
        (other.heatmap.patch == self.heatmap.patch).then_some(other)
    }

    /// True when the surface is drawn in three dimensions. A curve has none to show: its relief is a line.
    pub(crate) fn is_relief(&self) -> bool {
        self.view.show_relief && self.heatmap.patch != Patch::Curve
    }

    /// Draws the surface as it is looked at: a map, a relief, or the line of a curve.
    pub(super) fn draw(&self, buf: &mut Buffer, layout: &SurfaceLayout) {
        if self.is_relief() {
            relief::draw(buf, self, layout);
        } else if self.view.show_relief {
            slices::draw_curve_plot(buf, self, layout.map);
        } else {
            map::draw(buf, self, layout);
        }
    }

    pub(super) fn cell_at(&self, layout: &SurfaceLayout, column: u16, row: u16) -> Option<(usize, usize)> {
        match (self.is_relief(), self.view.show_relief) {
            (true, _) => relief::cell_at(self, layout.map, column, row),
            (false, true) => slices::cell_at(self, layout.map, column, row),
            (false, false) => layout.cell_at(column, row),
        }
    }

    pub(super) fn layout(&self, area: Rect) -> SurfaceLayout {
        let slices = self.view.slices != Slices::Off;
        if self.view.show_relief {
            let curve = self.heatmap.patch == Patch::Curve;
            let mut layout = SurfaceLayout::for_relief(area, self.cells.count, slices && !curve);
            if curve {
                // A line shows its values by its height.
                layout.map.width = layout.bar.right().max(layout.map.right()) - layout.map.x;
                layout.bar = Rect::new(layout.map.right(), layout.map.y, 0, 0);
            }
            return layout;
        }
        SurfaceLayout { first_cell: self.cells.first_cell, ..SurfaceLayout::of(area, self.cells.count, slices) }
    }
}

//! The measured surface: a grid of cells over `(u, v)`.

mod change;
mod contour;
mod export_formats;
mod field;
mod metric;
mod peaks;
mod slice;
mod stored;
mod style;

#[cfg(test)]
mod tests;

pub use change::HeatmapChange;
pub use contour::ContourSegment;
pub use field::CellField;
pub use metric::{Metric, MetricSpec};
pub use slice::SliceDirection;
pub use style::{CellQuantity, HeatmapStyle};

use crate::numbers::nan_as_null;
use crate::surface::Patch;
use serde::{Deserialize, Serialize};

/// What has been measured at one grid point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Correctly classified images.
    #[serde(rename = "c")]
    pub correct: u32,
    /// Images seen; 0 while the cell is unmeasured.
    #[serde(rename = "n")]
    pub images: u32,
    /// Mean cross-entropy in nats over those images.
    #[serde(rename = "l", with = "nan_as_null")]
    pub loss: f32,
    /// Version of the surface it was measured on; see [`Heatmap::version`].
    #[serde(rename = "v")]
    pub version: u64,
}

impl Cell {
    /// Fraction of images classified correctly; `None` while unmeasured.
    pub fn accuracy(&self) -> Option<f64> {
        (self.images > 0).then(|| f64::from(self.correct) / f64::from(self.images))
    }

    /// The 95 % confidence interval of the accuracy (Wilson score); `None` while unmeasured.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let (p, n) = (self.accuracy()?, f64::from(self.images));
        let z2 = 1.96f64 * 1.96;
        let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = 1.96 * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
        Some((centre - half, centre + half))
    }
}

/// A grid of `grid × grid` cells; the cell at `(a, b)` lies at `u = a/(grid−1)`, `v = b/(grid−1)`.
///
/// Of a curve only the row `v = 0` is ever measured, of a triangular patch the half with `u + v ≤ 1`; the cells outside stay
/// empty, and no figure counts them.
///
/// One that was stored is read only when it has the cells that its grid says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "stored::StoredHeatmap")]
pub struct Heatmap {
    /// Points along each axis, at least 2.
    pub grid: usize,
    /// Cells in order of `u`, then `v`: the cell at `(a, b)` is `cells[a * grid + b]`.
    pub cells: Vec<Cell>,
    /// Version of the surface now: it grows with every change of a control point. A measured cell whose own version
    /// is smaller is stale.
    pub version: u64,
    /// What kind of surface it is.
    #[serde(default)]
    pub patch: Patch,
}

/// A measured point of the surface.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasuredPoint {
    /// First parameter, in `[0, 1]`.
    pub u: f64,
    /// Second parameter, in `[0, 1]`.
    pub v: f64,
    /// Validation accuracy there, a fraction.
    pub accuracy: f64,
    /// Mean validation cross-entropy there.
    #[serde(with = "nan_as_null")]
    pub loss: f64,
    /// Validation images seen.
    pub images: u32,
}

/// Figures that describe a whole heatmap; all are over measured cells.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeatmapSummary {
    /// Mean accuracy of all cells.
    pub mean: f64,
    /// Mean accuracy of the cells that are not on the boundary; equals `mean` when there are none.
    pub interior_mean: f64,
    /// Lowest accuracy of a cell, a fraction.
    pub min: f64,
    /// Highest accuracy of a cell, a fraction.
    pub max: f64,
    /// Mean accuracy of the corner cells.
    pub corners_mean: f64,
}

impl Heatmap {
    /// The largest grid that may be asked for.
    pub const MAX_GRID: usize = 101;

    /// An unmeasured heatmap of a kind of surface.
    ///
    /// # Panics
    /// If `grid < 2`: one point has no extent. Configuration and protocol refuse it before.
    pub fn new(patch: Patch, grid: usize) -> Self {
        assert!(grid >= 2, "a grid of {grid} has no extent");
        Self { grid, cells: vec![Cell::default(); grid * grid], version: 0, patch }
    }

    /// True when the cell lies on the surface, and not beside a curve or a triangle.
    pub fn contains_cell(&self, index: usize) -> bool {
        let (a, b) = (index / self.grid, index % self.grid);
        match self.patch {
            Patch::Curve => b == 0,
            Patch::Triangle => a + b < self.grid,
            Patch::Square => true,
        }
    }

    /// Indices of all cells that lie on the surface, in order.
    pub fn surface_cells(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.cells.len()).filter(|&i| self.contains_cell(i))
    }

    /// Number of cells that lie on the surface.
    pub fn surface_cell_count(&self) -> usize {
        self.surface_cells().count()
    }

    /// `None` when `grid` can be used, else a sentence that says why not.
    pub fn check_grid(grid: usize) -> Option<String> {
        (!(2..=Self::MAX_GRID).contains(&grid))
            .then(|| format!("a grid of {grid} cannot be measured; choose 2 to {}", Self::MAX_GRID))
    }

    /// Parameters of the cell with index `index`.
    pub fn parameters(&self, index: usize) -> (f64, f64) {
        let last = (self.grid - 1) as f64;
        ((index / self.grid) as f64 / last, (index % self.grid) as f64 / last)
    }

    /// Takes the figures of every point that another grid of the same surface has as well, unless that is unmeasured there, or
    /// known here from a newer version or from more images.
    pub fn merge_from(&mut self, other: &Heatmap) {
        let known = |cell: &Cell| (cell.images > 0).then_some((cell.version, cell.images));
        for index in 0..self.cells.len() {
            let (u, v) = self.parameters(index);
            let near = other.nearest_cell(u, v);
            let (here, there) = (known(&self.cells[index]), known(&other.cells[near]));
            if other.parameters(near) == (u, v) && there > here {
                self.cells[index] = other.cells[near];
            }
        }
    }

    /// The same surface on another grid, as far as its points are measured here.
    pub fn with_grid(&self, grid: usize) -> Heatmap {
        let mut other = Heatmap::new(self.patch, grid);
        other.version = self.version;
        other.merge_from(self);
        other
    }

    /// Index of the cell nearest to `(u, v)` that lies on the surface.
    pub fn nearest_cell(&self, u: f64, v: f64) -> usize {
        let last = self.grid - 1;
        let at = |x: f64| (x.clamp(0.0, 1.0) * last as f64).round() as usize;
        let (a, b) = self.clamp_to_surface((at(u), at(v)));
        a * self.grid + b
    }

    /// The cell `(a, b)`, or where it falls when it is moved onto the surface along `v`.
    pub fn clamp_to_surface(&self, (a, b): (usize, usize)) -> (usize, usize) {
        let last = self.grid - 1;
        let a = a.min(last);
        let most = match self.patch {
            Patch::Curve => 0,
            Patch::Triangle => last - a,
            Patch::Square => last,
        };
        (a, b.min(most))
    }

    /// Indices of the corner cells, in corner order.
    pub fn corner_cells(&self) -> Vec<usize> {
        let g = self.grid;
        let square = [0, (g - 1) * g, g - 1, g * g - 1];
        square[..self.patch.corner_count()].to_vec()
    }

    /// True when the cell lies on the boundary of the surface; of a curve, at one of its ends.
    pub fn is_on_boundary(&self, index: usize) -> bool {
        let (a, b, last) = (index / self.grid, index % self.grid, self.grid - 1);
        match self.patch {
            Patch::Curve => a == 0 || a == last,
            Patch::Triangle => a == 0 || b == 0 || a + b == last,
            Patch::Square => a == 0 || b == 0 || a == last || b == last,
        }
    }

    /// The cell at an index as a point; `None` while unmeasured.
    pub fn measured_point(&self, index: usize) -> Option<MeasuredPoint> {
        let cell = self.cells.get(index)?;
        let (u, v) = self.parameters(index);
        let (accuracy, loss) = (cell.accuracy()?, f64::from(cell.loss));
        Some(MeasuredPoint { u, v, accuracy, loss, images: cell.images })
    }

    /// True when the cell is measured, but not on the present surface.
    pub fn is_stale(&self, index: usize) -> bool {
        self.cells[index].images > 0 && self.cells[index].version < self.version
    }

    /// Number of cells measured on the present surface.
    pub fn fresh_cell_count(&self) -> usize {
        self.surface_cells().map(|i| &self.cells[i]).filter(|c| c.images > 0 && c.version == self.version).count()
    }

    /// True when every cell was measured on the present surface, all on the same number of images.
    pub fn is_complete(&self) -> bool {
        self.fresh_cell_count() == self.surface_cell_count()
            && self.surface_cells().all(|i| self.cells[i].images == self.cells[0].images)
    }

    /// Indices of measured cells, best first by `metric`; ties in accuracy go to the lower loss, then the index, so
    /// the order is one and the same for the same measurements.
    pub fn rank_cells(&self, metric: Metric) -> Vec<usize> {
        let mut order: Vec<usize> =
            self.surface_cells().filter(|&i| metric.value_at(&self.cells[i]).is_some()).collect();
        let key = |i: usize| {
            let (cell, value) = (&self.cells[i], metric.value_at(&self.cells[i]).unwrap_or(f64::NAN));
            let value = if metric.higher_is_better() { -value } else { value };
            let loss = if cell.loss.is_finite() { f64::from(cell.loss) } else { f64::INFINITY };
            (value, loss)
        };
        order.sort_by(|&a, &b| {
            let ((va, la), (vb, lb)) = (key(a), key(b));
            va.total_cmp(&vb).then(la.total_cmp(&lb)).then(a.cmp(&b))
        });
        order
    }

    /// The best measured point by `metric`.
    pub fn best_point(&self, metric: Metric) -> Option<MeasuredPoint> {
        self.rank_cells(metric).first().and_then(|&i| self.measured_point(i))
    }

    /// The summary over measured cells; `None` when there are none.
    pub fn summary(&self) -> Option<HeatmapSummary> {
        let of = |keep: &dyn Fn(usize) -> bool| -> Vec<f64> {
            self.surface_cells().filter(|&i| keep(i)).filter_map(|i| self.cells[i].accuracy()).collect()
        };
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        let all = of(&|_| true);
        if all.is_empty() {
            return None;
        }
        let inner = of(&|i| !self.is_on_boundary(i));
        let corners = of(&|i| self.corner_cells().contains(&i));
        Some(HeatmapSummary {
            mean: mean(&all),
            interior_mean: if inner.is_empty() { mean(&all) } else { mean(&inner) },
            min: all.iter().copied().fold(f64::INFINITY, f64::min),
            max: all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            corners_mean: if corners.is_empty() { mean(&all) } else { mean(&corners) },
        })
    }

    /// Cell indices from coarse to fine: the corners, then every grid of half the spacing, so that a picture of the
    /// whole exists from the first cells on.
    pub fn coarse_to_fine_order(&self) -> Vec<usize> {
        let (g, mut seen) = (self.grid, vec![false; self.cells.len()]);
        let mut order = Vec::with_capacity(seen.len());
        let mut parts = 1;
        let count = self.surface_cell_count();
        while order.len() < count {
            let at = |k: usize| (k * (g - 1) + parts / 2) / parts;
            for (a, b) in (0..=parts).flat_map(|a| (0..=parts).map(move |b| (a, b))) {
                let index = at(a).min(g - 1) * g + at(b).min(g - 1);
                if self.contains_cell(index) && !std::mem::replace(&mut seen[index], true) {
                    order.push(index);
                }
            }
            parts *= 2;
        }
        order
    }
}

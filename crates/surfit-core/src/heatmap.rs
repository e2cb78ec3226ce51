//! The measured surface: a grid of cells over `(u, v)`.

mod change;
mod contour;
mod export_formats;
mod field;
mod peaks;
mod slice;
mod stored;
mod style;

#[cfg(test)]
mod tests;

pub use change::HeatmapChange;
pub use contour::ContourSegment;
pub use field::CellField;
pub use slice::SliceDirection;
pub use style::{CellQuantity, HeatmapStyle};

pub use crate::metrics::Metric;
use crate::metrics::{MetricEstimate, MetricSums, MetricValues};
use crate::numbers::nan_as_null;
use crate::surface::Patch;
use serde::{Deserialize, Serialize};

/// What has been measured at one grid point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "stored::StoredCell", into = "stored::StoredCell")]
pub struct Cell {
    /// Value of every metric that is known there; none while the cell is unmeasured.
    pub values: MetricValues,
    /// Images seen; 0 while the cell is unmeasured.
    pub images: u32,
    /// Version of the surface it was measured on; see [`Heatmap::version`].
    pub version: u64,
}

impl Cell {
    /// A cell of which correct images and the mean cross-entropy are known.
    pub fn from_counts(correct: u32, images: u32, loss: f32, version: u64) -> Self {
        let mut sums = MetricSums::default();
        sums.of_mut(Metric::ACCURACY)[0] = correct.min(images).into();
        let mut values = sums.values(images);
        let loss = f64::from(loss);
        let loss = (images > 0 && loss.is_finite()).then_some(MetricEstimate { value: loss, interval: None });
        values.set(Metric::LOSS, loss);
        Self { values, images, version }
    }

    /// A metric's value; `None` while unmeasured, and where it is not known.
    pub fn value(&self, metric: Metric) -> Option<f64> {
        self.values.get(metric).map(|estimate| estimate.value)
    }

    /// The ends of a metric's 95 % confidence interval; `None` too for a metric that has none.
    pub fn interval(&self, metric: Metric) -> Option<(f64, f64)> {
        self.values.get(metric)?.interval
    }

    /// Fraction of images classified correctly; `None` while unmeasured.
    pub fn accuracy(&self) -> Option<f64> {
        self.value(Metric::ACCURACY)
    }

    /// Mean cross-entropy in nats; `None` while unmeasured, and where it is not finite.
    pub fn loss(&self) -> Option<f64> {
        self.value(Metric::LOSS)
    }

    /// Number of correctly classified images.
    pub fn correct(&self) -> u32 {
        (self.accuracy().unwrap_or(0.0) * f64::from(self.images)).round() as u32
    }
}

/// A grid of `grid × grid` cells; the cell at `(a, b)` lies at `u = a/(grid−1)`, `v = b/(grid−1)`.
///
/// Of a curve only the row `v = 0` is ever measured, of a triangular patch the half with `u + v ≤ 1`; the cells outside stay
/// empty, and no figure counts them.
///
/// One that was stored is read only when it has its grid's number of cells.
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
    /// Metrics other than accuracy and loss, as far as they are known.
    #[serde(default, skip_serializing_if = "MetricValues::is_empty")]
    pub metrics: MetricValues,
}

impl MeasuredPoint {
    /// A metric's value; `None` where it is not known.
    pub fn metric_value(&self, metric: Metric) -> Option<f64> {
        self.metrics.value_beside(self.accuracy, self.loss, metric)
    }

    /// Every metric that is known, accuracy and loss without their intervals.
    pub fn all_metrics(&self) -> MetricValues {
        self.metrics.with_value(Metric::ACCURACY, Some(self.accuracy)).with_value(Metric::LOSS, Some(self.loss))
    }
}

/// Figures that describe a metric of a whole heatmap; all are over measured cells.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeatmapSummary {
    /// Mean of all cells.
    pub mean: f64,
    /// Mean of the cells that are not on the boundary; equals `mean` when there are none.
    pub interior_mean: f64,
    /// Lowest value of a cell.
    pub min: f64,
    /// Highest value of a cell.
    pub max: f64,
    /// Mean of the corner cells.
    pub corners_mean: f64,
}

impl Heatmap {
    /// The largest grid that may be requested.
    pub const MAX_GRID: usize = 101;

    /// An unmeasured heatmap of a kind of surface.
    ///
    /// # Panics
    /// If `grid < 2`: one point has no extent. Configuration and protocol refuse it before.
    pub fn new(patch: Patch, grid: usize) -> Self {
        assert!(grid >= 2, "a grid of {grid} has no extent");
        Self { grid, cells: vec![Cell::default(); grid * grid], version: 0, patch }
    }

    /// True when the cell is on the surface, and not beside a curve or a triangle.
    pub fn contains_cell(&self, index: usize) -> bool {
        let (a, b) = (index / self.grid, index % self.grid);
        match self.patch {
            Patch::Curve => b == 0,
            Patch::Triangle => a + b < self.grid,
            Patch::Square => true,
        }
    }

    /// Indices of all cells on the surface, in order.
    pub fn surface_cells(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.cells.len()).filter(|&i| self.contains_cell(i))
    }

    /// Number of cells on the surface.
    pub fn surface_cell_count(&self) -> usize {
        self.surface_cells().count()
    }

    /// `None` when `grid` can be used, else a sentence that states why not.
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

    /// Index of the cell nearest to `(u, v)` that is on the surface.
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

    /// True when the cell is on the boundary of the surface; of a curve, at one of its ends.
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
        let (accuracy, loss) = (cell.accuracy()?, cell.loss().unwrap_or(f64::NAN));
        Some(MeasuredPoint { u, v, accuracy, loss, images: cell.images, metrics: cell.values.others() })
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

    /// Indices of measured cells, best first by `metric`; ties go to the lower loss, then the index, so
    /// the order is one and the same for the same measurements.
    pub fn rank_cells(&self, metric: Metric) -> Vec<usize> {
        let mut order: Vec<usize> = self.surface_cells().filter(|&i| self.cells[i].value(metric).is_some()).collect();
        let key = |i: usize| {
            let cell = &self.cells[i];
            let value = cell.value(metric).unwrap_or(f64::NAN);
            (-metric.score(value), cell.loss().unwrap_or(f64::INFINITY))
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

    /// The metrics that some cell has a value of, in the order of the registry.
    pub fn measured_metrics(&self) -> Vec<Metric> {
        Metric::all().filter(|&metric| self.surface_cells().any(|i| self.cells[i].value(metric).is_some())).collect()
    }

    /// True when figures over the whole surface may be made of a metric: every measured cell has a value, but for those whose
    /// loss is not finite. A resumed run of an older program may have one in its corners alone.
    pub fn has_complete_metric(&self, metric: Metric) -> bool {
        let lacks = |cell: &Cell| cell.images > 0 && cell.loss().is_some() && cell.value(metric).is_none();
        let cells = || self.surface_cells().map(|i| &self.cells[i]);
        cells().any(|cell| cell.value(metric).is_some()) && !cells().any(lacks)
    }

    /// The metrics that are complete, in the order of the registry.
    pub fn complete_metrics(&self) -> Vec<Metric> {
        Metric::all().filter(|&metric| self.has_complete_metric(metric)).collect()
    }

    /// The metric after another one, round the registry: the next that some cell has a value of, as far as any has one.
    pub fn next_metric(&self, metric: Metric) -> Metric {
        let measured = self.measured_metrics();
        let round = Metric::all().cycle().skip(metric.index() + 1).take(Metric::COUNT);
        round.into_iter().find(|m| measured.is_empty() || measured.contains(m)).unwrap_or(metric)
    }

    /// The summary of a metric over measured cells; `None` when there are none, and when only some of them have it.
    pub fn summary(&self, metric: Metric) -> Option<HeatmapSummary> {
        if !self.has_complete_metric(metric) {
            return None;
        }
        let of = |keep: &dyn Fn(usize) -> bool| -> Vec<f64> {
            self.surface_cells().filter(|&i| keep(i)).filter_map(|i| self.cells[i].value(metric)).collect()
        };
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        let all = of(&|_| true);
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

//! The measured surface: a square grid of cells over `(u, v)`.

use crate::numbers::nan_as_null;
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

/// What a heatmap shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Fraction of validation images classified correctly; higher is better.
    #[default]
    Accuracy,
    /// Mean cross-entropy on validation images; lower is better.
    Loss,
}

impl Metric {
    /// Every metric, in the order a switch goes through them.
    pub const ALL: [Metric; 2] = [Metric::Accuracy, Metric::Loss];

    /// The metric's value at a cell; `None` while unmeasured, and for a loss that is not finite.
    pub fn of(self, cell: &Cell) -> Option<f64> {
        match self {
            Metric::Accuracy => cell.accuracy(),
            Metric::Loss => (cell.images > 0 && cell.loss.is_finite()).then_some(cell.loss.into()),
        }
    }

    /// The metric's name for people.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Accuracy => "accuracy",
            Metric::Loss => "loss",
        }
    }

    /// True when larger values are better.
    pub fn higher_is_better(self) -> bool {
        self == Metric::Accuracy
    }
}

/// A grid of `grid × grid` cells; the cell at `(a, b)` lies at `u = a/(grid−1)`, `v = b/(grid−1)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Heatmap {
    /// Points along each axis, at least 2.
    pub grid: usize,
    /// Cells in order of `u`, then `v`: the cell at `(a, b)` is `cells[a * grid + b]`.
    pub cells: Vec<Cell>,
    /// Version of the surface now: it grows with every change of a control point. A measured cell whose own version
    /// is smaller is stale.
    pub version: u64,
}

/// A measured point of the surface.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// First parameter.
    pub u: f64,
    /// Second parameter.
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
pub struct Summary {
    /// Mean accuracy of all cells.
    pub mean: f64,
    /// Mean accuracy of the cells that are not on the boundary; equals `mean` when there are none.
    pub interior_mean: f64,
    /// Lowest accuracy.
    pub min: f64,
    /// Highest accuracy.
    pub max: f64,
    /// Mean accuracy of the four corner cells.
    pub corners_mean: f64,
}

impl Heatmap {
    /// The largest grid that may be asked for.
    pub const MAX_GRID: usize = 101;

    /// An unmeasured heatmap.
    ///
    /// # Panics
    /// If `grid < 2`: one point has no extent. Configuration and protocol refuse it before.
    pub fn new(grid: usize) -> Self {
        assert!(grid >= 2, "a grid of {grid} has no extent");
        Self {
            grid,
            cells: vec![Cell::default(); grid * grid],
            version: 0,
        }
    }

    /// `None` when `grid` can be used, else a sentence that says why not.
    pub fn refuse_grid(grid: usize) -> Option<String> {
        (!(2..=Self::MAX_GRID).contains(&grid)).then(|| {
            format!(
                "a grid of {grid} cannot be measured; choose 2 to {}",
                Self::MAX_GRID
            )
        })
    }

    /// Parameters of the cell with index `index`.
    pub fn parameters(&self, index: usize) -> (f64, f64) {
        let last = (self.grid - 1) as f64;
        (
            (index / self.grid) as f64 / last,
            (index % self.grid) as f64 / last,
        )
    }

    /// Index of the cell nearest to `(u, v)`.
    pub fn nearest(&self, u: f64, v: f64) -> usize {
        let last = (self.grid - 1) as f64;
        let at = |x: f64| (x.clamp(0.0, 1.0) * last).round() as usize;
        at(u) * self.grid + at(v)
    }

    /// Indices of the four corner cells, in corner order.
    pub fn corners(&self) -> [usize; 4] {
        let g = self.grid;
        [0, (g - 1) * g, g - 1, g * g - 1]
    }

    /// The cell at an index as a point; `None` while unmeasured.
    pub fn point(&self, index: usize) -> Option<Point> {
        let cell = self.cells.get(index)?;
        let (u, v) = self.parameters(index);
        let (accuracy, loss) = (cell.accuracy()?, f64::from(cell.loss));
        Some(Point {
            u,
            v,
            accuracy,
            loss,
            images: cell.images,
        })
    }

    /// True when the cell is measured, but not on the present surface.
    pub fn is_stale(&self, index: usize) -> bool {
        self.cells[index].images > 0 && self.cells[index].version < self.version
    }

    /// Number of cells measured on the present surface.
    pub fn fresh(&self) -> usize {
        self.cells
            .iter()
            .filter(|c| c.images > 0 && c.version == self.version)
            .count()
    }

    /// True when every cell was measured on the present surface, all on the same number of images.
    pub fn complete(&self) -> bool {
        self.fresh() == self.cells.len()
            && self.cells.iter().all(|c| c.images == self.cells[0].images)
    }

    /// Indices of measured cells, best first by `metric`; ties in accuracy go to the lower loss, then the index, so
    /// the order is one and the same for the same measurements.
    pub fn ranking(&self, metric: Metric) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.cells.len())
            .filter(|&i| metric.of(&self.cells[i]).is_some())
            .collect();
        let key = |i: usize| {
            let (cell, value) = (
                &self.cells[i],
                metric.of(&self.cells[i]).unwrap_or(f64::NAN),
            );
            let value = if metric.higher_is_better() {
                -value
            } else {
                value
            };
            let loss = if cell.loss.is_finite() {
                f64::from(cell.loss)
            } else {
                f64::INFINITY
            };
            (value, loss)
        };
        order.sort_by(|&a, &b| {
            let ((va, la), (vb, lb)) = (key(a), key(b));
            va.total_cmp(&vb).then(la.total_cmp(&lb)).then(a.cmp(&b))
        });
        order
    }

    /// The best measured point by `metric`.
    pub fn best(&self, metric: Metric) -> Option<Point> {
        self.ranking(metric).first().and_then(|&i| self.point(i))
    }

    /// The summary over measured cells; `None` when there are none.
    pub fn summary(&self) -> Option<Summary> {
        let g = self.grid;
        let of = |keep: &dyn Fn(usize) -> bool| -> Vec<f64> {
            (0..self.cells.len())
                .filter(|&i| keep(i))
                .filter_map(|i| self.cells[i].accuracy())
                .collect()
        };
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        let all = of(&|_| true);
        if all.is_empty() {
            return None;
        }
        let inner = of(&|i| (1..g - 1).contains(&(i / g)) && (1..g - 1).contains(&(i % g)));
        let corners = of(&|i| self.corners().contains(&i));
        Some(Summary {
            mean: mean(&all),
            interior_mean: if inner.is_empty() {
                mean(&all)
            } else {
                mean(&inner)
            },
            min: all.iter().copied().fold(f64::INFINITY, f64::min),
            max: all.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            corners_mean: if corners.is_empty() {
                mean(&all)
            } else {
                mean(&corners)
            },
        })
    }

    /// Cell indices from coarse to fine: the corners, then every grid of half the spacing, so that a picture of the
    /// whole exists from the first cells on.
    pub fn coarse_to_fine(&self) -> Vec<usize> {
        let (g, mut seen) = (self.grid, vec![false; self.cells.len()]);
        let mut order = Vec::with_capacity(seen.len());
        let mut parts = 1;
        while order.len() < seen.len() {
            let at = |k: usize| (k * (g - 1) + parts / 2) / parts;
            for (a, b) in (0..=parts).flat_map(|a| (0..=parts).map(move |b| (a, b))) {
                let index = at(a).min(g - 1) * g + at(b).min(g - 1);
                if !std::mem::replace(&mut seen[index], true) {
                    order.push(index);
                }
            }
            parts *= 2;
        }
        order
    }

    /// The table `u,v,accuracy,loss,images` with a header line; unmeasured cells have empty figures and 0 images.
    pub fn to_csv(&self) -> String {
        let mut out = String::from("u,v,accuracy,loss,images\n");
        for (i, cell) in self.cells.iter().enumerate() {
            let (u, v) = self.parameters(i);
            match cell.accuracy() {
                Some(a) => {
                    out += &format!("{u:.6},{v:.6},{a:.6},{:.6},{}\n", cell.loss, cell.images)
                }
                None => out += &format!("{u:.6},{v:.6},,,0\n"),
            }
        }
        out
    }

    /// The metric as a NumPy array file (`.npy` version 1.0) of shape `[grid, grid]`, `float64`, NaN where unmeasured.
    pub fn to_npy(&self, metric: Metric) -> Vec<u8> {
        let mut header = format!(
            "{{'descr': '<f8', 'fortran_order': False, 'shape': ({0}, {0}), }}",
            self.grid
        );
        // The format wants magic, lengths and header together to be a multiple of 64, ending in a newline.
        while (10 + header.len() + 1) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let mut out = b"\x93NUMPY\x01\x00".to_vec();
        out.extend((header.len() as u16).to_le_bytes());
        out.extend(header.as_bytes());
        for cell in &self.cells {
            out.extend(metric.of(cell).unwrap_or(f64::NAN).to_le_bytes());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(correct: u32, loss: f32, version: u64) -> Cell {
        Cell {
            correct,
            images: 100,
            loss,
            version,
        }
    }

    #[test]
    fn ranking_prefers_accuracy_then_loss_then_index_and_survives_nan() {
        let mut h = Heatmap::new(3);
        h.cells[1] = cell(80, 0.5, 0);
        h.cells[4] = cell(90, 0.4, 0);
        h.cells[5] = cell(90, 0.3, 0);
        h.cells[6] = cell(90, f32::NAN, 0);
        assert_eq!(h.ranking(Metric::Accuracy), [5, 4, 6, 1]);
        assert_eq!(h.ranking(Metric::Loss), [5, 4, 1]);
        let best = h.best(Metric::Accuracy).unwrap();
        assert_eq!((best.u, best.v), (0.5, 1.0));
    }

    #[test]
    fn coarse_to_fine_visits_every_cell_once_corners_first() {
        for grid in [2, 3, 4, 7, 11, 21] {
            let h = Heatmap::new(grid);
            let order = h.coarse_to_fine();
            let mut first: Vec<usize> = order[..4].to_vec();
            first.sort_unstable();
            let mut corners = h.corners().to_vec();
            corners.sort_unstable();
            assert_eq!(first, corners);
            let mut all = order;
            all.sort_unstable();
            assert_eq!(all, (0..grid * grid).collect::<Vec<_>>());
        }
    }

    #[test]
    fn summary_separates_interior_and_corners() {
        let mut h = Heatmap::new(3);
        h.cells = (0..9)
            .map(|i| cell(if i == 4 { 100 } else { 50 }, 1.0, 2))
            .collect();
        let s = h.summary().unwrap();
        assert_eq!(
            (s.interior_mean, s.corners_mean, s.min, s.max),
            (1.0, 0.5, 0.5, 1.0)
        );
        h.version = 2;
        assert!(h.complete());
        h.version = 3;
        assert!(!h.complete() && h.is_stale(0));
        assert!(Heatmap::new(2).summary().is_none());
    }

    #[test]
    fn interval_holds_the_accuracy_and_shrinks() {
        let (few, many) = (
            cell(90, 0.0, 0),
            Cell {
                correct: 9000,
                images: 10000,
                ..cell(0, 0.0, 0)
            },
        );
        let width = |c: &Cell| c.interval().map(|(a, b)| b - a).unwrap();
        assert!(width(&few) > 5.0 * width(&many));
        let (low, high) = few.interval().unwrap();
        assert!(low < 0.9 && 0.9 < high && high <= 1.0);
        let all = Cell {
            correct: 100,
            ..few
        };
        assert!(all.interval().unwrap().1 <= 1.0 + 1e-12);
    }

    #[test]
    fn tables_have_every_cell() {
        let mut h = Heatmap::new(2);
        h.cells[3] = cell(87, 0.25, 0);
        let csv = h.to_csv();
        assert_eq!(csv.lines().count(), 5);
        assert!(
            csv.ends_with("1.000000,1.000000,0.870000,0.250000,100\n"),
            "{csv}"
        );
        let npy = h.to_npy(Metric::Accuracy);
        assert_eq!(npy.len() % 8, 0);
        assert_eq!(npy[npy.len() - 8..], 0.87f64.to_le_bytes());
    }
}

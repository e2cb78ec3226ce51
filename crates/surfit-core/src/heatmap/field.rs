//! One figure for every cell of a heatmap, and the surface between the cells.

use super::{Cell, Heatmap};
use crate::surface::Patch;

/// A figure for every cell, `None` where there is none. Places are in units of cells: `(a, b)` is the cell `a`
/// along `u` and `b` along `v`, `(a + 0.5, b)` the middle between it and its neighbour.
#[derive(Clone, Debug, PartialEq)]
pub struct CellField {
    /// Points along each axis.
    pub grid: usize,
    /// The kind of surface that it is on.
    pub patch: Patch,
    /// Figures in the order of [`Heatmap::cells`]; all that are there are finite.
    pub values: Vec<Option<f64>>,
}

/// Rounds of smoothing of figures that were filled in.
const SMOOTHING_ROUNDS: usize = 24;

impl CellField {
    /// The `figure` of every cell that is on the surface. Figures that are not finite count as none.
    pub fn from_heatmap(heatmap: &Heatmap, figure: impl Fn(usize, &Cell) -> Option<f64>) -> Self {
        let value = |index: usize| {
            let cell = heatmap.cells.get(index).filter(|_| heatmap.contains_cell(index))?;
            figure(index, cell).filter(|v| v.is_finite())
        };
        Self { grid: heatmap.grid, patch: heatmap.patch, values: (0..heatmap.grid * heatmap.grid).map(value).collect() }
    }

    /// The figure of a cell; `None` outside the grid too.
    pub fn get(&self, a: usize, b: usize) -> Option<f64> {
        if a >= self.grid || b >= self.grid {
            return None;
        }
        self.values.get(a * self.grid + b).copied().flatten()
    }

    /// The figure at a place by bilinear interpolation between the cells around it that have one, which is linear along a
    /// curve; `None` where none has. Places beside the grid count as on its edge.
    pub fn interpolated_value(&self, x: f64, y: f64) -> Option<f64> {
        let last = self.grid.saturating_sub(1) as f64;
        let inside = |t: f64| if t.is_nan() { 0.0 } else { t.clamp(0.0, last) };
        let (x, y) = (inside(x), inside(y));
        let (a, b) = (x.floor(), y.floor());
        let (s, t) = (x - a, y - b);
        let (a, b) = (a as usize, b as usize);
        let corners = [
            (a, b, (1.0 - s) * (1.0 - t)),
            (a + 1, b, s * (1.0 - t)),
            (a, b + 1, (1.0 - s) * t),
            (a + 1, b + 1, s * t),
        ];
        let (mut sum, mut weight) = (0.0, 0.0);
        for (a, b, w) in corners {
            if let Some(v) = self.get(a, b).filter(|_| w > 0.0) {
                sum += w * v;
                weight += w;
            }
        }
        (weight > 0.0).then(|| sum / weight)
    }

    /// The figure at `(u, v)`, as [`CellField::interpolated_value`]; `None` too where the nearest cell has none, so that what is not measured is
    /// not made up.
    pub fn measured_value_near(&self, u: f64, v: f64) -> Option<f64> {
        let last = self.grid.saturating_sub(1);
        let cell = |t: f64| ((t * last as f64).round().max(0.0) as usize).min(last);
        let (a, b) = (cell(u), cell(v));
        // Along the third edge of a triangle the nearest cell of the grid may lie beside the surface.
        let most = match self.patch {
            Patch::Triangle => last - a,
            _ => last,
        };
        self.get(a, b.min(most))?;
        self.interpolated_value(u * last as f64, v * last as f64)
    }

    /// The same field with the cells that have no figure filled in from their neighbours, and smoothed: the picture of a
    /// surface that is measured only here and there. Without any figure it stays as it is.
    pub fn fill_missing(&self, holds: impl Fn(usize) -> bool) -> Self {
        let mut out = self.clone();
        let missing: Vec<usize> = (0..self.values.len()).filter(|&i| holds(i) && self.values[i].is_none()).collect();
        if missing.is_empty() || self.values.iter().all(Option::is_none) {
            return out;
        }
        let mut open = missing.clone();
        while !open.is_empty() {
            let found: Vec<(usize, f64)> = open.iter().filter_map(|&i| Some((i, out.neighbor_mean(i)?))).collect();
            if found.is_empty() {
                break;
            }
            for &(i, value) in &found {
                out.values[i] = Some(value);
            }
            open.retain(|&i| out.values[i].is_none());
        }
        for _ in 0..SMOOTHING_ROUNDS {
            let smooth: Vec<Option<f64>> = missing.iter().map(|&i| out.neighbor_mean(i)).collect();
            for (&i, value) in missing.iter().zip(smooth) {
                out.values[i] = value.or(out.values[i]);
            }
        }
        out
    }

    fn neighbor_mean(&self, index: usize) -> Option<f64> {
        let (a, b) = ((index / self.grid) as i64, (index % self.grid) as i64);
        let (mut sum, mut count) = (0.0, 0.0);
        for (da, db, weight) in NEIGHBOR_WEIGHTS {
            let (a, b) = (a + da, b + db);
            if a < 0 || b < 0 {
                continue;
            }
            if let Some(v) = self.get(a as usize, b as usize) {
                sum += weight * v;
                count += weight;
            }
        }
        (count > 0.0).then(|| sum / count)
    }

    /// This field less another one over the same kind of surface, whose grid may be another: the other is taken between
    /// its cells. Only cells of this field whose own nearest cell there has a figure have one.
    pub fn subtract(&self, other: &CellField) -> Self {
        let last = self.grid.saturating_sub(1).max(1) as f64;
        let scale = other.grid.saturating_sub(1) as f64 / last;
        let value = |(index, mine): (usize, &Option<f64>)| {
            let (x, y) = ((index / self.grid) as f64 * scale, (index % self.grid) as f64 * scale);
            other.get(x.round() as usize, y.round() as usize)?;
            Some((*mine)? - other.interpolated_value(x, y)?).filter(|d| d.is_finite())
        };
        let same = self.patch == other.patch;
        Self {
            values: if same {
                self.values.iter().enumerate().map(value).collect()
            } else {
                vec![None; self.values.len()]
            },
            ..*self
        }
    }
}

/// Neighbours with their weights: those across a corner count less.
const NEIGHBOR_WEIGHTS: [(i64, i64, f64); 8] =
    [(-1, 0, 1.0), (1, 0, 1.0), (0, -1, 1.0), (0, 1, 1.0), (-1, -1, 0.5), (-1, 1, 0.5), (1, -1, 0.5), (1, 1, 0.5)];

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(grid: usize, keep: impl Fn(usize) -> bool) -> CellField {
        let heatmap = Heatmap::new(Patch::Square, grid);
        CellField::from_heatmap(&heatmap, |i, _| keep(i).then(|| 2.0 * (i / grid) as f64 - (i % grid) as f64))
    }

    #[test]
    fn between_cells_a_plane_is_a_plane_and_gaps_do_not_break_it() {
        let f = plane(5, |_| true);
        for (x, y) in [(0.0, 0.0), (1.25, 3.5), (4.0, 4.0), (3.99, 0.01)] {
            assert!((f.interpolated_value(x, y).unwrap() - (2.0 * x - y)).abs() < 1e-12);
        }
        assert_eq!(f.interpolated_value(-3.0, f64::NAN), f.get(0, 0));
        let holed = plane(5, |i| i != 6);
        assert!(holed.interpolated_value(1.0, 1.0).is_none() && holed.interpolated_value(1.0, 1.4).is_some());
    }

    #[test]
    fn what_is_not_measured_is_not_made_up_between_cells() {
        let f = plane(5, |i| i != 12);
        assert_eq!(f.measured_value_near(0.5, 0.5), None);
        assert_eq!(f.measured_value_near(0.45, 0.55), None);
        assert!(f.measured_value_near(0.25, 0.5).is_some_and(|v| (v - 0.0).abs() < 1e-12));
        // Near the gap only the measured neighbours count.
        assert!(f.measured_value_near(0.3, 0.5).is_some_and(|v| v < 0.2));
        let triangle = Heatmap::new(Patch::Triangle, 5);
        let f = CellField::from_heatmap(&triangle, |_, _| Some(1.0));
        assert_eq!(f.measured_value_near(0.6, 0.4), Some(1.0));
    }

    #[test]
    fn gaps_are_filled_between_their_neighbours() {
        let f = plane(9, |i| i % 3 == 0).fill_missing(|_| true);
        let (low, high) = (-8.0, 16.0);
        assert!(f.values.iter().all(|v| v.is_some_and(|v| (low..=high).contains(&v))));
        assert!((f.get(4, 4).unwrap() - 4.0).abs() < 1.0);
        assert_eq!(plane(4, |_| false).fill_missing(|_| true), plane(4, |_| false));
    }

    #[test]
    fn a_field_less_itself_on_another_grid_is_zero() {
        let (coarse, fine) = (plane(5, |_| true), plane(9, |_| true));
        // The same plane over `(u, v)`: the figures of the finer grid are twice as large.
        let half = CellField { values: fine.values.iter().map(|v| v.map(|v| v / 2.0)).collect(), ..fine };
        for d in half.subtract(&coarse).values.into_iter().chain(coarse.subtract(&half).values) {
            assert!(d.unwrap().abs() < 1e-12);
        }
        let holed = plane(5, |i| i != 12);
        assert_eq!(coarse.subtract(&holed).get(2, 2), None);
    }
}

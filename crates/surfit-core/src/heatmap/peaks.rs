//! The best points that are not neighbours of each other.

use super::{Heatmap, Metric};

impl Heatmap {
    /// Indices of at most `most` cells that are each the best of their neighbourhood by `metric`, best first.
    ///
    /// Neighbouring cells of a smooth surface are nearly the same network, so a plain ranking names one peak many times. A
    /// peak is a measured cell that ranks before every measured neighbour and is not within a tenth of the grid of a
    /// better peak (non-maximum suppression).
    pub fn peaks(&self, metric: Metric, max_peaks: usize) -> Vec<usize> {
        let order = self.rank_cells(metric);
        let mut place = vec![usize::MAX; self.cells.len()];
        for (rank, &index) in order.iter().enumerate() {
            place[index] = rank;
        }
        let radius = (self.grid / 10).max(1);
        let mut peaks: Vec<usize> = Vec::new();
        for index in order {
            if peaks.len() >= max_peaks {
                break;
            }
            let alone = peaks.iter().all(|&p| self.cell_distance(p, index) > radius);
            if alone && self.neighbors(index).all(|n| place[n] > place[index]) {
                peaks.push(index);
            }
        }
        peaks
    }

    /// Cells between two, along the axis on which they are farther apart.
    fn cell_distance(&self, one: usize, other: usize) -> usize {
        let along_u = (one / self.grid).abs_diff(other / self.grid);
        along_u.max((one % self.grid).abs_diff(other % self.grid))
    }

    /// The up to eight cells around one.
    fn neighbors(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        let (a, b) = (index / self.grid, index % self.grid);
        let near = |k: usize| k.saturating_sub(1)..=(k + 1).min(self.grid - 1);
        near(a).flat_map(move |a| near(b).map(move |b| a * self.grid + b)).filter(move |&n| n != index)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Cell;
    use super::*;
    use crate::surface::Patch;

    fn bumps(grid: usize, centres: &[(f64, f64, f64)]) -> Heatmap {
        let mut map = Heatmap::new(Patch::Square, grid);
        for index in 0..grid * grid {
            let (u, v) = map.parameters(index);
            let height: f64 =
                centres.iter().map(|c| c.2 * (-((u - c.0).powi(2) + (v - c.1).powi(2)) / 0.02).exp()).sum();
            let correct = (1e6 * (0.5 + 0.3 * height)) as u32;
            map.cells[index] = Cell::from_counts(correct, 1_000_000, 1.0 - correct as f32 / 1e6, 0);
        }
        map
    }

    #[test]
    fn each_bump_is_named_once_best_first() {
        let map = bumps(21, &[(0.2, 0.2, 0.8), (0.8, 0.75, 1.0), (0.2, 0.85, 0.5)]);
        for metric in [Metric::ACCURACY, Metric::LOSS] {
            let peaks: Vec<_> = map.peaks(metric, 3).iter().map(|&i| map.parameters(i)).collect();
            assert_eq!(peaks, [(0.8, 0.75), (0.2, 0.2), (0.2, 0.85)]);
        }
        assert_eq!(map.peaks(Metric::ACCURACY, 1).len(), 1);
    }

    #[test]
    fn peaks_are_never_neighbours_and_a_plateau_has_few() {
        let flat = bumps(11, &[]);
        let peaks = flat.peaks(Metric::ACCURACY, 9);
        assert_eq!(peaks, [0], "equal cells have one order, so one of them is first");
        assert!(Heatmap::new(Patch::Curve, 11).peaks(Metric::LOSS, 9).is_empty());
        let mut rough = bumps(31, &[]);
        for (index, cell) in rough.cells.iter_mut().enumerate() {
            let correct = (crate::random::derive_seed(7, index as u64) % 1_000_000) as u32;
            *cell = Cell::from_counts(correct, 1_000_000, 0.5, 0);
        }
        let peaks = rough.peaks(Metric::ACCURACY, 9);
        assert_eq!(peaks.len(), 9);
        for (n, &one) in peaks.iter().enumerate() {
            assert!(peaks[n + 1..].iter().all(|&other| rough.cell_distance(one, other) > 3));
        }
        assert_eq!(peaks[0], rough.rank_cells(Metric::ACCURACY)[0]);
    }
}

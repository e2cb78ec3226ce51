//! A density over the surface that draws can follow: more where the loss is high.

use crate::surface::Patch;

/// A density that is constant on the squares between the points of a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Density {
    patch: Patch,
    /// Squares along each axis.
    squares: usize,
    /// Cumulative share of the columns of squares along `u`, `[squares]`.
    column_cdf: Vec<f64>,
    /// Within each column the cumulative share of its squares along `v`, `[squares][squares]`.
    row_cdfs: Vec<Vec<f64>>,
}

impl Density {
    /// The density that grows with `loss` to the power of `focus`, given at the points of a `grid × grid` grid in the order of
    /// a heatmap's cells; a square has the mean of its corners. `None` when the losses say nothing: too few of them, none
    /// finite and above zero, or a focus of zero.
    pub fn from_losses(patch: Patch, grid: usize, losses: &[f64], focus: f64) -> Option<Self> {
        if grid < 2 || losses.len() != grid * grid || focus == 0.0 {
            return None;
        }
        let squares = grid - 1;
        let height = |a: usize, b: usize| -> f64 {
            let points = match patch {
                Patch::Curve => vec![(a, 0), (a + 1, 0)],
                // The half of a square that is below the diagonal has no fourth corner.
                Patch::Triangle if a + b + 1 == squares => vec![(a, b), (a + 1, b), (a, b + 1)],
                _ => vec![(a, b), (a + 1, b), (a, b + 1), (a + 1, b + 1)],
            };
            let area = match patch {
                Patch::Curve if b > 0 => 0.0,
                Patch::Triangle if a + b + 1 > squares => 0.0,
                Patch::Triangle if a + b + 1 == squares => 0.5,
                _ => 1.0,
            };
            let known: Vec<f64> = points
                .iter()
                .filter_map(|&(a, b)| losses.get(a * grid + b).copied())
                .filter(|l| l.is_finite() && *l > 0.0)
                .collect();
            if known.is_empty() || area == 0.0 {
                return 0.0;
            }
            area * (known.iter().sum::<f64>() / known.len() as f64).powf(focus)
        };
        let heights: Vec<Vec<f64>> = (0..squares).map(|a| (0..squares).map(|b| height(a, b)).collect()).collect();
        let sums: Vec<f64> = heights.iter().map(|column| column.iter().sum()).collect();
        let total: f64 = sums.iter().sum();
        if !(total.is_finite() && total > 0.0) {
            return None;
        }
        Some(Self {
            patch,
            squares,
            column_cdf: cumulative_shares(&sums),
            row_cdfs: heights.iter().map(|column| cumulative_shares(column)).collect(),
        })
    }

    /// Takes a uniform point of the unit square to a point of the surface that follows the density.
    pub fn warp(&self, a: f64, b: f64) -> (f64, f64) {
        let (column, within_u) = invert_cdf(&self.column_cdf, a);
        let (row, within_v) = invert_cdf(&self.row_cdfs[column], b);
        let last = self.patch == Patch::Triangle && column + row + 1 == self.squares;
        let (x, y) =
            if last && within_u + within_v > 1.0 { (1.0 - within_u, 1.0 - within_v) } else { (within_u, within_v) };
        let at = |square: usize, within: f64| (square as f64 + within) / self.squares as f64;
        let v = if self.patch == Patch::Curve { 0.0 } else { at(row, y) };
        (at(column, x), v)
    }
}

/// Running sums, as shares of the whole; a whole of zero is spread evenly (it is never drawn from).
fn cumulative_shares(heights: &[f64]) -> Vec<f64> {
    let total: f64 = heights.iter().sum();
    let mut sum = 0.0;
    let even = 1.0 / heights.len() as f64;
    heights
        .iter()
        .map(|h| {
            sum += if total > 0.0 { h / total } else { even };
            sum
        })
        .collect()
}

/// The piece of a cumulative distribution that holds `x`, and how far into it `x` is.
fn invert_cdf(cumulative: &[f64], x: f64) -> (usize, f64) {
    let piece = cumulative.partition_point(|&c| c <= x).min(cumulative.len() - 1);
    let before = if piece == 0 { 0.0 } else { cumulative[piece - 1] };
    let size = cumulative[piece] - before;
    if size <= 0.0 {
        return (piece, 0.5);
    }
    (piece, ((x - before) / size).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::{FitPhase, PointDraws, Sampling};

    #[test]
    fn draws_follow_the_loss_and_stay_on_the_surface() {
        for patch in Patch::ALL {
            let grid = 5;
            // Loss is three times as high where u is above one half.
            let losses: Vec<f64> = (0..grid * grid).map(|i| if i / grid > 2 { 3.0 } else { 1.0 }).collect();
            let density = Density::from_losses(patch, grid, &losses, 1.0).unwrap();
            let draws = PointDraws { seed: 1, patch, sampling: Sampling::Stratified };
            let share = |density: Option<&Density>| {
                let points: Vec<(f64, f64)> =
                    (0..2000).flat_map(|s| draws.draw_points(FitPhase::Interior, s, 4, density)).collect();
                assert!(points.iter().all(|&(u, v)| patch.contains(u, v)));
                points.iter().filter(|p| p.0 > 0.75).count() as f64 / points.len() as f64
            };
            let uniform = share(None);
            // The last quarter has loss 3 throughout; the mean loss over the surface is what it is compared with.
            let mean = match patch {
                Patch::Triangle => (3.5 + 2.5 + (2.0 + 2.5 / 3.0) + 1.5) / 8.0,
                _ => (1.0 + 1.0 + 2.0 + 3.0) / 4.0,
            };
            let got = share(Some(&density)) / uniform;
            assert!((got - 3.0 / mean).abs() < 0.12, "{patch:?}: {got} {}", 3.0 / mean);
        }
    }

    #[test]
    fn losses_that_say_nothing_give_no_density() {
        let patch = Patch::Square;
        assert_eq!(Density::from_losses(patch, 3, &[1.0; 9], 0.0), None);
        assert_eq!(Density::from_losses(patch, 3, &[f64::NAN; 9], 1.0), None);
        assert_eq!(Density::from_losses(patch, 3, &[1.0; 4], 1.0), None);
        let mut some = [f64::NAN; 9];
        some[4] = 2.0;
        assert!(Density::from_losses(patch, 3, &some, 1.0).is_some());
    }
}

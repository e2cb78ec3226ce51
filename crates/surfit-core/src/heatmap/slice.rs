//! Cells in a row: along a parameter, or along a diagonal.

use super::Heatmap;
use serde::{Deserialize, Serialize};

/// The direction of a slice of the surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SliceDirection {
    /// `u` grows, `v` stays.
    U,
    /// `v` grows, `u` stays.
    V,
    /// `u` and `v` grow together.
    Rising,
    /// `v` falls as `u` grows.
    Falling,
}

impl SliceDirection {
    /// Directions along each of the parameters.
    pub const AXES: [SliceDirection; 2] = [SliceDirection::U, SliceDirection::V];
    /// Directions along both diagonals.
    pub const DIAGONALS: [SliceDirection; 2] = [SliceDirection::Rising, SliceDirection::Falling];
}

impl Heatmap {
    /// The cells in a row through the cell `(a, b)`, `u` growing, or `v` where `u` stays. Only those that lie on the surface.
    pub fn slice_cells(&self, (a, b): (usize, usize), along: SliceDirection) -> Vec<usize> {
        let grid = self.grid as i64;
        let (a, b) = (a as i64, b as i64);
        let (from, step) = match along {
            SliceDirection::U => ((0, b), (1, 0)),
            SliceDirection::V => ((a, 0), (0, 1)),
            SliceDirection::Rising => ((a - a.min(b), b - a.min(b)), (1, 1)),
            SliceDirection::Falling => {
                let top = (a + b).min(grid - 1);
                ((a + b - top, top), (1, -1))
            }
        };
        let cells = (0..grid).map(|k| (from.0 + k * step.0, from.1 + k * step.1));
        cells
            .filter(|&(a, b)| (0..grid).contains(&a) && (0..grid).contains(&b))
            .map(|(a, b)| (a * grid + b) as usize)
            .filter(|&i| self.contains_cell(i))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surface::Patch;

    #[test]
    fn rows_and_diagonals_go_through_their_cell_and_end_with_the_surface() {
        let map = Heatmap::new(Patch::Square, 4);
        assert_eq!(map.slice_cells((1, 2), SliceDirection::U), [2, 6, 10, 14]);
        assert_eq!(map.slice_cells((1, 2), SliceDirection::V), [4, 5, 6, 7]);
        assert_eq!(map.slice_cells((1, 2), SliceDirection::Rising), [1, 6, 11]);
        assert_eq!(map.slice_cells((1, 2), SliceDirection::Falling), [3, 6, 9, 12]);
        let triangle = Heatmap::new(Patch::Triangle, 4);
        assert_eq!(triangle.slice_cells((1, 1), SliceDirection::U), [1, 5, 9]);
    }
}

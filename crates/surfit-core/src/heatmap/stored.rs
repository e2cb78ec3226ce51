//! Heatmaps as they were stored or sent: what comes in may be damaged.

use super::{Cell, Heatmap};
use crate::surface::Patch;
use serde::Deserialize;

/// A heatmap that nobody has looked at yet.
#[derive(Deserialize)]
pub(super) struct StoredHeatmap {
    grid: usize,
    cells: Vec<Cell>,
    version: u64,
    #[serde(default)]
    patch: Patch,
}

/// Why a stored heatmap is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum DamagedHeatmap {
    /// No heatmap has such a grid.
    #[error("{0}")]
    Grid(String),
    /// The cells do not fill the grid.
    #[error("a grid of {grid} has not {cells} cells")]
    CellCount { grid: usize, cells: usize },
}

impl TryFrom<StoredHeatmap> for Heatmap {
    type Error = DamagedHeatmap;

    fn try_from(stored: StoredHeatmap) -> Result<Self, DamagedHeatmap> {
        let StoredHeatmap { grid, cells, version, patch } = stored;
        if let Some(sentence) = Heatmap::check_grid(grid) {
            return Err(DamagedHeatmap::Grid(sentence));
        }
        if cells.len() != grid * grid {
            return Err(DamagedHeatmap::CellCount { grid, cells: cells.len() });
        }
        Ok(Self { grid, cells, version, patch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_heatmap_with_the_cells_of_its_grid_is_read() {
        let good = Heatmap::new(Patch::Triangle, 5);
        let json = serde_json::to_string(&good).unwrap();
        assert_eq!(serde_json::from_str::<Heatmap>(&json).unwrap(), good);
        for grid in [0, 1, 4, 9, 102, usize::MAX] {
            let damaged = json.replace("\"grid\":5", &format!("\"grid\":{grid}"));
            assert_ne!(damaged, json);
            assert!(serde_json::from_str::<Heatmap>(&damaged).is_err(), "{grid}");
        }
    }
}

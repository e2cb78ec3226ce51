//! What of a heatmap is new since another look at it.

use super::{Cell, Heatmap};
use serde::{Deserialize, Serialize};

/// The cells that changed since an earlier heatmap of the same grid and kind of surface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeatmapChange {
    /// The version of the surface now.
    version: u64,
    /// Indices of cells, and what they are now.
    cells: Vec<(usize, Cell)>,
}

impl Heatmap {
    /// What is new since `before`; `None` when that has another grid or is of another kind of surface, and when so much is
    /// new that sending the whole is shorter.
    pub fn diff(&self, before: &Heatmap) -> Option<HeatmapChange> {
        if (self.grid, self.patch) != (before.grid, before.patch) {
            return None;
        }
        let both = self.cells.iter().zip(&before.cells).enumerate();
        let cells: Vec<(usize, Cell)> =
            both.filter(|(_, (now, then))| now != then).map(|(index, (now, _))| (index, *now)).collect();
        let version = self.version;
        (2 * cells.len() < self.cells.len()).then_some(HeatmapChange { version, cells })
    }

    /// Takes in what is new. False, with nothing changed, for a change of another grid.
    #[must_use]
    pub fn apply_change(&mut self, change: &HeatmapChange) -> bool {
        let fits = change.cells.iter().all(|(n, _)| *n < self.cells.len());
        if fits {
            self.version = change.version;
            for (index, cell) in &change.cells {
                self.cells[*index] = *cell;
            }
        }
        fits
    }
}

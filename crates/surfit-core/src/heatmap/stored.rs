//! Heatmaps as they were stored or sent: what comes in may be damaged.

use super::{Cell, Heatmap};
use crate::metrics::MetricValues;
use crate::numbers::nan_as_null;
use crate::surface::Patch;
use serde::{Deserialize, Serialize};

/// A cell in files and messages. Accuracy and loss have names of their own, as before there were other metrics.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredCell {
    /// Correctly classified images.
    #[serde(rename = "c")]
    correct: u32,
    #[serde(rename = "n")]
    images: u32,
    /// Mean cross-entropy of the images.
    #[serde(rename = "l", with = "nan_as_null")]
    loss: f32,
    #[serde(rename = "v")]
    version: u64,
    #[serde(rename = "m", default, skip_serializing_if = "MetricValues::is_empty")]
    others: MetricValues,
}

impl From<Cell> for StoredCell {
    fn from(cell: Cell) -> Self {
        let loss = match cell.loss() {
            // An unmeasured cell is stored with a loss of nothing.
            None if cell.images == 0 => 0.0,
            loss => loss.map_or(f32::NAN, |l| l as f32),
        };
        Self { correct: cell.correct(), images: cell.images, loss, version: cell.version, others: cell.values.others() }
    }
}

impl From<StoredCell> for Cell {
    fn from(stored: StoredCell) -> Self {
        let mut cell = Cell::from_counts(stored.correct, stored.images, stored.loss, stored.version);
        for (metric, estimate) in stored.others.iter() {
            cell.values.set(metric, (stored.images > 0).then_some(estimate));
        }
        cell
    }
}

/// A heatmap that has not been checked yet.
#[derive(Deserialize)]
pub(super) struct StoredHeatmap {
    grid: usize,
    cells: Vec<Cell>,
    version: u64,
    #[serde(default)]
    patch: Patch,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum DamagedHeatmap {
    /// No heatmap has such a grid.
    #[error("{0}")]
    Grid(String),
    /// The cells do not fill the grid.
    #[error("a grid of {grid} does not have {cells} cells")]
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
    use super::super::Metric;
    use super::*;
    use crate::metrics::MetricEstimate;

    #[test]
    fn a_cell_without_other_metrics_is_read_and_written_as_ever() {
        let stored = [
            (r#"{"c":9,"n":10,"l":0.25,"v":3}"#, Some(0.9), Some(0.25)),
            (r#"{"c":1,"n":3,"l":null,"v":3}"#, Some(1.0 / 3.0), None),
            (r#"{"c":0,"n":0,"l":0.0,"v":0}"#, None, None),
        ];
        let damaged: Cell = serde_json::from_str(r#"{"c":11,"n":10,"l":0.25,"v":3}"#).unwrap();
        assert_eq!(damaged, Cell::from_counts(10, 10, 0.25, 3), "more correct than seen");
        for (json, accuracy, loss) in stored {
            let cell: Cell = serde_json::from_str(json).unwrap();
            assert_eq!((cell.accuracy(), cell.loss()), (accuracy, loss));
            assert_eq!(serde_json::to_string(&cell).unwrap(), json);
        }
        let newer = r#"{"c":9,"n":10,"l":0.25,"v":3,"m":{"of-tomorrow":[0.5]}}"#;
        assert_eq!(serde_json::from_str::<Cell>(newer).unwrap(), Cell::from_counts(9, 10, 0.25, 3));
    }

    #[test]
    fn a_cell_comes_back_with_every_metric_to_the_bit() {
        let mut cell = Cell::from_counts(7, 9, 0.1, 2);
        for (n, metric) in Metric::all().enumerate() {
            if cell.value(metric).is_none() {
                let estimate = MetricEstimate { value: 1.0 / (3.0 + n as f64), interval: Some((0.1, 2.0 / 3.0)) };
                cell.values.set(metric, Some(estimate));
            }
        }
        let json = serde_json::to_string(&cell).unwrap();
        assert_eq!(serde_json::from_str::<Cell>(&json).unwrap(), cell);
    }

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

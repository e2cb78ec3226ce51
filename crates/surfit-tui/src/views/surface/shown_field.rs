//! Which figure of every cell is shown: the metric itself, or something made of it.

use super::SurfaceView;
use serde::{Deserialize, Serialize};
use surfit_core::color_range::{ColorRange, RangeKind};
pub use surfit_core::heatmap::CellQuantity;
use surfit_core::heatmap::{CellField, Heatmap, Metric};

/// A range that the user chose, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixedRange {
    pub metric: Metric,
    pub quantity: CellQuantity,
    pub limits: (f64, f64),
}

#[derive(Clone, Debug)]
pub(crate) struct ShownField {
    pub field: CellField,
    pub range: ColorRange,
    pub quantity: CellQuantity,
    /// The value of the best corner, on the same scale as the figures.
    pub reference: Option<f64>,
}

impl ShownField {
    /// What `view` shows of a heatmap. Where a quantity is not to be had it is the metric itself: a difference needs a
    /// corner, a width an interval. `corner` is the value of the best corner.
    pub(crate) fn of(corner: Option<f64>, heatmap: &Heatmap, view: &SurfaceView) -> Self {
        let metric = view.metric;
        let has_interval = heatmap.cells.iter().any(|c| c.interval(metric).is_some());
        let quantity = match view.quantity {
            CellQuantity::Gain if corner.is_none() => CellQuantity::Value,
            CellQuantity::Width if !has_interval => CellQuantity::Value,
            wanted => wanted,
        };
        let level = corner.unwrap_or(0.0);
        let figure = |cell: &_| quantity.value_of(metric, cell, level);
        let kind = RangeKind::of_quantity(metric, quantity);
        let reference = match quantity {
            CellQuantity::Value => corner,
            CellQuantity::Gain => Some(0.0),
            CellQuantity::Width => None,
        };
        let field = CellField::from_heatmap(heatmap, |_, cell| figure(cell));
        let values = field.values.iter().flatten().copied();
        let fixed = view.fixed_range.filter(|f| (f.metric, f.quantity) == (metric, quantity));
        let range = match fixed {
            Some(fixed) => ColorRange::with_limits(fixed.limits, values, kind),
            None => ColorRange::of_values(values, kind),
        };
        Self { field, range, quantity, reference }
    }
}

//! What of a heatmap is looked at: the metric or something made of it, over which range, and which part.

use super::{Cell, Metric};
use serde::{Deserialize, Serialize};

/// What the figure of a cell means, of the chosen metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellQuantity {
    /// Value of the metric itself.
    #[default]
    Value,
    /// How much better than the best corner it is.
    Gain,
    /// Half the width of its 95 % confidence interval.
    Width,
}

impl CellQuantity {
    /// The figure of a cell, `None` where there is none. `corner` is the metric of the best corner.
    pub fn value_of(self, metric: Metric, cell: &Cell, corner: f64) -> Option<f64> {
        match self {
            CellQuantity::Value => cell.value(metric),
            CellQuantity::Gain => cell.value(metric).map(|v| v - corner),
            CellQuantity::Width => cell.interval(metric).map(|(low, high)| (high - low) / 2.0),
        }
    }
}

/// How a heatmap is looked at. The usual look is the metric itself over the whole surface, in colours for the values there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeatmapStyle {
    /// What the colours mean.
    pub quantity: CellQuantity,
    /// The metric of the best corner, which a gain is over; 0 when it is not known.
    pub corner: f64,
    /// Smallest and largest value of the colours.
    pub range: Option<(f64, f64)>,
    /// With contour lines.
    pub contours: bool,
    /// The part that is seen: the first and the last point along `u`, then along `v`.
    pub part: Option<[(f64, f64); 2]>,
}

impl HeatmapStyle {
    /// The first cells along `u` and `v` of a grid that are seen, and how many along either axis.
    pub fn visible_cells(&self, grid: usize) -> ((usize, usize), usize) {
        let Some([(from, to), (low, _)]) = self.part else {
            return ((0, 0), grid);
        };
        let last = grid.saturating_sub(1);
        let cell = |t: f64| ((t.clamp(0.0, 1.0) * last as f64).round() as usize).min(last);
        let count = cell(to - from) + 1;
        let first = |t: f64| cell(t).min(grid - count);
        ((first(from), first(low)), count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_on_every_grid_and_figures_are_made_of_the_metric() {
        let look = HeatmapStyle { part: Some([(0.2, 0.6), (0.5, 0.9)]), ..HeatmapStyle::default() };
        assert_eq!(look.visible_cells(11), ((2, 5), 5));
        assert_eq!(look.visible_cells(101), ((20, 50), 41));
        assert_eq!(look.visible_cells(2), ((0, 1), 1));
        assert_eq!(HeatmapStyle::default().visible_cells(7), ((0, 0), 7));
        let cell = Cell::from_counts(90, 100, 0.0, 0);
        let gain = CellQuantity::Gain.value_of(Metric::ACCURACY, &cell, 0.85).unwrap();
        assert!((gain - 0.05).abs() < 1e-12);
        let width = CellQuantity::Width.value_of(Metric::ACCURACY, &cell, 0.85).unwrap();
        assert!(width > 0.04 && width < 0.08, "{width}");
        assert_eq!(CellQuantity::Width.value_of(Metric::LOSS, &cell, 0.0), None);
    }
}

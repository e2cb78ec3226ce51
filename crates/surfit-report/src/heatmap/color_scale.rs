//! The values that the colours represent: their range, their colours, how they are written, lines of equal value.

use super::{FieldMap, MapPlacement};
use crate::axes::{DrawResult, format_number, ticks};
use crate::style::*;
use plotters::coord::Shift;
use plotters::prelude::*;
use surfit_core::colormap::Colormap;
use surfit_core::heatmap::{CellQuantity, Metric};

/// What figures made of a metric are called, with their unit.
pub(crate) fn quantity_label(metric: Metric, quantity: CellQuantity) -> String {
    match quantity {
        CellQuantity::Gain | CellQuantity::Width if metric.is_percent() => metric.difference_unit().into(),
        _ => metric.label(),
    }
}

/// About so many contour lines.
const CONTOUR_LEVELS: usize = 8;

impl FieldMap<'_> {
    /// The figure of a cell: the metric, or what is made of it.
    pub fn field_value(&self, index: usize) -> Option<f64> {
        self.field.values.get(index).copied().flatten()
    }

    /// Smallest and largest value of the colours.
    pub fn color_range(&self) -> (f64, f64) {
        if let Some(range) = self.style.range {
            return range;
        }
        let values = (0..self.heatmap.cells.len()).filter_map(|i| self.field_value(i));
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        match (low <= high, self.style.quantity) {
            // Zero has the middle of the colours.
            (true, CellQuantity::Gain) => {
                let far = low.abs().max(high.abs()).max(0.005);
                (-far, far)
            }
            // One value for all needs an extent for the colour bar to mean something.
            (true, _) if high - low < 1e-9 => (low - 0.005, high + 0.005),
            (true, _) => (low, high),
            (false, _) => (0.0, 1.0),
        }
    }

    /// The colour of a value: the bright end is the good end for every metric, and for a wide interval the dark one.
    pub fn color(&self, value: f64, low: f64, high: f64) -> (u8, u8, u8) {
        let t = ((value - low) / (high - low)).clamp(0.0, 1.0);
        let higher_is_better = match self.style.quantity {
            CellQuantity::Width => false,
            _ => self.metric.higher_is_better(),
        };
        let colors = match self.style.quantity {
            CellQuantity::Gain => Colormap::Diverging,
            _ => self.colormap,
        };
        colors.color_at(if higher_is_better { t } else { 1.0 - t })
    }

    /// A figure as written in a cell.
    pub(super) fn format_cell_value(&self, value: f64) -> String {
        match (self.style.quantity, self.metric.is_percent()) {
            (CellQuantity::Value, true) => format!("{:.1}", 100.0 * value),
            (CellQuantity::Value, false) => format!("{value:.3}"),
            (CellQuantity::Gain, true) => format!("{:+.2}", 100.0 * value),
            (CellQuantity::Gain, false) => format!("{value:+.3}"),
            (CellQuantity::Width, true) => format!("{:.2}", 100.0 * value),
            (CellQuantity::Width, false) => format!("{value:.3}"),
        }
    }

    /// What the bar is called, with its unit.
    pub fn bar_label(&self) -> String {
        quantity_label(self.metric, self.style.quantity)
    }

    /// The values of the bar as they are written, with their labels.
    pub fn bar_ticks(&self, low: f64, high: f64) -> Vec<(f64, String)> {
        let unit = self.metric.written_scale();
        let signed = self.style.quantity == CellQuantity::Gain;
        let label = |tick: f64| {
            let text = format_number(tick);
            let positive = signed && tick > 0.0 && text != "0";
            (tick / unit, if positive { format!("+{text}") } else { text })
        };
        let ticks = ticks(&(unit * low..unit * high), 8);
        ticks.into_iter().map(label).collect()
    }

    /// Lines of equal value at natural values of the range.
    pub(super) fn draw_contours<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
        low: f64,
        high: f64,
    ) -> DrawResult<DB> {
        if !self.style.contours {
            return Ok(());
        }
        let map = self.heatmap;
        let field = self.field.fill_missing(|i| map.contains_cell(i));
        let ((first_u, first_v), count) = self.style.visible_cells(map.grid);
        let MapPlacement { left, top, side } = self.placement;
        let size = side / count as f64;
        let place = |at: f64, first: usize| (at - first as f64 + 0.5) * size;
        let inside = |t: f64| (0.0..=side).contains(&t);
        for level in ticks(&(low..high), CONTOUR_LEVELS) {
            for segment in field.contour_segments(level) {
                let ends = segment.map(|(a, b)| (place(a, first_u), place(b, first_v)));
                if !ends.iter().all(|&(x, y)| inside(x) && inside(y)) {
                    continue;
                }
                let points = ends.map(|(x, y)| (px(left + x), px(top + side - y)));
                let ink = contrast_color(self.color(level, low, high)).mix(0.85);
                area.draw(&PathElement::new(points, line_style(ink, 1.2)))?;
            }
        }
        Ok(())
    }
}

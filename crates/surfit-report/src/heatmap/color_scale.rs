//! The values that the colours represent: their range, their colours, how they are written, lines of equal value.

use super::{FieldMap, MapPlacement};
use crate::axes::{DrawResult, axis_scale};
use crate::canvas::FigurePage;
use crate::style::*;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use surfit_core::color_range::{ColorRange, RangeKind};
use surfit_core::colormap::Colormap;
use surfit_core::heatmap::{CellQuantity, Metric};

/// What figures made of a metric are called, with their unit.
pub(crate) fn quantity_label(metric: Metric, quantity: CellQuantity) -> String {
    match quantity {
        CellQuantity::Gain | CellQuantity::Width if metric.is_percent() => metric.difference_unit().into(),
        _ => metric.label(),
    }
}

/// Most values of the colour bar, which contour lines have too.
const MAX_COLOR_TICKS: usize = 8;

impl FieldMap<'_> {
    /// The figure of a cell: the metric, or what is made of it.
    pub fn field_value(&self, index: usize) -> Option<f64> {
        self.field.values.get(index).copied().flatten()
    }

    /// The range of the colours, which tells beyond which of its ends there are values.
    pub fn color_scale(&self) -> ColorRange {
        let kind = RangeKind::of_quantity(self.metric, self.style.quantity);
        let values = self.field.values.iter().flatten().copied();
        match self.style.range {
            Some(limits) => ColorRange::with_limits(limits, values, kind),
            None => ColorRange::of_values(values, kind),
        }
    }

    pub fn color_range(&self) -> (f64, f64) {
        let range = self.color_scale();
        (range.lo, range.hi)
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

    pub fn bar_ticks(&self, low: f64, high: f64) -> Vec<(f64, String)> {
        let unit = self.metric.written_scale();
        let signed = self.style.quantity == CellQuantity::Gain;
        let label = |(tick, text): (f64, String)| {
            let positive = signed && tick > 0.0;
            (tick / unit, if positive { format!("+{text}") } else { text })
        };
        let ticks = axis_scale(&(unit * low..unit * high), false).ticks(MAX_COLOR_TICKS);
        ticks.into_iter().map(label).collect()
    }

    /// The values beside the colour bar: its ticks, and the ends beyond which there are values with `≤` or `≥`.
    pub fn bar_labels(&self) -> Vec<(f64, String)> {
        let mut range = self.color_scale();
        range.clipped.0 |= self.partner_clipped.0;
        range.clipped.1 |= self.partner_clipped.1;
        let mut labels = self.bar_ticks(range.lo, range.hi);
        let min_distance = 0.05 * (range.hi - range.lo);
        for (end, is_clipped) in [(range.lo, range.clipped.0), (range.hi, range.clipped.1)] {
            if is_clipped {
                labels.retain(|(tick, _)| (tick - end).abs() > min_distance);
                labels.push((end, format!("{}{}", range.end_sign(end, false), range.label(end))));
            }
        }
        labels
    }

    /// Lines of equal value with their values, at the values of the colour bar.
    pub(super) fn draw_contours<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        low: f64,
        high: f64,
    ) -> DrawResult<DB> {
        if !self.style.contours {
            return Ok(());
        }
        let map = self.heatmap;
        let field = self.field.fill_missing(|i| map.contains_cell(i));
        let ((first_u, first_v), _) = self.style.visible_cells(map.grid);
        let MapPlacement { left, top, width, height, .. } = self.placement;
        let (cell_width, cell_height) = self.cell_size();
        let place = |at: f64, first: usize, size: f64| (at - first as f64 + 0.5) * size;
        let inside = |&(x, y): &(f64, f64)| (0.0..=width).contains(&x) && (0.0..=height).contains(&y);
        let signs = map.corner_cells().into_iter().chain(self.best_cell()).filter(|&i| self.is_visible(i));
        let mut taken: Vec<(f64, f64)> = signs.map(|i| self.cell_center(i)).map(nominal).collect();
        let mut labels = Vec::new();
        for (level, label) in self.bar_ticks(low, high) {
            let mut middles = Vec::new();
            let color = self.color(level, low, high);
            let ink = contrast_color(color);
            for segment in field.contour_segments(level) {
                let ends = segment.map(|(a, b)| (place(a, first_u, cell_width), place(b, first_v, cell_height)));
                if !ends.iter().all(inside) {
                    continue;
                }
                let points = ends.map(|(x, y)| (left + x, top + height - y));
                middles.push(((points[0].0 + points[1].0) / 2.0, (points[0].1 + points[1].1) / 2.0));
                let points = points.map(|(x, y)| (px(x), px(y)));
                page.draw(&PathElement::new(points, line_style(ink.mix(0.85), 1.2)))?;
            }
            let style = text_style(10.0, ink, HPos::Center, VPos::Center);
            let (wide, high) = page.estimate_text_size(&label, &style)?;
            let size = (f64::from(wide) / PIXELS_PER_POINT + 6.0, f64::from(high) / PIXELS_PER_POINT + 2.0);
            if let Some(at) = self.place_contour_label(&middles, size, &taken) {
                taken.push(at);
                labels.push((at, size, label, color, style));
            }
        }
        // Over every line.
        for ((x, y), (wide, high), label, color, style) in labels {
            let plate = [(px(x - wide / 2.0), px(y - high / 2.0)), (px(x + wide / 2.0), px(y + high / 2.0))];
            page.draw(&Rectangle::new(plate, fill_style(rgb(color))))?;
            page.draw_text(&label, &style, (px(x), px(y)))?;
        }
        Ok(())
    }

    /// The place of a line's value: on the line, away from the edges, and as far as may be from what is `taken`. A line without
    /// such a place has no value.
    fn place_contour_label(
        &self,
        middles: &[(f64, f64)],
        (wide, high): (f64, f64),
        taken: &[(f64, f64)],
    ) -> Option<(f64, f64)> {
        let MapPlacement { left, top, width, height, .. } = self.placement;
        let inside = |&&(x, y): &&(f64, f64)| {
            (left + wide / 2.0..=left + width - wide / 2.0).contains(&x)
                && (top + high / 2.0..=top + height - high / 2.0).contains(&y)
        };
        // Along x labels need their width, along y only the height of a line.
        let distance = |p: &(f64, f64), q: &(f64, f64)| ((p.0 - q.0) * high / wide).hypot(p.1 - q.1);
        let clearance = |p: &(f64, f64)| taken.iter().map(|q| distance(p, q)).fold(f64::INFINITY, f64::min);
        let placed = middles.iter().filter(inside).map(|p| (clearance(p), *p));
        let best = placed.max_by(|a, b| a.0.total_cmp(&b.0))?;
        (best.0 > 1.3 * high).then_some(best.1)
    }
}

/// A pixel of the drawing in nominal points.
fn nominal((x, y): (i32, i32)) -> (f64, f64) {
    (f64::from(x) / PIXELS_PER_POINT, f64::from(y) / PIXELS_PER_POINT)
}

//! The measured surface as a picture.

mod color_scale;
mod map_axes;

#[cfg(test)]
mod tests;

use super::axes::{DrawResult, draw_title, format_number};
use super::canvas::DrawableFigure;
use super::style::*;
pub(crate) use color_scale::quantity_label;
pub(crate) use map_axes::draw_star;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use surfit_core::colormap::Colormap;
use surfit_core::heatmap::{CellField, CellQuantity, Heatmap, HeatmapStyle, Metric};
use surfit_core::surface::Patch;

/// A heatmap over `(u, v)` with its colour bar. Corners are numbered, the best point has a star, and a line goes round
/// the region that is better than the best corner.
pub struct HeatmapFigure<'a> {
    /// The measured surface.
    pub heatmap: &'a Heatmap,
    /// What is shown.
    pub metric: Metric,
    /// Colours from bad to good.
    pub colormap: Colormap,
    /// What of it, over which range, and which part.
    pub style: HeatmapStyle,
    /// Title of the figure.
    pub title: String,
    /// Parameters `(u, v)` of the marked points.
    pub marks: &'a [(f64, f64)],
}

/// Nominal place of the square: left, top and side.
const MAP_LEFT: f64 = 70.0;
const MAP_TOP: f64 = 84.0;
const MAP_SIDE: f64 = 520.0;

/// Grids up to this have their values written into the cells.
const MAX_NUMBERED_GRID: usize = 11;

impl DrawableFigure for HeatmapFigure<'_> {
    fn size(&self) -> (u32, u32) {
        (720, 672)
    }

    fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> DrawResult<DB> {
        let map = self.field_map();
        draw_title(area, &self.title, &map.subtitle())?;
        map.draw(area)?;
        map.draw_color_bar(area, &map.bar_label(), map.bar_position())
    }
}

impl<'a> HeatmapFigure<'a> {
    fn field_map(&self) -> FieldMap<'a> {
        let place = MapPlacement { left: MAP_LEFT, top: MAP_TOP, side: MAP_SIDE };
        FieldMap::new(self.heatmap, self.metric, self.colormap, self.style, place).with_marks(self.marks)
    }
}

/// Area of a map: its upper left and its side, in nominal points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MapPlacement {
    pub left: f64,
    pub top: f64,
    pub side: f64,
}

/// A map of a field of figures, without title.
pub(crate) struct FieldMap<'a> {
    pub heatmap: &'a Heatmap,
    pub metric: Metric,
    pub colormap: Colormap,
    pub style: HeatmapStyle,
    pub marks: &'a [(f64, f64)],
    /// What the colours mean.
    pub field: CellField,
    /// It compares two surfaces: nothing is best, or better than a corner.
    pub is_difference: bool,
    pub placement: MapPlacement,
}

impl<'a> FieldMap<'a> {
    /// The map of a metric as it is looked at.
    pub fn new(
        heatmap: &'a Heatmap,
        metric: Metric,
        colormap: Colormap,
        look: HeatmapStyle,
        place: MapPlacement,
    ) -> Self {
        let figure = |_, cell: &_| look.quantity.value_of(metric, cell, look.corner);
        Self {
            heatmap,
            metric,
            colormap,
            style: look,
            marks: &[],
            field: CellField::from_heatmap(heatmap, figure),
            is_difference: false,
            placement: place,
        }
    }

    /// The same with marked points.
    pub fn with_marks(self, marks: &'a [(f64, f64)]) -> Self {
        Self { marks, ..self }
    }

    /// Draws cells, lines, signs and axes.
    pub fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> DrawResult<DB> {
        let (low, high) = self.color_range();
        self.draw_cells(area, low, high)?;
        self.draw_contours(area, low, high)?;
        if self.style.quantity != CellQuantity::Width && !self.is_difference {
            self.outline_better_region(area)?;
        }
        self.draw_badges(area)?;
        self.draw_axes(area)
    }

    /// The description below a title.
    pub fn subtitle(&self) -> String {
        let outline = if self.style.quantity != CellQuantity::Width
            && self.corner_value().is_some()
            && self.better_cells().any(|b| b)
        {
            " · outlined: better than every corner"
        } else {
            ""
        };
        self.summary() + outline
    }

    /// Its best cell, and how much of it was measured.
    pub fn summary(&self) -> String {
        let h = self.heatmap;
        let best = self.best_cell().and_then(|i| Some((h.measured_point(i)?, self.value(i)?))).map(|(p, value)| {
            let value = self.metric.format_value(value);
            let v = match h.patch {
                Patch::Curve => String::new(),
                _ => format!(", v {}", format_number(round_thousandths(p.v))),
            };
            format!("best {value} at u {}{v} · ", format_number(round_thousandths(p.u)))
        });
        let fresh = h.fresh_cell_count();
        let state = if h.is_complete() {
            format!("{}, {} validation images each", h.patch.describe_grid(h.grid), h.cells[0].images)
        } else {
            {
                let stale = if (0..h.cells.len()).any(|i| h.is_stale(i)) { ", slash: stale" } else { "" };
                format!("{fresh} of {} cells fresh{stale}", h.surface_cell_count())
            }
        };
        format!("{}{state}", best.unwrap_or_default())
    }

    fn value(&self, index: usize) -> Option<f64> {
        self.heatmap.cells[index].value(self.metric)
    }

    /// Edges of the cell columns (or rows from the bottom) in pixels.
    fn edge_pixel(&self, k: usize) -> i32 {
        px(self.placement.side * k as f64 / self.visible_cells() as f64)
    }

    /// Cells along either axis that are seen.
    fn visible_cells(&self) -> usize {
        self.style.visible_cells(self.heatmap.grid).1
    }

    /// True when values are written into the cells: contour lines would cross them.
    fn shows_numbers(&self) -> bool {
        let room = self.placement.side / self.visible_cells() as f64;
        self.visible_cells() <= MAX_NUMBERED_GRID && room >= 26.0 && !self.style.contours
    }

    /// True when a cell is in the visible part.
    pub fn is_visible(&self, index: usize) -> bool {
        let ((u, v), count) = self.style.visible_cells(self.heatmap.grid);
        let inside = |at: usize, first: usize| (first..first + count).contains(&at);
        let curve = self.heatmap.patch == Patch::Curve;
        inside(index / self.heatmap.grid, u) && (curve || inside(index % self.heatmap.grid, v))
    }

    /// Upper left and lower right pixel of a visible cell.
    fn cell_rect(&self, index: usize) -> [(i32, i32); 2] {
        let (first, _) = self.style.visible_cells(self.heatmap.grid);
        let a = (index / self.heatmap.grid).saturating_sub(first.0);
        let b = (index % self.heatmap.grid).saturating_sub(first.1);
        let (left, bottom) = (px(self.placement.left), px(self.placement.top + self.placement.side));
        if self.heatmap.patch == Patch::Curve {
            // A curve is drawn as bands over the whole height.
            return [(left + self.edge_pixel(a), px(self.placement.top)), (left + self.edge_pixel(a + 1), bottom)];
        }
        [
            (left + self.edge_pixel(a), bottom - self.edge_pixel(b + 1)),
            (left + self.edge_pixel(a + 1), bottom - self.edge_pixel(b)),
        ]
    }

    fn cell_center(&self, index: usize) -> (i32, i32) {
        let [(x0, y0), (x1, y1)] = self.cell_rect(index);
        ((x0 + x1) / 2, (y0 + y1) / 2)
    }

    fn draw_cells<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>, low: f64, high: f64) -> DrawResult<DB> {
        let h = self.heatmap;
        for index in h.surface_cells().filter(|&i| self.is_visible(i)) {
            let corners = self.cell_rect(index);
            let Some(value) = self.field_value(index) else {
                area.draw(&Rectangle::new(corners, fill_style(RGBColor(0xf0, 0xf1, 0xf3))))?;
                area.draw(&Circle::new(self.cell_center(index), px(1.0), fill_style(AXIS_COLOR)))?;
                continue;
            };
            let color = self.color(value, low, high);
            area.draw(&Rectangle::new(corners, fill_style(rgb(color))))?;
            let ink = contrast_color(color);
            if h.is_stale(index) {
                let [(x0, _), (_, y1)] = corners;
                let reach = (corners[1].0 - x0) / 3;
                area.draw(&PathElement::new([(x0, y1 - reach), (x0 + reach, y1)], line_style(ink.mix(0.7), 0.8)))?;
            }
            if self.shows_numbers() {
                let (x, y) = self.cell_center(index);
                let down = if self.has_badge(index) { px(9.0) } else { 0 };
                let number = self.format_cell_value(value);
                let size = (self.placement.side / self.visible_cells() as f64 * 0.27).clamp(8.0, 14.0);
                area.draw_text(&number, &text_style(size, ink, HPos::Center, VPos::Center), (x, y + down))?;
            }
        }
        Ok(())
    }

    /// The best value of the metric among the corner cells.
    fn corner_value(&self) -> Option<f64> {
        let values = self.heatmap.corner_cells().into_iter().filter_map(|i| self.value(i));
        self.metric.best_value(values)
    }

    /// Whether each cell is better than every corner.
    fn better_cells(&self) -> impl Iterator<Item = bool> + '_ {
        let corner = self.corner_value();
        (0..self.heatmap.cells.len()).map(move |i| match (self.value(i), corner) {
            (Some(x), Some(c)) => self.metric.score(x) > self.metric.score(c),
            _ => false,
        })
    }

    fn outline_better_region<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> DrawResult<DB> {
        let (g, beats) = (self.heatmap.grid, self.better_cells().collect::<Vec<_>>());
        for index in (0..beats.len()).filter(|&i| beats[i] && self.is_visible(i)) {
            let (a, b) = (index / g, index % g);
            let [(x0, y0), (x1, y1)] = self.cell_rect(index);
            // The neighbour across each edge, and the edge. The boundary of the surface is no edge of the region.
            let worse = |there: bool, index: usize| {
                there && self.heatmap.contains_cell(index) && self.is_visible(index) && !beats[index]
            };
            let edges = [
                (worse(a > 0, index.saturating_sub(g)), [(x0, y0), (x0, y1)]),
                (worse(a + 1 < g, index + g), [(x1, y0), (x1, y1)]),
                (worse(b > 0, index.saturating_sub(1)), [(x0, y1), (x1, y1)]),
                (worse(b + 1 < g, index + 1), [(x0, y0), (x1, y0)]),
            ];
            for (_, edge) in edges.into_iter().filter(|e| e.0) {
                area.draw(&PathElement::new(edge, line_style(TEXT_COLOR, 2.8)))?;
                area.draw(&PathElement::new(edge, line_style(WHITE, 1.4)))?;
            }
        }
        Ok(())
    }

    /// A corner number or the star sits in the upper half of this cell.
    fn has_badge(&self, index: usize) -> bool {
        self.heatmap.corner_cells().contains(&index) || self.best_cell() == Some(index)
    }

    /// The best cell.
    pub fn best_cell(&self) -> Option<usize> {
        let first = || self.heatmap.rank_cells(self.metric).first().copied();
        (!self.is_difference).then(first).flatten()
    }

    fn draw_badges<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> DrawResult<DB> {
        let h = self.heatmap;
        let up = if self.shows_numbers() { px(9.0) } else { 0 };
        let best = self.best_cell();
        for (number, index) in h.corner_cells().into_iter().enumerate() {
            if !self.is_visible(index) {
                continue;
            }
            let (x, y) = self.cell_center(index);
            let aside = if best == Some(index) { px(9.0) } else { 0 };
            let at = (x - aside, y - up);
            area.draw(&Circle::new(at, px(7.5), fill_style(TEXT_COLOR)))?;
            area.draw(&Circle::new(at, px(6.5), fill_style(WHITE)))?;
            let style = bold_style(9.5, TEXT_COLOR, HPos::Center, VPos::Center);
            area.draw_text(&(number + 1).to_string(), &style, at)?;
        }
        for &(u, v) in self.marks {
            let index = h.nearest_cell(u, v);
            if !self.is_visible(index) {
                continue;
            }
            let (x, y) = self.cell_center(index);
            let r = px(5.0);
            let diamond = vec![(x, y - r), (x + r, y), (x, y + r), (x - r, y), (x, y - r)];
            area.draw(&PathElement::new(diamond.clone(), line_style(TEXT_COLOR, 3.0)))?;
            area.draw(&PathElement::new(diamond, line_style(WHITE, 1.5)))?;
        }
        if let Some(index) = best.filter(|&i| self.is_visible(i)) {
            let (x, y) = self.cell_center(index);
            let aside = if h.corner_cells().contains(&index) { px(9.0) } else { 0 };
            draw_star(area, (x + aside, y - up), 10.0)?;
        }
        Ok(())
    }
}

/// A parameter in thousandths.
pub(crate) fn round_thousandths(x: f64) -> f64 {
    (x * 1000.0).round() / 1000.0
}

//! The measured surface as a figure.

mod color_scale;
mod map_axes;

#[cfg(test)]
mod tests;

use super::axes::{DrawResult, draw_header, format_trimmed};
use super::canvas::{DrawableFigure, FigurePage};
use super::style::*;
pub(crate) use color_scale::quantity_label;
pub(crate) use map_axes::draw_star;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use surfit_core::colormap::Colormap;
use surfit_core::heatmap::{CellField, CellQuantity, Heatmap, HeatmapStyle, Metric};
use surfit_core::surface::Patch;

/// A heatmap over `(u, v)` with its colour bar. Corners are numbered, the best point has a star, and a line goes round
/// the region that is better than the best corner.
pub struct HeatmapFigure<'a> {
    pub heatmap: &'a Heatmap,
    pub metric: Metric,
    /// Colours from bad to good.
    pub colormap: Colormap,
    pub style: HeatmapStyle,
    pub title: String,
    /// Parameters `(u, v)` of the marked points.
    pub marks: &'a [(f64, f64)],
}

/// Grids up to this have their values written into the cells.
const MAX_NUMBERED_GRID: usize = 11;
/// Least height of a cell that holds a sign and its value below it, in nominal points.
const MIN_HEIGHT_UNDER_BADGE: f64 = 26.0;

impl DrawableFigure for HeatmapFigure<'_> {
    fn size(&self) -> (u32, u32) {
        (720, 672)
    }

    fn draw<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
        let mut map = self.field_map();
        let header = draw_header(page, &self.title, &map.subtitle())?;
        let (left, top) = (70.0, header + 24.0);
        let (width, height) = (page.width - left - 130.0, page.height - top - page.length(68.0, 46.0));
        map.placement = MapPlacement::new(left, top, width, height);
        map.draw(page)?;
        map.draw_color_bar(page, &map.bar_label(), map.bar_position())
    }
}

impl<'a> HeatmapFigure<'a> {
    fn field_map(&self) -> FieldMap<'a> {
        FieldMap { marks: self.marks, ..FieldMap::new(self.heatmap, self.metric, self.colormap, self.style) }
    }
}

/// Area of a map in nominal points.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MapPlacement {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
    /// The axis of `v` has no figures.
    pub bare_v: bool,
}

impl MapPlacement {
    /// An area with figures at both axes, at least a few points large.
    pub fn new(left: f64, top: f64, width: f64, height: f64) -> Self {
        Self { left, top, width: width.max(20.0), height: height.max(20.0), bare_v: false }
    }
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
    /// Another map of the same colour bar has values beyond its lower end, or its upper one.
    pub partner_clipped: (bool, bool),
    pub placement: MapPlacement,
}

impl<'a> FieldMap<'a> {
    /// The map of a metric as it is looked at, without a place yet.
    pub fn new(heatmap: &'a Heatmap, metric: Metric, colormap: Colormap, look: HeatmapStyle) -> Self {
        let figure = |_, cell: &_| look.quantity.value_of(metric, cell, look.corner);
        Self {
            heatmap,
            metric,
            colormap,
            style: look,
            marks: &[],
            field: CellField::from_heatmap(heatmap, figure),
            is_difference: false,
            partner_clipped: (false, false),
            placement: MapPlacement::default(),
        }
    }

    /// Draws cells, lines, signs and axes.
    pub fn draw<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
        let (low, high) = self.color_range();
        self.draw_cells(page, low, high)?;
        self.draw_contours(page, low, high)?;
        if self.style.quantity != CellQuantity::Width && !self.is_difference {
            self.outline_better_region(page)?;
        }
        self.draw_badges(page)?;
        self.draw_axes(page)
    }

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
                _ => format!(", v {}", format_trimmed(round_thousandths(p.v))),
            };
            format!("best {value} at u {}{v} · ", format_trimmed(round_thousandths(p.u)))
        });
        let fresh = h.fresh_cell_count();
        let state = if h.is_complete() {
            format!("{}, {} validation images each", h.patch.describe_grid(h.grid), h.cells[0].images)
        } else {
            let stale = if (0..h.cells.len()).any(|i| h.is_stale(i)) { ", slash: stale" } else { "" };
            format!("{fresh} of {} cells fresh{stale}", h.surface_cell_count())
        };
        format!("{}{state}", best.unwrap_or_default())
    }

    fn value(&self, index: usize) -> Option<f64> {
        self.heatmap.cells[index].value(self.metric)
    }

    /// Width and height of a cell in nominal points.
    fn cell_size(&self) -> (f64, f64) {
        let count = self.visible_cells().max(1) as f64;
        (self.placement.width / count, self.placement.height / count)
    }

    /// Cells along either axis that are seen.
    fn visible_cells(&self) -> usize {
        self.style.visible_cells(self.heatmap.grid).1
    }

    /// True when values are written into the cells: contour lines would cross them.
    fn shows_numbers(&self) -> bool {
        let (width, height) = self.cell_size();
        self.visible_cells() <= MAX_NUMBERED_GRID && width >= 26.0 && height >= 14.0 && !self.style.contours
    }

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
        let (left, top) = (px(self.placement.left), px(self.placement.top));
        let bottom = top + px(self.placement.height);
        let (width, height) = self.cell_size();
        let (x, y) = (|k: usize| left + px(width * k as f64), |k: usize| bottom - px(height * k as f64));
        // A curve is drawn as bands over the whole height.
        let (high, low) = if self.heatmap.patch == Patch::Curve { (top, bottom) } else { (y(b + 1), y(b)) };
        [(x(a), high), (x(a + 1), low)]
    }

    fn cell_center(&self, index: usize) -> (i32, i32) {
        let [(x0, y0), (x1, y1)] = self.cell_rect(index);
        ((x0 + x1) / 2, (y0 + y1) / 2)
    }

    fn draw_cells<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>, low: f64, high: f64) -> DrawResult<DB> {
        let h = self.heatmap;
        for index in h.surface_cells().filter(|&i| self.is_visible(i)) {
            let corners = self.cell_rect(index);
            let Some(value) = self.field_value(index) else {
                page.draw(&Rectangle::new(corners, fill_style(page.theme.blank)))?;
                page.draw(&Circle::new(self.cell_center(index), px(1.0), fill_style(page.theme.axis)))?;
                continue;
            };
            let color = self.color(value, low, high);
            page.draw(&Rectangle::new(corners, fill_style(rgb(color))))?;
            let ink = contrast_color(color);
            if h.is_stale(index) {
                let [(x0, y0), (x1, y1)] = corners;
                let reach = (x1 - x0).min(y1 - y0) / 3;
                page.draw(&PathElement::new([(x0, y1 - reach), (x0 + reach, y1)], line_style(ink.mix(0.7), 0.8)))?;
            }
            let (width, height) = self.cell_size();
            // Below a sign there is no room for a number in a low cell.
            if self.shows_numbers() && (height >= MIN_HEIGHT_UNDER_BADGE || !self.has_badge(index)) {
                let (x, y) = self.cell_center(index);
                let down = if self.has_badge(index) { px(9.0) } else { 0 };
                let number = self.format_cell_value(value);
                let size = (0.27 * width.min(2.0 * height)).clamp(8.0, 14.0);
                page.draw_text(&number, &text_style(size, ink, HPos::Center, VPos::Center), (x, y + down))?;
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

    fn outline_better_region<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
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
                page.draw(&PathElement::new(edge, line_style(DARK_INK, 2.8)))?;
                page.draw(&PathElement::new(edge, line_style(WHITE, 1.4)))?;
            }
        }
        Ok(())
    }

    /// A corner number or the star sits in the upper half of this cell.
    fn has_badge(&self, index: usize) -> bool {
        self.heatmap.corner_cells().contains(&index) || self.best_cell() == Some(index)
    }

    pub fn best_cell(&self) -> Option<usize> {
        let first = || self.heatmap.rank_cells(self.metric).first().copied();
        (!self.is_difference).then(first).flatten()
    }

    fn draw_badges<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
        let h = self.heatmap;
        let up = if self.shows_numbers() && self.cell_size().1 >= MIN_HEIGHT_UNDER_BADGE { px(9.0) } else { 0 };
        let best = self.best_cell();
        for (number, index) in h.corner_cells().into_iter().enumerate() {
            if !self.is_visible(index) {
                continue;
            }
            let (x, y) = self.cell_center(index);
            let aside = if best == Some(index) { px(9.0) } else { 0 };
            let at = (x - aside, y - up);
            page.draw(&Circle::new(at, px(7.5), fill_style(DARK_INK)))?;
            page.draw(&Circle::new(at, px(6.5), fill_style(WHITE)))?;
            let style = bold_style(9.5, DARK_INK, HPos::Center, VPos::Center);
            page.draw_text(&(number + 1).to_string(), &style, at)?;
        }
        for &(u, v) in self.marks {
            let index = h.nearest_cell(u, v);
            if !self.is_visible(index) {
                continue;
            }
            let (x, y) = self.cell_center(index);
            let r = px(5.0);
            let diamond = vec![(x, y - r), (x + r, y), (x, y + r), (x - r, y), (x, y - r)];
            page.draw(&PathElement::new(diamond.clone(), line_style(DARK_INK, 3.0)))?;
            page.draw(&PathElement::new(diamond, line_style(WHITE, 1.5)))?;
        }
        if let Some(index) = best.filter(|&i| self.is_visible(i)) {
            let (x, y) = self.cell_center(index);
            let aside = if h.corner_cells().contains(&index) { px(9.0) } else { 0 };
            draw_star(page, (x + aside, y - up), 10.0)?;
        }
        Ok(())
    }
}

pub(crate) fn round_thousandths(x: f64) -> f64 {
    (x * 1000.0).round() / 1000.0
}

//! The measured surface as a picture.

mod frame;
mod look;

#[cfg(test)]
mod tests;

use super::axes::{DrawResult, plain, title};
use super::canvas::DrawableFigure;
use super::style::*;
pub(crate) use frame::draw_star;
pub(crate) use look::{figure_name, in_percent};
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
    pub look: HeatmapStyle,
    /// Title of the figure.
    pub title: String,
    /// Parameters `(u, v)` of the marked points.
    pub marks: &'a [(f64, f64)],
}

/// Nominal place of the square: left, top and side.
const LEFT: f64 = 70.0;
const TOP: f64 = 84.0;
const SIDE: f64 = 520.0;

/// Grids up to this have their values written into the cells.
const NUMBERED: usize = 11;

impl DrawableFigure for HeatmapFigure<'_> {
    fn size(&self) -> (u32, u32) {
        (720, 672)
    }

    fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> DrawResult<DB> {
        let map = self.map();
        title(area, &self.title, &map.subtitle())?;
        map.draw(area)?;
        map.bar(area, &map.bar_name(), map.bar_place())
    }
}

impl<'a> HeatmapFigure<'a> {
    fn map(&self) -> FieldMap<'a> {
        let place = MapPlacement {
            left: LEFT,
            top: TOP,
            side: SIDE,
        };
        FieldMap::of(self.heatmap, self.metric, self.colormap, self.look, place).marked(self.marks)
    }
}

/// Where a map lies: its upper left and its side, in nominal points.
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
    pub look: HeatmapStyle,
    pub marks: &'a [(f64, f64)],
    /// What the colours mean.
    pub field: CellField,
    /// It compares two surfaces: nothing is best, or better than a corner.
    pub difference: bool,
    pub place: MapPlacement,
}

impl<'a> FieldMap<'a> {
    /// The map of a metric as it is looked at.
    pub fn of(
        heatmap: &'a Heatmap,
        metric: Metric,
        colormap: Colormap,
        look: HeatmapStyle,
        place: MapPlacement,
    ) -> Self {
        let figure = |_, cell: &_| look.quantity.of(metric, cell, look.corner);
        Self {
            heatmap,
            metric,
            colormap,
            look,
            marks: &[],
            field: CellField::of(heatmap, figure),
            difference: false,
            place,
        }
    }

    /// The same with marked points.
    pub fn marked(self, marks: &'a [(f64, f64)]) -> Self {
        Self { marks, ..self }
    }

    /// Draws cells, lines, signs and axes.
    pub fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> DrawResult<DB> {
        let (low, high) = self.range();
        self.cells(area, low, high)?;
        self.contours(area, low, high)?;
        if self.look.quantity != CellQuantity::Width && !self.difference {
            self.better_region(area)?;
        }
        self.badges(area)?;
        self.axes(area)
    }

    /// What there is to say of it below a title.
    pub fn subtitle(&self) -> String {
        let outline = if self.look.quantity != CellQuantity::Width
            && self.corner_value().is_some()
            && self.beats().any(|b| b)
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
        let best = h
            .ranking(self.metric)
            .first()
            .and_then(|&i| h.point(i))
            .map(|p| {
                let value = self.value_text(if self.metric == Metric::Accuracy {
                    p.accuracy
                } else {
                    p.loss
                });
                let v = match h.patch {
                    Patch::Curve => String::new(),
                    _ => format!(", v {}", plain(round(p.v))),
                };
                format!("best {value} at u {}{v} · ", plain(round(p.u)))
            });
        let fresh = h.fresh();
        let state = if h.complete() {
            format!(
                "{}, {} validation images each",
                h.patch.points(h.grid),
                h.cells[0].images
            )
        } else {
            {
                let stale = if (0..h.cells.len()).any(|i| h.is_stale(i)) {
                    ", slash: stale"
                } else {
                    ""
                };
                format!("{fresh} of {} cells fresh{stale}", h.count())
            }
        };
        format!("{}{state}", best.unwrap_or_default())
    }

    /// The metric as written: percent for accuracy.
    fn value_text(&self, value: f64) -> String {
        match self.metric {
            Metric::Accuracy => format!("{:.2} %", 100.0 * value),
            Metric::Loss => format!("{value:.4}"),
        }
    }

    fn value(&self, index: usize) -> Option<f64> {
        self.metric.of(&self.heatmap.cells[index])
    }

    /// Edges of the cell columns (or rows from the bottom) in pixels.
    fn edge(&self, k: usize) -> i32 {
        px(self.place.side * k as f64 / self.count() as f64)
    }

    /// Cells along either axis that are seen.
    fn count(&self) -> usize {
        self.look.cells(self.heatmap.grid).1
    }

    /// True when values are written into the cells: contour lines would cross them.
    fn numbered(&self) -> bool {
        let room = self.place.side / self.count() as f64;
        self.count() <= NUMBERED && room >= 26.0 && !self.look.contours
    }

    /// True when a cell lies in the part that is seen.
    pub fn sees(&self, index: usize) -> bool {
        let ((u, v), count) = self.look.cells(self.heatmap.grid);
        let inside = |at: usize, first: usize| (first..first + count).contains(&at);
        let curve = self.heatmap.patch == Patch::Curve;
        inside(index / self.heatmap.grid, u) && (curve || inside(index % self.heatmap.grid, v))
    }

    /// Upper left and lower right pixel of a cell that is seen.
    fn cell(&self, index: usize) -> [(i32, i32); 2] {
        let (first, _) = self.look.cells(self.heatmap.grid);
        let a = (index / self.heatmap.grid).saturating_sub(first.0);
        let b = (index % self.heatmap.grid).saturating_sub(first.1);
        let (left, bottom) = (px(self.place.left), px(self.place.top + self.place.side));
        if self.heatmap.patch == Patch::Curve {
            // A curve is drawn as bands over the whole height.
            return [
                (left + self.edge(a), px(self.place.top)),
                (left + self.edge(a + 1), bottom),
            ];
        }
        [
            (left + self.edge(a), bottom - self.edge(b + 1)),
            (left + self.edge(a + 1), bottom - self.edge(b)),
        ]
    }

    fn centre(&self, index: usize) -> (i32, i32) {
        let [(x0, y0), (x1, y1)] = self.cell(index);
        ((x0 + x1) / 2, (y0 + y1) / 2)
    }

    fn cells<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
        low: f64,
        high: f64,
    ) -> DrawResult<DB> {
        let h = self.heatmap;
        for index in h.inside().filter(|&i| self.sees(i)) {
            let corners = self.cell(index);
            let Some(value) = self.shown(index) else {
                area.draw(&Rectangle::new(corners, fill(RGBColor(0xf0, 0xf1, 0xf3))))?;
                area.draw(&Circle::new(self.centre(index), px(1.0), fill(AXIS)))?;
                continue;
            };
            let color = self.color(value, low, high);
            area.draw(&Rectangle::new(corners, fill(rgb(color))))?;
            let ink = ink_on(color);
            if h.is_stale(index) {
                let [(x0, _), (_, y1)] = corners;
                let reach = (corners[1].0 - x0) / 3;
                area.draw(&PathElement::new(
                    [(x0, y1 - reach), (x0 + reach, y1)],
                    line(ink.mix(0.7), 0.8),
                ))?;
            }
            if self.numbered() {
                let (x, y) = self.centre(index);
                let down = if self.badge(index) { px(9.0) } else { 0 };
                let number = self.number(value);
                let size = (self.place.side / self.count() as f64 * 0.27).clamp(8.0, 14.0);
                area.draw_text(
                    &number,
                    &text(size, ink, HPos::Center, VPos::Center),
                    (x, y + down),
                )?;
            }
        }
        Ok(())
    }

    /// The best value of the metric among the corner cells.
    fn corner_value(&self) -> Option<f64> {
        let values = self
            .heatmap
            .corners()
            .into_iter()
            .filter_map(|i| self.value(i));
        if self.metric.higher_is_better() {
            values.max_by(f64::total_cmp)
        } else {
            values.min_by(f64::total_cmp)
        }
    }

    /// Whether each cell is better than every corner.
    fn beats(&self) -> impl Iterator<Item = bool> + '_ {
        let corner = self.corner_value();
        (0..self.heatmap.cells.len()).map(move |i| match (self.value(i), corner) {
            (Some(x), Some(c)) if self.metric.higher_is_better() => x > c,
            (Some(x), Some(c)) => x < c,
            _ => false,
        })
    }

    fn better_region<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> DrawResult<DB> {
        let (g, beats) = (self.heatmap.grid, self.beats().collect::<Vec<_>>());
        for index in (0..beats.len()).filter(|&i| beats[i] && self.sees(i)) {
            let (a, b) = (index / g, index % g);
            let [(x0, y0), (x1, y1)] = self.cell(index);
            // The neighbour across each edge, and the edge. The boundary of the surface is no edge of the region.
            let worse = |there: bool, index: usize| {
                there && self.heatmap.holds(index) && self.sees(index) && !beats[index]
            };
            let edges = [
                (worse(a > 0, index.saturating_sub(g)), [(x0, y0), (x0, y1)]),
                (worse(a + 1 < g, index + g), [(x1, y0), (x1, y1)]),
                (worse(b > 0, index.saturating_sub(1)), [(x0, y1), (x1, y1)]),
                (worse(b + 1 < g, index + 1), [(x0, y0), (x1, y0)]),
            ];
            for (_, edge) in edges.into_iter().filter(|e| e.0) {
                area.draw(&PathElement::new(edge, line(INK, 2.8)))?;
                area.draw(&PathElement::new(edge, line(WHITE, 1.4)))?;
            }
        }
        Ok(())
    }

    /// A corner number or the star sits in the upper half of this cell.
    fn badge(&self, index: usize) -> bool {
        self.heatmap.corners().contains(&index) || self.best() == Some(index)
    }

    /// The best cell.
    pub fn best(&self) -> Option<usize> {
        let first = || self.heatmap.ranking(self.metric).first().copied();
        (!self.difference).then(first).flatten()
    }

    fn badges<DB: DrawingBackend>(&self, area: &DrawingArea<DB, Shift>) -> DrawResult<DB> {
        let h = self.heatmap;
        let up = if self.numbered() { px(9.0) } else { 0 };
        let best = self.best();
        for (number, index) in h.corners().into_iter().enumerate() {
            if !self.sees(index) {
                continue;
            }
            let (x, y) = self.centre(index);
            let aside = if best == Some(index) { px(9.0) } else { 0 };
            let at = (x - aside, y - up);
            area.draw(&Circle::new(at, px(7.5), fill(INK)))?;
            area.draw(&Circle::new(at, px(6.5), fill(WHITE)))?;
            let style = bold(9.5, INK, HPos::Center, VPos::Center);
            area.draw_text(&(number + 1).to_string(), &style, at)?;
        }
        for &(u, v) in self.marks {
            let index = h.nearest(u, v);
            if !self.sees(index) {
                continue;
            }
            let (x, y) = self.centre(index);
            let r = px(5.0);
            let diamond = vec![(x, y - r), (x + r, y), (x, y + r), (x - r, y), (x, y - r)];
            area.draw(&PathElement::new(diamond.clone(), line(INK, 3.0)))?;
            area.draw(&PathElement::new(diamond, line(WHITE, 1.5)))?;
        }
        if let Some(index) = best.filter(|&i| self.sees(i)) {
            let (x, y) = self.centre(index);
            let aside = if h.corners().contains(&index) {
                px(9.0)
            } else {
                0
            };
            draw_star(area, (x + aside, y - up), 10.0)?;
        }
        Ok(())
    }
}

/// A parameter in thousandths.
pub(crate) fn round(x: f64) -> f64 {
    (x * 1000.0).round() / 1000.0
}

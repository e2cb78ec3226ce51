//! The surface as a relief in three dimensions.
//!
//! It is drawn from back to front, cell by cell, so that nearer cells hide those behind them, in vectors as in pixels.

mod box_frame;
mod markers;

use super::axes::{DrawResult, draw_header};
use super::canvas::{DrawableFigure, FigurePage};
use super::heatmap::FieldMap;
use super::style::*;
use plotters::prelude::*;
use surfit_core::colormap::Colormap;
use surfit_core::heatmap::{CellField, ContourSegment, Heatmap, HeatmapStyle, Metric};
use surfit_core::projection::{Camera, Projection};

/// A heatmap whose values are heights, seen from a side, with a colour bar.
pub struct ReliefFigure<'a> {
    pub heatmap: &'a Heatmap,
    pub metric: Metric,
    /// Colours from bad to good.
    pub colormap: Colormap,
    pub style: HeatmapStyle,
    pub camera: Camera,
    pub title: String,
}

/// Faces along a side at which the surface looks smooth.
const FACES_PER_SIDE: usize = 48;
/// Most lines of the net along either axis.
const MAX_NET_LINES: usize = 30;

impl DrawableFigure for ReliefFigure<'_> {
    fn size(&self) -> (u32, u32) {
        (860, 672)
    }

    fn draw<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
        let map = FieldMap::new(self.heatmap, self.metric, self.colormap, self.style);
        let Camera { turn, tilt, .. } = self.camera;
        let seen = format!(" · turned {turn:.0}°, tilted {tilt:.0}°");
        let header = draw_header(page, &self.title, &(map.summary() + &seen))?;
        let top = header + page.length(44.0, 34.0);
        let height = (page.height - top - page.length(68.0, 44.0)).max(20.0);
        PlacedRelief::new(&map, self.camera, [112.0, top, (page.width - 304.0).max(20.0), height]).draw(page)?;
        let (top, below) = (header + page.length(60.0, 26.0), page.length(112.0, 40.0));
        map.draw_color_bar(page, &map.bar_label(), [page.width - 108.0, top, (page.height - top - below).max(20.0)])
    }
}

struct PlacedRelief<'a, 'm> {
    map: &'m FieldMap<'a>,
    projection: Projection,
    /// Figures, with gaps filled in.
    field: CellField,
    /// Smallest and largest value of colours and heights.
    range: (f64, f64),
    /// The first cells that are seen, and how many along either axis.
    first_cell: (usize, usize),
    visible_cells: usize,
}

impl<'a, 'm> PlacedRelief<'a, 'm> {
    /// `extent` is that of the unit box: left, top, width, height, in nominal points.
    fn new(map: &'m FieldMap<'a>, camera: Camera, extent: [f64; 4]) -> Self {
        let (first, count) = map.style.visible_cells(map.heatmap.grid);
        Self {
            map,
            projection: Projection::fit_to_rect(camera, extent, 1.0),
            field: map.field.fill_missing(|i| map.heatmap.contains_cell(i)),
            range: map.color_range(),
            first_cell: first,
            visible_cells: count,
        }
    }

    fn draw<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
        self.draw_frame(page)?;
        let contours = self.contour_segments();
        for (a, b) in self.cells_back_to_front() {
            self.draw_faces(page, (a, b))?;
            self.draw_net(page, (a, b))?;
            for (level, ends) in &contours {
                let middle = ((ends[0].0 + ends[1].0) / 2.0, (ends[0].1 + ends[1].1) / 2.0);
                if (middle.0.floor() as usize, middle.1.floor() as usize) == (a, b) {
                    let points = ends.map(|(x, y)| self.pixel(x, y, *level));
                    let (low, high) = self.range;
                    let ink = contrast_color(self.map.color(*level, low, high)).mix(0.8);
                    page.draw(&PathElement::new(points, line_style(ink, 1.0)))?;
                }
            }
        }
        self.draw_labels(page)?;
        self.draw_markers(page)
    }

    /// Height of a value, 0 to 1.
    fn normalized_height(&self, value: f64) -> f64 {
        let (low, high) = self.range;
        ((value - low) / (high - low)).clamp(0.0, 1.0)
    }

    /// Position on the floor of a place given in cells.
    fn floor_position(&self, x: f64, y: f64) -> (f64, f64) {
        let span = self.visible_cells.saturating_sub(1).max(1) as f64;
        ((x - self.first_cell.0 as f64) / span, (y - self.first_cell.1 as f64) / span)
    }

    /// The point over a place on the floor, in nominal points.
    fn project_point(&self, s: f64, t: f64, height: f64) -> (f64, f64) {
        let spot = self.projection.project(s, t, height);
        (spot.x, spot.y)
    }

    /// The pixel of a value over a place given in cells.
    fn pixel(&self, x: f64, y: f64, value: f64) -> (i32, i32) {
        let (s, t) = self.floor_position(x, y);
        let (x, y) = self.project_point(s, t, self.normalized_height(value));
        (px(x), px(y))
    }

    /// The squares between the cells that are seen, the farthest first.
    fn cells_back_to_front(&self) -> Vec<(usize, usize)> {
        let count = self.visible_cells.saturating_sub(1);
        let (a0, b0) = self.first_cell;
        let mut all: Vec<(usize, usize)> =
            (a0..a0 + count).flat_map(|a| (b0..b0 + count).map(move |b| (a, b))).collect();
        let away = |&(a, b): &(usize, usize)| {
            let [_, away, _] = self.projection.to_view_direction([a as f64, b as f64, 0.0]);
            away
        };
        all.sort_by(|p, q| away(q).total_cmp(&away(p)));
        all
    }

    /// The square's halves, each of small faces in the colours of their values.
    fn draw_faces<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>, (a, b): (usize, usize)) -> DrawResult<DB> {
        let parts = FACES_PER_SIDE.div_ceil(self.visible_cells.max(2) - 1).clamp(1, 12);
        let mut halves = [[(a, b), (a + 1, b), (a, b + 1)], [(a + 1, b + 1), (a, b + 1), (a + 1, b)]];
        let away = |half: &[(usize, usize); 3]| {
            let [x, y] = half.iter().fold([0.0, 0.0], |[x, y], p| [x + p.0 as f64, y + p.1 as f64]);
            self.projection.to_view_direction([x, y, 0.0])[1]
        };
        halves.sort_by(|p, q| away(q).total_cmp(&away(p)));
        for half in halves {
            let known = half.map(|(a, b)| Some(((a as f64, b as f64), self.field.get(a, b)?)));
            let [Some(p), Some(q), Some(r)] = known else {
                continue;
            };
            let light = self.brightness([p, q, r]);
            let pale = half.map(|(a, b)| self.paleness(a * self.field.grid + b));
            let pale = pale.into_iter().fold(0.0, f64::max);
            let at = |i: usize, j: usize| {
                let (s, t) = (i as f64 / parts as f64, j as f64 / parts as f64);
                let mix = |p: f64, q: f64, r: f64| p + s * (q - p) + t * (r - p);
                (mix(p.0.0, q.0.0, r.0.0), mix(p.0.1, q.0.1, r.0.1), mix(p.1, q.1, r.1))
            };
            for (i, j) in (0..parts).flat_map(|i| (0..parts - i).map(move |j| (i, j))) {
                self.draw_face(page, [at(i, j), at(i + 1, j), at(i, j + 1)], light, pale)?;
                if i + j + 2 <= parts {
                    let other = [at(i + 1, j + 1), at(i, j + 1), at(i + 1, j)];
                    self.draw_face(page, other, light, pale)?;
                }
            }
        }
        Ok(())
    }

    fn draw_face<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        corners: [(f64, f64, f64); 3],
        light: f64,
        pale: f64,
    ) -> DrawResult<DB> {
        let (low, high) = self.range;
        let value = corners.iter().map(|c| c.2).sum::<f64>() / 3.0;
        let (r, g, b) = self.map.color(value, low, high);
        let shade = |c: u8, ground: u8| {
            let lit = f64::from(c) * light;
            (lit + pale * (f64::from(ground) - lit)).round() as u8
        };
        let ground = page.theme.background;
        let color = RGBColor(shade(r, ground.0), shade(g, ground.1), shade(b, ground.2));
        let points = corners.map(|(x, y, v)| self.pixel(x, y, v)).to_vec();
        // The outline closes the seams that smoothed edges would cause between neighbours.
        let around = vec![points[0], points[1], points[2], points[0]];
        page.draw(&Polygon::new(points, fill_style(color)))?;
        page.draw(&PathElement::new(around, line_style(color, 0.25)))
    }

    /// How much of the page's background the surface has at a cell: not measured, or not lately.
    fn paleness(&self, index: usize) -> f64 {
        match self.map.field_value(index) {
            None => 0.65,
            Some(_) if self.map.heatmap.is_stale(index) => 0.3,
            Some(_) => 0.0,
        }
    }

    /// How bright a triangle is, up to 1; paper bears less shade than a dark screen.
    fn brightness(&self, triangle: [((f64, f64), f64); 3]) -> f64 {
        let corner = |((x, y), value): ((f64, f64), f64)| {
            let (s, t) = self.floor_position(x, y);
            let height = self.normalized_height(value) * self.projection.height();
            [s, t, height]
        };
        0.68 + 0.32 * self.projection.light_intensity(triangle.map(corner))
    }

    /// The lines between the cells round a square.
    fn draw_net<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>, (a, b): (usize, usize)) -> DrawResult<DB> {
        let every = (self.visible_cells - 1).div_ceil(MAX_NET_LINES).max(1);
        let on = |k: usize, first: usize| (k - first).is_multiple_of(every) || k - first == self.visible_cells - 1;
        let mut edges = Vec::new();
        for k in [a, a + 1] {
            edges.extend(on(k, self.first_cell.0).then_some([(k, b), (k, b + 1)]));
        }
        for k in [b, b + 1] {
            edges.extend(on(k, self.first_cell.1).then_some([(a, k), (a + 1, k)]));
        }
        // The third side of a triangle.
        if self.field.get(a + 1, b + 1).is_none() {
            edges.push([(a + 1, b), (a, b + 1)]);
        }
        for edge in edges {
            let known = edge.map(|(a, b)| Some((a as f64, b as f64, self.field.get(a, b)?)));
            if let [Some(p), Some(q)] = known {
                let points = [p, q].map(|(x, y, v)| self.pixel(x, y, v));
                page.draw(&PathElement::new(points, line_style(DARK_INK.mix(0.32), 0.6)))?;
            }
        }
        Ok(())
    }

    fn contour_segments(&self) -> Vec<(f64, ContourSegment)> {
        if !self.map.style.contours {
            return Vec::new();
        }
        let (low, high) = self.range;
        let shown = |&(x, y): &(f64, f64)| {
            let (s, t) = self.floor_position(x, y);
            (0.0..=1.0).contains(&s) && (0.0..=1.0).contains(&t)
        };
        let levels = self.map.bar_ticks(low, high).into_iter().map(|(level, _)| level);
        let lines = levels.flat_map(|l| self.field.contour_segments(l).into_iter().map(move |s| (l, s)));
        lines.filter(|(_, s)| s.iter().all(shown)).collect()
    }
}

#[cfg(test)]
mod tests;

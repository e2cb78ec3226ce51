//! The frame of a relief: the floor, the walls behind it, and the figures of all three axes.

use super::PlacedRelief;
use crate::axes::{DrawResult, format_trimmed};
use crate::canvas::FigurePage;
use crate::heatmap::round_thousandths;
use crate::style::*;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use surfit_core::surface::Patch;

type FloorPoint = (f64, f64);

impl PlacedRelief<'_, '_> {
    /// The corners of the floor, in order round it.
    fn floor_corners(&self) -> &'static [FloorPoint] {
        match self.map.heatmap.patch {
            Patch::Triangle if self.map.style.part.is_none() => &[(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)],
            _ => &[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)],
        }
    }

    fn floor_sides(&self) -> impl Iterator<Item = [FloorPoint; 2]> {
        let floor = self.floor_corners();
        (0..floor.len()).map(|k| [floor[k], floor[(k + 1) % floor.len()]])
    }

    fn floor_depth(&self, (s, t): FloorPoint) -> f64 {
        self.projection.project(s, t, 0.0).depth
    }

    fn pixel_at(&self, (s, t): FloorPoint, height: f64) -> (i32, i32) {
        let (x, y) = self.project_point(s, t, height);
        (px(x), px(y))
    }

    /// The floor, and the walls behind the surface with lines at the heights of the ticks.
    pub(super) fn draw_frame<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
        let middle = self.floor_depth((0.5, 0.5));
        let ticks = self.map.bar_ticks(self.range.0, self.range.1);
        let floor: Vec<(i32, i32)> = self.floor_corners().iter().map(|&c| self.pixel_at(c, 0.0)).collect();
        page.draw(&Polygon::new(floor, fill_style(page.theme.blank)))?;
        for [p, q] in self.floor_sides() {
            let behind = (self.floor_depth(p) + self.floor_depth(q)) / 2.0 > middle + 1e-6;
            if behind {
                for (value, _) in &ticks {
                    let height = self.normalized_height(*value);
                    let ends = [self.pixel_at(p, height), self.pixel_at(q, height)];
                    page.draw(&PathElement::new(ends, line_style(page.theme.grid, 0.8)))?;
                }
                for end in [p, q] {
                    let upright = [self.pixel_at(end, 0.0), self.pixel_at(end, 1.0)];
                    page.draw(&PathElement::new(upright, line_style(page.theme.axis, 0.8)))?;
                }
                let top = [self.pixel_at(p, 1.0), self.pixel_at(q, 1.0)];
                page.draw(&PathElement::new(top, line_style(page.theme.axis, 0.8)))?;
            }
            let edge = [self.pixel_at(p, 0.0), self.pixel_at(q, 0.0)];
            page.draw(&PathElement::new(edge, line_style(page.theme.axis, 1.0)))?;
        }
        Ok(())
    }

    /// Figures and names of the axes; where there would be two of them at a place there is the first.
    pub(super) fn draw_labels<DB: DrawingBackend>(&self, page: &FigurePage<'_, DB>) -> DrawResult<DB> {
        let mut taken: Vec<[f64; 4]> = Vec::new();
        self.draw_height_labels(page, &mut taken)?;
        let [u, v] = self.map.style.part.unwrap_or([(0.0, 1.0); 2]);
        for (name, (from, to), along_u) in [("u", u, true), ("v", v, false)] {
            let Some([p, q]) = self.nearest_side(along_u) else {
                continue;
            };
            let between = |t: f64| (p.0 + t * (q.0 - p.0), p.1 + t * (q.1 - p.1));
            self.draw_floor_label(page, &mut taken, between(0.5), 34.0, name, true)?;
            for t in [0.0, 0.25, 0.5, 0.75, 1.0] {
                let text = format_trimmed(round_thousandths(from + t * (to - from)));
                self.draw_floor_label(page, &mut taken, between(t), 14.0, &text, false)?;
            }
        }
        Ok(())
    }

    /// The side of the floor along a parameter, growing, that is nearest to the viewer.
    fn nearest_side(&self, along_u: bool) -> Option<[FloorPoint; 2]> {
        let along = |side: &[FloorPoint; 2]| {
            let [p, q] = side;
            let (du, dv) = ((q.0 - p.0).abs(), (q.1 - p.1).abs());
            if along_u { du > 0.5 && dv < 0.5 } else { dv > 0.5 && du < 0.5 }
        };
        let depth = |side: &[FloorPoint; 2]| self.floor_depth(side[0]) + self.floor_depth(side[1]);
        let nearest = self.floor_sides().filter(along).min_by(|a, b| depth(a).total_cmp(&depth(b)))?;
        let [p, q] = nearest;
        Some(if p.0 + p.1 > q.0 + q.1 { [q, p] } else { [p, q] })
    }

    /// Writes beside a place of the floor, away from its middle.
    fn draw_floor_label<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        taken: &mut Vec<[f64; 4]>,
        spot: FloorPoint,
        far: f64,
        text_: &str,
        name: bool,
    ) -> DrawResult<DB> {
        let (middle, (x, y)) = (self.project_point(0.5, 0.5, 0.0), self.project_point(spot.0, spot.1, 0.0));
        let (dx, dy) = (x - middle.0, y - middle.1);
        // Of an edge seen from its end there is no outward: then downward.
        let long = dx.hypot(dy);
        let (dx, dy) = if long > 8.0 { (dx / long, dy / long) } else { (0.0, 1.0) };
        // Seen from low, the floor is a line; labels still go below it.
        let (dx, dy) = (0.75 * dx, dy.max(0.55));
        let long = dx.hypot(dy);
        let at = (x + far * dx / long, y + far * dy / long);
        let style = match name {
            true => text_style(13.0, page.theme.text, HPos::Center, VPos::Center),
            false => text_style(11.0, page.theme.muted, HPos::Center, VPos::Center),
        };
        self.draw_label_if_free(page, taken, at, text_, &style, 0.5)
    }

    /// Writes a text in nominal points in a free place; `side` is the part of its width that lies left of the place.
    fn draw_label_if_free<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        taken: &mut Vec<[f64; 4]>,
        (x, y): (f64, f64),
        text: &str,
        style: &TextStyle<'_>,
        side: f64,
    ) -> DrawResult<DB> {
        let (width, height) = page.estimate_text_size(text, style)?;
        let (w, h) = (f64::from(width) / PIXELS_PER_POINT, f64::from(height) / PIXELS_PER_POINT);
        let left = x - side * w;
        let room = [left - 2.0, y - h / 2.0, left + w + 2.0, y + h / 2.0];
        let meets = |o: &[f64; 4]| room[0] < o[2] && o[0] < room[2] && room[1] < o[3] && o[1] < room[3];
        if taken.iter().any(meets) {
            return Ok(());
        }
        taken.push(room);
        page.draw_text(text, style, (px(x), px(y)))
    }

    /// The figures of the heights, at the upright that is farthest to the left.
    fn draw_height_labels<DB: DrawingBackend>(
        &self,
        page: &FigurePage<'_, DB>,
        taken: &mut Vec<[f64; 4]>,
    ) -> DrawResult<DB> {
        let x = |c: &FloorPoint| self.project_point(c.0, c.1, 0.0).0;
        let Some(&left) = self.floor_corners().iter().min_by(|a, b| x(a).total_cmp(&x(b))) else {
            return Ok(());
        };
        let upright = [self.pixel_at(left, 0.0), self.pixel_at(left, 1.0)];
        page.draw(&PathElement::new(upright, line_style(page.theme.axis, 1.0)))?;
        let style = text_style(11.0, page.theme.muted, HPos::Right, VPos::Center);
        for (value, label) in self.map.bar_labels() {
            let (x, y) = self.project_point(left.0, left.1, self.normalized_height(value));
            let tick = [(px(x - 4.0), px(y)), (px(x), px(y))];
            page.draw(&PathElement::new(tick, line_style(page.theme.axis, 1.0)))?;
            self.draw_label_if_free(page, taken, (x - 12.0, y), &label, &style, 1.0)?;
        }
        let (x, y) = self.project_point(left.0, left.1, 1.0);
        // Beside the sign of a corner that may be drawn there.
        let style = text_style(11.5, page.theme.text, HPos::Right, VPos::Center);
        let name = self.map.bar_label();
        self.draw_label_if_free(page, taken, (x - 12.0, y - 16.0), &name, &style, 1.0)
    }
}

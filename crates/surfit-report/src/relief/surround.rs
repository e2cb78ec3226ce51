//! What stands around a relief: the floor, the walls behind it, and the figures of all three axes.

use super::PlacedRelief;
use crate::axes::{DrawResult, plain};
use crate::heatmap::round;
use crate::style::*;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};
use surfit_core::surface::Patch;

/// A place on the floor.
type FloorPoint = (f64, f64);

impl PlacedRelief<'_, '_> {
    /// The corners of the floor, in order round it.
    fn floor(&self) -> &'static [FloorPoint] {
        match self.map.heatmap.patch {
            Patch::Triangle if self.map.look.part.is_none() => {
                &[(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]
            }
            _ => &[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)],
        }
    }

    /// The sides of the floor.
    fn sides(&self) -> impl Iterator<Item = [FloorPoint; 2]> {
        let floor = self.floor();
        (0..floor.len()).map(|k| [floor[k], floor[(k + 1) % floor.len()]])
    }

    fn depth(&self, (s, t): FloorPoint) -> f64 {
        self.projection.project(s, t, 0.0).depth
    }

    fn at(&self, (s, t): FloorPoint, height: f64) -> (i32, i32) {
        let (x, y) = self.point(s, t, height);
        (px(x), px(y))
    }

    /// The floor, and the walls behind the surface with lines at the heights of the ticks.
    pub(super) fn frame<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
    ) -> DrawResult<DB> {
        let middle = self.depth((0.5, 0.5));
        let ticks = self.map.bar_ticks(self.range.0, self.range.1);
        let floor: Vec<(i32, i32)> = self.floor().iter().map(|&c| self.at(c, 0.0)).collect();
        area.draw(&Polygon::new(floor, fill(RGBColor(0xf6, 0xf7, 0xf9))))?;
        for [p, q] in self.sides() {
            let behind = (self.depth(p) + self.depth(q)) / 2.0 > middle + 1e-6;
            if behind {
                for (value, _) in &ticks {
                    let height = self.height(*value);
                    let ends = [self.at(p, height), self.at(q, height)];
                    area.draw(&PathElement::new(ends, line(GRID, 0.8)))?;
                }
                for end in [p, q] {
                    let upright = [self.at(end, 0.0), self.at(end, 1.0)];
                    area.draw(&PathElement::new(upright, line(AXIS, 0.8)))?;
                }
                let top = [self.at(p, 1.0), self.at(q, 1.0)];
                area.draw(&PathElement::new(top, line(AXIS, 0.8)))?;
            }
            let edge = [self.at(p, 0.0), self.at(q, 0.0)];
            area.draw(&PathElement::new(edge, line(AXIS, 1.0)))?;
        }
        Ok(())
    }

    /// Figures and names of the axes; where there would be two of them at a place there is the first.
    pub(super) fn labels<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
    ) -> DrawResult<DB> {
        let mut taken: Vec<[f64; 4]> = Vec::new();
        self.heights(area, &mut taken)?;
        let [u, v] = self.map.look.part.unwrap_or([(0.0, 1.0); 2]);
        for (name, (from, to), along_u) in [("u", u, true), ("v", v, false)] {
            let Some([p, q]) = self.nearest_side(along_u) else {
                continue;
            };
            let between = |t: f64| (p.0 + t * (q.0 - p.0), p.1 + t * (q.1 - p.1));
            self.put(area, &mut taken, between(0.5), 34.0, name, true)?;
            for t in [0.0, 0.25, 0.5, 0.75, 1.0] {
                let text = plain(round(from + t * (to - from)));
                self.put(area, &mut taken, between(t), 14.0, &text, false)?;
            }
        }
        Ok(())
    }

    /// The side of the floor along a parameter, growing, that lies nearest to the viewer.
    fn nearest_side(&self, along_u: bool) -> Option<[FloorPoint; 2]> {
        let along = |side: &[FloorPoint; 2]| {
            let [p, q] = side;
            let (du, dv) = ((q.0 - p.0).abs(), (q.1 - p.1).abs());
            if along_u {
                du > 0.5 && dv < 0.5
            } else {
                dv > 0.5 && du < 0.5
            }
        };
        let depth = |side: &[FloorPoint; 2]| self.depth(side[0]) + self.depth(side[1]);
        let nearest = self
            .sides()
            .filter(along)
            .min_by(|a, b| depth(a).total_cmp(&depth(b)))?;
        let [p, q] = nearest;
        Some(if p.0 + p.1 > q.0 + q.1 {
            [q, p]
        } else {
            [p, q]
        })
    }

    /// Writes beside a place of the floor, away from its middle.
    fn put<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
        taken: &mut Vec<[f64; 4]>,
        spot: FloorPoint,
        far: f64,
        text_: &str,
        name: bool,
    ) -> DrawResult<DB> {
        let (middle, (x, y)) = (self.point(0.5, 0.5, 0.0), self.point(spot.0, spot.1, 0.0));
        let (dx, dy) = (x - middle.0, y - middle.1);
        // Of an edge seen from its end there is no outward: then downward.
        let long = dx.hypot(dy);
        let (dx, dy) = if long > 8.0 {
            (dx / long, dy / long)
        } else {
            (0.0, 1.0)
        };
        // Seen from low, the floor is a line; labels still go below it.
        let (dx, dy) = (0.75 * dx, dy.max(0.55));
        let long = dx.hypot(dy);
        let at = (x + far * dx / long, y + far * dy / long);
        let style = match name {
            true => text(13.0, INK, HPos::Center, VPos::Center),
            false => text(11.0, MUTED, HPos::Center, VPos::Center),
        };
        self.write(area, taken, at, text_, &style, 0.5)
    }

    /// Writes a text in nominal points where nothing stands yet; `side` is the part of its width that lies left of the place.
    fn write<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
        taken: &mut Vec<[f64; 4]>,
        (x, y): (f64, f64),
        text: &str,
        style: &TextStyle<'_>,
        side: f64,
    ) -> DrawResult<DB> {
        let (width, height) = area.estimate_text_size(text, style)?;
        let (w, h) = (f64::from(width) / SCALE, f64::from(height) / SCALE);
        let left = x - side * w;
        let room = [left - 2.0, y - h / 2.0, left + w + 2.0, y + h / 2.0];
        let meets =
            |o: &[f64; 4]| room[0] < o[2] && o[0] < room[2] && room[1] < o[3] && o[1] < room[3];
        if taken.iter().any(meets) {
            return Ok(());
        }
        taken.push(room);
        area.draw_text(text, style, (px(x), px(y)))
    }

    /// The figures of the heights, at the upright that is farthest to the left.
    fn heights<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
        taken: &mut Vec<[f64; 4]>,
    ) -> DrawResult<DB> {
        let x = |c: &FloorPoint| self.point(c.0, c.1, 0.0).0;
        let Some(&left) = self.floor().iter().min_by(|a, b| x(a).total_cmp(&x(b))) else {
            return Ok(());
        };
        let upright = [self.at(left, 0.0), self.at(left, 1.0)];
        area.draw(&PathElement::new(upright, line(AXIS, 1.0)))?;
        let style = text(11.0, MUTED, HPos::Right, VPos::Center);
        for (value, label) in self.map.bar_ticks(self.range.0, self.range.1) {
            let (x, y) = self.point(left.0, left.1, self.height(value));
            let tick = [(px(x - 4.0), px(y)), (px(x), px(y))];
            area.draw(&PathElement::new(tick, line(AXIS, 1.0)))?;
            self.write(area, taken, (x - 12.0, y), &label, &style, 1.0)?;
        }
        let (x, y) = self.point(left.0, left.1, 1.0);
        // Beside the sign of a corner that may stand there.
        let style = text(11.5, INK, HPos::Right, VPos::Center);
        let name = self.map.bar_name();
        self.write(area, taken, (x - 12.0, y - 16.0), &name, &style, 1.0)
    }
}

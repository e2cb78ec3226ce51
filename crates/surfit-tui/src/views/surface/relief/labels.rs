//! The frame of a relief: its floor and walls, the axes' names and ends, corners, best points, the cursor.

use super::camera::ProjectedPoint;
use super::raster::FaceRaster;
use super::{BlockSet, ScreenRelief};
use crate::theme::ThemeRole;
use crate::views::plot::text;
use crate::views::surface::strokes::StrokeCanvas;
use crate::views::surface::{color_bar, format_parameter, map};
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use surfit_core::surface::Patch;

impl ScreenRelief<'_> {
    /// The corners of the floor as `(u, v)`, in order round it.
    fn floor(&self) -> &'static [(f64, f64)] {
        match self.scene.heatmap.patch {
            Patch::Triangle if self.scene.cells.is_all() => &[(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)],
            _ => &[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)],
        }
    }

    /// The floor and the uprights behind the surface.
    pub(super) fn frame(&self, buf: &mut Buffer, raster: &FaceRaster, fine: BlockSet) {
        let theme = self.scene.theme;
        let (px, py) = fine.pixels();
        let floor = self.floor();
        let at = |(u, v): (f64, f64), t: f64| self.projection.project(u, v, t);
        let near = floor.iter().map(|&c| at(c, 0.0).depth).fold(f64::INFINITY, f64::min);
        let mut lines: Vec<(ProjectedPoint, ProjectedPoint)> = Vec::new();
        for (k, &corner) in floor.iter().enumerate() {
            lines.push((at(corner, 0.0), at(floor[(k + 1) % floor.len()], 0.0)));
            if at(corner, 0.0).depth > near + 1e-6 {
                lines.push((at(corner, 0.0), at(corner, 1.0)));
            }
        }
        let mut strokes = StrokeCanvas::new(self.room.width, self.room.height, theme.is_ascii());
        for (p, q) in lines {
            let seen = |k: f64| {
                let at = |a: f64, b: f64| a + k * (b - a);
                raster.is_visible_at_pixel(at(p.x, q.x) * px as f64, at(p.y, q.y) * py as f64, at(p.depth, q.depth))
            };
            strokes.line_where((p.x, p.y), (q.x, q.y), 0, seen);
        }
        strokes.draw(self.room, buf, |_, _, _| Some(theme.style(ThemeRole::Border)));
    }

    pub(super) fn labels(&self, buf: &mut Buffer, raster: &FaceRaster, fine: BlockSet) {
        self.axes(buf);
        self.heights(buf);
        self.corners(buf);
        let theme = self.scene.theme;
        let star = theme.pick_glyph("★", "*");
        if let Some(index) = self.scene.best.filter(|_| self.scene.peaks.is_empty()) {
            self.sign(buf, index, star, ThemeRole::Best);
        }
        for (n, &index) in self.scene.peaks.iter().enumerate().rev() {
            self.sign(buf, index, &format!("{star}{}", n + 1), ThemeRole::Best);
        }
        let cursor = self.scene.index(self.scene.cursor);
        if let Some(spot) = self.projected_points.get(cursor).copied().flatten() {
            let (px, py) = fine.pixels();
            let seen = raster.is_visible(spot.x * px as f64, spot.y * py as f64, spot.depth);
            let glyph = match (seen, theme.is_ascii()) {
                (true, false) => "◆",
                (false, false) => "◇",
                (true, true) => "X",
                (false, true) => "x",
            };
            self.sign(buf, cursor, glyph, ThemeRole::Accent);
        }
    }

    /// Writes where a spot is, moved by characters; outside the area nothing happens.
    fn put(&self, buf: &mut Buffer, (x, y): (f64, f64), text: &str, style: Style) {
        let (x, y) = (x.floor(), y.floor());
        let wide = text.chars().count() as f64;
        let room = self.room;
        let inside = x >= 0.0 && y >= 0.0 && x + wide <= f64::from(room.width);
        if inside && y < f64::from(room.height) {
            let (x, y) = (room.x + x as u16, room.y + y as u16);
            text::put(buf, x, y, wide as u16, text, style);
        }
    }

    /// Names and ends of `u` and `v` along the floor's edges that are in front.
    fn axes(&self, buf: &mut Buffer) {
        let theme = self.scene.theme;
        let (axis, name) = (theme.style(ThemeRole::Axis), theme.style(ThemeRole::Accent));
        let at = |u: f64, v: f64| self.projection.project(u, v, 0.0);
        let square = self.scene.heatmap.patch == Patch::Square;
        // Of two parallel edges the nearer; a triangular patch has one.
        let v_of_u = if square && at(0.5, 1.0).depth < at(0.5, 0.0).depth { 1.0 } else { 0.0 };
        let u_of_v = if square && at(1.0, 0.5).depth < at(0.0, 0.5).depth { 1.0 } else { 0.0 };
        let middle = at(0.5, 0.5).x;
        let mut beside = |spot: ProjectedPoint, label: &str, style: Style| {
            let wide = label.chars().count() as f64;
            let x = match spot.x - middle {
                d if d < -2.0 => spot.x - wide,
                d if d > 2.0 => spot.x + 1.0,
                _ => spot.x - wide / 2.0,
            };
            self.put(buf, (x, spot.y + 1.0), label, style);
        };
        let [u, v] = self.scene.cells.parameter_ranges();
        let labels = |(from, to): (f64, f64), letter: &str| {
            let numbers = [(0.04, format_parameter(from), axis), (0.96, format_parameter(to), axis)];
            numbers.into_iter().chain([(0.5, letter.to_string(), name)])
        };
        let met = |t: f64, other: f64| (t - other).abs() < 0.1;
        // Where the axes meet there is one label: of both, the left one's first, unless they are the same.
        let (u_end, v_end) = (
            format_parameter(if u_of_v > 0.5 { u.1 } else { u.0 }),
            format_parameter(if v_of_u > 0.5 { v.1 } else { v.0 }),
        );
        let shared = match at(0.5, v_of_u).x < at(u_of_v, 0.5).x {
            _ if u_end == v_end => u_end,
            true => format!("{u_end} {v_end}"),
            false => format!("{v_end} {u_end}"),
        };
        for (t, label, style) in labels(u, "u") {
            let label = if met(t, u_of_v) { &shared } else { &label };
            beside(at(t, v_of_u), label, style);
        }
        for (t, label, style) in labels(v, "v") {
            if !met(t, v_of_u) {
                beside(at(u_of_v, t), &label, style);
            }
        }
    }

    /// The range's ends at the upright that is farthest to the left.
    fn heights(&self, buf: &mut Buffer) {
        let range = self.scene.range;
        let project = |&(u, v): &(f64, f64), t: f64| self.projection.project(u, v, t);
        let left = self.floor().iter().min_by(|a, b| project(a, 0.0).x.total_cmp(&project(b, 0.0).x));
        let Some(left) = left else { return };
        let style = self.scene.theme.style(ThemeRole::Axis);
        let (low, high) = (project(left, 0.0), project(left, 1.0));
        let most = ((low.y - high.y) / 2.0).floor().clamp(2.0, 6.0) as usize;
        let mut rows: Vec<f64> = Vec::new();
        for (value, label) in color_bar::range_labels(self.scene, most) {
            let spot = project(left, range.height(value));
            if rows.iter().any(|y| (y - spot.y).abs() < 1.6) {
                continue;
            }
            rows.push(spot.y);
            let wide = label.chars().count() as f64;
            self.put(buf, (spot.x - wide - 1.0, spot.y - 0.4), &label, style);
        }
    }

    fn corners(&self, buf: &mut Buffer) {
        for (corner, index) in self.scene.heatmap.corner_cells().into_iter().enumerate() {
            let Some(spot) = self.projected_points.get(index).copied().flatten() else {
                continue;
            };
            let style = self.scene.theme.style(ThemeRole::corner(corner));
            let number = (corner + 1).to_string();
            let at = (spot.x, spot.y - 1.0);
            self.put(buf, at, &number, style.add_modifier(Modifier::BOLD));
        }
    }

    /// A sign at the point over a cell, readable on whatever is there.
    fn sign(&self, buf: &mut Buffer, index: usize, sign: &str, role: ThemeRole) {
        let Some(spot) = self.projected_points.get(index).copied().flatten() else {
            return;
        };
        let x = (self.room.x + spot.x.max(0.0) as u16).min(self.room.right() - 1);
        let y = (self.room.y + spot.y.max(0.0) as u16).min(self.room.bottom() - 1);
        let theme = self.scene.theme;
        let style = match buf.cell((x, y)).map(|c| c.bg) {
            Some(Color::Rgb(r, g, b)) => Style::new().fg(theme.rgb(map::contrast_color((r, g, b)))),
            _ => theme.style(role),
        };
        self.put(buf, (spot.x, spot.y), sign, style.add_modifier(Modifier::BOLD));
    }
}

//! The surface as a relief in three dimensions: faces of coloured blocks, or a net of lines where blocks or colours are not
//! to be had. Hidden parts are not drawn.

mod camera;
mod labels;
mod raster;

pub use camera::Camera;

use super::layout::SurfaceLayout;
use super::map::{self, mix_colors};
use super::strokes::StrokeCanvas;
use super::{CellPaint, Contours, SurfaceScene, contours};
use crate::theme::{GlyphSet, ThemeRole};
use crate::views::plot::blocks::{BlockCanvas, BlockSet};
use camera::{ProjectedPoint, Projection};
use raster::{FaceRaster, Vertex};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use surfit_core::heatmap::CellField;

pub(super) fn draw(buf: &mut Buffer, scene: &SurfaceScene<'_>, layout: &SurfaceLayout) {
    let room = layout.map.intersection(*buf.area());
    if let Some(relief) = ScreenRelief::of(scene, room) {
        relief.draw(buf);
    }
}

/// The cell whose point is drawn nearest to a character; `None` when none is near.
pub(super) fn cell_at(scene: &SurfaceScene<'_>, room: Rect, column: u16, row: u16) -> Option<(usize, usize)> {
    if !room.contains((column, row).into()) {
        return None;
    }
    let relief = ScreenRelief::of(scene, room)?;
    let at = (f64::from(column - room.x) + 0.5, f64::from(row - room.y) + 0.5);
    let distance = |index: usize| {
        let p = relief.projected_points[index]?;
        let far = (p.x - at.0).hypot(2.0 * (p.y - at.1));
        // Of points at one place the nearer to the viewer is chosen.
        Some(far + 0.5 * p.depth)
    };
    let (index, far) =
        scene.heatmap.surface_cells().filter_map(|i| Some((i, distance(i)?))).min_by(|a, b| a.1.total_cmp(&b.1))?;
    (far < 4.0).then_some((index / scene.heatmap.grid, index % scene.heatmap.grid))
}

/// Position of a cell on the floor, 0 to 1 along either axis.
fn floor_position(scene: &SurfaceScene<'_>, index: usize) -> (f64, f64) {
    let grid = scene.heatmap.grid;
    scene.cells.fraction(((index / grid) as f64, (index % grid) as f64))
}

struct ScreenRelief<'a> {
    scene: &'a SurfaceScene<'a>,
    room: Rect,
    projection: Projection,
    field: CellField,
    /// Where the point over each cell falls, in characters from the room's upper left.
    projected_points: Vec<Option<ProjectedPoint>>,
}

impl<'a> ScreenRelief<'a> {
    fn of(scene: &'a SurfaceScene<'a>, room: Rect) -> Option<Self> {
        if room.width < 10 || room.height < 5 {
            return None;
        }
        let margins = if room.width >= 36 && room.height >= 10 { [7, 5, 1, 1] } else { [1, 1, 0, 1] };
        let camera = scene.view.camera;
        let projection = camera::fit_projection(camera, (room.width, room.height), margins);
        let field = scene.field.fill_missing(|i| scene.heatmap.contains_cell(i));
        // The part that is shown takes the whole of the floor.
        let spot = |index: usize| {
            let cell = (index / field.grid, index % field.grid);
            let value = field.values[index].filter(|_| scene.cells.contains(cell))?;
            let (s, t) = floor_position(scene, index);
            Some(projection.project(s, t, scene.range.height(value)))
        };
        let spots = (0..field.values.len()).map(spot).collect();
        Some(Self { scene, room, projection, field, projected_points: spots })
    }

    fn draw(&self, buf: &mut Buffer) {
        let theme = self.scene.theme;
        let faces = CellPaint::of(theme) == CellPaint::Halves;
        let fine = match faces {
            true if theme.glyphs() == GlyphSet::Blocks => BlockSet::Halves,
            true => BlockSet::Quadrants,
            false => BlockSet::Braille,
        };
        let raster = self.raster(fine);
        self.frame(buf, &raster, fine);
        if faces {
            self.faces(buf, &raster, fine);
        } else {
            self.net(buf, &raster, fine);
        }
        self.labels(buf, &raster, fine);
    }

    fn vertex(&self, index: usize, fine: BlockSet) -> Option<Vertex> {
        let (spot, (x, y)) = (self.projected_points[index]?, fine.pixels());
        Some(Vertex { x: spot.x * x as f64, y: spot.y * y as f64, depth: spot.depth, value: self.field.values[index]? })
    }

    fn raster(&self, fine: BlockSet) -> FaceRaster {
        let (x, y) = fine.pixels();
        let size = (usize::from(self.room.width) * x, usize::from(self.room.height) * y);
        let mut raster = FaceRaster::new(size.0, size.1);
        let grid = self.field.grid;
        for (a, b) in (0..grid - 1).flat_map(|a| (0..grid - 1).map(move |b| (a, b))) {
            let at = |da: usize, db: usize| (a + da) * grid + b + db;
            for triangle in [[at(0, 0), at(1, 0), at(0, 1)], [at(1, 1), at(0, 1), at(1, 0)]] {
                let [Some(p), Some(q), Some(r)] = triangle.map(|i| self.vertex(i, fine)) else {
                    continue;
                };
                let pale = triangle.map(|i| self.paleness(i));
                let pale = pale.into_iter().fold(0.0, f64::max);
                raster.fill([p, q, r], self.light(triangle), pale);
            }
        }
        raster
    }

    /// How much of the ground's colour the surface has at a cell.
    fn paleness(&self, index: usize) -> f64 {
        match self.scene.value(index) {
            Some(_) => map::paleness(self.scene, index),
            None => 0.4,
        }
    }

    /// How bright a triangle of cells is, up to 1.
    fn light(&self, triangle: [usize; 3]) -> f64 {
        let corner = |index: usize| {
            let (u, v) = floor_position(self.scene, index);
            let t = self.field.values[index].map_or(0.0, |v| self.scene.range.height(v));
            [u, v, t * self.projection.height()]
        };
        0.5 + 0.5 * self.projection.light_intensity(triangle.map(corner))
    }

    /// Faces in the colours of their values, shaded, with the net of cells drawn on them.
    fn faces(&self, buf: &mut Buffer, raster: &FaceRaster, fine: BlockSet) {
        let (theme, ground) = (self.scene.theme, self.scene.theme.background_rgb());
        let mut blocks = BlockCanvas::new(self.room.width, self.room.height, fine);
        let mut lines = vec![false; raster.width * raster.height];
        for (from, to) in self.net_edges(fine) {
            if let (Some(p), Some(q)) = (self.projected_points[from], self.projected_points[to]) {
                raster.mark_line([p, q], fine, &mut lines);
            }
        }
        let contours = self.contour_pixels(raster, fine);
        for (x, y) in (0..raster.height).flat_map(|y| (0..raster.width).map(move |x| (x, y))) {
            let Some(face) = raster.face(x, y) else {
                continue;
            };
            let full = map::fresh_color(self.scene, f64::from(face.value));
            let line = if lines[y * raster.width + x] { 0.07 } else { 0.0 };
            let mut colour = mix_colors((0, 0, 0), full, f64::from(face.light) - line);
            colour = mix_colors(colour, ground, f64::from(face.paleness));
            if contours[y * raster.width + x] {
                colour = mix_colors(colour, map::contrast_color(colour), 0.55);
            }
            blocks.set(x, y, colour);
        }
        blocks.draw(self.room, buf, theme);
    }

    /// The pixels of contour lines that are seen, when lines are wanted.
    fn contour_pixels(&self, raster: &FaceRaster, fine: BlockSet) -> Vec<bool> {
        let mut out = vec![false; raster.width * raster.height];
        if self.scene.view.contours == Contours::Off {
            return out;
        }
        let cells = self.scene.cells;
        let shown = |p: (f64, f64)| {
            let (s, t) = cells.fraction(p);
            (0.0..=1.0).contains(&s) && (0.0..=1.0).contains(&t)
        };
        for level in contours::contour_levels(self.scene, self.room.height) {
            let t = self.scene.range.height(level);
            let line = self.field.contour_segments(level).into_iter();
            for segment in line.filter(|s| s.iter().all(|&p| shown(p))) {
                let ends = segment.map(|p| {
                    let (a, b) = cells.fraction(p);
                    self.projection.project(a, b, t)
                });
                raster.mark_line(ends, fine, &mut out);
            }
        }
        out
    }

    fn net(&self, buf: &mut Buffer, raster: &FaceRaster, fine: BlockSet) {
        const INKS: f64 = 24.0;
        let theme = self.scene.theme;
        let (px, py) = fine.pixels();
        let mut strokes = StrokeCanvas::new(self.room.width, self.room.height, theme.is_ascii());
        for (from, to) in self.net_edges(fine) {
            let (Some(p), Some(q)) = (self.projected_points[from], self.projected_points[to]) else {
                continue;
            };
            let values = [from, to].map(|i| self.field.values[i].unwrap_or(0.0));
            let t = self.scene.range.height(values[0] / 2.0 + values[1] / 2.0);
            let known = [from, to].iter().all(|&i| self.scene.value(i).is_some());
            let seen = |k: f64| {
                let at = |a: f64, b: f64| a + k * (b - a);
                // A line between cells that are not measured is broken.
                (known || ((k * 6.0) as usize).is_multiple_of(2))
                    && raster.is_visible(at(p.x, q.x) * px as f64, at(p.y, q.y) * py as f64, at(p.depth, q.depth))
            };
            strokes.line_where((p.x, p.y), (q.x, q.y), (t * INKS) as u16, seen);
        }
        strokes.draw(self.room, buf, |_, _, ink| Some(self.net_style((f64::from(ink) + 0.5) / INKS)));
    }

    fn net_style(&self, height: f64) -> Style {
        let theme = self.scene.theme;
        if CellPaint::of(theme) == CellPaint::Glyphs {
            return theme.style(ThemeRole::CurveSmooth);
        }
        let range = self.scene.range;
        let colour = map::fresh_color(self.scene, range.lo + height * (range.hi - range.lo));
        Style::new().fg(theme.rgb(mix_colors(colour, map::contrast_color(theme.background_rgb()), 0.2)))
    }

    /// The cells that lines are drawn between: every so many-th row and column, and the last, so that lines stay apart.
    fn net_edges(&self, fine: BlockSet) -> Vec<(usize, usize)> {
        let grid = self.field.grid;
        let (px, _) = fine.pixels();
        let cells = self.scene.cells;
        let apart = f64::from(self.room.width) * px as f64 / 1.4 / (cells.count - 1) as f64;
        let wanted = if self.scene.theme.is_ascii() { 14.0 } else { 5.0 };
        let every = (wanted / apart).ceil().max(1.0) as usize;
        let on = |k: usize, first: usize| {
            k.checked_sub(first).is_some_and(|k| k.is_multiple_of(every) || k == cells.count - 1)
        };
        let mut edges = Vec::new();
        for (a, b) in (0..grid).flat_map(|a| (0..grid).map(move |b| (a, b))) {
            let index = a * grid + b;
            if on(b, cells.first_cell.1) && a + 1 < grid {
                edges.push((index, index + grid));
            }
            if on(a, cells.first_cell.0) && b + 1 < grid {
                edges.push((index, index + 1));
            }
            // The third side of a triangular patch.
            let third = b > 0 && a + b == grid - 1 && self.field.get(a, b + 1).is_none();
            if third && self.field.get(grid - 1, grid - 1).is_none() && a + 1 < grid {
                edges.push((index, index + grid - 1));
            }
        }
        edges
    }
}

//! The map itself: cells, and what is marked in them.

mod cell_colors;
mod marks;

pub use cell_colors::{Rgb, cell_color, contrast_color, density, fresh_color, mix_colors, paleness, stale_glyph};

use super::layout::SurfaceLayout;
use super::{CellPaint, Contours, SurfaceScene, contours};
use crate::theme::{Theme, ThemeRole};
use crate::views::plot::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use surfit_core::surface::Patch;

pub fn draw(buf: &mut Buffer, scene: &SurfaceScene<'_>, layout: &SurfaceLayout) {
    if layout.pixels == 0 {
        return;
    }
    let canvas = MapCanvas { scene, layout, paint: CellPaint::of(scene.theme), unit: scene.figure_unit(layout) };
    canvas.draw_cells(buf);
    let lines = scene.view.contours != Contours::Off && scene.heatmap.patch != Patch::Curve;
    let labels = if lines { contours::draw(buf, scene, layout, canvas.draws_lines_only()) } else { Vec::new() };
    canvas.draw_cell_texts(buf);
    for (room, label, style) in labels {
        text::put(buf, room.x, room.y, room.width, &label, style);
    }
    canvas.corner_digits(buf);
    canvas.marks(buf);
    canvas.best(buf);
    canvas.cursor(buf);
}

enum MapPixel {
    Outside,
    Unmeasured,
    Measured(Color),
}

pub(super) struct MapCanvas<'a> {
    scene: &'a SurfaceScene<'a>,
    layout: &'a SurfaceLayout,
    paint: CellPaint,
    /// Unit of the figures in the cells, where these are narrow.
    unit: Option<i32>,
}

impl MapCanvas<'_> {
    fn theme(&self) -> &Theme {
        self.scene.theme
    }

    /// Lines take the place of colours or glyphs. Glyphs and lines together could not be read.
    fn draws_lines_only(&self) -> bool {
        let curve = self.scene.heatmap.patch == Patch::Curve;
        !curve
            && match self.scene.view.contours {
                Contours::Off => false,
                Contours::Over => self.paint == CellPaint::Glyphs,
                Contours::Alone => true,
            }
    }

    fn draw_cells(&self, buf: &mut Buffer) {
        let map = self.layout.map;
        for y in 0..map.height {
            for x in 0..map.width {
                let upper = self.pixel(x.into(), 2 * usize::from(y));
                let below = 2 * usize::from(y) + 1;
                let lower = if below < self.layout.pixels { self.pixel(x.into(), below) } else { MapPixel::Outside };
                let index =
                    self.shown_index((self.layout.column_cell(x.into()), self.layout.row_cell(2 * usize::from(y))));
                let Some(cell) = buf.cell_mut((map.x + x, map.y + y)) else {
                    continue;
                };
                let (glyph, style) = match self.paint {
                    CellPaint::Halves => self.halves(upper, lower),
                    CellPaint::Whole => self.whole(upper),
                    CellPaint::Glyphs => self.glyph(index),
                };
                cell.set_char(glyph).set_style(style);
            }
        }
    }

    /// The index of the cell that is drawn at a cell's place: a curve is drawn over the whole height.
    fn shown_index(&self, (a, b): (usize, usize)) -> usize {
        match self.scene.heatmap.patch {
            Patch::Curve => self.scene.index((a, 0)),
            _ => self.scene.index((a, b)),
        }
    }

    /// The characters of a cell; of a curve, the whole height.
    fn cell_area(&self, cell: (usize, usize)) -> Rect {
        let room = self.layout.cell_area(cell);
        match self.scene.heatmap.patch {
            Patch::Curve if !room.is_empty() => Rect { y: self.layout.map.y, height: self.layout.map.height, ..room },
            _ => room,
        }
    }

    fn pixel(&self, column: usize, row: usize) -> MapPixel {
        let (a, b) = (self.layout.column_cell(column), self.layout.row_cell(row));
        let index = self.shown_index((a, b));
        if !self.scene.heatmap.contains_cell(index) {
            return MapPixel::Outside;
        }
        let between = || {
            let from_below = self.layout.pixels.saturating_sub(1).saturating_sub(row);
            let (x, mut y) = self.layout.pixel_position((column, from_below));
            if self.scene.heatmap.patch == Patch::Curve {
                y = 0.0;
            }
            self.scene.field.interpolated_value(x, y)
        };
        let value = match self.scene.value(index) {
            Some(exact) if !self.scene.view.interpolate => Some(exact),
            Some(exact) => between().or(Some(exact)),
            None => None,
        };
        match value {
            Some(_) if self.draws_lines_only() => MapPixel::Outside,
            Some(value) => MapPixel::Measured(self.theme().rgb(cell_colors::value_color(self.scene, index, value))),
            None => MapPixel::Unmeasured,
        }
    }

    /// Two pixels in a character. Equal ones are a space on their colour, which is a third of the bytes.
    fn halves(&self, upper: MapPixel, lower: MapPixel) -> (char, Style) {
        use MapPixel::{Measured, Unmeasured};
        // Half of a character cannot be dotted: it has the colour that the dots make from afar.
        let dots = |pixel| match pixel {
            Unmeasured => self.theme().shade_color(ThemeRole::Unmeasured),
            Measured(_) | MapPixel::Outside => None,
        };
        let on = |colour| match colour {
            Some(c) => Style::new().bg(c),
            None => Style::new(),
        };
        match (upper, lower) {
            (Measured(a), Measured(b)) if a == b => (' ', Style::new().bg(a)),
            (Measured(a), Measured(b)) => ('▀', Style::new().fg(a).bg(b)),
            (Measured(a), other) => ('▀', on(dots(other)).fg(a)),
            (other, Measured(b)) => ('▄', on(dots(other)).fg(b)),
            (Unmeasured, Unmeasured) => ('░', self.theme().style(ThemeRole::Unmeasured)),
            _ => (' ', Style::new()),
        }
    }

    fn whole(&self, pixel: MapPixel) -> (char, Style) {
        match pixel {
            MapPixel::Measured(c) => (' ', Style::new().bg(c)),
            MapPixel::Unmeasured => ('.', self.theme().style(ThemeRole::Unmeasured)),
            MapPixel::Outside => (' ', Style::new()),
        }
    }

    fn glyph(&self, index: usize) -> (char, Style) {
        let theme = self.theme();
        if !self.scene.heatmap.contains_cell(index) {
            return (' ', Style::new());
        }
        let Some(value) = self.scene.value(index) else {
            // Beside glyphs a gap is visible enough; between lines alone it would not.
            let glyph = if self.draws_lines_only() { theme.pick_glyph('░', '.') } else { ' ' };
            return (glyph, theme.style(ThemeRole::Unmeasured));
        };
        if self.draws_lines_only() {
            return (' ', Style::new());
        }
        let role = if self.scene.heatmap.is_stale(index) { ThemeRole::Stale } else { ThemeRole::Text };
        (cell_colors::glyph_of(self.scene, value), theme.style(role))
    }
}

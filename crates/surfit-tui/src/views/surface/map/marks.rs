//! What is written into cells: figures, digits, signs, the cursor.

use super::{CellPaint, MapCanvas, SurfaceLayout, cell_color, contrast_color, stale_glyph};
use crate::theme::ThemeRole;
use crate::views::plot::text;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

impl MapCanvas<'_> {
    /// Style of letters in a cell, readable on whatever colour it has.
    fn text_style(&self, index: usize) -> Style {
        match (self.paint, cell_color(self.scene, index)) {
            (CellPaint::Glyphs, _) | (_, None) => self.theme().style(ThemeRole::Text),
            (_, Some(_)) if self.draws_lines_only() => self.theme().style(ThemeRole::Text),
            (_, Some(c)) => Style::new().fg(self.theme().rgb(contrast_color(c))).bg(self.theme().rgb(c)),
        }
    }

    fn write(&self, buf: &mut Buffer, x: u16, y: u16, text: &str, style: Style) {
        let room = self.layout.map;
        if room.contains((x, y).into()) {
            text::put(buf, x, y, room.right() - x, text, style);
        }
    }

    /// Figures, digits and signs of age in the cells.
    pub(super) fn draw_cell_texts(&self, buf: &mut Buffer) {
        let grid = self.scene.heatmap.grid;
        if self.layout.pixels < 2 * self.layout.grid {
            return;
        }
        for index in self.scene.heatmap.surface_cells() {
            let room = self.cell_area((index / grid, index % grid));
            if room.is_empty() {
                continue;
            }
            let (x, y) = center(room);
            let cell = &self.scene.heatmap.cells[index];
            let finite = cell.value(self.scene.view.metric).filter(|v| v.is_finite());
            let Some(value) = self.scene.value(index) else {
                // A difference may be missing because the other surface was not measured there: that is no fault.
                if cell.images > 0 && finite.is_none() {
                    self.write(buf, x, y, "!", self.theme().style(ThemeRole::Error));
                }
                continue;
            };
            let (ink, stale) = (self.text_style(index), self.scene.heatmap.is_stale(index));
            let figure = if self.scene.view.show_values { self.figure(value, room.width) } else { None };
            if let Some(figure) = figure {
                let left = room.x + (room.width - figure.len() as u16) / 2;
                self.write(buf, left, y, &figure, ink);
                if stale && room.height > 1 {
                    let row = if y + 1 < room.bottom() { y + 1 } else { y - 1 };
                    self.write(buf, x, row, stale_glyph(self.theme()), ink);
                }
            } else if self.paint == CellPaint::Glyphs && !self.draws_lines_only() {
                let digit = self.digit(value, room.width);
                let ink = self.style_on_glyph(ink, value);
                self.write(buf, x, y, &digit, ink.add_modifier(Modifier::BOLD));
                if stale && usize::from(room.width) > digit.len() {
                    self.write(buf, x + digit.len() as u16, y, stale_glyph(self.theme()), ink);
                }
            } else if stale {
                self.write(buf, x, y, stale_glyph(self.theme()), ink);
            }
        }
    }

    /// The value in tenths of the range; a difference has its sign where it fits.
    fn digit(&self, value: f64, width: u16) -> String {
        let digit = self.scene.range.digit(value);
        match width {
            2.. if self.scene.range.kind.signed && digit > 0 => {
                format!("{}{digit}", if value < 0.0 { '-' } else { '+' })
            }
            _ => digit.to_string(),
        }
    }

    /// Letters on dense glyphs are turned inside out: dark on light, as their surroundings.
    fn style_on_glyph(&self, ink: Style, value: f64) -> Style {
        let blocks = self.paint == CellPaint::Glyphs && !self.theme().is_ascii();
        let half = if self.scene.range.kind.signed { 0.75 } else { 0.5 };
        let dense = blocks && self.scene.range.quality(value) >= half;
        if dense { ink.add_modifier(Modifier::REVERSED) } else { ink }
    }

    fn figure_row(&self, index: usize, room: Rect) -> Option<u16> {
        let value = self.scene.value(index).filter(|_| self.scene.view.show_values)?;
        self.figure(value, room.width).map(|_| center(room).1)
    }

    /// The value with as many decimals as fit; `None` when not even the shortest form does.
    fn figure(&self, value: f64, width: u16) -> Option<String> {
        let kind = self.scene.range.kind;
        let value = if kind.percent { 100.0 * value } else { value };
        if let Some(unit) = self.unit {
            return Some(text::format_in_unit(value, unit, SurfaceLayout::figure_width(width)));
        }
        let fits = |text: &String| text.len() <= SurfaceLayout::figure_width(width);
        let written = |d: usize| {
            if kind.signed { format!("{value:+.d$}") } else { format!("{value:.d$}") }
        };
        [2, 1, 0].into_iter().map(written).find(fits)
    }

    /// The corners' numbers, in the outermost character of their cells, unless rows round the map have them.
    pub(super) fn corner_digits(&self, buf: &mut Buffer) {
        let last = self.scene.heatmap.grid - 1;
        if self.layout.pixels < 2 * self.layout.grid || self.layout.has_corner_rows {
            return;
        }
        for corner in 0..self.scene.heatmap.patch.corner_count() {
            let (a, b) = ((corner % 2) * last, (corner / 2) * last);
            let room = self.cell_area((a, b));
            if room.is_empty() {
                continue;
            }
            let x = if a == 0 { room.x } else { room.right() - 1 };
            let (outer, inner) = if b == 0 { (room.bottom() - 1, room.y) } else { (room.y, room.bottom() - 1) };
            // Beside the figure or the digit of its value, never in it.
            let figure = match self.paint {
                CellPaint::Glyphs => Some(center(room).1),
                _ => self.figure_row(self.scene.index((a, b)), room),
            };
            let Some(y) = [outer, inner].into_iter().find(|y| Some(*y) != figure) else {
                continue;
            };
            let style = self.text_style(self.scene.index((a, b))).add_modifier(Modifier::BOLD);
            self.write(buf, x, y, &(corner + 1).to_string(), style);
        }
    }

    pub(super) fn marks(&self, buf: &mut Buffer) {
        let Some(snapshot) = &self.scene.run_state.snapshot else {
            return;
        };
        for &(u, v) in &snapshot.marks {
            if u.is_finite() && v.is_finite() {
                let index = self.scene.heatmap.nearest_cell(u, v);
                self.sign(buf, index, self.theme().pick_glyph("◇", "m"));
            }
        }
    }

    /// The best cell, or the best of every neighbourhood with its number.
    pub(super) fn best(&self, buf: &mut Buffer) {
        let star = self.theme().pick_glyph("★", "*");
        if self.scene.peaks.is_empty() {
            if let Some(index) = self.scene.best {
                self.sign(buf, index, star);
            }
            return;
        }
        // The better ones are written last, where cells are so small that signs meet.
        for (n, &index) in self.scene.peaks.iter().enumerate().rev() {
            let room = self.cell_area(self.cell(index));
            let number = n + 1;
            if room.width >= 2 {
                self.sign(buf, index, &format!("{star}{number}"));
            } else {
                self.sign(buf, index, &number.to_string());
            }
        }
    }

    fn cell(&self, index: usize) -> (usize, usize) {
        let grid = self.scene.heatmap.grid;
        (index / grid, index % grid)
    }

    /// A sign in the middle of a cell, beside its figure where there is one.
    fn sign(&self, buf: &mut Buffer, index: usize, sign: &str) {
        let room = self.cell_area(self.cell(index));
        if room.is_empty() {
            return;
        }
        let (x, mut y) = center(room);
        let wide = sign.chars().count() as u16;
        let mut x = if wide > 1 { room.x + room.width.saturating_sub(2) / 2 } else { x };
        let style = self.text_style(index).add_modifier(Modifier::BOLD);
        match (self.figure_row(index, room), room.height) {
            (None, _) => {}
            // In the gap that keeps the figure apart from the next.
            (Some(_), 1) => x = room.right().saturating_sub(wide).max(room.x),
            (Some(_), _) => y = if y + 1 < room.bottom() { y + 1 } else { y - 1 },
        }
        self.write(buf, x, y, sign, style);
    }

    /// A frame round the cell, as much of one as fits.
    pub(super) fn cursor(&self, buf: &mut Buffer) {
        let index = self.scene.index(self.scene.cursor);
        let room = self.cell_area(self.scene.cursor);
        let style = match self.paint {
            CellPaint::Glyphs => self.theme().style(ThemeRole::Cursor),
            _ => self.text_style(index).add_modifier(Modifier::BOLD),
        };
        let (right, bottom) = (room.right().saturating_sub(1), room.bottom().saturating_sub(1));
        let blocks = !self.theme().is_ascii();
        if let Some(y) = self.figure_row(index, room).filter(|_| room.width < 7 || room.height < 3) {
            // A frame around the figure does not fit: turn its row inside out.
            let ink = self.text_style(index).add_modifier(Modifier::REVERSED | Modifier::BOLD);
            buf.set_style(Rect { y, height: 1, ..room }, ink);
            return;
        }
        match (room.width, room.height) {
            (0, _) | (_, 0) => {}
            (1, _) => self.write(buf, room.x, room.y, self.theme().pick_glyph("◉", "X"), style),
            (w, h) if blocks && w >= 4 && h >= 2 => {
                for (y, left_end, right_end) in [(room.y, "┏", "┓"), (bottom, "┗", "┛")] {
                    if h >= 3 {
                        let bar = "━".repeat(usize::from(w - 2));
                        self.write(buf, room.x + 1, y, &bar, style);
                    }
                    self.write(buf, room.x, y, left_end, style);
                    self.write(buf, right, y, right_end, style);
                }
                for y in room.y + 1..bottom {
                    self.write(buf, room.x, y, "┃", style);
                    self.write(buf, right, y, "┃", style);
                }
            }
            _ => {
                for y in room.y..room.bottom() {
                    self.write(buf, room.x, y, "[", style);
                    self.write(buf, right, y, "]", style);
                }
            }
        }
    }
}

fn center(room: Rect) -> (u16, u16) {
    (room.x + room.width.saturating_sub(1) / 2, room.y + room.height.saturating_sub(1) / 2)
}

//! A canvas of dots finer than characters: braille, half blocks, or dots and quotes where only ASCII is wanted.

use super::blocks::BlockSet;
use super::text;
use crate::glyphs::GlyphSet;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

#[derive(Clone, Copy, Default)]
struct DotCell {
    mask: u8,
    rank: u8,
    ink: u8,
}

/// A canvas over `width × height` characters. Inks are small numbers that the caller gives a style each.
///
/// A character has one colour, so where inks meet, the higher *rank* alone is drawn and stays a clean line; inks of
/// equal rank share the character, in the colour of the later one.
pub struct DotCanvas {
    width: usize,
    height: usize,
    glyphs: GlyphSet,
    spots: Vec<DotCell>,
}

impl DotCanvas {
    pub fn new(width: u16, height: u16, glyphs: GlyphSet) -> Self {
        let (width, height) = (usize::from(width), usize::from(height));
        Self { width, height, glyphs, spots: vec![DotCell::default(); width * height] }
    }

    fn blocks(&self) -> BlockSet {
        match self.glyphs {
            GlyphSet::Braille => BlockSet::Braille,
            GlyphSet::Blocks | GlyphSet::Ascii => BlockSet::Halves,
        }
    }

    pub fn columns(&self) -> usize {
        self.width * self.blocks().pixels().0
    }

    pub fn rows(&self) -> usize {
        self.height * self.blocks().pixels().1
    }

    /// The dot column of `x` and the dot row of `y`, both 0..1, `y` upward.
    pub fn dot_at(&self, x: f64, y: f64) -> (usize, usize) {
        let at = |t: f64, n: usize| (t.clamp(0.0, 1.0) * n.saturating_sub(1) as f64).round() as usize;
        (at(x, self.columns()), at(1.0 - y, self.rows()))
    }

    /// Sets a dot; outside the canvas nothing happens.
    pub fn set(&mut self, x: usize, y: usize, rank: u8, ink: u8) {
        let (dx, dy) = self.blocks().pixels();
        if x >= self.width * dx || y >= self.height * dy {
            return;
        }
        let bit = 1 << (y % dy * dx + x % dx);
        let spot = &mut self.spots[y / dy * self.width + x / dx];
        if spot.mask != 0 && spot.rank > rank {
            return;
        }
        if spot.rank < rank {
            spot.mask = 0;
        }
        *spot = DotCell { mask: spot.mask | bit, rank, ink };
    }

    /// A straight line between two dots, both included.
    pub fn line(&mut self, from: (usize, usize), to: (usize, usize), rank: u8, ink: u8) {
        let (x0, y0, x1, y1) = (from.0 as i64, from.1 as i64, to.0 as i64, to.1 as i64);
        let steps = (x1 - x0).abs().max((y1 - y0).abs()).max(1);
        let between = |a: i64, b: i64, k: i64| (a as f64 + (b - a) as f64 * k as f64 / steps as f64).round() as usize;
        for k in 0..=steps {
            self.set(between(x0, x1, k), between(y0, y1, k), rank, ink);
        }
    }

    #[cfg(test)]
    pub fn columns_with_dots(&self) -> Vec<usize> {
        let (dx, dy) = self.blocks().pixels();
        let bits = |x: usize| (0..dy).fold(0, |m, y| m | 1 << (y * dx + x % dx));
        let set = |x: &usize| {
            let column = self.spots.iter().skip(x / dx).step_by(self.width);
            column.fold(0, |m, s| m | s.mask) & bits(*x) != 0
        };
        (0..self.columns()).filter(set).collect()
    }

    /// Draws the dots into `area`, whose size the canvas was made for; empty characters are left unchanged.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, style: impl Fn(u8) -> Style) {
        self.draw_with_strokes(area, buf, style, |_| false);
    }

    /// The same with some inks drawn as strokes where only ASCII is wanted, so that a line stands out from points.
    pub fn draw_with_strokes(
        &self,
        area: Rect,
        buf: &mut Buffer,
        style: impl Fn(u8) -> Style,
        stroke: impl Fn(u8) -> bool,
    ) {
        let area = area.intersection(*buf.area());
        for (n, spot) in self.spots.iter().enumerate().filter(|(_, s)| s.mask != 0) {
            let (x, y) = ((n % self.width) as u16, (n / self.width) as u16);
            if x >= area.width || y >= area.height {
                continue;
            }
            let glyph = match (self.glyphs, spot.mask) {
                (GlyphSet::Ascii, 1) if stroke(spot.ink) => '-',
                (GlyphSet::Ascii, 2) if stroke(spot.ink) => '_',
                (GlyphSet::Ascii, _) if stroke(spot.ink) => '=',
                (GlyphSet::Ascii, 1) => '\'',
                (GlyphSet::Ascii, 2) => '.',
                (GlyphSet::Ascii, _) => ':',
                (_, mask) => self.blocks().glyph(mask),
            };
            text::reset_letter_style(buf, area.x + x, area.y + y);
            if let Some(cell) = buf.cell_mut((area.x + x, area.y + y)) {
                cell.set_char(glyph).set_style(style(spot.ink));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Color;

    #[test]
    fn a_diagonal_in_braille_in_blocks_and_in_ascii() {
        let area = Rect::new(0, 0, 2, 2);
        for (glyphs, end, want) in [
            (GlyphSet::Braille, (3, 3), vec!["⠑⢄"]),
            (GlyphSet::Blocks, (1, 1), vec!["▀▄", "  "]),
            (GlyphSet::Ascii, (1, 1), vec!["'.", "  "]),
        ] {
            let mut dots = DotCanvas::new(2, want.len() as u16, glyphs);
            dots.line((0, 0), end, 0, 7);
            let mut buf = Buffer::empty(area);
            dots.draw(area, &mut buf, |ink| Style::new().fg(Color::Indexed(ink)));
            for (y, row) in want.iter().enumerate() {
                let text: String = (0..2).map(|x| buf[(x, y as u16)].symbol()).collect();
                assert_eq!(&text, row);
            }
            assert_eq!(buf[(0, 0)].fg, Color::Indexed(7));
        }
    }

    #[test]
    fn higher_ranks_are_drawn_alone() {
        let mut dots = DotCanvas::new(1, 1, GlyphSet::Braille);
        dots.set(0, 0, 1, 1);
        dots.set(1, 3, 0, 2);
        assert_eq!((dots.spots[0].mask, dots.spots[0].ink), (0x01, 1));
        dots.set(1, 3, 2, 3);
        assert_eq!((dots.spots[0].mask, dots.spots[0].ink), (0x80, 3));
        dots.set(0, 0, 2, 4);
        assert_eq!((dots.spots[0].mask, dots.spots[0].ink), (0x81, 4));
        dots.set(99, 99, 9, 9);
    }
}

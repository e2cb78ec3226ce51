//! Characters that are made of smaller blocks, and a canvas of coloured pixels that is drawn with them.

use crate::color::Rgb;
use crate::theme::Theme;
use crate::views::surface::mix_colors;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Characters that are made of smaller pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockSet {
    Halves,
    /// Four quarters; every font with box drawing has them.
    Quadrants,
    /// Two by four dots, for lines instead of faces.
    Braille,
}

impl BlockSet {
    /// Pixels across and down a character.
    pub fn pixels(self) -> (usize, usize) {
        match self {
            BlockSet::Halves => (1, 2),
            BlockSet::Quadrants => (2, 2),
            BlockSet::Braille => (2, 4),
        }
    }

    /// The character whose pixels in `mask` are set, row by row from the upper left, the lowest bit first.
    pub fn glyph(self, mask: u8) -> char {
        const QUADRANTS: [char; 16] = [' ', '▘', '▝', '▀', '▖', '▌', '▞', '▛', '▗', '▚', '▐', '▜', '▄', '▙', '▟', '█'];
        match self {
            BlockSet::Halves => [' ', '▀', '▄', '█'][usize::from(mask & 3)],
            BlockSet::Quadrants => QUADRANTS[usize::from(mask & 15)],
            BlockSet::Braille => braille(mask),
        }
    }
}

fn braille(mask: u8) -> char {
    const BITS: [u32; 8] = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80];
    let dots = (0..8).filter(|k| mask >> k & 1 == 1).map(|k| BITS[k]).sum::<u32>();
    char::from_u32(0x2800 + dots).unwrap_or(' ')
}

/// Coloured pixels over an area of characters; a pixel without a colour lets the ground through.
pub(crate) struct BlockCanvas {
    block_set: BlockSet,
    pub width: usize,
    pub height: usize,
    pixels: Vec<Option<Rgb>>,
}

impl BlockCanvas {
    pub(crate) fn new(width: u16, height: u16, fine: BlockSet) -> Self {
        let (x, y) = fine.pixels();
        let (width, height) = (usize::from(width) * x, usize::from(height) * y);
        Self { block_set: fine, width, height, pixels: vec![None; width * height] }
    }

    /// Colours a pixel; outside the canvas nothing happens.
    pub(crate) fn set(&mut self, x: usize, y: usize, colour: Rgb) {
        if x < self.width && y < self.height {
            self.pixels[y * self.width + x] = Some(colour);
        }
    }

    /// Draws into `area`, whose size the canvas was made for; characters without a coloured pixel stay as they are.
    pub(crate) fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let (dx, dy) = self.block_set.pixels();
        for place in area.intersection(*buf.area()).positions() {
            let (x, y) = (usize::from(place.x - area.x) * dx, usize::from(place.y - area.y) * dy);
            let pixels = (0..dx * dy).map(|k| {
                let (x, y) = (x + k % dx, y + k / dx);
                let inside = x < self.width && y < self.height;
                inside.then(|| self.pixels[y * self.width + x]).flatten()
            });
            let pixels: Vec<Option<Rgb>> = pixels.collect();
            let Some((glyph, style)) = self.character(&pixels, theme) else {
                continue;
            };
            if let Some(cell) = buf.cell_mut(place) {
                cell.set_char(glyph).set_style(style);
            }
        }
    }

    /// The character that comes nearest to its pixels with two colours.
    fn character(&self, pixels: &[Option<Rgb>], theme: &Theme) -> Option<(char, Style)> {
        let first = pixels.iter().flatten().copied().next()?;
        if pixels.contains(&None) {
            let mask = mask(pixels, |p| p.is_some());
            let colour = mean(pixels.iter().flatten().copied());
            return Some((self.block_set.glyph(mask), Style::new().fg(theme.rgb(colour))));
        }
        let all = || pixels.iter().flatten().copied();
        let far = all().max_by_key(|&c| color_distance(c, first)).unwrap_or(first);
        if color_distance(far, first) < 12 {
            // A space on its colour is a third of the bytes.
            return Some((' ', Style::new().bg(theme.rgb(mean(all())))));
        }
        let other = all().max_by_key(|&c| color_distance(c, far)).unwrap_or(first);
        let near_far = |c: Rgb| color_distance(c, far) < color_distance(c, other);
        let (ink, ground) = (mean(all().filter(|&c| near_far(c))), mean(all().filter(|&c| !near_far(c))));
        let mask = mask(pixels, |p| p.is_some_and(near_far));
        let style = Style::new().fg(theme.rgb(ink)).bg(theme.rgb(ground));
        Some((self.block_set.glyph(mask), style))
    }
}

fn mask(pixels: &[Option<Rgb>], set: impl Fn(Option<Rgb>) -> bool) -> u8 {
    let bit = |(k, p): (usize, &Option<Rgb>)| u8::from(set(*p)) << k;
    pixels.iter().enumerate().map(bit).fold(0, |a, b| a | b)
}

fn mean(colours: impl Iterator<Item = Rgb>) -> Rgb {
    let mut out = (0, 0, 0);
    for (n, colour) in colours.enumerate() {
        out = mix_colors(out, colour, 1.0 / (n + 1) as f64);
    }
    out
}

fn color_distance(a: Rgb, b: Rgb) -> u32 {
    let one = |a: u8, b: u8| u32::from(a.abs_diff(b));
    one(a.0, b.0) + one(a.1, b.1) + one(a.2, b.2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::ColorDepth;
    use ratatui::style::Color;
    use std::collections::HashSet;

    #[test]
    fn every_mask_has_a_character_of_its_own() {
        for fine in [BlockSet::Halves, BlockSet::Quadrants, BlockSet::Braille] {
            let (x, y) = fine.pixels();
            let masks = 1u32 << (x * y);
            let glyphs: HashSet<char> = (0..masks).map(|m| fine.glyph(m as u8)).collect();
            assert_eq!(glyphs.len(), masks as usize, "{fine:?}");
        }
        assert_eq!(BlockSet::Braille.glyph(0xFF), '\u{28FF}');
    }

    #[test]
    fn a_character_keeps_its_two_colours_and_lets_the_ground_through() {
        let theme = Theme::built_in("dark", ColorDepth::Truecolor).unwrap();
        let mut blocks = BlockCanvas::new(3, 1, BlockSet::Quadrants);
        for (x, y, c) in [(0, 0, 200), (1, 0, 10), (0, 1, 10), (1, 1, 10), (2, 1, 99)] {
            blocks.set(x, y, (c, c, c));
        }
        for (x, y) in [(4, 0), (5, 0), (4, 1), (5, 1), (99, 99)] {
            blocks.set(x, y, (7, 8, 9));
        }
        let area = Rect::new(0, 0, 3, 1);
        let mut buf = Buffer::empty(area);
        blocks.draw(area, &mut buf, &theme);
        let grey = |c| Color::Rgb(c, c, c);
        // Either of the two colours may be the ink.
        let pair = |at: u16| (buf[(at, 0)].symbol().to_string(), buf[(at, 0)].fg, buf[(at, 0)].bg);
        let either = [("▘".to_string(), grey(200), grey(10)), ("▟".to_string(), grey(10), grey(200))];
        assert!(either.contains(&pair(0)), "{:?}", pair(0));
        assert_eq!(pair(1), ("▖".into(), grey(99), Color::Reset));
        assert_eq!(pair(2), (" ".into(), Color::Reset, Color::Rgb(7, 8, 9)));
    }
}

//! A canvas of thin lines over characters: dots of braille or small blocks, or strokes of ASCII.

use crate::views::plot::blocks::BlockSet;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

/// Dots across and down a character.
const DOTS_PER_CHARACTER: (usize, usize) = (2, 4);

#[derive(Clone, Copy, Default)]
struct StrokeCell {
    mask: u8,
    ink: u16,
    /// The stroke that ASCII has for the last line through it.
    stroke: u8,
}

/// Lines over `width × height` characters. Places are in characters from the upper left, `y` downward. Inks are small
/// numbers that the caller gives a style each; where lines meet in a character it has the ink of the later one.
pub(crate) struct StrokeCanvas {
    width: usize,
    height: usize,
    ascii: bool,
    spots: Vec<StrokeCell>,
}

impl StrokeCanvas {
    pub(crate) fn new(width: u16, height: u16, ascii: bool) -> Self {
        let (width, height) = (usize::from(width), usize::from(height));
        Self { width, height, ascii, spots: vec![StrokeCell::default(); width * height] }
    }

    /// A straight line; parts outside the canvas are clipped.
    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), ink: u16) {
        self.line_where(from, to, ink, |_| true);
    }

    /// A straight line, where `seen` is true for the share of its length.
    pub(crate) fn line_where(&mut self, from: (f64, f64), to: (f64, f64), ink: u16, seen: impl Fn(f64) -> bool) {
        let finite = [from.0, from.1, to.0, to.1].iter().all(|t| t.is_finite());
        if !finite || self.spots.is_empty() {
            return;
        }
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let long = (dx.abs() * DOTS_PER_CHARACTER.0 as f64).max(dy.abs() * DOTS_PER_CHARACTER.1 as f64);
        let steps = (1.5 * long).ceil().clamp(1.0, 4000.0) as usize;
        for k in 0..=steps {
            let t = k as f64 / steps as f64;
            if seen(t) {
                self.dot(from.0 + t * dx, from.1 + t * dy, stroke(dx, dy), ink);
            }
        }
    }

    fn dot(&mut self, x: f64, y: f64, stroke: u8, ink: u16) {
        if x < 0.0 || y < 0.0 || x >= self.width as f64 || y >= self.height as f64 {
            return;
        }
        let (column, row) = (x as usize, y as usize);
        let inside = |t: f64, n: usize| ((t.fract() * n as f64) as usize).min(n - 1);
        let bit = inside(y, DOTS_PER_CHARACTER.1) * DOTS_PER_CHARACTER.0 + inside(x, DOTS_PER_CHARACTER.0);
        let spot = &mut self.spots[row * self.width + column];
        let stroke = if spot.mask == 0 || spot.ink != ink || spot.stroke == stroke { stroke } else { b'+' };
        *spot = StrokeCell { mask: spot.mask | 1 << bit, ink, stroke };
    }

    /// Draws the lines into `area`, whose size the canvas was made for. `style` gets the place in the buffer and the
    /// ink; where it gives none, and where no line is, characters stay as they are.
    pub(crate) fn draw(&self, area: Rect, buf: &mut Buffer, style: impl Fn(&Buffer, (u16, u16), u16) -> Option<Style>) {
        for place in area.intersection(*buf.area()).positions() {
            let (x, y) = (usize::from(place.x - area.x), usize::from(place.y - area.y));
            let spot = self.spots.get(y * self.width + x).filter(|spot| x < self.width && spot.mask != 0);
            let Some(&spot) = spot else {
                continue;
            };
            let Some(style) = style(buf, (place.x, place.y), spot.ink) else {
                continue;
            };
            let glyph = match self.ascii {
                false => BlockSet::Braille.glyph(spot.mask),
                // A line that only touches a character's corner would be drawn double.
                true if spot.mask.is_power_of_two() => continue,
                true => letter(spot),
            };
            if let Some(cell) = buf.cell_mut(place) {
                // The ground stays where the style has none.
                cell.fg = Color::Reset;
                cell.modifier = Modifier::empty();
                cell.set_char(glyph).set_style(style);
            }
        }
    }
}

/// The ASCII stroke of a direction. A character is about twice as high as it is wide.
fn stroke(dx: f64, dy: f64) -> u8 {
    let (across, down) = (dx.abs(), 2.0 * dy.abs());
    match () {
        () if across >= 2.4 * down => b'-',
        () if down >= 2.4 * across => b'|',
        () if (dx > 0.0) == (dy > 0.0) => b'\\',
        () => b'/',
    }
}

/// The ASCII character of a spot: level strokes high and low in it have signs of their own.
fn letter(spot: StrokeCell) -> char {
    match (spot.stroke, spot.mask) {
        (b'-', mask) if mask & 0xF0 == 0 && mask & 0x03 != 0 => '\'',
        (b'-', mask) if mask & 0x0F == 0 && mask & 0xC0 != 0 => '_',
        (stroke, _) => char::from(stroke),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn draw_rows(ascii: bool, lines: &[[(f64, f64); 2]]) -> Vec<String> {
        let area = Rect::new(0, 0, 4, 2);
        let mut strokes = StrokeCanvas::new(4, 2, ascii);
        for [from, to] in lines {
            strokes.line(*from, *to, 3);
        }
        let mut buf = Buffer::empty(area);
        strokes.draw(area, &mut buf, |_, _, ink| Some(Style::new().fg(Color::Indexed(ink as u8))));
        (0..2).map(|y| (0..4).map(|x| buf[(x, y)].symbol()).collect()).collect()
    }

    #[test]
    fn lines_in_ascii_follow_their_slope_and_height() {
        assert_eq!(draw_rows(true, &[[(0.0, 0.1), (4.0, 0.1)]]), ["''''", "    "]);
        assert_eq!(draw_rows(true, &[[(0.0, 1.9), (4.0, 1.9)]]), ["    ", "____"]);
        assert_eq!(draw_rows(true, &[[(1.5, 0.0), (1.5, 2.0)]]), [" |  ", " |  "]);
        assert!(draw_rows(true, &[[(0.1, 0.1), (3.9, 1.9)]])[0].starts_with("\\\\"));
        assert_eq!(draw_rows(false, &[[(0.0, 0.1), (1.9, 0.1)]]), ["⠉⠉  ", "    "]);
    }

    proptest! {
        #[test]
        fn nothing_is_drawn_outside_and_nothing_breaks(
            w in 0u16..12, h in 0u16..8, ascii: bool,
            ends in prop::collection::vec((any::<f64>(), -20.0f64..20.0, any::<f64>(), -20.0f64..20.0), 0..6),
        ) {
            let mut strokes = StrokeCanvas::new(w, h, ascii);
            for (a, b, c, d) in ends {
                strokes.line((a, b), (c, d), 1);
                strokes.line((b, d), (d, b), 2);
            }
            let area = Rect::new(3, 2, w, h);
            let mut buf = Buffer::empty(Rect::new(0, 0, 20, 14));
            strokes.draw(area, &mut buf, |_, _, _| Some(Style::new()));
            for p in buf.area.positions() {
                prop_assert!(area.contains(p) || buf[p].symbol() == " ");
            }
        }
    }
}

//! Letters, numbers and signs on a picture of pixels.

use super::raster::Raster;
use crate::color::Rgb;
use crate::views::surface::contrast_color;
use font8x8::UnicodeFonts;

/// Pixels of a letter of size 1, along either side.
const GLYPH_SIDE: usize = 8;

/// Size of the letters for a picture of this width: 1 is eight pixels.
pub(super) fn letter_size(width: usize) -> usize {
    ((width as f64 / 420.0).round() as usize).max(1)
}

/// Pixels that a text covers.
pub(super) fn text_extent(text: &str, size: usize) -> (usize, usize) {
    (text.chars().count() * GLYPH_SIDE * size, GLYPH_SIDE * size)
}

impl Raster {
    fn set(&mut self, x: i64, y: i64, color: Rgb) {
        let inside = x >= 0 && y >= 0 && (x as usize) < self.width && (y as usize) < self.height;
        if inside {
            self.pixels[y as usize * self.width + x as usize] = color;
        }
    }

    /// Writes a text with its middle at `(x, y)`. Characters that the font lacks become a gap.
    pub(super) fn write(&mut self, text: &str, (x, y): (i64, i64), size: usize, color: Rgb) {
        let (width, height) = text_extent(text, size);
        let (left, top) = (x - width as i64 / 2, y - height as i64 / 2);
        for (n, letter) in text.chars().enumerate() {
            let rows = font8x8::BASIC_FONTS.get(letter).unwrap_or_default();
            for (row, bits) in rows.into_iter().enumerate() {
                for column in (0..GLYPH_SIDE).filter(|c| bits & (1 << c) != 0) {
                    let (at_x, at_y) = ((n * GLYPH_SIDE + column) * size, row * size);
                    for step in 0..size * size {
                        let (dx, dy) = (step % size, step / size);
                        self.set(left + (at_x + dx) as i64, top + (at_y + dy) as i64, color);
                    }
                }
            }
        }
    }

    /// Writes a text on a plate of one colour, readable on it.
    pub(super) fn label(&mut self, text: &str, (x, y): (i64, i64), size: usize, plate: Rgb) {
        let (width, height) = text_extent(text, size);
        let (half_width, half_height) = (width as i64 / 2 + 1, height as i64 / 2 + 1);
        for at_y in y - half_height..=y + half_height {
            for at_x in x - half_width..=x + half_width {
                self.set(at_x, at_y, plate);
            }
        }
        self.write(text, (x, y), size, contrast_color(plate));
    }

    /// A digit in a white disc with a dark rim, all of it inside the picture.
    pub(super) fn badge(&mut self, digit: usize, (x, y): (f64, f64), size: usize) {
        let radius = (GLYPH_SIDE * size) as f64 * 0.85;
        let within = |at: f64, most: usize| at.clamp(radius, (most as f64 - 1.0 - radius).max(radius));
        let (x, y) = (within(x, self.width), within(y, self.height));
        let reach = radius.ceil() as i64;
        for dy in -reach..=reach {
            for dx in -reach..=reach {
                let far = (dx as f64).hypot(dy as f64);
                if far <= radius {
                    let color = if far > radius - 1.5 { (0, 0, 0) } else { (255, 255, 255) };
                    self.set(x as i64 + dx, y as i64 + dy, color);
                }
            }
        }
        self.write(&digit.to_string(), (x as i64, y as i64), size, (0, 0, 0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blank(width: usize, height: usize) -> Raster {
        Raster { width, height, pixels: vec![(9, 9, 9); width * height] }
    }

    #[test]
    fn every_character_of_a_label_has_its_shape_and_nothing_leaves_the_picture() {
        let mut shapes = std::collections::BTreeSet::new();
        for letter in "0123456789.+-%<>=".chars() {
            let mut raster = blank(20, 20);
            raster.write(&letter.to_string(), (10, 10), 2, (255, 0, 0));
            let shape: Vec<bool> = raster.pixels.iter().map(|p| p.0 == 255).collect();
            assert!(shape.iter().any(|on| *on), "{letter}");
            assert!(shapes.insert(shape), "{letter} looks like another one");
        }
        let mut small = blank(3, 2);
        small.write("88.8", (-5, 90), 3, (255, 0, 0));
        small.badge(4, (0.0, 0.0), 5);
        small.label("88", (1, 1), 1, (0, 0, 0));
        assert_eq!(small.pixels.len(), 6);
    }

    #[test]
    fn a_badge_at_the_edge_lies_inside() {
        let mut raster = blank(60, 60);
        raster.badge(1, (0.0, 59.0), 1);
        let dark = raster.pixels.iter().filter(|p| **p == (0, 0, 0)).count();
        let white = raster.pixels.iter().filter(|p| **p == (255, 255, 255)).count();
        assert!(dark > 20 && white > 40, "{dark} {white}");
        assert_eq!(raster.pixels[59 * 60], (9, 9, 9), "the disc is round");
    }
}

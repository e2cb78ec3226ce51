//! Lines, bands and points as pixels with smooth edges.

use super::Raster;
use crate::color::Rgb;
use crate::views::surface::mix_colors;

/// A place in pixels from the upper left.
type PixelSpot = (f64, f64);

/// Steps of an edge from nothing to all: few, so that a picture has few colours and is sent in few bytes.
const ALPHA_LEVELS: f64 = 4.0;
/// A dash and the gap after it, in widths of its line.
const DASH_AND_GAP: (f64, f64) = (5.0, 3.0);

/// A picture under way.
pub(crate) struct PictureSketch {
    raster: Raster,
}

impl PictureSketch {
    /// An empty one.
    pub fn new((width, height): (usize, usize), ground: Rgb) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        Self { raster: Raster { width, height, pixels: vec![ground; width * height] } }
    }

    /// What was drawn.
    pub fn raster(self) -> Raster {
        self.raster
    }

    fn blend(&mut self, x: usize, y: usize, color: Rgb, share: f64) {
        let share = (share.clamp(0.0, 1.0) * ALPHA_LEVELS).round() / ALPHA_LEVELS;
        if share > 0.0 {
            let pixel = &mut self.raster.pixels[y * self.raster.width + x];
            *pixel = mix_colors(*pixel, color, share);
        }
    }

    /// The pixels of a span along an axis that has `size` of them.
    fn pixel_range(low: f64, high: f64, size: usize) -> std::ops::Range<usize> {
        let to = (high.ceil() + 1.0).clamp(0.0, size as f64) as usize;
        let from = (low.floor() - 1.0).clamp(0.0, to as f64) as usize;
        from..to
    }

    /// A line from one place to another.
    pub fn line(&mut self, from: PixelSpot, to: PixelSpot, width: f64, color: Rgb) {
        let all = [from.0, from.1, to.0, to.1];
        if all.iter().any(|v| !v.is_finite()) {
            return;
        }
        let half = width / 2.0;
        let columns = Self::pixel_range(from.0.min(to.0) - half, from.0.max(to.0) + half, self.raster.width);
        let rows = Self::pixel_range(from.1.min(to.1) - half, from.1.max(to.1) + half, self.raster.height);
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let long = (dx * dx + dy * dy).max(1e-9);
        for y in rows {
            for x in columns.clone() {
                let (px, py) = (x as f64 + 0.5 - from.0, y as f64 + 0.5 - from.1);
                let t = ((px * dx + py * dy) / long).clamp(0.0, 1.0);
                let far = (px - t * dx).hypot(py - t * dy);
                self.blend(x, y, color, half + 0.5 - far);
            }
        }
    }

    /// A line through places, with gaps where one is not a number.
    pub fn path(&mut self, spots: &[PixelSpot], width: f64, color: Rgb) {
        for pair in spots.windows(2) {
            self.line(pair[0], pair[1], width, color);
        }
    }

    /// The same of dashes.
    pub fn dashes(&mut self, spots: &[PixelSpot], width: f64, color: Rgb) {
        let (dash, all) = (DASH_AND_GAP.0 * width, (DASH_AND_GAP.0 + DASH_AND_GAP.1) * width);
        let mut gone = 0.0;
        for pair in spots.windows(2) {
            let (p, q) = (pair[0], pair[1]);
            let long = (q.0 - p.0).hypot(q.1 - p.1);
            if !long.is_finite() {
                gone = 0.0;
                continue;
            }
            let at = |d: f64| {
                let t = if long > 0.0 { d / long } else { 0.0 };
                (p.0 + t * (q.0 - p.0), p.1 + t * (q.1 - p.1))
            };
            let mut done = 0.0;
            while done < long {
                let into = (gone + done) % all;
                let (drawn, rest) = (into < dash, if into < dash { dash - into } else { all - into });
                let next = (done + rest.max(0.5)).min(long);
                if drawn {
                    self.line(at(done), at(next), width, color);
                }
                done = next;
            }
            gone = (gone + long) % all;
        }
    }

    /// A column of pixels from one height to another.
    pub fn draw_column(&mut self, x: f64, (top, bottom): (f64, f64), color: Rgb, share: f64) {
        let inside = x >= 0.0 && x < self.raster.width as f64 && top.is_finite() && bottom.is_finite();
        if !inside {
            return;
        }
        let last = (self.raster.height - 1) as f64;
        let (from, to) = (top.round().clamp(0.0, last), bottom.round().clamp(0.0, last));
        for y in from as usize..=to as usize {
            self.blend(x as usize, y, color, share);
        }
    }

    /// A point, with a rim in another colour.
    pub fn point(&mut self, at: PixelSpot, radius: f64, color: Rgb, rim: Rgb) {
        if !(at.0.is_finite() && at.1.is_finite()) {
            return;
        }
        let around = radius * 1.5;
        for y in Self::pixel_range(at.1 - around, at.1 + around, self.raster.height) {
            for x in Self::pixel_range(at.0 - around, at.0 + around, self.raster.width) {
                let far = (x as f64 + 0.5 - at.0).hypot(y as f64 + 0.5 - at.1);
                self.blend(x, y, rim, around + 0.5 - far);
                self.blend(x, y, color, radius + 0.5 - far);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BLACK: Rgb = (0, 0, 0);
    const WHITE: Rgb = (255, 255, 255);

    fn light(sketch: &PictureSketch) -> f64 {
        let all = sketch.raster.pixels.iter();
        all.map(|p| f64::from(p.0) / 255.0).sum()
    }

    #[test]
    fn a_line_is_as_long_and_as_wide_as_it_is_said_to_be() {
        let mut sketch = PictureSketch::new((100, 100), BLACK);
        sketch.line((10.0, 50.0), (90.0, 50.0), 4.0, WHITE);
        assert!((light(&sketch) - 4.0 * 80.0).abs() < 30.0, "{}", light(&sketch));
        let mut dashed = PictureSketch::new((100, 100), BLACK);
        dashed.dashes(&[(10.0, 50.0), (50.0, 50.0), (90.0, 50.0)], 2.0, WHITE);
        assert!(light(&dashed) > 60.0 && light(&dashed) < 150.0, "{}", light(&dashed));
        // What is no number is a gap.
        let mut gap = PictureSketch::new((20, 20), BLACK);
        gap.path(&[(0.0, 0.0), (f64::NAN, 5.0), (20.0, 20.0)], 2.0, WHITE);
        gap.dashes(&[(0.0, 0.0), (f64::NAN, 5.0)], 2.0, WHITE);
        assert_eq!(light(&gap), 0.0);
    }

    proptest! {
        #[test]
        fn whatever_lies_beside_the_picture_is_cut(
            spots in prop::collection::vec((-500.0f64..500.0, -500.0f64..500.0), 2..6), width in 0.1f64..9.0,
        ) {
            let mut sketch = PictureSketch::new((30, 20), BLACK);
            sketch.path(&spots, width, WHITE);
            sketch.dashes(&spots, width, WHITE);
            for s in spots {
                sketch.point(s, width, WHITE, BLACK);
                sketch.draw_column(s.0, (s.1, s.1 + 100.0), WHITE, 0.5);
            }
            prop_assert_eq!(sketch.raster().pixels.len(), 600);
        }
    }
}

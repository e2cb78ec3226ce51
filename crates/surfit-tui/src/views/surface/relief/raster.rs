//! Triangles with hidden surfaces removed: a depth buffer over pixels.

use super::BlockSet;
use super::camera::ProjectedPoint;

/// A corner of a triangle, in pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vertex {
    pub x: f64,
    pub y: f64,
    /// Farther away is more.
    pub depth: f64,
    pub value: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PixelFace {
    pub value: f32,
    /// 0 (dark) to 1.
    pub light: f32,
    /// How much of the ground's colour it has: the corners of its triangle are not measured, or not lately.
    pub paleness: f32,
}

pub(super) struct FaceRaster {
    pub width: usize,
    pub height: usize,
    depth: Vec<f32>,
    faces: Vec<Option<PixelFace>>,
}

impl FaceRaster {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self { width, height, depth: vec![f32::INFINITY; width * height], faces: vec![None; width * height] }
    }

    /// Fills a triangle. Pixels belong to it by their middle.
    pub(super) fn fill(&mut self, [a, b, c]: [Vertex; 3], light: f64, pale: f64) {
        let area = (b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y);
        if !area.is_finite() || area.abs() < 1e-9 {
            return;
        }
        let span = |low: f64, high: f64, most: usize| {
            let from = low.floor().max(0.0) as usize;
            from..((high.ceil() + 1.0).max(0.0) as usize).min(most)
        };
        let columns = span(a.x.min(b.x).min(c.x), a.x.max(b.x).max(c.x), self.width);
        let rows = span(a.y.min(b.y).min(c.y), a.y.max(b.y).max(c.y), self.height);
        for y in rows {
            for x in columns.clone() {
                let (px, py) = (x as f64 + 0.5, y as f64 + 0.5);
                let edge = |p: Vertex, q: Vertex| ((q.x - p.x) * (py - p.y) - (q.y - p.y) * (px - p.x)) / area;
                let (wa, wb, wc) = (edge(b, c), edge(c, a), edge(a, b));
                // A hair of overlap, so that no seam opens between neighbours.
                if wa.min(wb).min(wc) < -1e-9 {
                    continue;
                }
                let between = |f: fn(&Vertex) -> f64| wa * f(&a) + wb * f(&b) + wc * f(&c);
                let (depth, at) = (between(|v| v.depth) as f32, y * self.width + x);
                if depth < self.depth[at] {
                    self.depth[at] = depth;
                    self.faces[at] = Some(PixelFace {
                        value: between(|v| v.value) as f32,
                        light: light as f32,
                        paleness: pale as f32,
                    });
                }
            }
        }
    }

    /// Marks the pixels of a line, given in characters, that nothing hides.
    pub(super) fn mark_line(&self, [p, q]: [ProjectedPoint; 2], fine: BlockSet, marked: &mut [bool]) {
        let (px, py) = fine.pixels();
        let (px, py) = (px as f64, py as f64);
        let long = ((p.x - q.x).abs() * px).max((p.y - q.y).abs() * py);
        let steps = (1.5 * long).ceil().clamp(1.0, 2000.0);
        for k in 0..=steps as usize {
            let at = |a: f64, b: f64| a + k as f64 / steps * (b - a);
            let (x, y) = (at(p.x, q.x) * px, at(p.y, q.y) * py);
            let inside = x >= 0.0 && y >= 0.0 && x < self.width as f64 && y < self.height as f64;
            if inside && self.is_visible_at_pixel(x, y, at(p.depth, q.depth)) {
                marked[y as usize * self.width + x as usize] = true;
            }
        }
    }

    pub(super) fn face(&self, x: usize, y: usize) -> Option<PixelFace> {
        let inside = x < self.width && y < self.height;
        inside.then(|| self.faces[y * self.width + x]).flatten()
    }

    /// True when nothing hides a point. A point on a face is seen, and so is one within a pixel of its edge: lines
    /// are drawn where faces meet.
    pub(super) fn is_visible(&self, x: f64, y: f64, depth: f64) -> bool {
        let pixel = |t: f64| t.floor().clamp(-9.0, 1e9) as i64;
        let (x, y) = (pixel(x), pixel(y));
        (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (x + dx, y + dy))).any(|(x, y)| {
            let inside = x >= 0 && y >= 0 && x < self.width as i64 && y < self.height as i64;
            !inside || depth <= f64::from(self.depth[y as usize * self.width + x as usize]) + 0.012
        })
    }

    pub(super) fn is_visible_at_pixel(&self, x: f64, y: f64, depth: f64) -> bool {
        if x < 0.0 || y < 0.0 || x >= self.width as f64 || y >= self.height as f64 {
            return true;
        }
        depth <= f64::from(self.depth[y as usize * self.width + x as usize]) + 0.02
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn flat(depth: f64, size: f64) -> [Vertex; 3] {
        let at = |x, y| Vertex { x, y, depth, value: depth };
        [at(0.0, 0.0), at(size, 0.0), at(0.0, size)]
    }

    #[test]
    fn the_nearer_face_hides_the_other_whatever_the_order() {
        for order in [[1.0, 2.0], [2.0, 1.0]] {
            let mut r = FaceRaster::new(10, 10);
            for depth in order {
                r.fill(flat(depth, 10.0), 1.0, 0.0);
            }
            assert_eq!(r.face(2, 2).unwrap().value, 1.0);
            assert!(r.face(9, 9).is_none());
            assert!(!r.is_visible(3.0, 3.0, 1.5) && r.is_visible(3.0, 3.0, 1.0) && r.is_visible(9.0, 9.0, 99.0));
            assert!(!r.is_visible_at_pixel(3.0, 3.0, 1.5));
        }
    }

    proptest! {
        #[test]
        fn any_triangle_is_drawn_without_harm(
            corners in prop::array::uniform3((-300.0f64..300.0, any::<f64>(), any::<f64>(), any::<f64>())), swap: bool,
        ) {
            let mut r = FaceRaster::new(20, 12);
            let triangle = corners.map(|(x, y, depth, value)| {
                if swap { Vertex { x: y, y: x, depth, value } } else { Vertex { x, y: x / 2.0 + 7.0, depth: y, value } }
            });
            r.fill(triangle, 0.5, 0.6);
            prop_assert!(r.face(20, 0).is_none() && r.face(0, 12).is_none());
            r.is_visible(corners[0].1, corners[1].1, corners[2].1);
            r.is_visible_at_pixel(corners[0].1, corners[1].1, corners[2].1);
        }
    }
}

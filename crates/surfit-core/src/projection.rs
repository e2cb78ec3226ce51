//! From where a relief of the surface is seen, and where its points fall on a screen or a page.

use serde::{Deserialize, Serialize};

/// The direction of view, and how steep heights are drawn. Orthographic: parallels stay parallel, so heights can be compared
/// across the whole surface.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Camera {
    /// Degrees by which the surface is turned about its vertical; at 0 `u` goes to the right and `v` away.
    pub turn: f64,
    /// Degrees above the horizon, 0 to 90.
    pub tilt: f64,
    /// Height of the whole range, in lengths of a side.
    pub height: f64,
}

impl Default for Camera {
    fn default() -> Self {
        Self { turn: 30.0, tilt: 35.0, height: 0.55 }
    }
}

impl Camera {
    /// Turns and tilts by degrees.
    pub fn rotate(&mut self, turn: f64, tilt: f64) {
        self.turn = (self.turn + turn).rem_euclid(360.0);
        self.tilt = (self.tilt + tilt).clamp(5.0, 90.0);
    }

    /// Makes heights steeper (above 1) or flatter.
    pub fn scale_height(&mut self, factor: f64) {
        self.height = (self.height * factor).clamp(0.1, 1.5);
    }
}

/// A place on the screen, from the upper left, and how far away it is in lengths of a side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProjectedPoint {
    /// To the right.
    pub x: f64,
    /// Vertical coordinate, downward from the top.
    pub y: f64,
    /// Depth away from the viewer, relative to the centre, in lengths of a side.
    pub depth: f64,
}

/// A camera with a viewport that contains the whole unit box.
#[derive(Clone, Copy, Debug)]
pub struct Projection {
    turn: (f64, f64),
    tilt: (f64, f64),
    height: f64,
    aspect: f64,
    scale: f64,
    shift: (f64, f64),
}

impl Projection {
    /// The largest view in a viewport (left, top, width, height). `aspect` is the height of a viewport unit in widths: 2 for
    /// characters, 1 for pixels.
    pub fn fit_to_rect(camera: Camera, [left, top, width, height]: [f64; 4], aspect: f64) -> Self {
        let sin_cos = |degrees: f64| degrees.to_radians().sin_cos();
        let mut out = Self {
            turn: sin_cos(camera.turn),
            tilt: sin_cos(camera.tilt),
            height: camera.height,
            aspect,
            scale: 1.0,
            shift: (0.0, 0.0),
        };
        let (mut low, mut high) = ((f64::MAX, f64::MAX), (f64::MIN, f64::MIN));
        for k in 0..8u8 {
            let end = |bit: u8| f64::from(k >> bit & 1);
            let at = out.project(end(0), end(1), end(2));
            low = (low.0.min(at.x), low.1.min(at.y));
            high = (high.0.max(at.x), high.1.max(at.y));
        }
        out.scale = (width / (high.0 - low.0)).min(height / (high.1 - low.1));
        let middle = ((low.0 + high.0) / 2.0, (low.1 + high.1) / 2.0);
        out.shift = (left + width / 2.0 - out.scale * middle.0, top + height / 2.0 - out.scale * middle.1);
        out
    }

    /// Where the point over `(u, v)` falls that is `t` of the range high; all three 0 to 1.
    pub fn project(&self, u: f64, v: f64, t: f64) -> ProjectedPoint {
        let [x, away, z] = self.to_view_direction([u - 0.5, v - 0.5, (t - 0.5) * self.height]);
        let (sin, cos) = self.tilt;
        let up = z * cos + away * sin;
        ProjectedPoint {
            x: self.shift.0 + self.scale * x,
            y: self.shift.1 - self.scale * up / self.aspect,
            depth: away * cos - z * sin,
        }
    }

    /// How squarely the light from the upper left behind the viewer falls on a triangle over the surface, 0 to 1. Its
    /// corners are `(u, v)` and a height, all in lengths of a side; both of its faces are lit alike.
    pub fn light_intensity(&self, triangle: [[f64; 3]; 3]) -> f64 {
        let [p, q, r] = triangle.map(|corner| self.to_view_direction(corner));
        let minus = |a: [f64; 3], b: [f64; 3]| [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
        let (s, t) = (minus(q, p), minus(r, p));
        let normal = [s[1] * t[2] - s[2] * t[1], s[2] * t[0] - s[0] * t[2], s[0] * t[1] - s[1] * t[0]];
        let length = normal.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-12);
        let sun = [-0.46, -0.46, 0.76];
        let falls = normal.iter().zip(sun).map(|(n, s)| n * s).sum::<f64>() / length;
        falls.abs()
    }

    /// A direction over the surface as the viewer has it: right, away, up.
    pub fn to_view_direction(&self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        let (sin, cos) = self.turn;
        [x * cos - y * sin, x * sin + y * cos, z]
    }

    /// Height of the whole range, in lengths of a side.
    pub fn height(&self) -> f64 {
        self.height
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_faces_are_lit_alike_and_what_has_no_face_is_dark() {
        let camera = Camera { turn: 30.0, tilt: 35.0, height: 0.5 };
        let projection = Projection::fit_to_rect(camera, [0.0, 0.0, 100.0, 100.0], 1.0);
        let flat = [[0.0, 0.0, 0.2], [1.0, 0.0, 0.2], [0.0, 1.0, 0.2]];
        let [p, q, r] = flat;
        let light = projection.light_intensity(flat);
        assert!((light - 0.76).abs() < 1e-9, "{light}");
        assert!((projection.light_intensity([p, r, q]) - light).abs() < 1e-12);
        let steep = [p, q, [0.0, 1.0, 0.9]];
        let other = projection.light_intensity(steep);
        assert!((0.0..=1.0).contains(&other) && (other - light).abs() > 1e-3, "{other}");
        assert_eq!(projection.light_intensity([p, p, q]), 0.0);
    }
}

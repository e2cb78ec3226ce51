//! From where a relief is seen, and where its points fall on the screen.

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
        Self {
            turn: 30.0,
            tilt: 35.0,
            height: 0.55,
        }
    }
}

impl Camera {
    /// Turns and tilts by degrees.
    pub fn move_by(&mut self, turn: f64, tilt: f64) {
        self.turn = (self.turn + turn).rem_euclid(360.0);
        self.tilt = (self.tilt + tilt).clamp(5.0, 90.0);
    }

    /// Makes heights steeper (above 1) or flatter.
    pub fn steepen(&mut self, factor: f64) {
        self.height = (self.height * factor).clamp(0.1, 1.5);
    }
}

/// A place on the screen: characters from the upper left, and how far away it is in lengths of a side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spot {
    pub x: f64,
    pub y: f64,
    pub depth: f64,
}

/// A camera with a room in which the whole of the unit box has its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Projection {
    turn: (f64, f64),
    tilt: (f64, f64),
    height: f64,
    scale: f64,
    shift: (f64, f64),
}

/// Height of a character in widths.
const ASPECT: f64 = 2.0;

impl Projection {
    /// The largest view that leaves `margins` (left, right, top, bottom) of a room of `width × height` characters free.
    pub(crate) fn fit(camera: Camera, (width, height): (u16, u16), margins: [u16; 4]) -> Self {
        let sin_cos = |degrees: f64| degrees.to_radians().sin_cos();
        let mut out = Self {
            turn: sin_cos(camera.turn),
            tilt: sin_cos(camera.tilt),
            height: camera.height,
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
        let [left, right, top, bottom] = margins.map(f64::from);
        let room = (
            (f64::from(width) - left - right - 1.0).max(1.0),
            (f64::from(height) - top - bottom - 1.0).max(1.0),
        );
        out.scale = (room.0 / (high.0 - low.0)).min(room.1 / (high.1 - low.1));
        let middle = ((low.0 + high.0) / 2.0, (low.1 + high.1) / 2.0);
        out.shift = (
            left + 0.5 + room.0 / 2.0 - out.scale * middle.0,
            top + 0.5 + room.1 / 2.0 - out.scale * middle.1,
        );
        out
    }

    /// Where the point over `(u, v)` falls that is `t` of the range high; all three 0 to 1.
    pub(crate) fn project(&self, u: f64, v: f64, t: f64) -> Spot {
        let [x, away, z] = self.turned([u - 0.5, v - 0.5, (t - 0.5) * self.height]);
        let (sin, cos) = self.tilt;
        let up = z * cos + away * sin;
        Spot {
            x: self.shift.0 + self.scale * x,
            y: self.shift.1 - self.scale * up / ASPECT,
            depth: away * cos - z * sin,
        }
    }

    /// A direction over the surface as the viewer has it: right, away, up.
    pub(crate) fn turned(&self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        let (sin, cos) = self.turn;
        [x * cos - y * sin, x * sin + y * cos, z]
    }

    /// Height of the whole range, in lengths of a side.
    pub(crate) fn height(&self) -> f64 {
        self.height
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn near_points_are_low_and_high_points_are_up() {
        let p = Projection::fit(Camera::default(), (80, 30), [0; 4]);
        let (near, far) = (p.project(0.0, 0.0, 0.0), p.project(1.0, 1.0, 0.0));
        assert!(near.depth < far.depth && near.y > far.y);
        assert!(p.project(0.5, 0.5, 1.0).y < p.project(0.5, 0.5, 0.0).y);
        let level = Camera {
            turn: 0.0,
            ..Camera::default()
        };
        let p = Projection::fit(level, (80, 30), [0; 4]);
        assert!(p.project(1.0, 0.0, 0.0).x > p.project(0.0, 0.0, 0.0).x);
        assert!((p.project(0.0, 1.0, 0.0).x - p.project(0.0, 0.0, 0.0).x).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn the_whole_box_lies_within_its_room(
            w in 12u16..200, h in 8u16..70, keys in prop::collection::vec((-90.0f64..90.0, -90.0f64..90.0, 0.5f64..2.0), 0..9),
            points in prop::collection::vec((0.0f64..=1.0, 0.0f64..=1.0, 0.0f64..=1.0), 1..9),
        ) {
            let mut camera = Camera::default();
            for (turn, tilt, steep) in keys {
                camera.move_by(turn, tilt);
                camera.steepen(steep);
            }
            let p = Projection::fit(camera, (w, h), [3, 2, 1, 2]);
            for (u, v, t) in points {
                let at = p.project(u, v, t);
                prop_assert!(at.depth.is_finite());
                prop_assert!(at.x >= 3.0 && at.x <= f64::from(w) - 2.0, "{at:?}");
                prop_assert!(at.y >= 1.0 && at.y <= f64::from(h) - 2.0, "{at:?}");
            }
        }
    }
}

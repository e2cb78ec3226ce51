//! Projection of a relief onto its characters.

pub use surfit_core::projection::Camera;
pub(crate) use surfit_core::projection::{ProjectedPoint, Projection};

/// Height of a character in widths.
const ASPECT: f64 = 2.0;

/// The largest view that leaves `margins` (left, right, top, bottom) of an area of `width × height` characters free.
pub(crate) fn fit_projection(camera: Camera, (width, height): (u16, u16), margins: [u16; 4]) -> Projection {
    let [left, right, top, bottom] = margins.map(f64::from);
    let room = [
        left + 0.5,
        top + 0.5,
        (f64::from(width) - left - right - 1.0).max(1.0),
        (f64::from(height) - top - bottom - 1.0).max(1.0),
    ];
    Projection::fit_to_rect(camera, room, ASPECT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn near_points_are_low_and_high_points_are_up() {
        let p = fit_projection(Camera::default(), (80, 30), [0; 4]);
        let (near, far) = (p.project(0.0, 0.0, 0.0), p.project(1.0, 1.0, 0.0));
        assert!(near.depth < far.depth && near.y > far.y);
        assert!(p.project(0.5, 0.5, 1.0).y < p.project(0.5, 0.5, 0.0).y);
        let level = Camera { turn: 0.0, ..Camera::default() };
        let p = fit_projection(level, (80, 30), [0; 4]);
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
                camera.rotate(turn, tilt);
                camera.scale_height(steep);
            }
            let p = fit_projection(camera, (w, h), [3, 2, 1, 2]);
            for (u, v, t) in points {
                let at = p.project(u, v, t);
                prop_assert!(at.depth.is_finite());
                prop_assert!(at.x >= 3.0 && at.x <= f64::from(w) - 2.0, "{at:?}");
                prop_assert!(at.y >= 1.0 && at.y <= f64::from(h) - 2.0, "{at:?}");
            }
        }
    }
}

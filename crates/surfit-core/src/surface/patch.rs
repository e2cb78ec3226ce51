//! What spans between the corners: a curve, a triangle, or a square.

use serde::{Deserialize, Serialize};

/// The kind of surface, which the number of corners decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Patch {
    /// Two corners: a Bézier curve over `u ∈ [0, 1]`, `v = 0` (Garipov et al. 2018).
    Curve,
    /// Three corners: a triangular Bézier patch over `u, v ≥ 0`, `u + v ≤ 1` (Farin 1986).
    Triangle,
    /// Four corners: a tensor-product surface over `(u, v) ∈ [0, 1]²` (Ren, Chen, Wang, ICLR 2025).
    #[default]
    Square,
}

/// How far outside its range a parameter may lie and still count as rounding.
const ROUNDING_TOLERANCE: f64 = 1e-9;

impl Patch {
    /// Every kind, by number of corners.
    pub const ALL: [Patch; 3] = [Patch::Curve, Patch::Triangle, Patch::Square];

    /// The kind of surface between so many corners; `None` unless there are two, three or four.
    pub fn from_corner_count(corners: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.corner_count() == corners)
    }

    /// Number of corners: 2, 3 or 4.
    pub fn corner_count(self) -> usize {
        match self {
            Patch::Curve => 2,
            Patch::Triangle => 3,
            Patch::Square => 4,
        }
    }

    /// The kind's name for people.
    pub fn name(self) -> &'static str {
        match self {
            Patch::Curve => "curve",
            Patch::Triangle => "triangular patch",
            Patch::Square => "surface",
        }
    }

    /// The parameters `(u, v)` of a corner, from 0.
    pub fn corner_parameters(self, corner: usize) -> (f64, f64) {
        ((corner % 2) as f64, (corner / 2) as f64)
    }

    /// True when `(u, v)` are parameters of a point.
    pub fn contains(self, u: f64, v: f64) -> bool {
        let inside = |x: f64| (0.0..=1.0).contains(&x);
        inside(u)
            && inside(v)
            && match self {
                Patch::Curve => v == 0.0,
                Patch::Triangle => u + v <= 1.0 + ROUNDING_TOLERANCE,
                Patch::Square => true,
            }
    }

    /// The points of a grid with so many along each axis, in words: `7 points`, `11×11 points`.
    pub fn describe_grid(self, grid: usize) -> String {
        match self {
            Patch::Curve => format!("{grid} points"),
            Patch::Triangle => format!("{} points of a triangle", grid * (grid + 1) / 2),
            Patch::Square => format!("{grid}×{grid} points"),
        }
    }

    /// Parameters of a point in words, with `digits` behind the point: `u 0.50`, or `u 0.50, v 0.25`.
    pub fn format_parameters(self, u: f64, v: f64, digits: usize) -> String {
        match self {
            Patch::Curve => format!("u {u:.digits$}"),
            Patch::Triangle | Patch::Square => format!("u {u:.digits$}, v {v:.digits$}"),
        }
    }

    /// Which parameters a point may have, in words.
    pub fn describe_domain(self) -> &'static str {
        match self {
            Patch::Curve => "u from 0 to 1, and v = 0",
            Patch::Triangle => "u and v of 0 or more whose sum is at most 1",
            Patch::Square => "parameters from 0 to 1",
        }
    }

    /// Weights of the corners, in their order, on the linear surface at `(u, v)`; they sum to one.
    pub fn linear_weights(self, u: f64, v: f64) -> Vec<f64> {
        match self {
            Patch::Curve => vec![1.0 - u, u],
            Patch::Triangle => vec![1.0 - u - v, u, v],
            Patch::Square => vec![(1.0 - u) * (1.0 - v), u * (1.0 - v), (1.0 - u) * v, u * v],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_lie_in_the_domain_and_the_linear_surface_meets_them() {
        for patch in Patch::ALL {
            assert_eq!(Patch::from_corner_count(patch.corner_count()), Some(patch));
            for corner in 0..patch.corner_count() {
                let (u, v) = patch.corner_parameters(corner);
                assert!(patch.contains(u, v), "{patch:?} {corner}");
                let weights = patch.linear_weights(u, v);
                assert_eq!(weights.len(), patch.corner_count());
                assert_eq!(weights[corner], 1.0);
            }
        }
        assert!(!Patch::Curve.contains(0.5, 0.1) && !Patch::Triangle.contains(0.6, 0.6));
        assert!(!Patch::Square.contains(1.1, 0.0) && !Patch::Square.contains(f64::NAN, 0.0));
        assert_eq!((Patch::from_corner_count(1), Patch::from_corner_count(5)), (None, None));
    }
}

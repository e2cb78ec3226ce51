//! The tensor-product Bézier surface over four corners, as coefficients on control points.
//!
//! `S(u,v) = Σ_i Σ_j B_i^m(u) B_j^n(v) θ_ij`, `(u,v) ∈ [0,1]²` (Ren, Chen, Wang, ICLR 2025). Every operation on a
//! surface is linear in the control points, so this module returns small matrices of coefficients, and
//! whoever owns the weights multiplies.
//!
//! **Row order.** Control points are stored with the four corners first, `(0,0) (m,0) (0,n) (m,n)`, then all others in
//! order of `i`, then `j`. The trainable points are then one contiguous block of rows.

use crate::bernstein;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A dense matrix as rows; small (at most 81 columns).
pub type Matrix = Vec<Vec<f64>>;

/// Degrees of the surface along `u` and `v`, each in `1..=8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "[u8; 2]", into = "[u8; 2]")]
pub struct Degrees {
    m: u8,
    n: u8,
}

/// An axis of the parameter square.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// From corner 1 towards corner 2.
    U,
    /// From corner 1 towards corner 3.
    V,
}

/// A degree outside `1..=8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("degree {0} is outside 1..=8; choose a degree from 1 (linear) to 8")]
pub struct DegreeError(pub u8);

impl Degrees {
    /// The highest degree per axis.
    pub const MAX: u8 = 8;

    /// Degrees `m × n`, or an error that names the one outside `1..=8`.
    pub fn new(m: u8, n: u8) -> Result<Self, DegreeError> {
        match [m, n].into_iter().find(|d| !(1..=Self::MAX).contains(d)) {
            Some(bad) => Err(DegreeError(bad)),
            None => Ok(Self { m, n }),
        }
    }

    /// Degree along `u`.
    pub fn m(self) -> usize {
        self.m.into()
    }

    /// Degree along `v`.
    pub fn n(self) -> usize {
        self.n.into()
    }

    /// Degree along `axis`.
    pub fn along(self, axis: Axis) -> usize {
        if axis == Axis::U { self.m() } else { self.n() }
    }

    /// The same degrees with that of `axis` changed by `by`, or an error when it leaves `1..=8`.
    pub fn changed(self, axis: Axis, by: i8) -> Result<Self, DegreeError> {
        match axis {
            Axis::U => Self::new(self.m.saturating_add_signed(by), self.n),
            Axis::V => Self::new(self.m, self.n.saturating_add_signed(by)),
        }
    }

    /// Number of control points `K = (m+1)(n+1)`.
    pub fn count(self) -> usize {
        (self.m() + 1) * (self.n() + 1)
    }

    /// Number of control points that are not corners: `K − 4`.
    pub fn trainable(self) -> usize {
        self.count() - 4
    }

    /// The index pair `(i, j)` of every row, corners first (see the module's row order).
    pub fn rows(self) -> Vec<(usize, usize)> {
        let (m, n) = (self.m(), self.n());
        let corners = [(0, 0), (m, 0), (0, n), (m, n)];
        let others = (0..=m).flat_map(|i| (0..=n).map(move |j| (i, j)));
        corners
            .into_iter()
            .chain(others.filter(|p| !corners.contains(p)))
            .collect()
    }

    /// The Bernstein weights `b_k = B_i(u) B_j(v)` of all `K` rows; they sum to one.
    pub fn weights(self, u: f64, v: f64) -> Vec<f64> {
        let (bu, bv) = (bernstein::basis(self.m(), u), bernstein::basis(self.n(), v));
        self.rows()
            .into_iter()
            .map(|(i, j)| bu[i] * bv[j])
            .collect()
    }

    /// The bilinear interpolation of the corners at every row: `[K, 4]`.
    ///
    /// With the control points placed there the surface is exactly the linear surface `bilinear(u, v)`.
    pub fn bilinear_rows(self) -> Matrix {
        let at = |(i, j): (usize, usize)| {
            bilinear(i as f64 / self.m() as f64, j as f64 / self.n() as f64).to_vec()
        };
        self.rows().into_iter().map(at).collect()
    }

    /// The mean of the surface, `∬ S du dv`: the plain mean of all control points.
    pub fn centroid(self) -> Vec<f64> {
        vec![1.0 / self.count() as f64; self.count()]
    }

    /// `E[b_k²]` of every row when `(u, v)` is uniform on the square: diagonal Bernstein Gram entries.
    pub fn interior_second_moments(self) -> Vec<f64> {
        let (gu, gv) = (bernstein::gram(self.m()), bernstein::gram(self.n()));
        self.rows()
            .into_iter()
            .map(|(i, j)| gu[i][i] * gv[j][j])
            .collect()
    }

    /// `E[b_k²]` of every row when `(u, v)` is uniform on the boundary (each edge a quarter).
    pub fn edge_second_moments(self) -> Vec<f64> {
        let (m, n) = (self.m(), self.n());
        let (gu, gv) = (bernstein::gram(m), bernstein::gram(n));
        let at = |(i, j): (usize, usize)| {
            let along_v = if i == 0 || i == m { gv[j][j] } else { 0.0 };
            let along_u = if j == 0 || j == n { gu[i][i] } else { 0.0 };
            (along_u + along_v) / 4.0
        };
        self.rows().into_iter().map(at).collect()
    }

    /// The `[K', K]` matrix that takes control points of these degrees to those of `to`, one axis at a time:
    /// exact elevation where the degree rises, least squares with the corners held where it falls.
    pub fn conversion(self, to: Degrees) -> Matrix {
        let (au, av) = (
            axis_conversion(self.m(), to.m()),
            axis_conversion(self.n(), to.n()),
        );
        let from = self.rows();
        to.rows()
            .into_iter()
            .map(|(i, j)| from.iter().map(|&(k, l)| au[i][k] * av[j][l]).collect())
            .collect()
    }

    /// True when every point of a surface of these degrees stays where it is under `conversion(to)`.
    pub fn converts_exactly(self, to: Degrees) -> bool {
        to.m >= self.m && to.n >= self.n
    }

    /// Which row stands for `corner` `0..4`: the identity in this row order, named for readers.
    pub fn corner_row(corner: usize) -> usize {
        corner
    }
}

impl TryFrom<[u8; 2]> for Degrees {
    type Error = DegreeError;
    fn try_from([m, n]: [u8; 2]) -> Result<Self, DegreeError> {
        Self::new(m, n)
    }
}

impl From<Degrees> for [u8; 2] {
    fn from(d: Degrees) -> Self {
        [d.m, d.n]
    }
}

impl fmt::Display for Degrees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.m, self.n)
    }
}

/// Weights of the four corners on the linear surface at `(u, v)`, in corner order.
pub fn bilinear(u: f64, v: f64) -> [f64; 4] {
    [(1.0 - u) * (1.0 - v), u * (1.0 - v), (1.0 - u) * v, u * v]
}

/// The parameters `(u, v)` of `corner` `0..4`.
pub fn corner_parameters(corner: usize) -> (f64, f64) {
    ((corner % 2) as f64, (corner / 2) as f64)
}

fn axis_conversion(from: usize, to: usize) -> Matrix {
    let mut total: Matrix = (0..=from)
        .map(|r| (0..=from).map(|c| f64::from(r == c)).collect())
        .collect();
    let mut degree = from;
    while degree != to {
        let step = if degree < to {
            bernstein::elevation(degree)
        } else {
            bernstein::lowering(degree)
        };
        total = multiply(&step, &total);
        degree = if degree < to { degree + 1 } else { degree - 1 };
    }
    total
}

fn multiply(a: &Matrix, b: &Matrix) -> Matrix {
    let column = |row: &Vec<f64>, c: usize| row.iter().zip(b).map(|(x, r)| x * r[c]).sum();
    a.iter()
        .map(|row| (0..b[0].len()).map(|c| column(row, c)).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn degrees() -> impl Strategy<Value = Degrees> {
        (1u8..=8, 1u8..=8).prop_map(|(m, n)| Degrees::new(m, n).unwrap())
    }

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(x, y)| x * y).sum()
    }

    proptest! {
        #[test]
        fn weights_are_a_partition_of_unity(d in degrees(), u in 0.0f64..=1.0, v in 0.0f64..=1.0) {
            prop_assert!((d.weights(u, v).iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }

        #[test]
        fn untrained_surface_is_the_linear_surface(d in degrees(), u in 0.0f64..=1.0, v in 0.0f64..=1.0) {
            let (b, rows, want) = (d.weights(u, v), d.bilinear_rows(), bilinear(u, v));
            for c in 0..4 {
                let got: f64 = b.iter().zip(&rows).map(|(b, r)| b * r[c]).sum();
                prop_assert!((got - want[c]).abs() < 1e-12);
            }
        }

        #[test]
        fn elevation_is_exact(d in degrees(), du in 0u8..3, dv in 0u8..3, u in 0.0f64..=1.0, v in 0.0f64..=1.0,
                              y in prop::collection::vec(-2.0f64..2.0, 81)) {
            let to = Degrees::new((d.m + du).min(8), (d.n + dv).min(8)).unwrap();
            let y = &y[..d.count()];
            let raised: Vec<f64> = d.conversion(to).iter().map(|r| dot(r, y)).collect();
            prop_assert!((dot(&d.weights(u, v), y) - dot(&to.weights(u, v), &raised)).abs() < 1e-10);
        }

        #[test]
        fn lowering_holds_corners_and_undoes_elevation(d in degrees(), y in prop::collection::vec(-2.0f64..2.0, 81)) {
            let high = Degrees::new((d.m + 1).min(8), (d.n + 1).min(8)).unwrap();
            let y = &y[..d.count()];
            let raised: Vec<f64> = d.conversion(high).iter().map(|r| dot(r, y)).collect();
            let back: Vec<f64> = high.conversion(d).iter().map(|r| dot(r, &raised)).collect();
            for (k, (a, b)) in y.iter().zip(&back).enumerate() {
                prop_assert!((a - b).abs() < if k < 4 { 1e-12 } else { 1e-7 }, "row {k}: {a} {b}");
            }
        }

        #[test]
        fn edges_are_curves_of_their_row(d in degrees(), t in 0.0f64..=1.0) {
            let rows = d.rows();
            for (b, on_edge) in [
                (d.weights(t, 0.0), Box::new(|(_, j): (usize, usize)| j == 0) as Box<dyn Fn((usize, usize)) -> bool>),
                (d.weights(1.0, t), Box::new(move |(i, _)| i == d.m())),
            ] {
                let inside: f64 =
                    b.iter().zip(&rows).filter(|(_, r)| on_edge(**r)).map(|(b, _)| b).sum();
                prop_assert!((inside - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn corners_are_reproduced() {
        for (m, n) in [(1, 1), (2, 2), (3, 5), (8, 8)] {
            let d = Degrees::new(m, n).unwrap();
            for corner in 0..4 {
                let (u, v) = corner_parameters(corner);
                let b = d.weights(u, v);
                assert_eq!(b[Degrees::corner_row(corner)], 1.0);
                assert_eq!(b.iter().sum::<f64>(), 1.0);
            }
        }
    }

    #[test]
    fn second_moments_and_centroid_match_a_fine_grid() {
        let d = Degrees::new(2, 3).unwrap();
        let n = 400;
        let mid = |s: usize| (s as f64 + 0.5) / n as f64;
        let (mut square, mut mean) = (vec![0.0; d.count()], vec![0.0; d.count()]);
        for (a, b) in (0..n).flat_map(|a| (0..n).map(move |b| (a, b))) {
            for (k, w) in d.weights(mid(a), mid(b)).into_iter().enumerate() {
                square[k] += w * w / (n * n) as f64;
                mean[k] += w / (n * n) as f64;
            }
        }
        for k in 0..d.count() {
            assert!((square[k] - d.interior_second_moments()[k]).abs() < 1e-4);
            assert!((mean[k] - d.centroid()[k]).abs() < 1e-4);
        }
        let mut edge = vec![0.0; d.count()];
        for s in 0..n {
            for (u, v) in [(0.0, mid(s)), (1.0, mid(s)), (mid(s), 0.0), (mid(s), 1.0)] {
                for (k, w) in d.weights(u, v).into_iter().enumerate() {
                    edge[k] += w * w / (4 * n) as f64;
                }
            }
        }
        for (got, want) in edge.iter().zip(d.edge_second_moments()) {
            assert!((got - want).abs() < 1e-4);
        }
    }

    #[test]
    fn degrees_outside_the_range_are_refused() {
        assert_eq!(Degrees::new(0, 2), Err(DegreeError(0)));
        assert_eq!(Degrees::new(2, 9), Err(DegreeError(9)));
        assert!(serde_json::from_str::<Degrees>("[2,9]").is_err());
        assert!(Degrees::new(8, 1).unwrap().changed(Axis::U, 1).is_err());
    }
}

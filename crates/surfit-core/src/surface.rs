//! Bézier surfaces between networks, as coefficients on control points.
//!
//! `S(u,v) = Σ_k b_k(u,v) θ_k`. Over four corners `b_ij = B_i^m(u) B_j^n(v)` on the square (Ren, Chen, Wang, ICLR 2025);
//! over two it is a curve, over three a triangular patch ([`Patch`]). Every operation on a surface is linear in the control
//! points, so this module returns small matrices of coefficients, and the owner of the weights multiplies.
//!
//! **Row order.** Control points are stored with the corners first, `(0,0) (m,0) (0,n) (m,n)` as far as they exist, then all
//! others in order of `i`, then `j`. The trainable points are then one contiguous block of rows.

mod patch;
mod triangle;

#[cfg(test)]
mod tests;

pub use patch::Patch;

use crate::bernstein;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A dense matrix as rows; small (at most 81 columns).
pub type DenseMatrix = Vec<Vec<f64>>;

/// Degrees of a surface, each in `1..=8`: along `u` and `v` of a square, along `u` of a curve, one of a triangular patch.
///
/// Written as `[m, n]` for a square, `[m]` for a curve, `{"triangle": d}` for a triangular patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "DegreesText", into = "DegreesText")]
pub struct Degrees {
    patch: Patch,
    m: u8,
    n: u8,
}

/// Which control points of a surface are trainable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainablePoints {
    /// All but the corners, which are given networks.
    #[default]
    AllButCorners,
    /// All, corners too.
    All,
}

/// An axis of the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterAxis {
    /// From corner 1 towards corner 2.
    U,
    /// From corner 1 towards corner 3.
    V,
}

/// Degrees that no surface can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DegreeError {
    /// A degree outside `1..=8`.
    #[error("degree {0} is outside 1..=8; choose a degree from 1 (linear) to 8")]
    OutOfRange(u8),
    /// A curve was to get a degree along `v`.
    #[error("a curve between two corners has no degree along v; change the one along u")]
    CurveWithoutV,
    /// A triangular patch was to get two degrees.
    #[error("a triangular patch has one degree, not {0} and {1}; give the same for u and v")]
    UnequalTriangle(u8, u8),
}

impl Degrees {
    /// The highest degree per axis.
    pub const MAX_DEGREE: u8 = 8;
    /// The linear surface over four corners.
    pub const LINEAR: Degrees = Degrees { patch: Patch::Square, m: 1, n: 1 };

    /// Degrees `m × n` of a surface over four corners.
    ///
    /// # Errors
    /// [`DegreeError::OutOfRange`] names the one outside `1..=8`.
    pub fn new(m: u8, n: u8) -> Result<Self, DegreeError> {
        Self::for_patch(Patch::Square, m, n)
    }

    /// Degrees of a kind of surface: a curve takes `m` only, a triangular patch needs both equal.
    ///
    /// # Errors
    /// [`DegreeError::OutOfRange`] for a degree outside `1..=8`, [`DegreeError::UnequalTriangle`] for two different ones.
    pub fn for_patch(patch: Patch, m: u8, n: u8) -> Result<Self, DegreeError> {
        let n = if patch == Patch::Curve { m } else { n };
        if let Some(bad) = [m, n].into_iter().find(|d| !(1..=Self::MAX_DEGREE).contains(d)) {
            return Err(DegreeError::OutOfRange(bad));
        }
        match patch {
            Patch::Curve => Ok(Self { patch, m, n: 0 }),
            Patch::Triangle if m != n => Err(DegreeError::UnequalTriangle(m, n)),
            _ => Ok(Self { patch, m, n }),
        }
    }

    /// What kind of surface it is.
    pub fn patch(self) -> Patch {
        self.patch
    }

    /// Number of corners: 2, 3 or 4.
    pub fn corner_count(self) -> usize {
        self.patch.corner_count()
    }

    /// Degree along `u`.
    pub fn m(self) -> usize {
        self.m.into()
    }

    /// Degree along `v`; 0 for a curve.
    pub fn n(self) -> usize {
        self.n.into()
    }

    /// Degree along `axis`.
    pub fn degree_along(self, axis: ParameterAxis) -> usize {
        if axis == ParameterAxis::U { self.m() } else { self.n() }
    }

    /// The same degrees with that of `axis` changed by `by`; a triangular patch has one, which either axis changes.
    ///
    /// # Errors
    /// When it is outside `1..=8`, and for a curve's `v`.
    pub fn with_changed_degree(self, axis: ParameterAxis, by: i8) -> Result<Self, DegreeError> {
        let up = |d: u8| d.saturating_add_signed(by);
        match (self.patch, axis) {
            (Patch::Triangle, _) => Self::for_patch(self.patch, up(self.m), up(self.n)),
            (Patch::Curve, ParameterAxis::V) => Err(DegreeError::CurveWithoutV),
            (_, ParameterAxis::U) => Self::for_patch(self.patch, up(self.m), self.n),
            (_, ParameterAxis::V) => Self::for_patch(self.patch, self.m, up(self.n)),
        }
    }

    /// Number of control points `K`: `(m+1)(n+1)`, or `(d+1)(d+2)/2` of a triangular patch.
    pub fn point_count(self) -> usize {
        match self.patch {
            Patch::Triangle => (self.m() + 1) * (self.m() + 2) / 2,
            _ => (self.m() + 1) * (self.n() + 1),
        }
    }

    /// The first row that is trainable; all after it are, too.
    pub fn first_trainable_row(self, trainable: TrainablePoints) -> usize {
        match trainable {
            TrainablePoints::AllButCorners => self.corner_count(),
            TrainablePoints::All => 0,
        }
    }

    /// The number of the corner, from 0, that a row is, when it is one: corners come first.
    pub fn corner_number(self, row: usize) -> Option<usize> {
        (row < self.corner_count()).then_some(row)
    }

    /// Number of trainable control points.
    pub fn trainable_count(self, trainable: TrainablePoints) -> usize {
        self.point_count() - self.first_trainable_row(trainable)
    }

    /// The index pair `(i, j)` of every row, corners first (see the module's row order).
    pub fn row_indices(self) -> Vec<(usize, usize)> {
        let (m, n) = (self.m(), self.n());
        let corners = &[(0, 0), (m, 0), (0, n), (m, n)][..self.corner_count()];
        let holds = |i: usize, j: usize| self.patch != Patch::Triangle || i + j <= m;
        let others = (0..=m).flat_map(|i| (0..=n).map(move |j| (i, j)));
        corners.iter().copied().chain(others.filter(|p| holds(p.0, p.1) && !corners.contains(p))).collect()
    }

    /// The Bernstein weights `b_k` of all `K` rows; they sum to one.
    pub fn bernstein_weights(self, u: f64, v: f64) -> Vec<f64> {
        if self.patch == Patch::Triangle {
            return triangle::bernstein_weights(self.m(), &self.row_indices(), u, v);
        }
        let (bu, bv) = (bernstein::basis(self.m(), u), bernstein::basis(self.n(), v));
        self.row_indices().into_iter().map(|(i, j)| bu[i] * bv[j]).collect()
    }

    /// The parameters `(i/m, j/n)` at which a row is on the linear surface.
    pub fn row_parameters(self, (i, j): (usize, usize)) -> (f64, f64) {
        (i as f64 / self.m() as f64, j as f64 / self.n().max(1) as f64)
    }

    /// The linear interpolation of the corners at every row: `[K, corners]`.
    ///
    /// With the control points placed there the surface is exactly the linear surface, [`Patch::linear_weights`].
    pub fn linear_rows(self) -> DenseMatrix {
        let at = |row| {
            let (u, v) = self.row_parameters(row);
            self.patch.linear_weights(u, v)
        };
        self.row_indices().into_iter().map(at).collect()
    }

    /// The mean of the whole surface: the plain mean of all control points.
    pub fn centroid_weights(self) -> Vec<f64> {
        vec![1.0 / self.point_count() as f64; self.point_count()]
    }

    /// `E[b_k²]` of every row when the point is uniform over the whole: diagonal Bernstein Gram entries.
    pub fn interior_second_moments(self) -> Vec<f64> {
        let rows = self.row_indices();
        if self.patch == Patch::Triangle {
            let gram = triangle::gram_matrix(self.m(), &rows);
            return (0..rows.len()).map(|k| gram[k][k]).collect();
        }
        let (gu, gv) = (bernstein::gram_matrix(self.m()), bernstein::gram_matrix(self.n()));
        rows.into_iter().map(|(i, j)| gu[i][i] * gv[j][j]).collect()
    }

    /// `E[b_k²]` of every row when the point is uniform on the boundary, every edge alike. A curve is its own edge.
    pub fn edge_second_moments(self) -> Vec<f64> {
        match self.patch {
            Patch::Curve => self.interior_second_moments(),
            Patch::Triangle => triangle::edge_second_moments(self.m(), &self.row_indices()),
            Patch::Square => {
                let (m, n) = (self.m(), self.n());
                let (gu, gv) = (bernstein::gram_matrix(m), bernstein::gram_matrix(n));
                let at = |(i, j): (usize, usize)| {
                    let along_v = if i == 0 || i == m { gv[j][j] } else { 0.0 };
                    let along_u = if j == 0 || j == n { gu[i][i] } else { 0.0 };
                    (along_u + along_v) / 4.0
                };
                self.row_indices().into_iter().map(at).collect()
            }
        }
    }

    /// The `[K', K]` matrix that takes control points of these degrees to those of `to`, a surface of the same kind, one
    /// step at a time: exact elevation where the degree rises, least squares with the corners held where it falls.
    ///
    /// # Panics
    /// If `to` is another kind of surface: it has other corners.
    pub fn conversion_matrix(self, to: Degrees) -> DenseMatrix {
        assert_eq!(self.patch, to.patch, "a {} cannot become a {}", self.patch.name(), to.patch.name());
        if self.patch == Patch::Triangle {
            return self.triangle_conversion_matrix(to);
        }
        let (au, av) = (axis_conversion_matrix(self.m(), to.m()), axis_conversion_matrix(self.n(), to.n()));
        let from = self.row_indices();
        to.row_indices().into_iter().map(|(i, j)| from.iter().map(|&(k, l)| au[i][k] * av[j][l]).collect()).collect()
    }

    fn triangle_conversion_matrix(self, to: Degrees) -> DenseMatrix {
        let rows = |d: u8| Self { m: d, n: d, ..self }.row_indices();
        let mut total = identity_matrix(self.point_count());
        let mut degree = self.m;
        while degree != to.m {
            let next = if degree < to.m { degree + 1 } else { degree - 1 };
            let step = if degree < to.m {
                triangle::elevation_matrix(degree.into(), &rows(degree), &rows(next))
            } else {
                triangle::lowering_matrix(degree.into(), &rows(next), &rows(degree))
            };
            total = multiply_matrices(&step, &total);
            degree = next;
        }
        total
    }

    /// True when every point of a surface of these degrees stays where it is under `conversion(to)`.
    pub fn converts_exactly(self, to: Degrees) -> bool {
        self.patch == to.patch && to.m >= self.m && to.n >= self.n
    }
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
enum DegreesText {
    Square([u8; 2]),
    Curve([u8; 1]),
    Triangle { triangle: u8 },
}

impl TryFrom<DegreesText> for Degrees {
    type Error = DegreeError;
    fn try_from(wire: DegreesText) -> Result<Self, DegreeError> {
        match wire {
            DegreesText::Square([m, n]) => Self::new(m, n),
            DegreesText::Curve([m]) => Self::for_patch(Patch::Curve, m, m),
            DegreesText::Triangle { triangle } => Self::for_patch(Patch::Triangle, triangle, triangle),
        }
    }
}

impl From<Degrees> for DegreesText {
    fn from(d: Degrees) -> Self {
        match d.patch {
            Patch::Square => DegreesText::Square([d.m, d.n]),
            Patch::Curve => DegreesText::Curve([d.m]),
            Patch::Triangle => DegreesText::Triangle { triangle: d.m },
        }
    }
}

impl fmt::Display for Degrees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.patch {
            Patch::Square => write!(f, "{}×{}", self.m, self.n),
            _ => write!(f, "{}", self.m),
        }
    }
}

fn axis_conversion_matrix(from: usize, to: usize) -> DenseMatrix {
    let mut total = identity_matrix(from + 1);
    let mut degree = from;
    while degree != to {
        let step = if degree < to { bernstein::elevation_matrix(degree) } else { bernstein::lowering_matrix(degree) };
        total = multiply_matrices(&step, &total);
        degree = if degree < to { degree + 1 } else { degree - 1 };
    }
    total
}

fn identity_matrix(n: usize) -> DenseMatrix {
    (0..n).map(|r| (0..n).map(|c| f64::from(r == c)).collect()).collect()
}

fn multiply_matrices(a: &DenseMatrix, b: &DenseMatrix) -> DenseMatrix {
    let column = |row: &Vec<f64>, c: usize| row.iter().zip(b).map(|(x, r)| x * r[c]).sum();
    a.iter().map(|row| (0..b[0].len()).map(|c| column(row, c)).collect()).collect()
}

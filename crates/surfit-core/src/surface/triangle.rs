//! Triangular Bézier patches: Bernstein polynomials of three barycentric coordinates (Farin 1986).
//!
//! With `w = 1 − u − v` and `k = d − i − j`: `B_ij(u, v) = d!/(i! j! k!) uⁱ vʲ wᵏ`. Rows are index pairs `(i, j)`.

use super::DenseMatrix;
use crate::bernstein::{binomial, solve_linear_system};

type MatrixRows = [(usize, usize)];

/// `B_ij(u, v)` of every row.
pub(super) fn bernstein_weights(degree: usize, rows: &MatrixRows, u: f64, v: f64) -> Vec<f64> {
    // Rounding may put a point of the third edge a little beyond it.
    let w = (1.0 - u - v).max(0.0);
    let power = |x: f64, n: usize| x.powi(n as i32);
    rows.iter()
        .map(|&(i, j)| multinomial(degree, i, j) * power(u, i) * power(v, j) * power(w, degree - i - j))
        .collect()
}

/// `E[B_r B_s]` for all pairs of rows, `(u, v)` uniform on the triangle.
pub(super) fn gram_matrix(degree: usize, rows: &MatrixRows) -> DenseMatrix {
    let entry = |&(i, j): &(usize, usize), &(a, b): &(usize, usize)| {
        let (x, y) = (i + a, j + b);
        let z = 2 * degree - x - y;
        // ∫ uˣ vʸ wᶻ = x! y! z!/(x + y + z + 2)!, and the triangle has the area 1/2.
        let integral = factorial(x) * factorial(y) * factorial(z) / factorial(2 * degree + 2);
        2.0 * multinomial(degree, i, j) * multinomial(degree, a, b) * integral
    };
    rows.iter().map(|r| rows.iter().map(|s| entry(r, s)).collect()).collect()
}

/// `E[B_ij²]` of every row, `(u, v)` uniform on the boundary (each edge a third).
pub(super) fn edge_second_moments(degree: usize, rows: &MatrixRows) -> Vec<f64> {
    let gram = crate::bernstein::gram_matrix(degree);
    let at = |&(i, j): &(usize, usize)| {
        let on = |holds: bool, index: usize| if holds { gram[index][index] } else { 0.0 };
        (on(j == 0, i) + on(i == 0, j) + on(i + j == degree, i)) / 3.0
    };
    rows.iter().map(at).collect()
}

/// Exact elevation from `degree` to `degree + 1`, `[low.len() → high.len()]`:
/// `θ'_ijk = (i θ_{i−1,j,k} + j θ_{i,j−1,k} + k θ_{i,j,k−1})/(d + 1)`.
pub(super) fn elevation_matrix(degree: usize, low: &MatrixRows, high: &MatrixRows) -> DenseMatrix {
    let d1 = (degree + 1) as f64;
    high.iter()
        .map(|&(i, j)| {
            let k = degree + 1 - i - j;
            low.iter()
                .map(|&(a, b)| match (i.wrapping_sub(a), j.wrapping_sub(b)) {
                    (1, 0) => i as f64 / d1,
                    (0, 1) => j as f64 / d1,
                    (0, 0) if k > 0 => k as f64 / d1,
                    _ => 0.0,
                })
                .collect()
        })
        .collect()
}

/// One step of degree lowering from `degree`: the least-squares fit (in the L2 norm over the triangle) among patches of the
/// lower degree whose corners, the first three rows of both, stay where they are. `[low.len(), high.len()]`.
pub(super) fn lowering_matrix(degree: usize, low: &MatrixRows, high: &MatrixRows) -> DenseMatrix {
    const FIXED_CORNERS: usize = 3;
    let (e, g) = (elevation_matrix(degree - 1, low, high), gram_matrix(degree, high));
    let (lows, highs) = (low.len(), high.len());
    let ge: DenseMatrix =
        (0..highs).map(|r| (0..lows).map(|c| (0..highs).map(|k| g[r][k] * e[k][c]).sum()).collect()).collect();
    let normal = |a: usize, b: usize| -> f64 { (0..highs).map(|k| e[k][a] * ge[k][b]).sum() };
    let mut out = vec![vec![0.0; highs]; lows];
    (0..FIXED_CORNERS).for_each(|corner| out[corner][corner] = 1.0);
    let mut a: DenseMatrix =
        (FIXED_CORNERS..lows).map(|r| (FIXED_CORNERS..lows).map(|c| normal(r, c)).collect()).collect();
    let mut rhs: DenseMatrix = (FIXED_CORNERS..lows)
        .map(|r| (0..highs).map(|y| ge[y][r] - if y < FIXED_CORNERS { normal(r, y) } else { 0.0 }).collect())
        .collect();
    solve_linear_system(&mut a, &mut rhs);
    out.truncate(FIXED_CORNERS);
    out.extend(rhs);
    out
}

fn multinomial(degree: usize, i: usize, j: usize) -> f64 {
    binomial(degree, i) * binomial(degree - i, j)
}

fn factorial(n: usize) -> f64 {
    (1..=n).map(|k| k as f64).product()
}

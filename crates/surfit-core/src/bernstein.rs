//! Bernstein polynomials of one variable.

/// Binomial coefficient `n choose k`, exact in `f64` for the degrees used here (`n ≤ 16`).
pub fn binomial(n: usize, k: usize) -> f64 {
    (0..k.min(n - k)).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64).round()
}

/// The `degree + 1` Bernstein polynomials `B_i(t)`, by de Casteljau's recurrence.
///
/// They are non-negative and sum to one for `t ∈ [0, 1]`; the recurrence keeps both to rounding, where
/// powers of small `t` would not.
pub fn basis(degree: usize, t: f64) -> Vec<f64> {
    let mut b = vec![0.0; degree + 1];
    b[0] = 1.0;
    for d in 1..=degree {
        let mut carried = 0.0;
        for value in b.iter_mut().take(d + 1) {
            let here = *value;
            *value = carried + (1.0 - t) * here;
            carried = t * here;
        }
    }
    b
}

/// `∫₀¹ B_i(t) B_k(t) dt` for all pairs: the `[degree + 1, degree + 1]` Gram matrix, row by row.
pub fn gram_matrix(degree: usize) -> Vec<Vec<f64>> {
    (0..=degree).map(|i| (0..=degree).map(|k| gram_entry(degree, i, k)).collect()).collect()
}

fn gram_entry(degree: usize, i: usize, k: usize) -> f64 {
    binomial(degree, i) * binomial(degree, k) / (binomial(2 * degree, i + k) * (2 * degree + 1) as f64)
}

/// One step of exact degree elevation along one axis, as a `[degree + 2, degree + 1]` matrix:
/// `θ'_i = i/(d+1)·θ_{i−1} + (1 − i/(d+1))·θ_i`.
pub fn elevation_matrix(degree: usize) -> Vec<Vec<f64>> {
    let d1 = (degree + 1) as f64;
    (0..=degree + 1)
        .map(|i| {
            let a = i as f64 / d1;
            (0..=degree)
                .map(|k| {
                    let left = if k + 1 == i { a } else { 0.0 };
                    let here = if k == i { 1.0 - a } else { 0.0 };
                    left + here
                })
                .collect()
        })
        .collect()
}

/// One step of degree lowering along one axis, as a `[degree, degree + 1]` matrix: the least-squares fit (in the
/// L2 norm over `[0, 1]`) among curves of the lower degree, with both ends held.
///
/// Lowering the elevation of a curve gives that curve back.
///
/// # Panics
/// If `degree < 2`: degree 1 is the lowest that has both ends.
pub fn lowering_matrix(degree: usize) -> Vec<Vec<f64>> {
    assert!(degree >= 2, "degree {degree} has nothing to lower");
    let low = degree - 1;
    // Elevating the unknown curve gives a residual E·x − y in the high basis; its Gram norm is minimised over the
    // inner rows of x, with x_0 = y_0 and x_low = y_degree.
    let e = elevation_matrix(low);
    let g = gram_matrix(degree);
    let ge: Vec<Vec<f64>> =
        (0..=degree).map(|r| (0..=low).map(|c| (0..=degree).map(|k| g[r][k] * e[k][c]).sum()).collect()).collect();
    let normal = |a: usize, b: usize| -> f64 { (0..=degree).map(|k| e[k][a] * ge[k][b]).sum() };
    let mut out = vec![vec![0.0; degree + 1]; low + 1];
    out[0][0] = 1.0;
    out[low][degree] = 1.0;
    let inner = low - 1;
    if inner == 0 {
        return out;
    }
    let mut a: Vec<Vec<f64>> = (0..inner).map(|r| (0..inner).map(|c| normal(r + 1, c + 1)).collect()).collect();
    let mut rhs: Vec<Vec<f64>> = (0..inner)
        .map(|r| {
            (0..=degree)
                .map(|y| {
                    let ends = match y {
                        0 => normal(r + 1, 0),
                        y if y == degree => normal(r + 1, low),
                        _ => 0.0,
                    };
                    ge[y][r + 1] - ends
                })
                .collect()
        })
        .collect();
    solve_linear_system(&mut a, &mut rhs);
    for (row, solved) in out[1..low].iter_mut().zip(rhs) {
        *row = solved;
    }
    out
}

/// Gauss elimination with partial pivoting of `a·x = rhs`, several right-hand sides at once; `rhs` becomes `x`.
/// The matrices are at most 42×42 and positive definite.
pub(crate) fn solve_linear_system(a: &mut [Vec<f64>], rhs: &mut [Vec<f64>]) {
    let n = a.len();
    for p in 0..n {
        let best = (p..n).max_by(|&x, &y| a[x][p].abs().total_cmp(&a[y][p].abs())).unwrap_or(p);
        a.swap(p, best);
        rhs.swap(p, best);
        let (pivot_a, pivot_r) = (a[p].clone(), rhs[p].clone());
        for r in 0..n {
            if r != p {
                let factor = a[r][p] / pivot_a[p];
                a[r].iter_mut().zip(&pivot_a).for_each(|(x, y)| *x -= factor * y);
                rhs[r].iter_mut().zip(&pivot_r).for_each(|(x, y)| *x -= factor * y);
            }
        }
    }
    for p in 0..n {
        let pivot = a[p][p];
        rhs[p].iter_mut().for_each(|x| *x /= pivot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn partition_of_unity_and_sign(degree in 1usize..=8, t in 0.0f64..=1.0) {
            let b = basis(degree, t);
            prop_assert!((b.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            prop_assert!(b.iter().all(|&x| (-1e-15..=1.0 + 1e-12).contains(&x)));
        }

        #[test]
        fn elevation_leaves_every_point(degree in 1usize..=7, t in 0.0f64..=1.0,
                                        y in prop::collection::vec(-3.0f64..3.0, 8)) {
            let e = elevation_matrix(degree);
            let low: f64 = basis(degree, t).iter().zip(&y).map(|(b, y)| b * y).sum();
            let raised: Vec<f64> =
                e.iter().map(|r| r.iter().zip(&y).map(|(a, y)| a * y).sum()).collect();
            let high: f64 = basis(degree + 1, t).iter().zip(&raised).map(|(b, y)| b * y).sum();
            prop_assert!((low - high).abs() < 1e-12);
        }

        #[test]
        fn lowering_undoes_elevation(degree in 1usize..=7, y in prop::collection::vec(-3.0f64..3.0, 8)) {
            let (e, l) = (elevation_matrix(degree), lowering_matrix(degree + 1));
            let raised: Vec<f64> =
                e.iter().map(|r| r.iter().zip(&y).map(|(a, y)| a * y).sum()).collect();
            for (row, want) in l.iter().zip(&y) {
                let got: f64 = row.iter().zip(&raised).map(|(a, x)| a * x).sum();
                prop_assert!((got - want).abs() < 1e-9, "{got} {want}");
            }
        }
    }

    #[test]
    fn gram_matches_numerical_integration() {
        for degree in 1..=8 {
            let g = gram_matrix(degree);
            let n = 4000;
            for i in 0..=degree {
                let sum: f64 = (0..n)
                    .map(|s| {
                        let b = basis(degree, (s as f64 + 0.5) / n as f64);
                        b[i] * b[degree / 2]
                    })
                    .sum::<f64>()
                    / n as f64;
                assert!((sum - g[i][degree / 2]).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn lowering_is_least_squares_with_ends_held() {
        // Perturbing the inner point of the lowered curve must not come closer to the original.
        let y = [0.0, 2.0, -1.0, 0.5];
        let x: Vec<f64> = lowering_matrix(3).iter().map(|r| r.iter().zip(&y).map(|(a, y)| a * y).sum()).collect();
        assert_eq!((x[0], x[2]), (0.0, 0.5));
        let error = |inner: f64| -> f64 {
            (0..1000)
                .map(|s| {
                    let t = (s as f64 + 0.5) / 1000.0;
                    let high: f64 = basis(3, t).iter().zip(&y).map(|(b, y)| b * y).sum();
                    let b = basis(2, t);
                    (b[0] * x[0] + b[1] * inner + b[2] * x[2] - high).powi(2)
                })
                .sum()
        };
        assert!(error(x[1]) < error(x[1] + 0.01) && error(x[1]) < error(x[1] - 0.01));
    }
}

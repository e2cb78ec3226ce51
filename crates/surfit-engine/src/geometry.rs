//! Distances and angles between corners in weight space.

use surfit_core::event::Geometry;
use tch::Tensor;

/// Distances and angles between corners, each `[P]`.
pub fn measure_geometry(corners: &[Tensor], aligned: bool) -> Geometry {
    let number = |t: Tensor| t.double_value(&[]);
    let pairs: Vec<(usize, usize)> =
        (0..corners.len()).flat_map(|a| (a + 1..corners.len()).map(move |b| (a, b))).collect();
    let angle = |x: &Tensor, y: &Tensor| {
        // Kahan's formula: the arc cosine of a number near 1 would be wrong in its third digit.
        let (x, y) = (x / number(x.norm()), y / number(y.norm()));
        let half = number((&x - &y).norm()).atan2(number((&x + &y).norm()));
        2.0 * half.to_degrees()
    };
    let from_first = |corner: usize| &corners[corner] - &corners[0];
    Geometry {
        aligned,
        fitted: false,
        distances: pairs.iter().map(|&(a, b)| number((&corners[a] - &corners[b]).norm())).collect(),
        angles: pairs.iter().map(|&(a, b)| angle(&corners[a], &corners[b])).collect(),
        angles_at_first: pairs
            .iter()
            .filter(|p| p.0 > 0)
            .map(|&(a, b)| angle(&from_first(a), &from_first(b)))
            .collect(),
        pairs,
    }
}

/// Pairs of corners whose weights are the same: the surface has nothing to find between them.
pub fn equal_corners(geometry: &Geometry) -> Vec<(usize, usize)> {
    let pairs = geometry.pairs.iter().zip(&geometry.distances);
    pairs.filter(|(_, d)| **d == 0.0).map(|(pair, _)| *pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corner_that_is_given_twice_is_detected() {
        let corners = [[1.0f32, 0.0], [0.0, 0.0], [1.0, 0.0]].map(|c| Tensor::from_slice(&c));
        assert_eq!(equal_corners(&measure_geometry(&corners, false)), [(0, 2)]);
    }

    #[test]
    fn a_right_triangle_has_its_sides_and_angles() {
        let corners = [[1.0f32, 0.0, 0.0], [4.0, 0.0, 0.0], [1.0, 4.0, 0.0]].map(|c| Tensor::from_slice(&c));
        let g = measure_geometry(&corners, true);
        assert_eq!(g.pairs, [(0, 1), (0, 2), (1, 2)]);
        for (got, want) in g.distances.iter().zip([3.0, 4.0, 5.0]) {
            assert!((got - want).abs() < 1e-5, "{got} {want}");
        }
        assert!((g.angles[0]).abs() < 0.1);
        assert!((g.angles[1] - 4f64.atan2(1.0).to_degrees()).abs() < 1e-3);
        assert_eq!(g.angles_at_first.len(), 1);
        assert!((g.angles_at_first[0] - 90.0).abs() < 1e-3);
    }
}

//! Where on the surface each part of a minibatch is trained.

use crate::random::{self, Purpose};
use rand::Rng;

/// Which part of the surface a fit trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The boundary: four Bézier curves between neighbouring corners at once.
    Edge,
    /// The whole square.
    Interior,
}

/// The points `(u, v)` of one optimizer step: `count` draws of a low-discrepancy sequence that the seed shifts.
///
/// Interior draws are Roberts' R2 sequence, so that consecutive draws spread over the square; edge draws walk
/// round the boundary, a quarter turn and a golden-ratio step apart, so that four draws hit four edges.
pub fn draws(seed: u64, phase: Phase, step: u64, count: usize) -> Vec<(f64, f64)> {
    let mut rng = random::stream(seed, Purpose::Draws, phase as u64);
    let shift: (f64, f64) = (rng.random(), rng.random());
    let first = step * count as u64;
    match phase {
        Phase::Interior => (first..first + count as u64)
            .map(|k| r2(shift, k))
            .collect(),
        Phase::Edge => (0..count as u64)
            .map(|d| {
                let along = fraction(shift.0, GOLDEN, first + d);
                on_boundary((first + d) % 4, along)
            })
            .collect(),
    }
}

/// `1/φ`, the step of the best one-dimensional sequence.
const GOLDEN: f64 = 0.618_033_988_749_894_9;
/// `1/g` and `1/g²` for the plastic number `g` (Roberts 2018).
const R2: (f64, f64) = (0.754_877_666_246_692_8, 0.569_840_290_998_053_3);

fn fraction(shift: f64, step: f64, k: u64) -> f64 {
    (shift + step * k as f64).fract()
}

fn r2(shift: (f64, f64), k: u64) -> (f64, f64) {
    (fraction(shift.0, R2.0, k), fraction(shift.1, R2.1, k))
}

fn on_boundary(edge: u64, along: f64) -> (f64, f64) {
    match edge {
        0 => (along, 0.0),
        1 => (1.0, along),
        2 => (along, 1.0),
        _ => (0.0, along),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surface::Degrees;

    #[test]
    fn draws_are_a_function_of_seed_phase_and_step() {
        let a = draws(7, Phase::Interior, 10, 4);
        assert_eq!(a, draws(7, Phase::Interior, 10, 4));
        assert_ne!(a, draws(8, Phase::Interior, 10, 4));
        assert_ne!(a, draws(7, Phase::Interior, 11, 4));
        assert!(
            a.iter()
                .all(|&(u, v)| (0.0..1.0).contains(&u) && (0.0..1.0).contains(&v))
        );
    }

    #[test]
    fn edge_draws_lie_on_all_four_edges() {
        for count in [1, 4] {
            let mut edges = [0; 4];
            for step in 0..8 {
                for (u, v) in draws(1, Phase::Edge, step, count) {
                    let edge = [v == 0.0, u == 1.0, v == 1.0, u == 0.0];
                    edges[edge.iter().position(|&e| e).expect("on the boundary")] += 1;
                }
            }
            assert_eq!(edges, [2 * count; 4]);
        }
    }

    #[test]
    fn moments_of_the_draws_match_the_closed_forms() {
        let d = Degrees::new(2, 3).unwrap();
        for (phase, want) in [
            (Phase::Interior, d.interior_second_moments()),
            (Phase::Edge, d.edge_second_moments()),
        ] {
            let mut got = vec![0.0; d.count()];
            let steps = 4000;
            for step in 0..steps {
                for (u, v) in draws(3, phase, step, 4) {
                    for (g, b) in got.iter_mut().zip(d.weights(u, v)) {
                        *g += b * b / (4 * steps) as f64;
                    }
                }
            }
            for (g, w) in got.iter().zip(want) {
                assert!((g - w).abs() < 2e-3, "{phase:?}: {g} {w}");
            }
        }
    }
}

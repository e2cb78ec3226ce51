//! Where on the surface each part of a minibatch is trained.

mod density;

pub use density::Density;

use crate::random::{self, RandomStream};
use crate::surface::Patch;
use rand::Rng;

/// Which part of the surface a fit trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FitPhase {
    /// The boundary: the Bézier curves between neighbouring corners at once. A curve is its own boundary.
    Edge,
    /// The whole surface.
    Interior,
    /// The one network that all control points are before they branch.
    Trunk,
}

/// How the points of a fit are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// A low-discrepancy sequence that the seed shifts: consecutive draws spread over the surface.
    #[default]
    Stratified,
    /// Independent uniform draws, as in the papers.
    Independent,
}

/// The points that a fit draws: a function of these values, phase and step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointDraws {
    /// Seed of the run.
    pub seed: u64,
    /// What kind of surface is drawn from.
    pub patch: Patch,
    /// Method by which points are drawn.
    pub sampling: Sampling,
}

impl PointDraws {
    /// The `count` points `(u, v)` of the optimizer step `step` of a phase.
    ///
    /// Stratified interior draws are Roberts' R2 sequence; edge draws walk round the boundary, one edge and a
    /// golden-ratio step apart, so that as many draws as there are edges hit them all. A triangle is a square folded along
    /// its diagonal. With a `density`, interior draws are warped to follow it instead of being uniform. A trunk is the same
    /// network everywhere, so it has one draw.
    pub fn draw_points(&self, phase: FitPhase, step: u64, count: usize, density: Option<&Density>) -> Vec<(f64, f64)> {
        if phase == FitPhase::Trunk {
            return vec![(0.0, 0.0)];
        }
        let first = step * count as u64;
        let unit: Vec<(f64, f64)> = match self.sampling {
            Sampling::Stratified => {
                let mut rng = random::stream(self.seed, RandomStream::Draws, phase as u64);
                let shift: (f64, f64) = (rng.random(), rng.random());
                let sequence = |k| match phase {
                    FitPhase::Edge => (sequence_fraction(shift.0, INVERSE_GOLDEN_RATIO, k), self.edge_position(k)),
                    _ if self.patch == Patch::Curve => (sequence_fraction(shift.0, INVERSE_GOLDEN_RATIO, k), 0.0),
                    _ => (sequence_fraction(shift.0, R2_STEPS.0, k), sequence_fraction(shift.1, R2_STEPS.1, k)),
                };
                (first..first + count as u64).map(sequence).collect()
            }
            Sampling::Independent => {
                let mut rng = random::stream(self.seed, RandomStream::IndependentDraws, 2 * step + phase as u64);
                (0..count).map(|_| (rng.random(), rng.random())).collect()
            }
        };
        let place = |(a, b)| match (phase, density) {
            (FitPhase::Edge, _) => self.boundary_point(a, b),
            (_, Some(density)) => density.warp(a, b),
            (_, None) => self.fold_onto_surface(a, b),
        };
        unit.into_iter().map(place).collect()
    }

    /// A number in `[0, 1)` that selects the edge of draw `k`.
    fn edge_position(&self, k: u64) -> f64 {
        let edges = self.edge_count();
        ((k % edges) as f64 + 0.5) / edges as f64
    }

    fn edge_count(&self) -> u64 {
        match self.patch {
            Patch::Curve => 1,
            Patch::Triangle => 3,
            Patch::Square => 4,
        }
    }

    /// The point `along` an edge; `which`, in `[0, 1)`, selects the edge.
    fn boundary_point(&self, along: f64, which: f64) -> (f64, f64) {
        let edge = (which * self.edge_count() as f64) as u64;
        match (self.patch, edge) {
            (_, 0) => (along, 0.0),
            (Patch::Triangle, 1) => (1.0 - along, along),
            (Patch::Triangle, _) => (0.0, along),
            (_, 1) => (1.0, along),
            (_, 2) => (along, 1.0),
            _ => (0.0, along),
        }
    }

    /// The point of the surface that a point of the unit square maps to, evenly.
    fn fold_onto_surface(&self, u: f64, v: f64) -> (f64, f64) {
        match self.patch {
            Patch::Curve => (u, 0.0),
            Patch::Triangle if u + v > 1.0 => (1.0 - u, 1.0 - v),
            _ => (u, v),
        }
    }
}

/// `1/φ`, the step of the best one-dimensional sequence.
const INVERSE_GOLDEN_RATIO: f64 = 0.618_033_988_749_894_9;
/// `1/g` and `1/g²` for the plastic number `g` (Roberts 2018).
const R2_STEPS: (f64, f64) = (0.754_877_666_246_692_8, 0.569_840_290_998_053_3);

fn sequence_fraction(shift: f64, step: f64, k: u64) -> f64 {
    (shift + step * k as f64).fract()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surface::Degrees;

    fn draws(seed: u64, patch: Patch, sampling: Sampling) -> PointDraws {
        PointDraws { seed, patch, sampling }
    }

    const SAMPLINGS: [Sampling; 2] = [Sampling::Stratified, Sampling::Independent];

    #[test]
    fn draws_are_a_function_of_seed_phase_and_step() {
        for sampling in SAMPLINGS {
            let of = |seed, step| draws(seed, Patch::Square, sampling).draw_points(FitPhase::Interior, step, 4, None);
            assert_eq!(of(7, 10), of(7, 10));
            assert_ne!(of(7, 10), of(8, 10));
            assert_ne!(of(7, 10), of(7, 11));
        }
    }

    #[test]
    fn a_trunk_has_one_draw_whatever_is_asked_for() {
        for sampling in SAMPLINGS {
            let of = |step| draws(7, Patch::Square, sampling).draw_points(FitPhase::Trunk, step, 4, None);
            assert_eq!((of(0), of(9)), (vec![(0.0, 0.0)], vec![(0.0, 0.0)]));
        }
    }

    #[test]
    fn every_draw_lies_on_its_surface() {
        for (patch, sampling) in Patch::ALL.into_iter().flat_map(|p| SAMPLINGS.map(|s| (p, s))) {
            for (phase, step) in [(FitPhase::Edge, 3), (FitPhase::Interior, 5)] {
                for (u, v) in draws(2, patch, sampling).draw_points(phase, step, 64, None) {
                    assert!(patch.contains(u, v), "{patch:?} {sampling:?} {phase:?} ({u}, {v})");
                }
            }
        }
    }

    #[test]
    fn edge_draws_lie_on_all_edges() {
        for count in [1, 4] {
            let mut edges = [0; 4];
            for step in 0..8 {
                for (u, v) in
                    draws(1, Patch::Square, Sampling::Stratified).draw_points(FitPhase::Edge, step, count, None)
                {
                    let edge = [v == 0.0, u == 1.0, v == 1.0, u == 0.0];
                    edges[edge.iter().position(|&e| e).expect("on the boundary")] += 1;
                }
            }
            assert_eq!(edges, [2 * count; 4]);
        }
    }

    #[test]
    fn moments_of_the_draws_match_the_closed_forms() {
        let all = [
            Degrees::new(2, 3).unwrap(),
            Degrees::for_patch(Patch::Triangle, 2, 2).unwrap(),
            Degrees::for_patch(Patch::Curve, 3, 3).unwrap(),
        ];
        for (d, sampling) in all.into_iter().flat_map(|d| SAMPLINGS.map(|s| (d, s))) {
            for (phase, want) in
                [(FitPhase::Interior, d.interior_second_moments()), (FitPhase::Edge, d.edge_second_moments())]
            {
                let mut got = vec![0.0; d.point_count()];
                let steps = 9000;
                for step in 0..steps {
                    for (u, v) in draws(3, d.patch(), sampling).draw_points(phase, step, 4, None) {
                        for (g, b) in got.iter_mut().zip(d.bernstein_weights(u, v)) {
                            *g += b * b / (4 * steps) as f64;
                        }
                    }
                }
                let near = if sampling == Sampling::Stratified { 2e-3 } else { 1e-2 };
                for (g, w) in got.iter().zip(want) {
                    assert!((g - w).abs() < near, "{d:?} {sampling:?} {phase:?}: {g} {w}");
                }
            }
        }
    }
}

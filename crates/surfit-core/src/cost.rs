//! What a surface of a degree costs in memory and in time a step, so that a change can be looked at before it is made.

use crate::surface::{Degrees, TrainablePoints};
use serde::{Deserialize, Serialize};

/// What the present fit costs, as measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FitCost {
    /// Number of weights `P`; 0 before the engine knows.
    pub parameters: u64,
    /// Seconds of a step in forward and backward passes; 0 when not measured.
    pub network: f64,
    /// Seconds of a step in interpolation, velocity and control points; 0 when not measured.
    pub surface: f64,
    /// Draws of the step that was measured.
    pub draws: usize,
    /// Degrees of the surface whose step was measured.
    pub degrees: Option<Degrees>,
    /// Which control points are trainable.
    pub trainable: TrainablePoints,
    /// Bytes that the device or machine can still give; 0 when not known.
    pub available: u64,
}

/// What a change of degree would bring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DegreePreview {
    /// Control points before and after.
    pub points: [usize; 2],
    /// Of those the trainable ones, before and after.
    pub trainable: [usize; 2],
    /// Bytes of `Θ` and its velocity before and after; 0 while `P` is not known.
    pub surface_bytes: [u64; 2],
    /// Bytes that must be free for the change: the new surface is made beside the old one.
    pub needed_bytes: u64,
    /// Whether there are so many; `None` when not known.
    pub fits_in_memory: Option<bool>,
    /// Seconds of a step after the change divided by those before; `None` before a step was measured.
    pub step_ratio: Option<f64>,
    /// True when no point of the surface moves.
    pub exact: bool,
}

/// Bytes of control points and velocity, `(K + trainable)·P·4`.
pub fn surface_bytes(degrees: Degrees, trainable: TrainablePoints, parameters: u64) -> u64 {
    ((degrees.point_count() + degrees.trainable_count(trainable)) as u64).saturating_mul(parameters.saturating_mul(4))
}

/// Draws whose gradients go into the surface in one pass in `bf16`; in `f32` it is half as many, for which the figures are
/// near enough.
pub const DRAWS_PER_PASS: usize = 4;

/// Rows of length `P` that a step moves on a CPU beside the network's own passes: all control points are read and the velocity
/// goes back and forth once for every four draws, and the trainable points are written once.
fn memory_traffic(degrees: Degrees, trainable: TrainablePoints, draws: usize) -> f64 {
    let (passes, trainable) = (draws.div_ceil(DRAWS_PER_PASS), degrees.trainable_count(trainable));
    (passes * (degrees.point_count() + 2 * trainable) + trainable) as f64
}

impl FitCost {
    /// Seconds of the measured step divided by those of its passes of the network alone, which plain training makes too;
    /// `None` before one was measured.
    pub fn relative_step_time(&self) -> Option<f64> {
        (self.network > 0.0).then(|| (self.network + self.surface) / self.network)
    }

    /// Seconds of a step at other degrees and draws, from the measured one; `None` before one was measured. The passes of
    /// the network cost the same at every degree, the rest goes with the rows it moves.
    pub fn step_seconds(&self, degrees: Degrees, draws: usize) -> Option<f64> {
        let measured = self.degrees.filter(|_| self.network > 0.0)?;
        let traffic = |degrees, draws| memory_traffic(degrees, self.trainable, draws);
        let share = traffic(degrees, draws) / traffic(measured, self.draws).max(1.0);
        Some(self.network + self.surface * share)
    }

    /// What a change of degree would bring, with so many draws a step.
    pub fn preview_degree_change(&self, from: Degrees, to: Degrees, draws: usize) -> DegreePreview {
        let bytes = [from, to].map(|d| surface_bytes(d, self.trainable, self.parameters));
        // Besides the old one, and one vector for what is computed on the way.
        let needed = bytes[1] + 4 * self.parameters;
        let known = self.available > 0 && self.parameters > 0;
        let step = match (self.step_seconds(from, draws), self.step_seconds(to, draws)) {
            (Some(before), Some(after)) if before > 0.0 => Some(after / before),
            _ => None,
        };
        DegreePreview {
            points: [from.point_count(), to.point_count()],
            trainable: [from, to].map(|d| d.trainable_count(self.trainable)),
            surface_bytes: bytes,
            needed_bytes: needed,
            fits_in_memory: known.then_some(needed <= self.available),
            step_ratio: step,
            exact: from == to || from.converts_exactly(to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn degrees(m: u8, n: u8) -> Degrees {
        Degrees::new(m, n).unwrap()
    }

    #[test]
    fn a_preview_counts_points_bytes_and_time() {
        let cost = FitCost {
            parameters: 1_000_000,
            network: 0.08,
            surface: 0.02,
            draws: 2,
            degrees: Some(degrees(2, 2)),
            trainable: TrainablePoints::AllButCorners,
            available: 100_000_000,
        };
        let p = cost.preview_degree_change(degrees(2, 2), degrees(3, 3), 2);
        assert_eq!((p.points, p.trainable), ([9, 16], [5, 12]));
        assert_eq!(p.surface_bytes, [14 * 4_000_000, 28 * 4_000_000]);
        assert_eq!((p.needed_bytes, p.fits_in_memory), (29 * 4_000_000, Some(false)));
        assert!(p.exact);
        // 24 rows become 52: only the surface's fifth of the step grows.
        let want = (0.08 + 0.02 * 52.0 / 24.0) / 0.1;
        assert!((p.step_ratio.unwrap() - want).abs() < 1e-12, "{:?}", p.step_ratio);
        assert!(!cost.preview_degree_change(degrees(2, 2), degrees(1, 2), 2).exact);
        assert!((cost.relative_step_time().unwrap() - 1.25).abs() < 1e-12);
    }

    #[test]
    fn nothing_is_claimed_before_it_is_measured() {
        let p = FitCost::default().preview_degree_change(degrees(2, 2), degrees(3, 2), 1);
        assert_eq!((p.step_ratio, p.fits_in_memory, p.surface_bytes), (None, None, [0, 0]));
        assert_eq!(FitCost::default().relative_step_time(), None);
    }
}

//! What passes over the large matrices: as few times as can be, for that is all a surface costs beside its networks.
#![expect(
    unsafe_code,
    reason = "threads write disjoint columns of shared rows with vector instructions"
)]

use super::kernel::{self, FusedPass, GradientUse};
use super::room::{BufferLayout, PreparedNetworks, segments};
use super::{Surface, coefficients, to_f32};
use crate::model::Model;
use tch::{Kind, Tensor};

/// Draws whose networks are interpolated in one pass over `Θ`, and whose gradients go into the velocity in one: in `bf16`
/// the default number of draws, in `f32`, where a network takes twice the room, half as many. More would not fit into what
/// a fit may take above plain training, `(K + trainable + 3)·P·4` bytes.
pub(super) fn together(model: &Model) -> usize {
    match model.placement().kind {
        Kind::Float => kernel::MOST / 2,
        _ => kernel::MOST,
    }
}

/// Columns that are worth a thread of their own.
const FEWEST: usize = 1 << 17;

/// What a sweep does with the gradients of some draws.
pub(super) struct FusedUpdate<'a> {
    /// Bernstein weights of their networks.
    pub networks: &'a [Vec<f64>],
    /// Weight decay `λ`; a gradient `g` at the network `w` counts as `(g + λw)/(1 + λ)`.
    pub decay: f64,
    /// What the velocity is multiplied with first.
    pub keep: f64,
    /// Weights of the gradients in the velocity, for each draw one for each trainable point; `None` when nothing trains.
    pub steps: Option<&'a [Vec<f64>]>,
    /// Whether the control points then move by the velocity.
    pub moves: bool,
    /// Bernstein weights of the networks to put into the place of the gradients then, at most as many as lie
    /// together.
    pub next: &'a [Vec<f64>],
}

impl Surface {
    /// `U ← keep·U + stepsᵀ·gradients`, with `moves` then `Θ ← Θ − U` on the trainable rows, then the `next` networks.
    /// Gives the norms of the gradients, `[draws]`.
    pub(super) fn sweep(&mut self, update: FusedUpdate) -> Tensor {
        let Some(mut room) = self.room.take() else {
            return Tensor::zeros([0], (Kind::Float, self.theta.device()));
        };
        let norms = match &room.place {
            BufferLayout::Rows(rows) => self.sweep_rows(rows, &update),
            BufferLayout::Slots(slots, stretches) => {
                let pass = FusedPass {
                    gradients: Some(GradientUse {
                        networks: narrow(update.networks),
                        decay: update.decay as f32,
                        steps: narrow(update.steps.unwrap_or_default()),
                        keep: update.keep as f32,
                        moves: update.moves,
                    }),
                    ..self.pass(segments(slots, stretches), update.next)
                };
                // SAFETY: matrices and slots are whole, apart from each other, and nobody else's while this runs.
                let squares = unsafe { pass.run(self.threads()) };
                let norms: Vec<f32> = squares.iter().map(|s| s.sqrt() as f32).collect();
                Tensor::from_slice(&norms)
            }
        };
        if update.moves && update.steps.is_some() {
            self.version += 1;
        }
        room.ready = (!update.next.is_empty()).then(|| PreparedNetworks {
            weights: update.next.to_vec(),
            version: self.version,
        });
        self.room = Some(room);
        norms
    }

    /// The networks with these Bernstein weights.
    pub(super) fn interpolate(&self, place: &BufferLayout, weights: &[Vec<f64>]) {
        match place {
            BufferLayout::Rows(rows) => {
                let flat = rows.narrow(0, 0, weights.len() as i64);
                let _ = coefficients(weights, rows.device()).mm_out(&flat, &self.theta);
            }
            BufferLayout::Slots(slots, stretches) => {
                let pass = self.pass(segments(slots, stretches), weights);
                // SAFETY: as in `sweep`.
                unsafe { pass.run(self.threads()) };
            }
        }
    }

    /// A pass of this program's own arithmetic that makes networks.
    fn pass(&self, segments: Vec<kernel::TypedSegment>, next: &[Vec<f64>]) -> FusedPass {
        let rows = |matrix: &Tensor| {
            assert!(matrix.is_contiguous() && matrix.kind() == Kind::Float);
            let (rows, p) = (matrix.size()[0] as usize, matrix.size()[1] as usize);
            let first = kernel::SharedRow::new(matrix.data_ptr().cast());
            (0..rows).map(|row| first.skip(row * p)).collect()
        };
        FusedPass {
            theta: rows(&self.theta),
            velocity: rows(&self.velocity),
            segments,
            gradients: None,
            next: narrow(next),
        }
    }

    /// Threads of a pass: those of libtorch, of a small network fewer.
    fn threads(&self) -> usize {
        let columns = self.theta.size()[1] as usize;
        (tch::get_num_threads().max(1) as usize).min(columns / FEWEST + 1)
    }

    /// The same by library calls, on rows whose gradients have their weight decay.
    fn sweep_rows(&mut self, rows: &Tensor, update: &FusedUpdate) -> Tensor {
        let device = rows.device();
        let gradients = rows.narrow(0, 0, update.networks.len() as i64);
        let norms = gradients.norm_scalaropt_dim(2, [1i64].as_slice(), false);
        if let Some(steps) = update.steps {
            let (corners, trainable) = (self.degrees.corners(), self.degrees.trainable());
            let _ = self.velocity.g_mul_scalar_(update.keep);
            let steps = coefficients(steps, device).tr();
            let _ = self.velocity.addmm_(&steps, &gradients);
            if update.moves {
                let mut inner = self.theta.narrow(0, corners as i64, trainable as i64);
                let _ = inner.g_sub_(&self.velocity);
            }
        }
        if !update.next.is_empty() {
            let next = rows.narrow(0, 0, update.next.len() as i64);
            let _ = coefficients(update.next, device).mm_out(&next, &self.theta);
        }
        norms
    }
}

fn narrow(rows: &[Vec<f64>]) -> Vec<Vec<f32>> {
    rows.iter().map(|row| to_f32(row)).collect()
}

//! What passes over the large matrices: as few times as can be, for that is all a surface costs beside its networks.
#![expect(unsafe_code, reason = "threads write disjoint columns of shared rows with vector instructions")]

use super::buffers::{BufferLayout, PreparedNetworks, typed_segments};
use super::kernel::{self, FusedPass, GradientUse};
use super::{Surface, coefficient_tensor, to_f32};
use crate::model::Model;
use tch::{Kind, Tensor};

/// Draws whose networks are interpolated in one pass over `Θ`, and whose gradients go into the velocity in one: in `bf16`
/// the default number of draws, in `f32`, where a network takes twice the room, half as many. More would not fit into what
/// a fit may take above plain training, `(K + trainable + 3)·P·4` bytes.
pub(super) fn samples_per_pass(model: &Model) -> usize {
    match model.placement().kind {
        Kind::Float => kernel::MAX_SAMPLES_PER_PASS / 2,
        _ => kernel::MAX_SAMPLES_PER_PASS,
    }
}

/// Columns that are worth a thread of their own.
const MIN_COLUMNS_PER_THREAD: usize = 1 << 17;

/// What a sweep does with the gradients of some draws.
pub(super) struct FusedUpdate<'a> {
    /// Bernstein weights of their networks.
    pub network_weights: &'a [Vec<f64>],
    /// Weight decay `λ`; a gradient `g` at the network `w` counts as `(g + λw)/(1 + λ)`.
    pub weight_decay: f64,
    /// What the velocity is multiplied with first.
    pub velocity_factor: f64,
    /// Weights of the gradients in the velocity, for each draw one for each trainable point; `None` when nothing trains.
    pub step_weights: Option<&'a [Vec<f64>]>,
    /// Whether the control points then move by the velocity.
    pub moves_points: bool,
    /// Bernstein weights of the networks to put into the place of the gradients then, at most as many as lie
    /// together.
    pub next_weights: &'a [Vec<f64>],
}

impl Surface {
    /// `U ← keep·U + stepsᵀ·gradients`, with `moves` then `Θ ← Θ − U` on the trainable rows, then the `next` networks.
    /// Gives the norms of the gradients, `[draws]`.
    pub(super) fn fused_update(&mut self, update: FusedUpdate) -> Tensor {
        let Some(mut room) = self.buffers.take() else {
            return Tensor::zeros([0], (Kind::Float, self.theta.device()));
        };
        let norms = match &room.layout {
            BufferLayout::Matrix(rows) => self.update_matrix(rows, &update),
            BufferLayout::PerSample(slots, stretches) => {
                let pass = FusedPass {
                    gradients: Some(GradientUse {
                        network_weights: to_f32_rows(update.network_weights),
                        weight_decay: update.weight_decay as f32,
                        step_weights: to_f32_rows(update.step_weights.unwrap_or_default()),
                        velocity_factor: update.velocity_factor as f32,
                        moves_points: update.moves_points,
                    }),
                    ..self.fused_pass(typed_segments(slots, stretches), update.next_weights)
                };
                // SAFETY: matrices and slots are whole, apart from each other, and nobody else's while this runs.
                let squares = unsafe { pass.run(self.thread_count()) };
                let norms: Vec<f32> = squares.iter().map(|s| s.sqrt() as f32).collect();
                Tensor::from_slice(&norms)
            }
        };
        if update.moves_points && update.step_weights.is_some() {
            self.version += 1;
        }
        room.prepared = (!update.next_weights.is_empty())
            .then(|| PreparedNetworks { weights: update.next_weights.to_vec(), version: self.version });
        self.buffers = Some(room);
        norms
    }

    /// The networks with these Bernstein weights.
    pub(super) fn interpolate(&self, place: &BufferLayout, weights: &[Vec<f64>]) {
        match place {
            BufferLayout::Matrix(rows) => {
                let flat = rows.narrow(0, 0, weights.len() as i64);
                let _ = coefficient_tensor(weights, rows.device()).mm_out(&flat, &self.theta);
            }
            BufferLayout::PerSample(slots, stretches) => {
                let pass = self.fused_pass(typed_segments(slots, stretches), weights);
                // SAFETY: as in `sweep`.
                unsafe { pass.run(self.thread_count()) };
            }
        }
    }

    /// A pass of this program's own arithmetic that makes networks.
    fn fused_pass(&self, segments: Vec<kernel::TypedSegment>, next: &[Vec<f64>]) -> FusedPass {
        let rows = |matrix: &Tensor| {
            assert!(matrix.is_contiguous() && matrix.kind() == Kind::Float);
            let (rows, p) = (matrix.size()[0] as usize, matrix.size()[1] as usize);
            let first = kernel::SharedRow::new(matrix.data_ptr().cast());
            (0..rows).map(|row| first.offset(row * p)).collect()
        };
        FusedPass {
            theta: rows(&self.theta),
            velocity: rows(&self.velocity),
            segments,
            gradients: None,
            next_weights: to_f32_rows(next),
        }
    }

    /// Threads of a pass: those of libtorch, of a small network fewer.
    fn thread_count(&self) -> usize {
        let columns = self.theta.size()[1] as usize;
        (tch::get_num_threads().max(1) as usize).min(columns / MIN_COLUMNS_PER_THREAD + 1)
    }

    /// The same by library calls, on rows whose gradients have their weight decay.
    fn update_matrix(&mut self, rows: &Tensor, update: &FusedUpdate) -> Tensor {
        let device = rows.device();
        let gradients = rows.narrow(0, 0, update.network_weights.len() as i64);
        let norms = gradients.norm_scalaropt_dim(2, [1i64].as_slice(), false);
        if let Some(steps) = update.step_weights {
            let (corners, trainable) = (self.degrees.corner_count(), self.degrees.trainable_count());
            let _ = self.velocity.g_mul_scalar_(update.velocity_factor);
            let steps = coefficient_tensor(steps, device).tr();
            let _ = self.velocity.addmm_(&steps, &gradients);
            if update.moves_points {
                let mut inner = self.theta.narrow(0, corners as i64, trainable as i64);
                let _ = inner.g_sub_(&self.velocity);
            }
        }
        if !update.next_weights.is_empty() {
            let next = rows.narrow(0, 0, update.next_weights.len() as i64);
            let _ = coefficient_tensor(update.next_weights, device).mm_out(&next, &self.theta);
        }
        norms
    }
}

fn to_f32_rows(rows: &[Vec<f64>]) -> Vec<Vec<f32>> {
    rows.iter().map(|row| to_f32(row)).collect()
}

//! One optimizer step of a surface.

use super::{Surface, coefficients};
use crate::model::Model;
use std::time::Instant;
use surfit_core::draws::Phase;
use surfit_core::surface::Degrees;
use tch::{Device, Kind, Tensor};

/// One part of a minibatch at its own point of the surface.
#[derive(Debug)]
pub struct Part {
    /// Where.
    pub uv: (f64, f64),
    /// Images, `[B, C, H, W]`, normalized.
    pub x: Tensor,
    /// Labels, `[B]`.
    pub labels: Tensor,
}

/// Hyperparameters of one optimizer step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepRates {
    /// Learning rate in weight-space units.
    pub rate: f64,
    /// Momentum.
    pub momentum: f64,
    /// Weight decay on the interpolated network.
    pub weight_decay: f64,
    /// Label smoothing.
    pub smoothing: f64,
}

/// What a step leaves on the device, to be read when somebody wants to know.
#[derive(Debug)]
pub struct StepRecord {
    /// Mean loss of the minibatch, scalar.
    pub loss: Tensor,
    /// Norm of the weight gradient of each draw, weight decay included, `[draws]`.
    pub norms: Tensor,
    /// Bernstein weights of each draw.
    pub weights: Vec<Vec<f64>>,
}

/// Seconds that the parts of a step took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepParts {
    /// Forward and backward passes of the networks.
    pub network: f64,
    /// Everything else: interpolation, velocity, control points.
    pub surface: f64,
    /// Draws of the step.
    pub draws: usize,
    /// Degrees of the surface.
    pub degrees: Degrees,
}

/// Draws whose networks are interpolated in one pass over `Θ`, and whose gradients go into the velocity in one. More
/// would need more memory than a fit may take: `(K + trainable + 3)·P·4` bytes above plain training.
const TOGETHER: usize = 2;

/// Columns of the matrices that a step changes at a time on a CPU: as many as its caches hold of all rows, so that
/// velocity and control points come from memory once a step. Measured: 64 k to 256 k columns are alike, a pass over
/// whole rows takes 1.5 times as long with 12 trainable points.
const COLUMNS: i64 = 1 << 17;

/// Waits until a GPU has done what it was given; elsewhere nothing is left to wait for.
fn finish(device: Device) {
    if let Device::Cuda(index) = device {
        tch::Cuda::synchronize(index as i64);
    }
}

impl Surface {
    /// As [`Surface::step`], the same to the last bit, but waits for the device between the parts of the step to tell what
    /// they took. For now and then.
    pub fn timed_step(
        &mut self,
        model: &Model,
        phase: Phase,
        parts: &[Part],
        rates: StepRates,
    ) -> (StepRecord, StepParts) {
        let device = self.theta.device();
        finish(device);
        let began = Instant::now();
        let mut network = 0.0;
        let record = self.step_with(model, phase, parts, rates, &mut |pass| {
            finish(device);
            let began = Instant::now();
            let loss = pass();
            finish(device);
            network += began.elapsed().as_secs_f64();
            loss
        });
        finish(device);
        let surface = (began.elapsed().as_secs_f64() - network).max(0.0);
        let parts = StepParts {
            network,
            surface,
            draws: parts.len(),
            degrees: self.degrees,
        };
        (record, parts)
    }

    /// One optimizer step over the parts of a minibatch, each at its own point.
    ///
    /// Interpolation of the draws' networks, an ordinary forward and backward pass for each, and one sweep over velocity
    /// and control points. Nothing is read back from the device.
    pub fn step(
        &mut self,
        model: &Model,
        phase: Phase,
        parts: &[Part],
        rates: StepRates,
    ) -> StepRecord {
        self.step_with(model, phase, parts, rates, &mut |pass| pass())
    }

    /// A step whose passes of the network go through `around`.
    fn step_with(
        &mut self,
        model: &Model,
        phase: Phase,
        parts: &[Part],
        rates: StepRates,
        around: &mut dyn FnMut(&dyn Fn() -> Tensor) -> Tensor,
    ) -> StepRecord {
        let normalizer = self.normalizer(phase);
        let rate = if normalizer > 0.0 {
            rates.rate / normalizer
        } else {
            0.0
        };
        let keep = if self.last_rate > 0.0 {
            rates.momentum * rate / self.last_rate
        } else {
            0.0
        };
        let device = self.theta.device();
        let images: i64 = parts.iter().map(|part| part.x.size()[0]).sum();
        let share = |part: &Part| part.x.size()[0] as f64 / images as f64;
        let decay = rates.weight_decay;
        let trains = self.degrees.trainable() > 0 && rate > 0.0;
        // All weights of the step go to the device together.
        let weights: Vec<Vec<f64>> = parts
            .iter()
            .map(|p| self.degrees.weights(p.uv.0, p.uv.1))
            .collect();
        let points = coefficients(&weights, device);
        let steps = trains.then(|| {
            // The gradients come divided by 1 + λ.
            let scaled = weights.iter().zip(parts).map(|(b, part)| {
                let scale = rate * share(part) * (1.0 + decay);
                let rows = self.degrees.corners()..b.len();
                rows.map(|k| if self.trains(k) { b[k] * scale } else { 0.0 })
                    .collect()
            });
            coefficients(&scaled.collect::<Vec<Vec<f64>>>(), device)
        });
        let mut losses = Vec::with_capacity(parts.len());
        let mut norms = Vec::new();
        let flat = self.scratch(parts.len().min(TOGETHER));
        for (group, some) in parts.chunks(TOGETHER).enumerate() {
            let (first, count) = ((group * TOGETHER) as i64, some.len() as i64);
            let flat = flat.narrow(0, 0, count);
            let _ = points.narrow(0, first, count).mm_out(&flat, &self.theta);
            for (row, part) in some.iter().enumerate() {
                let w = flat.get(row as i64);
                let loss = around(&|| {
                    model.gradient_in_place(&w, &part.x, &part.labels, rates.smoothing, decay)
                });
                losses.push(loss * share(part));
            }
            norms.push(flat.norm_scalaropt_dim(2, [1i64].as_slice(), false));
            if let Some(steps) = &steps {
                let steps = steps.narrow(0, first, count);
                let keep = (group == 0).then_some(keep);
                let last = first as usize + some.len() == parts.len();
                self.sweep(keep, &steps, &flat, last);
            }
        }
        if trains {
            self.version += 1;
            self.last_rate = rate;
        }
        StepRecord {
            loss: losses
                .into_iter()
                .reduce(|a, b| a + b)
                .unwrap_or_else(|| Tensor::zeros([], (Kind::Float, device))),
            norms: Tensor::cat(&norms, 0),
            weights,
        }
    }

    /// `U ← keep·U + stepsᵀ·gradients`, and with `moves` then `Θ ← Θ − U` on the trainable rows. `steps` is `[draws,
    /// trainable]`, `gradients` `[draws, P]`.
    fn sweep(&mut self, keep: Option<f64>, steps: &Tensor, gradients: &Tensor, moves: bool) {
        let (draws, p) = (gradients.size()[0], gradients.size()[1]);
        let (corners, trainable) = (self.degrees.corners(), self.degrees.trainable());
        let inner = self.theta.narrow(0, corners as i64, trainable as i64);
        let columns = match self.theta.device() {
            Device::Cpu => COLUMNS,
            _ => p,
        };
        let (single, transposed) = (steps.get(0), steps.tr());
        let mut first = 0;
        while first < p {
            let count = columns.min(p - first);
            let mut velocity = self.velocity.narrow(1, first, count);
            let gradients = gradients.narrow(1, first, count);
            if let Some(keep) = keep {
                let _ = velocity.g_mul_scalar_(keep);
            }
            // The product of a column and a row is what `addr` does, at twice the speed of a matrix product.
            let _ = if draws == 1 {
                velocity.addr_(&single, &gradients.get(0))
            } else {
                velocity.addmm_(&transposed, &gradients)
            };
            if moves {
                let _ = inner.narrow(1, first, count).g_sub_(&velocity);
            }
            first += count;
        }
    }

    /// Room for `rows` flat vectors, `[rows, P]`, without a promise about its contents.
    fn scratch(&mut self, rows: usize) -> Tensor {
        let p = self.theta.size()[1];
        let fits = |t: &Tensor| t.size()[0] >= rows as i64;
        let scratch =
            self.scratch.take().filter(fits).unwrap_or_else(|| {
                Tensor::empty([rows as i64, p], (Kind::Float, self.theta.device()))
            });
        let view = scratch.narrow(0, 0, rows as i64);
        self.scratch = Some(scratch);
        view
    }

    /// Frees what only steps need; the next step makes it anew.
    pub fn rest(&mut self) {
        self.scratch = None;
    }
}

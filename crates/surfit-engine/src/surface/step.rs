//! One optimizer step of a surface.

use super::Surface;
use super::fused_update::{FusedUpdate, samples_per_pass};
use crate::model::Model;
use std::time::Instant;
use surfit_core::draws::FitPhase;
use surfit_core::surface::Degrees;
use tch::{Device, Kind, Tensor};

/// One part of a minibatch at its own point of the surface.
#[derive(Debug)]
pub struct MicroBatch {
    /// Point `(u, v)` of the surface.
    pub uv: (f64, f64),
    /// Images, `[B, C, H, W]`, normalized.
    pub x: Tensor,
    /// Class labels of the images, `[B]`.
    pub labels: Tensor,
}

/// Hyperparameters of one optimizer step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepHyperparams {
    /// Learning rate in weight-space units.
    pub learning_rate: f64,
    /// Momentum factor of SGD.
    pub momentum: f64,
    /// Weight decay on the interpolated network.
    pub weight_decay: f64,
    /// Label smoothing, a fraction of the target.
    pub label_smoothing: f64,
}

/// What a step leaves on the device, to be read when somebody wants to know.
#[derive(Debug)]
pub struct StepRecord {
    /// Mean loss of the minibatch, scalar.
    pub loss: Tensor,
    /// Norm of the weight gradient of each draw, weight decay included, `[draws]`.
    pub norms: Tensor,
    /// Bernstein weights of each draw; 0 for points that are frozen, which follow no gradient.
    pub weights: Vec<Vec<f64>>,
}

/// Seconds that the parts of a step took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepTiming {
    /// Forward and backward passes of the networks.
    pub network: f64,
    /// Everything else: interpolation, velocity, control points.
    pub surface: f64,
    /// Draws of the step.
    pub draws: usize,
    /// Degrees of the surface.
    pub degrees: Degrees,
}

/// Waits until a GPU has done what it was given; elsewhere nothing is left to wait for.
fn synchronize(device: Device) {
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
        phase: FitPhase,
        parts: &[MicroBatch],
        rates: StepHyperparams,
        next: &[(f64, f64)],
    ) -> (StepRecord, StepTiming) {
        let device = self.theta.device();
        synchronize(device);
        let began = Instant::now();
        let mut network = 0.0;
        let record = self.step_with(model, phase, parts, rates, next, &mut |pass| {
            synchronize(device);
            let began = Instant::now();
            let loss = pass();
            synchronize(device);
            network += began.elapsed().as_secs_f64();
            loss
        });
        synchronize(device);
        let surface = (began.elapsed().as_secs_f64() - network).max(0.0);
        let parts = StepTiming { network, surface, draws: parts.len(), degrees: self.degrees };
        (record, parts)
    }

    /// One optimizer step over the parts of a minibatch, each at its own point.
    ///
    /// Interpolation of the draws' networks, an ordinary forward and backward pass for each, and one sweep over velocity
    /// and control points. Nothing is read back from the device. Where the `next` step will draw may be said: then its
    /// networks are interpolated by the sweep that changes the control points, and they need not be read again. It
    /// changes no bit of any step, and may turn out otherwise.
    pub fn step(
        &mut self,
        model: &Model,
        phase: FitPhase,
        parts: &[MicroBatch],
        rates: StepHyperparams,
        next: &[(f64, f64)],
    ) -> StepRecord {
        self.step_with(model, phase, parts, rates, next, &mut |pass| pass())
    }

    /// A step whose passes of the network go through `around`.
    fn step_with(
        &mut self,
        model: &Model,
        phase: FitPhase,
        parts: &[MicroBatch],
        rates: StepHyperparams,
        next: &[(f64, f64)],
        around: &mut dyn FnMut(&dyn Fn() -> Tensor) -> Tensor,
    ) -> StepRecord {
        let normalizer = self.normalizer(phase);
        let rate = if normalizer > 0.0 { rates.learning_rate / normalizer } else { 0.0 };
        let keep = if self.last_rate > 0.0 { rates.momentum * rate / self.last_rate } else { 0.0 };
        let device = self.theta.device();
        let images: i64 = parts.iter().map(|part| part.x.size()[0]).sum();
        let share = |part: &MicroBatch| part.x.size()[0] as f64 / images as f64;
        let decay = rates.weight_decay;
        let trains = self.degrees.trainable_count() > 0 && rate > 0.0;
        let weights_at = |uv: &(f64, f64)| self.degrees.bernstein_weights(uv.0, uv.1);
        let weights: Vec<Vec<f64>> = parts.iter().map(|part| weights_at(&part.uv)).collect();
        let next: Vec<Vec<f64>> = next.iter().map(weights_at).collect();
        let steps: Vec<Vec<f64>> = weights
            .iter()
            .zip(parts)
            .map(|(b, part)| {
                // The gradients come divided by 1 + λ.
                let scale = rate * share(part) * (1.0 + decay);
                let rows = self.degrees.corner_count()..b.len();
                rows.map(|k| if self.is_trainable(k) { b[k] * scale } else { 0.0 }).collect()
            })
            .collect();
        let most = samples_per_pass(model);
        let draws = parts.len().max(next.len()).min(most);
        let mut losses = Vec::with_capacity(parts.len());
        let mut norms = Vec::new();
        let groups = parts.chunks(most).zip(weights.chunks(most));
        let mut ahead = weights.chunks(most).skip(1);
        for (group, (some, here)) in groups.enumerate() {
            self.prepare_networks(model, here, draws);
            for (draw, part) in some.iter().enumerate() {
                let loss = around(&|| self.sample_gradient(model, draw, part, rates));
                losses.push(loss * share(part));
            }
            let following = ahead.next();
            norms.push(self.fused_update(FusedUpdate {
                network_weights: here,
                weight_decay: decay,
                velocity_factor: if group == 0 { keep } else { 1.0 },
                step_weights: trains.then(|| &steps[group * most..][..some.len()]),
                moves_points: following.is_none(),
                next_weights: following.unwrap_or(&next[..next.len().min(most)]),
            }));
        }
        if trains {
            self.last_rate = rate;
        }
        let followed = |b: Vec<f64>| {
            let points = b.into_iter().zip(&self.frozen);
            let followed = points.map(|(b, &frozen)| if frozen { 0.0 } else { b });
            followed.collect()
        };
        StepRecord {
            loss: losses.into_iter().reduce(|a, b| a + b).unwrap_or_else(|| Tensor::zeros([], (Kind::Float, device))),
            norms: Tensor::cat(&norms, 0),
            weights: weights.into_iter().map(followed).collect(),
        }
    }
}

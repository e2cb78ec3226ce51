//! One optimizer step of a surface.

use super::Surface;
use super::weight_store::SampleNetworks;
use crate::model::Model;
use crate::optimizer::{PointUpdate, StepHyperparams};
use std::time::Instant;
use surfit_core::cost::{DRAWS_PER_PASS, FitCost};
use surfit_core::draws::FitPhase;
use surfit_core::surface::{Degrees, TrainablePoints};
use tch::{Device, Kind, Tensor};

/// One part of a minibatch at its own point of the surface.
#[derive(Debug)]
pub struct MicroBatch {
    pub uv: (f64, f64),
    /// Images, `[B, C, H, W]`, normalized.
    pub x: Tensor,
    /// Class labels of the images, `[B]`.
    pub labels: Tensor,
}

/// What a step leaves on the device, to be read on request.
#[derive(Debug)]
pub struct StepRecord {
    /// Mean loss of the minibatch, scalar.
    pub loss: Tensor,
    /// Norm of the weight gradient of each draw, weight decay included, `[draws]`.
    pub norms: Tensor,
    /// Bernstein weights of each draw; 0 for points that are frozen, which follow no gradient.
    pub weights: Vec<Vec<f64>>,
}

/// Waits until a GPU has completed its work; returns at once on other devices.
fn synchronize(device: Device) {
    if let Device::Cuda(index) = device {
        tch::Cuda::synchronize(index as i64);
    }
}

/// Times the parts of a step. It waits for the device between them, which changes no bit: for now and then.
#[derive(Debug)]
pub struct StepTimer {
    device: Device,
    began: Instant,
    pass_began: Instant,
    network: f64,
}

impl StepTimer {
    /// Starts when `device` has done what it was given.
    pub fn start(device: Device) -> Self {
        synchronize(device);
        let now = Instant::now();
        Self { device, began: now, pass_began: now, network: 0.0 }
    }

    /// What the parts of the step took.
    pub fn finish(self, draws: usize, degrees: Degrees) -> FitCost {
        synchronize(self.device);
        let surface = (self.began.elapsed().as_secs_f64() - self.network).max(0.0);
        FitCost { network: self.network, surface, draws, degrees: Some(degrees), ..FitCost::default() }
    }

    /// A forward and backward pass of a network begins.
    fn pass_begins(&mut self) {
        synchronize(self.device);
        self.pass_began = Instant::now();
    }

    /// It has ended, as far as the host knows.
    fn pass_ends(&mut self) {
        synchronize(self.device);
        self.network += self.pass_began.elapsed().as_secs_f64();
    }
}

/// Draws whose networks are interpolated in one pass over `Θ`, and whose gradients go into the velocity in one: in `bf16`
/// the default number of draws, in `f32`, where a network takes twice the room, half as many. More would not fit into what
/// a fit may take above plain training, `(K + trainable + 3)·P·4` bytes.
fn samples_per_pass(model: &Model) -> usize {
    match model.placement().kind {
        Kind::Float => DRAWS_PER_PASS / 2,
        _ => DRAWS_PER_PASS,
    }
}

impl Surface {
    /// One optimizer step over the parts of a minibatch, each at its own point.
    ///
    /// Interpolation of the draws' networks, an ordinary forward and backward pass for each, and one pass over velocity
    /// and control points. Nothing is read back from the device. The `next` step's draws may be given: then its
    /// networks are interpolated by the pass that changes the control points, and they need not be read again. It
    /// changes no bit of any step, and may turn out otherwise.
    pub fn step(
        &mut self,
        model: &Model,
        phase: FitPhase,
        parts: &[MicroBatch],
        rates: StepHyperparams,
        next: &[(f64, f64)],
        mut timer: Option<&mut StepTimer>,
    ) -> StepRecord {
        let rate = self.effective_rate(phase, rates.learning_rate);
        let keep = self.optimizer.velocity_factor(rates.momentum, rate);
        let device = self.theta.device();
        let images: i64 = parts.iter().map(|part| part.x.size()[0]).sum();
        let share = |part: &MicroBatch| part.x.size()[0] as f64 / images as f64;
        let trains = rate > 0.0 && (0..self.frozen.len()).any(|row| self.is_trainable(row));
        let weights_at = |uv: &(f64, f64)| self.row_weights(*uv);
        let weights: Vec<Vec<f64>> = parts.iter().map(|part| weights_at(&part.uv)).collect();
        let next: Vec<Vec<f64>> = next.iter().map(weights_at).collect();
        let steps: Vec<Vec<f64>> = weights
            .iter()
            .zip(parts)
            .map(|(b, part)| {
                let scale = rate * share(part) * rates.decay_divisor() / self.draw_divisor(b);
                let rows = self.degrees.first_trainable_row(self.trainable)..b.len();
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
            let mut networks = self.take_networks(model, here, draws);
            for (draw, part) in some.iter().enumerate() {
                timer.iter_mut().for_each(|timer| timer.pass_begins());
                let loss = networks.store.differentiate(model, draw, part, rates);
                timer.iter_mut().for_each(|timer| timer.pass_ends());
                losses.push(loss * share(part));
            }
            let following = ahead.next();
            let update = PointUpdate {
                network_weights: here,
                weight_decay: rates.weight_decay,
                velocity_factor: if group == 0 { keep } else { 1.0 },
                step_weights: trains.then(|| &steps[group * most..][..some.len()]),
                moves_points: following.is_none(),
                next_weights: following.unwrap_or(&next[..next.len().min(most)]),
            };
            norms.push(networks.store.update(&mut self.theta, &mut self.optimizer, &update));
            if update.moves_points && trains {
                self.version += 1;
            }
            let next = update.next_weights;
            networks.prepared = (!next.is_empty()).then(|| (next.to_vec(), self.version));
            self.networks = Some(networks);
        }
        if trains {
            self.optimizer.last_rate = rate;
        }
        let followed = |b: Vec<f64>| {
            if self.is_trunk() {
                return vec![1.0; self.frozen.len()];
            }
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

    /// The rate of a step in units of control points. With given corners a step moves the network at a draw by the
    /// learning rate in the mean over a phase's draws; where all points train, at every draw ([`Surface::draw_divisor`]).
    fn effective_rate(&self, phase: FitPhase, rate: f64) -> f64 {
        match self.trainable {
            TrainablePoints::All => rate,
            TrainablePoints::AllButCorners => {
                let normalizer = self.normalizer(phase);
                if normalizer > 0.0 { rate / normalizer } else { 0.0 }
            }
        }
    }

    /// What the gradient of a draw with these Bernstein weights is divided by: `Σ b_k²` where all points train, so that the
    /// network at the draw moves as in plain training. Frozen points count, too: a draw beside them would throw the others far.
    fn draw_divisor(&self, b: &[f64]) -> f64 {
        if self.trainable == TrainablePoints::AllButCorners {
            return 1.0;
        }
        b.iter().map(|b| b * b).sum()
    }

    /// The networks with these Bernstein weights, in a store for at least `draws`.
    fn take_networks(&mut self, model: &Model, weights: &[Vec<f64>], draws: usize) -> SampleNetworks {
        assert_eq!(self.theta.size()[1], model.parameters(), "a surface is of one network");
        let fits = |networks: &SampleNetworks| networks.store.capacity() >= draws;
        let mut networks = self.networks.take().filter(fits).unwrap_or_else(|| SampleNetworks::new(model, draws));
        let prepared = networks.prepared.take();
        if prepared.is_none_or(|(of, version)| of != weights || version != self.version) {
            networks.store.interpolate(&mut self.theta, weights);
        }
        networks
    }
}

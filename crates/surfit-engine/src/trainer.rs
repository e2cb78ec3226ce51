//! Plain training of one network by SGD: how corners are made.

use crate::data::{Augmentation, DataSet};
use crate::layout::LayoutTensors;
use crate::model::Model;
use crate::optimizer::{Sgd, StepHyperparams};
use surfit_core::config::CornersConfig;
use surfit_core::random::{self, RandomStream};
use tch::{Kind, Tensor};

/// Order of the training images, one epoch at a time; a function of (seed, epoch).
#[derive(Debug, Default)]
pub struct BatchOrder {
    cached_epoch: Option<(u64, u64, Tensor)>,
}

impl BatchOrder {
    /// Minibatches of `batch` images in an epoch of `images`; what is left over is dropped. 0 when there are too few.
    pub fn steps_per_epoch(images: i64, batch: usize) -> u64 {
        images as u64 / batch as u64
    }

    /// Indices of the images of step `step`, `[batch]`, on the data's device.
    pub fn indices(&mut self, data: &DataSet, seed: u64, batch: usize, step: u64) -> Tensor {
        let per_epoch = Self::steps_per_epoch(data.train.len(), batch);
        let (epoch, within) = (step / per_epoch, step % per_epoch);
        let cached = self.cached_epoch.take().filter(|(s, e, _)| (*s, *e) == (seed, epoch));
        let order = cached.map(|c| c.2).unwrap_or_else(|| {
            let n = data.train.len() as usize;
            let order = random::permutation(n, seed, RandomStream::BatchOrder, epoch);
            Tensor::from_slice(&order).to_device(data.train.labels().device())
        });
        let indices = order.narrow(0, (within * batch as u64) as i64, batch as i64);
        self.cached_epoch = Some((seed, epoch, order));
        indices
    }
}

/// A corner under training. Weights and velocity after a step are a function of configuration, seed and step alone.
#[derive(Debug)]
pub struct Trainer {
    /// Weights of the corner, `[P]`.
    pub weights: Tensor,
    /// Optimizer with a velocity, `[P]`, divided by `1 + weight decay`.
    pub optimizer: Sgd,
    /// Optimizer steps done so far.
    pub step: u64,
    /// Seed of initialization, order and augmentation.
    pub seed: u64,
    gradient: Tensor,
    batch_order: BatchOrder,
}

impl Trainer {
    pub fn new(model: &Model, seed: u64) -> Self {
        let weights = model.network().layout().initial_weights(seed).to_device(model.placement().device);
        let velocity = weights.zeros_like();
        Self::restore(weights, velocity, 0, seed)
    }

    pub fn restore(weights: Tensor, velocity: Tensor, step: u64, seed: u64) -> Self {
        let gradient = weights.zeros_like();
        let optimizer = Sgd { velocity, last_rate: 0.0 };
        Self { weights, optimizer, step, seed, gradient, batch_order: BatchOrder::default() }
    }

    /// Steps of the longest training, which the schedule spans.
    pub fn longest_training_steps(data: &DataSet, config: &CornersConfig) -> u64 {
        config.epochs.max_epochs() * BatchOrder::steps_per_epoch(data.train.len(), config.training.batch_size)
    }

    /// Steps after which the weights of a corner are taken.
    pub fn corner_steps(data: &DataSet, config: &CornersConfig, corner: usize) -> u64 {
        config.epochs.for_corner(corner) * BatchOrder::steps_per_epoch(data.train.len(), config.training.batch_size)
    }

    /// The learning rate of the next step.
    pub fn learning_rate(&self, data: &DataSet, config: &CornersConfig) -> f64 {
        let total = Self::longest_training_steps(data, config);
        config.training.learning_rate * config.training.lr_schedule().factor(self.step, total)
    }

    /// One step of SGD with Nesterov momentum; gives the loss as a scalar on the device.
    pub fn step(&mut self, model: &Model, data: &DataSet, config: &CornersConfig) -> Tensor {
        let rate = self.learning_rate(data, config);
        let indices = self.batch_order.indices(data, self.seed, config.training.batch_size, self.step);
        let changes = Augmentation::from(&config.training);
        let (x, labels) = data.train.augmented_batch(&indices, &changes, self.seed, self.step);
        self.step_on_batch(model, &x, &labels, StepHyperparams::new(&config.training, rate))
    }

    /// One step on a batch `x`, `[N, C, H, W]`, with labels `[N]`.
    pub fn step_on_batch(&mut self, model: &Model, x: &Tensor, labels: &Tensor, rates: StepHyperparams) -> Tensor {
        let (loss, parts) = model.gradient(&model.compute_views(&self.weights), x, labels, rates.label_smoothing);
        let flat: Vec<Tensor> = parts.into_iter().map(|g| g.reshape([-1]).to_kind(Kind::Float)).collect();
        let _ = Tensor::cat_out(&self.gradient, &flat, 0);
        drop(flat);
        self.optimizer.step_nesterov(&mut self.weights, &mut self.gradient, rates);
        self.step += 1;
        loss
    }
}

/// Losses that wait on the device to be read together.
#[derive(Debug, Default)]
pub struct PendingLosses {
    first_step: u64,
    losses: Vec<Tensor>,
}

impl PendingLosses {
    /// Adds the loss of `step`, a scalar; steps come in order.
    pub fn push(&mut self, step: u64, loss: Tensor) {
        if self.losses.is_empty() {
            self.first_step = step;
        }
        self.losses.push(loss);
    }

    /// Reads all, with the step of the first; `None` when there are none. Waits for the device.
    pub fn read(&mut self) -> Option<(u64, Vec<f32>)> {
        let losses = std::mem::take(&mut self.losses);
        (!losses.is_empty()).then(|| (self.first_step, read_scalars(&losses)))
    }

    pub fn len(&self) -> usize {
        self.losses.len()
    }

    pub fn is_empty(&self) -> bool {
        self.losses.is_empty()
    }
}

/// Reads scalars from the device in one transfer.
pub fn read_scalars(scalars: &[Tensor]) -> Vec<f32> {
    let together = Tensor::stack(scalars, 0).to_kind(Kind::Float).to_device(tch::Device::Cpu);
    Vec::<f32>::try_from(together).unwrap_or_else(|_| vec![f32::NAN; scalars.len()])
}

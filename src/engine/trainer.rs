//! Plain training of one network by SGD: how corners are made.

use crate::data::{DataSet, augment};
use crate::model::Model;
use surfit_core::config::CornersConfig;
use surfit_core::random::{self, Purpose};
use surfit_core::schedule::warmup_cosine;
use tch::{Kind, Tensor};

/// Order of the training images, one epoch at a time; a function of (seed, epoch).
#[derive(Debug, Default)]
pub struct Batches {
    epoch: Option<(u64, u64, Tensor)>,
}

impl Batches {
    /// Minibatches of `batch` images in an epoch of `images`; what is left over is dropped. 0 when there are too few.
    pub fn per_epoch(images: i64, batch: usize) -> u64 {
        images as u64 / batch as u64
    }

    /// Indices of the images of step `step`, `[batch]`, on the data's device.
    pub fn indices(&mut self, data: &DataSet, seed: u64, batch: usize, step: u64) -> Tensor {
        let per_epoch = Self::per_epoch(data.train.len(), batch);
        let (epoch, within) = (step / per_epoch, step % per_epoch);
        let cached = self
            .epoch
            .take()
            .filter(|(s, e, _)| (*s, *e) == (seed, epoch));
        let order = cached.map(|c| c.2).unwrap_or_else(|| {
            let n = data.train.len() as usize;
            let order = random::permutation(n, seed, Purpose::BatchOrder, epoch);
            Tensor::from_slice(&order).to_device(data.train.labels().device())
        });
        let indices = order.narrow(0, (within * batch as u64) as i64, batch as i64);
        self.epoch = Some((seed, epoch, order));
        indices
    }
}

/// A corner under training. Weights and velocity after a step are a function of configuration, seed and step alone.
#[derive(Debug)]
pub struct Trainer {
    /// Weights, `[P]`.
    pub weights: Tensor,
    /// Velocity, `[P]`.
    pub velocity: Tensor,
    /// Steps done.
    pub step: u64,
    /// Seed of initialization, order and augmentation.
    pub seed: u64,
    gradient: Tensor,
    batches: Batches,
}

impl Trainer {
    /// Fresh weights for a seed.
    pub fn new(model: &Model, seed: u64) -> Self {
        let weights = model
            .network()
            .layout()
            .initial(seed)
            .to_device(model.placement().device);
        let velocity = weights.zeros_like();
        Self::restore(weights, velocity, 0, seed)
    }

    /// A training that goes on from stored parts.
    pub fn restore(weights: Tensor, velocity: Tensor, step: u64, seed: u64) -> Self {
        let gradient = weights.zeros_like();
        Self {
            weights,
            velocity,
            step,
            seed,
            gradient,
            batches: Batches::default(),
        }
    }

    /// Steps of a whole training.
    pub fn total(data: &DataSet, config: &CornersConfig) -> u64 {
        config.epochs * Batches::per_epoch(data.train.len(), config.batch)
    }

    /// The learning rate of the next step.
    pub fn rate(&self, data: &DataSet, config: &CornersConfig) -> f64 {
        let total = Self::total(data, config);
        config.learning_rate
            * warmup_cosine(self.step, total, config.warmup, super::checkpoint::FLOOR)
    }

    /// One step of SGD with Nesterov momentum; gives the loss as a scalar on the device.
    pub fn step(&mut self, model: &Model, data: &DataSet, config: &CornersConfig) -> Tensor {
        let rate = self.rate(data, config);
        let indices = self
            .batches
            .indices(data, self.seed, config.batch, self.step);
        let (x, labels) = data.train.batch(&indices);
        let x = augment(&x, config.shift, config.flip, self.seed, self.step);
        let loss = model.gradient(
            &self.weights,
            &x,
            &labels,
            config.label_smoothing,
            &self.gradient,
        );
        self.gradient += &self.weights * config.weight_decay;
        self.velocity *= config.momentum;
        self.velocity += &self.gradient;
        self.gradient += &self.velocity * config.momentum;
        self.weights -= &self.gradient * rate;
        self.step += 1;
        loss
    }
}

/// Losses that wait on the device to be read together.
#[derive(Debug, Default)]
pub struct PendingLosses {
    first: u64,
    losses: Vec<Tensor>,
}

impl PendingLosses {
    /// Adds the loss of `step`, a scalar; steps come in order.
    pub fn push(&mut self, step: u64, loss: Tensor) {
        if self.losses.is_empty() {
            self.first = step;
        }
        self.losses.push(loss);
    }

    /// Reads all, with the step of the first; `None` when there are none. Waits for the device.
    pub fn read(&mut self) -> Option<(u64, Vec<f32>)> {
        let losses = std::mem::take(&mut self.losses);
        (!losses.is_empty()).then(|| (self.first, read_scalars(&losses)))
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.losses.len()
    }

    /// True when none waits.
    pub fn is_empty(&self) -> bool {
        self.losses.is_empty()
    }
}

/// Reads scalars from the device in one transfer.
pub fn read_scalars(scalars: &[Tensor]) -> Vec<f32> {
    let together = Tensor::stack(scalars, 0)
        .to_kind(Kind::Float)
        .to_device(tch::Device::Cpu);
    Vec::<f32>::try_from(together).unwrap_or_else(|_| vec![f32::NAN; scalars.len()])
}

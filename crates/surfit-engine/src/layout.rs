//! Tensors of a network's layout: views into its flat vector, initial weights, running statistics.

use rand::Rng;
pub use surfit_core::networks::{Parameter, ParameterInit, WeightLayout};
use surfit_core::random::{self, RandomStream};
use tch::{Device, Kind, Tensor};

pub trait LayoutTensors {
    /// A view of every parameter into `flat`, `[P]`, in order. Nothing is copied.
    fn views(&self, flat: &Tensor) -> Vec<Tensor>;

    /// Initial weights for a seed, `[P]`, `f32` on the CPU: a function of the seed and each parameter's place.
    fn initial_weights(&self, seed: u64) -> Tensor;
}

impl LayoutTensors for WeightLayout {
    fn views(&self, flat: &Tensor) -> Vec<Tensor> {
        self.parameters.iter().map(|p| flat.narrow(0, p.offset, p.len()).view(p.shape.as_slice())).collect()
    }

    fn initial_weights(&self, seed: u64) -> Tensor {
        let mut values = Vec::with_capacity(self.len() as usize);
        for (index, p) in self.parameters.iter().enumerate() {
            let mut rng = random::stream(seed, RandomStream::Initialization, index as u64);
            values.extend((0..p.len()).map(|_| match p.init {
                ParameterInit::Uniform(bound) => (rng.random::<f64>() * 2.0 - 1.0) as f32 * bound as f32,
                ParameterInit::Normal(std) => (standard_normal(&mut rng) * std) as f32,
                ParameterInit::Ones => 1.0,
                ParameterInit::Zeros => 0.0,
            }));
        }
        Tensor::from_slice(&values)
    }
}

/// A draw from the standard normal distribution (Box, Muller 1958).
fn standard_normal(rng: &mut impl Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

/// Running statistics of every batch-norm layer, in the layout's order.
#[derive(Debug)]
pub struct RunningStats {
    /// Mean of every channel, per layer, `f32`.
    pub mean: Vec<Tensor>,
    /// Unbiased variance of every channel, per layer, `f32`.
    pub var: Vec<Tensor>,
    /// Batches averaged so far.
    pub batches: i64,
}

impl RunningStats {
    /// Statistics before any batch: mean 0, variance 1.
    pub fn new(layout: &WeightLayout, device: Device) -> Self {
        let of = |make: fn(&[i64], (Kind, Device)) -> Tensor| {
            layout.norms.iter().map(|n| make(&[n.channels], (Kind::Float, device))).collect()
        };
        Self { mean: of(|s, o| Tensor::zeros(s, o)), var: of(|s, o| Tensor::ones(s, o)), batches: 0 }
    }

    /// The same tensors once more, not copies of them.
    pub fn shallow_clone(&self) -> Self {
        self.map(Tensor::shallow_clone)
    }

    pub fn to_device(&self, device: Device) -> Self {
        self.map(|t| t.to_device(device))
    }

    fn map(&self, of_one: impl Fn(&Tensor) -> Tensor) -> Self {
        let of = |all: &[Tensor]| all.iter().map(&of_one).collect();
        Self { mean: of(&self.mean), var: of(&self.var), batches: self.batches }
    }

    pub fn size_in_bytes(&self) -> usize {
        let tensors = self.mean.iter().chain(&self.var);
        tensors.map(|t| t.numel() * size_of::<f32>()).sum()
    }
}

/// Which statistics batch norm uses in a forward pass.
#[derive(Debug)]
pub enum NormStatistics<'a> {
    /// Those of the batch, kept nowhere: training.
    Batch,
    /// Those of the batch, added to a cumulative average (Izmailov et al. 2018; Garipov et al. 2018): re-estimation.
    Collect(&'a mut RunningStats),
    /// Fixed ones: evaluation.
    Running(&'a RunningStats),
}

impl NormStatistics<'_> {
    /// Applies the batch-norm layer with index `layer` to `x`, `[N, C, …]`.
    pub fn apply(&mut self, layer: usize, x: &Tensor, weight: &Tensor, bias: &Tensor) -> Tensor {
        const EPS: f64 = 1e-5;
        let call = |mean: Option<&Tensor>, var: Option<&Tensor>, training, momentum| {
            Tensor::batch_norm(x, Some(weight), Some(bias), mean, var, training, momentum, EPS, false)
        };
        match self {
            NormStatistics::Batch => call(None, None, true, 0.0),
            NormStatistics::Collect(stats) => {
                let share = 1.0 / (stats.batches + 1) as f64;
                call(Some(&stats.mean[layer]), Some(&stats.var[layer]), true, share)
            }
            NormStatistics::Running(stats) => call(Some(&stats.mean[layer]), Some(&stats.var[layer]), false, 0.0),
        }
    }
}

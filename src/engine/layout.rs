//! How a network's weights lie in one flat vector.
//!
//! A network is a function of a flat `f32` vector of length `P`. Its layout names every stretch of that vector as PyTorch
//! names the parameter, says how it starts, and which axis of it may be permuted together with which others. Surfaces,
//! alignment, import and export work for every network from this description alone.

use rand::Rng;
use surfit_core::random::{self, Purpose};
use tch::{Device, Kind, Tensor};

/// How a parameter starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Uniform on `[−bound, bound]`; PyTorch's default for convolutions and linear layers has `bound = 1/√fan_in`.
    Uniform(f64),
    /// Normal with this standard deviation and mean 0. Where PyTorch or timm truncates at ±2, the deviation is so small
    /// that nothing is cut off.
    Normal(f64),
    /// All ones.
    Ones,
    /// All zeros.
    Zeros,
}

/// An axis of a parameter that belongs to a permutation group. It has `repeat · units · block` entries; unit `i` of the
/// group owns entries `(r · units + i) · block + b` for every `r` and `b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Index of the group in [`Layout::groups`].
    pub group: usize,
    /// How often the units come one after the other: 1, or 3 in the axis that holds queries, keys and values of every
    /// attention head.
    pub repeat: i64,
    /// Consecutive entries that move together with one unit of the group: 1, the pixels of a channel where a linear
    /// layer reads flattened feature maps, or the dimensions of an attention head.
    pub block: i64,
}

impl Axis {
    /// An axis with one entry for each unit of the group.
    pub fn of(group: usize) -> Self {
        Self {
            group,
            repeat: 1,
            block: 1,
        }
    }

    /// For every entry of the permuted axis the entry it is taken from, when unit `i` becomes what unit
    /// `permutation[i]` is.
    pub fn entries(&self, permutation: &[i64]) -> Vec<i64> {
        let units = permutation.len() as i64;
        (0..self.repeat)
            .flat_map(|r| permutation.iter().map(move |&unit| r * units + unit))
            .flat_map(|at| at * self.block..(at + 1) * self.block)
            .collect()
    }
}

/// One named parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// PyTorch's name, such as `conv1.weight`.
    pub name: String,
    /// Shape.
    pub shape: Vec<i64>,
    /// How it starts.
    pub init: Init,
    /// For each axis the permutation group it belongs to; `None` for axes that keep their order.
    pub axes: Vec<Option<Axis>>,
    /// Where it begins in the flat vector.
    pub offset: i64,
    /// True for what stays `f32` when the network computes in 16 bits: a normalization's weight and bias, and what
    /// begins a residual stream that is to be `f32`.
    pub wide: bool,
}

impl Parameter {
    /// Number of entries.
    pub fn len(&self) -> i64 {
        self.shape.iter().product()
    }

    /// True for a parameter without entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Units that can be permuted without changing the function, when every axis of the group is permuted alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// A name for messages.
    pub name: String,
    /// Number of units.
    pub size: i64,
}

/// A batch-norm layer's running statistics, which are not part of the flat vector.
#[derive(Clone, Debug, PartialEq)]
pub struct NormLayer {
    /// PyTorch's module name, such as `bn1`; its tensors are `bn1.running_mean` and so on.
    pub prefix: String,
    /// Number of channels.
    pub channels: i64,
    /// The permutation group its channels belong to.
    pub group: Option<usize>,
}

/// The whole description of a network's weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// Parameters in PyTorch's order, one behind the other.
    pub parameters: Vec<Parameter>,
    /// Permutation groups.
    pub groups: Vec<Group>,
    /// Batch-norm layers in the order of their parameters.
    pub norms: Vec<NormLayer>,
}

impl Layout {
    /// Adds a permutation group and gives its index.
    pub fn group(&mut self, name: &str, size: i64) -> usize {
        self.groups.push(Group {
            name: name.into(),
            size,
        });
        self.groups.len() - 1
    }

    /// Adds a parameter behind the others. Axes beyond `axes` belong to no group.
    pub fn parameter(&mut self, name: &str, shape: &[i64], init: Init, axes: &[Option<Axis>]) {
        let mut axes = axes.to_vec();
        axes.resize(shape.len(), None);
        let offset = self.len();
        self.parameters.push(Parameter {
            name: name.into(),
            shape: shape.into(),
            init,
            axes,
            offset,
            wide: false,
        });
    }

    /// Adds the weight and bias of a normalization over `channels`, which begins as the identity.
    pub fn scale_and_shift(&mut self, prefix: &str, channels: i64, group: Option<usize>) {
        for (what, init) in [("weight", Init::Ones), ("bias", Init::Zeros)] {
            let axis = group.map(Axis::of);
            self.parameter(&format!("{prefix}.{what}"), &[channels], init, &[axis]);
            self.keep_wide();
        }
    }

    /// Has the parameter that was added last stay `f32` when the network computes in 16 bits.
    pub fn keep_wide(&mut self) {
        if let Some(added) = self.parameters.last_mut() {
            added.wide = true;
        }
    }

    /// Adds a batch-norm layer: weight, bias, and a place for running statistics.
    pub fn norm(&mut self, prefix: &str, channels: i64, group: Option<usize>) {
        self.scale_and_shift(prefix, channels, group);
        self.norms.push(NormLayer {
            prefix: prefix.into(),
            channels,
            group,
        });
    }

    /// Number of weights `P`.
    pub fn len(&self) -> i64 {
        self.parameters.last().map_or(0, |p| p.offset + p.len())
    }

    /// Number of classes: entries of the last parameter, which is the bias of the logits.
    pub fn classes(&self) -> Option<i64> {
        self.parameters.last().map(Parameter::len)
    }

    /// True for a network without weights.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A view of every parameter into `flat`, `[P]`, in order. Nothing is copied.
    pub fn views(&self, flat: &Tensor) -> Vec<Tensor> {
        self.parameters
            .iter()
            .map(|p| flat.narrow(0, p.offset, p.len()).view(p.shape.as_slice()))
            .collect()
    }

    /// Initial weights for a seed, `[P]`, `f32` on the CPU: a function of the seed and each parameter's place.
    pub fn initial(&self, seed: u64) -> Tensor {
        let mut values = Vec::with_capacity(self.len() as usize);
        for (index, p) in self.parameters.iter().enumerate() {
            let mut rng = random::stream(seed, Purpose::Initialization, index as u64);
            values.extend((0..p.len()).map(|_| match p.init {
                Init::Uniform(bound) => (rng.random::<f64>() * 2.0 - 1.0) as f32 * bound as f32,
                Init::Normal(std) => (normal(&mut rng) * std) as f32,
                Init::Ones => 1.0,
                Init::Zeros => 0.0,
            }));
        }
        Tensor::from_slice(&values)
    }
}

/// A draw from the standard normal distribution (Box, Muller 1958).
fn normal(rng: &mut impl Rng) -> f64 {
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
    pub fn new(layout: &Layout, device: Device) -> Self {
        let of = |make: fn(&[i64], (Kind, Device)) -> Tensor| {
            layout
                .norms
                .iter()
                .map(|n| make(&[n.channels], (Kind::Float, device)))
                .collect()
        };
        Self {
            mean: of(|s, o| Tensor::zeros(s, o)),
            var: of(|s, o| Tensor::ones(s, o)),
            batches: 0,
        }
    }
}

impl RunningStats {
    /// The same tensors once more, not copies of them.
    pub fn shallow_clone(&self) -> Self {
        let of = |all: &[Tensor]| all.iter().map(Tensor::shallow_clone).collect();
        Self {
            mean: of(&self.mean),
            var: of(&self.var),
            batches: self.batches,
        }
    }

    /// The same on another device.
    pub fn to_device(&self, device: Device) -> Self {
        let of = |all: &[Tensor]| all.iter().map(|t| t.to_device(device)).collect();
        Self {
            mean: of(&self.mean),
            var: of(&self.var),
            batches: self.batches,
        }
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        let tensors = self.mean.iter().chain(&self.var);
        tensors.map(|t| t.numel() * size_of::<f32>()).sum()
    }
}

/// Which statistics batch norm uses in a forward pass.
#[derive(Debug)]
pub enum Norms<'a> {
    /// Those of the batch, kept nowhere: training.
    Batch,
    /// Those of the batch, added to a cumulative average (Izmailov et al. 2018; Garipov et al. 2018): re-estimation.
    Collect(&'a mut RunningStats),
    /// Fixed ones: evaluation.
    Running(&'a RunningStats),
}

impl Norms<'_> {
    /// Applies the batch-norm layer with index `layer` to `x`, `[N, C, …]`.
    pub fn apply(&mut self, layer: usize, x: &Tensor, weight: &Tensor, bias: &Tensor) -> Tensor {
        const EPS: f64 = 1e-5;
        let call = |mean: Option<&Tensor>, var: Option<&Tensor>, training, momentum| {
            Tensor::batch_norm(
                x,
                Some(weight),
                Some(bias),
                mean,
                var,
                training,
                momentum,
                EPS,
                false,
            )
        };
        match self {
            Norms::Batch => call(None, None, true, 0.0),
            Norms::Collect(stats) => {
                let share = 1.0 / (stats.batches + 1) as f64;
                call(
                    Some(&stats.mean[layer]),
                    Some(&stats.var[layer]),
                    true,
                    share,
                )
            }
            Norms::Running(stats) => call(
                Some(&stats.mean[layer]),
                Some(&stats.var[layer]),
                false,
                0.0,
            ),
        }
    }
}

//! The positions of a network's weights in one flat vector.
//!
//! A network is a function of a flat `f32` vector of length `P`. Its layout names every stretch of that vector as PyTorch
//! names the parameter, says how it starts, and which axis of it may be permuted together with which others. Surfaces,
//! alignment, import and export work for every network from this description alone.

/// How a parameter starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParameterInit {
    /// Uniform on `[−bound, bound]`; PyTorch's default for convolutions and linear layers has `bound = 1/√fan_in`.
    Uniform(f64),
    /// Normal with this standard deviation and mean 0. Where PyTorch or timm truncates at ±2, the deviation is so small
    /// that nothing is cut off.
    Normal(f64),
    /// All entries are 1.
    Ones,
    /// All entries are 0.
    Zeros,
}

/// An axis of a parameter that belongs to a permutation group. It has `repeat · units · block` entries; unit `i` of the
/// group owns entries `(r · units + i) · block + b` for every `r` and `b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupAxis {
    /// Index of the group in [`WeightLayout::groups`].
    pub group: usize,
    /// How often the units come one after the other: 1, or 3 in the axis that holds queries, keys and values of every
    /// attention head.
    pub repeat: i64,
    /// Consecutive entries that move together with one unit of the group: 1, the pixels of a channel where a linear
    /// layer reads flattened feature maps, or the dimensions of an attention head.
    pub block: i64,
}

impl GroupAxis {
    /// An axis with one entry for each unit of the group.
    pub fn for_group(group: usize) -> Self {
        Self { group, repeat: 1, block: 1 }
    }

    /// For every entry of the permuted axis the entry it is taken from, when unit `i` becomes what unit
    /// `permutation[i]` is.
    pub fn permuted_entries(&self, permutation: &[i64]) -> Vec<i64> {
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
    /// Shape of the parameter.
    pub shape: Vec<i64>,
    /// How it starts.
    pub init: ParameterInit,
    /// For each axis the permutation group it belongs to; `None` for axes that keep their order.
    pub axes: Vec<Option<GroupAxis>>,
    /// Where it begins in the flat vector.
    pub offset: i64,
    /// True for what stays `f32` when the network computes in 16 bits: a normalization's weight and bias, and what
    /// begins a residual stream that is to be `f32`.
    pub always_f32: bool,
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
pub struct PermutationGroup {
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
pub struct WeightLayout {
    /// Parameters in PyTorch's order, one behind the other.
    pub parameters: Vec<Parameter>,
    /// Permutation groups of the network's units.
    pub groups: Vec<PermutationGroup>,
    /// Batch-norm layers in the order of their parameters.
    pub norms: Vec<NormLayer>,
}

impl WeightLayout {
    /// Adds a permutation group and gives its index.
    pub fn add_group(&mut self, name: &str, size: i64) -> usize {
        self.groups.push(PermutationGroup { name: name.into(), size });
        self.groups.len() - 1
    }

    /// Adds a parameter behind the others. Axes beyond `axes` belong to no group.
    pub fn add_parameter(&mut self, name: &str, shape: &[i64], init: ParameterInit, axes: &[Option<GroupAxis>]) {
        let mut axes = axes.to_vec();
        axes.resize(shape.len(), None);
        let offset = self.len();
        self.parameters.push(Parameter {
            name: name.into(),
            shape: shape.into(),
            init,
            axes,
            offset,
            always_f32: false,
        });
    }

    /// Adds the weight and bias of a normalization over `channels`, which begins as the identity.
    pub fn add_scale_and_shift(&mut self, prefix: &str, channels: i64, group: Option<usize>) {
        for (what, init) in [("weight", ParameterInit::Ones), ("bias", ParameterInit::Zeros)] {
            let axis = group.map(GroupAxis::for_group);
            self.add_parameter(&format!("{prefix}.{what}"), &[channels], init, &[axis]);
            self.mark_last_as_f32();
        }
    }

    /// Has the parameter that was added last stay `f32` when the network computes in 16 bits.
    pub fn mark_last_as_f32(&mut self) {
        if let Some(added) = self.parameters.last_mut() {
            added.always_f32 = true;
        }
    }

    /// Adds a batch-norm layer: weight, bias, and a place for running statistics.
    pub fn add_batch_norm(&mut self, prefix: &str, channels: i64, group: Option<usize>) {
        self.add_scale_and_shift(prefix, channels, group);
        self.norms.push(NormLayer { prefix: prefix.into(), channels, group });
    }

    /// Number of weights `P`.
    pub fn len(&self) -> i64 {
        self.parameters.last().map_or(0, |p| p.offset + p.len())
    }

    /// Number of classes: entries of the last parameter, which is the bias of the logits.
    pub fn class_count(&self) -> Option<i64> {
        self.parameters.last().map(Parameter::len)
    }

    /// True for a network without weights.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

//! Describes a network layer by layer: each call adds an operation and, where it has weights, their place in the layout.

use super::architecture::{Architecture, MaxPooling, Operation};
use super::layout::{GroupAxis, ParameterInit, WeightLayout};

/// The layout's name of a vision transformer's position embeddings.
pub const POSITION_EMBEDDINGS: &str = "pos_embed";

/// Units that a layer writes and that may be permuted.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnitGroup {
    index: usize,
    size: i64,
}

/// How weight and bias of a layer start.
#[derive(Clone, Copy, Debug)]
pub(super) enum LayerInit {
    /// As PyTorch starts convolutions and linear layers: both uniform, by the number of values that a unit reads.
    PyTorch,
    /// As torchvision starts convolutions (He et al. 2015, by `fan_out`); the bias is 0.
    Kaiming,
    /// Normal with this standard deviation; the bias is 0.
    Normal(f64),
}

/// A square convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConvolutionSpec {
    pub kernel: i64,
    pub stride: i64,
    pub has_bias: bool,
    pub is_deferrable: bool,
    pub init: LayerInit,
}

impl ConvolutionSpec {
    /// 3×3, without bias, as torchvision starts it.
    pub const KAIMING_3X3: Self =
        Self { kernel: 3, stride: 1, has_bias: false, is_deferrable: true, init: LayerInit::Kaiming };
}

/// A network that is being described.
#[derive(Debug)]
pub(super) struct NetworkBuilder {
    layout: WeightLayout,
    operations: Vec<Operation>,
    /// Channels or features that the next layer reads, and the group that they belong to.
    features: i64,
    axis: Option<GroupAxis>,
    head_layers: usize,
    patch_grid: Option<[i64; 2]>,
}

impl NetworkBuilder {
    /// A network that reads images of so many channels.
    pub fn new(channels: usize) -> Self {
        Self {
            layout: WeightLayout::default(),
            operations: Vec::new(),
            features: channels as i64,
            axis: None,
            head_layers: 0,
            patch_grid: None,
        }
    }

    /// The network as described so far.
    pub fn finish(self) -> Architecture {
        let Self { layout, operations, head_layers, patch_grid, .. } = self;
        Architecture { layout, operations, head_layers, patch_grid }
    }

    /// Adds a permutation group.
    pub fn add_group(&mut self, name: &str, size: usize) -> UnitGroup {
        let size = size as i64;
        UnitGroup { index: self.layout.add_group(name, size), size }
    }

    /// A convolution that writes `units`.
    pub fn convolution(&mut self, name: &str, units: UnitGroup, spec: ConvolutionSpec) {
        let ConvolutionSpec { kernel, stride, has_bias, is_deferrable, init } = spec;
        let shape = [units.size, self.features, kernel, kernel];
        let writes = Some(GroupAxis::for_group(units.index));
        self.add_layer(name, &shape, has_bias, init, [writes, self.axis]);
        self.set_features(units.size, writes);
        self.head_layers = 0;
        self.operations.push(Operation::Convolution { stride, has_bias, is_deferrable });
    }

    /// A linear layer that writes `units`.
    pub fn linear(&mut self, name: &str, units: UnitGroup, init: LayerInit) {
        self.add_linear(name, units.size, Some(GroupAxis::for_group(units.index)), init);
    }

    /// The linear layer that writes the logits.
    pub fn logits(&mut self, name: &str, classes: usize, init: LayerInit) {
        self.add_linear(name, classes as i64, None, init);
    }

    fn add_linear(&mut self, name: &str, units: i64, writes: Option<GroupAxis>, init: LayerInit) {
        self.add_layer(name, &[units, self.features], true, init, [writes, self.axis]);
        self.set_features(units, writes);
        self.head_layers += 1;
        self.operations.push(Operation::Linear);
    }

    /// Batch norm of all channels.
    pub fn batch_norm(&mut self, name: &str) {
        self.layout.add_batch_norm(name, self.features, self.group());
        self.head_layers = 0;
        self.operations.push(Operation::BatchNorm);
    }

    /// Layer norm of all features.
    pub fn layer_norm(&mut self, name: &str) {
        self.layout.add_scale_and_shift(name, self.features, self.group());
        self.head_layers = 0;
        self.operations.push(Operation::LayerNorm);
    }

    pub fn relu(&mut self) {
        self.operations.push(Operation::Relu { group: self.group() });
    }

    pub fn gelu(&mut self) {
        self.operations.push(Operation::Gelu { group: self.group() });
    }

    pub fn max_pool(&mut self, pooling: MaxPooling) {
        self.operations.push(Operation::MaxPool(pooling));
    }

    /// The mean of every channel.
    pub fn global_average_pooling(&mut self) {
        self.operations.push(Operation::GlobalAveragePooling);
    }

    /// The means over `side × side` parts of the image, as features.
    pub fn adaptive_average_pooling(&mut self, side: i64) {
        self.features *= side * side;
        self.axis = self.axis.map(|axis| GroupAxis { block: side * side, ..axis });
        self.operations.push(Operation::AdaptiveAveragePooling { side });
    }

    /// All values of an image of so many pixels as features.
    pub fn flatten(&mut self, pixels: usize) {
        self.features *= pixels as i64;
        self.operations.push(Operation::Flatten);
    }

    /// A class token and the tokens of `grid` rows and columns of patches, with learned positions, as timm names them.
    pub fn patch_tokens(&mut self, stream: UnitGroup, patch: usize, grid: [i64; 2]) {
        let (patch, features) = (patch as i64, Some(GroupAxis::for_group(stream.index)));
        for (name, length, std) in [("cls_token", 1, 1e-6), (POSITION_EMBEDDINGS, grid[0] * grid[1] + 1, 0.02)] {
            let axes = [None, None, features];
            self.layout.add_parameter(name, &[1, length, stream.size], ParameterInit::Normal(std), &axes);
            // With these the residual stream is f32 from its beginning: every block adds a little to it.
            self.layout.mark_last_as_f32();
        }
        let shape = [stream.size, self.features, patch, patch];
        self.add_layer("patch_embed.proj", &shape, true, LayerInit::PyTorch, [features, None]);
        self.set_features(stream.size, features);
        self.patch_grid = Some(grid);
        self.operations.push(Operation::PatchTokens { patch, group: stream.index });
    }

    /// Self-attention with the layers `NAME.qkv` and `NAME.proj`; its heads move with their queries, keys and values.
    pub fn attention(&mut self, name: &str, heads: UnitGroup, init: LayerInit) {
        let (features, stream) = (self.features, self.axis);
        let head = GroupAxis { block: features / heads.size, ..GroupAxis::for_group(heads.index) };
        let thrice = Some(GroupAxis { repeat: 3, ..head });
        self.add_layer(&format!("{name}.qkv"), &[3 * features, features], true, init, [thrice, stream]);
        self.add_layer(&format!("{name}.proj"), &[features, features], true, init, [stream, Some(head)]);
        self.head_layers = 0;
        self.operations.push(Operation::Attention { heads: heads.size, group: heads.index });
    }

    /// The class token alone.
    pub fn class_token(&mut self) {
        self.operations.push(Operation::ClassToken);
    }

    /// The sum of two paths; the weights of `branch` come first.
    pub fn residual(&mut self, branch: impl FnOnce(&mut Self), shortcut: impl FnOnce(&mut Self)) {
        self.add_residual(branch, shortcut, false);
    }

    /// As [`Self::residual`] around a branch, where alignment compares the sum itself.
    pub fn compared_residual(&mut self, branch: impl FnOnce(&mut Self)) {
        self.add_residual(branch, |_| {}, true);
    }

    fn add_residual(&mut self, branch: impl FnOnce(&mut Self), shortcut: impl FnOnce(&mut Self), is_compared: bool) {
        let (features, axis) = (self.features, self.axis);
        let before = std::mem::take(&mut self.operations);
        branch(self);
        let branch = std::mem::take(&mut self.operations);
        let sum = (self.features, self.axis);
        self.set_features(features, axis);
        shortcut(self);
        debug_assert_eq!((self.features, self.axis), sum, "both paths write the same features");
        let shortcut = std::mem::replace(&mut self.operations, before);
        let group = self.group().filter(|_| is_compared);
        self.head_layers = 0;
        self.operations.push(Operation::Residual { branch, shortcut, group });
    }

    fn set_features(&mut self, features: i64, axis: Option<GroupAxis>) {
        (self.features, self.axis) = (features, axis);
    }

    fn group(&self) -> Option<usize> {
        self.axis.map(|axis| axis.group)
    }

    /// Adds `NAME.weight` and, where there is one, `NAME.bias`.
    fn add_layer(&mut self, name: &str, shape: &[i64], has_bias: bool, init: LayerInit, axes: [Option<GroupAxis>; 2]) {
        let fan_in: i64 = shape[1..].iter().product();
        let fan_out: i64 = shape[0] * shape[2..].iter().product::<i64>();
        let (weight, bias) = match init {
            LayerInit::PyTorch => {
                let uniform = ParameterInit::Uniform(1.0 / (fan_in as f64).sqrt());
                (uniform, uniform)
            }
            LayerInit::Kaiming => (ParameterInit::Normal((2.0 / fan_out as f64).sqrt()), ParameterInit::Zeros),
            LayerInit::Normal(std) => (ParameterInit::Normal(std), ParameterInit::Zeros),
        };
        self.layout.add_parameter(&format!("{name}.weight"), shape, weight, &axes);
        if has_bias {
            self.layout.add_parameter(&format!("{name}.bias"), &shape[..1], bias, &axes[..1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Linear layers on a path of a sum are not at the end of the network.
    #[test]
    fn the_head_begins_after_the_last_sum() {
        let mut network = NetworkBuilder::new(4);
        let units = network.add_group("units", 4);
        network.linear("first", units, LayerInit::PyTorch);
        network.residual(|path| path.linear("branch", units, LayerInit::PyTorch), |_| {});
        network.logits("logits", 2, LayerInit::PyTorch);
        assert_eq!(network.finish().head_layers, 1);
    }
}

//! `mlp`: hidden linear layers with ReLU on the flattened image.
//!
//! As a PyTorch module this is `layers`, a `ModuleList` of `Linear`s.

use super::builder::{LayerInit, NetworkBuilder};
use super::{NetworkShape, NetworkSpec, WidthSpec};

pub(super) const MLP: NetworkSpec = NetworkSpec {
    name: "mlp",
    description: "linear layers with ReLU",
    widths: WidthSpec { meaning: "the units of each hidden layer", default: &[256, 128], ..WidthSpec::ANY },
    ..NetworkSpec::new(build)
};

fn build(shape: &NetworkShape, network: &mut NetworkBuilder) {
    network.flatten(shape.input[1] * shape.input[2]);
    for (i, &width) in shape.widths.iter().enumerate() {
        let units = network.add_group(&format!("layers.{i}"), width);
        network.linear(&format!("layers.{i}"), units, LayerInit::PyTorch);
        network.relu();
    }
    network.logits(&format!("layers.{}", shape.widths.len()), shape.classes, LayerInit::PyTorch);
}

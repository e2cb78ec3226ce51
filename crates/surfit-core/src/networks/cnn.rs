//! `cnn`: 3×3 convolutions with batch norm, halved in size by max pooling.
//!
//! As a PyTorch module this is `features`, a `Sequential` of blocks `Sequential(Conv2d(…, 3, padding=1,
//! bias=False), BatchNorm2d, ReLU, MaxPool2d(2))` whose last block pools with `AdaptiveAvgPool2d(1)` instead,
//! and `classifier`, a `Linear`.

use super::builder::{ConvolutionSpec, LayerInit, NetworkBuilder};
use super::{MaxPooling, NetworkShape, NetworkSpec, UnsuitableSetting, WidthSpec};

pub(super) const CNN: NetworkSpec = NetworkSpec {
    name: "cnn",
    description: "3×3 convolutions without bias, each with batch norm, ReLU and 2×2 max pooling, after the last global \
                  average pooling; then one linear layer",
    widths: WidthSpec {
        meaning: "the channels of each convolution",
        default: &[16, 32, 64],
        has_fixed_count: false,
        search_template: Some(|depth| vec![2; depth]),
        undetermined: None,
    },
    refuse_images,
    ..NetworkSpec::new(build)
};

fn refuse_images(shape: &NetworkShape) -> Result<(), UnsuitableSetting> {
    let [_, height, width] = shape.input;
    let halvings = height.min(width).max(1).ilog2() as usize;
    let widths = shape.widths.len();
    if widths <= halvings + 1 {
        return Ok(());
    }
    Err(UnsuitableSetting::new(
        "network.widths",
        format!(
            "a cnn halves its {height}×{width} images once per width but the last, which leaves nothing after {} widths; \
             it was given {widths}",
            halvings + 1
        ),
    ))
}

fn build(shape: &NetworkShape, network: &mut NetworkBuilder) {
    let convolution =
        ConvolutionSpec { is_deferrable: false, init: LayerInit::PyTorch, ..ConvolutionSpec::KAIMING_3X3 };
    for (i, &width) in shape.widths.iter().enumerate() {
        let channels = network.add_group(&format!("features.{i}"), width);
        network.convolution(&format!("features.{i}.0"), channels, convolution);
        network.batch_norm(&format!("features.{i}.1"));
        network.relu();
        if i + 1 < shape.widths.len() {
            network.max_pool(MaxPooling::HALVE);
        }
    }
    network.global_average_pooling();
    network.logits("classifier", shape.classes, LayerInit::PyTorch);
}

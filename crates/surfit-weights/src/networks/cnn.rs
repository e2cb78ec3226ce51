//! `cnn`: 3×3 convolutions with batch norm, halved in size by max pooling.
//!
//! As a PyTorch module this is `features`, a `Sequential` of blocks `Sequential(Conv2d(…, 3, padding=1,
//! bias=False), BatchNorm2d, ReLU, MaxPool2d(2))` whose last block pools with `AdaptiveAvgPool2d(1)` instead,
//! and `classifier`, a `Linear`.

use super::{Architecture, NetworkError, NetworkShape, uniform_init};
use crate::layout::{GroupAxis, WeightLayout};

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct Cnn {
    /// Layout of the network's weights.
    pub layout: WeightLayout,
    /// Number of blocks.
    pub blocks: usize,
}

pub(super) fn describe(shape: &NetworkShape) -> Result<Architecture, NetworkError> {
    let widths = shape.widths_or(&[16, 32, 64]);
    let channels = shape.input[0];
    let mut layout = WeightLayout::default();
    let (mut fan, mut reads) = (channels as i64, None);
    for (i, &units) in widths.iter().enumerate() {
        let units = units as i64;
        let group = layout.add_group(&format!("features.{i}"), units);
        let axes = [Some(GroupAxis::for_group(group)), reads];
        layout.add_parameter(&format!("features.{i}.0.weight"), &[units, fan, 3, 3], uniform_init(9 * fan), &axes);
        layout.add_batch_norm(&format!("features.{i}.1"), units, Some(group));
        (fan, reads) = (units, axes[0]);
    }
    let classes = shape.classes as i64;
    layout.add_parameter("classifier.weight", &[classes, fan], uniform_init(fan), &[None, reads]);
    layout.add_parameter("classifier.bias", &[classes], uniform_init(fan), &[None]);
    Ok(Architecture::Cnn(Cnn { layout, blocks: widths.len() }))
}

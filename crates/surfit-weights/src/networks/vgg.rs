//! `vgg16`, `vgg16-bn`, `vgg16-cifar` and `vgg16-bn-cifar` (Simonyan, Zisserman 2015).
//!
//! As PyTorch modules the first two are torchvision's `vgg16(num_classes=…)` and `vgg16_bn(num_classes=…)`, whose
//! `classifier` has two hidden layers of 4096 units behind an average pooling to 7×7. Its dropout layers, which hold no
//! weights and do nothing in evaluation, are not part of the function here.
//!
//! The CIFAR forms have the same `features` with `avgpool = AdaptiveAvgPool2d(1)` and `classifier = Linear(512, …)`, or
//! with `network.hidden` a `classifier` of as many hidden layers as torchvision writes it: `Sequential(Linear, ReLU,
//! Dropout, …, Linear)`. Their poolings round up (`MaxPool2d(2, ceil_mode=True)`), so that images of 28×28 work too; where
//! the height and width are multiples of 32 that makes no difference.

use super::{Architecture, NetworkError, NetworkShape, kaiming_init, uniform_init};
use crate::layout::{GroupAxis, ParameterInit, WeightLayout};

/// Units of the hidden layers of torchvision's classifier.
const DEFAULT_HIDDEN: [usize; 2] = [4096, 4096];

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct Vgg {
    /// Layout of the network's weights.
    pub layout: WeightLayout,
    /// Whether a batch norm follows every convolution.
    pub normed: bool,
    /// Whether the classifier reads one value of each channel, as in the CIFAR forms.
    pub cifar: bool,
    /// Hidden layers of the classifier.
    pub hidden: usize,
}

impl Vgg {
    /// Convolutions in every stage; a max pooling follows each.
    pub const CONVOLUTIONS_PER_STAGE: [usize; 5] = [2, 2, 3, 3, 3];
    /// Height and width of what torchvision's classifier reads.
    pub const POOLED_SIZE: i64 = 7;
}

pub(super) fn plain(shape: &NetworkShape) -> Result<Architecture, NetworkError> {
    describe(shape, false, false)
}

pub(super) fn normed(shape: &NetworkShape) -> Result<Architecture, NetworkError> {
    describe(shape, true, false)
}

pub(super) fn plain_cifar(shape: &NetworkShape) -> Result<Architecture, NetworkError> {
    describe(shape, false, true)
}

pub(super) fn normed_cifar(shape: &NetworkShape) -> Result<Architecture, NetworkError> {
    describe(shape, true, true)
}

fn describe(shape: &NetworkShape, normed: bool, cifar: bool) -> Result<Architecture, NetworkError> {
    let widths = shape.exact_widths([64, 128, 256, 512, 512], "the channels of each stage")?;
    let channels = shape.input[0];
    let mut layout = WeightLayout::default();
    // Indices count the modules of torchvision's `Sequential`, those without weights too.
    let (mut fan, mut reads, mut module) = (channels as i64, None, 0);
    for (units, convolutions) in widths.into_iter().zip(Vgg::CONVOLUTIONS_PER_STAGE) {
        for _ in 0..convolutions {
            let prefix = format!("features.{module}");
            let group = layout.add_group(&prefix, units);
            let axes = [Some(GroupAxis::for_group(group)), reads];
            let (weight, bias) = (format!("{prefix}.weight"), format!("{prefix}.bias"));
            layout.add_parameter(&weight, &[units, fan, 3, 3], kaiming_init(units, 3), &axes);
            layout.add_parameter(&bias, &[units], ParameterInit::Zeros, &axes[..1]);
            if normed {
                layout.add_batch_norm(&format!("features.{}", module + 1), units, Some(group));
            }
            module += if normed { 3 } else { 2 };
            (fan, reads) = (units, axes[0]);
        }
        module += 1;
    }
    if !cifar {
        fan *= Vgg::POOLED_SIZE * Vgg::POOLED_SIZE;
        reads = reads.map(|axis| GroupAxis { block: Vgg::POOLED_SIZE * Vgg::POOLED_SIZE, ..axis });
    }
    let hidden = match shape.hidden {
        [] if cifar => &[],
        [] => DEFAULT_HIDDEN.as_slice(),
        given => given,
    };
    for i in 0..=hidden.len() {
        let writes = hidden.get(i).map(|&units| units as i64);
        let units = writes.unwrap_or(shape.classes as i64);
        // A ReLU and a dropout follow every hidden layer.
        let prefix = match hidden {
            [] => "classifier".to_owned(),
            _ => format!("classifier.{}", 3 * i),
        };
        let writes = writes.map(|units| GroupAxis::for_group(layout.add_group(&prefix, units)));
        let (weight, bias) = (format!("{prefix}.weight"), format!("{prefix}.bias"));
        let (start, zeros) = match cifar {
            true => (uniform_init(fan), uniform_init(fan)),
            false => (ParameterInit::Normal(0.01), ParameterInit::Zeros),
        };
        layout.add_parameter(&weight, &[units, fan], start, &[writes, reads]);
        layout.add_parameter(&bias, &[units], zeros, &[writes]);
        (fan, reads) = (units, writes);
    }
    Ok(Architecture::Vgg(Vgg { layout, normed, cifar, hidden: hidden.len() }))
}

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

use super::builder::{ConvolutionSpec, LayerInit, NetworkBuilder};
use super::{Architecture, FamilyNaming, MaxPooling, NetworkShape, NetworkSpec, UnsuitableSetting, WidthSpec};

/// Convolutions in every stage; a max pooling follows each.
const CONVOLUTIONS_PER_STAGE: [usize; 5] = [2, 2, 3, 3, 3];
/// Height and width of what torchvision's classifier reads.
const POOLED_SIZE: i64 = 7;

pub(super) const VGG16: NetworkSpec = NetworkSpec {
    name: "vgg16",
    description: "torchvision's `vgg16`, from 32×32 pixels on",
    widths: WidthSpec {
        meaning: "the channels of each stage",
        default: &[64, 128, 256, 512, 512],
        has_fixed_count: true,
        ..WidthSpec::ANY
    },
    hidden: Some(&[4096, 4096]),
    refuse_images: refuse_small_images,
    namings: &[
        FamilyNaming::own_names("torchvision"),
        FamilyNaming {
            // Its VGG16BN pairs a stage's list of convolutions and batch norms with its list of ReLUs, which is half as
            // long, so that the second half of every stage never runs.
            unused_norm_remark: Some(
                "timgaripov/dnn-mode-connectivity's VGG16BN leaves half of each stage's layers out, which is another \
                 function than a VGG16's; train it with its forward pass mended, or use its VGG16",
            ),
            ..FamilyNaming::new("timgaripov/dnn-mode-connectivity", layer_block_name)
        },
    ],
    ..NetworkSpec::new(|shape, network| build(shape, network, false, false))
};

pub(super) const VGG16_BN: NetworkSpec = NetworkSpec {
    name: "vgg16-bn",
    description: "torchvision's `vgg16_bn`, from 32×32 pixels on",
    build: |shape, network| build(shape, network, true, false),
    ..VGG16
};

pub(super) const VGG16_CIFAR: NetworkSpec = NetworkSpec {
    name: "vgg16-cifar",
    description: "`vgg16` with one `Linear(512, classes)` as `classifier`",
    hidden: Some(&[]),
    refuse_images: |_| Ok(()),
    build: |shape, network| build(shape, network, false, true),
    ..VGG16
};

pub(super) const VGG16_BN_CIFAR: NetworkSpec = NetworkSpec {
    name: "vgg16-bn-cifar",
    description: "`vgg16-bn` with one `Linear(512, classes)` as `classifier`",
    build: |shape, network| build(shape, network, true, true),
    ..VGG16_CIFAR
};

fn refuse_small_images(shape: &NetworkShape) -> Result<(), UnsuitableSetting> {
    let [_, height, width] = shape.input;
    if height.min(width) >= 32 {
        return Ok(());
    }
    let name = shape.name;
    Err(UnsuitableSetting::new(
        "network.name",
        format!(
            "{name} halves its images five times, which leaves nothing of {height}×{width} pixels; use {name}-cifar, which \
             rounds up"
        ),
    ))
}

fn build(shape: &NetworkShape, network: &mut NetworkBuilder, is_normed: bool, is_cifar: bool) {
    let convolution = ConvolutionSpec { has_bias: true, ..ConvolutionSpec::KAIMING_3X3 };
    // Indices count the modules of torchvision's `Sequential`, those without weights too.
    let mut module = 0;
    for (&width, convolutions) in shape.widths.iter().zip(CONVOLUTIONS_PER_STAGE) {
        for _ in 0..convolutions {
            let name = format!("features.{module}");
            let channels = network.add_group(&name, width);
            network.convolution(&name, channels, convolution);
            if is_normed {
                network.batch_norm(&format!("features.{}", module + 1));
            }
            network.relu();
            module += if is_normed { 3 } else { 2 };
        }
        network.max_pool(MaxPooling { rounds_up: is_cifar, ..MaxPooling::HALVE });
        module += 1;
    }
    let init = if is_cifar { LayerInit::PyTorch } else { LayerInit::Normal(0.01) };
    if is_cifar {
        network.global_average_pooling();
    } else {
        network.adaptive_average_pooling(POOLED_SIZE);
    }
    // A ReLU and a dropout follow every hidden layer.
    let name = |layer: usize| match shape.hidden.as_slice() {
        [] => "classifier".to_owned(),
        _ => format!("classifier.{}", 3 * layer),
    };
    for (layer, &units) in shape.hidden.iter().enumerate() {
        let units = network.add_group(&name(layer), units);
        network.linear(&name(layer), units, init);
        network.relu();
    }
    network.logits(&name(shape.hidden.len()), shape.classes, init);
}

/// `features.N` counts the modules of all stages; here a stage is a list of convolutions and batch norms.
fn layer_block_name(architecture: &Architecture, name: &str) -> Vec<String> {
    let per_convolution = if architecture.layout.norms.is_empty() { 2 } else { 3 };
    let number = name.strip_prefix("features.").and_then(|rest| {
        let (number, what) = rest.split_once('.')?;
        Some((number.parse::<usize>().ok()?, what))
    });
    let Some((mut module, what)) = number else {
        return vec![name.into()];
    };
    for (stage, convolutions) in CONVOLUTIONS_PER_STAGE.into_iter().enumerate() {
        let modules = convolutions * per_convolution;
        if module < modules {
            // ReLUs are not in the list.
            let at = module / per_convolution * (per_convolution - 1) + module % per_convolution;
            return vec![format!("layer_blocks.{stage}.{at}.{what}")];
        }
        module = module.saturating_sub(modules + 1);
    }
    vec![name.into()]
}

//! `resnet18` and `resnet18-cifar`: residual networks of basic blocks (He et al. 2016).
//!
//! As a PyTorch module this is torchvision's `resnet18(num_classes=…)`. The CIFAR form has `conv1` replaced by
//! `Conv2d(…, 3, padding=1, bias=False)` and `maxpool` by `Identity`. Other widths are
//! `ResNet(BasicBlock, [2, 2, 2, 2])` with other `planes`; other channels of the images another `conv1`.
//!
//! The channels of a stage's residual stream form one permutation group: every convolution and batch norm that writes
//! into the stream or reads from it shares it.

use super::builder::{ConvolutionSpec, LayerInit, NetworkBuilder};
use super::naming::replace_first;
use super::{Architecture, FamilyNaming, MaxPooling, NetworkShape, NetworkSpec, WidthSpec};

const BLOCKS_PER_STAGE: usize = 2;

pub(super) const RESNET18: NetworkSpec = NetworkSpec {
    name: "resnet18",
    description: "torchvision's `resnet18`, 7×7 stem and max pooling",
    widths: WidthSpec {
        meaning: "the channels of each stage",
        default: &[64, 128, 256, 512],
        has_fixed_count: true,
        ..WidthSpec::ANY
    },
    namings: &[
        FamilyNaming::own_names("torchvision"),
        FamilyNaming::new("kuangliu/pytorch-cifar", shortcut_name),
        FamilyNaming::new("weiaicunzai/pytorch-cifar100", residual_function_name),
        FamilyNaming::new("a Sequential of torchvision's layers", sequential_name),
        FamilyNaming::new("Hugging Face", hugging_face_name),
    ],
    ..NetworkSpec::new(build_imagenet)
};

pub(super) const RESNET18_CIFAR: NetworkSpec = NetworkSpec {
    name: "resnet18-cifar",
    description: "`resnet18` with `conv1` of 3×3, stride 1, and no max pooling",
    build: build_cifar,
    ..RESNET18
};

fn build_imagenet(shape: &NetworkShape, network: &mut NetworkBuilder) {
    build(shape, network, ConvolutionSpec { kernel: 7, stride: 2, ..ConvolutionSpec::KAIMING_3X3 });
}

fn build_cifar(shape: &NetworkShape, network: &mut NetworkBuilder) {
    build(shape, network, ConvolutionSpec::KAIMING_3X3);
}

fn build(shape: &NetworkShape, network: &mut NetworkBuilder, stem: ConvolutionSpec) {
    let convolution = ConvolutionSpec::KAIMING_3X3;
    let mut stream = network.add_group("conv1", shape.widths[0]);
    network.convolution("conv1", stream, stem);
    network.batch_norm("bn1");
    network.relu();
    if stem.stride > 1 {
        network.max_pool(MaxPooling { kernel: 3, padding: 1, ..MaxPooling::HALVE });
    }
    for (stage, &width) in shape.widths.iter().enumerate() {
        for index in 0..BLOCKS_PER_STAGE {
            let prefix = format!("layer{}.{index}", stage + 1);
            let downsamples = stage > 0 && index == 0;
            let stride = if downsamples { 2 } else { 1 };
            if downsamples {
                stream = network.add_group(&format!("layer{}", stage + 1), width);
            }
            let hidden = network.add_group(&format!("{prefix}.conv1"), width);
            network.residual(
                |branch| {
                    branch.convolution(&format!("{prefix}.conv1"), hidden, ConvolutionSpec { stride, ..convolution });
                    branch.batch_norm(&format!("{prefix}.bn1"));
                    branch.relu();
                    branch.convolution(&format!("{prefix}.conv2"), stream, convolution);
                    branch.batch_norm(&format!("{prefix}.bn2"));
                },
                |shortcut| {
                    if downsamples {
                        let spec = ConvolutionSpec { kernel: 1, stride, ..convolution };
                        shortcut.convolution(&format!("{prefix}.downsample.0"), stream, spec);
                        shortcut.batch_norm(&format!("{prefix}.downsample.1"));
                    }
                },
            );
            network.relu();
        }
    }
    network.global_average_pooling();
    network.logits("fc", shape.classes, LayerInit::PyTorch);
}

/// `layerS.I.REST` as `S`, counted from 0, `I` and `REST`; `None` for the first convolution and batch norm.
fn split_block_name(name: &str) -> Option<(usize, &str, &str)> {
    let (stage, rest) = name.strip_prefix("layer")?.split_once('.')?;
    let (index, rest) = rest.split_once('.')?;
    Some((stage.parse::<usize>().ok()?.checked_sub(1)?, index, rest))
}

fn shortcut_name(_: &Architecture, name: &str) -> Vec<String> {
    vec![name.replace(".downsample.", ".shortcut.")]
}

fn residual_function_name(_: &Architecture, name: &str) -> Vec<String> {
    let Some((stage, index, rest)) = split_block_name(name) else {
        return vec![replace_first(name, &[("conv1", "conv1.0"), ("bn1", "conv1.1")])];
    };
    let rest = replace_first(
        rest,
        &[
            ("conv1", "residual_function.0"),
            ("bn1", "residual_function.1"),
            ("conv2", "residual_function.3"),
            ("bn2", "residual_function.4"),
            ("downsample", "shortcut"),
        ],
    );
    vec![format!("conv{}_x.{index}.{rest}", stage + 2)]
}

fn sequential_name(_: &Architecture, name: &str) -> Vec<String> {
    match split_block_name(name) {
        // ReLU and max pooling are the modules 2 and 3.
        Some((stage, index, rest)) => vec![format!("{}.{index}.{rest}", stage + 4)],
        None => vec![replace_first(name, &[("conv1", "0"), ("bn1", "1")])],
    }
}

fn hugging_face_name(_: &Architecture, name: &str) -> Vec<String> {
    let Some((stage, index, rest)) = split_block_name(name) else {
        let pairs = [("conv1", "convolution"), ("bn1", "normalization")];
        let rest = replace_first(name, &pairs);
        return vec![format!("embedder.embedder.{rest}")];
    };
    let rest = replace_first(
        rest,
        &[
            ("conv1", "layer.0.convolution"),
            ("bn1", "layer.0.normalization"),
            ("conv2", "layer.1.convolution"),
            ("bn2", "layer.1.normalization"),
            ("downsample.0", "shortcut.convolution"),
            ("downsample.1", "shortcut.normalization"),
        ],
    );
    vec![format!("encoder.stages.{stage}.layers.{index}.{rest}")]
}

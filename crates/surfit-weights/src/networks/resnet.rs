//! `resnet18` and `resnet18-cifar`: residual networks of basic blocks (He et al. 2016).
//!
//! As a PyTorch module this is torchvision's `resnet18(num_classes=…)`. The CIFAR form has `conv1` replaced by
//! `Conv2d(…, 3, padding=1, bias=False)` and `maxpool` by `Identity`. Other widths are
//! `ResNet(BasicBlock, [2, 2, 2, 2])` with other `planes`; other channels of the images another `conv1`.
//!
//! The channels of a stage's residual stream form one permutation group: every convolution and batch norm that writes
//! into the stream or reads from it shares it.

use super::{Architecture, NetworkError, NetworkShape, kaiming_init, uniform_init};
use crate::layout::{GroupAxis, WeightLayout};

const BLOCKS_PER_STAGE: usize = 2;

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct ResNet {
    /// Layout of the network's weights.
    pub layout: WeightLayout,
    /// What comes before the first stage.
    pub stem: Stem,
    /// The permutation group of the stem's channels, the first residual stream.
    pub stream: usize,
    /// Its blocks, in order.
    pub blocks: Vec<BasicBlock>,
}

/// What comes before the first stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stem {
    /// A 7×7 convolution and a 3×3 max pooling, each halving the image.
    ImageNet,
    /// A 3×3 convolution that keeps the size.
    Cifar,
}

/// A basic block: two 3×3 convolutions beside a shortcut.
#[derive(Clone, Debug)]
pub struct BasicBlock {
    /// Stride of the first convolution.
    pub stride: i64,
    /// Whether the shortcut is a 1×1 convolution with batch norm.
    pub downsample: bool,
    /// The permutation group of the channels between the convolutions.
    pub hidden: usize,
    /// The permutation group of the stream behind the block.
    pub stream: usize,
}

pub(super) fn imagenet(shape: &NetworkShape) -> Result<Architecture, NetworkError> {
    describe(shape, Stem::ImageNet)
}

pub(super) fn cifar(shape: &NetworkShape) -> Result<Architecture, NetworkError> {
    describe(shape, Stem::Cifar)
}

fn describe(shape: &NetworkShape, stem: Stem) -> Result<Architecture, NetworkError> {
    let widths = shape.exact_widths([64, 128, 256, 512], "the channels of each stage")?;
    let mut layout = WeightLayout::default();
    let kernel = if stem == Stem::ImageNet { 7 } else { 3 };
    let mut stream = layout.add_group("conv1", widths[0]);
    let stem_stream = stream;
    add_convolution(&mut layout, "conv1", [widths[0], shape.input[0] as i64, kernel], [Some(stream), None]);
    layout.add_batch_norm("bn1", widths[0], Some(stream));

    let (mut blocks, mut channels) = (Vec::new(), widths[0]);
    for (stage, units) in widths.into_iter().enumerate() {
        for index in 0..BLOCKS_PER_STAGE {
            let prefix = format!("layer{}.{index}", stage + 1);
            let downsample = stage > 0 && index == 0;
            let reads = stream;
            if downsample {
                stream = layout.add_group(&format!("layer{}", stage + 1), units);
            }
            let hidden = layout.add_group(&format!("{prefix}.conv1"), units);
            let mut add = |name: &str, norm: &str, shape: [i64; 3], groups: [usize; 2]| {
                let name = format!("{prefix}.{name}");
                add_convolution(&mut layout, &name, shape, groups.map(Some));
                layout.add_batch_norm(&format!("{prefix}.{norm}"), units, Some(groups[0]));
            };
            add("conv1", "bn1", [units, channels, 3], [hidden, reads]);
            add("conv2", "bn2", [units, units, 3], [stream, hidden]);
            if downsample {
                let shape = [units, channels, 1];
                add("downsample.0", "downsample.1", shape, [stream, reads]);
            }
            blocks.push(BasicBlock { stride: if downsample { 2 } else { 1 }, downsample, hidden, stream });
            channels = units;
        }
    }
    let classes = shape.classes as i64;
    let axes = [None, Some(GroupAxis::for_group(stream))];
    layout.add_parameter("fc.weight", &[classes, channels], uniform_init(channels), &axes);
    layout.add_parameter("fc.bias", &[classes], uniform_init(channels), &[]);
    Ok(Architecture::ResNet(ResNet { layout, stem, stream: stem_stream, blocks }))
}

/// A convolution without bias; `shape` is units, channels, kernel, and `groups` those of units and channels.
fn add_convolution(layout: &mut WeightLayout, name: &str, shape: [i64; 3], groups: [Option<usize>; 2]) {
    let [units, channels, kernel] = shape;
    layout.add_parameter(
        &format!("{name}.weight"),
        &[units, channels, kernel, kernel],
        kaiming_init(units, kernel),
        &groups.map(|group| group.map(GroupAxis::for_group)),
    );
}

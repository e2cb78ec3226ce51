//! `resnet18` and `resnet18-cifar`: residual networks of basic blocks (He et al. 2016).
//!
//! As a PyTorch module this is torchvision's `resnet18(num_classes=…)`. The CIFAR form has `conv1` replaced by
//! `Conv2d(…, 3, padding=1, bias=False)` and `maxpool` by `Identity`. Other widths are
//! `ResNet(BasicBlock, [2, 2, 2, 2])` with other `planes`; other channels of the images another `conv1`.
//!
//! The channels of a stage's residual stream form one permutation group: every convolution and batch norm that writes
//! into the stream or reads from it shares it.

use super::ops::{Walk, channels_last, kaiming, uniform};
use super::{Network, Shape, Taps, Weights};
use crate::Result;
use crate::layout::{Axis, Layout, Norms};
use tch::Tensor;

/// Blocks in a stage.
const BLOCKS: usize = 2;

/// See the module's documentation.
#[derive(Debug)]
struct ResNet {
    layout: Layout,
    stem: Stem,
    /// The permutation group of the stem's channels, the first residual stream.
    stream: usize,
    blocks: Vec<Block>,
}

/// What comes before the first stage.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stem {
    /// A 7×7 convolution and a 3×3 max pooling, each halving the image.
    ImageNet,
    /// A 3×3 convolution that keeps the size.
    Cifar,
}

/// A basic block: two 3×3 convolutions beside a shortcut.
#[derive(Debug)]
struct Block {
    stride: i64,
    /// Whether the shortcut is a 1×1 convolution with batch norm.
    downsample: bool,
    /// The permutation groups of the channels between the convolutions, and of the stream behind the block.
    hidden: usize,
    stream: usize,
}

pub(super) fn imagenet(shape: &Shape) -> Result<Box<dyn Network>> {
    make(shape, Stem::ImageNet)
}

pub(super) fn cifar(shape: &Shape) -> Result<Box<dyn Network>> {
    make(shape, Stem::Cifar)
}

fn make(shape: &Shape, stem: Stem) -> Result<Box<dyn Network>> {
    let widths = shape.exactly([64, 128, 256, 512], "the channels of each stage")?;
    let mut layout = Layout::default();
    let kernel = if stem == Stem::ImageNet { 7 } else { 3 };
    let mut stream = layout.group("conv1", widths[0]);
    let stem_stream = stream;
    convolution(
        &mut layout,
        "conv1",
        [widths[0], shape.input[0] as i64, kernel],
        [Some(stream), None],
    );
    layout.norm("bn1", widths[0], Some(stream));

    let (mut blocks, mut channels) = (Vec::new(), widths[0]);
    for (stage, units) in widths.into_iter().enumerate() {
        for index in 0..BLOCKS {
            let prefix = format!("layer{}.{index}", stage + 1);
            let downsample = stage > 0 && index == 0;
            let reads = stream;
            if downsample {
                stream = layout.group(&format!("layer{}", stage + 1), units);
            }
            let hidden = layout.group(&format!("{prefix}.conv1"), units);
            let mut add = |name: &str, norm: &str, shape: [i64; 3], groups: [usize; 2]| {
                let name = format!("{prefix}.{name}");
                convolution(&mut layout, &name, shape, groups.map(Some));
                layout.norm(&format!("{prefix}.{norm}"), units, Some(groups[0]));
            };
            add("conv1", "bn1", [units, channels, 3], [hidden, reads]);
            add("conv2", "bn2", [units, units, 3], [stream, hidden]);
            if downsample {
                let shape = [units, channels, 1];
                add("downsample.0", "downsample.1", shape, [stream, reads]);
            }
            blocks.push(Block {
                stride: if downsample { 2 } else { 1 },
                downsample,
                hidden,
                stream,
            });
            channels = units;
        }
    }
    let classes = shape.classes as i64;
    let axes = [None, Some(Axis::of(stream))];
    layout.parameter("fc.weight", &[classes, channels], uniform(channels), &axes);
    layout.parameter("fc.bias", &[classes], uniform(channels), &[]);
    Ok(Box::new(ResNet {
        layout,
        stem,
        stream: stem_stream,
        blocks,
    }))
}

/// A convolution without bias; `shape` is units, channels, kernel, and `groups` those of units and channels.
fn convolution(layout: &mut Layout, name: &str, shape: [i64; 3], groups: [Option<usize>; 2]) {
    let [units, channels, kernel] = shape;
    layout.parameter(
        &format!("{name}.weight"),
        &[units, channels, kernel, kernel],
        kaiming(units, kernel),
        &groups.map(|group| group.map(Axis::of)),
    );
}

impl Network for ResNet {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn forward(
        &self,
        weights: Weights,
        x: &Tensor,
        norms: &mut Norms,
        mut taps: Option<&mut Taps>,
    ) -> Tensor {
        let mut see = |group: usize, x: &Tensor| {
            if let Some(taps) = taps.as_deref_mut() {
                taps.see(group, x);
            }
        };
        let mut walk = Walk::new(weights, norms);
        let stride = if self.stem == Stem::ImageNet { 2 } else { 1 };
        let mut x = walk.conv(&channels_last(x), stride);
        x = walk.norm(&x).relu_();
        see(self.stream, &x);
        if self.stem == Stem::ImageNet {
            x = x.max_pool2d(3, 2, 1, 1, false);
        }
        for block in &self.blocks {
            let mut y = walk.conv(&x, block.stride);
            y = walk.norm(&y).relu_();
            see(block.hidden, &y);
            y = walk.conv(&y, 1);
            y = walk.norm(&y);
            if block.downsample {
                x = walk.conv(&x, block.stride);
                x = walk.norm(&x);
            }
            y += &x;
            x = y.relu_();
            see(block.stream, &x);
        }
        walk.linear(&x.mean_dim([2i64, 3].as_slice(), false, None))
    }
}

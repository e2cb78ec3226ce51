//! `vgg16`, `vgg16-bn`, `vgg16-cifar` and `vgg16-bn-cifar` (Simonyan, Zisserman 2015).
//!
//! As PyTorch modules the first two are torchvision's `vgg16(num_classes=…)` and `vgg16_bn(num_classes=…)`, whose
//! `classifier` has two hidden layers of 4096 units behind an average pooling to 7×7. Its dropout layers, which hold no
//! weights and do nothing in evaluation, are not part of the function here.
//!
//! The CIFAR forms have the same `features` with `avgpool = AdaptiveAvgPool2d(1)` and `classifier = Linear(512, …)`.
//! Their poolings round up (`MaxPool2d(2, ceil_mode=True)`), so that images of 28×28 work too; where the height and
//! width are multiples of 32 that makes no difference.

use super::ops::{Walk, channels_last, kaiming, max_pool, uniform};
use super::{Network, Shape, Taps, Weights};
use crate::Result;
use crate::layout::{Axis, Init, Layout, Norms};
use tch::Tensor;

/// Convolutions in every stage; a max pooling follows each.
const STAGES: [usize; 5] = [2, 2, 3, 3, 3];
/// Units of the hidden layers of torchvision's classifier.
const HIDDEN: i64 = 4096;
/// Height and width of what torchvision's classifier reads.
const POOLED: i64 = 7;

/// See the module's documentation.
#[derive(Debug)]
struct Vgg {
    layout: Layout,
    normed: bool,
    /// Whether the classifier is the CIFAR form's single layer.
    cifar: bool,
}

pub(super) fn plain(shape: &Shape) -> Result<Box<dyn Network>> {
    make(shape, false, false)
}

pub(super) fn normed(shape: &Shape) -> Result<Box<dyn Network>> {
    make(shape, true, false)
}

pub(super) fn plain_cifar(shape: &Shape) -> Result<Box<dyn Network>> {
    make(shape, false, true)
}

pub(super) fn normed_cifar(shape: &Shape) -> Result<Box<dyn Network>> {
    make(shape, true, true)
}

fn make(shape: &Shape, normed: bool, cifar: bool) -> Result<Box<dyn Network>> {
    let widths = shape.exactly([64, 128, 256, 512, 512], "the channels of each stage")?;
    let channels = shape.input[0];
    let mut layout = Layout::default();
    // Indices count the modules of torchvision's `Sequential`, those without weights too.
    let (mut fan, mut reads, mut module) = (channels as i64, None, 0);
    for (units, convolutions) in widths.into_iter().zip(STAGES) {
        for _ in 0..convolutions {
            let prefix = format!("features.{module}");
            let group = layout.group(&prefix, units);
            let axes = [Some(Axis::of(group)), reads];
            let (weight, bias) = (format!("{prefix}.weight"), format!("{prefix}.bias"));
            layout.parameter(&weight, &[units, fan, 3, 3], kaiming(units, 3), &axes);
            layout.parameter(&bias, &[units], Init::Zeros, &axes[..1]);
            if normed {
                layout.norm(&format!("features.{}", module + 1), units, Some(group));
            }
            module += if normed { 3 } else { 2 };
            (fan, reads) = (units, axes[0]);
        }
        module += 1;
    }
    let classes = shape.classes as i64;
    if cifar {
        layout.parameter(
            "classifier.weight",
            &[classes, fan],
            uniform(fan),
            &[None, reads],
        );
        layout.parameter("classifier.bias", &[classes], uniform(fan), &[]);
    } else {
        fan *= POOLED * POOLED;
        reads = reads.map(|axis| Axis {
            block: POOLED * POOLED,
            ..axis
        });
        for (module, units) in [(0, HIDDEN), (3, HIDDEN), (6, classes)] {
            let prefix = format!("classifier.{module}");
            let writes = (module < 6).then(|| Axis::of(layout.group(&prefix, units)));
            let (weight, bias) = (format!("{prefix}.weight"), format!("{prefix}.bias"));
            layout.parameter(&weight, &[units, fan], Init::Normal(0.01), &[writes, reads]);
            layout.parameter(&bias, &[units], Init::Zeros, &[writes]);
            (fan, reads) = (units, writes);
        }
    }
    Ok(Box::new(Vgg {
        layout,
        normed,
        cifar,
    }))
}

impl Network for Vgg {
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
        let mut group = 0;
        let mut see = |x: &Tensor| {
            if let Some(taps) = taps.as_deref_mut() {
                taps.see(group, x);
            }
            group += 1;
        };
        let mut walk = Walk::new(weights, norms);
        let mut x = channels_last(x);
        for convolutions in STAGES {
            for _ in 0..convolutions {
                x = walk.conv_with_bias(&x);
                if self.normed {
                    x = walk.norm(&x);
                }
                x = x.relu_();
                see(&x);
            }
            x = if self.cifar { halve(&x) } else { max_pool(&x) };
        }
        if self.cifar {
            return walk.linear(&x.mean_dim([2i64, 3].as_slice(), false, None));
        }
        x = x.adaptive_avg_pool2d([POOLED, POOLED]).flatten(1, -1);
        for _ in 0..2 {
            x = walk.linear(&x).relu_();
            see(&x);
        }
        walk.linear(&x)
    }
}

/// Max pooling of 2×2 pixels, of what is there where their number is odd: small images keep a pixel to the end.
fn halve(x: &Tensor) -> Tensor {
    let odd = x.size()[2..].iter().any(|n| n % 2 == 1);
    if odd {
        x.max_pool2d(2, 2, 0, 1, true)
    } else {
        max_pool(x)
    }
}

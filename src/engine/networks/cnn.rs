//! `cnn`: 3×3 convolutions with batch norm, halved in size by max pooling.
//!
//! As a PyTorch module this is `features`, a `Sequential` of blocks `Sequential(Conv2d(…, 3, padding=1,
//! bias=False), BatchNorm2d, ReLU, MaxPool2d(2))` whose last block pools with `AdaptiveAvgPool2d(1)` instead,
//! and `classifier`, a `Linear`.

use super::ops::{channels_last, max_pool, uniform};
use super::{Network, Shape, Taps, Weights};
use crate::Result;
use crate::layout::{Axis, Layout, Norms};
use tch::Tensor;

/// See the module's documentation.
#[derive(Debug)]
struct Cnn {
    layout: Layout,
    blocks: usize,
}

pub(super) fn make(shape: &Shape) -> Result<Box<dyn Network>> {
    let widths = shape.widths_or(&[16, 32, 64]);
    let channels = shape.input[0];
    let mut layout = Layout::default();
    let (mut fan, mut reads) = (channels as i64, None);
    for (i, &units) in widths.iter().enumerate() {
        let units = units as i64;
        let group = layout.group(&format!("features.{i}"), units);
        let axes = [Some(Axis::of(group)), reads];
        layout.parameter(
            &format!("features.{i}.0.weight"),
            &[units, fan, 3, 3],
            uniform(9 * fan),
            &axes,
        );
        layout.norm(&format!("features.{i}.1"), units, Some(group));
        (fan, reads) = (units, axes[0]);
    }
    let classes = shape.classes as i64;
    layout.parameter(
        "classifier.weight",
        &[classes, fan],
        uniform(fan),
        &[None, reads],
    );
    layout.parameter("classifier.bias", &[classes], uniform(fan), &[None]);
    Ok(Box::new(Cnn {
        layout,
        blocks: widths.len(),
    }))
}

impl Network for Cnn {
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
        let (weights, mut x) = (weights.views, channels_last(x));
        for block in 0..self.blocks {
            let w = &weights[3 * block..3 * block + 3];
            x = x.conv2d(&channels_last(&w[0]), None::<&Tensor>, 1, 1, 1, 1);
            x = norms.apply(block, &x, &w[1], &w[2]);
            if let Some(taps) = taps.as_deref_mut() {
                taps.see(block, &x.relu());
            }
            // ReLU and maximum commute, and behind the pooling there is a quarter of the work.
            x = if block + 1 < self.blocks {
                max_pool(&x).relu_()
            } else {
                x.relu_().mean_dim([2i64, 3].as_slice(), false, None)
            };
        }
        x.linear(
            &weights[3 * self.blocks],
            Some(&weights[3 * self.blocks + 1]),
        )
    }
}

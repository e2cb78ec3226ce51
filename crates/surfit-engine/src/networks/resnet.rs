//! Forward pass of `resnet18` and `resnet18-cifar`, as [`surfit_weights::networks::ResNet`] describes them.

use super::ops::channels_last;
use super::{ForwardWalk, Network};
use crate::layout::WeightLayout;
use surfit_weights::networks::{ResNet, Stem};
use tch::Tensor;

impl Network for ResNet {
    fn layout(&self) -> &WeightLayout {
        &self.layout
    }

    fn compute_logits(&self, walk: &mut ForwardWalk, x: &Tensor) -> Tensor {
        let stride = if self.stem == Stem::ImageNet { 2 } else { 1 };
        let mut x = walk.conv(&channels_last(x), stride);
        x = walk.batch_norm(&x).relu_();
        walk.record(self.stream, &x);
        if self.stem == Stem::ImageNet {
            x = x.max_pool2d(3, 2, 1, 1, false);
        }
        for block in &self.blocks {
            let mut y = walk.conv(&x, block.stride);
            y = walk.batch_norm(&y).relu_();
            walk.record(block.hidden, &y);
            y = walk.conv(&y, 1);
            y = walk.batch_norm(&y);
            if block.downsample {
                x = walk.conv(&x, block.stride);
                x = walk.batch_norm(&x);
            }
            y += &x;
            x = y.relu_();
            walk.record(block.stream, &x);
        }
        walk.linear(&x.mean_dim([2i64, 3].as_slice(), false, None))
    }
}

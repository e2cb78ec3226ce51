//! Forward pass of the forms of `vgg16`, as [`surfit_weights::networks::Vgg`] describes them.

use super::ops::{channels_last, max_pool};
use super::{ForwardWalk, Network};
use crate::layout::WeightLayout;
use surfit_weights::networks::Vgg;
use tch::Tensor;

impl Network for Vgg {
    fn layout(&self) -> &WeightLayout {
        &self.layout
    }

    fn compute_logits(&self, walk: &mut ForwardWalk, x: &Tensor) -> Tensor {
        let mut group = 0;
        let mut record = |walk: &mut ForwardWalk, x: &Tensor| {
            walk.record(group, x);
            group += 1;
        };
        let mut x = channels_last(x);
        for convolutions in Vgg::CONVOLUTIONS_PER_STAGE {
            for _ in 0..convolutions {
                x = walk.conv_with_bias(&x);
                if self.normed {
                    x = walk.batch_norm(&x);
                }
                x = x.relu_();
                record(walk, &x);
            }
            x = if self.cifar { max_pool_ceil(&x) } else { max_pool(&x) };
        }
        x = if self.cifar {
            x.mean_dim([2i64, 3].as_slice(), false, None)
        } else {
            x.adaptive_avg_pool2d([Vgg::POOLED_SIZE, Vgg::POOLED_SIZE]).flatten(1, -1)
        };
        for _ in 0..self.hidden {
            x = walk.linear(&x).relu_();
            record(walk, &x);
        }
        walk.linear(&x)
    }
}

/// Max pooling of 2×2 pixels, of what is there where their number is odd: small images keep a pixel to the end.
fn max_pool_ceil(x: &Tensor) -> Tensor {
    let odd = x.size()[2..].iter().any(|n| n % 2 == 1);
    if odd { x.max_pool2d(2, 2, 0, 1, true) } else { max_pool(x) }
}

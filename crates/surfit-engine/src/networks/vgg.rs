//! Forward pass of the forms of `vgg16`, as [`surfit_weights::networks::Vgg`] describes them.

use super::ops::{ForwardWalk, channels_last, max_pool};
use super::{ActivationHooks, ForwardWeights, Network};
use crate::layout::{NormStatistics, WeightLayout};
use surfit_weights::networks::Vgg;
use tch::Tensor;

impl Network for Vgg {
    fn layout(&self) -> &WeightLayout {
        &self.layout
    }

    fn forward(
        &self,
        weights: ForwardWeights,
        x: &Tensor,
        norms: &mut NormStatistics,
        mut taps: Option<&mut ActivationHooks>,
    ) -> Tensor {
        let mut group = 0;
        let mut see = |x: &Tensor| {
            if let Some(taps) = taps.as_deref_mut() {
                taps.see(group, x);
            }
            group += 1;
        };
        let mut walk = ForwardWalk::new(weights, norms);
        let mut x = channels_last(x);
        for convolutions in Vgg::STAGES {
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
        x = if self.cifar {
            x.mean_dim([2i64, 3].as_slice(), false, None)
        } else {
            x.adaptive_avg_pool2d([Vgg::POOLED, Vgg::POOLED])
                .flatten(1, -1)
        };
        for _ in 0..self.hidden {
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

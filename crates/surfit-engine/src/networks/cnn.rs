//! Forward pass of `cnn`, as [`surfit_weights::networks::Cnn`] describes it.

use super::ops::{channels_last, max_pool};
use super::{ForwardWalk, Network};
use crate::layout::WeightLayout;
use surfit_weights::networks::Cnn;
use tch::Tensor;

impl Network for Cnn {
    fn layout(&self) -> &WeightLayout {
        &self.layout
    }

    fn compute_logits(&self, walk: &mut ForwardWalk, x: &Tensor) -> Tensor {
        let mut x = channels_last(x);
        for block in 0..self.blocks {
            x = x.conv2d(&channels_last(walk.next_parameter()), None::<&Tensor>, 1, 1, 1, 1);
            x = walk.batch_norm(&x);
            if walk.has_hooks() {
                walk.record(block, &x.relu());
            }
            // ReLU and maximum commute, and behind the pooling there is a quarter of the work.
            x = if block + 1 < self.blocks {
                max_pool(&x).relu_()
            } else {
                x.relu_().mean_dim([2i64, 3].as_slice(), false, None)
            };
        }
        walk.linear(&x)
    }
}

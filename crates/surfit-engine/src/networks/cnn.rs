//! Forward pass of `cnn`, as [`surfit_weights::network_weights::Cnn`] describes it.

use super::ops::{channels_last, max_pool};
use super::{ActivationHooks, ForwardWeights, Network};
use crate::layout::{NormStatistics, WeightLayout};
use surfit_weights::networks::Cnn;
use tch::Tensor;

impl Network for Cnn {
    fn layout(&self) -> &WeightLayout {
        &self.layout
    }

    fn forward(
        &self,
        weights: ForwardWeights,
        x: &Tensor,
        norms: &mut NormStatistics,
        mut hooks: Option<&mut ActivationHooks>,
    ) -> Tensor {
        let (weights, mut x) = (weights.views, channels_last(x));
        for block in 0..self.blocks {
            let w = &weights[3 * block..3 * block + 3];
            x = x.conv2d(&channels_last(&w[0]), None::<&Tensor>, 1, 1, 1, 1);
            x = norms.apply(block, &x, &w[1], &w[2]);
            if let Some(hooks) = hooks.as_deref_mut() {
                hooks.record(block, &x.relu());
            }
            // ReLU and maximum commute, and behind the pooling there is a quarter of the work.
            x = if block + 1 < self.blocks {
                max_pool(&x).relu_()
            } else {
                x.relu_().mean_dim([2i64, 3].as_slice(), false, None)
            };
        }
        x.linear(&weights[3 * self.blocks], Some(&weights[3 * self.blocks + 1]))
    }
}

//! Forward pass of `mlp`, as [`surfit_weights::networks::Mlp`] describes it.

use super::{ForwardWalk, Network};
use crate::layout::WeightLayout;
use surfit_weights::networks::Mlp;
use tch::Tensor;

impl Network for Mlp {
    fn layout(&self) -> &WeightLayout {
        &self.layout
    }

    fn compute_logits(&self, walk: &mut ForwardWalk, x: &Tensor) -> Tensor {
        let mut x = x.flatten(1, -1);
        let last = self.layout.parameters.len() / 2 - 1;
        for layer in 0..last {
            x = walk.linear(&x).relu();
            walk.record(layer, &x);
        }
        walk.linear(&x)
    }
}

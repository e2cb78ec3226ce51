//! Forward pass of `mlp`, as [`surfit_weights::network_weights::Mlp`] describes it.

use super::{ActivationHooks, ForwardWeights, Network};
use crate::layout::{NormStatistics, WeightLayout};
use surfit_weights::networks::Mlp;
use tch::Tensor;

impl Network for Mlp {
    fn layout(&self) -> &WeightLayout {
        &self.layout
    }

    fn forward(
        &self,
        weights: ForwardWeights,
        x: &Tensor,
        _norms: &mut NormStatistics,
        mut hooks: Option<&mut ActivationHooks>,
    ) -> Tensor {
        let (weights, mut x) = (weights.views, x.flatten(1, -1));
        let last = weights.len() / 2 - 1;
        for (i, w) in weights.chunks_exact(2).enumerate() {
            x = x.linear(&w[0], Some(&w[1]));
            if i < last {
                x = x.relu();
                if let Some(hooks) = hooks.as_deref_mut() {
                    hooks.record(i, &x);
                }
            }
        }
        x
    }
}

//! Networks as functions of a flat weight vector, from the descriptions in `surfit-core`.

mod activation_hooks;
mod deferred_conv_grads;
mod forward_walk;

pub use activation_hooks::ActivationHooks;
pub use deferred_conv_grads::{DeferredConvGrads, ForwardWeights};

use crate::Result;
use crate::layout::{NormStatistics, WeightLayout};
use forward_walk::ForwardWalk;
use surfit_core::config::NetworkConfig;
use surfit_core::networks::{Architecture, Operation, describe_network};
use surfit_weights::NetworkError;
use tch::Tensor;

/// A network as a function of a flat weight vector.
#[derive(Debug)]
pub struct Network(Architecture);

impl Network {
    /// The network that a configuration describes, for images of shape `input` (`[C, H, W]`).
    pub fn new(config: &NetworkConfig, input: [usize; 3], classes: usize) -> Result<Self> {
        Ok(Self(describe_network(config, input, classes).map_err(NetworkError::from)?))
    }

    /// The positions of its weights in the flat vector.
    pub fn layout(&self) -> &WeightLayout {
        &self.0.layout
    }

    /// Logits `[N, classes]` for images `x`, `[N, C, H, W]`.
    ///
    /// `weights` hold views in the layout's order, as [`crate::layout::LayoutTensors::views`] gives them. `hooks` keep
    /// activations of hidden units where they are given: those of every permutation group, after norm and nonlinearity.
    pub fn forward(
        &self,
        weights: ForwardWeights,
        x: &Tensor,
        norms: &mut NormStatistics,
        hooks: Option<&mut ActivationHooks>,
    ) -> Tensor {
        let operations = &self.0.operations;
        let is_convolutional = matches!(operations.first(), Some(Operation::Convolution { .. }));
        let x_in_order = if is_convolutional { forward_walk::channels_last(x) } else { x.shallow_clone() };
        ForwardWalk::new(weights, norms, hooks, x.kind()).compute(operations, x_in_order)
    }
}

#[cfg(test)]
pub(crate) mod tests;

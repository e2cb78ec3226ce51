//! Forward passes of the networks that `surfit-weights` describes: functions of a flat weight vector.

mod activation_hooks;
mod cnn;
mod deferred_conv_grads;
mod mlp;
mod ops;
mod resnet;
mod vgg;
mod vit;

pub use activation_hooks::ActivationHooks;
pub use deferred_conv_grads::{DeferredConvGrads, ForwardWeights};
pub use ops::ForwardWalk;

use crate::Result;
use crate::layout::{NormStatistics, WeightLayout};
use surfit_core::config::NetworkConfig;
pub use surfit_weights::networks::NETWORK_NAMES;
use surfit_weights::networks::{self, Architecture};
use tch::Tensor;

/// A network as a function of a flat weight vector.
pub trait Network: Send + Sync + std::fmt::Debug {
    /// The positions of its weights in the flat vector.
    fn layout(&self) -> &WeightLayout;

    /// Logits `[N, classes]` for images `x`, `[N, C, H, W]`, from the parameters that `walk` gives one after the other. It
    /// is shown the activations of every permutation group's units, after norm and nonlinearity.
    fn compute_logits(&self, walk: &mut ForwardWalk, x: &Tensor) -> Tensor;

    /// Logits `[N, classes]` for images `x`, `[N, C, H, W]`.
    ///
    /// `weights` hold views in the layout's order, as [`crate::layout::LayoutTensors::views`] gives them. `hooks` keep
    /// activations of hidden units where they are given.
    fn forward(
        &self,
        weights: ForwardWeights,
        x: &Tensor,
        norms: &mut NormStatistics,
        hooks: Option<&mut ActivationHooks>,
    ) -> Tensor {
        self.compute_logits(&mut ForwardWalk::new(weights, norms, hooks), x)
    }
}

/// The network that a configuration describes, for images of shape `input` (`[C, H, W]`).
///
/// # Errors
/// As [`surfit_weights::networks::describe_network`].
pub fn build(config: &NetworkConfig, input: [usize; 3], classes: usize) -> Result<Box<dyn Network>> {
    Ok(match networks::describe_network(config, input, classes)? {
        Architecture::Cnn(network) => Box::new(network),
        Architecture::Mlp(network) => Box::new(network),
        Architecture::ResNet(network) => Box::new(network),
        Architecture::Vgg(network) => Box::new(network),
        Architecture::Vit(network) => Box::new(network),
    })
}

/// A network's name, with its widths and hidden layers where they are not its own, for people to read.
pub fn describe(config: &NetworkConfig) -> String {
    let mut text = config.name.clone();
    if !config.widths.is_empty() {
        text += &format!(" {:?}", config.widths);
    }
    if !config.hidden.is_empty() {
        text += &format!(", hidden {:?}", config.hidden);
    }
    text
}

#[cfg(test)]
mod tests;

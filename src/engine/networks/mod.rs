//! The networks: functions of a flat weight vector, one file and one line of `NETWORKS` each.

mod cnn;
mod mlp;

use crate::layout::{Init, Layout, Norms};
use crate::{Error, Result};
use surfit_core::config::NetworkConfig;
use tch::Tensor;

/// A network as a function of a flat weight vector.
pub trait Network: Send + Sync + std::fmt::Debug {
    /// How its weights lie in the flat vector.
    fn layout(&self) -> &Layout;

    /// Logits `[N, classes]` for images `x`, `[N, C, H, W]`.
    ///
    /// `weights` are views in the layout's order, as [`Layout::views`] gives them. When `taps` is given, the
    /// activations of every permutation group's units, after norm and nonlinearity, are pushed in the groups'
    /// order, as `[N, size, …]`.
    fn forward(
        &self,
        weights: &[Tensor],
        x: &Tensor,
        norms: &mut Norms,
        taps: Option<&mut Vec<Tensor>>,
    ) -> Tensor;
}

/// Makes a network from its widths, the input's `[C, H, W]` and the number of classes.
type Make = fn(&[usize], [usize; 3], usize) -> Result<Box<dyn Network>>;

/// Every network: its name and what makes it.
const NETWORKS: [(&str, Make); 2] = [("cnn", cnn::make), ("mlp", mlp::make)];

/// The names of all networks.
pub const NAMES: &[&str] = &{
    let mut names = [""; NETWORKS.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = NETWORKS[i].0;
        i += 1;
    }
    names
};

/// The network that a configuration describes, for images of shape `input` (`[C, H, W]`).
///
/// # Errors
/// A sentence for an unknown name (with the nearest known one) and for widths that do not suit the input.
pub fn build(
    config: &NetworkConfig,
    input: [usize; 3],
    classes: usize,
) -> Result<Box<dyn Network>> {
    let (_, make) = NETWORKS
        .iter()
        .find(|(name, _)| *name == config.name)
        .ok_or_else(|| {
            Error::input(crate::data::unknown(
                "network.name",
                "network",
                &config.name,
                NAMES,
            ))
        })?;
    if config.widths.is_empty() || config.widths.contains(&0) {
        return Err(Error::input(
            "network.widths: give at least one width, and none of 0",
        ));
    }
    make(&config.widths, input, classes)
}

/// PyTorch's default start of a convolution or linear layer whose units read `fan_in` values.
fn uniform(fan_in: i64) -> Init {
    Init::Uniform(1.0 / (fan_in as f64).sqrt())
}

#[cfg(test)]
mod tests;

//! The networks: functions of a flat weight vector, one file and one line of `NETWORKS` each.

mod cnn;
mod mlp;
mod ops;
mod products;
mod resnet;
mod taps;
mod vgg;
mod vit;

pub use products::{Products, Weights};
pub use taps::Taps;

use crate::layout::{Layout, Norms};
use crate::{Error, Result};
use surfit_core::config::NetworkConfig;
use tch::Tensor;

/// A network as a function of a flat weight vector.
pub trait Network: Send + Sync + std::fmt::Debug {
    /// How its weights lie in the flat vector.
    fn layout(&self) -> &Layout;

    /// Logits `[N, classes]` for images `x`, `[N, C, H, W]`.
    ///
    /// `weights` hold views in the layout's order, as [`Layout::views`] gives them. When `taps` is given, it is shown
    /// the activations of every permutation group's units, after norm and nonlinearity.
    fn forward(
        &self,
        weights: Weights,
        x: &Tensor,
        norms: &mut Norms,
        taps: Option<&mut Taps>,
    ) -> Tensor;
}

/// What a network is to be like.
struct Shape<'a> {
    /// Name in the table.
    name: &'a str,
    /// `network.widths`; empty for the network's own.
    widths: &'a [usize],
    /// `network.patch`; already resolved for the images.
    patch: usize,
    /// `[C, H, W]` of an image.
    input: [usize; 3],
    /// Number of classes.
    classes: usize,
}

impl Shape<'_> {
    /// The configured widths, or the network's own.
    fn widths_or(&self, own: &[usize]) -> Vec<usize> {
        if self.widths.is_empty() {
            own.to_vec()
        } else {
            self.widths.to_vec()
        }
    }

    /// The configured widths, or the network's own, where there must be `N`; `what` says what they are.
    fn exactly<const N: usize>(&self, own: [usize; N], what: &str) -> Result<[i64; N]> {
        let widths: [usize; N] = self.widths_or(&own).try_into().map_err(|_| {
            Error::input(format!(
                "network.widths: {} takes {N} widths ({what}), not {}; give {N}, or none for {own:?}",
                self.name,
                self.widths.len()
            ))
        })?;
        Ok(widths.map(|w| w as i64))
    }
}

/// Makes a network.
type Make = fn(&Shape) -> Result<Box<dyn Network>>;

/// Every network: its name and what makes it.
const NETWORKS: [(&str, Make); 10] = [
    ("cnn", cnn::make),
    ("mlp", mlp::make),
    ("resnet18", resnet::imagenet),
    ("resnet18-cifar", resnet::cifar),
    ("vgg16", vgg::plain),
    ("vgg16-bn", vgg::normed),
    ("vgg16-cifar", vgg::plain_cifar),
    ("vgg16-bn-cifar", vgg::normed_cifar),
    ("vit-tiny", vit::tiny),
    ("vit-small", vit::small),
];

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
/// A sentence for an unknown name (with the nearest known one) and for widths or a patch that do not suit the network
/// or the input.
pub fn build(
    config: &NetworkConfig,
    input: [usize; 3],
    classes: usize,
) -> Result<Box<dyn Network>> {
    let (name, make) = NETWORKS
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
    if config.widths.contains(&0) {
        return Err(Error::input("network.widths: no width can be 0"));
    }
    if config.patch > 0 && !name.starts_with("vit") {
        return Err(Error::input(format!(
            "network.patch: {name} does not divide its images into patches; leave it at 0"
        )));
    }
    if let Some(why) = config.refuse_images(input) {
        return Err(Error::input(why));
    }
    make(&Shape {
        name,
        widths: &config.widths,
        patch: config.patch_of(input[1]),
        input,
        classes,
    })
}

/// A network's name, with its widths where they are not its own, for people to read.
pub fn describe(config: &NetworkConfig) -> String {
    if config.widths.is_empty() {
        config.name.clone()
    } else {
        format!("{} {:?}", config.name, config.widths)
    }
}

#[cfg(test)]
mod tests;

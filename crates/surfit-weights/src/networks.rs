//! The networks' weights: one file and one line of `DEFAULT_NETWORKS` each.

mod cnn;
mod mlp;
mod resnet;
mod vgg;
mod vit;

pub use cnn::Cnn;
pub use mlp::Mlp;
pub use resnet::{BasicBlock, ResNet, Stem};
pub use vgg::Vgg;
pub use vit::{Vit, VitBlock};

use crate::file::WeightFileError;
use crate::layout::{ParameterInit, WeightLayout};
use std::path::PathBuf;
use surfit_core::config::{NetworkConfig, unknown_value_message};

/// Why a network cannot be built, or weights are not those of a network.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// No network is as it is configured. The sentence is complete.
    #[error("{0}")]
    Architecture(String),
    /// A pattern of `corners.rename` is not a regular expression.
    #[error("corners.rename: {pattern:?} is not a regular expression ({})", source.to_string().lines().last().unwrap_or_default())]
    Pattern {
        /// The regular expression.
        pattern: String,
        /// What is wrong with it.
        source: regex::Error,
    },
    /// Names of tensors that `corners.rename` cannot make usable. The sentence is complete.
    #[error("{0}")]
    Names(String),
    /// The tensors are not those of the network. The sentence is complete.
    #[error("{0}")]
    Mismatch(String),
    /// A file does not hold the weights of the network.
    #[error("{}: {source}", path.display())]
    InFile {
        /// Path of the file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<NetworkError>,
    },
    /// A file of weights was refused.
    #[error(transparent)]
    File(#[from] WeightFileError),
}

/// A network by its weights: their layout, and what its forward pass needs besides.
#[derive(Clone, Debug)]
pub enum Architecture {
    /// Architecture named `cnn`.
    Cnn(Cnn),
    /// Architecture named `mlp`.
    Mlp(Mlp),
    /// `resnet18` and `resnet18-cifar`
    ResNet(ResNet),
    /// The forms of `vgg16`
    Vgg(Vgg),
    /// `vit-tiny` and `vit-small`
    Vit(Vit),
}

impl Architecture {
    /// The positions of the weights in the flat vector.
    pub fn layout(&self) -> &WeightLayout {
        match self {
            Self::Cnn(network) => &network.layout,
            Self::Mlp(network) => &network.layout,
            Self::ResNet(network) => &network.layout,
            Self::Vgg(network) => &network.layout,
            Self::Vit(network) => &network.layout,
        }
    }
}

/// What a network is to be like.
struct NetworkShape<'a> {
    /// Name in the table.
    name: &'a str,
    /// `network.widths`; empty for the network's own.
    widths: &'a [usize],
    /// `network.hidden`; empty for the network's own.
    hidden: &'a [usize],
    /// `network.patch`; already resolved for the images.
    patch: usize,
    /// `[C, H, W]` of an image.
    input: [usize; 3],
    /// Number of classes.
    classes: usize,
}

impl NetworkShape<'_> {
    /// The configured widths, or the network's own.
    fn widths_or(&self, own: &[usize]) -> Vec<usize> {
        if self.widths.is_empty() { own.to_vec() } else { self.widths.to_vec() }
    }

    /// The configured widths, or the network's own, where there must be `N`; `what` describes them.
    fn exact_widths<const N: usize>(&self, own: [usize; N], what: &str) -> Result<[i64; N], NetworkError> {
        let widths: [usize; N] = self.widths_or(&own).try_into().map_err(|_| {
            NetworkError::Architecture(format!(
                "network.widths: {} takes {N} widths ({what}), not {}; give {N}, or none for {own:?}",
                self.name,
                self.widths.len()
            ))
        })?;
        Ok(widths.map(|w| w as i64))
    }
}

type DescribeNetwork = fn(&NetworkShape) -> Result<Architecture, NetworkError>;

/// Largest width of a layer, number of channels of an image, and number of classes.
pub const MAX_WIDTH: usize = 1 << 16;
/// Largest height and width of an image. With it no network has more weights than a number counts.
pub const MAX_SIDE: usize = 1 << 14;

/// Every network: its name and what describes it.
const NETWORKS: [(&str, DescribeNetwork); 10] = [
    ("cnn", cnn::describe),
    ("mlp", mlp::describe),
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
pub const NETWORK_NAMES: &[&str] = &{
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
pub fn describe_network(
    config: &NetworkConfig,
    input: [usize; 3],
    classes: usize,
) -> Result<Architecture, NetworkError> {
    let refuse = |sentence: String| Err(NetworkError::Architecture(sentence));
    let Some((name, describe)) = NETWORKS.iter().find(|(name, _)| *name == config.name) else {
        return refuse(unknown_value_message("network.name", "network", &config.name, NETWORK_NAMES));
    };
    let is_width = |width: &usize| (1..=MAX_WIDTH).contains(width);
    if !config.widths.iter().all(is_width) {
        return refuse(format!("network.widths: use widths of 1 to {MAX_WIDTH}"));
    }
    let [channels, height, side] = input;
    if channels.max(classes) > MAX_WIDTH || height.max(side).max(config.patch) > MAX_SIDE {
        return refuse(format!(
            "images of {channels}×{height}×{side} and {classes} classes are more than a network can be built for; use at most {MAX_WIDTH} channels and classes, and {MAX_SIDE} pixels per side"
        ));
    }
    if config.patch > 0 && !name.starts_with("vit") {
        return refuse(format!("network.patch: {name} does not divide its images into patches; leave it at 0"));
    }
    if let Some(why) = config.check_hidden() {
        return refuse(format!("network.hidden: {why}"));
    }
    if let Some(why) = config.check_image_size(input) {
        return refuse(why);
    }
    describe(&NetworkShape {
        name,
        widths: &config.widths,
        hidden: &config.hidden,
        patch: config.patch_size(input[1]),
        input,
        classes,
    })
}

/// PyTorch's default start of a convolution or linear layer whose units read `fan_in` values.
fn uniform_init(fan_in: i64) -> ParameterInit {
    ParameterInit::Uniform(1.0 / (fan_in as f64).sqrt())
}

/// The start of torchvision's convolutions (He et al. 2015, by `fan_out`): `units` channels, a square `kernel`.
fn kaiming_init(units: i64, kernel: i64) -> ParameterInit {
    ParameterInit::Normal((2.0 / (units * kernel * kernel) as f64).sqrt())
}

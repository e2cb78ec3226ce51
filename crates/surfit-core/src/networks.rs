//! Networks: the registry, and what is known of a network without tensors.
//!
//! A network is a file below this one with its [`NetworkSpec`], and its line in `NETWORKS`. It is described layer by layer
//! (`builder.rs`). The layout of its weights and its forward pass follow from that, and everything else goes by the
//! registry: checks of the configuration, names of tensors, suggestions for other files, completions and documentation.

mod architecture;
mod builder;
mod cnn;
mod error;
mod layout;
mod mlp;
mod naming;
mod resnet;
mod vgg;
mod vit;
mod wide_resnet;

pub use architecture::{Architecture, MaxPooling, Operation};
pub use builder::POSITION_EMBEDDINGS;
pub use error::UnsuitableSetting;
pub use layout::{GroupAxis, NormLayer, Parameter, ParameterInit, PermutationGroup, WeightLayout};
pub use naming::FamilyNaming;

use crate::config::{NetworkConfig, unknown_name_message};
use builder::NetworkBuilder;

/// Every network, in the order of documentation and completions.
const NETWORKS: &[NetworkSpec] = &[
    cnn::CNN,
    mlp::MLP,
    resnet::RESNET18,
    resnet::RESNET18_CIFAR,
    vgg::VGG16,
    vgg::VGG16_BN,
    vgg::VGG16_CIFAR,
    vgg::VGG16_BN_CIFAR,
    vit::VIT_TINY,
    vit::VIT_SMALL,
    wide_resnet::WRN16_4,
];

/// The names of all networks, as `network.name` names them.
pub const NETWORK_NAMES: &[&str] = &{
    let mut names = [""; NETWORKS.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = NETWORKS[i].name;
        i += 1;
    }
    names
};

/// Largest width of a layer, number of channels of an image, and number of classes.
pub const MAX_WIDTH: usize = 1 << 16;
/// Largest height and width of an image. With it no network has more weights than a number counts.
pub const MAX_SIDE: usize = 1 << 14;
/// Most widths of a network.
pub const MAX_WIDTHS: usize = 64;
const MAX_HIDDEN_LAYERS: usize = 16;
/// Largest side of a patch.
const MAX_PATCH: usize = 4096;

/// Everything there is to know of a network.
#[derive(Clone, Copy, Debug)]
pub struct NetworkSpec {
    /// Name in configurations and files.
    pub name: &'static str,
    /// What it is as a PyTorch module, in Markdown.
    pub description: &'static str,
    /// What `network.widths` are.
    pub widths: WidthSpec,
    /// Hidden layers of its classifier, unless `network.hidden` gives others; `None` where it cannot have any.
    pub hidden: Option<&'static [usize]>,
    /// Whether it divides images into patches of `network.patch` pixels.
    pub divides_images: bool,
    /// Refuses widths, of the right number, that do not suit each other.
    pub refuse_widths: fn(&[usize]) -> Result<(), UnsuitableSetting>,
    /// Refuses images that it cannot read.
    pub refuse_images: fn(&NetworkShape) -> Result<(), UnsuitableSetting>,
    /// The names that its tensors have in files; the best match of them counts, and of equal ones the first.
    pub namings: &'static [FamilyNaming],
    /// Describes it layer by layer.
    build: fn(&NetworkShape, &mut NetworkBuilder),
}

/// For a network that no other library has: its tensors are named as here.
const OWN_NAMES_ONLY: &[FamilyNaming] = &[FamilyNaming::own_names("surfit")];

impl NetworkSpec {
    /// A network without special rules; a literal fills in the rest.
    const fn new(build: fn(&NetworkShape, &mut NetworkBuilder)) -> Self {
        Self {
            name: "",
            description: "",
            widths: WidthSpec::ANY,
            hidden: None,
            divides_images: false,
            refuse_widths: |_| Ok(()),
            refuse_images: |_| Ok(()),
            namings: OWN_NAMES_ONLY,
            build,
        }
    }
}

/// What the widths of a network are, and how those of a file are found.
#[derive(Clone, Copy, Debug)]
pub struct WidthSpec {
    /// What they are, in a few words after an article.
    pub meaning: &'static str,
    /// Widths of a configuration that gives none.
    pub default: &'static [usize],
    /// Whether there must be as many.
    pub has_fixed_count: bool,
    /// Widths of a network of so many blocks, to look for its names in a file; `None` where its own will do.
    pub search_template: Option<fn(usize) -> Vec<usize>>,
    /// A width that no shape of a weight shows.
    pub undetermined: Option<UndeterminedWidth>,
}

/// A width that no shape of a weight shows, such as a number of heads.
#[derive(Clone, Copy, Debug)]
pub struct UndeterminedWidth {
    /// Index among the widths.
    pub index: usize,
    /// Its default, from all widths.
    pub default: fn(&[usize]) -> usize,
}

impl WidthSpec {
    /// Any number of widths, which the shapes of the weights show.
    const ANY: Self =
        Self { meaning: "", default: &[], has_fixed_count: false, search_template: None, undetermined: None };
}

/// What a network is built with: its settings, filled in, and the images that it reads.
#[derive(Clone, Debug)]
pub struct NetworkShape {
    /// Name of the network.
    pub name: &'static str,
    /// Widths of its layers.
    pub widths: Vec<usize>,
    /// Units of the hidden layers of its classifier.
    pub hidden: Vec<usize>,
    /// Height and width of its patches in pixels.
    pub patch: usize,
    /// `[C, H, W]` of an image.
    pub input: [usize; 3],
    /// Number of classes.
    pub classes: usize,
}

/// What each network is, in the order of [`NETWORK_NAMES`].
pub fn network_descriptions() -> Vec<&'static str> {
    NETWORKS.iter().map(|spec| spec.description).collect()
}

/// The tables of `docs/networks.md`: what each network and its widths are, and the names of its tensors.
pub fn describe_networks_as_markdown() -> [String; 2] {
    let mut networks = "| `network.name` | as a PyTorch module | `network.widths` |\n| --- | --- | --- |\n".to_owned();
    let mut namings = "| networks | namings |\n| --- | --- |\n".to_owned();
    for spec in NETWORKS {
        let (name, description, WidthSpec { meaning, default, .. }) = (spec.name, spec.description, spec.widths);
        networks += &format!("| `{name}` | {description} | {meaning}, `{default:?}` |\n");
    }
    let known_namings = |spec: &NetworkSpec| spec.namings.iter().map(|naming| naming.name).collect::<Vec<_>>();
    for family in NETWORKS.chunk_by(|one, next| known_namings(one) == known_namings(next)) {
        let names: Vec<String> = family.iter().map(|spec| format!("`{}`", spec.name)).collect();
        let known = known_namings(&family[0]);
        namings += &format!("| {} | {} |\n", names.join(", "), known.join(", "));
    }
    [networks, namings]
}

/// Every network, in the order of documentation and completions.
pub fn all_networks() -> &'static [NetworkSpec] {
    NETWORKS
}

/// The network of a name; `None` where there is none.
pub fn find_network(name: &str) -> Option<&'static NetworkSpec> {
    NETWORKS.iter().find(|spec| spec.name == name)
}

/// The network that a configuration describes, for images of shape `input` (`[C, H, W]`).
///
/// # Errors
/// For an unknown name (with the nearest known one), and for settings that do not suit the network or the images.
pub fn describe_network(
    config: &NetworkConfig,
    input: [usize; 3],
    classes: usize,
) -> Result<Architecture, UnsuitableSetting> {
    let spec = find_network(&config.name).ok_or_else(|| {
        UnsuitableSetting::new("network.name", unknown_name_message("network", &config.name, NETWORK_NAMES))
    })?;
    spec.check_widths(&config.widths)?;
    spec.check_hidden(&config.hidden)?;
    spec.check_patch(config.patch)?;
    let [channels, height, width] = input;
    if channels.max(classes) > MAX_WIDTH || height.max(width) > MAX_SIDE {
        return Err(UnsuitableSetting::new(
            "network.name",
            format!(
                "images of {channels}×{height}×{width} and {classes} classes are more than a network can be built for; \
                 use at most {MAX_WIDTH} channels and classes, and {MAX_SIDE} pixels per side"
            ),
        ));
    }
    let shape = spec.resolve_shape(config, input, classes);
    (spec.refuse_images)(&shape)?;
    let mut network = NetworkBuilder::new(channels);
    (spec.build)(&shape, &mut network);
    Ok(network.finish())
}

impl NetworkSpec {
    /// Refuses widths that the network cannot have. None at all stand for its own.
    ///
    /// # Errors
    /// For a width out of range, a wrong number of them, and widths that do not suit each other.
    pub fn check_widths(&self, widths: &[usize]) -> Result<(), UnsuitableSetting> {
        let refuse = |reason: String| Err(UnsuitableSetting::new("network.widths", reason));
        let (count, wanted) = (widths.len(), self.widths.default.len());
        if !widths.iter().all(|width| (1..=MAX_WIDTH).contains(width)) {
            return refuse(format!("use widths of 1 to {MAX_WIDTH}"));
        }
        if count > MAX_WIDTHS {
            return refuse(format!("use at most {MAX_WIDTHS} layers"));
        }
        if count == 0 {
            return Ok(());
        }
        if self.widths.has_fixed_count && count != wanted {
            let (name, meaning) = (self.name, self.widths.meaning);
            return refuse(format!(
                "{name} takes {wanted} widths ({meaning}), not {count}; leave them out for its own"
            ));
        }
        (self.refuse_widths)(widths)
    }

    /// Refuses hidden layers that the classifier cannot have. None at all stand for its own.
    ///
    /// # Errors
    /// For a network whose classifier has none, and for too many or too large ones.
    pub fn check_hidden(&self, hidden: &[usize]) -> Result<(), UnsuitableSetting> {
        let refuse = |reason: String| Err(UnsuitableSetting::new("network.hidden", reason));
        if hidden.is_empty() {
            return Ok(());
        }
        if self.hidden.is_none() {
            return refuse(format!("{} has no classifier with hidden layers; leave it empty", self.name));
        }
        if hidden.len() > MAX_HIDDEN_LAYERS || !hidden.iter().all(|units| (1..=MAX_WIDTH).contains(units)) {
            return refuse(format!(
                "use at most {MAX_HIDDEN_LAYERS} layers of 1 to {MAX_WIDTH} units, such as [512, 512]"
            ));
        }
        Ok(())
    }

    /// Refuses a size of patches that the network cannot have; 0 stands for its own.
    ///
    /// # Errors
    /// For a network that has no patches, and for too large ones.
    pub fn check_patch(&self, patch: usize) -> Result<(), UnsuitableSetting> {
        let refuse = |reason: String| Err(UnsuitableSetting::new("network.patch", reason));
        if patch > MAX_PATCH {
            return refuse(format!("use at most {MAX_PATCH} pixels, or 0 for an eighth of the image's height"));
        }
        if patch > 0 && !self.divides_images {
            return refuse(format!("{} does not divide its images into patches; leave it at 0", self.name));
        }
        Ok(())
    }

    fn resolve_shape(&self, config: &NetworkConfig, input: [usize; 3], classes: usize) -> NetworkShape {
        let given_or =
            |given: &[usize], default: &[usize]| if given.is_empty() { default.to_vec() } else { given.to_vec() };
        NetworkShape {
            name: self.name,
            widths: given_or(&config.widths, self.widths.default),
            hidden: given_or(&config.hidden, self.hidden.unwrap_or_default()),
            patch: config.patch_size(input[1]),
            input,
            classes,
        }
    }
}

impl NetworkConfig {
    /// Pixels along a side of a patch for images of this height, where images are divided.
    pub fn patch_size(&self, height: usize) -> usize {
        match self.patch {
            0 => height.div_ceil(8),
            patch => patch,
        }
    }
}

#[cfg(test)]
mod tests;

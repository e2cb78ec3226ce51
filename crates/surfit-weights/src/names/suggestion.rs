//! Which settings a file that does not match would fit, derived from the shapes of its tensors.

use super::{ExpectedNetwork, NameIndex, NamingMatch, best_match, heads};
use crate::networks::{MAX_SIDE, MAX_WIDTH, NETWORK_NAMES, Vgg};
use std::collections::HashSet;
use surfit_core::config::NetworkConfig;

/// Images that every network can be built for; only names are looked for with them.
const MAX_INPUT: [usize; 3] = [3, MAX_SIDE, MAX_SIDE];
/// Blocks that are looked for at most.
const MAX_BLOCKS: usize = 64;
/// Rows of linear layers that are tried: all others of the file would be left over.
const MAX_ROWS: usize = 16;
/// Tensors of a file for which other settings are looked for: every network that could be found has fewer.
const MAX_TENSORS: usize = 1 << 12;

/// A network that a file's tensors were made for, with the images and classes that it takes.
struct NetworkGuess {
    config: NetworkConfig,
    channels: usize,
    classes: usize,
    /// Side of the images, where the weights depend on it.
    side: Option<usize>,
}

/// The network that the tensors match completely, with the fewest settings; the configured one with other settings before
/// others.
pub(super) fn suggest_network(network: &ExpectedNetwork, index: &NameIndex) -> Option<ExpectedNetwork> {
    if index.iter().nth(MAX_TENSORS).is_some() {
        return None;
    }
    let own = network.config.name.as_str();
    let names = std::iter::once(own).chain(NETWORK_NAMES.iter().copied().filter(|n| *n != own));
    names
        .flat_map(|name| guess_networks(name, network, index))
        .filter_map(|guess| match_guess(network, index, guess))
        .min_by_key(|found| (setting_count(&found.config), found.input[1] != network.input[1]))
}

/// How many settings a configuration needs besides the name.
fn setting_count(config: &NetworkConfig) -> usize {
    usize::from(!config.widths.is_empty()) + usize::from(!config.hidden.is_empty())
}

/// The guess as a network, when the tensors match it: for the images that there are, else for those that it was made for.
fn match_guess(network: &ExpectedNetwork, index: &NameIndex, guess: NetworkGuess) -> Option<ExpectedNetwork> {
    let here = [network.input[1], network.input[2]];
    let made_for = guess.side.filter(|&side| side > 0);
    let sides = [Some(here), made_for.map(|side| [side, side])];
    sides.into_iter().flatten().find_map(|[height, width]| {
        let input = [guess.channels, height, width];
        let build = |config: &NetworkConfig| ExpectedNetwork::new(config, input, guess.classes);
        let mut found = build(&guess.config).ok()?;
        if !best_match(&found, index).is_complete() {
            return None;
        }
        // The network's own settings are not reported.
        for leave_out in [(|c| c.widths.clear()) as fn(&mut NetworkConfig), |c| c.hidden.clear(), |c| c.patch = 0] {
            let mut config = found.config.clone();
            leave_out(&mut config);
            if let Ok(shorter) = build(&config)
                && shorter.layout() == found.layout()
            {
                found = shorter;
            }
        }
        Some(found)
    })
}

fn guess_networks(name: &str, network: &ExpectedNetwork, index: &NameIndex) -> Vec<NetworkGuess> {
    match name {
        "cnn" => guess_cnn(index).into_iter().collect(),
        "mlp" => guess_mlp(network, index),
        _ if name.starts_with("resnet") => guess_resnet(name, index).into_iter().collect(),
        _ if name.starts_with("vgg") => guess_vgg(name, index),
        _ => guess_vit(name, network, index).into_iter().collect(),
    }
}

fn network_config(name: &str, widths: &[i64]) -> NetworkConfig {
    NetworkConfig {
        name: name.into(),
        widths: widths.iter().map(|&w| w.max(0) as usize).collect(),
        patch: 0,
        hidden: Vec::new(),
    }
}

/// The best match of a network's names, when all of them but the head's are there.
fn match_body_names(config: &NetworkConfig, index: &NameIndex) -> Option<NamingMatch> {
    let template = ExpectedNetwork::new(config, MAX_INPUT, 2).ok()?;
    let body = super::body_len(&template.architecture);
    let found = best_match(&template, index);
    let whole = found.tensors[..body].iter().all(|t| !t.entries.is_empty());
    whole.then_some(found)
}

impl NamingMatch {
    /// The shape that the file has under the layout's name.
    fn shape_in_file<'a>(&self, index: &NameIndex<'a>, name: &str) -> Option<Vec<i64>> {
        let tensor = self.tensors.iter().find(|t| t.name == name)?;
        index.concatenated_shape(&tensor.entries)
    }

    /// Outputs and inputs of every convolution in order.
    fn convolution_shapes(&self, index: &NameIndex) -> Vec<[i64; 2]> {
        let shapes = self.tensors.iter().filter_map(|t| index.concatenated_shape(&t.entries));
        shapes.filter(|shape| shape.len() == 4).map(|shape| [shape[0], shape[1]]).collect()
    }

    /// Entries of a tensor's first axis, where it is there.
    fn first_axis_len(&self, index: &NameIndex, name: &str) -> Option<usize> {
        usize::try_from(*self.shape_in_file(index, name)?.first()?).ok()
    }
}

fn guess_resnet(name: &str, index: &NameIndex) -> Option<NetworkGuess> {
    let found = match_body_names(&network_config(name, &[]), index)?;
    let units = |module: &str| {
        let shape = found.shape_in_file(index, &format!("{module}.weight"))?;
        shape.first().copied()
    };
    let widths = [units("conv1")?, units("layer2.0.conv1")?, units("layer3.0.conv1")?, units("layer4.0.conv1")?];
    Some(NetworkGuess {
        config: network_config(name, &widths),
        channels: image_channels(&found, index)?,
        classes: found.first_axis_len(index, "fc.weight")?,
        side: None,
    })
}

/// Channels of the images, from the first convolution.
fn image_channels(found: &NamingMatch, index: &NameIndex) -> Option<usize> {
    usize::try_from(found.convolution_shapes(index).first()?[1]).ok()
}

fn guess_vgg(name: &str, index: &NameIndex) -> Vec<NetworkGuess> {
    let Some(found) = match_body_names(&network_config(name, &[]), index) else {
        return Vec::new();
    };
    let convolutions = found.convolution_shapes(index);
    let Some(channels) = image_channels(&found, index) else {
        return Vec::new();
    };
    let firsts = Vgg::CONVOLUTIONS_PER_STAGE.iter().scan(0, |at, &n| {
        let first = convolutions.get(*at).map(|c| c[0]);
        *at += n;
        first
    });
    let widths: Vec<i64> = firsts.collect();
    let body = found.tensors.iter().filter(|t| t.name.starts_with("features"));
    let claimed: HashSet<usize> = body.flat_map(|t| t.entries.clone()).collect();
    let prefix = found.prefixes.first().map_or("", String::as_str);
    let last_width = widths.last().copied().unwrap_or(0);
    // Each channel of the last stage is as many features as there are pixels left.
    let fits = |features: i64| last_width > 0 && features % last_width == 0;
    let rows =
        chained_linear_rows(index, &claimed, fits).into_iter().filter(|(head, _)| heads::is_classifier(head, prefix));
    let guess = |(_, units): (heads::LinearHead, Vec<i64>)| {
        let (&classes, hidden) = units.split_last()?;
        Some(NetworkGuess {
            config: NetworkConfig {
                hidden: hidden.iter().map(|&u| u as usize).collect(),
                ..network_config(name, &widths)
            },
            channels,
            classes: classes as usize,
            side: None,
        })
    };
    rows.take(MAX_ROWS).filter_map(guess).collect()
}

/// Rows of linear layers that can follow each other, the longest first, with the outputs of every layer; `fits` tells whether
/// a first layer may have so many features.
fn chained_linear_rows(
    index: &NameIndex,
    claimed: &HashSet<usize>,
    fits: impl Fn(i64) -> bool,
) -> Vec<(heads::LinearHead, Vec<i64>)> {
    let units = |head: heads::LinearHead| {
        let shapes = || head.layers.iter().map(|[weight, _]| index.shape(*weight));
        let units: Vec<i64> = shapes().map(|shape| shape[0]).collect();
        let features: Vec<i64> = shapes().map(|shape| shape[1]).collect();
        let (&first, others) = features.split_first()?;
        let chained = others.iter().zip(&units).all(|(features, units)| features == units);
        let sizes_ok = units.iter().all(|u| (1..=MAX_WIDTH as i64).contains(u));
        (chained && sizes_ok && fits(first)).then_some((head, units))
    };
    let all = heads::find_linear_rows(index, claimed).into_iter();
    let mut rows: Vec<_> = all.filter_map(units).collect();
    rows.sort_by_key(|(_, units)| std::cmp::Reverse(units.len()));
    rows
}

fn guess_cnn(index: &NameIndex) -> Option<NetworkGuess> {
    let found =
        (1..=MAX_BLOCKS).map_while(|depth| match_body_names(&network_config("cnn", &vec![2; depth]), index)).last()?;
    let widths: Vec<i64> = found.convolution_shapes(index).iter().map(|c| c[0]).collect();
    Some(NetworkGuess {
        config: network_config("cnn", &widths),
        channels: image_channels(&found, index)?,
        classes: found.first_axis_len(index, "classifier.weight")?,
        side: None,
    })
}

fn guess_mlp(network: &ExpectedNetwork, index: &NameIndex) -> Vec<NetworkGuess> {
    let [own_channels, height, width] = network.input;
    // Channels of the images that there are, or the side of others.
    let images = |features: i64| {
        let features = usize::try_from(features).ok()?;
        let mut channels = [own_channels, 1, 3].into_iter();
        let channels = channels.find(|c| c * height * width == features);
        let side = (features / own_channels.max(1)).isqrt();
        let square = features > 0 && own_channels * side * side == features;
        match channels {
            Some(channels) => Some((channels, side)),
            None => square.then_some((own_channels, side)),
        }
    };
    let guess = |(head, units): (heads::LinearHead, Vec<i64>)| {
        let (&classes, widths) = units.split_last()?;
        let features = *index.shape(head.layers.first()?[0]).get(1)?;
        let (channels, side) = images(features)?;
        Some(NetworkGuess {
            config: network_config("mlp", widths),
            channels,
            classes: classes as usize,
            side: Some(side),
        })
    };
    let rows = chained_linear_rows(index, &HashSet::new(), |features| images(features).is_some());
    rows.into_iter().take(MAX_ROWS).filter_map(guess).collect()
}

fn guess_vit(name: &str, network: &ExpectedNetwork, index: &NameIndex) -> Option<NetworkGuess> {
    let template = |depth: usize| NetworkConfig { patch: 16, ..network_config(name, &[2, depth as i64, 1]) };
    let (depth, found) =
        (1..=MAX_BLOCKS).map_while(|depth| Some((depth, match_body_names(&template(depth), index)?))).last()?;
    let &[_, _, dim] = found.shape_in_file(index, "cls_token")?.as_slice() else {
        return None;
    };
    let &[_, channels, patch, _] = found.shape_in_file(index, "patch_embed.proj.weight")?.as_slice() else {
        return None;
    };
    let tokens = *found.shape_in_file(index, super::POSITION_EMBEDDINGS)?.get(1)?;
    // Shapes do not determine the number of heads; those of timm have 64 features.
    let given = network.config.widths.get(2).map(|&h| h as i64);
    let heads = given.filter(|_| network.config.name.starts_with("vit-"));
    let heads = heads.unwrap_or((dim / 64).max(1));
    let patch = usize::try_from(patch).ok()?;
    Some(NetworkGuess {
        config: NetworkConfig { patch, ..network_config(name, &[dim, depth as i64, heads]) },
        channels: usize::try_from(channels).ok()?,
        classes: found.first_axis_len(index, "head.weight")?,
        side: usize::try_from((tokens - 1).max(0).isqrt()).ok()?.checked_mul(patch),
    })
}

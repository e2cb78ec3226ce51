//! Which settings a file that does not match would fit, derived from the shapes of its tensors.

use super::{ExpectedNetwork, NameIndex, NamingMatch, best_match, heads};
use std::collections::HashSet;
use surfit_core::config::NetworkConfig;
use surfit_core::networks::{
    MAX_SIDE, MAX_WIDTH, MAX_WIDTHS, NetworkSpec, POSITION_EMBEDDINGS, Parameter, UndeterminedWidth, all_networks,
    find_network,
};

/// Images that every network can be built for; only names are looked for with them.
const MAX_INPUT: [usize; 3] = [3, MAX_SIDE, MAX_SIDE];
/// Side of the patches of networks that are looked for.
const PATCH: usize = 16;
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
    let (first, others): (Vec<_>, Vec<_>) = all_networks().iter().partition(|spec| spec.name == own);
    let specs = first.into_iter().chain(others);
    specs
        .flat_map(|spec| guess_networks(spec, network, index))
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

fn guess_networks(spec: &NetworkSpec, network: &ExpectedNetwork, index: &NameIndex) -> Vec<NetworkGuess> {
    let template = |depth| network_config(spec, spec.widths.search_template.map(|widths| widths(depth)));
    let Ok(first) = ExpectedNetwork::new(&template(1), MAX_INPUT, 2) else {
        return Vec::new();
    };
    if first.body_len() == 0 {
        return guess_linear_networks(spec, network, index);
    }
    let found = match spec.widths.search_template {
        Some(_) => (1..=MAX_WIDTHS).map_while(|depth| BodyMatch::find(template(depth), index)).last(),
        None => with_equal_neighbours(&first).find_map(|config| BodyMatch::find(config, index)),
    };
    match found {
        Some(body) => body.guess_networks(spec, network, index),
        None => Vec::new(),
    }
}

/// A network's configuration, and those with two neighbouring widths alike that have other layers: where the width stays, a
/// residual network needs no shortcut.
fn with_equal_neighbours(network: &ExpectedNetwork) -> impl Iterator<Item = NetworkConfig> {
    let layers = |network: &ExpectedNetwork| network.layout().parameters.len();
    let alike = (1..network.config.widths.len()).filter_map(move |place| {
        let mut config = network.config.clone();
        config.widths[place] = config.widths[place - 1];
        let other = ExpectedNetwork::new(&config, MAX_INPUT, 2).ok()?;
        (layers(&other) != layers(network)).then_some(config)
    });
    std::iter::once(network.config.clone()).chain(alike)
}

fn network_config(spec: &NetworkSpec, widths: Option<Vec<usize>>) -> NetworkConfig {
    NetworkConfig {
        name: spec.name.into(),
        widths: widths.unwrap_or_else(|| spec.widths.default.into()),
        patch: if spec.divides_images { PATCH } else { 0 },
        hidden: Vec::new(),
    }
}

/// A network all of whose names but those of its head are in a file, whatever the shapes are.
struct BodyMatch {
    template: ExpectedNetwork,
    found: NamingMatch,
}

impl BodyMatch {
    fn find(config: NetworkConfig, index: &NameIndex) -> Option<Self> {
        let template = ExpectedNetwork::new(&config, MAX_INPUT, 2).ok()?;
        let found = best_match(&template, index);
        let is_whole = found.tensors[..template.body_len()].iter().all(|t| !t.entries.is_empty());
        is_whole.then_some(Self { template, found })
    }

    /// The shape that the file has for the parameter of this index in the layout.
    fn shape_in_file(&self, index: &NameIndex, parameter: usize) -> Option<Vec<i64>> {
        index.concatenated_shape(&self.found.tensors[parameter].entries)
    }

    /// Index of a parameter that `is` meets.
    fn position(&self, is: impl Fn(&Parameter) -> bool) -> Option<usize> {
        self.template.layout().parameters.iter().position(is)
    }

    fn guess_networks(&self, spec: &NetworkSpec, network: &ExpectedNetwork, index: &NameIndex) -> Vec<NetworkGuess> {
        let Some((widths, channels)) = self.find_widths(spec, network, index).zip(self.find_channels(index)) else {
            return Vec::new();
        };
        let guess = |classes: usize, hidden: &[i64]| NetworkGuess {
            config: NetworkConfig {
                hidden: hidden.iter().map(|&units| units as usize).collect(),
                patch: self.find_patch(index).unwrap_or(0),
                ..network_config(spec, Some(widths.clone()))
            },
            channels,
            classes,
            side: self.find_side(index),
        };
        if spec.hidden.is_some() {
            let heads = self.find_heads(index).into_iter().take(MAX_ROWS);
            let guess = |units: Vec<i64>| units.split_last().map(|(&classes, hidden)| guess(classes as usize, hidden));
            return heads.filter_map(guess).collect();
        }
        let classes = self.shape_in_file(index, self.template.body_len()).and_then(|shape| shape.first().copied());
        classes
            .and_then(|classes| usize::try_from(classes).ok())
            .map(|classes| guess(classes, &[]))
            .into_iter()
            .collect()
    }

    /// The widths that the file's shapes show: each is the length of the axes that grow with it.
    fn find_widths(&self, spec: &NetworkSpec, network: &ExpectedNetwork, index: &NameIndex) -> Option<Vec<usize>> {
        let config = &self.template.config;
        let mut widths = config.widths.clone();
        for (place, found) in widths.iter_mut().enumerate() {
            let width = config.widths[place];
            let widened = |is_widened: &dyn Fn(usize, usize) -> bool| {
                let mut wider = config.clone();
                let places = wider.widths.iter_mut().enumerate();
                places.filter(|(other, w)| is_widened(*other, **w)).for_each(|(_, w)| *w *= 2);
                ExpectedNetwork::new(&wider, MAX_INPUT, 2).ok()
            };
            let has_same_layers =
                |wider: &ExpectedNetwork| wider.layout().parameters.len() == self.template.layout().parameters.len();
            // Some widths have to stay alike. Others change the number of layers, or nothing that a shape shows.
            let alone = widened(&|other, _| other == place)?;
            let wider = match has_same_layers(&alone) {
                true => alone,
                false => widened(&|_, w| w == width)?,
            };
            let pairs = self.template.layout().parameters.iter().zip(&wider.layout().parameters);
            let mut axes = pairs.enumerate().flat_map(|(parameter, (own, wider))| {
                let axes = own.shape.iter().zip(&wider.shape).enumerate();
                axes.filter(|(_, (own, wider))| own != wider).map(move |(axis, (&own, _))| (parameter, axis, own))
            });
            if has_same_layers(&wider)
                && let Some((parameter, axis, _)) = axes.find(|&(_, _, own)| own == width as i64)
            {
                let length = *self.shape_in_file(index, parameter)?.get(axis)?;
                *found = usize::try_from(length).ok()?;
            }
        }
        if let Some(UndeterminedWidth { index, default }) = spec.widths.undetermined {
            let own = find_network(&network.config.name).filter(|own| own.widths.undetermined.is_some());
            let given = own.and_then(|_| network.config.widths.get(index));
            widths[index] = given.copied().unwrap_or_else(|| default(&widths));
        }
        Some(widths)
    }

    /// Channels of the images, from the first convolution.
    fn find_channels(&self, index: &NameIndex) -> Option<usize> {
        let convolution = self.position(|p| p.shape.len() == 4)?;
        usize::try_from(*self.shape_in_file(index, convolution)?.get(1)?).ok()
    }

    /// Side of the patches, which is the kernel of the convolution that reads them.
    fn find_patch(&self, index: &NameIndex) -> Option<usize> {
        self.template.architecture.patch_grid?;
        let convolution = self.position(|p| p.shape.len() == 4)?;
        usize::try_from(*self.shape_in_file(index, convolution)?.get(2)?).ok()
    }

    /// Side of the images, from the number of positions.
    fn find_side(&self, index: &NameIndex) -> Option<usize> {
        let positions = self.position(|p| p.name == POSITION_EMBEDDINGS)?;
        let tokens = *self.shape_in_file(index, positions)?.get(1)?;
        usize::try_from((tokens - 1).max(0).isqrt()).ok()?.checked_mul(self.find_patch(index)?)
    }

    /// Rows of linear layers that can be the network's head, with the outputs of every layer.
    fn find_heads(&self, index: &NameIndex) -> Vec<Vec<i64>> {
        let body = &self.found.tensors[..self.template.body_len()];
        let claimed: HashSet<usize> = body.iter().flat_map(|t| t.entries.clone()).collect();
        let prefix = self.found.prefixes.first().map_or("", String::as_str);
        let last_width = body.last().and_then(|t| index.concatenated_shape(&t.entries)?.first().copied()).unwrap_or(0);
        // Each channel of the last stage is as many features as there are pixels left.
        let fits = |features: i64| last_width > 0 && features % last_width == 0;
        let rows = chained_linear_rows(index, &claimed, fits).into_iter();
        rows.filter(|(head, _)| heads::is_classifier(head, prefix)).map(|(_, units)| units).collect()
    }
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

/// Networks of linear layers alone.
fn guess_linear_networks(spec: &NetworkSpec, network: &ExpectedNetwork, index: &NameIndex) -> Vec<NetworkGuess> {
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
            config: network_config(spec, Some(widths.iter().map(|&units| units as usize).collect())),
            channels,
            classes: classes as usize,
            side: Some(side),
        })
    };
    let rows = chained_linear_rows(index, &HashSet::new(), |features| images(features).is_some());
    rows.into_iter().take(MAX_ROWS).filter_map(guess).collect()
}

//! The sentence for a file that does not match.

use super::{ExpectedNetwork, ExpectedTensor, NameIndex, NamingMatch};
use crate::file::quote;
use std::fmt::Write as _;
use surfit_core::networks::find_network;

const MAX_LISTED_NAMES: usize = 3;
/// Characters of an unknown name that are compared with known ones.
const MAX_COMPARED_CHARS: usize = 200;

/// What is wrong, without the file's name. `suggested` is a network that would fit.
pub(super) fn describe_mismatch(
    network: &ExpectedNetwork,
    index: &NameIndex,
    found: &NamingMatch,
    suggested: Option<ExpectedNetwork>,
) -> String {
    if let Some(other) = suggested {
        return describe_other_settings(network, index, found, &other);
    }
    if found.prefixes.len() > 1 && !found.unknown.is_empty() && has_only_unknown(found) {
        let [first, second] = [&found.prefixes[0], &found.prefixes[1]];
        return format!(
            "it holds the network {} times, behind {} and {}; leave all but one out with corners.rename = \
             [[\"^PREFIX.*\", \"\"]]",
            found.prefixes.len(),
            quote(first),
            quote(second)
        );
    }
    let mut complaints = Vec::new();
    let missing = tensor_names(found, |t| t.entries.is_empty());
    if !missing.is_empty() {
        complaints.push(format!("it lacks {}", list_first_names(&missing)));
    }
    let shaped = describe_shapes(index, found);
    if !shaped.is_empty() {
        complaints.push(format!("it has the wrong shapes {}", list_first_names(&shaped)));
    }
    if !found.unknown.is_empty() {
        complaints.push(describe_unknown(index, found));
    }
    let mut remedies = Vec::new();
    if !shaped.is_empty() {
        remedies.push("check [network] in the configuration");
    }
    if !found.unknown.is_empty() {
        remedies.push(match missing.is_empty() {
            true => "leave it out with corners.rename where it is not part of the network",
            false => "corners.rename maps other names",
        });
    }
    if remedies.is_empty() {
        remedies.push("use a file with all weights of this network");
    }
    format!("not a state dict of the configured network: {}; {}", complaints.join(", "), remedies.join(", "))
}

/// True when nothing is wrong but that there is too much.
fn has_only_unknown(found: &NamingMatch) -> bool {
    found.tensors.iter().all(|t| t.has_right_shape)
}

fn tensor_names(found: &NamingMatch, is: impl Fn(&ExpectedTensor) -> bool) -> Vec<String> {
    let tensors = found.tensors.iter().filter(|t| is(t));
    tensors.map(|t| quote(&t.name)).collect()
}

fn describe_shapes(index: &NameIndex, found: &NamingMatch) -> Vec<String> {
    let wrong = found.tensors.iter().filter(|t| !t.entries.is_empty() && !t.has_right_shape);
    wrong
        .map(|t| {
            let shapes: Vec<String> = t.entries.iter().map(|&e| format!("{:?}", index.shape(e))).collect();
            let name = quote(index.original_name(t.entries[0]));
            format!("{name} is {} instead of {:?}", shapes.join(" and "), t.shape)
        })
        .collect()
}

/// The first unknown name beside the network's nearest one: one that is missing, where some are.
fn describe_unknown(index: &NameIndex, found: &NamingMatch) -> String {
    let mut entries = found.unknown.clone();
    entries.sort_unstable_by_key(|&e| index.original_name(e));
    let prefix = found.prefixes.first().map_or("", String::as_str);
    let told: Vec<String> = entries.iter().map(|&e| quote(index.original_name(e))).collect();
    let known: Vec<&ExpectedTensor> = match found.tensors.iter().any(|t| t.entries.is_empty()) {
        true => found.tensors.iter().filter(|t| t.entries.is_empty()).collect(),
        false => found.tensors.iter().collect(),
    };
    let name = index.name(entries[0]);
    let name: String = name.strip_prefix(prefix).unwrap_or(name).chars().take(MAX_COMPARED_CHARS).collect();
    let nearest = known
        .iter()
        .map(|t| (strsim::damerau_levenshtein(&t.name, &name), &t.name))
        .min()
        .filter(|(distance, known)| *distance <= known.len().max(name.len()).div_ceil(2));
    let mut text = match told.len() {
        1 => format!("{} is unknown", told[0]),
        _ => format!("{} are unknown", list_first_names(&told)),
    };
    if let Some((_, nearest)) = nearest {
        let _ = write!(text, "; the network has {}", quote(nearest));
    }
    text
}

/// The settings that differ between the configured network and one that the file matches.
fn describe_other_settings(
    network: &ExpectedNetwork,
    index: &NameIndex,
    found: &NamingMatch,
    other: &ExpectedNetwork,
) -> String {
    let mut sentences = Vec::new();
    let (ours, theirs) = (&network.config, &other.config);
    let mut settings = Vec::new();
    if ours.name != theirs.name {
        settings.push(format!("network.name = {:?}", theirs.name));
    }
    for (key, ours, theirs) in [("widths", &ours.widths, &theirs.widths), ("hidden", &ours.hidden, &theirs.hidden)] {
        if ours != theirs {
            settings.push(match theirs.is_empty() {
                true => format!("no network.{key}"),
                false => format!("network.{key} = {theirs:?}"),
            });
        }
    }
    let patch = |n: &ExpectedNetwork| n.config.patch_size(n.input[1]);
    if find_network(&theirs.name).is_some_and(|spec| spec.divides_images)
        && (patch(network) != patch(other) || ours.patch != theirs.patch)
    {
        settings.push(format!("network.patch = {}", theirs.patch));
    }
    if network.input[1..] != other.input[1..] {
        settings.push(format!("data.image_size = {}", other.input[1]));
    }
    if network.input[0] != other.input[0] {
        sentences.push(format!(
            "it reads images of {}, the data set has {}",
            describe_channels(other.input[0]),
            network.input[0]
        ));
        settings.push(format!("data.channels = {}", other.input[0]));
    }
    if network.classes != other.classes {
        let shaped = describe_shapes(index, found);
        let detail = match shaped.is_empty() {
            true => String::new(),
            false => format!(": {}", list_first_names(&shaped)),
        };
        sentences.push(format!(
            "it tells {} classes apart, the data set has {}{detail}; use a network for these classes, or check data.name \
             in the configuration",
            other.classes, network.classes
        ));
    }
    if !settings.is_empty() {
        let mut fits = format!("it fits {}", settings.join(", "));
        // A ViT can be brought to smaller images, at a cost that its owner may not want.
        let map = super::best_match(other, index).into_map(other, index);
        if let Some((_, patches)) = map.interpolated_embeddings() {
            let side = patches.isqrt() as usize * other.config.patch_size(other.input[1]);
            let _ = write!(fits, "; it was made for data.image_size = {side}");
        }
        let what = "not a state dict of the configured network";
        sentences.insert(0, format!("{what}: {fits}"));
    }
    sentences.join("; ")
}

fn describe_channels(count: usize) -> String {
    match count {
        1 => "one channel".into(),
        n => format!("{n} channels"),
    }
}

pub(super) fn list_first_names(names: &[String]) -> String {
    let text = names[..names.len().min(MAX_LISTED_NAMES)].join(", ");
    match names.len().saturating_sub(MAX_LISTED_NAMES) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

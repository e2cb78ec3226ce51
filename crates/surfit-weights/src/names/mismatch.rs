//! The sentence for a file that does not match.

use super::{ExpectedNetwork, ExpectedTensor, NameIndex, NamingMatch};
use crate::file::quote;
use std::fmt::Write as _;
use surfit_core::networks::find_network;

/// Names that are listed of each kind.
const MAX_LISTED_NAMES: usize = 2;

/// What is wrong, without the file's name. `rule` is the setting that would make it fit.
pub(super) fn describe_mismatch(index: &NameIndex, found: &NamingMatch, rule: Option<&str>) -> String {
    const WHAT: &str = "not a state dict of the configured network";
    let missing = tensor_names(found, |t| t.entries.is_empty());
    if found.prefixes.len() > 1 && !found.unknown.is_empty() && has_only_unknown(found) {
        let [first, second] = [&found.prefixes[0], &found.prefixes[1]];
        return format!(
            "it holds the network {} times, behind {} and {}; leave all but one out with corners.rename = \
             [['^PREFIX.*', '']]",
            found.prefixes.len(),
            quote(first),
            quote(second)
        );
    }
    if let Some(rule) = rule {
        let unknown = describe_unknown(index, found);
        return match missing.is_empty() {
            true => format!("{WHAT}: {unknown}; if this is not part of it, use {rule}"),
            false => format!("{WHAT}: {unknown}; it fits with {rule}"),
        };
    }
    let mut complaints = Vec::new();
    if !missing.is_empty() {
        complaints.push(format!("it lacks {}", list_first_names(&missing, MAX_LISTED_NAMES)));
    }
    let shaped = describe_shapes(index, found);
    if !shaped.is_empty() {
        complaints.push(format!("it has the wrong shapes {}", list_first_names(&shaped, MAX_LISTED_NAMES)));
    }
    if !found.unknown.is_empty() {
        complaints.push(describe_unknown(index, found));
    }
    let remedy = match (shaped.is_empty(), found.unknown.is_empty()) {
        (false, _) => "check [network] in the configuration",
        (true, false) => "corners.rename maps other names, or leaves tensors out",
        (true, true) => "use a file with all weights of this network",
    };
    format!("{WHAT}: {}; {remedy}", complaints.join(", "))
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

fn describe_unknown(index: &NameIndex, found: &NamingMatch) -> String {
    let mut names: Vec<&str> = found.unknown.iter().map(|&e| index.original_name(e)).collect();
    names.sort_unstable();
    let names: Vec<String> = names.into_iter().map(quote).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb} unknown", list_first_names(&names, MAX_LISTED_NAMES))
}

/// The settings that differ between the configured network and one that the file matches.
pub(super) fn describe_other_settings(
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
            false => format!(": {}", list_first_names(&shaped, MAX_LISTED_NAMES)),
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

pub(super) fn list_first_names(names: &[String], limit: usize) -> String {
    let text = names[..names.len().min(limit)].join(", ");
    match names.len().saturating_sub(limit) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

//! The linear layers at a network's end. Everybody calls them differently, often under another prefix than the rest, and
//! within a `Sequential` only their order counts: ReLU and dropout between them hold no weights.

use super::{ExpectedTensor, NameIndex};
use std::collections::{BTreeMap, HashSet};
use surfit_core::networks::Parameter;

/// Last components of what classifiers are called.
const CLASSIFIER_NAMES: [&str; 10] =
    ["fc", "linear", "classifier", "head", "heads", "output", "out", "logits", "predictor", "last_linear"];

/// Maximum number of classifiers that are tried behind each row of linear layers.
const MAX_CLASSIFIERS: usize = 8;

/// Linear layers that follow each other: entries of weight and bias of each, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct LinearHead {
    /// Name without the number, such as `backbone.classifier.`.
    stem: String,
    pub layers: Vec<[usize; 2]>,
}

/// Every row of linear layers with biases: modules whose names differ in a number at the end, in the order of the
/// numbers, and single modules.
pub(super) fn find_linear_rows(index: &NameIndex, claimed: &HashSet<usize>) -> Vec<LinearHead> {
    let mut rows: BTreeMap<&str, Vec<(u64, [usize; 2])>> = BTreeMap::new();
    for (weight, name) in index.iter() {
        let Some(module) = name.strip_suffix(".weight") else {
            continue;
        };
        let Some(bias) = index.get(&format!("{module}.bias")) else {
            continue;
        };
        let linear = index.shape(weight).len() == 2 && index.shape(bias).len() == 1;
        if !linear || claimed.contains(&weight) || claimed.contains(&bias) {
            continue;
        }
        let stem = module.trim_end_matches(|c: char| c.is_ascii_digit());
        let number = module[stem.len()..].parse().unwrap_or(0);
        rows.entry(stem).or_default().push((number, [weight, bias]));
    }
    rows.into_iter()
        .map(|(stem, mut layers)| {
            layers.sort_unstable();
            LinearHead { stem: stem.into(), layers: layers.into_iter().map(|(_, layer)| layer).collect() }
        })
        .collect()
}

/// Whether a row has a classifier's name, or is in the `Sequential` that holds the body, whose prefix is given.
pub(super) fn is_classifier(head: &LinearHead, prefix: &str) -> bool {
    let last = head.stem.trim_end_matches('.').rsplit('.').next();
    let held = head.stem.is_empty() || head.stem.ends_with('.') && prefix.starts_with(&head.stem);
    held || CLASSIFIER_NAMES.contains(&last.unwrap_or_default())
}

/// Entries of rows of linear layers that have the shapes of a head with these parameters.
pub(super) fn matching_entries(
    index: &NameIndex,
    parameters: &[Parameter],
    claimed: &HashSet<usize>,
) -> HashSet<usize> {
    let fits = |head: &LinearHead| {
        let shapes = head.layers.iter().flatten().map(|&e| index.shape(e));
        shapes.eq(parameters.iter().map(|p| p.shape.as_slice()))
    };
    let rows = find_linear_rows(index, claimed).into_iter().filter(fits);
    rows.flat_map(|head| head.layers).flatten().collect()
}

/// Returns rows of `wanted` layers whose last layers are a classifier under another name than those before it, as
/// `backbone.0`, `backbone.2`, `head.fc` of a network that is linear layers alone.
fn join_classifiers(rows: &[LinearHead], layer_count: usize, prefix: &str) -> Vec<LinearHead> {
    let classifiers = rows.iter().filter(|head| is_classifier(head, prefix));
    // A file has one; more are no reason to try every pair of a long list.
    let classifiers = classifiers.take(MAX_CLASSIFIERS);
    let pairs = classifiers.flat_map(|head| rows.iter().map(move |body| (body, head)));
    pairs
        .filter(|(body, head)| body.stem != head.stem && body.layers.len() + head.layers.len() == layer_count)
        .map(|(body, head)| LinearHead {
            stem: body.stem.clone(),
            layers: [body.layers.clone(), head.layers.clone()].concat(),
        })
        .collect()
}

/// The head with these parameters (weight, bias, weight, …): of the right shapes where there is one, else the one that is
/// most like it. `prefix` is the body's.
pub(super) fn find_head(
    index: &NameIndex,
    parameters: &[Parameter],
    claimed: &HashSet<usize>,
    prefix: &str,
) -> Vec<ExpectedTensor> {
    let wanted = parameters.len() / 2;
    let only_linear = claimed.is_empty();
    let fitting = |head: &LinearHead| {
        let entries = head.layers.iter().flatten();
        entries.zip(parameters).filter(|(entry, p)| index.shape(**entry) == p.shape).count()
    };
    let own = |head: &LinearHead| {
        head.stem.strip_prefix(prefix).is_some_and(|rest| {
            let name = parameters[0].name.trim_end_matches(".weight");
            name.trim_end_matches(|c: char| c.is_ascii_digit()) == rest
        })
    };
    let mut rows = find_linear_rows(index, claimed);
    if only_linear {
        rows.extend(join_classifiers(&rows, wanted, prefix));
    }
    // A row of another length is better than none: it states which layers are missing.
    let has_wanted = |head: &LinearHead| head.layers.len() == wanted;
    let best = rows
        .into_iter()
        .filter(|head| only_linear || has_wanted(head) && is_classifier(head, prefix))
        .max_by_key(|head| {
            let near = head.stem.starts_with(prefix);
            (has_wanted(head), fitting(head), own(head), near, std::cmp::Reverse(head.stem.len()))
        })
        .unwrap_or_default();
    let mut entries = best.layers.iter().flatten();
    parameters
        .iter()
        .map(|p| {
            // Without a whole row, what is there under the layout's own names is at least not called unknown.
            let own = || index.get(&format!("{prefix}{}", p.name)).filter(|e| !claimed.contains(e));
            let found = match best.layers.is_empty() {
                true => own(),
                false => entries.next().copied(),
            };
            let found: Vec<usize> = found.into_iter().collect();
            ExpectedTensor {
                name: p.name.clone(),
                shape: p.shape.clone(),
                has_right_shape: found.first().is_some_and(|&e| index.shape(e) == p.shape),
                entries: found,
            }
        })
        .collect()
}

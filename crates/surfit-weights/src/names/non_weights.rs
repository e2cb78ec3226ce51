//! What training stores in files besides the weights.

use super::{BATCH_COUNTER, NameIndex};
use std::collections::HashSet;

/// Last components of names of counters and states: of averages of weights, of modules' extra state, and of the metrics
/// of torchmetrics, none of which a forward pass reads. Only numbers and integers are taken for them: several floats of such
/// a name may be trained.
const STATE_NAMES: [&str; 21] = [
    BATCH_COUNTER,
    "n_averaged",
    "_extra_state",
    "num_updates",
    "decay",
    "tp",
    "fp",
    "tn",
    "fn",
    "confmat",
    "correct",
    "total",
    "value",
    "mean_value",
    "sum_value",
    "min_value",
    "max_value",
    "preds",
    "target",
    "measures",
    "global_step",
];

/// Last components of names of buffers that images are normalized with, mean and standard deviation.
const NORMALIZATION_NAMES: [[&str; 5]; 2] =
    [["mean", "_mean", "image_mean", "pixel_mean", "mu"], ["std", "_std", "image_std", "pixel_std", "sigma"]];

/// Words in names of modules that a training has beside its network, and that no network has in itself.
const TRAINING_WORDS: [&str; 5] = ["loss", "losses", "criterion", "metric", "metrics"];

/// Where a network is in a file.
#[derive(Debug)]
pub(super) struct Held {
    /// Prefix that the names of all its weights have.
    pub root: String,
    /// Whether each of its weights was found.
    pub is_whole: bool,
    /// Entries that might as well be its head.
    pub other_heads: HashSet<usize>,
}

/// What is left of a file's tensors when a network is taken out.
#[derive(Debug, Default)]
pub(super) struct LeftoverTensors {
    pub unknown: Vec<usize>,
    pub ignored: Vec<usize>,
    /// Entries of other modules.
    pub other_modules: Vec<usize>,
    /// Mean and standard deviation.
    pub normalization: [Option<usize>; 2],
}

impl LeftoverTensors {
    /// Sets tensors of other modules aside: of losses and metrics; where the network is whole, all those outside its
    /// prefix that cannot be meant for it.
    pub fn separate_other_modules(&mut self, index: &NameIndex, held: &Held) {
        let is_beside = |&entry: &usize| {
            let name = index.name(entry);
            let inside = name.strip_prefix(&held.root);
            let outside = held.is_whole && inside.is_none() && !held.other_heads.contains(&entry);
            outside || belongs_to_training(inside.unwrap_or(name))
        };
        let unknown = std::mem::take(&mut self.unknown);
        (self.other_modules, self.unknown) = unknown.into_iter().partition(is_beside);
    }
}

/// Whether a tensor belongs to a module that is called as a loss or a metric is.
fn belongs_to_training(name: &str) -> bool {
    let modules = name.rsplit_once('.').map_or("", |(modules, _)| modules);
    let mut words = modules.split(['.', '_']);
    words.any(|word| TRAINING_WORDS.contains(&word.to_ascii_lowercase().as_str()))
}

/// Divides all tensors but the claimed ones into what can be passed over and what cannot; `channels` are those of the
/// images.
pub(super) fn classify_leftovers(index: &NameIndex, claimed: &HashSet<usize>, channels: usize) -> LeftoverTensors {
    let mut rest = LeftoverTensors::default();
    for (entry, name) in index.iter().filter(|(entry, _)| !claimed.contains(entry)) {
        let last = name.rsplit('.').next().unwrap_or(name);
        let count = index.value_count(entry);
        let one_a_channel = count == 1 || count == channels as i64;
        let constant = NORMALIZATION_NAMES.iter().position(|n| n.contains(&last));
        match constant.filter(|_| one_a_channel) {
            Some(which) => {
                rest.normalization[which].get_or_insert(entry);
                rest.ignored.push(entry);
            }
            None if STATE_NAMES.contains(&last) && !index.may_be_trained(entry) => {
                rest.ignored.push(entry);
            }
            None => rest.unknown.push(entry),
        }
    }
    rest
}

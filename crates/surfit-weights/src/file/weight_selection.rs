//! Which dictionary of a checkpoint the weights are taken from.
//!
//! The state dict may be in a checkpoint beside whatever else a training script keeps, which is never looked at.

use super::error::{ReadStep, quote, refuse};
use surfit_core::config::CornerWeights;

/// Under which names training scripts keep the state dict beside other things.
const RAW_KEYS: [&str; 10] =
    ["state_dict", "model_state_dict", "model", "net", "model_state", "network", "weights", "params", "module", "app"];

/// Under which names they keep averaged weights; the order is that of timm's loader.
const AVERAGED_KEYS: [&str; 12] = [
    "state_dict_ema",
    "model_ema",
    "ema_state_dict",
    "params_ema",
    "model_ema_state_dict",
    "ema_model_state_dict",
    "model_state_dict_ema",
    "ema_model",
    "net_ema",
    "ema_weights",
    "ema",
    "averaged_state_dict",
];

/// Lightning's callback `WeightAveraging` keeps the last step's weights here, and the average as `state_dict`.
const LIGHTNING_RAW_KEY: &str = "current_model_state";
/// Beside which there is this.
const LIGHTNING_STATE_KEY: &str = "averaging_state";
const CALLBACKS_KEY: &str = "callbacks";
/// How deep a state dict may be in a checkpoint.
const MAX_DEPTH: usize = 4;

#[derive(Clone, Debug)]
pub(super) enum DictChild<D> {
    Dict(D),
    /// An object of this class, in backticks.
    Object(String),
    /// A list that is not empty.
    List,
    Other,
}

/// A checkpoint whose dictionaries are referred to by `D`.
pub(super) trait CheckpointDict<D: Copy> {
    /// What is under these names, in their order.
    fn children(&self, dict: D, names: &[&str]) -> Vec<Option<DictChild<D>>>;
    /// Some of the dictionaries in a dictionary, whatever they are called.
    fn dicts(&self, dict: D) -> Vec<D>;
    /// True when some of its values are tensors.
    fn has_tensors(&self, dict: D) -> bool;
    /// Its first name; `None` inside when that is no text.
    fn first_name(&self, dict: D) -> Option<Option<String>>;
}

const WHOLE_MODULE_REMEDY: &str = "and nothing in a file is ever executed to make one; save its state_dict()";

/// Finds the dictionary of tensors in a checkpoint; notes state which of several was taken.
pub(super) fn choose_weights<D: Copy>(
    checkpoint: &impl CheckpointDict<D>,
    root: D,
    weights: CornerWeights,
    notes: &mut Vec<String>,
) -> ReadStep<D> {
    let mut dict = root;
    for _ in 0..MAX_DEPTH {
        match find_inner_dict(checkpoint, dict, weights, notes)? {
            Some(inner) => dict = inner,
            None if checkpoint.has_tensors(dict) => return Ok(dict),
            None => return refuse_dict(checkpoint, dict),
        }
    }
    match checkpoint.has_tensors(dict) {
        true => Ok(dict),
        false => refuse_dict(checkpoint, dict),
    }
}

/// The dictionary with the weights inside of another, `None` when there is none.
fn find_inner_dict<D: Copy>(
    checkpoint: &impl CheckpointDict<D>,
    dict: D,
    weights: CornerWeights,
    notes: &mut Vec<String>,
) -> ReadStep<Option<D>> {
    let raw = first_dict(checkpoint, dict, &RAW_KEYS);
    if let Some((raw_name, average)) = raw
        && let [Some(DictChild::Dict(last)), Some(_)] =
            checkpoint.children(dict, &[LIGHTNING_RAW_KEY, LIGHTNING_STATE_KEY])[..]
        && raw_name == RAW_KEYS[0]
    {
        return Ok(Some(match weights {
            CornerWeights::Ema => {
                notes.push(format_choice_note(raw_name, LIGHTNING_RAW_KEY, "averaged", "raw"));
                average
            }
            CornerWeights::Raw => {
                notes.push(format_choice_note(LIGHTNING_RAW_KEY, raw_name, "raw", "ema"));
                last
            }
        }));
    }
    let mut averaged =
        first_dict(checkpoint, dict, &AVERAGED_KEYS).filter(|(_, inner)| holds_tensors(checkpoint, *inner));
    if averaged.is_none()
        && let [Some(DictChild::Dict(callbacks))] = checkpoint.children(dict, &[CALLBACKS_KEY])[..]
    {
        let all = checkpoint.dicts(callbacks).into_iter();
        averaged = all
            .filter_map(|callback| first_dict(checkpoint, callback, &AVERAGED_KEYS))
            .find(|(_, inner)| checkpoint.has_tensors(*inner));
    }
    let Some((name, average)) = averaged else {
        if weights == CornerWeights::Ema && (raw.is_some() || checkpoint.has_tensors(dict)) {
            notes.extend(list_unread_averages(checkpoint, dict));
        }
        return Ok(raw.map(|(_, inner)| inner));
    };
    let raw = raw.filter(|(_, inner)| holds_tensors(checkpoint, *inner));
    let (raw_name, raw) = match raw {
        Some((raw_name, inner)) => (Some(raw_name), Some(inner)),
        None => (None, checkpoint.has_tensors(dict).then_some(dict)),
    };
    match (weights, raw) {
        (CornerWeights::Ema, Some(_)) => {
            notes.push(format_choice_note(name, raw_name.unwrap_or("the rest"), "averaged", "raw"));
            Ok(Some(average))
        }
        (CornerWeights::Ema, None) => {
            notes.push(format!("averaged weights, `{name}`, were taken; there are no raw ones"));
            Ok(Some(average))
        }
        (CornerWeights::Raw, Some(raw)) => {
            notes.push(format_choice_note(raw_name.unwrap_or("the rest"), name, "raw", "ema"));
            // The outer dictionary itself is where the search ends.
            Ok(raw_name.map(|_| raw))
        }
        (CornerWeights::Raw, None) => {
            refuse(format!("holds averaged weights alone, `{name}`; set corners.weights = \"ema\""))
        }
    }
}

/// Notes of everything named like averaged weights, here or in a callback, that it is not read.
fn list_unread_averages<D: Copy>(checkpoint: &impl CheckpointDict<D>, dict: D) -> Vec<String> {
    let mut places = vec![dict];
    if let [Some(DictChild::Dict(callbacks))] = checkpoint.children(dict, &[CALLBACKS_KEY])[..] {
        places.extend(checkpoint.dicts(callbacks));
    }
    let mut notes: Vec<String> = Vec::new();
    for place in places {
        for (name, child) in AVERAGED_KEYS.iter().zip(checkpoint.children(place, &AVERAGED_KEYS)) {
            let why = match child {
                Some(DictChild::Object(class)) => format!("is a whole object of {class}"),
                Some(DictChild::Dict(inner)) if checkpoint.first_name(inner).is_none() => continue,
                Some(DictChild::Dict(_) | DictChild::List) => "has no tensors by name".into(),
                Some(DictChild::Other) | None => continue,
            };
            let note = format!("averaged weights were not read, because `{name}` {why}; raw weights were taken");
            if !notes.contains(&note) && notes.len() < AVERAGED_KEYS.len() {
                notes.push(note);
            }
        }
    }
    notes
}

fn format_choice_note(taken: &str, other: &str, what: &str, key: &str) -> String {
    format!("{what} weights, `{taken}`, were taken; corners.weights = \"{key}\" takes `{other}`")
}

/// The first of these names under which there is a dictionary, rather one with tensors.
fn first_dict<D: Copy>(
    checkpoint: &impl CheckpointDict<D>,
    dict: D,
    names: &[&'static str],
) -> Option<(&'static str, D)> {
    let children = checkpoint.children(dict, names).into_iter();
    let dicts: Vec<_> = names
        .iter()
        .zip(children)
        .filter_map(|(name, child)| match child {
            Some(DictChild::Dict(inner)) => Some((*name, inner)),
            _ => None,
        })
        .collect();
    let with_tensors = dicts.iter().find(|(_, d)| checkpoint.has_tensors(*d));
    with_tensors.or(dicts.first()).copied()
}

/// True when a dictionary or the usual one inside of it has tensors.
fn holds_tensors<D: Copy>(checkpoint: &impl CheckpointDict<D>, dict: D) -> bool {
    checkpoint.has_tensors(dict)
        || first_dict(checkpoint, dict, &RAW_KEYS).is_some_and(|(_, d)| checkpoint.has_tensors(d))
}

/// The refusal of a root that is no dictionary.
pub(super) fn refuse_root<T>(maker: Option<String>) -> ReadStep<T> {
    match maker {
        Some(class) => refuse(format!("holds a whole object of {class}, {WHOLE_MODULE_REMEDY}")),
        None => refuse("does not hold a dictionary of tensors; save a model's state_dict()"),
    }
}

fn refuse_dict<D: Copy, T>(checkpoint: &impl CheckpointDict<D>, dict: D) -> ReadStep<T> {
    let names: Vec<&str> = RAW_KEYS.iter().chain(&AVERAGED_KEYS).copied().collect();
    for (name, child) in names.iter().zip(checkpoint.children(dict, &names)) {
        if let Some(DictChild::Object(class)) = child {
            return refuse(format!("holds `{name}` as a whole object of {class}, {WHOLE_MODULE_REMEDY}"));
        }
    }
    refuse(match checkpoint.first_name(dict) {
        Some(Some(name)) => format!(
            "holds {}, which is not a tensor, and no dictionary of tensors under one of the names {}; save a model's \
             state_dict()",
            quote(&name),
            RAW_KEYS.map(|name| format!("`{name}`")).join(", ")
        ),
        Some(None) => "holds a dictionary whose keys are not names; save a model's state_dict()".into(),
        None => "holds an empty dictionary; save a model's state_dict()".into(),
    })
}

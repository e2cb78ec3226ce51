//! A file's tensors by what they are called once renamings are done and wrappers are seen through.

use super::RenameRules;
use crate::NetworkError;
use crate::file::{TensorEntry, is_float};
use std::collections::HashMap;

/// Components that wrappers add to names: data-parallel training, `torch.compile`, fully sharded training and
/// activation checkpoints.
const WRAPPERS: [&str; 5] =
    ["module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module"];
const MAX_PREFIX_DEPTH: usize = 16;

#[derive(Clone, Debug)]
pub(super) struct IndexedTensor {
    name: String,
    shape: Vec<i64>,
    is_float: bool,
}

impl From<&TensorEntry> for IndexedTensor {
    fn from(entry: &TensorEntry) -> Self {
        // No file holds more values than that.
        let size = |&n: &usize| i64::try_from(n).unwrap_or(i64::MAX);
        Self {
            name: entry.name.clone(),
            shape: entry.shape.iter().map(size).collect(),
            is_float: is_float(entry.dtype),
        }
    }
}

#[derive(Debug)]
pub(super) struct NameIndex<'a> {
    entries: &'a [IndexedTensor],
    /// What each entry is called; empty for one that was renamed to nothing.
    names: Vec<String>,
    by_name: HashMap<String, usize>,
}

impl<'a> NameIndex<'a> {
    pub fn new(entries: &'a [IndexedTensor], renames: &RenameRules) -> Result<Self, NetworkError> {
        let names: Vec<String> = entries
            .iter()
            .map(|entry| Ok(strip_wrappers(&renames.apply(&entry.name)?)))
            .collect::<Result<_, NetworkError>>()?;
        let mut by_name = HashMap::with_capacity(names.len());
        for (entry, name) in names.iter().enumerate().filter(|(_, n)| !n.is_empty()) {
            if let Some(other) = by_name.insert(name.clone(), entry) {
                let names = [other, entry].map(|entry| entries[entry].name.clone());
                return Err(NetworkError::SameName { names, renamed: name.clone() });
            }
        }
        Ok(Self { entries, names, by_name })
    }

    /// The same with these entries alone.
    pub fn restricted_to(&self, entries: &[usize]) -> Self {
        let mut names = vec![String::new(); self.names.len()];
        for &entry in entries {
            names[entry].clone_from(&self.names[entry]);
        }
        let kept = entries.iter().map(|&e| (self.names[e].clone(), e));
        Self { entries: self.entries, by_name: kept.collect(), names }
    }

    /// The entry of this name.
    pub fn get(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Entries with their names, without those that were renamed to nothing.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &str)> {
        let all = self.names.iter().enumerate();
        all.filter(|(_, n)| !n.is_empty()).map(|(entry, name)| (entry, name.as_str()))
    }

    /// Entries that `corners.rename` omits.
    pub fn excluded_entries(&self) -> Vec<usize> {
        let all = self.names.iter().enumerate();
        all.filter(|(_, name)| name.is_empty()).map(|(entry, _)| entry).collect()
    }

    /// What an entry is called here.
    pub fn name(&self, entry: usize) -> &str {
        &self.names[entry]
    }

    /// What it is called in the file.
    pub fn original_name(&self, entry: usize) -> &str {
        &self.entries[entry].name
    }

    pub fn shape(&self, entry: usize) -> &[i64] {
        &self.entries[entry].shape
    }

    /// Whether an entry may be a trained weight: floats, and several of them.
    pub fn may_be_trained(&self, entry: usize) -> bool {
        self.entries[entry].is_float && self.value_count(entry) > 1
    }

    /// Number of values of an entry.
    pub fn value_count(&self, entry: usize) -> i64 {
        let sizes = self.shape(entry).iter();
        sizes.fold(1, |n: i64, &d| n.saturating_mul(d))
    }

    /// The shape of several tensors of the same shape behind each other along the first axis.
    pub fn concatenated_shape(&self, entries: &[usize]) -> Option<Vec<i64>> {
        let mut joined = self.shape(*entries.first()?).to_vec();
        if entries.iter().any(|&e| self.shape(e) != joined) {
            return None;
        }
        if entries.len() > 1 {
            let rows = joined.first_mut()?;
            *rows = rows.checked_mul(entries.len() as i64)?;
        }
        Some(joined)
    }

    /// The prefixes under which tensors of these names and shapes are, the best one first: with the most of the right
    /// shape, then with the most at all, then the shortest. Only those are given that have as much as the best.
    pub fn best_prefixes<'b>(&self, expected: impl Iterator<Item = (&'b [String], &'b [i64])>) -> Vec<String> {
        let mut shapes: HashMap<&str, Option<&[i64]>> = HashMap::new();
        for (calls, shape) in expected {
            for call in calls {
                // The shape of a part is not looked at: parts are alike.
                shapes.insert(call, (calls.len() == 1).then_some(shape));
            }
        }
        let mut tally: HashMap<&str, (usize, usize)> = HashMap::new();
        for (entry, name) in self.iter() {
            let starts =
                std::iter::once(0).chain(name.match_indices('.').map(|(at, _)| at + 1)).take(MAX_PREFIX_DEPTH + 1);
            for start in starts {
                let Some(shape) = shapes.get(&name[start..]) else {
                    continue;
                };
                let counts = tally.entry(&name[..start]).or_default();
                let same = shape.is_none_or(|shape| shape == self.shape(entry));
                counts.0 += usize::from(same);
                counts.1 += 1;
            }
        }
        let most = tally.values().max().copied();
        let mut best: Vec<&str> =
            tally.iter().filter(|(_, counts)| Some(**counts) == most).map(|(prefix, _)| *prefix).collect();
        best.sort_unstable_by_key(|prefix| (prefix.len(), *prefix));
        best.into_iter().map(str::to_owned).collect()
    }
}

fn strip_wrappers(name: &str) -> String {
    let kept: Vec<&str> = name.split('.').filter(|c| !WRAPPERS.contains(c)).collect();
    kept.join(".")
}

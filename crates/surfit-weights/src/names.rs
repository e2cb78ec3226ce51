//! Which tensor of a file is which weight of a network, by names and shapes alone.
//!
//! The same network is called differently by those who write it: its tensors have prefixes, wrappers leave
//! components in the middle of names, and several repositories have names of their own (`FamilyNaming`). A file is matched
//! when exactly one tensor, of the right shape, is there for every weight, and nothing else but what is no weight.

mod heads;
mod index;
mod mismatch;
mod non_weights;
mod rename;
mod suggestion;

pub(crate) use rename::MAX_RENAMED_BYTES;
pub use rename::RenameRules;

use crate::file::{TensorEntry, quote};
use crate::{Dtype, NetworkError};
use index::{IndexedTensor, NameIndex};
use non_weights::Held;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use surfit_core::config::NetworkConfig;
use surfit_core::networks::{
    Architecture, FamilyNaming, POSITION_EMBEDDINGS, WeightLayout, describe_network, find_network,
};

/// The tensors of a batch-norm layer's running statistics, in the order of [`NameMap::tensors`].
pub const RUNNING_STATISTICS: [&str; 2] = ["running_mean", "running_var"];
/// Counts a batch-norm layer's batches.
pub const BATCH_COUNTER: &str = "num_batches_tracked";

/// Names that a notice lists.
const MAX_NOTICED_NAMES: usize = 3;

/// A network that weights are expected for.
#[derive(Clone, Debug)]
pub struct ExpectedNetwork {
    /// What the configuration states of it.
    pub config: NetworkConfig,
    /// `[C, H, W]` of an image.
    pub input: [usize; 3],
    /// Number of classes.
    pub classes: usize,
    /// Architecture with the layout of its weights.
    pub architecture: Architecture,
}

impl ExpectedNetwork {
    /// The network of a configuration, for images of shape `input` (`[C, H, W]`).
    ///
    /// # Errors
    /// As [`describe_network`].
    pub fn new(config: &NetworkConfig, input: [usize; 3], classes: usize) -> Result<Self, NetworkError> {
        Ok(Self { architecture: describe_network(config, input, classes)?, config: config.clone(), input, classes })
    }

    /// The layout of its weights.
    pub fn layout(&self) -> &WeightLayout {
        &self.architecture.layout
    }

    /// The namings that its tensors may have.
    pub(crate) fn namings(&self) -> &'static [FamilyNaming] {
        find_network(&self.config.name).map_or(&[], |spec| spec.namings)
    }

    /// Number of parameters before the linear layers at the end.
    fn body_len(&self) -> usize {
        self.layout().parameters.len() - 2 * self.architecture.head_layers
    }
}

/// A weight or running statistic of a network, and where a file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedTensor {
    /// The layout's name.
    pub name: String,
    /// The network's shape.
    pub shape: Vec<i64>,
    /// The file's names; several are parts, in this order along the first axis.
    pub sources: Vec<String>,
    /// The shape in the file, where it is another: position embeddings of another number of patches.
    pub stored: Option<Vec<i64>>,
}

/// What the tensors of a file are to a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NameMap {
    /// Whose names they are.
    pub naming: String,
    /// The layout's parameters in order; behind them, where the file has them, mean and variance of every batch norm.
    pub tensors: Vec<MappedTensor>,
    /// Whether running statistics are among them.
    pub has_statistics: bool,
    /// Names of the counters of batches that are there.
    pub counters: Vec<String>,
    /// Names of buffers with the mean and the standard deviation that images are normalized with inside the module.
    pub normalization: [Option<String>; 2],
    /// Names of what else was passed over, because it is no weight.
    pub passed_over: Vec<String>,
    /// The values of what was passed over, as far as it is small: a module that loads strictly needs them.
    #[serde(default)]
    pub kept: Vec<KeptTensor>,
    /// Names of weights that the file's module computes from other tensors.
    #[serde(default)]
    pub computed: Vec<String>,
    /// Names of tensors of other modules, such as a loss with weights of its own, which are beside the network, and of those
    /// that `corners.rename` leaves out.
    #[serde(default)]
    pub beside: Vec<String>,
}

/// A tensor of a file that is no weight of the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptTensor {
    /// The file's name.
    pub name: String,
    /// Shape that the file gives it.
    pub shape: Vec<i64>,
    /// Type of its values in the file.
    pub dtype: Dtype,
    /// Its values, row-major.
    pub values: Vec<f32>,
}

impl NameMap {
    /// The names that a tensor of the layout, statistic or counter has in a file of this naming: several for one that is
    /// kept in parts. `None` for what the layout does not have.
    pub fn names_in_file(&self, name: &str) -> Option<Vec<String>> {
        let of = |name: &str| self.tensors.iter().find(|t| t.name == name);
        if let Some(tensor) = of(name) {
            return Some(tensor.sources.clone());
        }
        // A file without statistics does not name them, but its batch norm does.
        let (module, what) = name.rsplit_once('.')?;
        let weight = of(&format!("{module}.weight"))?;
        let stem = weight.sources.first()?.strip_suffix("weight")?;
        Some(vec![format!("{stem}{what}")])
    }

    /// Names the tensors that were skipped because they are no weights; `None` where there are none. Both constants of a
    /// normalization are reported separately.
    pub fn ignored_tensors_notice(&self) -> Option<String> {
        let is_reported = self.normalization.iter().all(Option::is_some);
        let is_constant = |name: &&String| self.normalization.iter().flatten().any(|n| n == *name);
        let names = self.passed_over.iter().filter(|name| !(is_reported && is_constant(name)));
        describe_ignored(names, ["is not a weight and", "are not weights and"])
    }

    /// Why a file of these names does not load strictly into the module that they come from; `None` where it does.
    pub fn strict_loading_notice(&self) -> Option<String> {
        if !self.computed.is_empty() {
            let names: Vec<String> = self.computed.iter().map(|name| quote(name)).collect();
            return Some(format!(
                "the export has {}, which the module of corner 1 computes from other tensors; remove its pruning or \
                 weight normalization before it loads the export",
                mismatch::list_first_names(&names, MAX_NOTICED_NAMES)
            ));
        }
        let is_kept = |name: &String| self.kept.iter().any(|kept| kept.name == *name);
        let lost = self.passed_over.iter().chain(&self.beside).filter(|name| !is_kept(name));
        let names: Vec<String> = lost.map(|name| quote(name)).collect();
        (!names.is_empty()).then(|| {
            format!(
                "the export lacks {} of corner 1's file; load it with strict=False",
                mismatch::list_first_names(&names, MAX_NOTICED_NAMES)
            )
        })
    }

    /// The tensor of position embeddings that have to be interpolated, with their number of patches in the file.
    pub fn interpolated_embeddings(&self) -> Option<(&MappedTensor, i64)> {
        self.tensors.iter().find_map(|tensor| {
            let stored = tensor.stored.as_ref()?;
            Some((tensor, stored.get(1)? - 1))
        })
    }

    /// Names the tensors of other modules that were skipped; `None` where there are none.
    pub fn other_modules_notice(&self) -> Option<String> {
        describe_ignored(self.beside.iter(), ["beside the network"; 2])
    }
}

/// Says that tensors were ignored, with what one and several of them are; `None` without any.
fn describe_ignored<'a>(names: impl Iterator<Item = &'a String>, [one, several]: [&str; 2]) -> Option<String> {
    let names: Vec<String> = names.map(|name| quote(name)).collect();
    let subject = match names.len() {
        0 => return None,
        1 => format!("one tensor {one} was"),
        n => format!("{n} tensors {several} were"),
    };
    Some(format!("{subject} ignored: {}", mismatch::list_first_names(&names, MAX_NOTICED_NAMES)))
}

/// Finds every weight of a network among a file's tensors.
///
/// # Errors
/// A sentence, without the file's name, that states which tensors are missing, unknown or of another shape, and which
/// settings would fit.
pub fn match_names(
    network: &ExpectedNetwork,
    tensors: &[TensorEntry],
    renames: &RenameRules,
) -> Result<NameMap, NetworkError> {
    let entries: Vec<IndexedTensor> = tensors.iter().map(IndexedTensor::from).collect();
    let index = NameIndex::new(&entries, renames)?;
    let mut best = best_match(network, &index);
    let copy = find_other_copy(network, &index, &best);
    if best.is_complete() && copy.is_none() {
        return Ok(best.into_map(network, &index));
    }
    if let Some(copy) = copy {
        best.prefixes.extend(copy.prefixes);
        best.unknown.append(&mut best.other_modules);
        return Err(NetworkError::Mismatch(mismatch::describe_mismatch(&index, &best, None)));
    }
    Err(NetworkError::Mismatch(match suggestion::suggest_network(network, &index) {
        Some(other) => mismatch::describe_other_settings(network, &index, &best, &other),
        None => {
            let rule = rename::suggest_rule(network, &entries, renames, &best);
            let rule = rule.map(|(pattern, replacement)| match renames.is_empty() {
                true => format!("corners.rename = [['{pattern}', '{replacement}']]"),
                false => format!("['{pattern}', '{replacement}'] added to corners.rename"),
            });
            mismatch::describe_mismatch(&index, &best, rule.as_deref())
        }
    }))
}

/// A tensor that a network has, as a naming calls it.
#[derive(Clone, Debug)]
struct ExpectedTensor {
    name: String,
    shape: Vec<i64>,
    /// Entries of the index that hold it; empty where it is missing.
    entries: Vec<usize>,
    /// Whether what was found has the right shape, or one that can be brought to it.
    has_right_shape: bool,
}

/// How well a file's tensors match a network under one naming.
#[derive(Clone, Debug)]
struct NamingMatch {
    naming: &'static str,
    tensors: Vec<ExpectedTensor>,
    has_statistics: bool,
    /// Prefixes under which the whole body is; more than one when the file holds it several times.
    prefixes: Vec<String>,
    /// Entries that are neither part of the network nor anything to pass over.
    unknown: Vec<usize>,
    other_modules: Vec<usize>,
    ignored: Vec<usize>,
    counters: Vec<usize>,
    normalization: [Option<usize>; 2],
}

impl NamingMatch {
    fn is_complete(&self) -> bool {
        self.unknown.is_empty() && self.tensors.iter().all(|t| t.has_right_shape)
    }

    /// Tensors that fit, that are there, and that are not known: a better match has more of the first, then more of the
    /// second, then less of the third.
    fn rank(&self) -> (usize, usize, std::cmp::Reverse<usize>) {
        let count = |is: fn(&ExpectedTensor) -> bool| self.tensors.iter().filter(|t| is(t)).count();
        (count(|t| t.has_right_shape), count(|t| !t.entries.is_empty()), std::cmp::Reverse(self.unknown.len()))
    }

    fn into_map(self, network: &ExpectedNetwork, index: &NameIndex) -> NameMap {
        let named =
            |entries: &[usize]| -> Vec<String> { entries.iter().map(|&e| index.original_name(e).into()).collect() };
        NameMap {
            naming: self.naming.into(),
            tensors: self
                .tensors
                .iter()
                .map(|t| MappedTensor {
                    name: t.name.clone(),
                    shape: t.shape.clone(),
                    sources: named(&t.entries),
                    stored: match t.entries.as_slice() {
                        [one] if index.shape(*one) != t.shape => Some(index.shape(*one).into()),
                        _ => None,
                    },
                })
                .collect(),
            has_statistics: self.has_statistics && !network.layout().norms.is_empty(),
            counters: named(&self.counters),
            normalization: self.normalization.map(|entry| entry.map(|e| index.original_name(e).into())),
            passed_over: named(&self.ignored),
            kept: Vec::new(),
            computed: Vec::new(),
            beside: named(&[self.other_modules, index.excluded_entries()].concat()),
        }
    }
}

/// The best match among all namings of the network; the first of equal ones.
fn best_match(network: &ExpectedNetwork, index: &NameIndex) -> NamingMatch {
    let mut best: Option<NamingMatch> = None;
    for naming in network.namings() {
        let found = match_naming(network, index, naming);
        if best.as_ref().is_none_or(|b| found.rank() > b.rank()) {
            best = Some(found);
        }
    }
    best.expect("every network has a naming")
}

/// The body of the same network under other names, among the tensors that are left when a match is whole.
fn find_other_copy(network: &ExpectedNetwork, index: &NameIndex, found: &NamingMatch) -> Option<NamingMatch> {
    let body_len = network.body_len();
    let left = [found.unknown.as_slice(), &found.other_modules].concat();
    let is_one = found.prefixes.len() < 2 && found.tensors.iter().all(|t| t.has_right_shape);
    if body_len == 0 || left.len() < body_len || !is_one {
        return None;
    }
    let copy = best_match(network, &index.restricted_to(&left));
    copy.tensors[..body_len].iter().all(|t| t.has_right_shape).then_some(copy)
}

fn match_naming(network: &ExpectedNetwork, index: &NameIndex, naming: &FamilyNaming) -> NamingMatch {
    let architecture = &network.architecture;
    let layout = network.layout();
    let body_len = network.body_len();
    let calls: Vec<Vec<String>> =
        layout.parameters[..body_len].iter().map(|p| (naming.translate)(architecture, &p.name)).collect();
    let body = layout.parameters[..body_len].iter().zip(&calls);
    let prefixes = index.best_prefixes(body.map(|(p, calls)| (calls.as_slice(), p.shape.as_slice())));
    let prefix = prefixes.first().map_or("", String::as_str).to_owned();

    let fits = |found: &[usize], parts: usize, name: &str, shape: &[i64]| {
        found.len() == parts
            && (index.concatenated_shape(found).as_deref() == Some(shape)
                || parts == 1 && can_be_interpolated(name, index.shape(found[0]), shape))
    };
    let look_up = |name: &str, shape: &[i64], calls: &[String]| {
        let found: Option<Vec<usize>> = calls.iter().map(|call| index.get(&format!("{prefix}{call}"))).collect();
        let found = found.unwrap_or_default();
        ExpectedTensor {
            has_right_shape: fits(&found, calls.len(), name, shape),
            name: name.into(),
            shape: shape.into(),
            entries: found,
        }
    };
    let mut tensors: Vec<ExpectedTensor> =
        layout.parameters[..body_len].iter().zip(&calls).map(|(p, calls)| look_up(&p.name, &p.shape, calls)).collect();
    let mut claimed: HashSet<usize> = tensors.iter().flat_map(|t| t.entries.clone()).collect();

    let head = heads::find_head(index, &layout.parameters[body_len..], &claimed, &prefix);
    claimed.extend(head.iter().flat_map(|t| t.entries.clone()));
    tensors.extend(head);

    let mut statistics = Vec::new();
    let mut counters = Vec::new();
    for norm in &layout.norms {
        let module = |what: &str| (naming.translate)(architecture, &format!("{}.{what}", norm.prefix));
        for what in RUNNING_STATISTICS {
            let name = format!("{}.{what}", norm.prefix);
            statistics.push(look_up(&name, &[norm.channels], &module(what)));
        }
        let counter = module(BATCH_COUNTER);
        counters.extend(index.get(&format!("{prefix}{}", counter[0])));
    }
    let has_statistics = statistics.iter().any(|t| !t.entries.is_empty());
    if has_statistics {
        claimed.extend(statistics.iter().flat_map(|t| t.entries.clone()));
        tensors.extend(statistics);
    }
    claimed.extend(&counters);
    let mut rest = non_weights::classify_leftovers(index, &claimed, network.input[0]);
    if prefixes.len() < 2 {
        let head = &layout.parameters[body_len..];
        let held = Held {
            root: common_root(index, &prefix, &tensors[body_len..]),
            is_whole: tensors.iter().all(|t| t.has_right_shape),
            other_heads: heads::matching_entries(index, head, &claimed),
        };
        rest.separate_other_modules(index, &held);
    }
    NamingMatch {
        naming: naming.name,
        tensors,
        has_statistics,
        prefixes,
        unknown: rest.unknown,
        other_modules: rest.other_modules,
        ignored: rest.ignored,
        counters,
        normalization: rest.normalization,
    }
}

/// The longest prefix that the body's and the names of the head have in common, outside of any `Sequential`: what is
/// numbered as the network is computes with it.
fn common_root(index: &NameIndex, prefix: &str, head: &[ExpectedTensor]) -> String {
    let mut root = prefix;
    let found = head.iter().flat_map(|t| &t.entries);
    loop {
        let (above, last) = match root.strip_suffix('.') {
            Some(inner) => inner.split_at(inner.rfind('.').map_or(0, |at| at + 1)),
            None => return String::new(),
        };
        let is_number = last.bytes().all(|b| b.is_ascii_digit());
        if !is_number && found.clone().all(|&e| index.name(e).starts_with(root)) {
            return root.into();
        }
        root = above;
    }
}

/// Whether a tensor is position embeddings of a square of patches with the right number of features.
fn can_be_interpolated(name: &str, stored: &[i64], shape: &[i64]) -> bool {
    let (&[1, tokens, features], &[1, _, wanted]) = (stored, shape) else {
        return false;
    };
    let side = (tokens - 1).max(0).isqrt();
    name == POSITION_EMBEDDINGS && features == wanted && side > 0 && side * side == tokens - 1
}

#[cfg(test)]
mod tests;

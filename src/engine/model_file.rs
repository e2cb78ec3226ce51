//! Networks' weights in files: what `surfit-weights` reads becomes tensors, and what is written is safetensors.

mod safe;

pub use safe::{read_tensors, write_checked, write_tensors};

use crate::layout::{Layout, RunningStats};
use crate::{Error, Result};
use std::collections::HashMap;
use std::path::Path;
use surfit_core::config::CornerWeights;
use surfit_weights::WeightFile;
use tch::{Device, Kind, Tensor};

/// Named tensors of a network, `f32` on the CPU, in the file's order.
#[derive(Debug)]
pub struct StateDict(pub Vec<(String, Tensor)>);

/// Counts a batch-norm layer's batches; the one integer among a network's tensors.
const BATCHES: &str = ".num_batches_tracked";

/// Reads a network's tensors from a file or folder of weights, whatever it is called. `weights` says which are taken where
/// there are averaged ones too.
///
/// # Errors
/// A sentence for a file that is missing, cut short, of another format, or holds other things than floats.
pub fn read(path: &Path, weights: CornerWeights) -> Result<StateDict> {
    let file = open(path, weights)?;
    let mut tensors = Vec::with_capacity(file.tensors().len());
    for (index, entry) in file.tensors().iter().enumerate() {
        // How many models an average of weights is of; it is none of them.
        if entry.name == "n_averaged" {
            continue;
        }
        let shape: Vec<i64> = entry.shape.iter().map(|&n| n as i64).collect();
        let values = Tensor::f_from_slice(&file.read_values(index)?)?;
        tensors.push((entry.name.clone(), values.f_reshape(shape)?));
    }
    Ok(StateDict(tensors))
}

/// Reads a file's list of tensors, and makes sure that they are floats.
///
/// # Errors
/// As [`read`].
pub fn open(path: &Path, weights: CornerWeights) -> Result<WeightFile> {
    let file = WeightFile::open(path, weights)?;
    file.require_floats()?;
    Ok(file)
}

/// The flat vector, `[P]`, of a network with this layout, and its running statistics where the file has them.
/// `path` is for messages. Prefixes of names that wrappers leave, `module.` of data-parallel training and `_orig_mod.` of
/// `torch.compile`, are ignored in any order.
///
/// # Errors
/// A sentence that names the tensors that are missing, unexpected, of another shape, or not finite.
pub fn to_flat(
    path: &Path,
    dict: &StateDict,
    layout: &Layout,
) -> Result<(Tensor, Option<RunningStats>)> {
    let bad = |what: String| Err(Error::input(format!("{}: {what}", path.display())));
    let mut found: HashMap<&str, &Tensor> = HashMap::new();
    for (name, tensor) in &dict.0 {
        let name = unwrapped(name);
        if found.insert(name, tensor).is_some() {
            return bad(format!("two tensors are called `{name}`"));
        }
    }
    let statistic = |prefix: &str, what: &str| format!("{prefix}.{what}");
    let has_stats = layout.norms.iter().any(|n| {
        STATISTICS
            .iter()
            .any(|what| found.contains_key(statistic(&n.prefix, what).as_str()))
    });

    let mut expected: Vec<(String, Vec<i64>)> = layout
        .parameters
        .iter()
        .map(|p| (p.name.clone(), p.shape.clone()))
        .collect();
    if has_stats {
        for norm in &layout.norms {
            expected.extend(
                STATISTICS.map(|what| (statistic(&norm.prefix, what), vec![norm.channels])),
            );
        }
    }
    let (mut missing, mut shaped) = (Vec::new(), Vec::new());
    let mut tensors = Vec::with_capacity(expected.len());
    // The last parameter, a bias with an entry for each class, tells whether the file is of a network for others.
    let last = layout
        .parameters
        .last()
        .and_then(|p| found.get(p.name.as_str()));
    let other_classes = last
        .map(|bias| bias.numel() as i64)
        .filter(|&n| Some(n) != layout.classes());
    for (name, shape) in &expected {
        match found.remove(name.as_str()) {
            None => missing.push(format!("`{name}`")),
            Some(tensor) if tensor.size() != *shape => {
                shaped.push(format!(
                    "`{name}` is {:?} instead of {shape:?}",
                    tensor.size()
                ));
            }
            Some(tensor) => tensors.push(tensor),
        }
    }
    let mut batches = 1;
    let mut unexpected: Vec<String> = Vec::new();
    for (name, tensor) in found {
        match name.strip_suffix(BATCHES) {
            Some(prefix) if layout.norms.iter().any(|n| n.prefix == prefix) => {
                if tensor.numel() == 1 {
                    batches = batches.max(tensor.double_value(&[]) as i64);
                }
            }
            _ => unexpected.push(format!("`{name}`")),
        }
    }
    unexpected.sort_unstable();
    if let (Some(theirs), Some(ours)) = (other_classes, layout.classes())
        && missing.is_empty()
        && unexpected.is_empty()
    {
        return bad(format!(
            "it tells {theirs} classes apart, the data set has {ours}: {}; use a network for these classes, or check \
             data.set in the configuration",
            few(&shaped)
        ));
    }
    let complaints: Vec<String> = [
        ("lacks", missing),
        ("has the wrong shapes", shaped),
        ("has the unknown", unexpected),
    ]
    .into_iter()
    .filter(|(_, names)| !names.is_empty())
    .map(|(verb, names)| format!("it {verb} {}", few(&names)))
    .collect();
    if !complaints.is_empty() {
        return bad(format!(
            "not a state dict of the configured network: {}; check [network] in the configuration",
            complaints.join(", ")
        ));
    }

    for ((name, _), tensor) in expected.iter().zip(&tensors) {
        let wrong = tensor.numel() as i64 - tensor.isfinite().sum(Kind::Int64).int64_value(&[]);
        if wrong > 0 {
            return bad(format!(
                "`{name}` has {wrong} values that are not finite; this network's training diverged, use another"
            ));
        }
        if name.ends_with("running_var") && f64::try_from(tensor.min())? < 0.0 {
            return bad(format!(
                "`{name}` has a negative variance; the file is damaged"
            ));
        }
    }
    let flat = Tensor::f_empty([layout.len()], (Kind::Float, Device::Cpu))?;
    for (parameter, tensor) in layout.parameters.iter().zip(&tensors) {
        flat.narrow(0, parameter.offset, parameter.len())
            .copy_(&tensor.reshape([-1]));
    }
    let stats = has_stats.then(|| {
        let of = |index: usize| -> Vec<Tensor> {
            let rest = &tensors[layout.parameters.len()..];
            rest.iter()
                .skip(index)
                .step_by(STATISTICS.len())
                .map(|t| t.copy())
                .collect()
        };
        RunningStats {
            mean: of(0),
            var: of(1),
            batches,
        }
    });
    Ok((flat, stats))
}

/// A tensor's name without the prefixes of wrappers.
fn unwrapped(mut name: &str) -> &str {
    while let Some(rest) = ["module.", "_orig_mod."]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
    {
        name = rest;
    }
    name
}

const STATISTICS: [&str; 2] = ["running_mean", "running_var"];

/// The first few of many names.
fn few(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let text = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// Writes a network as safetensors that PyTorch reads as its state dict: the parameters, then the running
/// statistics. The file is whole or, after an error, as it was.
///
/// # Errors
/// When the file cannot be written, or `flat` is not of this layout.
pub fn write(path: &Path, layout: &Layout, flat: &Tensor, stats: &RunningStats) -> Result<()> {
    if flat.size() != [layout.len()] {
        return Err(Error::input(format!(
            "{}: cannot write weights of shape {:?} as a network of {} weights",
            path.display(),
            flat.size(),
            layout.len()
        )));
    }
    let flat = flat.detach();
    let mut tensors: Vec<(String, Tensor)> = layout
        .parameters
        .iter()
        .map(|p| p.name.clone())
        .zip(layout.views(&flat))
        .collect();
    for (i, norm) in layout.norms.iter().enumerate() {
        let named = |what: &str| format!("{}.{what}", norm.prefix);
        tensors.push((named(STATISTICS[0]), stats.mean[i].shallow_clone()));
        tensors.push((named(STATISTICS[1]), stats.var[i].shallow_clone()));
        tensors.push((
            format!("{}{BATCHES}", norm.prefix),
            Tensor::from(stats.batches),
        ));
    }
    let tensors: Vec<(&str, &Tensor)> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
    write_tensors(path, &tensors, &[("format".into(), "pt".into())])
}

#[cfg(test)]
mod tests;

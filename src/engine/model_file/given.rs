//! Weights from a file of any naming, as a flat vector of a network.

use super::StateDict;
use crate::layout::RunningStats;
use crate::{Error, Result};
use std::collections::HashMap;
use std::path::Path;
use surfit_weights::names::{
    BATCHES, ExpectedNetwork, MODE_CONNECTIVITY, NameMap, Renames, STATISTICS, match_names,
};
use surfit_weights::networks::Architecture;
use surfit_weights::quote::quote_name;
use tch::{Device, Kind, Tensor};

/// A network's weights as a file gives them.
#[derive(Debug)]
pub struct GivenWeights {
    /// Flat vector, `[P]`, `f32` on the CPU.
    pub flat: Tensor,
    /// Batch norm's running statistics, where the file has them.
    pub stats: Option<RunningStats>,
    /// What the tensors are called in the file.
    pub names: NameMap,
    /// What the owner should know: complete sentences, without the file's name.
    pub notices: Vec<String>,
}

/// The weights of a network among a file's tensors; `path` is for messages.
///
/// # Errors
/// A sentence that names the tensors that are missing, unexpected, of another shape or type, or not finite.
pub fn take_weights(
    path: &Path,
    dict: &StateDict,
    network: &ExpectedNetwork,
    renames: &Renames,
) -> Result<GivenWeights> {
    let bad = |what: String| Error::input(format!("{}: {what}", path.display()));
    let entries: Vec<(String, Vec<i64>)> = dict
        .0
        .iter()
        .map(|(name, tensor)| (name.clone(), tensor.size()))
        .collect();
    let names = match_names(network, &entries, renames).map_err(|e| bad(e.0))?;
    let by_name: HashMap<&str, &Tensor> = dict.0.iter().map(|(n, t)| (n.as_str(), t)).collect();
    let mut notices = Vec::new();

    let mut tensors = Vec::with_capacity(names.tensors.len());
    for mapped in &names.tensors {
        let parts: Vec<&Tensor> = mapped
            .sources
            .iter()
            .filter_map(|source| by_name.get(source.as_str()).copied())
            .collect();
        let told = quote_name(&mapped.sources[0]);
        for part in &parts {
            check_values(&told, part, mapped.name.ends_with(STATISTICS[1])).map_err(bad)?;
        }
        let mut tensor = match parts.as_slice() {
            [one] => one.shallow_clone(),
            several => Tensor::f_cat(several, 0)?,
        };
        if mapped.stored.is_some()
            && let Architecture::Vit(vit) = &network.architecture
        {
            let patches = tensor.size()[1] - 1;
            tensor = interpolate_positions(&tensor, vit.grid)?;
            let [rows, columns] = vit.grid;
            notices.push(format!(
                "its position embeddings are of {patches} patches, the images have {rows}×{columns}; they were interpolated \
                 as timm does it"
            ));
        }
        tensors.push(tensor);
    }
    refuse_layers_never_run(&names, &by_name).map_err(bad)?;
    notices.extend(own_normalization(&names, &by_name));

    let layout = network.layout();
    let flat = Tensor::f_empty([layout.len()], (Kind::Float, Device::Cpu))?;
    for (parameter, tensor) in layout.parameters.iter().zip(&tensors) {
        flat.narrow(0, parameter.offset, parameter.len())
            .copy_(&tensor.reshape([-1]));
    }
    let stats = names.has_statistics.then(|| {
        let of = |index: usize| -> Vec<Tensor> {
            let rest = &tensors[layout.parameters.len()..];
            rest.iter()
                .skip(index)
                .step_by(STATISTICS.len())
                .map(|t| t.copy())
                .collect()
        };
        let counters = names.counters.iter().filter_map(|n| count(n, &by_name));
        RunningStats {
            mean: of(0),
            var: of(1),
            batches: counters.max().unwrap_or(1).max(1),
        }
    });
    Ok(GivenWeights {
        flat,
        stats,
        names,
        notices,
    })
}

/// Refuses values that are no finite floats; `name` is quoted.
fn check_values(name: &str, tensor: &Tensor, variance: bool) -> std::result::Result<(), String> {
    if !tensor.is_floating_point() {
        return Err(format!(
            "tensor {name} has values of type {:?}; expected floats of 16, 32 or 64 bits",
            tensor.kind()
        ));
    }
    let wrong = tensor.numel() as i64 - tensor.isfinite().sum(Kind::Int64).int64_value(&[]);
    if wrong > 0 {
        return Err(format!(
            "{name} has {wrong} values that are not finite; this network's training diverged, use another"
        ));
    }
    if variance && tensor.numel() > 0 && tensor.min().double_value(&[]) < 0.0 {
        return Err(format!(
            "{name} has a negative variance; the file is damaged"
        ));
    }
    Ok(())
}

/// A counter's value, whatever integer or float it is.
fn count(name: &str, tensors: &HashMap<&str, &Tensor>) -> Option<i64> {
    let tensor = tensors.get(name).filter(|t| t.numel() == 1)?;
    Some(tensor.to_kind(Kind::Double).reshape([1]).double_value(&[0]) as i64)
}

/// Position embeddings `[1, 1 + n², D]` for a grid of rows and columns of patches: bicubic with antialiasing, the class
/// token apart, as timm's `resample_abs_pos_embed` does it.
fn interpolate_positions(positions: &Tensor, [rows, columns]: [i64; 2]) -> Result<Tensor> {
    let &[_, tokens, features] = positions.size().as_slice() else {
        return Ok(positions.shallow_clone());
    };
    let side = (tokens - 1).isqrt();
    let class = positions.f_narrow(1, 0, 1)?;
    let grid = positions
        .f_narrow(1, 1, tokens - 1)?
        .f_reshape([1, side, side, features])?
        .f_permute([0, 3, 1, 2])?
        .f_contiguous()?
        .f_internal_upsample_bicubic2d_aa([rows, columns], false, None, None)?
        .f_permute([0, 2, 3, 1])?
        .f_reshape([1, rows * columns, features])?;
    Ok(Tensor::f_cat(&[class, grid], 1)?)
}

/// dnn-mode-connectivity's VGG16BN pairs a stage's list of convolutions and batch norms with its list of ReLUs, which is half
/// as long, so that the second half of every stage never runs. Such a file is of another function than VGG16's.
fn refuse_layers_never_run(
    names: &NameMap,
    tensors: &HashMap<&str, &Tensor>,
) -> std::result::Result<(), String> {
    let counts: Vec<i64> = names
        .counters
        .iter()
        .filter_map(|n| count(n, tensors))
        .collect();
    let unused = counts.iter().position(|&n| n == 0);
    let unused = unused.filter(|_| names.naming == MODE_CONNECTIVITY && counts.iter().any(|&n| n > 0));
    let Some(name) = unused.and_then(|at| names.counters.get(at)) else {
        return Ok(());
    };
    let layer = name.trim_end_matches(BATCHES).trim_end_matches('.');
    Err(format!(
        "{} was never run: {MODE_CONNECTIVITY}'s VGG16BN leaves half of each stage's layers out, which is another function \
         than a VGG16's; train with its forward pass mended, or use its VGG16",
        quote_name(layer)
    ))
}

/// What a module's own normalization of images is, when its buffers say it.
fn own_normalization(names: &NameMap, tensors: &HashMap<&str, &Tensor>) -> Option<String> {
    let [mean, std] = names.normalization.each_ref().map(|name| {
        let tensor = tensors.get(name.as_ref()?.as_str())?;
        let values: Vec<f64> = tensor
            .to_kind(Kind::Double)
            .reshape([-1])
            .iter::<f64>()
            .ok()?
            .map(|v| (v * 1e6).round() / 1e6)
            .collect();
        Some(values)
    });
    let (mean, std) = (mean?, std?);
    Some(format!(
        "its module normalizes images itself, with mean {mean:?} and standard deviation {std:?}; give these as data.mean \
         and data.std"
    ))
}

#[cfg(test)]
mod tests;

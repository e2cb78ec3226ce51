//! Weights from a file of any naming, as a flat vector of a network.

use crate::layout::RunningStats;
use crate::{EngineError, Result};
use std::path::Path;
use surfit_core::config::CornerWeights;
use surfit_weights::MatchedFile;
use surfit_weights::file::quote;
use surfit_weights::names::{ExpectedNetwork, NameMap, RUNNING_STATISTICS, RenameRules};
use tch::{Device, Kind, Tensor};

#[derive(Debug)]
pub struct GivenWeights {
    /// Flat vector, `[P]`, `f32` on the CPU.
    pub flat: Tensor,
    /// Batch norm's running statistics, where the file has them.
    pub stats: Option<RunningStats>,
    pub names: NameMap,
}

impl GivenWeights {
    /// Reads the weights of a network from a file or folder.
    ///
    /// # Errors
    /// As [`MatchedFile::open`], and for values that are not finite.
    pub fn read(path: &Path, weights: CornerWeights, network: &ExpectedNetwork, renames: &RenameRules) -> Result<Self> {
        let mut file = MatchedFile::open(path, weights, network, renames)?;
        let layout = network.layout();
        let flat = Tensor::f_empty([layout.len()], (Kind::Float, Device::Cpu))?;
        let mut statistics: Vec<Tensor> = Vec::new();
        for (index, mapped) in file.names.tensors.iter().enumerate() {
            let mut parts = Vec::with_capacity(mapped.sources.len());
            for source in &mapped.sources {
                let (shape, values) = file.read_tensor(source)?;
                let part = Tensor::f_from_slice(&values)?.f_reshape(shape)?;
                check_values(path, source, &part, mapped.name.ends_with(RUNNING_STATISTICS[1]))?;
                parts.push(part);
            }
            let mut tensor = match parts.len() {
                1 => parts.remove(0),
                _ => Tensor::f_cat(&parts, 0)?,
            };
            if mapped.stored.is_some()
                && let Some(grid) = network.architecture.patch_grid
            {
                tensor = interpolate_positions(&tensor, grid)?;
            }
            match layout.parameters.get(index) {
                Some(p) => flat.f_narrow(0, p.offset, p.len())?.f_copy_(&tensor.f_reshape([-1])?)?,
                None => statistics.push(tensor),
            }
        }
        let stats = file.names.has_statistics.then(|| {
            let of = |index: usize| -> Vec<Tensor> {
                let of_one = statistics.iter().skip(index).step_by(RUNNING_STATISTICS.len());
                of_one.map(Tensor::shallow_clone).collect()
            };
            let counters = file.names.counters.iter().filter_map(|n| read_counter(&file, n));
            RunningStats { mean: of(0), var: of(1), batches: counters.max().unwrap_or(1).max(1) }
        });
        file.retain_ignored_values();
        Ok(Self { flat, stats, names: file.names })
    }
}

/// Refuses values that are not finite, and variances below 0.
fn check_values(path: &Path, name: &str, tensor: &Tensor, variance: bool) -> Result<()> {
    let (path, name) = (path.display(), quote(name));
    let wrong = tensor.numel() as i64 - tensor.isfinite().sum(Kind::Int64).int64_value(&[]);
    if wrong > 0 {
        return Err(EngineError::input(format!(
            "{path}: {name} has {wrong} values that are not finite; this network's training diverged, use another"
        )));
    }
    if variance && tensor.numel() > 0 && tensor.min().double_value(&[]) < 0.0 {
        return Err(EngineError::input(format!("{path}: {name} has a negative variance; the file is damaged")));
    }
    Ok(())
}

/// A counter's value, of whatever type it is.
fn read_counter(file: &MatchedFile, name: &str) -> Option<i64> {
    let (_, values) = file.read_tensor(name).ok()?;
    match values.as_slice() {
        [one] => Some(*one as i64),
        _ => None,
    }
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

#[cfg(test)]
mod tests;

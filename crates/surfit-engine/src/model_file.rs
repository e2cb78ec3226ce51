//! Networks' weights in files: what `surfit-weights` reads becomes tensors, and what is written is safetensors.

mod given_weights;
mod tensor_file;

pub use given_weights::GivenWeights;
pub use tensor_file::{read_metadata, read_tensors, write_checksummed, write_tensors};

use crate::layout::{LayoutTensors, RunningStats, WeightLayout};
use crate::{EngineError, Result};
use surfit_core::files::FileLocation;
use surfit_weights::names::{BATCH_COUNTER, NameMap, RUNNING_STATISTICS};
use tch::{Kind, Tensor};

/// Writes a network as safetensors that PyTorch reads as its state dict: the parameters, then the running
/// statistics, under the layout's names or under those of a file that weights were read from; `more` is metadata. The file
/// is whole or, after an error, unchanged.
pub fn write(
    location: &(impl FileLocation + ?Sized),
    layout: &WeightLayout,
    flat: &Tensor,
    stats: &RunningStats,
    names: Option<&NameMap>,
    more: &[(String, String)],
) -> Result<()> {
    let path = location.full_path();
    if flat.size() != [layout.len()] {
        return Err(EngineError::input(format!(
            "{}: cannot write weights of shape {:?} as a network of {} weights",
            path.display(),
            flat.size(),
            layout.len()
        )));
    }
    let flat = flat.detach();
    let mut tensors: Vec<(String, Tensor)> =
        layout.parameters.iter().map(|p| p.name.clone()).zip(layout.views(&flat)).collect();
    for (i, norm) in layout.norms.iter().enumerate() {
        let named = |what: &str| format!("{}.{what}", norm.prefix);
        tensors.push((named(RUNNING_STATISTICS[0]), stats.mean[i].shallow_clone()));
        tensors.push((named(RUNNING_STATISTICS[1]), stats.var[i].shallow_clone()));
        tensors.push((named(BATCH_COUNTER), Tensor::from(stats.batches)));
    }
    if let Some(names) = names {
        tensors = rename_tensors(tensors, names)?;
    }
    let tensors: Vec<(&str, &Tensor)> = tensors.iter().map(|(n, t)| (n.as_str(), t)).collect();
    let format = [("format".into(), "pt".into())];
    write_tensors(location, &tensors, &[&format, more].concat())
}

/// Tensors of a layout under the names of a file, and in its parts; behind them what else the file's module has.
fn rename_tensors(tensors: Vec<(String, Tensor)>, names: &NameMap) -> Result<Vec<(String, Tensor)>> {
    let mut given = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let called = names.names_in_file(&name).unwrap_or_else(|| vec![name]);
        match called.as_slice() {
            [one] => given.push((one.clone(), tensor)),
            several => {
                let parts = tensor.f_chunk(several.len() as i64, 0)?;
                given.extend(several.iter().cloned().zip(parts));
            }
        }
    }
    for kept in &names.kept {
        let values = Tensor::f_from_slice(&kept.values)?.f_reshape(&kept.shape)?;
        let kind = tensor_file::torch_kind(kept.dtype).unwrap_or(Kind::Float);
        given.push((kept.name.clone(), values.f_to_kind(kind)?));
    }
    Ok(given)
}

#[cfg(test)]
mod tests;

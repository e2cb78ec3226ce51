use super::*;
use std::fs;

mod archives;
mod averages;
mod checkpoints;
mod fixtures;
mod folders;
mod legacy;
mod limits;
mod pytorch_files;

/// Name, shape and values of a tensor.
type NamedValues = (String, Vec<usize>, Vec<f32>);

fn read(path: &Path) -> Result<Vec<NamedValues>, WeightFileError> {
    read_as(path, CornerWeights::Ema)
}

fn read_as(path: &Path, weights: CornerWeights) -> Result<Vec<NamedValues>, WeightFileError> {
    let file = WeightFile::open(path, weights)?;
    let tensors = file.tensors.iter().enumerate();
    tensors
        .map(|(index, entry)| {
            let values = file.read_values(index)?;
            Ok((entry.name.clone(), entry.shape.clone(), values))
        })
        .collect()
}

fn refusal<T>(result: Result<T, WeightFileError>) -> String {
    result.err().expect("an error").to_string()
}

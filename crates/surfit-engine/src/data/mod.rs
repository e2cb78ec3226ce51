//! Data sets on a device: three splits of tensors. The readers are in `surfit-data`.

mod augment;
mod split;

pub use augment::Augmentation;
pub use split::DataSplit;

use crate::Result;
use surfit_core::config::DataConfig;
use surfit_data::LoadedSet;
use tch::Device;

/// A data set on a device.
pub type DataSet = LoadedSet<DataSplit>;

/// Loads the data set of a configuration onto a device. Which images a limit or a split takes is a function of the
/// seed, with every class in equal parts.
///
/// # Errors
/// A sentence for an unknown name (with the nearest known one), for files that are missing, cut short or not what
/// they should be, and for limits that leave too few images.
pub fn load(config: &DataConfig, seed: u64, device: Device) -> Result<DataSet> {
    let set = surfit_data::load(config, seed)?;
    let (mean, std) = (set.mean.clone(), set.std.clone());
    let side = (set.input_shape[1..] != set.train.shape[1..]).then_some(set.input_shape[1] as i64);
    Ok(set.map_splits(|images| DataSplit::new(images, &mean, &std, device).resized_to(side)))
}

#[cfg(test)]
mod tests;

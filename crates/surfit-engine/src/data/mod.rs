//! Data sets on a device: three splits of tensors. The readers are in `surfit-data`.

mod augment;
mod split;

pub use augment::Augmentation;
pub use split::DataSplit;

use crate::Result;
use surfit_core::config::DataConfig;
use surfit_data::LoadedSet;
use tch::Device;

#[derive(Debug)]
pub struct DataSet {
    /// Name of the set that was loaded, such as `fashion-mnist-16k`.
    pub name: String,
    /// The name and the source, such as `fashion-mnist-16k (embedded)`.
    pub description: String,
    /// Where the splits come from, such as `validation: its own; test: its own`.
    pub splits: String,
    /// What was skipped among the set's files, each as a sentence.
    pub notices: Vec<String>,
    /// `[C, H, W]` of an image as networks see it.
    pub input_shape: [usize; 3],
    /// Mean of every channel, of pixel values in 0..=1, that images are normalized with.
    pub mean: Vec<f64>,
    /// Standard deviation of every channel, likewise.
    pub std: Vec<f64>,
    /// The same constants that the set itself has.
    pub own_constants: (Vec<f64>, Vec<f64>),
    /// Names of the classes; a label is an index into them.
    pub classes: Vec<String>,
    /// Training images of each class before `data.train_images` takes some of them.
    pub class_sizes: Vec<usize>,
    pub train: DataSplit,
    /// What points of a surface are chosen on.
    pub validation: DataSplit,
    /// What is measured once, after the choice.
    pub test: DataSplit,
}

impl DataSet {
    pub fn normalize_with(&mut self, mean: &[f64], std: &[f64]) {
        for split in [&mut self.train, &mut self.validation, &mut self.test] {
            *split = split.normalized_with(mean, std);
        }
        (self.mean, self.std) = (mean.to_vec(), std.to_vec());
    }
}

/// Loads the data set of a configuration onto a device. Which images a limit or a split takes is a function of the
/// seed, with every class in equal parts.
///
/// # Errors
/// A sentence for an unknown name (with the nearest known one), for files that are missing, cut short or not what
/// they should be, and for limits that leave too few images.
pub fn load(config: &DataConfig, seed: u64, device: Device) -> Result<DataSet> {
    let LoadedSet {
        name,
        description,
        splits,
        notices,
        input_shape,
        mean,
        std,
        own_constants,
        classes,
        class_sizes,
        train,
        validation,
        test,
    } = surfit_data::load(config, seed)?;
    // Each split's bytes are given back before the next is copied.
    let side = (input_shape[1..] != train.shape[1..]).then_some(input_shape[1] as i64);
    let split = |images| DataSplit::new(images, &mean, &std, device).resized_to(side);
    Ok(DataSet {
        name,
        description,
        splits,
        notices,
        input_shape,
        train: split(train),
        validation: split(validation),
        test: split(test),
        mean,
        std,
        own_constants,
        classes,
        class_sizes,
    })
}

#[cfg(test)]
mod tests;

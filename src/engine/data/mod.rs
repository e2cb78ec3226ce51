//! Data sets: three splits on a device, one file and one line of `SETS` each.

mod augment;
mod balance;
mod fashion_mnist;
mod idx;
mod names;
mod split;

pub use augment::augment;
pub(crate) use names::unknown;
pub use split::Split;

use crate::{Error, Result};
use idx::Raw;
use surfit_core::config::DataConfig;
use tch::Device;

/// A data set, ready for use.
#[derive(Debug)]
pub struct DataSet {
    /// Name of the set that was loaded, such as `fashion-mnist-16k`.
    pub name: String,
    /// The name with what stands behind it, such as `fashion-mnist-16k (embedded)`.
    pub description: String,
    /// `[C, H, W]` of an image.
    pub input_shape: [usize; 3],
    /// Mean of every channel, of pixel values in 0..=1, that images are normalized with.
    pub mean: Vec<f64>,
    /// Standard deviation of every channel, likewise.
    pub std: Vec<f64>,
    /// Names of the classes; a label is an index into them.
    pub classes: Vec<String>,
    /// What networks are trained on.
    pub train: Split,
    /// What points of a surface are chosen on.
    pub validation: Split,
    /// What is measured once, after the choice.
    pub test: Split,
}

/// A data set as its files have it.
struct RawSet {
    name: &'static str,
    description: String,
    mean: Vec<f64>,
    std: Vec<f64>,
    classes: &'static [&'static str],
    train: Raw,
    /// `None` when the set has no validation split of its own and one is to be taken from `train`.
    validation: Option<Raw>,
    test: Raw,
}

/// Validation images taken from a training split when the configuration does not say how many.
const DEFAULT_VALIDATION: usize = 5000;

/// Reads a data set's files.
type ReadSet = fn(&DataConfig) -> Result<RawSet>;

/// Every data set: its name and what reads it.
const SETS: [(&str, ReadSet); 2] = [
    ("fashion-mnist-16k", fashion_mnist::small),
    ("fashion-mnist", fashion_mnist::full),
];

/// Loads the data set of a configuration. Which images a limit or a split takes is a function of the seed, with
/// every class in equal parts.
///
/// # Errors
/// A sentence for an unknown name (with the nearest known one), for files that are missing, cut short or not what
/// they should be, and for limits that leave too few images.
pub fn load(config: &DataConfig, seed: u64, device: Device) -> Result<DataSet> {
    let known: Vec<&str> = SETS.iter().map(|(name, _)| *name).collect();
    let (_, read) = SETS
        .iter()
        .find(|(name, _)| *name == config.set)
        .ok_or_else(|| Error::input(unknown("data.set", "data set", &config.set, &known)))?;
    let set = read(config)?;

    let least = 2 * set.classes.len();
    for (key, n) in [
        ("train_images", config.train_images),
        ("validation_images", config.validation_images),
    ] {
        if n > 0 && n < least {
            return Err(Error::input(format!(
                "data.{key}: {n} images are too few for {} classes; use at least {least}, or 0 for {}",
                set.classes.len(),
                if key == "train_images" || set.validation.is_some() {
                    "all"
                } else {
                    "the default"
                },
            )));
        }
    }
    let (train, validation) = match set.validation {
        Some(validation) => (
            set.train,
            limited(validation, config.validation_images, seed, 2),
        ),
        None => divided(set.train, config.validation_images, seed, least)?,
    };
    let train = limited(train, config.train_images, seed, 1);

    let split = |raw: &Raw| Split::new(raw, &set.mean, &set.std, device);
    Ok(DataSet {
        name: set.name.into(),
        input_shape: train.shape,
        classes: set.classes.iter().map(|&c| c.into()).collect(),
        train: split(&train),
        validation: split(&validation),
        test: split(&set.test),
        description: set.description,
        mean: set.mean,
        std: set.std,
    })
}

/// At most `n` images, 0 for all.
fn limited(raw: Raw, n: usize, seed: u64, part: u64) -> Raw {
    if n == 0 || n >= raw.labels.len() {
        return raw;
    }
    raw.take(&balance::choose(&raw.labels, n, seed, part).0)
}

/// Takes `n` validation images (0 for the default) out of a training split, which keeps at least `least`.
fn divided(train: Raw, n: usize, seed: u64, least: usize) -> Result<(Raw, Raw)> {
    let n = if n == 0 { DEFAULT_VALIDATION } else { n };
    let all = train.labels.len();
    if n + least > all {
        return Err(Error::input(format!(
            "data.validation_images: {n} of the {all} training images would leave fewer than {least} to \
             train on; use fewer"
        )));
    }
    let (validation, rest) = balance::choose(&train.labels, n, seed, 0);
    Ok((train.take(&rest), train.take(&validation)))
}

#[cfg(test)]
mod tests;

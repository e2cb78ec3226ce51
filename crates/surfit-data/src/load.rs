//! From a configuration to three splits of plain images.

use crate::find::{FoundSet, find_set};
use crate::images::LabeledImages;
use crate::{DataError, Result, class_order, splits};
use surfit_core::config::{ChannelConstants, ChannelStatistic, DataConfig};
use surfit_core::data_sets::DataSetSpec;

/// A data set as its files have it.
#[derive(Debug, PartialEq)]
pub(crate) struct RawSet {
    pub classes: Vec<String>,
    pub train: LabeledImages,
    /// `None` when the set has no validation split of its own and one is to be taken from `train`.
    pub validation: Option<LabeledImages>,
    /// `None` when the set has no test split of its own and one is to be taken from `train`.
    pub test: Option<LabeledImages>,
}

/// A data set in three splits, as plain bytes or as another `S`.
#[derive(Debug)]
pub struct LoadedSet<S = LabeledImages> {
    /// Name of the set that was loaded, such as `fashion-mnist-16k`.
    pub name: String,
    /// The name and the source, such as `fashion-mnist-16k (embedded)`.
    pub description: String,
    /// Where the splits come from, such as `validation: 5000 of 60000 training images, by seed 1; test: its own`.
    pub splits: String,
    /// Mean of every channel, of pixel values in 0..=1, that images are normalized with.
    pub mean: Vec<f64>,
    /// Standard deviation of every channel, likewise.
    pub std: Vec<f64>,
    /// Mean and standard deviation of every channel that the set itself has.
    pub own_constants: (Vec<f64>, Vec<f64>),
    /// What was skipped among the set's files, each as a sentence.
    pub notices: Vec<String>,
    /// `[C, H, W]` that networks see: images of another height or width are resized to it, batch by batch.
    pub input_shape: [usize; 3],
    /// Names of the classes; a label is an index into them.
    pub classes: Vec<String>,
    /// Training images of each class before `data.train_images` takes some of them.
    pub class_sizes: Vec<usize>,
    /// What networks are trained on.
    pub train: S,
    /// What points of a surface are chosen on.
    pub validation: S,
    /// What is measured once, after the choice.
    pub test: S,
}

impl<S> LoadedSet<S> {
    /// The same set with other splits. Each is given up before the next is made.
    pub fn map_splits<T>(self, split: impl Fn(S) -> T) -> LoadedSet<T> {
        LoadedSet {
            name: self.name,
            description: self.description,
            splits: self.splits,
            mean: self.mean,
            std: self.std,
            own_constants: self.own_constants,
            notices: self.notices,
            input_shape: self.input_shape,
            classes: self.classes,
            class_sizes: self.class_sizes,
            train: split(self.train),
            validation: split(self.validation),
            test: split(self.test),
        }
    }
}

/// Loads the data set of a configuration. Which images a limit or a split takes is a function of the seed, with
/// every class in equal parts.
///
/// # Errors
/// A sentence for an unknown name (with the nearest known one), for files that are missing, cut short or not what
/// they should be, and for limits that leave too few images.
pub fn load(config: &DataConfig, seed: u64) -> Result<LoadedSet> {
    let spec = DataSetSpec::find(&config.name).map_err(|e| DataError::input(format!("data.name: {e}")))?;
    let found = find_set(spec, &config.root)?;
    load_found(&found, config, seed)
}

pub(crate) fn load_found(found: &FoundSet, config: &DataConfig, seed: u64) -> Result<LoadedSet> {
    let spec = found.spec;
    let (mut set, notices) = found.reader.read(spec, config)?;
    class_order::reorder_classes(&mut set, &config.classes, &found.source())?;
    let mut loaded = splits::split_set(set, &found.source(), config, seed)?;
    if config.channels > 0 {
        for images in [&mut loaded.train, &mut loaded.validation, &mut loaded.test] {
            let own = std::mem::replace(images, LabeledImages::with_capacity([0; 3], 0));
            *images = own.with_channels(config.channels);
        }
    }
    loaded.input_shape = input_shape(loaded.train.shape, config);
    loaded.notices = notices;
    loaded.name = spec.name.into();
    loaded.description = format!("{} ({})", spec.name, found.source());
    if config.image_size > 0 {
        loaded.description += &format!(" at {0}×{0}", config.image_size);
    }
    let channels = loaded.train.shape[0];
    let own = match (spec.mean, spec.std) {
        (&[mean], &[std]) => (vec![mean; channels], vec![std; channels]),
        (mean, std) if mean.len() == channels => (mean.to_vec(), std.to_vec()),
        _ => loaded.train.channel_statistics(),
    };
    (loaded.mean, loaded.std) = normalization(config, channels, &own)?;
    loaded.own_constants = own;
    Ok(loaded)
}

/// Returns mean and standard deviation of every channel as `data.mean` and `data.std` have them; `own` are the set's.
///
/// # Errors
/// A sentence when there are not as many constants as channels.
pub fn normalization(config: &DataConfig, channels: usize, own: &(Vec<f64>, Vec<f64>)) -> Result<(Vec<f64>, Vec<f64>)> {
    let resolve = |key, constants: &ChannelConstants, statistic, own| {
        let found = constants.resolve(statistic, channels, own);
        found.map_err(|source| DataError::Constants { key, constants: constants.clone(), source })
    };
    Ok((
        resolve("mean", &config.mean, ChannelStatistic::Mean, &own.0)?,
        resolve("std", &config.std, ChannelStatistic::Std, &own.1)?,
    ))
}

/// `[C, H, W]` that images of `shape` are brought to.
pub(crate) fn input_shape([channels, height, width]: [usize; 3], config: &DataConfig) -> [usize; 3] {
    let channels = match config.channels {
        0 => channels,
        n => n,
    };
    match config.image_size {
        0 => [channels, height, width],
        n => [channels, n, n],
    }
}

//! Three splits out of what a set's files have.

use crate::class_sampling::{sample_equal_classes, sample_proportionally};
use crate::images::LabeledImages;
use crate::load::{LoadedSet, RawSet};
use crate::{DataError, Result};
use std::collections::BTreeSet;
use surfit_core::config::DataConfig;

/// Validation images taken from a training split when the configuration does not set a number: this many, or a tenth of
/// the training images where that is less.
const DEFAULT_VALIDATION_IMAGES: usize = 5000;
/// The share of the images that becomes the test split of a set without one: one part in this many.
const INVERSE_TEST_FRACTION: usize = 6;

/// Which choice of a run; each is drawn for itself.
const VALIDATION_STREAM: u64 = 0;
const LIMITED_TRAIN_STREAM: u64 = 1;
const LIMITED_VALIDATION_STREAM: u64 = 2;
const TEST_STREAM: u64 = 3;

/// Divides a set. Name, description, notices and normalization are left to the caller.
pub(crate) fn split_set(set: RawSet, place: &str, config: &DataConfig, seed: u64) -> Result<LoadedSet> {
    let least = 2 * set.classes.len();
    let taken = set.validation.is_none();
    for (key, n) in [("train_images", config.train_images), ("validation_images", config.validation_images)] {
        if n > 0 && n < least {
            return Err(DataError::input(format!(
                "data.{key}: {n} images are too few for {} classes; use at least {least}, or 0 for {}",
                set.classes.len(),
                if key == "validation_images" && taken { "the default" } else { "all" },
            )));
        }
    }
    let mut train = set.train;
    let given: BTreeSet<u16> = train.labels.iter().copied().collect();
    let (test, test_from) = match set.test {
        Some(test) => (test, "its own".to_owned()),
        None => {
            let all = train.len();
            let n = all / INVERSE_TEST_FRACTION;
            if n < set.classes.len() {
                return Err(DataError::input(format!(
                    "{place}: {all} images are too few to take a test split for {} classes from; add images, or a \
                     folder `test`",
                    set.classes.len()
                )));
            }
            (
                split_off_images(&mut train, n, seed, TEST_STREAM),
                format!("{n} of {all} images, the same share of every class by seed {seed}"),
            )
        }
    };
    let all = train.len();
    let (validation, validation_from) = match set.validation {
        Some(validation) => {
            let own = validation.len();
            let kept = limit_images(validation, config.validation_images, seed, LIMITED_VALIDATION_STREAM);
            let from = if kept.len() < own {
                format!("{} of its own {own}, by seed {seed}", kept.len())
            } else {
                "its own".to_owned()
            };
            (kept, from)
        }
        None => {
            let n = match config.validation_images {
                0 => DEFAULT_VALIDATION_IMAGES.min(all / 10).max(set.classes.len()),
                n => n,
            };
            if n + least > all {
                let remedy = if config.validation_images == 0 { "add images" } else { "use fewer" };
                return Err(DataError::input(format!(
                    "data.validation_images: {n} of the {all} training images would leave fewer than {least} to \
                     train on; {remedy}"
                )));
            }
            (
                split_off_images(&mut train, n, seed, VALIDATION_STREAM),
                format!("{n} of {all} training images, the same share of every class by seed {seed}"),
            )
        }
    };
    let left: BTreeSet<u16> = train.labels.iter().copied().collect();
    if let Some(&class) = given.difference(&left).next() {
        return Err(DataError::input(format!(
            "{place}: class `{}` has no image left to train on; add images of it",
            set.classes[usize::from(class)]
        )));
    }
    for (split, images) in [("training", &train), ("validation", &validation), ("test", &test)] {
        if images.is_empty() {
            return Err(DataError::input(format!("{place}: the {split} split has no images; add some")));
        }
    }
    let mut class_sizes = vec![0; set.classes.len()];
    for &label in &train.labels {
        class_sizes[usize::from(label)] += 1;
    }
    Ok(LoadedSet {
        name: String::new(),
        description: String::new(),
        splits: format!("validation: {validation_from}; test: {test_from}"),
        notices: Vec::new(),
        input_shape: train.shape,
        mean: Vec::new(),
        std: Vec::new(),
        own_constants: Default::default(),
        classes: set.classes,
        class_sizes,
        train: limit_images(train, config.train_images, seed, LIMITED_TRAIN_STREAM),
        validation,
        test,
    })
}

/// Takes `n` images out of `images`, which keeps the others.
fn split_off_images(images: &mut LabeledImages, n: usize, seed: u64, which: u64) -> LabeledImages {
    let (chosen, others) = sample_proportionally(&images.labels, n, seed, which);
    let taken = images.select(&chosen);
    images.retain_indices(&others);
    taken
}

/// At most `n` images, 0 for all.
fn limit_images(mut images: LabeledImages, n: usize, seed: u64, which: u64) -> LabeledImages {
    if n > 0 && n < images.len() {
        let (chosen, _) = sample_equal_classes(&images.labels, n, seed, which);
        images.retain_indices(&chosen);
    }
    images
}

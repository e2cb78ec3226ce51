//! Descriptions of sets from headers and names: no image is decoded.

use crate::catalogue::{CatalogueEntry, find_entry};
use crate::find::{FoundSet, SetLayout, find_set};
use crate::image_files::PictureFile;
use crate::images::LabeledImages;
use crate::load::{RawSet, input_shape};
use crate::{DataError, Result, cifar, class_order, folder, idx, splits, tiny_imagenet};
use surfit_core::config::DataConfig;

/// What a network and a training must suit.
#[derive(Clone, Debug, PartialEq)]
pub struct SetDescription {
    /// Name of the set that would be loaded, such as `fashion-mnist-16k`.
    pub name: String,
    /// `[C, H, W]` that networks see, after `data.image_size` and `data.channels`.
    pub input_shape: [usize; 3],
    /// Names of the classes, in the order of the logits.
    pub classes: Vec<String>,
    /// Images to train on, after limits and splits.
    pub train_images: usize,
    /// Images to choose points of a surface on.
    pub validation_images: usize,
    /// Images that are measured once.
    pub test_images: usize,
    /// What would be skipped among the set's files, each as a sentence.
    pub notices: Vec<String>,
}

/// Describes the data set of a configuration as [`crate::load`] would load it. Of folders names and headers are read, of other
/// sets headers and lengths, and files whose headers do not have their number of images; an archive that is as long as the
/// published one is taken to be that.
///
/// # Errors
/// The sentence of [`crate::load`], where names and headers are enough to know it.
pub fn describe_set(config: &DataConfig) -> Result<SetDescription> {
    let entry = find_entry(&config.name).map_err(|e| DataError::input(format!("data.name: {e}")))?;
    let found = find_set(entry, &config.root)?;
    let SetOutline { mut set, shape, skipped_notices: left_out } = outline_set(&found, config)?;
    class_order::reorder_classes(&mut set, &config.classes, &found.source())?;
    // How many images a split takes does not depend on the seed.
    let divided = splits::split_set(set, &found.source(), config, 0)?;
    Ok(SetDescription {
        name: found.entry.name.into(),
        input_shape: input_shape(shape, config),
        classes: divided.classes,
        train_images: divided.train.len(),
        validation_images: divided.validation.len(),
        test_images: divided.test.len(),
        notices: left_out,
    })
}

/// A set as in its headers: labels without pixels, `[C, H, W]` of an image as its files have it, and what is left out.
struct SetOutline {
    set: RawSet,
    shape: [usize; 3],
    skipped_notices: Vec<String>,
}

fn outline_set(found: &FoundSet, config: &DataConfig) -> Result<SetOutline> {
    let entry = found.entry;
    let published = |[train, test]: [usize; 2]| [balanced_labels(entry, train), balanced_labels(entry, test)];
    let (train, validation, test) = match &found.layout {
        SetLayout::Embedded { .. } => {
            let [train, test] = published(entry.images);
            (train, Some(test.clone()), test)
        }
        SetLayout::EmbeddedFiles(dir) => {
            let read = |part| idx::read_part_labels(entry, dir, part);
            (read("train")?, Some(read("validation")?), read("test")?)
        }
        SetLayout::Idx(dir) => {
            let read = |part| idx::read_part_labels(entry, dir, part);
            let (train, test) = (read("train")?, read("t10k")?);
            idx::check_not_swapped(entry, dir, train.len(), test.len())?;
            (train, None, test)
        }
        SetLayout::Cifar(place) => {
            let [train, test] = published(cifar::count_images(entry, place)?);
            (train, None, test)
        }
        SetLayout::TinyImageNet(path) => {
            let (_, listed) = tiny_imagenet::list_pictures(path)?;
            let set = RawSet {
                classes: listed.classes,
                train: images_without_pixels(picture_labels(&listed.train)),
                validation: None,
                test: Some(images_without_pixels(picture_labels(&listed.val))),
            };
            return Ok(SetOutline { set, shape: entry.shape.unwrap_or_default(), skipped_notices: Vec::new() });
        }
        SetLayout::Folder(dir) => {
            let (listed, shape) = folder::describe_files(dir, config.image_size, config.channels)?;
            let set = RawSet {
                classes: listed.classes,
                train: images_without_pixels(picture_labels(&listed.train)),
                validation: listed.validation.map(|v| images_without_pixels(picture_labels(&v))),
                test: listed.test.map(|t| images_without_pixels(picture_labels(&t))),
            };
            return Ok(SetOutline { set, shape, skipped_notices: listed.skipped_notices });
        }
    };
    Ok(SetOutline {
        set: RawSet {
            classes: entry.class_names(),
            train: images_without_pixels(train),
            validation: validation.map(images_without_pixels),
            test: Some(images_without_pixels(test)),
        },
        shape: entry.shape.unwrap_or_default(),
        skipped_notices: Vec::new(),
    })
}

/// Labels of so many images, the classes in turn.
fn balanced_labels(entry: &CatalogueEntry, count: usize) -> Vec<u16> {
    let classes = entry.class_count.max(1);
    (0..count).map(|i| (i % classes) as u16).collect()
}

fn picture_labels(pictures: &[PictureFile]) -> Vec<u16> {
    pictures.iter().map(|p| p.label).collect()
}

/// Images of which only the labels are known.
fn images_without_pixels(labels: Vec<u16>) -> LabeledImages {
    LabeledImages { shape: [0; 3], pixels: Vec::new(), labels }
}

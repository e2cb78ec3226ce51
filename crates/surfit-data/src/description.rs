//! Descriptions of sets from headers and names: no image is decoded.

use crate::find::find_set;
use crate::image_files::ImageFile;
use crate::images::LabeledImages;
use crate::load::{RawSet, input_shape};
use crate::{DataError, Result, class_order, splits};
use surfit_core::config::DataConfig;
use surfit_core::data_sets::DataSetSpec;

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
    let spec = DataSetSpec::find(&config.name).map_err(|e| DataError::input(format!("data.name: {e}")))?;
    let found = find_set(spec, &config.root)?;
    let SetOutline { mut set, shape, skipped_notices } = found.reader.outline(found.spec, config)?;
    class_order::reorder_classes(&mut set, &config.classes, &found.source())?;
    // How many images a split takes does not depend on the seed.
    let divided = splits::split_set(set, &found.source(), config, 0)?;
    Ok(SetDescription {
        name: found.spec.name.into(),
        input_shape: input_shape(shape, config),
        classes: divided.classes,
        train_images: divided.train.len(),
        validation_images: divided.validation.len(),
        test_images: divided.test.len(),
        notices: skipped_notices,
    })
}

/// A set as in its headers: labels without pixels, `[C, H, W]` of an image as its files have it, and what is left out.
pub(crate) struct SetOutline {
    pub set: RawSet,
    pub shape: [usize; 3],
    pub skipped_notices: Vec<String>,
}

impl SetOutline {
    /// A set that has the classes and the shape of its description.
    pub fn from_labels(spec: &DataSetSpec, train: Vec<u16>, validation: Option<Vec<u16>>, test: Vec<u16>) -> Self {
        Self {
            set: RawSet {
                classes: spec.class_names(),
                train: images_without_pixels(train),
                validation: validation.map(images_without_pixels),
                test: Some(images_without_pixels(test)),
            },
            shape: spec.shape.unwrap_or_default(),
            skipped_notices: Vec::new(),
        }
    }

    /// Labels of so many training and test images, the classes in turn.
    pub fn balanced_labels(spec: &DataSetSpec, counts: [usize; 2]) -> [Vec<u16>; 2] {
        let classes = spec.class_count.max(1);
        counts.map(|count| (0..count).map(|i| (i % classes) as u16).collect())
    }
}

/// The labels of these files, as images without pixels.
pub(crate) fn labels_of_files(files: &[ImageFile]) -> LabeledImages {
    images_without_pixels(files.iter().map(|file| file.label).collect())
}

fn images_without_pixels(labels: Vec<u16>) -> LabeledImages {
    LabeledImages { shape: [0; 3], pixels: Vec::new(), labels }
}

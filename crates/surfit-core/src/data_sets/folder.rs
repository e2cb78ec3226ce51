//! The user's own images.

use super::{DataFormat, DataSetSpec};

pub(super) const SPEC: DataSetSpec = DataSetSpec {
    name: "folder",
    about: "your own images: DIR/train/CLASS and DIR/test/CLASS, or DIR/CLASS, with data.root = DIR; folders below a \
            class belong to it, and files that are no images of a class are left out and counted",
    format: DataFormat::ImageFolder,
    shape: None,
    classes: &[],
    class_count: 0,
    images: [0, 0],
    mean: &[],
    std: &[],
    splits: "val/CLASS and test/CLASS where they are there; else they are taken from the training images, the same share \
             of every class, by the seed",
    forms: &[],
    folders: &[],
    fallback: None,
};

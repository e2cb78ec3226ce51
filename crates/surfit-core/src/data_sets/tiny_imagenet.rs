//! Tiny-ImageNet: photographs of two hundred kinds.

use super::published::{PublishedFile, PublishedForm};
use super::{DataFormat, DataSetSpec};

pub(super) const SPEC: DataSetSpec = DataSetSpec {
    name: "tiny-imagenet",
    about: "Tiny-ImageNet (Stanford CS231n): 64×64 colour images, 200 classes",
    format: DataFormat::TinyImageNet,
    shape: Some([3, 64, 64]),
    classes: &[],
    class_count: 200,
    images: [100_000, 10_000],
    mean: &[0.4802, 0.4481, 0.3975],
    std: &[0.2770, 0.2691, 0.2821],
    splits: "its own val images are the test split, since its test images have no labels; validation images are taken \
             from the training images, the same share of every class, by the seed",
    forms: &[PublishedForm {
        name: "zip",
        files: &[PublishedFile::archive(
            "tiny-imagenet-200.zip",
            248_100_043,
            "6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
            &["http://cs231n.stanford.edu"],
        )],
    }],
    folders: &["tiny-imagenet-200"],
    fallback: None,
};

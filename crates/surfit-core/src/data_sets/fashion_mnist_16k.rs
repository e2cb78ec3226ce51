//! A part of Fashion-MNIST inside the program.

use super::{DataFormat, DataSetSpec, fashion_mnist};

pub(super) const SPEC: DataSetSpec = DataSetSpec {
    name: "fashion-mnist-16k",
    about: "a balanced subset of Fashion-MNIST, built in: 28×28 grey clothing, 10 classes",
    format: DataFormat::Embedded,
    shape: Some([1, 28, 28]),
    classes: fashion_mnist::CLASSES,
    class_count: 10,
    images: [12_000, 2_000],
    // Those of the whole set.
    mean: &[0.2860],
    std: &[0.3530],
    splits: "12,000 training, 2,000 validation and 2,000 test images",
    forms: &[],
    folders: &[],
    fallback: None,
};

//! `fashion-mnist-16k`: 12,000 training, 2,000 validation and 2,000 test images of Fashion-MNIST from inside the program.

use crate::catalogue::CatalogueEntry;
use crate::images::LabeledImages;
use crate::load::RawSet;
use crate::source::NamedFile;
use crate::{Result, idx};
use std::path::Path;

macro_rules! embedded {
    ($name:literal) => {
        NamedFile::Embedded(
            concat!("fashion-mnist-16k/", $name, ".gz"),
            include_bytes!(concat!("../fashion-mnist-16k/", $name, ".gz")),
        )
    };
}

/// The set inside the program.
pub(crate) fn read_embedded(entry: &'static CatalogueEntry) -> Result<RawSet> {
    let read = |images, labels| idx::read(entry, &images, &labels);
    Ok(RawSet {
        train: read(embedded!("train-images-idx3-ubyte"), embedded!("train-labels-idx1-ubyte"))?,
        validation: Some(read(embedded!("validation-images-idx3-ubyte"), embedded!("validation-labels-idx1-ubyte"))?),
        test: Some(read(embedded!("test-images-idx3-ubyte"), embedded!("test-labels-idx1-ubyte"))?),
        classes: entry.class_names(),
    })
}

/// The same three splits from files of the same names in `dir`.
pub(crate) fn read_files(entry: &'static CatalogueEntry, dir: &Path) -> Result<RawSet> {
    let read = |part: &str| -> Result<LabeledImages> { idx::read_part(entry, dir, part) };
    Ok(RawSet {
        train: read("train")?,
        validation: Some(read("validation")?),
        test: Some(read("test")?),
        classes: entry.class_names(),
    })
}

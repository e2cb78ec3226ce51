//! Fashion-MNIST (Xiao, Rasul, Vollgraf 2017): 28×28 grey-scale images of clothing in 10 classes.

use super::RawSet;
use super::idx::{self, Raw, Source};
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use surfit_core::config::DataConfig;

const CLASSES: [&str; 10] = [
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
];
const SIZE: [usize; 2] = [28, 28];

/// Folder in which Debian's package `dataset-fashion-mnist` has the full set.
const SYSTEM: &str = "/usr/share/datasets";
const FOLDER: &str = "fashion-mnist";

macro_rules! embedded {
    ($name:literal) => {
        Source::Embedded(
            concat!("fashion-mnist-16k/", $name, ".gz"),
            include_bytes!(concat!("fashion-mnist-16k/", $name, ".gz")),
        )
    };
}

/// `fashion-mnist-16k`: 12,000 training, 2,000 validation and 2,000 test images from inside the program.
///
/// With `data.dir` set, the three splits are read from files of the same names there.
pub(super) fn small(config: &DataConfig) -> Result<RawSet> {
    if config.dir.as_os_str().is_empty() {
        return embedded("embedded");
    }
    let dir = &config.dir;
    Ok(set(
        "fashion-mnist-16k",
        &dir.display().to_string(),
        pair(dir, "train")?,
        Some(pair(dir, "validation")?),
        pair(dir, "test")?,
    ))
}

/// `fashion-mnist`: 60,000 training and 10,000 test images from `data.dir` or one of the usual places, else
/// [`small`].
pub(super) fn full(config: &DataConfig) -> Result<RawSet> {
    let usual: Vec<PathBuf> = std::env::var_os("SURFIT_DATA")
        .filter(|root| !root.is_empty())
        .map(PathBuf::from)
        .into_iter()
        .chain([PathBuf::from(SYSTEM)])
        .map(|root| root.join(FOLDER))
        .collect();
    full_from(&config.dir, &usual)
}

/// [`full`] with `dir` (empty for none) and the usual places given.
pub(super) fn full_from(dir: &Path, usual: &[PathBuf]) -> Result<RawSet> {
    let there = |dir: &&PathBuf| {
        ["train", "t10k"]
            .iter()
            .any(|part| KINDS.iter().any(|kind| file(dir, part, kind).is_ok()))
    };
    let dir = if !dir.as_os_str().is_empty() {
        dir
    } else if let Some(dir) = usual.iter().find(there) {
        dir
    } else {
        let places: Vec<String> = usual.iter().map(|p| p.display().to_string()).collect();
        return embedded(&format!("embedded; no full set in {}", places.join(" or ")));
    };
    let (train, test) = (pair(dir, "train")?, pair(dir, "t10k")?);
    Ok(set(
        "fashion-mnist",
        &dir.display().to_string(),
        train,
        None,
        test,
    ))
}

/// The set inside the program.
fn embedded(source: &str) -> Result<RawSet> {
    let read = |images, labels| idx::read(&images, &labels, SIZE, CLASSES.len());
    Ok(set(
        "fashion-mnist-16k",
        source,
        read(
            embedded!("train-images-idx3-ubyte"),
            embedded!("train-labels-idx1-ubyte"),
        )?,
        Some(read(
            embedded!("validation-images-idx3-ubyte"),
            embedded!("validation-labels-idx1-ubyte"),
        )?),
        read(
            embedded!("test-images-idx3-ubyte"),
            embedded!("test-labels-idx1-ubyte"),
        )?,
    ))
}

fn set(name: &'static str, source: &str, train: Raw, validation: Option<Raw>, test: Raw) -> RawSet {
    RawSet {
        name,
        description: format!("{name} ({source})"),
        mean: vec![0.2860],
        std: vec![0.3530],
        classes: &CLASSES,
        train,
        validation,
        test,
    }
}

const KINDS: [&str; 2] = ["images-idx3-ubyte", "labels-idx1-ubyte"];

/// The images and labels of one part of the set in `dir`.
fn pair(dir: &Path, part: &str) -> Result<Raw> {
    let [images, labels] = [file(dir, part, KINDS[0])?, file(dir, part, KINDS[1])?];
    idx::read(
        &Source::File(&images),
        &Source::File(&labels),
        SIZE,
        CLASSES.len(),
    )
}

/// The file of one kind, plain or gzipped.
fn file(dir: &Path, part: &str, kind: &str) -> Result<PathBuf> {
    let plain = dir.join(format!("{part}-{kind}"));
    let packed = dir.join(format!("{part}-{kind}.gz"));
    if plain.is_file() {
        return Ok(plain);
    }
    if packed.is_file() {
        return Ok(packed);
    }
    Err(Error::input(format!(
        "{}: no such file, plain or with .gz; data.dir must hold the set's files, or be left out for the set \
         inside the program",
        plain.display()
    )))
}

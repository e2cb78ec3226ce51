//! The data sets that are known by name: what each is, how it is published, and what its images are normalized with.

mod files;
mod labels;

pub use files::{PublishedFile, PublishedForm};
pub(crate) use labels::{CIFAR10_CLASSES, CIFAR100_CLASSES};

use crate::{DataError, Result};
use surfit_core::config::{DATA_SETS, unknown_name_message};

/// How a set's files are made; what finds and reads them goes by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetFamily {
    /// Inside the program.
    Embedded,
    /// Four IDX files, plain or gzipped.
    Idx,
    /// CIFAR's binary records or Python pickles, packed or not.
    Cifar,
    /// Tiny-ImageNet's archive or folder of JPEG files.
    TinyImageNet,
    /// A folder of class folders with images.
    Folder,
}

/// A data set by name.
#[derive(Debug)]
pub struct CatalogueEntry {
    /// Its name, as `data.name` gives it.
    pub name: &'static str,
    /// What it is and who made it.
    pub about: &'static str,
    /// How its files are made.
    pub family: SetFamily,
    /// `[C, H, W]` of an image; `None` where the files state it.
    pub shape: Option<[usize; 3]>,
    /// Names of the classes; empty where the files state them.
    pub classes: &'static [&'static str],
    /// Number of classes; 0 where the files state it.
    pub class_count: usize,
    /// Training and test images as published; 0 where the files state it.
    pub images: [usize; 2],
    /// Mean of every channel, of pixel values in 0..=1, that images are normalized with; empty where it is measured on
    /// the training split.
    pub mean: &'static [f64],
    /// Standard deviation of every channel, likewise.
    pub std: &'static [f64],
    /// Which images are for validation and which for the test.
    pub splits: &'static str,
    /// The ways it is published, the preferred one first; empty when it is not fetched.
    pub forms: &'static [PublishedForm],
    /// Folders below a data folder in which its files may also be.
    pub folders: &'static [&'static str],
}

const VALIDATION_FROM_TRAINING: &str =
    "validation images are taken from the training images, the same share of every class, by the seed";

/// Every data set.
pub const CATALOGUE: &[CatalogueEntry] = &[
    CatalogueEntry {
        name: "fashion-mnist-16k",
        about: "a balanced subset of Fashion-MNIST, built in: 28×28 grey clothing, 10 classes",
        family: SetFamily::Embedded,
        images: [12_000, 2_000],
        splits: "12,000 training, 2,000 validation and 2,000 test images",
        forms: &[],
        folders: &[],
        ..FASHION_MNIST_ENTRY
    },
    FASHION_MNIST_ENTRY,
    CatalogueEntry {
        name: "mnist",
        about: "MNIST (LeCun, Cortes, Burges): 28×28 grey handwritten digits, 10 classes",
        classes: &labels::MNIST_CLASSES,
        mean: &[0.1307],
        std: &[0.3081],
        forms: files::MNIST_PUBLISHED,
        folders: &["MNIST/raw", "mnist", "raw"],
        ..FASHION_MNIST_ENTRY
    },
    CIFAR10_ENTRY,
    CatalogueEntry {
        name: "cifar100",
        about: "CIFAR-100 (Krizhevsky 2009): 32×32 colour images, 100 classes (the fine labels)",
        classes: &CIFAR100_CLASSES,
        class_count: 100,
        mean: &[0.5071, 0.4865, 0.4409],
        std: &[0.2673, 0.2564, 0.2762],
        forms: files::CIFAR100_PUBLISHED,
        folders: &["cifar-100", "cifar100"],
        ..CIFAR10_ENTRY
    },
    CatalogueEntry {
        name: "tiny-imagenet",
        about: "Tiny-ImageNet (Stanford CS231n): 64×64 colour images, 200 classes",
        family: SetFamily::TinyImageNet,
        shape: Some([3, 64, 64]),
        classes: &[],
        class_count: 200,
        images: [100_000, 10_000],
        mean: &[0.4802, 0.4481, 0.3975],
        std: &[0.2770, 0.2691, 0.2821],
        splits: "its own val images are the test split, since its test images have no labels; validation images are taken \
                 from the training images, the same share of every class, by the seed",
        forms: files::TINY_IMAGENET_PUBLISHED,
        folders: &["tiny-imagenet-200"],
    },
    CatalogueEntry {
        name: "folder",
        about: "your own images: DIR/train/CLASS and DIR/test/CLASS, or DIR/CLASS, with data.root = DIR; folders below a \
                class belong to it, and files that are no images of a class are left out and counted",
        family: SetFamily::Folder,
        shape: None,
        classes: &[],
        class_count: 0,
        images: [0, 0],
        mean: &[],
        std: &[],
        splits: "val/CLASS and test/CLASS where they are there; else they are taken from the training images, the \
                 same share of every class, by the seed",
        forms: &[],
        folders: &[],
    },
];

const FASHION_MNIST_ENTRY: CatalogueEntry = CatalogueEntry {
    name: "fashion-mnist",
    about: "Fashion-MNIST (Xiao, Rasul, Vollgraf 2017): 28×28 grey clothing, 10 classes",
    family: SetFamily::Idx,
    shape: Some([1, 28, 28]),
    classes: &labels::FASHION_MNIST_CLASSES,
    class_count: 10,
    images: [60_000, 10_000],
    mean: &[0.2860],
    std: &[0.3530],
    splits: VALIDATION_FROM_TRAINING,
    forms: files::FASHION_MNIST_PUBLISHED,
    folders: &["FashionMNIST/raw", "fashion-mnist", "raw"],
};

const CIFAR10_ENTRY: CatalogueEntry = CatalogueEntry {
    name: "cifar10",
    about: "CIFAR-10 (Krizhevsky 2009): 32×32 colour images, 10 classes",
    family: SetFamily::Cifar,
    shape: Some([3, 32, 32]),
    classes: &CIFAR10_CLASSES,
    class_count: 10,
    images: [50_000, 10_000],
    mean: &[0.4914, 0.4822, 0.4465],
    std: &[0.2470, 0.2435, 0.2616],
    splits: VALIDATION_FROM_TRAINING,
    forms: files::CIFAR10_PUBLISHED,
    folders: &["cifar-10", "cifar10"],
};

/// The entry of a name.
///
/// # Errors
/// A sentence with the nearest right name.
pub fn find_entry(name: &str) -> Result<&'static CatalogueEntry> {
    CATALOGUE
        .iter()
        .find(|e| e.name == name)
        .ok_or_else(|| DataError::input(unknown_name_message("data set", name, DATA_SETS)))
}

impl CatalogueEntry {
    /// True when `surfit data fetch` can get it.
    pub fn is_fetchable(&self) -> bool {
        !self.forms.is_empty()
    }

    /// Every published file in every form.
    pub fn published_files(&self) -> impl Iterator<Item = &'static PublishedFile> {
        self.forms.iter().flat_map(|form| form.files)
    }

    /// What is wrong with the training file when it has as many images as were published to test, and the test file as many
    /// as to train on. Other counts prove nothing: few images to train on and many to test may well be meant.
    pub(crate) fn describe_swap(&self, train: usize, test: usize, test_file: &str) -> Option<String> {
        let [published_train, published_test] = self.images;
        let crosswise = published_train != published_test && [test, train] == self.images;
        crosswise.then(|| {
            format!(
                "it has {train} images and {test_file} has {test}, expected {published_train} to train on and \
                 {published_test} to test; the two are swapped"
            )
        })
    }

    /// Names of the classes as owned text.
    pub(crate) fn class_names(&self) -> Vec<String> {
        self.classes.iter().map(|&c| c.into()).collect()
    }
}

//! Data sets: the registry, and what is known of each.
//!
//! A data set is a file below this one with its [`DataSetSpec`], and its line in [`DATA_SETS`]. Configuration, filters, schema,
//! completions, commands and documentation go by the registry; `surfit-data` finds and reads the files of each
//! [`DataFormat`]. The registry is here, where names are checked, so that there is no second list of them.

mod cifar10;
mod cifar100;
mod fashion_mnist;
mod fashion_mnist_16k;
mod folder;
mod kmnist;
mod mnist;
mod published;
mod tiny_imagenet;

pub use published::{PublishedFile, PublishedForm};

use crate::config::unknown_name_message;

/// Every data set, in the order of lists.
pub const DATA_SETS: &[DataSetSpec] = &[
    fashion_mnist_16k::SPEC,
    fashion_mnist::SPEC,
    mnist::SPEC,
    kmnist::SPEC,
    cifar10::SPEC,
    cifar100::SPEC,
    tiny_imagenet::SPEC,
    folder::SPEC,
];

/// The names of all data sets, as `data.name` gives them.
pub const DATA_SET_NAMES: &[&str] = &{
    let mut names = [""; DATA_SETS.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = DATA_SETS[index].name;
        index += 1;
    }
    names
};

const VALIDATION_FROM_TRAINING: &str =
    "validation images are taken from the training images, the same share of every class, by the seed";

const CIFAR_URLS: &[&str] = &["https://www.cs.toronto.edu/~kriz"];

/// Format of a set's files. What finds, reads and checks them goes by it.
#[derive(Clone, Copy, Debug)]
pub enum DataFormat {
    /// Inside the program.
    Embedded,
    /// Four IDX files, plain or gzipped.
    Idx,
    /// CIFAR's binary records or Python pickles, packed or not.
    Cifar {
        /// How the files of each published form are made, in the order of [`DataSetSpec::forms`].
        forms: &'static [CifarForm],
        /// SHA-256 of the content of the binary files, in their order; empty where the number of images distinguishes them.
        checksums: &'static [&'static str],
    },
    /// Tiny-ImageNet's archive or folder of JPEG files.
    TinyImageNet,
    /// A folder of class folders with images.
    ImageFolder,
}

impl DataFormat {
    /// What a user needs to have, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Embedded => "none",
            Self::Idx => "IDX, gzipped or not",
            Self::Cifar { .. } => "the binary or the Python archive, packed or unpacked",
            Self::TinyImageNet => "the archive, packed or unpacked",
            Self::ImageFolder => "PNG, JPEG, BMP, PNM, WebP, TIFF, GIF",
        }
    }
}

/// A form of a set in CIFAR's format.
#[derive(Clone, Copy, Debug)]
pub struct CifarForm {
    /// The folder in the archive.
    pub folder: &'static str,
    /// Files of training images, in order, and the file of test images.
    pub files: &'static [&'static str],
    /// Where labels are.
    pub labels: CifarLabels,
}

/// Where a file in CIFAR's format has its labels.
#[derive(Clone, Copy, Debug)]
pub enum CifarLabels {
    /// In records of this many label bytes, the last of which counts, and an image.
    Bytes(usize),
    /// In a pickled dictionary, under this key.
    Pickled(&'static str),
}

/// Everything there is to know of a data set.
#[derive(Debug)]
pub struct DataSetSpec {
    /// Its name, as `data.name` gives it.
    pub name: &'static str,
    /// What it is and who made it.
    pub about: &'static str,
    /// Format of its files.
    pub format: DataFormat,
    /// `[C, H, W]` of an image; `None` where the files state it.
    pub shape: Option<[usize; 3]>,
    /// Names of the classes, in the order of the labels; empty where the files state them.
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
    /// The set inside the program that stands in where no file of it is found.
    pub fallback: Option<&'static DataSetSpec>,
}

/// A name that no data set has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", unknown_name_message("data set", name, DATA_SET_NAMES))]
pub struct UnknownDataSet {
    name: String,
}

impl DataSetSpec {
    /// Returns the data set of a name.
    ///
    /// # Errors
    /// A sentence with the nearest right name.
    pub fn find(name: &str) -> Result<&'static Self, UnknownDataSet> {
        DATA_SETS.iter().find(|spec| spec.name == name).ok_or_else(|| UnknownDataSet { name: name.into() })
    }

    /// True when `surfit data fetch` can get it.
    pub fn is_fetchable(&self) -> bool {
        !self.forms.is_empty()
    }

    /// Every published file in every form.
    pub fn published_files(&self) -> impl Iterator<Item = &'static PublishedFile> {
        self.forms.iter().flat_map(|form| form.files)
    }

    /// Names of the classes as owned text.
    pub fn class_names(&self) -> Vec<String> {
        self.classes.iter().map(|&class| class.into()).collect()
    }

    /// Says what is wrong with the training file when it has as many images as were published to test, and the test file as
    /// many as to train on. Other counts prove nothing: few images to train on and many to test may well be meant.
    pub fn describe_swap(&self, train: usize, test: usize, test_file: &str) -> Option<String> {
        let [published_train, published_test] = self.images;
        let crosswise = published_train != published_test && [test, train] == self.images;
        crosswise.then(|| {
            format!(
                "it has {train} images and {test_file} has {test}, expected {published_train} to train on and \
                 {published_test} to test; the two are swapped"
            )
        })
    }
}

#[cfg(test)]
mod tests;

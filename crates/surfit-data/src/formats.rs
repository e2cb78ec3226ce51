//! Formats of data sets: one file for each, which finds, reads and checks its files.

mod cifar;
mod embedded;
pub(crate) mod idx;
pub(crate) mod image_folder;
mod tiny_imagenet;

use crate::Result;
use crate::description::SetOutline;
use crate::find::FoundSet;
use crate::load::RawSet;
use crate::verify::CheckedFile;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::{fs, io};
use surfit_core::config::DataConfig;
use surfit_core::data_sets::{DataFormat, DataSetSpec};

/// How sets of a format are found.
pub(crate) trait SetFormat {
    /// Returns every form of a set that `dir` itself has something of, complete or not, the one that a run takes before others
    /// that are as whole.
    fn find_forms(&self, spec: &'static DataSetSpec, dir: &Path) -> Vec<FoundSet>;

    /// Returns the set as the program itself has it. `searched_folders` are where another was looked for in vain.
    fn built_in_set(&self, _spec: &'static DataSetSpec, _searched_folders: Option<String>) -> Option<FoundSet> {
        None
    }

    /// True when its sets have no usual folders, so that `data.root` must name theirs.
    fn needs_root(&self) -> bool {
        false
    }

    /// Names of what a folder should have at least, for the message that it has none of it.
    fn expected_files(&self, spec: &DataSetSpec) -> Vec<&'static str> {
        spec.published_files().map(|file| file.name).collect()
    }

    /// What is said of the name of a missing file.
    fn naming_remark(&self) -> &'static str {
        ""
    }

    /// True when a file of this name has the content of a published one.
    fn is_named_like(&self, published: &str, name: &str) -> bool {
        published == name
    }

    /// Does what finding a set in a folder needs: most formats look files up by their names.
    fn probe_folder(&self, folder: &Path) -> io::Result<()> {
        fs::metadata(folder.join(".")).map(drop)
    }
}

/// Files of a set that were found in one of its formats.
pub(crate) trait SetFiles: Debug + Send + Sync {
    /// Returns the folder or archive, or another phrase for where they are.
    fn describe_source(&self) -> String;

    /// Reads everything that belongs to the set, and what was left out, each as a sentence.
    fn read(&self, spec: &'static DataSetSpec, config: &DataConfig) -> Result<(RawSet, Vec<String>)>;

    /// Reads names, headers and lengths, and decodes no image.
    fn outline(&self, spec: &'static DataSetSpec, config: &DataConfig) -> Result<SetOutline>;

    /// Returns every file, under any of its names; a run takes `found`.
    fn all_files(&self, found: &[PathBuf]) -> Vec<PathBuf> {
        found.to_vec()
    }

    /// Reads every file to its end, each for itself.
    fn check_by_reading(&self, spec: &'static DataSetSpec) -> Vec<CheckedFile>;
}

/// Returns what finds sets in this format.
pub(crate) fn set_format(format: DataFormat) -> Box<dyn SetFormat> {
    match format {
        DataFormat::Embedded => Box::new(embedded::EmbeddedFormat),
        DataFormat::Idx => Box::new(idx::IdxFormat),
        DataFormat::Cifar { forms, checksums } => Box::new(cifar::CifarFormat { forms, checksums }),
        DataFormat::TinyImageNet => Box::new(tiny_imagenet::TinyImageNetFormat),
        DataFormat::ImageFolder => Box::new(image_folder::ImageFolderFormat),
    }
}

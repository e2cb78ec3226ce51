//! `fashion-mnist-16k`: 12,000 training, 2,000 validation and 2,000 test images of Fashion-MNIST from inside the program.

use super::idx::{self, IdxFolder};
use super::{SetFiles, SetFormat};
use crate::Result;
use crate::description::SetOutline;
use crate::find::FoundSet;
use crate::images::LabeledImages;
use crate::load::RawSet;
use crate::source::NamedFile;
use crate::verify::{CheckedFile, format_image_count};
use std::path::Path;
use surfit_core::config::DataConfig;
use surfit_core::data_sets::DataSetSpec;

/// The set whose files are inside the program.
const SET_NAME: &str = "fashion-mnist-16k";

macro_rules! embedded {
    ($name:literal) => {
        NamedFile::Embedded(
            concat!("fashion-mnist-16k/", $name, ".gz"),
            include_bytes!(concat!("../../fashion-mnist-16k/", $name, ".gz")),
        )
    };
}

pub(super) struct EmbeddedFormat;

impl SetFormat for EmbeddedFormat {
    /// The same three splits from files of the same names.
    fn find_forms(&self, spec: &'static DataSetSpec, dir: &Path) -> Vec<FoundSet> {
        IdxFolder::find(spec, dir, &["train", "validation", "test"])
    }

    fn built_in_set(&self, spec: &'static DataSetSpec, searched_folders: Option<String>) -> Option<FoundSet> {
        (spec.name == SET_NAME).then(|| FoundSet::built_in(spec, EmbeddedFiles { searched_folders }))
    }

    fn expected_files(&self, _spec: &DataSetSpec) -> Vec<&'static str> {
        vec![idx::FIRST_FILE]
    }

    fn naming_remark(&self) -> &'static str {
        idx::NAMING_REMARK
    }
}

/// The files inside the program.
#[derive(Debug)]
struct EmbeddedFiles {
    /// Where the whole set was looked for in vain.
    searched_folders: Option<String>,
}

impl SetFiles for EmbeddedFiles {
    fn describe_source(&self) -> String {
        match &self.searched_folders {
            None => "embedded".into(),
            Some(folders) => format!("embedded; no full set in {folders}"),
        }
    }

    fn read(&self, spec: &'static DataSetSpec, _config: &DataConfig) -> Result<(RawSet, Vec<String>)> {
        let read = |images, labels| idx::read(spec, &images, &labels);
        let set = RawSet {
            train: read(embedded!("train-images-idx3-ubyte"), embedded!("train-labels-idx1-ubyte"))?,
            validation: Some(read(
                embedded!("validation-images-idx3-ubyte"),
                embedded!("validation-labels-idx1-ubyte"),
            )?),
            test: Some(read(embedded!("test-images-idx3-ubyte"), embedded!("test-labels-idx1-ubyte"))?),
            classes: spec.class_names(),
        };
        Ok((set, Vec::new()))
    }

    fn outline(&self, spec: &'static DataSetSpec, _config: &DataConfig) -> Result<SetOutline> {
        let [train, test] = SetOutline::balanced_labels(spec, spec.images);
        Ok(SetOutline::from_labels(spec, train, Some(test.clone()), test))
    }

    fn check_by_reading(&self, spec: &'static DataSetSpec) -> Vec<CheckedFile> {
        let read = self.read(spec, &DataConfig::default()).map(|(set, _)| {
            let others = set.validation.iter().chain(&set.test).map(LabeledImages::len);
            format_image_count(set.train.len() + others.sum::<usize>())
        });
        vec![CheckedFile::of_reading(spec, Path::new("embedded"), read)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::data_sets::{DATA_SETS, DataFormat};

    #[test]
    fn only_the_set_of_these_files_is_built_in() {
        let embedded = DATA_SETS.iter().filter(|spec| matches!(spec.format, DataFormat::Embedded));
        for spec in embedded {
            assert!(EmbeddedFormat.built_in_set(spec, None).is_some(), "{}", spec.name);
            let other: &'static DataSetSpec = Box::leak(Box::new(DataSetSpec { name: "letters", ..*spec }));
            assert!(EmbeddedFormat.built_in_set(other, None).is_none());
        }
    }
}

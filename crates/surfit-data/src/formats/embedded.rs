//! Sets whose files are inside the program.

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

/// Images and labels of a split.
type SplitFiles = [NamedFile<'static>; 2];

macro_rules! embedded {
    ($set:literal, $split:literal, $kind:literal) => {
        NamedFile::Embedded(
            concat!($set, "/", $split, $kind, ".gz"),
            include_bytes!(concat!("../../", $set, "/", $split, $kind, ".gz")),
        )
    };
    ($set:literal, $split:literal) => {
        [embedded!($set, $split, "-images-idx3-ubyte"), embedded!($set, $split, "-labels-idx1-ubyte")]
    };
}

/// Every set's name and its training, validation and test images.
static EMBEDDED_SETS: &[(&str, [SplitFiles; 3])] = &[(
    "fashion-mnist-16k",
    [
        embedded!("fashion-mnist-16k", "train"),
        embedded!("fashion-mnist-16k", "validation"),
        embedded!("fashion-mnist-16k", "test"),
    ],
)];

pub(super) struct EmbeddedFormat;

impl SetFormat for EmbeddedFormat {
    /// The same three splits from files of the same names.
    fn find_forms(&self, spec: &'static DataSetSpec, dir: &Path) -> Vec<FoundSet> {
        IdxFolder::find(spec, dir, &["train", "validation", "test"])
    }

    fn built_in_set(&self, spec: &'static DataSetSpec, searched_folders: Option<String>) -> Option<FoundSet> {
        let (_, splits) = EMBEDDED_SETS.iter().find(|(name, _)| *name == spec.name)?;
        Some(FoundSet::built_in(spec, EmbeddedFiles { splits, searched_folders }))
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
    splits: &'static [SplitFiles; 3],
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
        let [train, validation, test] = self.splits.each_ref().map(|[images, labels]| idx::read(spec, images, labels));
        let classes = spec.class_names();
        Ok((RawSet { train: train?, validation: Some(validation?), test: Some(test?), classes }, Vec::new()))
    }

    fn outline(&self, spec: &'static DataSetSpec, _config: &DataConfig) -> Result<SetOutline> {
        let [train, validation, test] = self.splits.each_ref().map(|[_, labels]| idx::read_labels(spec, labels, None));
        Ok(SetOutline::from_labels(spec, train?, Some(validation?), test?))
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
    fn every_embedded_set_has_its_own_files_and_no_other_set_has_them() {
        let embedded = || DATA_SETS.iter().filter(|spec| matches!(spec.format, DataFormat::Embedded));
        assert_eq!(EMBEDDED_SETS.len(), embedded().count());
        for spec in embedded() {
            let found = EmbeddedFormat.built_in_set(spec, None).expect(spec.name);
            let (set, _) = found.reader.read(spec, &DataConfig::default()).unwrap();
            let counts = [&set.train, set.test.as_ref().unwrap()].map(LabeledImages::len);
            assert_eq!(counts, spec.images, "{}", spec.name);
            let outline = found.reader.outline(spec, &DataConfig::default()).unwrap().set;
            assert_eq!(outline.train.labels, set.train.labels);
            assert_eq!(outline.validation.unwrap().labels, set.validation.unwrap().labels);
            let other: &'static DataSetSpec = Box::leak(Box::new(DataSetSpec { name: "letters", ..*spec }));
            assert!(EmbeddedFormat.built_in_set(other, None).is_none());
        }
    }
}

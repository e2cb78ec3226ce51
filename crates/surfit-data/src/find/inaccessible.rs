//! Places that the system denies access to: their content is unknown.

use super::candidate_folders;
use crate::DataError;
use crate::formats::set_format;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use surfit_core::data_sets::DataSetSpec;

/// The folders among the places of a set that are there and cannot be looked into, each with why.
pub(super) fn inaccessible_folders(spec: &DataSetSpec, places: &[PathBuf]) -> Vec<DataError> {
    inaccessible_folders_with(spec, places, &|folder| set_format(spec.format).probe_folder(folder))
}

/// [`inaccessible_folders`] with the way in given.
pub(super) fn inaccessible_folders_with(
    spec: &DataSetSpec,
    places: &[PathBuf],
    enter: &dyn Fn(&Path) -> io::Result<()>,
) -> Vec<DataError> {
    let mut all = Vec::new();
    for place in places {
        for folder in candidate_folders(spec, place) {
            match enter(&folder) {
                Ok(()) => {}
                // Nothing is there.
                Err(e) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&e.kind()) => {}
                Err(e) => {
                    all.push(DataError::io(folder)(e));
                    // What is in it is closed too.
                    break;
                }
            }
        }
    }
    all
}

//! Places that the system denies access to: their content is unknown.

use super::candidate_folders;
use crate::DataError;
use crate::catalogue::{CatalogueEntry, SetFamily};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The folders among the places of a set that are there and cannot be looked into, each with why.
pub(super) fn inaccessible_folders(entry: &CatalogueEntry, places: &[PathBuf]) -> Vec<DataError> {
    inaccessible_folders_with(entry, places, &|folder| probe_folder(entry, folder))
}

/// [`inaccessible_folders`] with the way in given.
pub(super) fn inaccessible_folders_with(
    entry: &CatalogueEntry,
    places: &[PathBuf],
    enter: &dyn Fn(&Path) -> io::Result<()>,
) -> Vec<DataError> {
    let mut all = Vec::new();
    for place in places {
        for folder in candidate_folders(entry, place) {
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

/// Does what finding a set in a folder needs: files are looked up by their names, class folders have to be listed.
fn probe_folder(entry: &CatalogueEntry, folder: &Path) -> io::Result<()> {
    fs::metadata(folder.join("."))?;
    match entry.family {
        SetFamily::Folder => fs::read_dir(folder).map(drop),
        _ => Ok(()),
    }
}

//! A folder that gets its name when a whole model is in it.

use crate::checkpoint::remove_file;
use crate::export::{EnsembleMember, check_folder};
use crate::{EngineError, Result};
use std::io;
use std::os::fd::OwnedFd;
use surfit_core::config::folder_of;
use surfit_core::files::{self, FileLocation, FilePath, create_folder, create_new_folder, sync_folder};
use surfit_core::model_card::{MAX_CARD_BYTES, ModelCard};

/// A folder that a model is being written to. A new one has a temporary name until [`ExportFolder::publish`]; what a kill
/// leaves of it is never taken for a model. One that is not published goes when this is dropped.
#[derive(Debug)]
pub struct ExportFolder {
    destination: FilePath,
    /// Where it is written: another folder, unless `place` exists.
    staging_folder: FilePath,
    /// Shows another process that a live one writes there.
    folder_lock: Option<OwnedFd>,
}

impl ExportFolder {
    /// Begins to write a model at `place`. In a folder that exists, the model that may be replaced is removed first: an old
    /// card must not be beside a new model, whatever happens in between.
    ///
    /// # Errors
    /// As [`check_folder`], or when the file system refuses.
    pub fn create(place: &FilePath, replace: bool) -> Result<Self> {
        check_folder(place, replace)?;
        let cannot = |e: io::Error| {
            let why = format!("the folder cannot be made ({e}); choose another place");
            EngineError::io(place)(io::Error::new(e.kind(), why))
        };
        let mut folder = Self { destination: place.clone(), staging_folder: place.clone(), folder_lock: None };
        if files::exists(place) {
            create_folder(place).map_err(cannot)?;
            remove_model(place)?;
            return Ok(folder);
        }
        create_folder(&place.clone().with_path(folder_of(place))).map_err(cannot)?;
        files::remove_abandoned(place);
        folder.staging_folder = create_staging_folder(place).map_err(cannot)?;
        folder.folder_lock = files::lock_unfinished_folder(&folder.staging_folder);
        Ok(folder)
    }

    /// Where files are to be written, each durably: with [`write_atomic`](files::write_atomic).
    pub fn staging_folder(&self) -> &FilePath {
        &self.staging_folder
    }

    pub fn destination(&self) -> &FilePath {
        &self.destination
    }

    /// Gives the folder its name, durably.
    ///
    /// # Errors
    /// When the file system refuses; then nothing is there.
    pub fn publish(self) -> Result<()> {
        // What else is in a folder of the user's is not ours to read or sync, and may be much.
        if self.staging_folder == self.destination {
            return Ok(());
        }
        files::rename(&self.staging_folder, &self.destination)
            .and_then(|()| {
                sync_folder(&self.destination).inspect_err(|_| {
                    // A repeated request finds the place free; the folder then goes with this value.
                    let _ = files::rename(&self.destination, &self.staging_folder);
                })
            })
            .map_err(EngineError::io(&self.destination))
    }
}

impl Drop for ExportFolder {
    fn drop(&mut self) {
        if self.staging_folder != self.destination {
            // Once it is published nothing has that name.
            let _ = files::remove_folder(&self.staging_folder);
        }
    }
}

/// Makes a new folder beside `place`. What has such a name already is left alone: a killed process may have made it, or
/// a user who wants a link to be followed. Below the folder of both, no link is.
fn create_staging_folder(place: &FilePath) -> io::Result<FilePath> {
    /// Names that are tried.
    const MAX_NAMES: u32 = 1000;
    let (above, process) = (folder_of(place), std::process::id());
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let mut taken = io::Error::from(io::ErrorKind::AlreadyExists);
    for number in 0..MAX_NAMES {
        let number = match number {
            0 => String::new(),
            n => format!("-{n}"),
        };
        let path = above.join(format!(".{name}.{process}{number}.tmp"));
        let workplace = match place.confining_folder() {
            Some(_) => place.clone().with_path(&path),
            None => FilePath::confined_if_beneath(&path, above),
        };
        match create_new_folder(&workplace) {
            Ok(()) => return Ok(workplace),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
            Err(error) => return Err(error),
        }
    }
    Err(taken)
}

/// Removes a model with its card, the card first.
fn remove_model(folder: &FilePath) -> Result<()> {
    let card_file = folder.join("model.json");
    let before = files::read(&card_file, MAX_CARD_BYTES).ok();
    let before = before.and_then(|bytes| serde_json::from_slice::<ModelCard>(&bytes).ok());
    remove_file(&card_file)?;
    remove_file(&folder.join("model.safetensors"))?;
    for index in 0..before.map_or(0, |card| card.members.len()) {
        remove_file(&folder.join(EnsembleMember::file_name(index)))?;
    }
    Ok(())
}

/// Names of what is in a folder, in order.
#[cfg(test)]
pub(crate) fn names_in(folder: &std::path::Path) -> Vec<String> {
    let entries = files::list_folder(folder).unwrap().into_iter();
    let mut names: Vec<String> = entries.map(|e| e.name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{Mode, OFlags, mkdirat, openat};
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;
    use surfit_core::run_dir::remove_unpublished_exports;

    #[test]
    fn a_folder_has_its_name_when_the_model_is_whole_and_not_before() {
        let dir = tempfile::tempdir().unwrap();
        let exports = FilePath::from_location(&dir.path().join("exports"));
        let place = exports.join("best");
        let begin = || ExportFolder::create(&place, false).unwrap();
        let folder = begin();
        fs::write(folder.staging_folder().join("model.safetensors"), "half").unwrap();
        assert!(!place.exists());
        drop(folder);
        assert_eq!(names_in(&exports), Vec::<String>::new(), "given up");
        let folder = begin();
        fs::write(folder.staging_folder().join("model.json"), "{}").unwrap();
        // As a kill leaves it.
        std::mem::forget(folder);
        assert_eq!(names_in(&exports).len(), 1);
        remove_unpublished_exports(&exports);
        assert_eq!(names_in(&exports), Vec::<String>::new());
        let folder = begin();
        fs::write(folder.staging_folder().join("model.json"), "{}").unwrap();
        folder.publish().unwrap();
        assert_eq!(names_in(&exports), ["best"]);
        assert_eq!(names_in(&place), ["model.json"]);
        remove_unpublished_exports(&exports);
        assert_eq!(names_in(&exports), ["best"]);
        let refused = ExportFolder::create(&place, false).unwrap_err().to_string();
        assert!(refused.contains("holds a model already"), "{refused}");
        // In a folder that exists nothing of the old model is left beside the new one.
        let folder = ExportFolder::create(&place, true).unwrap();
        assert_eq!(names_in(&place), Vec::<String>::new());
        folder.publish().unwrap();
    }

    #[test]
    fn what_has_the_name_of_a_workplace_is_neither_followed_nor_removed() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("mine"), "years of work").unwrap();
        let out = dir.path().join("out");
        fs::create_dir(&out).unwrap();
        let process = std::process::id();
        let planted = out.join(format!(".best.{process}.tmp"));
        symlink(&outside, &planted).unwrap();
        fs::create_dir(out.join(format!(".best.{process}-1.tmp"))).unwrap();
        let place = FilePath::from_location(&out.join("best"));
        let folder = ExportFolder::create(&place, false).unwrap();
        let workplace = folder.staging_folder().clone();
        assert_eq!(*workplace, *out.join(format!(".best.{process}-2.tmp")));
        // Nor is what takes the place of the workplace meanwhile.
        fs::remove_dir(&workplace).unwrap();
        symlink(&outside, &workplace).unwrap();
        assert!(files::write_atomic(&workplace.join("model.json"), b"{}").is_err());
        drop(folder);
        assert_eq!(names_in(&outside), ["mine"]);
        assert_eq!(names_in(&out).len(), 2);
        let folder = ExportFolder::create(&place, false).unwrap();
        files::write_atomic(&folder.staging_folder().join("model.json"), b"{}").unwrap();
        folder.publish().unwrap();
        assert_eq!(names_in(&place), ["model.json"]);
        assert!(planted.is_symlink() && names_in(&outside) == ["mine"]);
    }

    #[test]
    fn other_files_of_an_export_folder_are_not_read() {
        let dir = tempfile::tempdir().unwrap();
        // Deeper than the longest path.
        let mut at = File::open(dir.path()).unwrap();
        let name = "d".repeat(200);
        for _ in 0..30 {
            mkdirat(&at, &name, Mode::RWXU).unwrap();
            at = File::from(openat(&at, &name, OFlags::DIRECTORY, Mode::empty()).unwrap());
        }
        let place = FilePath::from_location(dir.path());
        let folder = ExportFolder::create(&place, false).unwrap();
        files::write_atomic(&folder.staging_folder().join("model.json"), b"{}").unwrap();
        folder.publish().unwrap();
        assert_eq!(names_in(&place), [name.as_str(), "model.json"]);
    }
}

//! A folder that gets its name when a whole model lies in it.

use crate::checkpoint::remove_file;
use crate::export::{EnsembleMember, refuse_folder};
use crate::{Error, Result};
use std::io;
use std::os::fd::OwnedFd;
use surfit_core::files::{self, FilePath, create_folder, sync_all, sync_folder};
use surfit_core::model_card::{MAX_CARD_BYTES, ModelCard};

/// A folder that a model is being written to. A new one has a temporary name until [`ExportFolder::publish`]; what a kill
/// leaves of it is never taken for a model. One that is not published goes when this is dropped.
#[derive(Debug)]
pub struct ExportFolder {
    /// Where the model will be.
    place: FilePath,
    /// Where it is written: another folder, unless `place` exists.
    workplace: FilePath,
    /// Tells another process that a living one writes there.
    held: Option<OwnedFd>,
}

impl ExportFolder {
    /// Begins to write a model at `place`. In a folder that exists, the model that may be replaced is removed first: an old
    /// card must not stand beside a new model, whatever happens in between.
    ///
    /// # Errors
    /// As [`refuse_folder`], or when the file system says no.
    pub fn begin(place: &FilePath, replace: bool) -> Result<Self> {
        refuse_folder(place, replace)?;
        let cannot = |e: io::Error| {
            let why = format!("the folder cannot be made ({e}); choose another place");
            Error::io(place)(io::Error::new(e.kind(), why))
        };
        let mut folder = Self {
            place: place.clone(),
            workplace: place.clone(),
            held: None,
        };
        if files::exists(place) {
            create_folder(place).map_err(cannot)?;
            remove_model(place)?;
            return Ok(folder);
        }
        let above = place
            .clone()
            .with_path(surfit_core::config::folder_of(place));
        create_folder(&above).map_err(cannot)?;
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let workplace = above.join(format!(".{name}.{}.tmp", std::process::id()));
        files::clear_abandoned(place);
        files::remove_folder(&workplace)
            .and_then(|()| create_folder(&workplace))
            .map_err(cannot)?;
        folder.held = files::hold_folder(&workplace);
        folder.workplace = workplace;
        Ok(folder)
    }

    /// Where files are to be written.
    pub fn workplace(&self) -> &FilePath {
        &self.workplace
    }

    /// Where the model will be found.
    pub fn place(&self) -> &FilePath {
        &self.place
    }

    /// Gives the folder its name, durably.
    ///
    /// # Errors
    /// When the file system says no; then nothing is there.
    pub fn publish(self) -> Result<()> {
        let failed = Error::io(&self.place);
        if self.workplace == self.place {
            return sync_all(&self.place).map_err(failed);
        }
        sync_all(&self.workplace)
            .and_then(|()| files::rename(&self.workplace, &self.place))
            .and_then(|()| {
                sync_folder(&self.place).inspect_err(|_| {
                    // Whoever asks again finds the place free; the folder then goes with this value.
                    let _ = files::rename(&self.place, &self.workplace);
                })
            })
            .map_err(failed)
    }
}

impl Drop for ExportFolder {
    fn drop(&mut self) {
        if self.workplace != self.place {
            // Once it is published nothing has that name.
            let _ = files::remove_folder(&self.workplace);
        }
    }
}

/// Removes a model with its card, the card first.
fn remove_model(folder: &FilePath) -> Result<()> {
    let card_file = folder.join("model.json");
    let before = files::read(&card_file, MAX_CARD_BYTES).ok();
    let before = before.and_then(|bytes| serde_json::from_slice::<ModelCard>(&bytes).ok());
    remove_file(&card_file)?;
    remove_file(&folder.join("model.safetensors"))?;
    for index in 0..before.map_or(0, |card| card.members.len()) {
        remove_file(&folder.join(EnsembleMember::file(index)))?;
    }
    Ok(())
}

/// Names of what lies in a folder, in order.
#[cfg(test)]
pub(crate) fn names_in(folder: &std::path::Path) -> Vec<String> {
    let entries = files::entries(folder).unwrap().into_iter();
    let mut names: Vec<String> = entries
        .map(|e| e.name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use surfit_core::run_dir::clear_unpublished;

    #[test]
    fn a_folder_has_its_name_when_the_model_is_whole_and_not_before() {
        let dir = tempfile::tempdir().unwrap();
        let exports = FilePath::of(&dir.path().join("exports"));
        let place = exports.join("best");
        let begin = || ExportFolder::begin(&place, false).unwrap();
        let folder = begin();
        fs::write(folder.workplace().join("model.safetensors"), "half").unwrap();
        assert!(!place.exists());
        drop(folder);
        assert_eq!(names_in(&exports), Vec::<String>::new(), "given up");
        let folder = begin();
        fs::write(folder.workplace().join("model.json"), "{}").unwrap();
        // As a kill leaves it.
        std::mem::forget(folder);
        assert_eq!(names_in(&exports).len(), 1);
        clear_unpublished(&exports);
        assert_eq!(names_in(&exports), Vec::<String>::new());
        let folder = begin();
        fs::write(folder.workplace().join("model.json"), "{}").unwrap();
        folder.publish().unwrap();
        assert_eq!(names_in(&exports), ["best"]);
        assert_eq!(names_in(&place), ["model.json"]);
        clear_unpublished(&exports);
        assert_eq!(names_in(&exports), ["best"]);
        let refused = ExportFolder::begin(&place, false).unwrap_err().to_string();
        assert!(refused.contains("holds a model already"), "{refused}");
        // In a folder that exists nothing of the old model is left beside the new one.
        let folder = ExportFolder::begin(&place, true).unwrap();
        assert_eq!(names_in(&place), Vec::<String>::new());
        folder.publish().unwrap();
    }
}

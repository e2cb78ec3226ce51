//! A partly fetched file, and its server's version information.

use crate::{DataError, Result};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use surfit_core::files::{sync_folder, write_atomic};

/// Which version of which URL a part is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PartialFileNote {
    pub url: String,
    /// A strong entity tag, or the time of the last change.
    pub version: String,
}

/// `NAME.part` and its note.
pub(super) struct PartialFile {
    path: PathBuf,
    note: PathBuf,
    target: PathBuf,
}

impl PartialFile {
    pub fn for_target(target: &Path) -> Self {
        let beside = |ending: &str| {
            let mut name = target.file_name().unwrap_or_default().to_owned();
            name.push(ending);
            target.with_file_name(name)
        };
        Self { path: beside(".part"), note: beside(".part.json"), target: target.to_owned() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that are there.
    pub fn len(&self) -> u64 {
        self.path.metadata().map_or(0, |m| m.len())
    }

    /// What is known of the version.
    pub fn read_note(&self) -> Option<PartialFileNote> {
        serde_json::from_slice(&fs::read(&self.note).ok()?).ok()
    }

    /// Begins anew, with a note of the version when there is one.
    pub fn create(&self, note: Option<&PartialFileNote>) -> Result<File> {
        self.remove()?;
        if let Some(note) = note {
            let json = serde_json::to_vec(note).unwrap_or_default();
            write_atomic(&self.note, &json).map_err(DataError::io(&self.note))?;
        }
        File::create(&self.path).map_err(DataError::io(&self.path))
    }

    /// Opens the file to append to it.
    pub fn open_append(&self) -> Result<File> {
        File::options().append(true).open(&self.path).map_err(DataError::io(&self.path))
    }

    /// Takes part and note away.
    pub fn remove(&self) -> Result<()> {
        for path in [&self.path, &self.note] {
            surfit_core::files::remove(path).map_err(DataError::io(path))?;
        }
        Ok(())
    }

    /// Gives the whole file its name, so that it survives a crash.
    pub fn rename_to_target(&self) -> Result<()> {
        File::options()
            .append(true)
            .open(&self.path)
            .and_then(|mut file| file.flush().and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&self.path, &self.target))
            .and_then(|()| sync_folder(&self.target))
            .map_err(DataError::io(&self.target))?;
        let _ = fs::remove_file(&self.note);
        Ok(())
    }
}

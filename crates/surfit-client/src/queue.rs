//! The job queue: a folder with a file for each fit, and a runner that starts the next one when the one before has ended. A
//! queue has one runner, and a machine runs one queued fit at a time. After a crash, the next runner continues.

mod lock;
mod runner;

pub use runner::{QueuedFitEnd, RunnerEnd, RunnerNews};

use super::ClientError;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::path::PathBuf;
use surfit_core::config::Config;
use surfit_core::files::{create_folder, encode_json, write_atomic};
use surfit_core::run_dir::{RunDir, RunError, io_error_at, socket_folder};
use surfit_core::surface::Degrees;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueuedFitKind {
    /// A new run of a configuration, as TOML, every path absolute.
    New {
        /// Configuration of the new run as TOML, with absolute paths.
        config: String,
    },
    /// A fork of a run with another degree, from its last checkpoint after it has ended.
    Fork {
        /// The run's directory.
        run: PathBuf,
        /// Degrees of the new run's surface.
        degrees: Degrees,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueuedFit {
    /// Number of the entry, which stays the same.
    pub number: u64,
    pub task: QueuedFitKind,
    pub title: String,
    /// Its run, once it was started.
    pub run: Option<PathBuf>,
    /// It was stopped with its runner, and continues in its turn.
    #[serde(default)]
    pub halted: bool,
}

#[derive(Clone, Debug)]
pub struct FitQueue {
    /// Its files, in a folder among its runs.
    folder: PathBuf,
    /// Folder of the lock that all queues of the machine share.
    machine_folder: PathBuf,
}

impl FitQueue {
    /// The queue beside the user's runs.
    pub fn open() -> Self {
        Self { folder: RunDir::default_root().join(".queue"), machine_folder: socket_folder() }
    }

    /// Returns the log of a runner without a terminal, if it exists.
    pub fn existing_log(&self) -> Option<PathBuf> {
        Some(self.log_path()).filter(|path| path.metadata().is_ok_and(|m| m.len() > 0))
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("log.txt")
    }

    /// Returns the waiting and running fits in order. Ignores files that are no entries.
    pub fn entries(&self) -> Vec<QueuedFit> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut all: Vec<QueuedFit> = files
            .filter(|f| f.path().extension().is_some_and(|e| e == "json"))
            .filter_map(|f| serde_json::from_slice(&fs::read(f.path()).ok()?).ok())
            .collect();
        all.sort_by_key(|e| e.number);
        all
    }

    /// Appends a configuration.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn add_config(&self, config: &Config) -> Result<QueuedFit, ClientError> {
        let title =
            format!("{} ({} on {}, degree {})", config.name, config.network.name, config.data.name, config.degrees());
        let config = config.try_to_toml(&self.folder).map_err(RunError::Config)?;
        self.add_entry(QueuedFitKind::New { config }, title)
    }

    /// Appends a fork of a run with another degree.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn add_fork(&self, run: &RunDir, degrees: Degrees) -> Result<QueuedFit, ClientError> {
        let title = format!("{} at degree {degrees}", run.id());
        let run = run.path().to_owned();
        self.add_entry(QueuedFitKind::Fork { run, degrees }, title)
    }

    fn add_entry(&self, task: QueuedFitKind, title: String) -> Result<QueuedFit, ClientError> {
        create_folder(&self.folder).map_err(io_error_at(&self.folder))?;
        // Two processes that append must not use the same number.
        let _held = self.lock_entries()?;
        let last = self.entries().last().map_or(0, |e| e.number);
        // A number is not reused after its fit has ended.
        let path = self.folder.join("last");
        let given = fs::read_to_string(&path).unwrap_or_default();
        let number = last.max(given.trim().parse().unwrap_or(0)) + 1;
        write_atomic(&path, number.to_string().as_bytes()).map_err(io_error_at(&path))?;
        let entry = QueuedFit { number, task, title, run: None, halted: false };
        self.write_entry(&entry)?;
        Ok(entry)
    }

    fn entry_path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:06}.json"))
    }

    fn write_entry(&self, entry: &QueuedFit) -> Result<(), ClientError> {
        let path = self.entry_path(entry.number);
        let json = encode_json(entry).map_err(io_error_at(&path))?;
        Ok(write_atomic(&path, &json).map_err(io_error_at(&path))?)
    }

    /// Stores the directory of an entry's run, unless the entry was removed; true when it is in the queue. From then on it
    /// cannot be removed while a runner works.
    fn claim_entry(&self, entry: &QueuedFit) -> Result<bool, ClientError> {
        let _held = self.lock_entries()?;
        if !self.entry_path(entry.number).exists() {
            return Ok(false);
        }
        self.write_entry(entry)?;
        Ok(true)
    }

    /// Removes a fit that was not started.
    ///
    /// # Errors
    /// When there is none of that number, or its run is running.
    pub fn remove(&self, number: u64) -> Result<QueuedFit, ClientError> {
        if !self.folder.is_dir() {
            return Err(ClientError::NotQueued(number));
        }
        // Held until it is removed: a runner starts it before, or not at all.
        let _held = self.lock_entries()?;
        let all = self.entries();
        let entry = all.into_iter().find(|e| e.number == number);
        let entry = entry.ok_or(ClientError::NotQueued(number))?;
        if let Some(path) = &entry.run {
            let alive = RunDir::open(path).is_ok_and(|run| run.is_engine_alive());
            // The runner may have no engine for it yet.
            if alive || self.has_runner()? {
                let run = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                return Err(ClientError::QueuedFitUnderWay { number, run });
            }
        }
        self.delete_entry(number)?;
        Ok(entry)
    }

    fn delete_entry(&self, number: u64) -> Result<(), ClientError> {
        let path = self.entry_path(number);
        Ok(surfit_core::files::remove(&path).map_err(io_error_at(&path))?)
    }

    fn lock_entries(&self) -> Result<File, ClientError> {
        lock::lock_exclusively(&self.folder.join("lock"))
    }
}

#[cfg(test)]
mod tests;

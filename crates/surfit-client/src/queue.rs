//! Fits that wait for their turn: a folder with a file for each, and a runner that starts the next when the one before has
//! ended. One runner a queue, and one fit of all queues at a time; whatever dies, the next one goes on where it was.

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

/// What a fit in the queue is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueuedFitKind {
    /// A new run of a configuration, as TOML, every path absolute.
    New {
        /// Configuration of the new run as TOML, with absolute paths.
        config: String,
    },
    /// Another degree of a run, from its last checkpoint once it is at rest.
    Fork {
        /// The run's directory.
        run: PathBuf,
        /// Degrees of the new run's surface.
        degrees: Degrees,
    },
}

/// A fit in the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueuedFit {
    /// Its number, by which it is named.
    pub number: u64,
    /// What it is.
    pub task: QueuedFitKind,
    /// A line about it.
    pub title: String,
    /// Its run, once it was started.
    pub run: Option<PathBuf>,
    /// It was stopped with its runner, and goes on when its turn comes again.
    #[serde(default)]
    pub halted: bool,
}

/// The user's queue.
#[derive(Clone, Debug)]
pub struct FitQueue {
    /// Its files, in a folder among the runs that it makes.
    folder: PathBuf,
    /// Where the lock of the machine is: other queues have it too.
    machine_folder: PathBuf,
}

impl FitQueue {
    /// The queue beside the user's runs.
    pub fn open() -> Self {
        Self { folder: RunDir::default_root().join(".queue"), machine_folder: socket_folder() }
    }

    /// Where a runner without a terminal says what becomes of the fits; `None` before there was one.
    pub fn existing_log(&self) -> Option<PathBuf> {
        Some(self.log_path()).filter(|path| path.metadata().is_ok_and(|m| m.len() > 0))
    }

    fn log_path(&self) -> PathBuf {
        self.folder.join("log.txt")
    }

    /// Fits that wait, and the one that runs, in order. Files that are no entries are passed over.
    pub fn entries(&self) -> Vec<QueuedFit> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut all: Vec<QueuedFit> = files
            .filter(|f| f.path().extension().is_some_and(|e| e == "json"))
            .filter_map(|f| serde_json::from_slice(&fs::read(f.path()).ok()?).ok())
            .collect();
        all.sort_by_key(|e| e.number);
        all
    }

    /// Puts a configuration at the end.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn add_config(&self, config: &Config) -> Result<QueuedFit, ClientError> {
        let title =
            format!("{} ({} on {}, degree {})", config.name, config.network.name, config.data.set, config.degrees());
        let config = config.try_to_toml(&self.folder).map_err(RunError::Config)?;
        self.add_entry(QueuedFitKind::New { config }, title)
    }

    /// Puts another degree of a run at the end.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn add_fork(&self, run: &RunDir, degrees: Degrees) -> Result<QueuedFit, ClientError> {
        let title = format!("{} at degree {degrees}", run.id());
        let run = run.path().to_owned();
        self.add_entry(QueuedFitKind::Fork { run, degrees }, title)
    }

    fn add_entry(&self, task: QueuedFitKind, title: String) -> Result<QueuedFit, ClientError> {
        create_folder(&self.folder).map_err(io_error_at(&self.folder))?;
        // Two who add at a time must not take the same number.
        let _held = self.lock_entries()?;
        let last = self.entries().last().map_or(0, |e| e.number);
        // A number is not given twice, though its fit has ended.
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

    /// Writes down where the run of an entry is to be, unless the entry was taken out; true when it is in the queue. From then
    /// on it is the runner's: nobody takes it out while one is at work.
    fn claim_entry(&self, entry: &QueuedFit) -> Result<bool, ClientError> {
        let _held = self.lock_entries()?;
        if !self.entry_path(entry.number).exists() {
            return Ok(false);
        }
        self.write_entry(entry)?;
        Ok(true)
    }

    /// Takes a fit out that was not started.
    ///
    /// # Errors
    /// When there is none of that number, or its run is under way.
    pub fn remove(&self, number: u64) -> Result<QueuedFit, ClientError> {
        if !self.folder.is_dir() {
            return Err(ClientError::NotQueued(number));
        }
        // Held until it is out: a runner that is just coming to it begins it before, or not at all.
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

    /// Held for a moment by whoever changes what is in the queue.
    fn lock_entries(&self) -> Result<File, ClientError> {
        lock::lock_exclusively(&self.folder.join("lock"))
    }
}

#[cfg(test)]
mod tests;

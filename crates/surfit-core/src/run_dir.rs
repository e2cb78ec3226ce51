//! A run's directory: the durable truth about it, and how clients find it.

mod cleanup;
mod error;
mod events;
mod find;
mod fork;
mod identity;
mod initial_config;
mod lock;
mod node;
mod process;
mod socket;
mod status;

pub use cleanup::remove_unpublished_exports;
pub use error::{RunError, io_error_at};
pub use events::{EventLog, EventTail, MAX_EVENT_BYTES, last_event_number, read_events};
pub use fork::ForkRecord;
pub use identity::FileIdentity;
pub use lock::RunLock;
pub use node::EngineNode;
pub use process::ProcessState;
pub use socket::{ensure_private_folder, socket_folder};
pub use status::RunStatus;

use lock::LockSignature;

use crate::config::{self, Config};
use crate::event::Envelope;
use crate::files::{self, FilePath, create_folder, encode_json, remove, sync_folder, write_atomic};
use crate::heatmap::Heatmap;
use crate::run_state::{LogLine, LogTopic, RunState};
use crate::snapshot::Snapshot;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What was measured of the present surface besides the run's own heatmap.
const OTHER_GRIDS_FILE: &str = "heatmaps/other-grids.json";

/// Most bytes of a small file of a run: configuration, status, identity, origin.
pub const MAX_SMALL_FILE_BYTES: u64 = 1 << 20;

/// Most bytes of the snapshot, and of the heatmaps on other grids: twenty times what the largest grid needs.
const MAX_SNAPSHOT_BYTES: u64 = 16 << 20;

/// What a run's directory has from its beginning, before its configuration.
const RUN_FOLDERS: [&str; 5] = ["corners", "surface", "heatmaps", "exports", "figures"];

/// A run's directory. Cheap to clone; holds no open files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// Makes the directory of a new run at `path`, which may exist when it is empty or holds no more than what a process that
    /// was killed here has made.
    ///
    /// # Errors
    /// [`RunError::Exists`] when something is there, [`RunError::NotUtf8`], [`RunError::Config`] for a configuration that
    /// cannot be written, [`RunError::Io`] when it cannot be made.
    pub fn create(path: &Path, config: &Config) -> Result<Self, RunError> {
        if path.is_file() || !is_empty_or_unfinished(path) {
            return Err(RunError::Exists(path.to_owned()));
        }
        let path = absolute_utf8_path(path)?;
        Self::fill_new(path, config, || Ok(()))
    }

    /// As [`RunDir::create`], but an empty directory is in the way, too: another process may be about to fill it.
    /// Of several concurrent callers only one gets it.
    ///
    /// # Errors
    /// As [`RunDir::create`].
    pub fn create_new(path: &Path, config: &Config) -> Result<Self, RunError> {
        let path = absolute_utf8_path(path)?;
        Self::fill_new(path.clone(), config, || {
            if let Some(parent) = path.parent() {
                create_folder(parent).map_err(io_error_at(parent))?;
            }
            fs::create_dir(&path).map_err(|error| match error.kind() {
                ErrorKind::AlreadyExists => RunError::Exists(path.clone()),
                _ => io_error_at(&path)(error),
            })?;
            sync_folder(&path).map_err(io_error_at(&path))
        })
    }

    fn fill_new(
        path: PathBuf,
        config: &Config,
        claim: impl FnOnce() -> Result<(), RunError>,
    ) -> Result<Self, RunError> {
        let text = config.try_to_toml(&path)?;
        claim()?;
        create_folder(&path).map_err(io_error_at(&path))?;
        let run = Self { path };
        for folder in RUN_FOLDERS {
            let folder = run.join(folder);
            create_folder(&folder).map_err(io_error_at(&folder))?;
        }
        let config_path = run.config_path();
        write_atomic(&config_path, text.as_bytes()).map_err(io_error_at(&config_path))?;
        sync_folder(&run.path).map_err(io_error_at(&run.path))?;
        Ok(run)
    }

    /// Makes a run directory under `root` with an id of the configuration's name and the local time.
    ///
    /// # Errors
    /// As [`RunDir::create`].
    pub fn create_in(root: &Path, config: &Config) -> Result<Self, RunError> {
        let stamp = jiff::ZonedDateTime::now().strftime("%Y%m%d-%H%M%S").to_string();
        for attempt in 1.. {
            let suffix = if attempt == 1 { String::new() } else { format!("-{attempt}") };
            match Self::create_new(&root.join(format!("{}-{stamp}{suffix}", config.name)), config) {
                Err(RunError::Exists(_)) if attempt < 100 => {}
                done => return done,
            }
        }
        unreachable!("the loop returns")
    }

    /// Opens an existing run's directory.
    ///
    /// # Errors
    /// [`RunError::NotARun`] when it has no configuration, [`RunError::NotUtf8`].
    pub fn open(path: &Path) -> Result<Self, RunError> {
        if !path.is_dir() {
            return Err(RunError::NotFound { name: path.display().to_string(), nearest: Vec::new() });
        }
        let run = Self { path: absolute_utf8_path(path)? };
        let config_path = run.config_path();
        match files::metadata(&config_path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(io_error_at(&config_path)(error));
            }
            Ok(facts) if !facts.is_file() => {
                // Opening it returns the specific error.
                files::open(&config_path).map_err(io_error_at(&config_path))?;
            }
            _ => {}
        }
        if !files::is_file(&config_path) {
            let inside = Self::runs_in(path);
            return Err(match inside.iter().map(Self::id).min() {
                Some(first) => RunError::SeveralRuns {
                    first: format!("{}/{first}", path.display().to_string().trim_end_matches('/')),
                    path: path.to_owned(),
                    count: inside.len(),
                },
                None => RunError::NotARun(path.to_owned()),
            });
        }
        Ok(run)
    }

    /// Returns the path of the run's directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run's id: the directory's name.
    pub fn id(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// A path inside the directory, confined to it: what is read and written there through [`files`] leads over no link.
    pub fn join(&self, part: impl AsRef<Path>) -> FilePath {
        FilePath::beneath(&self.path, part)
    }

    /// A path that may be in the directory, confined to it when it does.
    pub fn confine(&self, path: &Path) -> FilePath {
        FilePath::confined_if_beneath(path, &self.path)
    }

    /// Returns the path of the run's `config.toml`.
    pub fn config_path(&self) -> FilePath {
        self.join("config.toml")
    }

    /// Returns the path of the run's `events.jsonl`.
    pub fn events_path(&self) -> FilePath {
        self.join("events.jsonl")
    }

    /// `log.txt`: the engine's log, and what its process writes to its standard streams.
    pub fn log_path(&self) -> FilePath {
        self.join("log.txt")
    }

    /// The resolved configuration of the run.
    ///
    /// # Errors
    /// [`RunError::Config`] when it was damaged.
    pub fn config(&self) -> Result<Config, RunError> {
        Ok(config::load(&self.config_path(), &[])?)
    }

    /// The last status that an engine wrote; `None` before the first, or when it cannot be read.
    pub fn status(&self) -> Option<RunStatus> {
        let mut status: RunStatus = self.read_json("status.json", MAX_SMALL_FILE_BYTES)?;
        status.make_printable();
        Some(status)
    }

    /// Replaces the status.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn write_status(&self, status: &RunStatus) -> Result<(), RunError> {
        self.write_json("status.json", status)
    }

    /// The snapshot that was stored with the last checkpoint; `None` when there is none or it is damaged.
    pub fn snapshot(&self) -> Option<Snapshot> {
        let mut snapshot: Snapshot = self.read_json("snapshot.json", MAX_SNAPSHOT_BYTES)?;
        snapshot.make_printable();
        Some(snapshot)
    }

    /// When the snapshot was stored last; `None` when there is none.
    pub fn snapshot_modified_at(&self) -> Option<std::time::SystemTime> {
        files::metadata(&self.join("snapshot.json")).ok()?.modified().ok()
    }

    /// Stores the snapshot, for clients that open the run when no engine is there.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn write_snapshot(&self, snapshot: &Snapshot) -> Result<(), RunError> {
        self.write_json("snapshot.json", snapshot)
    }

    /// Heatmaps on other grids than the snapshot's; none when there are none, or when they are damaged.
    pub fn other_grids(&self) -> Vec<Heatmap> {
        let all: Option<Vec<serde_json::Value>> = self.read_json(OTHER_GRIDS_FILE, MAX_SNAPSHOT_BYTES);
        // A damaged one does not take the others with it.
        all.unwrap_or_default().into_iter().filter_map(|one| serde_json::from_value(one).ok()).collect()
    }

    /// Replaces the heatmaps on other grids.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn write_other_grids(&self, heatmaps: &[&Heatmap]) -> Result<(), RunError> {
        self.write_json(OTHER_GRIDS_FILE, &heatmaps)
    }

    /// Removes the heatmaps on other grids.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn remove_other_grids(&self) -> Result<(), RunError> {
        let path = self.join(OTHER_GRIDS_FILE);
        remove(&path).map_err(io_error_at(&path))
    }

    /// A value that is stored in the directory; `None` when it is not there or cannot be read.
    fn read_json<T: serde::de::DeserializeOwned>(&self, name: &str, limit: u64) -> Option<T> {
        serde_json::from_slice(&files::read(&self.join(name), limit).ok()?).ok()
    }

    fn write_json(&self, name: &str, value: &impl serde::Serialize) -> Result<(), RunError> {
        let path = self.join(name);
        write_atomic(&path, &encode_json(value).map_err(io_error_at(&path))?).map_err(io_error_at(&path))
    }

    /// Events with numbers above `after`, in order.
    ///
    /// # Errors
    /// [`RunError::Io`]; a file that does not exist holds no events.
    pub fn events(&self, after: u64) -> Result<Vec<Envelope>, RunError> {
        read_events(&self.events_path(), after)
    }

    /// Number of the last event; 0 when there is none.
    ///
    /// # Errors
    /// As [`RunDir::events`].
    pub fn last_event_number(&self) -> Result<u64, RunError> {
        last_event_number(&self.events_path())
    }

    /// The run's state from its directory alone. The log reports damaged events.
    ///
    /// # Errors
    /// As [`RunDir::events`].
    pub fn load_state(&self) -> Result<RunState, RunError> {
        let (mut run_state, damage) = self.load_state_and_damage()?;
        if let Some(text) = damage {
            run_state.log.push_back(LogLine {
                time: run_state.log.back().map_or(0.0, |line| line.time),
                text,
                error: true,
                topic: LogTopic::Error,
            });
        }
        Ok(run_state)
    }

    /// The run's state, and a sentence about damaged events.
    ///
    /// # Errors
    /// As [`RunDir::events`].
    pub fn load_state_and_damage(&self) -> Result<(RunState, Option<String>), RunError> {
        let mut run_state = RunState::default();
        let mut tail = EventTail::new(&self.events_path(), 0);
        tail.for_each_event(|e| run_state.apply(&e))?;
        run_state.snapshot = self.snapshot();
        // A fork's events are of the run that it comes from, until its engine has begun.
        if self.fork_record().is_ok_and(|f| f.is_some_and(|f| !f.begun)) {
            run_state.finished = None;
        }
        Ok((run_state, tail.damage()))
    }

    /// What distinguishes this directory from a copy of it; `None` when the file system does not report it.
    pub fn identity(&self) -> Option<FileIdentity> {
        FileIdentity::of_path(&self.path)
    }
}

/// True for a directory in which there is nothing, or nothing but the beginning of a run: empty folders, and a configuration
/// that has no name yet. What cannot be read is not there, or comes up when it is written to.
fn is_empty_or_unfinished(path: &Path) -> bool {
    let made = |entry: fs::DirEntry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let empty = || fs::read_dir(entry.path()).is_ok_and(|mut inside| inside.next().is_none());
        let temporary = || name.starts_with(".config.toml.") && name.ends_with(".tmp");
        (RUN_FOLDERS.contains(&name.as_ref()) && empty()) || temporary()
    };
    fs::read_dir(path).map_or(true, |entries| entries.flatten().all(made))
}

/// A directory's path from the root, which names it in the run's files and in those of others.
fn absolute_utf8_path(path: &Path) -> Result<PathBuf, RunError> {
    let path = std::path::absolute(path).map_err(io_error_at(path))?;
    match path.to_str() {
        Some(_) => Ok(path),
        None => Err(RunError::NotUtf8(path)),
    }
}

#[cfg(test)]
mod tests;

//! A run's directory: the durable truth about it, and how clients find it.

mod events;
mod status;

pub use events::{EventLog, read_events};
pub use status::Status;

use crate::config::{self, Config, ConfigError};
use crate::event::Envelope;
use crate::files::{sync_folder, write_atomic};
use crate::picture::Picture;
use crate::snapshot::Snapshot;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// What can be wrong with a run directory.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Nothing of that name.
    #[error("no run `{0}`; `surfit ls` lists the runs there are")]
    NotFound(String),
    /// A beginning that several ids share.
    #[error("`{name}` begins the ids of {count} runs; write more of it, such as `{latest}`")]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// How many.
        count: usize,
        /// The most recent of them.
        latest: String,
    },
    /// A directory without a configuration.
    #[error("{0} is not a run: it has no config.toml; name a directory that surfit made")]
    NotARun(PathBuf),
    /// The directory for a new run holds something.
    #[error("{0} already exists; choose another --run-dir, or go on with `surfit resume {0}`")]
    Exists(PathBuf),
    /// Another engine has it.
    #[error("{path} is in use by another engine{}; attach with `surfit open {path}`, or stop it with `surfit stop {path}`",
            pid.map(|p| format!(" (pid {p})")).unwrap_or_default())]
    InUse {
        /// The run.
        path: PathBuf,
        /// The engine's process, when known.
        pid: Option<u32>,
    },
    /// The stored configuration is damaged.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file is damaged.
    #[error("{path} is damaged ({why}); restore it from a copy, or start a new run")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// Attaches a path to an I/O error.
pub fn at(path: &Path) -> impl FnOnce(io::Error) -> RunError + '_ {
    move |source| RunError::Io {
        path: path.to_owned(),
        source,
    }
}

/// A run's directory. Cheap to clone; holds no open files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
}

/// Held by the engine for as long as it works on a run; the kernel releases it however the process ends.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

impl RunDir {
    /// Makes the directory of a new run at `path`, which may exist when it is empty.
    ///
    /// # Errors
    /// [`RunError::Exists`] when something is there, [`RunError::Io`] when it cannot be made.
    pub fn create(path: &Path, config: &Config) -> Result<Self, RunError> {
        if fs::read_dir(path).is_ok_and(|mut d| d.next().is_some()) || path.is_file() {
            return Err(RunError::Exists(path.to_owned()));
        }
        let path = std::path::absolute(path).map_err(at(path))?;
        for folder in ["", "corners", "surface", "heatmaps", "exports", "figures"] {
            let folder = path.join(folder);
            fs::create_dir_all(&folder).map_err(at(&folder))?;
        }
        let run = Self { path };
        let config_path = run.config_path();
        write_atomic(&config_path, config.to_toml().as_bytes()).map_err(at(&config_path))?;
        sync_folder(&run.path).map_err(at(&run.path))?;
        Ok(run)
    }

    /// Makes a run directory under `root` with an id of the configuration's name and the local time.
    ///
    /// # Errors
    /// As [`RunDir::create`].
    pub fn create_in(root: &Path, config: &Config) -> Result<Self, RunError> {
        let stamp = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
        for attempt in 1.. {
            let suffix = if attempt == 1 {
                String::new()
            } else {
                format!("-{attempt}")
            };
            match Self::create(
                &root.join(format!("{}-{stamp}{suffix}", config.name)),
                config,
            ) {
                Err(RunError::Exists(_)) if attempt < 100 => {}
                done => return done,
            }
        }
        unreachable!("the loop returns")
    }

    /// Opens an existing run's directory.
    ///
    /// # Errors
    /// [`RunError::NotARun`] when it has no configuration.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        if !path.is_dir() {
            return Err(RunError::NotFound(path.display().to_string()));
        }
        let run = Self {
            path: std::path::absolute(path).map_err(at(path))?,
        };
        if !run.config_path().is_file() {
            return Err(RunError::NotARun(path.to_owned()));
        }
        Ok(run)
    }

    /// Finds a run by a path, by its id under `root`, or by the beginning of exactly one id.
    ///
    /// # Errors
    /// [`RunError::NotFound`], or as [`RunDir::open`].
    pub fn find(root: &Path, name: &str) -> Result<Self, RunError> {
        for path in [PathBuf::from(name), root.join(name)] {
            if path.is_dir() {
                return Self::open(&path);
            }
        }
        let mut matching = Self::list(root);
        matching.retain(|r| !name.is_empty() && r.id().starts_with(name));
        match matching.len() {
            0 => Err(RunError::NotFound(name.to_owned())),
            1 => Ok(matching.remove(0)),
            count => {
                let (name, latest) = (name.to_owned(), matching[0].id());
                Err(RunError::Ambiguous {
                    name,
                    count,
                    latest,
                })
            }
        }
    }

    /// Every run under `root`, most recently begun first. Directories that are no runs are passed over.
    pub fn list(root: &Path) -> Vec<Self> {
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        let mut runs: Vec<_> = entries
            .filter_map(|e| Self::open(&e.path()).ok())
            .map(|r| {
                (
                    r.config_path().metadata().and_then(|m| m.modified()).ok(),
                    r,
                )
            })
            .collect();
        runs.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| b.1.path.cmp(&a.1.path)));
        runs.into_iter().map(|(_, run)| run).collect()
    }

    /// Where runs live when nothing else is said: `SURFIT_RUNS`, else `surfit/runs` in the user's data folder.
    pub fn default_root() -> PathBuf {
        if let Some(root) = std::env::var_os("SURFIT_RUNS").filter(|r| !r.is_empty()) {
            return root.into();
        }
        use etcetera::BaseStrategy;
        match etcetera::choose_base_strategy() {
            Ok(base) => base.data_dir().join("surfit").join("runs"),
            Err(_) => PathBuf::from("runs"),
        }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run's id: the directory's name.
    pub fn id(&self) -> String {
        self.path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    /// A path inside the directory.
    pub fn join(&self, part: impl AsRef<Path>) -> PathBuf {
        self.path.join(part)
    }

    /// `config.toml`
    pub fn config_path(&self) -> PathBuf {
        self.join("config.toml")
    }

    /// `events.jsonl`
    pub fn events_path(&self) -> PathBuf {
        self.join("events.jsonl")
    }

    /// `log.txt`: what the engine's process writes to its standard streams.
    pub fn log_path(&self) -> PathBuf {
        self.join("log.txt")
    }

    /// The resolved configuration of the run.
    ///
    /// # Errors
    /// [`RunError::Config`] when it was damaged.
    pub fn config(&self) -> Result<Config, RunError> {
        Ok(config::load(&self.config_path(), &[])?)
    }

    /// Claims the run for this process.
    ///
    /// # Errors
    /// [`RunError::InUse`] when another engine has it.
    pub fn lock(&self) -> Result<RunLock, RunError> {
        let path = self.join("lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(at(&path))?;
        // An observer tests the lock for an instant; an engine that starts just then waits it out.
        for _ in 0..20 {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(RunLock { _file: file }),
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    std::thread::sleep(std::time::Duration::from_millis(25));
                }
                Err(e) => return Err(at(&path)(e.into())),
            }
        }
        Err(RunError::InUse {
            path: self.path.clone(),
            pid: self.status().map(|s| s.pid),
        })
    }

    /// True while an engine works on the run: the lock is held. Needs no trust in process ids or clocks.
    pub fn is_alive(&self) -> bool {
        match File::open(self.join("lock")) {
            Ok(file) => flock(&file, FlockOperation::NonBlockingLockShared).is_err(),
            Err(_) => false,
        }
    }

    /// The last status that an engine wrote; `None` before the first, or when it cannot be read.
    pub fn status(&self) -> Option<Status> {
        serde_json::from_slice(&fs::read(self.join("status.json")).ok()?).ok()
    }

    /// Replaces the status.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn write_status(&self, status: &Status) -> Result<(), RunError> {
        self.write_json("status.json", status)
    }

    /// The snapshot that was stored with the last checkpoint; `None` when there is none or it is damaged.
    pub fn snapshot(&self) -> Option<Snapshot> {
        serde_json::from_slice(&fs::read(self.join("snapshot.json")).ok()?).ok()
    }

    /// Stores the snapshot, for clients that open the run when no engine is there.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn write_snapshot(&self, snapshot: &Snapshot) -> Result<(), RunError> {
        self.write_json("snapshot.json", snapshot)
    }

    fn write_json(&self, name: &str, value: &impl serde::Serialize) -> Result<(), RunError> {
        let path = self.join(name);
        let json = serde_json::to_vec(value).expect("plain data");
        write_atomic(&path, &json).map_err(at(&path))
    }

    /// Events with numbers above `after`, in order.
    ///
    /// # Errors
    /// [`RunError::Io`]; a file that does not exist holds no events.
    pub fn events(&self, after: u64) -> Result<Vec<Envelope>, RunError> {
        read_events(&self.events_path(), after)
    }

    /// The picture of the run from its directory alone.
    ///
    /// # Errors
    /// As [`RunDir::events`].
    pub fn picture(&self) -> Result<Picture, RunError> {
        let mut picture = Picture::default();
        self.events(0)?.iter().for_each(|e| picture.apply(e));
        picture.snapshot = self.snapshot();
        Ok(picture)
    }

    /// The socket of the run's engine: where its engine says it is (`socket` in the directory), since the client may
    /// live in another environment, else where a new engine would put it.
    pub fn socket_path(&self) -> PathBuf {
        let said = fs::read_to_string(self.join("socket")).unwrap_or_default();
        let said = PathBuf::from(said.trim());
        if said.is_absolute() {
            said
        } else {
            self.new_socket_path()
        }
    }

    /// Where a new engine puts its socket: in a private folder, under a short name made from the directory's path,
    /// since a socket's path has room for about a hundred bytes only.
    pub fn new_socket_path(&self) -> PathBuf {
        let canonical = self
            .path
            .canonicalize()
            .unwrap_or_else(|_| self.path.clone());
        // FNV-1a, 64 bits: a name, not a secret.
        let hash = canonical
            .as_os_str()
            .as_encoded_bytes()
            .iter()
            .fold(0xcbf2_9ce4_8422_2325u64, |h, b| {
                (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3)
            });
        socket_folder().join(format!("{hash:016x}.sock"))
    }
}

/// The private folder for sockets: in `XDG_RUNTIME_DIR`, else in the temporary folder under the user's id.
pub fn socket_folder() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    match runtime.filter(|r| r.is_absolute() && r.as_os_str().len() <= 60 && r.is_dir()) {
        Some(folder) => folder.join("surfit"),
        None => PathBuf::from(format!(
            "/tmp/surfit-{}",
            rustix::process::getuid().as_raw()
        )),
    }
}

#[cfg(test)]
mod tests;

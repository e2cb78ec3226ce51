//! A run that begins as a copy of another one's checkpoint.

use super::{MAX_SMALL_FILE_BYTES, OTHER_GRIDS_FILE, RunDir, RunError, absolute_utf8_path, io_error_at};
use crate::files::{self, FilePath, create_folder, encode_json, sync_all, sync_folder, write_atomic};
use crate::surface::Degrees;
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Distinguishes the forks that one process makes while they have no name yet.
static NEXT_FORK_NUMBER: AtomicU64 = AtomicU64::new(0);

/// Where a run came from, and what its engine still has to do about it: `fork.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForkRecord {
    /// The other run's directory.
    pub from: PathBuf,
    /// Degrees that the surface gets before the fit continues; `None` for those it has.
    pub degrees: Option<Degrees>,
    /// The engine has done so.
    pub begun: bool,
}

impl RunDir {
    /// The run's checkpoint of the surface.
    pub fn checkpoint_path(&self) -> FilePath {
        self.join("surface").join("state.safetensors")
    }

    /// Makes a new run at `path` from this one's last checkpoint: with its corners, its history and what its heatmap knows,
    /// but without its exports. Large files are shared until one of the two replaces them: no file of a run is ever changed
    /// in its place. The new directory appears with all its files, or not at all, after a power cut too.
    ///
    /// # Errors
    /// [`RunError::Exists`] when something is at `path`, [`RunError::NoSurface`] before there is a checkpoint,
    /// [`RunError::Io`].
    pub fn fork(&self, path: &Path, degrees: Option<Degrees>) -> Result<Self, RunError> {
        let path = absolute_utf8_path(path)?;
        if path.symlink_metadata().is_ok() {
            return Err(RunError::Exists(path));
        }
        if !files::exists(&self.checkpoint_path()) {
            return Err(RunError::NoSurface(self.id()));
        }
        let parent = path.parent().unwrap_or(Path::new("/")).to_owned();
        create_folder(&parent).map_err(io_error_at(&parent))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Several may be made at a time, by one process too, and none may touch another's files.
        let number = NEXT_FORK_NUMBER.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        let partial = parent.join(format!(".{name}.{process}-{number}.partial"));
        let mut config = self.config()?;
        if let Some(degrees) = degrees {
            config.fit.degree = degrees.into();
        }
        files::remove_abandoned(&path);
        let new = match Self::create_new(&partial, &config) {
            Err(RunError::Exists(other)) => return Err(RunError::Exists(other)),
            new => new,
        };
        let _held = files::lock_unfinished_folder(&partial);
        let made = new.and_then(|new| self.copy_checkpoint_into(&new, degrees)).and_then(|()| {
            fs::rename(&partial, &path).map_err(|error| match error.kind() {
                // Another one was faster.
                ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists => RunError::Exists(path.clone()),
                _ => io_error_at(&path)(error),
            })
        });
        if made.is_err() {
            // What is left of it has no name that anybody looks for.
            let _ = fs::remove_dir_all(&partial);
        }
        made?;
        sync_folder(&path).map_err(io_error_at(&parent))?;
        Ok(Self { path })
    }

    fn copy_checkpoint_into(&self, new: &Self, degrees: Option<Degrees>) -> Result<(), RunError> {
        // The checkpoint first: what is copied later may know more than it, and what belongs to later steps is passed over.
        hard_link_or_copy(&self.checkpoint_path(), &new.checkpoint_path())?;
        let corners = self.join("corners");
        for entry in files::list_folder(&corners).map_err(io_error_at(&corners))? {
            let name = entry.name;
            if name.to_string_lossy().starts_with("corner-") {
                hard_link_or_copy(&corners.join(&name), &new.join("corners").join(name))?;
            }
        }
        // What was measured on other grids holds as long as the fork's surface is the same; its engine looks at that.
        if files::exists(&self.join(OTHER_GRIDS_FILE)) {
            hard_link_or_copy(&self.join(OTHER_GRIDS_FILE), &new.join(OTHER_GRIDS_FILE))?;
        }
        for name in ["identity.json", "snapshot.json", "events.jsonl"] {
            let (from, to) = (self.join(name), new.join(name));
            if files::exists(&from) {
                let mut file = files::open(&from).map_err(io_error_at(&from))?;
                let copied =
                    files::open_with(&to, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL).map_err(io_error_at(&to))?;
                files::copy_content(&mut file, &copied).map_err(io_error_at(&to))?;
            }
        }
        new.write_fork_record(&ForkRecord { from: self.path.clone(), degrees, begun: false })?;
        // Before it gets its name, which the disk may keep sooner than what is in it.
        sync_all(&new.join("")).map_err(io_error_at(new.path()))
    }

    /// Where the run came from; `None` when it is no fork.
    ///
    /// # Errors
    /// [`RunError::Damaged`].
    pub fn fork_record(&self) -> Result<Option<ForkRecord>, RunError> {
        let path = self.join("fork.json");
        match files::read(&path, MAX_SMALL_FILE_BYTES) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(io_error_at(&path)(e)),
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|e| RunError::Damaged { path: path.into_path(), why: e.to_string() }),
        }
    }

    /// Replaces what is known of where the run came from.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn write_fork_record(&self, fork: &ForkRecord) -> Result<(), RunError> {
        let path = self.join("fork.json");
        write_atomic(&path, &encode_json(fork).map_err(io_error_at(&path))?).map_err(io_error_at(&path))
    }
}

/// [`files::hard_link_or_copy`] with the path in the error.
fn hard_link_or_copy(from: &FilePath, to: &FilePath) -> Result<(), RunError> {
    files::hard_link_or_copy(from, to).map_err(io_error_at(from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::files::take_synced_paths;

    /// A folder and everything in it.
    fn all_in(folder: &Path) -> Vec<PathBuf> {
        let mut all = vec![folder.to_owned()];
        for entry in fs::read_dir(folder).unwrap().flatten() {
            match entry.file_type().unwrap().is_dir() {
                true => all.extend(all_in(&entry.path())),
                false => all.push(entry.path()),
            }
        }
        all
    }

    #[test]
    fn a_fork_has_all_or_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        let twin = dir.path().join("b");
        let error = run.fork(&twin, None).unwrap_err();
        assert!(matches!(error, RunError::NoSurface(_)), "{error}");
        assert!(!twin.exists());
        fs::write(run.checkpoint_path(), "surface").unwrap();
        fs::write(run.join("corners/corner-1.safetensors"), "corner").unwrap();
        fs::write(run.join("corners/partial.safetensors"), "half").unwrap();
        fs::write(run.join("events.jsonl"), "").unwrap();
        write_atomic(&run.join(OTHER_GRIDS_FILE), b"[]").unwrap();
        let degrees = Degrees::new(3, 2).unwrap();
        take_synced_paths();
        let fork = run.fork(&twin, Some(degrees)).unwrap();
        // Every file and every folder of it was made durable, and its name after them.
        let name = twin.file_name().unwrap();
        let mut durable = take_synced_paths();
        assert_eq!(durable.pop().as_deref(), Some(dir.path()));
        let within = |path: &Path| -> Option<PathBuf> {
            let mut parts = path.strip_prefix(dir.path()).ok()?.components();
            let partial = parts.next()?.as_os_str().to_string_lossy().into_owned();
            let of_it = partial.starts_with(&format!(".{}.", name.display()));
            of_it.then(|| parts.as_path().to_owned())
        };
        let durable: Vec<PathBuf> = durable.iter().filter_map(|p| within(p)).collect();
        for path in all_in(&twin) {
            let path = path.strip_prefix(&twin).unwrap();
            assert!(durable.iter().any(|p| p == path), "{}", path.display());
        }
        assert_eq!(fork.config().unwrap().degrees(), degrees);
        let record = fork.fork_record().unwrap().unwrap();
        assert_eq!((record.degrees, record.begun), (Some(degrees), false));
        assert!(fork.join("corners/corner-1.safetensors").is_file());
        assert!(!fork.join("corners/partial.safetensors").exists());
        // What one of them replaces the other keeps.
        write_atomic(&fork.checkpoint_path(), b"later").unwrap();
        assert_eq!(fs::read(run.checkpoint_path()).unwrap(), b"surface");
        let error = run.fork(&twin, None).unwrap_err();
        assert!(matches!(error, RunError::Exists(_)), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "no litter");
    }

    #[test]
    fn a_fork_that_was_not_begun_has_no_result_yet() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        fs::write(run.checkpoint_path(), "surface").unwrap();
        let finished = r#"{"seq":1,"time":1.0,"event":"finished","corners":[0.5],"corners_test":[0.5],"degrees":[2,2],
            "best":{"u":0.5,"v":0.5,"accuracy":0.6,"loss":1.0,"images":9},"best_test":0.6,"interior_mean":0.6,"heatmap":
            {"mean":0.5,"interior_mean":0.6,"min":0.4,"max":0.6,"corners_mean":0.5},"grid":3,"seconds":{},"export":"x",
            "baselines":[],"steps":[1,2]}"#;
        fs::write(run.events_path(), finished.replace('\n', "") + "\n").unwrap();
        let fork = run.fork(&dir.path().join("b"), None).unwrap();
        let is_done = |run: &RunDir| run.load_state().unwrap().job_result().is_some();
        assert!(is_done(&run) && !is_done(&fork));
        // The engine records where the run comes from before it notes that it has begun.
        let forked = r#"{"seq":2,"time":2.0,"event":"forked","from":"/a","step":2,"degrees":[2,2]}"#;
        let log = fs::read_to_string(fork.events_path()).unwrap() + forked + "\n";
        fs::write(fork.events_path(), log).unwrap();
        let begun = fork.fork_record().unwrap().map(|f| ForkRecord { begun: true, ..f });
        fork.write_fork_record(&begun.unwrap()).unwrap();
        assert!(!is_done(&fork));
    }

    #[test]
    fn of_forks_that_are_made_at_a_time_one_gets_the_name_and_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        fs::write(run.checkpoint_path(), "surface").unwrap();
        fs::write(run.join("events.jsonl"), "").unwrap();
        let corner = |n| run.join(format!("corners/corner-{n}.safetensors"));
        (1..=40).for_each(|n| fs::write(corner(n), "corner").unwrap());
        for round in 0..10 {
            let twin = dir.path().join(format!("b{round}"));
            let all: Vec<_> = std::thread::scope(|scope| {
                let all: Vec<_> = (0..4).map(|_| scope.spawn(|| run.fork(&twin, None))).collect();
                all.into_iter().map(|t| t.join().unwrap()).collect()
            });
            assert_eq!(all.iter().filter(|made| made.is_ok()).count(), 1);
            let others = all.iter().filter_map(|made| made.as_ref().err());
            for error in others {
                assert!(matches!(error, RunError::Exists(_)), "{error}");
            }
            let fork = RunDir::open(&twin).unwrap();
            assert_eq!(fs::read_dir(fork.join("corners")).unwrap().count(), 40);
            assert!(fork.checkpoint_path().is_file() && fork.fork_record().unwrap().is_some());
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 11, "no litter");
    }
}

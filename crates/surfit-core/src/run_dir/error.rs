//! What can be wrong with a run's directory, each as one sentence.

use super::{EngineNode, RunDir};
use crate::config::ConfigError;
use crate::files::{self, FilePath};
use rustix::fs::Access;
use std::io;
use std::path::{Path, PathBuf};

/// What can be wrong with a run directory.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No run of that name.
    #[error("no run `{name}`; {}`surfit ls` lists your runs", describe_nearest(nearest))]
    NotFound {
        /// Name that the user gave.
        name: String,
        /// The most similar names, nearest first.
        nearest: Vec<String>,
    },
    /// A beginning that several ids share.
    #[error("`{name}` is the beginning of {count} run ids; write more of it, such as `{latest}`")]
    Ambiguous {
        /// What was requested.
        name: String,
        /// Number of runs whose ids begin so.
        count: usize,
        /// The most recent of them.
        latest: String,
    },
    /// A directory that holds several runs.
    #[error("{path} contains {count} runs; name one, such as `{first}`")]
    SeveralRuns {
        /// Directory that holds the runs.
        path: PathBuf,
        /// Number of runs in it.
        count: usize,
        /// One of them.
        first: String,
    },
    /// A directory without a configuration.
    #[error("{0} is not a run: it has no config.toml; name a run directory")]
    NotARun(PathBuf),
    /// The directory for a new run holds something.
    #[error("{} already exists{}", .0.display(), describe_existing(.0))]
    Exists(PathBuf),
    /// A path that cannot be noted in the run's files.
    #[error("{}: the path is not UTF-8, as files of a run require; rename it, or choose another", .0.display())]
    NotUtf8(PathBuf),
    /// The folder for sockets and locks is another user's.
    #[error("{} belongs to another user; remove it or set XDG_RUNTIME_DIR to your own directory", .0.display())]
    ForeignFolder(PathBuf),
    /// The socket of the run's engine is not where engines of this user put it.
    #[error("{} is not the socket of your own engine; another user works on the run, or its file `socket` is stale and can be removed", .0.display())]
    ForeignSocket(PathBuf),
    /// It would be in another run's directory.
    #[error("{} is inside the run {} and would be deleted with it; choose another directory", path.display(), run.display())]
    InsideRun {
        /// Where it was to be made.
        path: PathBuf,
        /// The run around it.
        run: PathBuf,
    },
    /// It has no checkpoint of a surface.
    #[error("{0} has no surface yet; wait until it has one")]
    NoSurface(String),
    /// Another engine has it.
    #[error("{path} is in use by another engine{}", describe_holder(path, *pid, node.as_deref()))]
    InUse {
        /// Directory of the run.
        path: PathBuf,
        /// The engine's process, when known.
        pid: Option<u32>,
        /// Where it works, when that is not here.
        node: Option<Box<EngineNode>>,
    },
    /// Nothing may be written into its directory.
    #[error("{0} is read-only; fork it with `surfit fork {0}`, or copy it")]
    ReadOnly(PathBuf),
    /// The stored configuration is damaged.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file is damaged.
    #[error("{path} is damaged ({why}); restore it from a copy, or start a new run")]
    Damaged {
        /// Path of the damaged file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// Path of the file or directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// Asks whether one of the names was meant.
fn describe_nearest(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => format!("did you mean {one}? "),
        [first @ .., last] => format!("did you mean {} or {last}? ", first.join(", ")),
    }
}

/// Which process works on a run, where, and what to do about it.
fn describe_holder(path: &Path, pid: Option<u32>, node: Option<&EngineNode>) -> String {
    let pid = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
    if let Some(node) = node {
        return format!(" on {}{pid}; {}", node.name(), node.describe_access(path));
    }
    let path = path.display();
    format!("{pid}; attach with `surfit open {path}`, or stop it with `surfit stop {path}`")
}

impl RunDir {
    /// Attaches a path in the run to an error of writing there, and states when nothing in the run may be written.
    pub fn write_error_at<'a>(&'a self, path: &'a Path) -> impl FnOnce(io::Error) -> RunError + 'a {
        move |source| {
            let refused = [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem];
            let may_write = || rustix::fs::access(self.path(), Access::WRITE_OK).is_ok();
            match refused.contains(&source.kind()) && !may_write() {
                true => RunError::ReadOnly(self.path().to_owned()),
                false => io_error_at(path)(source),
            }
        }
    }
}

/// What to do where a new run's directory is taken, by a run or by something else.
fn describe_existing(path: &Path) -> String {
    match files::is_file(&FilePath::beneath(path, "config.toml")) {
        true => format!("; choose another --run-dir, or continue with `surfit resume {}`", path.display()),
        false => " and is not a run; choose another --run-dir, or an empty directory".into(),
    }
}

/// Attaches a path to an I/O error.
pub fn io_error_at(path: &Path) -> impl FnOnce(io::Error) -> RunError + '_ {
    move |source| RunError::Io { path: path.to_owned(), source }
}

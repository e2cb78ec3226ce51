//! Finding runs: by a path, an id or its beginning, alone or in a directory of several.

use super::{RunDir, RunError, io_error_at};
use crate::files::{self, FilePath};
use std::fs;
use std::path::{Path, PathBuf};

impl RunDir {
    /// The runs that lie in a directory, as those of several seeds or of a study do; in no order.
    pub fn runs_in(path: &Path) -> Vec<Self> {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        entries
            .filter(|e| !e.file_name().to_string_lossy().starts_with('.'))
            .filter(|e| files::is_file(&FilePath::beneath(&e.path(), "config.toml")))
            .filter_map(|e| Self::open(&e.path()).ok())
            .collect()
    }

    /// Refuses a place for a new run that lies in another run's directory: whoever removes that would remove both.
    ///
    /// # Errors
    /// [`RunError::InsideRun`].
    pub fn check_not_nested(path: &Path) -> Result<(), RunError> {
        let absolute = std::path::absolute(path).map_err(io_error_at(path))?;
        // Links are followed as far as there is something.
        let around = absolute.ancestors().skip(1).find_map(|p| p.canonicalize().ok());
        let runs = around.iter().flat_map(|folder| folder.ancestors());
        // Many programs have a config.toml.
        let is_run = |folder: &&Path| {
            let part = |name| files::metadata(&FilePath::beneath(folder, name));
            part("config.toml").is_ok_and(|m| m.is_file())
                && ["corners", "surface", "heatmaps", "exports"].iter().all(|name| part(name).is_ok_and(|m| m.is_dir()))
        };
        match runs.into_iter().find(is_run) {
            Some(run) => Err(RunError::InsideRun { path: path.to_owned(), run: run.to_owned() }),
            None => Ok(()),
        }
    }

    /// Finds a run by a path, by its id under `root`, or by the beginning of exactly one id.
    ///
    /// # Errors
    /// [`RunError::NotFound`], or as [`RunDir::open`].
    pub fn find(root: &Path, name: &str) -> Result<Self, RunError> {
        for path in [PathBuf::from(name), root.join(name)] {
            if path.is_dir() && !name.is_empty() {
                return Self::open(&path);
            }
        }
        let mut matching = Self::list(root);
        matching.retain(|r| !name.is_empty() && r.name_in(root).starts_with(name));
        match matching.len() {
            0 => Err(RunError::NotFound(name.to_owned())),
            1 => Ok(matching.remove(0)),
            count => {
                let (name, latest) = (name.to_owned(), matching[0].name_in(root));
                Err(RunError::Ambiguous { name, count, latest })
            }
        }
    }

    /// Every run under `root`, most recently begun first, with those in a directory of several. Directories that are no runs
    /// are passed over.
    pub fn list(root: &Path) -> Vec<Self> {
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        let group = |e: fs::DirEntry| {
            let path = e.path();
            // What lies in a run, such as a copy that was put there, is no run of its own.
            (path.is_dir() && !path.join("config.toml").is_file()).then(|| Self::runs_in(&path))
        };
        let mut runs: Vec<_> = Self::runs_in(root)
            .into_iter()
            .chain(entries.filter_map(group).flatten())
            .map(|r| (files::metadata(&r.config_path()).and_then(|m| m.modified()).ok(), r))
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

    /// What the run is called among those under `root`: its id, behind the directory of several runs that it lies in. Its
    /// id, when it lies elsewhere.
    pub fn name_in(&self, root: &Path) -> String {
        let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        match self.path.strip_prefix(&root) {
            Ok(inside) if inside.components().count() > 0 => inside.display().to_string(),
            _ => self.id(),
        }
    }
}

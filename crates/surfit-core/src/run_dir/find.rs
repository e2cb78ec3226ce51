//! Finding runs: by a path, an id or its beginning, alone or in a directory of several.

use super::{RunDir, RunError, io_error_at};
use crate::files::{self, FilePath};
use std::fs;
use std::path::{Path, PathBuf};

impl RunDir {
    /// Returns the runs directly in a directory, such as those of several seeds or of a study, in no order.
    pub fn runs_in(path: &Path) -> Vec<Self> {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        entries
            .filter(|e| !e.file_name().to_string_lossy().starts_with('.'))
            .filter(|e| files::is_file(&FilePath::beneath(&e.path(), "config.toml")))
            .filter_map(|e| Self::open(&e.path()).ok())
            .collect()
    }

    /// Refuses a directory for a new run inside another run's directory: removing that would remove both.
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
    /// [`RunError::NotFound`] with the nearest names, [`RunError::Ambiguous`], or as [`RunDir::open`].
    pub fn find(root: &Path, name: &str) -> Result<Self, RunError> {
        for path in [PathBuf::from(name), root.join(name)] {
            if path.is_dir() && !name.is_empty() {
                return Self::open(&path);
            }
        }
        let runs = Self::list(root);
        let names: Vec<String> = runs.iter().map(|r| r.name_in(root)).collect();
        let begins = |r: &Self| !name.is_empty() && r.name_in(root).starts_with(name);
        let mut matching: Vec<Self> = runs.into_iter().filter(begins).collect();
        match matching.len() {
            0 => Err(RunError::NotFound { name: name.to_owned(), nearest: nearest_run_names(name, &names) }),
            1 => Ok(matching.remove(0)),
            count => {
                let (name, latest) = (name.to_owned(), matching[0].name_in(root));
                Err(RunError::Ambiguous { name, count, latest })
            }
        }
    }

    /// Returns every run under `root`, most recently started first, with those in a directory of several. Ignores directories
    /// that are no runs.
    pub fn list(root: &Path) -> Vec<Self> {
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        let group = |e: fs::DirEntry| {
            let path = e.path();
            // A copy inside a run is not listed as a run of its own.
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

    /// Returns the default directory of runs: `SURFIT_RUNS`, else `surfit/runs` in the user's data directory.
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

    /// Returns the run's name under `root`: its id, behind the directory of several runs that holds it. Just its id, when it
    /// is not under `root`.
    pub fn name_in(&self, root: &Path) -> String {
        let root = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
        match self.path.strip_prefix(&root) {
            Ok(inside) if inside.components().count() > 0 => inside.display().to_string(),
            _ => self.id(),
        }
    }
}

/// Most typing errors for which an error suggests a name.
const MAX_TYPING_ERRORS: usize = 3;

const MAX_SUGGESTIONS: usize = 3;

/// Returns those of `known` that differ least from `name`, whole or in their beginning, which is a name too; nearest first,
/// and in the order of `known` where several are as near.
fn nearest_run_names(name: &str, known: &[String]) -> Vec<String> {
    let length = name.chars().count();
    let distance = |full: &String| {
        let beginnings = (length.saturating_sub(1)..=length + 1).map(|n| full.chars().take(n).collect::<String>());
        let all = beginnings.chain([full.clone()]);
        all.map(|text| strsim::damerau_levenshtein(&text, name)).min().unwrap_or(usize::MAX)
    };
    let mut near: Vec<(usize, &String)> = known.iter().map(|full| (distance(full), full)).collect();
    near.retain(|(distance, _)| *distance <= (length / 3).min(MAX_TYPING_ERRORS));
    near.sort_by_key(|(distance, _)| *distance);
    near.into_iter().take(MAX_SUGGESTIONS).map(|(_, full)| full.clone()).collect()
}

//! Resolves names of runs, and links runs in other directories among the user's runs.

use super::error::CliError;
use std::path::Path;
use surfit_client::remote::RemoteAddress;
use surfit_core::config::Config;
use surfit_core::run_dir::{RunDir, RunError};

/// Finds a run by a path, an id, or the beginning of an id.
pub fn find_run(name: &str) -> Result<RunDir, CliError> {
    RunDir::find(&RunDir::default_root(), name).map_err(|error| match error {
        RunError::NotFound { .. } => match RemoteAddress::parse(name) {
            Some(address) => CliError::Usage(remote_run_message(name, &address)),
            None => error.into(),
        },
        other => other.into(),
    })
}

/// Returns how to write a name that may be meant as a host.
pub fn remote_address_hint(name: &str) -> Option<String> {
    let (user, host) = name.rsplit_once('@').unwrap_or(("x", name));
    let plain = |word: &str| {
        let first = word.starts_with(|c: char| c.is_ascii_alphanumeric());
        first && word.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
    };
    let may_be = plain(user) && plain(host) && RemoteAddress::parse(&format!("{name}:")).is_some();
    may_be.then(|| format!("for the most recent run on host {name}, use `surfit open {name}:`"))
}

/// Returns the error for a remote run in a command for local runs, with the command to use there.
fn remote_run_message(name: &str, there: &RemoteAddress) -> String {
    let words = std::env::args().skip(1).map(|word| match word == name {
        true => there.run.clone(),
        false => word,
    });
    let words: Vec<String> = words.filter(|w| !w.is_empty()).collect();
    format!(
        "`{name}` is on another machine: from here, only `surfit open {name}` and `surfit ls {}` work; run `surfit {}` there",
        there.format_run(""),
        words.join(" ")
    )
}

/// Links a directory of several runs among the user's runs, if it is `elsewhere`.
pub fn link_group(dir: &Path, elsewhere: bool) {
    // A failure is ignored, as for one run.
    if elsewhere && std::fs::create_dir_all(dir).is_ok() {
        let _ = link_into_runs(&RunDir::default_root(), dir);
    }
}

/// Creates the directory of a new run, at `dir` or among the user's runs.
pub fn create_run(config: &Config, dir: Option<&Path>) -> Result<RunDir, CliError> {
    let root = RunDir::default_root();
    let Some(dir) = dir else {
        return Ok(RunDir::create_in(&root, config)?);
    };
    RunDir::check_not_nested(dir)?;
    let run = RunDir::create(dir, config)?;
    // A failure is ignored: the run is still found by its path.
    let _ = link_into_runs(&root, run.path());
    Ok(run)
}

/// Links a run in another directory among the user's runs. A failure is ignored: the run is still found by its path.
pub fn link_run(run: &RunDir) {
    let _ = link_into_runs(&RunDir::default_root(), run.path());
}

/// Links a run, or a directory of runs, among the user's runs, unless it is there already.
fn link_into_runs(root: &Path, dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(root)?;
    let target = dir.canonicalize()?;
    if target.starts_with(root.canonicalize()?) {
        return Ok(());
    }
    let id = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for attempt in 1..100 {
        let suffix = if attempt == 1 { String::new() } else { format!("-{attempt}") };
        let name = root.join(format!("{id}{suffix}"));
        if name.canonicalize().is_ok_and(|there| there == target) {
            return Ok(());
        }
        if name.symlink_metadata().is_ok_and(|m| m.is_symlink()) && !name.exists() {
            std::fs::remove_file(&name)?; // its run was deleted
        }
        if name.symlink_metadata().is_err() {
            return std::os::unix::fs::symlink(&target, &name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_elsewhere_is_linked_once_and_broken_links_are_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (root, elsewhere) = (dir.path().join("runs"), dir.path().join("elsewhere/a"));
        let run = RunDir::create(&elsewhere, &Config::default()).unwrap();
        link_into_runs(&root, run.path()).unwrap();
        link_into_runs(&root, run.path()).unwrap();
        assert_eq!(RunDir::list(&root).len(), 1);
        assert_eq!(RunDir::find(&root, "a").unwrap().socket_path(), run.socket_path());

        let second = RunDir::create(&dir.path().join("other/a"), &Config::default()).unwrap();
        link_into_runs(&root, second.path()).unwrap();
        assert_eq!(RunDir::list(&root).len(), 2);

        std::fs::remove_dir_all(&elsewhere).unwrap();
        let third = RunDir::create(&dir.path().join("third/a"), &Config::default()).unwrap();
        link_into_runs(&root, third.path()).unwrap();
        assert_eq!(RunDir::find(&root, "a").unwrap().socket_path(), third.socket_path());
    }

    #[test]
    fn a_run_among_the_runs_needs_no_link() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDir::create(&root.path().join("b"), &Config::default()).unwrap();
        link_into_runs(root.path(), run.path()).unwrap();
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
    }
}

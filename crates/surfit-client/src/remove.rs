//! Removes runs, for the command line and the screen.

use super::ClientError;
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use surfit_core::files;
use surfit_core::run_dir::{RunDir, RunError};

/// Prefix of a directory that is being removed; the process id and the run's id follow.
const REMOVED_PREFIX: &str = ".surfit-removed-";

/// Refuses a directory that only looks like a run: many programs have a config.toml.
///
/// # Errors
/// [`ClientError::NotMadeHere`].
pub fn check_is_run(run: &RunDir) -> Result<(), ClientError> {
    let made = ["corners", "surface", "heatmaps", "exports"].iter().all(|folder| files::is_folder(&run.join(folder)));
    let readable = run.config().is_ok() || files::is_file(&run.join("events.jsonl"));
    if made && readable {
        return Ok(());
    }
    Err(ClientError::NotMadeHere(run.path().to_owned()))
}

/// Refuses to remove a run whose directory contains another running run, unless that is among `others`.
///
/// # Errors
/// [`ClientError::LiveRunInside`].
pub fn refuse_live_below(run: &RunDir, others: &[RunDir]) -> Result<(), ClientError> {
    let others: Vec<_> = others.iter().filter_map(RunDir::identity).collect();
    let mut folders = vec![run.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            // Links are removed, not their targets.
            if !entry.file_type().is_ok_and(|t| t.is_dir()) {
                continue;
            }
            let inner = RunDir::open(&entry.path()).ok();
            let live = inner.filter(|inner| {
                let named = inner.identity().is_some_and(|i| others.contains(&i));
                inner.is_engine_alive() && !named
            });
            if let Some(inner) = live {
                let (inner, outer) = (inner.path().to_owned(), run.path().to_owned());
                return Err(ClientError::LiveRunInside { inner, outer });
            }
            folders.push(entry.path());
        }
    }
    Ok(())
}

/// Removes a run's directory, its socket, links to it among the user's runs, and the directory of several runs that became empty.
/// The run disappears at once, even if this process dies while deleting its files.
///
/// # Errors
/// As [`check_is_run`] and [`refuse_live_below`]; [`ClientError::HasEngine`], [`ClientError::Io`].
pub fn remove_run(run: &RunDir) -> Result<(), ClientError> {
    remove_run_in(&RunDir::default_root(), run)
}

fn remove_run_in(root: &Path, run: &RunDir) -> Result<(), ClientError> {
    check_is_run(run)?;
    refuse_live_below(run, &[])?;
    // Held during the removal: a starting engine finds the run locked.
    let lock = run.lock().map_err(|error| match error {
        RunError::InUse { node, .. } => ClientError::HasEngine { id: run.id(), node },
        other => other.into(),
    })?;
    let target = canonical_path(run.path())?;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let aside = target.with_file_name(format!("{REMOVED_PREFIX}{}-{name}", std::process::id()));
    let group = target.parent().map(Path::to_owned).unwrap_or_default();
    // Looked up while their target exists, and the socket while the directory has its name. Only that socket: the file in the
    // directory may name any file.
    let (links, links_to_group) = (links_to(root, &target), links_to(root, &group));
    let socket = run.new_socket_path();
    let gone = match fs::rename(&target, &aside) {
        Ok(()) => aside,
        // A folder that may not be renamed may still be emptied.
        Err(_) => target,
    };
    fs::remove_dir_all(&gone).map_err(ClientError::io(format!("removing {}", gone.display())))?;
    drop(lock);
    if socket.symlink_metadata().is_ok_and(|m| m.file_type().is_socket()) {
        let _ = fs::remove_file(&socket);
    }
    links.iter().for_each(|link| drop(fs::remove_file(link)));
    remove_stale_in_folder(&group);
    let among_runs = root.canonicalize().is_ok_and(|r| group != r && group.starts_with(r));
    // Fails for a directory that is not empty, as intended: one with a report stays.
    if (among_runs || !links_to_group.is_empty()) && fs::remove_dir(&group).is_ok() {
        links_to_group.iter().for_each(|link| drop(fs::remove_file(link)));
    }
    Ok(())
}

/// Returns the runs without duplicates, those inside another run's directory first.
///
/// # Errors
/// [`ClientError::Io`] for a directory that is gone.
pub fn distinct_runs(named: Vec<RunDir>) -> Result<Vec<RunDir>, ClientError> {
    let mut all =
        named.into_iter().map(|run| Ok((canonical_path(run.path())?, run))).collect::<Result<Vec<_>, ClientError>>()?;
    all.sort_by(|(a, _), (b, _)| {
        let depth = |path: &Path| path.components().count();
        depth(b).cmp(&depth(a)).then_with(|| a.cmp(b))
    });
    all.dedup_by(|(a, _), (b, _)| a == b);
    Ok(all.into_iter().map(|(_, run)| run).collect())
}

/// Removes leftovers of interrupted removals and of killed processes among the user's runs.
pub fn remove_stale_runs() {
    remove_stale_runs_in(&RunDir::default_root());
}

fn remove_stale_runs_in(root: &Path) {
    remove_stale_in_folder(root);
    files::remove_stale(root);
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    for path in entries.map(|e| e.path()) {
        // A run is left to its engine; a directory of several runs is searched.
        if path.is_dir() && !path.join("config.toml").is_file() {
            remove_stale_in_folder(&path);
            files::remove_stale(&path);
        }
    }
}

/// As [`remove_stale_runs`], in one directory.
fn remove_stale_in_folder(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let rest = name.to_str().and_then(|n| n.strip_prefix(REMOVED_PREFIX));
        let Some((pid, _)) = rest.and_then(|r| r.split_once('-')) else {
            continue;
        };
        // The process may still be at work.
        let at_work = pid
            .parse()
            .ok()
            .and_then(rustix::process::Pid::from_raw)
            .is_none_or(|p| rustix::process::test_kill_process(p).is_ok());
        if !at_work && entry.file_type().is_ok_and(|t| t.is_dir()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Returns the links among the user's runs that lead to a directory.
fn links_to(root: &Path, target: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    entries
        .filter(|e| e.file_type().is_ok_and(|t| t.is_symlink()))
        .map(|e| e.path())
        .filter(|link| link.canonicalize().is_ok_and(|to| to == target))
        .collect()
}

fn canonical_path(path: &Path) -> Result<PathBuf, ClientError> {
    path.canonicalize().map_err(ClientError::io(format!("removing {}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use surfit_core::config::Config;

    fn make(path: &Path) -> RunDir {
        RunDir::create(path, &Config::default()).unwrap()
    }

    fn count(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn only_what_surfit_made_is_a_run() {
        let dir = tempfile::tempdir().unwrap();
        let other = dir.path().join("site");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("config.toml"), "title = 'my site'").unwrap();
        let other = RunDir::open(&other).unwrap();
        let why = remove_run_in(dir.path(), &other).unwrap_err().to_string();
        assert!(why.contains("was not created by surfit"), "{why}");
        assert!(other.config_path().is_file());
        assert!(check_is_run(&make(&dir.path().join("a"))).is_ok());
    }

    #[test]
    fn a_removed_run_leaves_nothing_and_a_live_one_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let run = make(&dir.path().join("a"));
        let lock = run.lock().unwrap();
        let why = remove_run_in(dir.path(), &run).unwrap_err().to_string();
        assert!(why.contains("is running; stop it first") && run.path().exists(), "{why}");
        drop(lock);
        let socket = run.new_socket_path();
        fs::create_dir_all(socket.parent().unwrap()).unwrap();
        drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
        remove_run_in(dir.path(), &run).unwrap();
        assert_eq!(count(dir.path()), 0);
        assert!(!socket.exists());
    }

    #[test]
    fn a_run_is_not_removed_with_a_live_one_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let run = make(&dir.path().join("a"));
        let inner = make(&run.join("exports/deep/inner"));
        let lock = inner.lock().unwrap();
        let why = remove_run_in(dir.path(), &run).unwrap_err().to_string();
        assert!(why.contains("inner is inside") && run.path().exists(), "{why}");
        assert!(refuse_live_below(&run, &[inner]).is_ok());
        drop(lock);
        remove_run_in(dir.path(), &run).unwrap();
        assert_eq!(count(dir.path()), 0);
    }

    #[test]
    fn no_run_is_made_in_another_one() {
        let dir = tempfile::tempdir().unwrap();
        let run = make(&dir.path().join("a"));
        for place in ["sub", "exports/x", "exports/deep/x"] {
            let why = RunDir::check_not_nested(&run.path().join(place)).unwrap_err();
            assert!(why.to_string().contains("is inside the run"), "{why}");
        }
        // A configuration alone makes no run of a folder.
        let site = dir.path().join("site");
        fs::create_dir(&site).unwrap();
        fs::write(site.join("config.toml"), "title = 'my site'").unwrap();
        for place in [site.join("b"), dir.path().join("b"), run.path().to_owned()] {
            RunDir::check_not_nested(&place).unwrap();
        }
    }

    #[test]
    fn no_file_goes_because_a_run_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let thesis = dir.path().join("thesis.tex");
        fs::write(&thesis, "years of work").unwrap();
        let run = make(&dir.path().join("runs/a"));
        fs::write(run.join("socket"), thesis.display().to_string()).unwrap();
        // Nor another file at the socket's path.
        let socket = run.new_socket_path();
        fs::create_dir_all(socket.parent().unwrap()).unwrap();
        fs::write(&socket, "").unwrap();
        remove_run_in(&dir.path().join("runs"), &run).unwrap();
        assert!(!run.path().exists() && thesis.is_file() && socket.is_file());
        fs::remove_file(socket).unwrap();
    }

    #[test]
    fn links_go_with_their_run_and_a_run_of_two_names_goes_once() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("runs");
        fs::create_dir(&root).unwrap();
        let run = make(&dir.path().join("elsewhere/s/q"));
        let inner = make(&run.join("exports/inner"));
        symlink(run.path(), root.join("q")).unwrap();
        symlink("../elsewhere/s/q", root.join("relative")).unwrap();
        symlink("relative", root.join("over-another")).unwrap();
        symlink(dir.path().join("elsewhere/s"), root.join("s")).unwrap();
        symlink(dir.path(), root.join("other")).unwrap();
        let names = ["q", "relative", "s/q", "over-another"].map(|n| root.join(n));
        let mut named: Vec<RunDir> = names.iter().map(|n| RunDir::open(n).unwrap()).collect();
        named.extend([run.clone(), inner.clone()]);
        let named = distinct_runs(named).unwrap();
        assert_eq!(named.len(), 2, "{named:?}");
        assert_eq!(named[0], inner);
        for run in &named {
            remove_run_in(&root, run).unwrap();
        }
        assert_eq!(count(&dir.path().join("elsewhere")), 0);
        let left: Vec<_> = fs::read_dir(&root).unwrap().flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        assert_eq!(left[0].file_name(), "other");
    }

    #[test]
    fn what_was_being_made_is_cleared_among_the_runs_and_in_the_queue() {
        let dir = tempfile::tempdir().unwrap();
        let day = std::time::SystemTime::now() - std::time::Duration::from_secs(86_400);
        let old = |path: PathBuf| {
            let file = fs::File::open(&path).unwrap();
            file.set_modified(day).unwrap();
            path
        };
        let mut left = Vec::new();
        for folder in ["", "study", ".queue"] {
            let folder = dir.path().join(folder);
            let partial = folder.join(format!(".a.{}-0.partial", i32::MAX));
            fs::create_dir_all(&partial).unwrap();
            left.push(old(partial));
            let temporary = folder.join(format!(".000001.json.{}.tmp", i32::MAX));
            fs::write(&temporary, "{").unwrap();
            left.push(old(temporary));
        }
        // A run's own folder is its engine's affair.
        let run = make(&dir.path().join("b"));
        let own = run.path().join(format!(".status.json.{}.tmp", i32::MAX));
        fs::write(&own, "{").unwrap();
        let own = old(own);
        remove_stale_runs_in(dir.path());
        assert!(left.iter().all(|path| !path.exists()), "{left:?}");
        assert!(own.exists() && run.config_path().is_file());
    }

    #[test]
    fn what_a_removal_left_is_cleared_and_what_another_is_at_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let folder = |name: String| {
            fs::create_dir_all(dir.path().join(&name).join("corners")).unwrap();
            name
        };
        // No process has the largest number.
        let left = folder(format!("{REMOVED_PREFIX}{}-a", i32::MAX));
        let stay = [
            folder(format!("{REMOVED_PREFIX}{}-a", std::process::id())),
            folder(format!("{REMOVED_PREFIX}mine")),
            folder(".removed".into()),
        ];
        remove_stale_in_folder(dir.path());
        assert!(!dir.path().join(left).exists());
        assert!(stay.iter().all(|name| dir.path().join(name).is_dir()));
    }
}

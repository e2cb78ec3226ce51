//! Removing a run.

use super::Worker;
use crate::client::remove;
use std::path::Path;
use surfit_core::run_dir::RunDir;
use surfit_tui::Incoming;

impl Worker {
    /// Removes a run at rest, and tells the runs that are left.
    pub(super) fn remove(&mut self, path: &Path) {
        match removed(path) {
            Ok(id) => self.tell(Incoming::Notice(format!("{id} is removed"))),
            Err(why) => self.tell(Incoming::Problem(why)),
        }
        remove::clear_left();
        self.tell(Incoming::Runs(self.run_lines()));
    }
}

/// Removes the directory of a run whose engine is gone; its id, or a sentence.
fn removed(path: &Path) -> Result<String, String> {
    let run = RunDir::open(path).map_err(|e| e.to_string())?;
    remove::remove(&run).map_err(|e| e.to_string())?;
    Ok(run.id())
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::config::Config;

    #[test]
    fn only_a_run_at_rest_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        let lock = run.lock().unwrap();
        let why = removed(run.path()).unwrap_err();
        assert!(
            why.contains("has an engine") && run.path().is_dir(),
            "{why}"
        );
        drop(lock);
        // By another name it is the run that goes, not its name.
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(run.path(), &link).unwrap();
        assert_eq!(removed(&link).unwrap(), "link");
        assert!(!run.path().exists());
        // Whatever else a path names stays.
        std::fs::create_dir(dir.path().join("other")).unwrap();
        assert!(removed(&dir.path().join("other")).is_err());
        std::fs::write(dir.path().join("other/config.toml"), "").unwrap();
        assert!(removed(&dir.path().join("other")).is_err());
        assert!(dir.path().join("other/config.toml").is_file());
    }
}

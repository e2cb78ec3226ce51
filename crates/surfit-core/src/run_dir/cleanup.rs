//! What an engine that was killed leaves in a run, and taking it away.

use super::{RunDir, RunError, RunStatus};
use crate::files::{FilePath, list_folder, remove_folder, remove_temporary_files};
use crate::snapshot::EngineState;

impl RunDir {
    /// Removes what an engine that was killed left half written, in the folders of exports too. Only for who holds the lock.
    pub fn remove_unfinished_files(&self) {
        for folder in ["", "corners", "surface", "heatmaps"] {
            remove_temporary_files(&self.join(folder));
        }
        let exports = self.join("exports");
        remove_unpublished_exports(&exports);
        for export in list_folder(&exports).unwrap_or_default() {
            if export.is_folder {
                remove_temporary_files(&exports.join(&export.name));
            }
        }
    }

    /// Brings a finished run in order whose engine was killed after it reported the result: nothing is left to resume. Does
    /// nothing while an engine works on it.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn repair_finished_run(&self) -> Result<(), RunError> {
        let _lock = match self.lock() {
            Err(RunError::InUse { .. }) => return Ok(()),
            lock => lock?,
        };
        self.remove_unfinished_files();
        match self.status().filter(|s| s.state != EngineState::Finished) {
            Some(status) => self.write_status(&RunStatus { state: EngineState::Finished, ..status }),
            None => Ok(()),
        }
    }
}

/// Removes folders that were being written to and never got their names, where no other process writes.
pub fn remove_unpublished_exports(exports: &FilePath) {
    for entry in list_folder(exports).unwrap_or_default() {
        let name = entry.name.to_string_lossy();
        if entry.is_folder && name.starts_with('.') && name.ends_with(".tmp") {
            let _ = remove_folder(&exports.join(&entry.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::event::JobStage;

    #[test]
    fn a_finished_run_whose_engine_was_killed_at_the_end_is_put_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        let status = RunStatus {
            state: EngineState::Running,
            stage: JobStage::Export,
            pid: 1,
            node: String::new(),
            heartbeat: 1.0,
            done: 1,
            total: 1,
            degrees: Config::default().degrees(),
            network: "cnn".into(),
            data: String::new(),
            best: None,
            failed: None,
        };
        run.write_status(&status).unwrap();
        // No process has such a number.
        let left = run.join(".status.json.2147483646.tmp");
        std::fs::write(&left, "half").unwrap();
        let held = run.lock().unwrap();
        run.repair_finished_run().unwrap();
        assert!(left.exists(), "an engine works on it");
        drop(held);
        run.repair_finished_run().unwrap();
        assert!(!left.exists());
        assert_eq!(run.status().unwrap().state, EngineState::Finished);
    }
}

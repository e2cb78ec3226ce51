//! What an engine that was killed leaves in a run, and taking it away.

use super::{RunDir, RunError, RunStatus};
use crate::files::{FilePath, clear_temporary, entries, remove_folder};
use crate::snapshot::EngineState;

impl RunDir {
    /// Removes what an engine that was killed left half written, in the folders of exports too. Only for who holds the lock.
    pub fn clear_leftovers(&self) {
        for folder in ["", "corners", "surface", "heatmaps"] {
            clear_temporary(&self.join(folder));
        }
        let exports = self.join("exports");
        clear_unpublished(&exports);
        for export in entries(&exports).unwrap_or_default() {
            if export.is_folder {
                clear_temporary(&exports.join(&export.name));
            }
        }
    }

    /// Brings a finished run in order whose engine was killed after it had told the result: nothing is left to resume. Does
    /// nothing while an engine works on it.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn settle_finished(&self) -> Result<(), RunError> {
        let _lock = match self.lock() {
            Err(RunError::InUse { .. }) => return Ok(()),
            lock => lock?,
        };
        self.clear_leftovers();
        match self.status().filter(|s| s.state != EngineState::Finished) {
            Some(status) => self.write_status(&RunStatus {
                state: EngineState::Finished,
                ..status
            }),
            None => Ok(()),
        }
    }
}

/// Removes folders that were being written to and never got their names, where nobody else writes.
pub fn clear_unpublished(exports: &FilePath) {
    for entry in entries(exports).unwrap_or_default() {
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
        run.settle_finished().unwrap();
        assert!(left.exists(), "an engine works on it");
        drop(held);
        run.settle_finished().unwrap();
        assert!(!left.exists());
        assert_eq!(run.status().unwrap().state, EngineState::Finished);
    }
}

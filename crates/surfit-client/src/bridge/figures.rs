//! Figures of the run that is shown.

use super::BridgeWorker;
use super::attach::figures_message;
use crate::{file_writer, runs};
use surfit_core::run_dir::{RunDir, RunError};
use surfit_core::run_state::RunState;
use surfit_core::snapshot::Snapshot;
use surfit_tui::Incoming;
use surfit_tui::link::NewFile;

/// What is known of a run, with the latest snapshot.
fn current_state(run: &RunDir, snapshot: Option<Box<Snapshot>>) -> Result<RunState, RunError> {
    let mut picture = run.load_state()?;
    match snapshot {
        Some(snapshot) => picture.apply_snapshot(*snapshot),
        None => picture.snapshot = None,
    }
    Ok(picture)
}

impl BridgeWorker {
    /// Writes the figures of the shown run in the background.
    pub(super) fn write_figures(&mut self) {
        let Some(run) = self.run.clone() else { return };
        let snapshot = self.snapshot.clone();
        let folder = match self.readonly {
            true => file_writer::local_figures_folder(None, &runs::open_name(&run)).into(),
            false => run.join("figures"),
        };
        self.spawn_writer(move || {
            let picture = match current_state(&run, snapshot) {
                Ok(picture) => picture,
                Err(error) => return Incoming::Problem(error.to_string()),
            };
            match surfit_report::write_figures(&run.id(), &picture, &folder) {
                Ok(files) => Incoming::Notice(figures_message(&files, &folder)),
                Err(error) => Incoming::Problem(error.to_string()),
            }
        });
    }

    /// Writes a file.
    pub(super) fn write_file(&mut self, file: NewFile) {
        let Some(run) = self.run.clone() else {
            return self.send_problem(&"there is no run yet to write anything of");
        };
        let (snapshot, readonly) = (self.snapshot.clone(), self.readonly);
        self.spawn_writer(move || match readonly && file_writer::is_inside(&file.path, run.path()) {
            true => Incoming::Problem(format!(
                "{} lies in the directory of a run that is only watched; choose another place",
                file.path.display()
            )),
            false => file_writer::write_new_file_in_run(&run, file, || current_state(&run, snapshot)),
        });
    }

    fn spawn_writer(&mut self, write: impl FnOnce() -> Incoming + Send + 'static) {
        // A directory that was removed must not come back with a picture in it.
        if let Some(why) = self.removed_reason() {
            return self.send_problem(&why);
        }
        if let Err(error) = self.writers.spawn_writer(self.screen.clone(), write) {
            self.send_problem(&error);
        }
    }
}

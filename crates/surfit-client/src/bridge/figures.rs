//! Figures of the run that is shown.

use super::BridgeWorker;
use super::begin::told;
use crate::{runs, write};
use surfit_core::picture::RunState;
use surfit_core::run_dir::RunDir;
use surfit_core::snapshot::Snapshot;
use surfit_tui::Incoming;
use surfit_tui::link::NewFile;

/// What is known of a run, with the latest snapshot.
fn present(run: &RunDir, snapshot: Option<Box<Snapshot>>) -> Result<RunState, String> {
    let mut picture = run.picture().map_err(|e| e.to_string())?;
    match snapshot {
        Some(snapshot) => picture.show(*snapshot),
        None => picture.snapshot = None,
    }
    Ok(picture)
}

impl BridgeWorker {
    /// Writes the figures of the shown run in the background.
    pub(super) fn figures(&mut self) {
        let Some(run) = self.run.clone() else { return };
        let snapshot = self.snapshot.clone();
        let folder = match self.readonly {
            true => write::folder_here(None, &runs::name(&run)).into(),
            false => run.join("figures"),
        };
        self.begin_writing(move || {
            let result = present(&run, snapshot).and_then(|picture| {
                surfit_report::write_figures(&run.id(), &picture, &folder)
                    .map_err(|e| e.to_string())
            });
            match result {
                Ok(files) => Incoming::Notice(told(&files, &folder)),
                Err(error) => Incoming::Problem(error),
            }
        });
    }

    /// Writes a file.
    pub(super) fn write(&mut self, file: NewFile) {
        let Some(run) = self.run.clone() else {
            return self.problem(&"there is no run yet to write anything of");
        };
        let (snapshot, readonly) = (self.snapshot.clone(), self.readonly);
        self.begin_writing(
            move || match readonly && write::lies_in(&file.path, run.path()) {
                true => Incoming::Problem(format!(
                    "{} lies in the directory of a run that is only watched; choose another place",
                    file.path.display()
                )),
                false => write::carry_out_in(&run, file, || present(&run, snapshot)),
            },
        );
    }

    fn begin_writing(&mut self, write: impl FnOnce() -> Incoming + Send + 'static) {
        // A directory that was removed must not come back with a picture in it.
        if let Some(why) = self.removed() {
            return self.problem(&why);
        }
        if let Err(error) = self.writers.begin(self.screen.clone(), write) {
            self.problem(&error);
        }
    }
}

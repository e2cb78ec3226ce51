//! Figures of the run that is shown.

use super::Worker;
use super::begin::told;
use crate::client::write;
use surfit_core::picture::Picture;
use surfit_core::run_dir::RunDir;
use surfit_core::snapshot::Snapshot;
use surfit_tui::Incoming;
use surfit_tui::link::NewFile;

/// What is known of a run, with the latest snapshot.
fn present(run: &RunDir, snapshot: Option<Box<Snapshot>>) -> Result<Picture, String> {
    let mut picture = run.picture().map_err(|e| e.to_string())?;
    match snapshot {
        Some(snapshot) => picture.show(*snapshot),
        None => picture.snapshot = None,
    }
    Ok(picture)
}

impl Worker {
    /// Writes figures on a thread of its own: drawing takes a second.
    pub(super) fn figures(&mut self) {
        let Some(run) = self.run.clone() else { return };
        let (screen, snapshot) = (self.screen.clone(), self.snapshot.clone());
        let readonly = self.readonly;
        let drawn = std::thread::Builder::new()
            .name("figures".into())
            .spawn(move || {
                let folder = match readonly {
                    true => write::folder_here(&run.id()),
                    false => run.join("figures"),
                };
                let result = present(&run, snapshot).and_then(|picture| {
                    surfit_report::write_figures(&run.id(), &picture, &folder)
                        .map_err(|e| e.to_string())
                });
                let message = match result {
                    Ok(files) => Incoming::Notice(told(&files, &folder)),
                    Err(error) => Incoming::Problem(error),
                };
                let _ = screen.send(message);
            });
        if let Err(error) = drawn {
            self.problem(&error);
        }
    }

    /// Writes a file on a thread of its own: a disk may be slow, and keys go on.
    pub(super) fn write(&mut self, file: NewFile) {
        let Some(run) = self.run.clone() else {
            return self.problem(&"there is no run yet to write anything of");
        };
        let (screen, snapshot) = (self.screen.clone(), self.snapshot.clone());
        let readonly = self.readonly;
        let written = std::thread::Builder::new()
            .name("file writer".into())
            .spawn(move || {
                let said = match readonly && write::lies_in(&file.path, run.path()) {
                    true => Incoming::Problem(format!(
                        "{} lies in the directory of a run that is only watched; choose another place",
                        file.path.display()
                    )),
                    false => write::carry_out(file, &run.id(), || present(&run, snapshot)),
                };
                let _ = screen.send(said);
            });
        if let Err(error) = written {
            self.problem(&error);
        }
    }
}

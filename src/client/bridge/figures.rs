//! Figures of the run that is shown.

use super::Worker;
use super::begin::told;
use surfit_tui::Incoming;

impl Worker {
    /// Writes figures on a thread of its own: drawing takes a second.
    pub(super) fn figures(&mut self) {
        let Some(run) = self.run.clone() else { return };
        let (screen, snapshot) = (self.screen.clone(), self.snapshot.clone());
        let drawn = std::thread::Builder::new()
            .name("figures".into())
            .spawn(move || {
                let folder = run.join("figures");
                let result = run
                    .picture()
                    .map_err(|e| e.to_string())
                    .and_then(|mut picture| {
                        picture.snapshot = snapshot.map(|s| *s);
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
}

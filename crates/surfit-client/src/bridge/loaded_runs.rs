//! Other runs, to compare with the one that is shown.

use super::BridgeWorker;
use std::path::PathBuf;
use surfit_core::run_dir::RunDir;
use surfit_tui::Incoming;

impl BridgeWorker {
    /// Reads a run on a thread of its own: the events of a long one take a moment.
    pub(super) fn load_run(&mut self, path: PathBuf) {
        let (screen, asked) = (self.screen.clone(), path.clone());
        let read = std::thread::Builder::new().name("other run".into()).spawn(move || {
            let message = match RunDir::open(&path).and_then(|run| run.load_state()) {
                Ok(picture) => Incoming::Loaded { path, picture: Box::new(picture) },
                Err(error) => unread_message(path, &error),
            };
            let _ = screen.send(message);
        });
        if let Err(error) = read {
            self.send_to_screen(unread_message(asked, &error));
        }
    }
}

fn unread_message(path: PathBuf, why: &dyn std::fmt::Display) -> Incoming {
    let why = why.to_string();
    Incoming::Unread { path, why }
}

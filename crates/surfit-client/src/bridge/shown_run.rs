//! Which run is shown, and how it stands with its engine.

use super::attach::AttachMode;
use super::{BridgeWorker, OpenTarget};
use crate::runs;
use std::path::Path;
use surfit_core::run_dir::RunDir;
use surfit_tui::Incoming;

impl BridgeWorker {
    pub(super) fn open_target(&mut self, target: OpenTarget) {
        let config = match target {
            OpenTarget::Existing(run) => return self.open_run(run),
            OpenTarget::New(config) => config,
        };
        match RunDir::create_in(&RunDir::default_root(), &config) {
            Ok(run) => {
                self.show_run(run);
                self.start_attach(AttachMode::Serve);
            }
            Err(error) => {
                self.send_problem(&error);
                self.send_to_screen(Incoming::Disconnected { reason: "the run could not be begun".into() });
            }
        }
    }

    /// Shows a run from its directory.
    fn show_run(&mut self, run: RunDir) {
        self.generation += 1;
        (self.connection, self.starting, self.snapshot) = (None, false, None);
        self.file_follower = None;
        self.fail_unanswered("the run was opened anew before the answer");
        self.send_run_state(&run);
        self.run = Some(run);
    }

    /// Tells all that the run's directory says of it.
    pub(super) fn send_run_state(&mut self, run: &RunDir) {
        match run.load_state() {
            Ok(picture) => {
                (self.seq, self.closed_cleanly) = (picture.seq, picture.closed);
                self.failure = picture.failed.clone();
                self.snapshot = picture.snapshot.clone().map(Box::new);
                self.send_to_screen(Incoming::Picture(Box::new(picture)));
            }
            Err(error) => {
                (self.seq, self.closed_cleanly, self.failure) = (0, false, None);
                // The screen waits for one.
                self.send_to_screen(Incoming::Picture(Box::default()));
                self.send_problem(&error);
            }
        }
        self.send_location(run);
    }

    fn send_location(&self, run: &RunDir) {
        self.send_to_screen(Incoming::At { dir: run.path().to_owned(), name: runs::open_name(run) });
    }

    /// The run in this directory is shown.
    pub(super) fn is_shown(&self, path: &Path) -> bool {
        let run = self.run.as_ref().map(RunDir::path);
        run.is_some_and(|run| run == path || std::path::absolute(path).is_ok_and(|p| run == p))
    }

    /// Nothing that waits for an answer will have one.
    pub(super) fn fail_unanswered(&mut self, why: &str) {
        for id in std::mem::take(&mut self.unanswered) {
            let error = Some(format!("{why}; look whether it was done"));
            self.send_to_screen(Incoming::Reply { id, error });
        }
        for (id, _) in std::mem::take(&mut self.pending_commands) {
            let error = Some(format!("{why}; nothing was done"));
            self.send_to_screen(Incoming::Reply { id, error });
        }
    }

    /// Shows a run that was there before, and greets its engine when it has one.
    pub(super) fn open_run(&mut self, run: RunDir) {
        let alive = run.is_engine_alive();
        self.show_run(run);
        if alive {
            self.start_attach(AttachMode::Attach);
        } else if self.is_at_rest() || self.seq == 0 {
            self.send_no_engine();
        } else {
            self.send_to_screen(Incoming::EngineDied);
        }
    }

    /// Shows the present run again, after another one could not be opened.
    pub(super) fn resend_run_state(&self) {
        let picture = self.run.as_ref().and_then(|run| run.load_state().ok());
        let mut picture = picture.unwrap_or_default();
        if let Some(snapshot) = &self.snapshot {
            picture.snapshot = Some((**snapshot).clone());
        }
        self.send_to_screen(Incoming::Picture(Box::new(picture)));
        if let Some(run) = &self.run {
            self.send_location(run);
        }
        self.send_engine_status();
    }

    /// Tells how it stands with the engine of the run that is shown.
    pub(super) fn send_engine_status(&self) {
        match &self.connection {
            Some(connection) => self.send_to_screen(Incoming::Connected { pid: connection.welcome().pid }),
            None if self.starting || self.send_node() => {}
            None if self.seq == 0 => self.send_no_engine(),
            None if self.run.as_ref().is_some_and(RunDir::is_engine_alive) => {
                self.send_to_screen(Incoming::Disconnected { reason: "the connection to its engine ended".into() })
            }
            None if self.is_at_rest() => self.send_no_engine(),
            None => self.send_to_screen(Incoming::EngineDied),
        }
    }

    pub(super) fn send_no_engine(&self) {
        let reason = "no engine is running; one starts when you ask for something".into();
        self.send_to_screen(Incoming::Disconnected { reason });
    }
}

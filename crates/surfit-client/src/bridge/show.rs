//! Which run is shown, and how it stands with its engine.

use super::begin::AttachMode;
use super::{BridgeWorker, OpenTarget};
use crate::runs;
use std::path::Path;
use surfit_core::run_dir::RunDir;
use surfit_tui::Incoming;

impl BridgeWorker {
    pub(super) fn begin_with(&mut self, target: OpenTarget) {
        let config = match target {
            OpenTarget::Existing(run) => return self.open(run),
            OpenTarget::New(config) => config,
        };
        match RunDir::create_in(&RunDir::default_root(), &config) {
            Ok(run) => {
                self.show(run);
                self.begin(AttachMode::Serve);
            }
            Err(error) => {
                self.problem(&error);
                self.tell(Incoming::Disconnected {
                    reason: "the run could not be begun".into(),
                });
            }
        }
    }

    /// Shows a run from its directory.
    fn show(&mut self, run: RunDir) {
        self.generation += 1;
        (self.connection, self.starting, self.snapshot) = (None, false, None);
        self.files = None;
        self.answer_all("the run was opened anew before the answer");
        self.tell_picture(&run);
        self.run = Some(run);
    }

    /// Tells all that the run's directory says of it.
    pub(super) fn tell_picture(&mut self, run: &RunDir) {
        match run.picture() {
            Ok(picture) => {
                (self.seq, self.closed) = (picture.seq, picture.closed);
                self.failed = picture.failed.clone();
                self.snapshot = picture.snapshot.clone().map(Box::new);
                self.tell(Incoming::Picture(Box::new(picture)));
            }
            Err(error) => {
                (self.seq, self.closed, self.failed) = (0, false, None);
                // The screen waits for one.
                self.tell(Incoming::Picture(Box::default()));
                self.problem(&error);
            }
        }
        self.tell_place(run);
    }

    fn tell_place(&self, run: &RunDir) {
        self.tell(Incoming::At {
            dir: run.path().to_owned(),
            name: runs::name(run),
        });
    }

    /// The run in this directory is shown.
    pub(super) fn shows(&self, path: &Path) -> bool {
        let run = self.run.as_ref().map(RunDir::path);
        run.is_some_and(|run| run == path || std::path::absolute(path).is_ok_and(|p| run == p))
    }

    /// Nothing that waits for an answer will have one.
    pub(super) fn answer_all(&mut self, why: &str) {
        for id in std::mem::take(&mut self.unanswered) {
            let error = Some(format!("{why}; look whether it was done"));
            self.tell(Incoming::Reply { id, error });
        }
        for (id, _) in std::mem::take(&mut self.pending) {
            let error = Some(format!("{why}; nothing was done"));
            self.tell(Incoming::Reply { id, error });
        }
    }

    /// Shows a run that was there before, and greets its engine when it has one.
    pub(super) fn open(&mut self, run: RunDir) {
        let alive = run.is_alive();
        self.show(run);
        if alive {
            self.begin(AttachMode::Attach);
        } else if self.rests() || self.seq == 0 {
            self.at_rest();
        } else {
            self.tell(Incoming::EngineDied);
        }
    }

    /// Shows the present run again, after another one could not be opened.
    pub(super) fn show_again(&self) {
        let picture = self.run.as_ref().and_then(|run| run.picture().ok());
        let mut picture = picture.unwrap_or_default();
        if let Some(snapshot) = &self.snapshot {
            picture.snapshot = Some((**snapshot).clone());
        }
        self.tell(Incoming::Picture(Box::new(picture)));
        if let Some(run) = &self.run {
            self.tell_place(run);
        }
        self.tell_standing();
    }

    /// Tells how it stands with the engine of the run that is shown.
    pub(super) fn tell_standing(&self) {
        match &self.connection {
            Some(connection) => self.tell(Incoming::Connected {
                pid: connection.welcome().pid,
            }),
            None if self.starting || self.tell_elsewhere() => {}
            None if self.seq == 0 => self.at_rest(),
            None if self.run.as_ref().is_some_and(RunDir::is_alive) => {
                self.tell(Incoming::Disconnected {
                    reason: "the connection to its engine ended".into(),
                })
            }
            None if self.rests() => self.at_rest(),
            None => self.tell(Incoming::EngineDied),
        }
    }

    pub(super) fn at_rest(&self) {
        let reason = "no engine is running; one starts when you ask for something".into();
        self.tell(Incoming::Disconnected { reason });
    }
}

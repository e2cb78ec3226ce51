//! What the far end says.

use super::RemoteClient;
use crate::ClientError;
use crate::remote::delta::ValueDelta;
use crate::remote::wire::{ToFar, ToNear};
use std::time::Instant;
use surfit_core::event::{Envelope, Event};
use surfit_core::picture::RunState;
use surfit_core::snapshot::Snapshot;
use surfit_tui::Incoming;
use surfit_tui::link::LineState;

impl RemoteClient {
    pub(super) fn far_says(&mut self, message: Option<ToNear>) {
        self.heard = Instant::now();
        self.frames += 1;
        self.say(ToFar::Taken(self.frames));
        if self.attempt > 0 || self.frames > 1 {
            self.tell(Incoming::Line(LineState::Heard));
        }
        self.attempt = 0;
        match message {
            None | Some(ToNear::Alive | ToNear::Parted { .. }) => {}
            Some(ToNear::Shown(shown)) => {
                // The screen waits for the picture of a run that it asked for, even of the one it had.
                let asked = self.wanted.take_if(|path| *path == shown.path).is_some();
                if asked || self.shown.as_ref().is_none_or(|s| s.path != shown.path) {
                    (self.seq, self.snapshot, self.place) = (None, None, None);
                    self.picture = RunState::default();
                }
                self.shown = Some(shown);
            }
            Some(ToNear::Snapshot(delta)) => self.take_snapshot(delta),
            Some(ToNear::Tell(Incoming::Picture(picture))) => self.take_picture(picture),
            Some(ToNear::Tell(Incoming::Event(envelope))) => self.take_event(envelope),
            Some(ToNear::Tell(message)) => {
                match &message {
                    Incoming::Reply { id, .. } => drop(self.unanswered.remove(id)),
                    Incoming::At { dir, name } => self.place = Some((dir.clone(), name.clone())),
                    // The far end could not open it, and shows what it did before. Another may have been asked for since.
                    Incoming::Unopened { path, .. } => drop(self.wanted.take_if(|w| w == path)),
                    _ => {}
                }
                self.tell(message);
            }
        }
    }

    pub(super) fn take_snapshot(&mut self, delta: ValueDelta) {
        if !delta.apply(&mut self.base) {
            return self.lose(Some(ClientError::Garbage(
                "a change to a snapshot that is not here".into(),
            )));
        }
        match self.base.deserialized::<Snapshot>() {
            Ok(snapshot) => {
                let snapshot = Box::new(snapshot);
                self.snapshot = Some(snapshot.clone());
                self.tell(Incoming::Snapshot(snapshot));
            }
            Err(error) => self.lose(Some(ClientError::Garbage(error.to_string()))),
        }
    }

    pub(super) fn take_picture(&mut self, mut picture: Box<RunState>) {
        for exported in &mut picture.exports {
            exported.dir = self.there(&exported.dir);
        }
        self.seq = Some(picture.seq);
        self.picture = (*picture).clone();
        picture.snapshot = self.snapshot.as_deref().cloned();
        self.tell(Incoming::Picture(picture));
    }

    pub(super) fn take_event(&mut self, mut envelope: Envelope) {
        // Before its picture an event is of the run before.
        let Some(seq) = self.seq else { return };
        if envelope.seq <= seq {
            return;
        }
        if envelope.seq > seq + 1 {
            // The next line brings the whole picture.
            self.seq = None;
            return self.lose(Some(ClientError::Garbage(format!(
                "event {} after {seq}",
                envelope.seq
            ))));
        }
        self.seq = Some(envelope.seq);
        if let Event::Exported(exported) = &mut envelope.event {
            exported.dir = self.there(&exported.dir);
        }
        self.picture.apply(&envelope);
        self.tell(Incoming::Event(envelope));
    }

    /// A path on the other machine, as it is called here.
    pub(super) fn there(&self, path: &std::path::Path) -> std::path::PathBuf {
        self.address.text(&path.display().to_string()).into()
    }
}

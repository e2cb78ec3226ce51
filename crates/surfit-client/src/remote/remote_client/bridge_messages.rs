//! What the far end says.

use super::RemoteClient;
use crate::ClientError;
use crate::remote::delta::ValueDelta;
use crate::remote::wire::{ToFar, ToNear};
use std::time::Instant;
use surfit_core::event::{Envelope, Event};
use surfit_core::run_state::RunState;
use surfit_core::snapshot::Snapshot;
use surfit_tui::Incoming;
use surfit_tui::link::LineState;

impl RemoteClient {
    pub(super) fn on_bridge_message(&mut self, message: Option<ToNear>) {
        self.last_received = Instant::now();
        self.received_frames += 1;
        self.send_to_bridge(ToFar::Taken(self.received_frames));
        if self.attempt > 0 || self.received_frames > 1 {
            self.send_to_screen(Incoming::Line(LineState::Heard));
        }
        self.attempt = 0;
        match message {
            None | Some(ToNear::Alive | ToNear::Parted { .. }) => {}
            Some(ToNear::Shown(shown)) => {
                // The screen waits for the picture of a run that it asked for, even of the one it had.
                let asked = self.requested_run.take_if(|path| *path == shown.path).is_some();
                if asked || self.shown.as_ref().is_none_or(|s| s.path != shown.path) {
                    (self.seq, self.snapshot, self.location) = (None, None, None);
                    self.run_state = RunState::default();
                }
                self.shown = Some(shown);
            }
            Some(ToNear::Snapshot(delta)) => self.apply_snapshot_delta(delta),
            Some(ToNear::Tell(Incoming::Picture(picture))) => self.set_run_state(picture),
            Some(ToNear::Tell(Incoming::Event(envelope))) => self.apply_event(envelope),
            Some(ToNear::Tell(message)) => {
                match &message {
                    Incoming::Reply { id, .. } => drop(self.unanswered.remove(id)),
                    Incoming::At { dir, name } => self.location = Some((dir.clone(), name.clone())),
                    // The far end could not open it, and shows what it did before. Another may have been asked for since.
                    Incoming::Unopened { path, .. } => drop(self.requested_run.take_if(|w| w == path)),
                    _ => {}
                }
                self.send_to_screen(message);
            }
        }
    }

    pub(super) fn apply_snapshot_delta(&mut self, delta: ValueDelta) {
        if !delta.apply(&mut self.base_snapshot) {
            return self
                .on_line_lost(Some(ClientError::InvalidMessage("a change to a snapshot that is not here".into())));
        }
        match self.base_snapshot.deserialized::<Snapshot>() {
            Ok(snapshot) => {
                let snapshot = Box::new(snapshot);
                self.snapshot = Some(snapshot.clone());
                self.send_to_screen(Incoming::Snapshot(snapshot));
            }
            Err(error) => self.on_line_lost(Some(ClientError::InvalidMessage(error.to_string()))),
        }
    }

    pub(super) fn set_run_state(&mut self, mut picture: Box<RunState>) {
        for exported in &mut picture.exports {
            exported.dir = self.remote_path(&exported.dir);
        }
        self.seq = Some(picture.seq);
        self.run_state = (*picture).clone();
        picture.snapshot = self.snapshot.as_deref().cloned();
        self.send_to_screen(Incoming::Picture(picture));
    }

    pub(super) fn apply_event(&mut self, mut envelope: Envelope) {
        // Before its picture an event is of the run before.
        let Some(seq) = self.seq else { return };
        if envelope.seq <= seq {
            return;
        }
        if envelope.seq > seq + 1 {
            // The next line brings the whole picture.
            self.seq = None;
            return self.on_line_lost(Some(ClientError::InvalidMessage(format!("event {} after {seq}", envelope.seq))));
        }
        self.seq = Some(envelope.seq);
        if let Event::Exported(exported) = &mut envelope.event {
            exported.dir = self.remote_path(&exported.dir);
        }
        self.run_state.apply(&envelope);
        self.send_to_screen(Incoming::Event(envelope));
    }

    /// A path on the other machine, as it is called here.
    pub(super) fn remote_path(&self, path: &std::path::Path) -> std::path::PathBuf {
        self.address.format_run(&path.display().to_string()).into()
    }
}

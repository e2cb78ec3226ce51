//! What the engine and the carrying program tell.

use super::message::Kind;
use super::{App, Connection, Effect};
use crate::link::{Incoming, Outgoing};
use surfit_core::event::{Envelope, Event, Stage};
use surfit_core::heatmap::Heatmap;
use surfit_core::picture::{Picture, sentence};
use surfit_core::snapshot::Snapshot;

impl App {
    pub(super) fn incoming(&mut self, incoming: Incoming) -> Vec<Effect> {
        let of_a_run = matches!(
            incoming,
            Incoming::Event(_)
                | Incoming::Snapshot(_)
                | Incoming::Reply { .. }
                | Incoming::Connected { .. }
                | Incoming::Disconnected { .. }
                | Incoming::EngineDied
        );
        // Sent before the bridge knew that another run is wanted.
        if self.awaiting_picture && of_a_run {
            return Vec::new();
        }
        match incoming {
            Incoming::Picture(picture) => self.take_picture(*picture),
            Incoming::Event(envelope) => self.take_event(&envelope),
            Incoming::Snapshot(snapshot) => self.take_snapshot(*snapshot),
            Incoming::Reply { id, error } => self.reply(id, error),
            Incoming::Connected { pid } => {
                self.connection = Connection::Connected { pid };
                self.dirty = true;
            }
            Incoming::Disconnected { reason } => self.lose(Connection::Lost(reason)),
            Incoming::EngineDied => self.lose(Connection::Dead),
            Incoming::Notice(text) => {
                self.note_in_log(&text, false);
                self.say(Kind::Good, text);
            }
            Incoming::Problem(text) => self.say(Kind::Error, text),
            Incoming::Runs(runs) => {
                self.dirty |= self.runs != runs;
                self.runs = runs;
                self.clamp_overlay();
            }
        }
        Vec::new()
    }

    fn lose(&mut self, connection: Connection) {
        // That the engine died is the better news of two about the same end.
        if self.connection != Connection::Dead {
            self.connection = connection;
        }
        self.forget_pending();
        self.stage_over();
        self.dirty = true;
    }

    fn take_picture(&mut self, picture: Picture) {
        self.awaiting_picture = false;
        let before = self.picture.snapshot.take();
        self.picture = picture;
        if self.picture.snapshot.is_none() {
            self.picture.snapshot = before;
        }
        if let Some(info) = &self.picture.info {
            self.run.clone_from(&info.run);
        }
        self.calm.taken = None;
        self.refresh();
    }

    fn take_event(&mut self, envelope: &Envelope) {
        if envelope.seq <= self.picture.seq {
            return;
        }
        self.picture.apply(envelope);
        if let Event::Started(info) = &envelope.event {
            self.run.clone_from(&info.run);
        }
        if matches!(
            envelope.event,
            Event::StageBegan {
                stage: Stage::Corners | Stage::Fit,
                ..
            }
        ) {
            self.placed = false;
        }
        if matches!(
            envelope.event,
            Event::StageBegan { .. }
                | Event::Stopped { .. }
                | Event::Finished(_)
                | Event::Failed { .. }
        ) {
            self.stage_over();
        }
        if let Some((text, error)) = sentence(&envelope.event)
            && let Some(kind) = kind(&envelope.event)
        {
            let kind = if error { Kind::Error } else { kind };
            // The picture's log has it already.
            self.say_only(kind, text);
        }
        self.dirty = true;
    }

    fn take_snapshot(&mut self, snapshot: Snapshot) {
        if self.picture.snapshot.as_ref() == Some(&snapshot) {
            return;
        }
        if self
            .picture
            .snapshot
            .as_ref()
            .is_none_or(|s| s.metric != snapshot.metric)
        {
            self.surface.metric = snapshot.metric;
        }
        self.picture.snapshot = Some(snapshot);
        self.refresh();
    }

    /// Fits what the user chose to what there is now.
    fn refresh(&mut self) {
        self.dirty = true;
        self.compare_wishes();
        let Some(s) = &self.picture.snapshot else {
            return;
        };
        let due = self.calm.taken.is_none_or(|t| self.now - t >= 1.0);
        if due || s.rate == 0.0 {
            (self.calm.rate, self.calm.seconds_left) = (s.rate, s.seconds_left);
            self.calm.memory = s.memory;
            self.calm.taken = Some(self.now);
        }
        self.surface.clamp(s.heatmap.grid, s.heatmap.patch);
        self.points.cursor = self
            .points
            .cursor
            .min(s.control_points.len().saturating_sub(1));
        // Once, when the surface is complete, the cursor goes where the user wants to look.
        if !self.placed && s.heatmap.complete() {
            self.placed = true;
            let heatmap: &Heatmap = &s.heatmap;
            self.surface.next_best(heatmap);
        }
    }

    /// Asks for the list of runs.
    pub(super) fn refresh_runs(&self) -> Vec<Effect> {
        vec![Effect::Send(Outgoing::Refresh)]
    }
}

/// Which events are told in the message line; the log has all.
fn kind(event: &Event) -> Option<Kind> {
    match event {
        Event::Exported(_) | Event::Finished(_) | Event::HeatmapComplete { .. } => Some(Kind::Good),
        Event::Evaluated(_)
        | Event::Marked { .. }
        | Event::DegreeChanged { .. }
        | Event::GridChanged { .. }
        | Event::Frozen { .. }
        | Event::Paused { .. }
        | Event::Unpaused { .. }
        | Event::Stopped { .. }
        | Event::Resumed { .. }
        | Event::CornerReady(_)
        | Event::Notice { .. } => Some(Kind::Info),
        Event::Failed { .. } => Some(Kind::Error),
        _ => None,
    }
}

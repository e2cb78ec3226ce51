//! What the engine and the carrying program tell.

use super::message::MessageKind;
use super::{App, Effect, EngineLink, ThrottledStats};
use crate::link::Incoming;
use surfit_core::event::{Envelope, Event, JobStage};
use surfit_core::heatmap::{Heatmap, Metric};
use surfit_core::picture::{RunState, sentence};
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
                | Incoming::Elsewhere { .. }
                | Incoming::EngineDied
        );
        // Sent before the bridge knew that another run is wanted.
        if self.awaiting_picture && of_a_run {
            return Vec::new();
        }
        if of_a_run {
            self.heard = Some(self.now);
        }
        match incoming {
            Incoming::Picture(picture) => self.take_picture(*picture),
            Incoming::Event(envelope) => self.take_event(&envelope),
            Incoming::Snapshot(snapshot) => self.take_snapshot(*snapshot),
            Incoming::Reply { id, error } => self.reply(id, error),
            Incoming::Connected { pid } => {
                self.connection = EngineLink::Connected { pid };
                self.dirty = true;
            }
            Incoming::Elsewhere { node } => {
                self.forget_pending();
                self.connection = EngineLink::Elsewhere(node);
                self.dirty = true;
            }
            Incoming::BatchJob(job) => self.batch_job = Some(job),
            Incoming::Disconnected { reason } => self.lose(EngineLink::Lost(reason)),
            Incoming::EngineDied => self.lose(EngineLink::Dead),
            Incoming::Notice(text) => {
                self.note_in_log(&text, false);
                self.say(MessageKind::Good, text);
            }
            Incoming::Problem(text) | Incoming::Unopened { why: text, .. } => {
                self.say(MessageKind::Error, text);
            }
            Incoming::Line(line) => self.take_line(line),
            Incoming::Grown {
                path,
                events,
                snapshot,
            } => self.take_growth(&path, &events, snapshot),
            Incoming::Forked { path, sentence } => return self.take_fork(path, sentence),
            Incoming::At { dir, name } => {
                self.not_beside_itself(&dir);
                self.place = Some(super::take::RunLocation { dir, name });
            }
            Incoming::Exists(file) => self.ask_replace(*file),
            Incoming::Loaded { path, picture } => self.take_loaded(path, *picture),
            Incoming::Unread { path, why } => self.take_unread(&path, why),
            Incoming::Runs(runs) => {
                self.take_runs(runs);
                return self.look_for_beside();
            }
        }
        Vec::new()
    }

    fn lose(&mut self, connection: EngineLink) {
        // That the engine died is the better news of two about the same end.
        if self.connection != EngineLink::Dead {
            self.connection = connection;
        }
        let plan = self.plan;
        self.forget_pending();
        // An engine that only rests is called again when the plan is confirmed.
        self.plan = plan.filter(|_| self.sleeps());
        self.stage_over();
        self.dirty = true;
    }

    fn take_picture(&mut self, picture: RunState) {
        self.awaiting_picture = false;
        let before = self.picture.snapshot.take();
        self.picture = picture;
        match &self.picture.snapshot {
            Some(snapshot) => self.take_metric(snapshot.metric),
            None => self.picture.snapshot = before,
        }
        self.batch_job = None;
        if let Some(run) = self.picture.info.as_ref().map(|info| info.run.clone()) {
            if self.run != run {
                self.part_from_run();
            }
            self.run = run;
        }
        self.calm.taken = None;
        self.machine = Default::default();
        self.refresh();
    }

    fn take_event(&mut self, envelope: &Envelope) {
        if envelope.seq <= self.picture.seq {
            return;
        }
        let before = self.picture.log.back().cloned();
        self.picture.apply(envelope);
        if self.picture.log.back() != before.as_ref() {
            self.log_grew();
        }
        if let Event::Started(info) = &envelope.event {
            self.run.clone_from(&info.run);
        }
        if matches!(
            envelope.event,
            Event::StageBegan {
                stage: JobStage::Corners | JobStage::Fit,
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
            let kind = if error { MessageKind::Error } else { kind };
            // The picture's log has it already.
            self.say_only(kind, text);
        }
        self.dirty = true;
    }

    fn take_snapshot(&mut self, snapshot: Snapshot) {
        if self.picture.snapshot.as_ref() == Some(&snapshot) {
            return;
        }
        self.take_metric(snapshot.metric);
        self.machine.take(self.now, &snapshot);
        self.surface.keep_earlier(&self.picture, &snapshot);
        self.picture.show(snapshot);
        self.refresh();
    }

    /// What a run shows at first is what was looked at last; from then on every screen has a metric of its own.
    fn take_metric(&mut self, metric: Metric) {
        if !std::mem::replace(&mut self.metric_known, true) {
            self.surface.metric = metric;
        }
    }

    /// Fits what the user chose to what there is now.
    fn refresh(&mut self) {
        self.dirty = true;
        self.compare_wishes();
        self.plan_from_present();
        let Some(s) = &self.picture.snapshot else {
            return;
        };
        let due = self.calm.taken.is_none_or(|t| self.now - t >= 1.0);
        if due || s.rate == 0.0 {
            self.calm = ThrottledStats {
                rate: s.rate,
                seconds_left: s.seconds_left,
                job_seconds_left: s.job_seconds_left,
                images: s.images_per_second,
                memory: s.memory,
                machine: s.machine.clone(),
                taken: Some(self.now),
            };
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
}

/// Which events are told in the message line; the log has all.
fn kind(event: &Event) -> Option<MessageKind> {
    match event {
        Event::Exported(_) | Event::Finished(_) | Event::HeatmapComplete { .. } => {
            Some(MessageKind::Good)
        }
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
        | Event::Notice { .. } => Some(MessageKind::Info),
        Event::Failed { .. } => Some(MessageKind::Error),
        _ => None,
    }
}

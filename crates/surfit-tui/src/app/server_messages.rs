//! Processes messages of the engine and of the bridge to it.

use super::message::MessageKind;
use super::{App, Effect, EngineLink, ThrottledStats};
use crate::views::log::LogOverlay;
use surfit_core::event::{Envelope, Event, JobStage};
use surfit_core::heatmap::{Heatmap, Metric};
use surfit_core::protocol::{BridgeMessage, ServerMessage};
use surfit_core::run_state::{RunState, describe_event};
use surfit_core::snapshot::Snapshot;

impl App {
    pub(super) fn handle_server_message(&mut self, message: ServerMessage) -> Vec<Effect> {
        if message.is_about_shown_run() {
            // Sent before the bridge knew that another run is wanted.
            if self.awaiting_run_state {
                return Vec::new();
            }
            self.last_message_at = Some(self.now);
        }
        match message {
            ServerMessage::Welcome { pid, .. } => {
                self.connection = EngineLink::Connected { pid };
                self.dirty = true;
            }
            ServerMessage::Event(envelope) => self.apply_event(&envelope),
            ServerMessage::Snapshot(snapshot) => self.apply_snapshot(*snapshot),
            ServerMessage::Reply { id, error, .. } => self.handle_reply(id, error.map(|refusal| refusal.message)),
            ServerMessage::Bridge(message) => return self.handle_bridge_message(message),
            // Whoever holds the connection has made a snapshot of a change, and reported why it was refused.
            ServerMessage::Changed(_) | ServerMessage::Rejected { .. } => {}
        }
        Vec::new()
    }

    fn handle_bridge_message(&mut self, message: BridgeMessage) -> Vec<Effect> {
        match message {
            BridgeMessage::RunOpened(run) => {
                self.clear_self_comparison(&run.dir);
                self.run_location = Some(run);
            }
            BridgeMessage::RunState(state) => self.replace_run_state(*state),
            BridgeMessage::Elsewhere { node } => {
                self.clear_pending_commands();
                self.connection = EngineLink::OnOtherNode(node);
                self.dirty = true;
            }
            BridgeMessage::BatchJob(job) => self.batch_job = Some(job),
            BridgeMessage::Disconnected { reason } => self.on_engine_lost(EngineLink::Lost(reason)),
            BridgeMessage::EngineDied => self.on_engine_lost(EngineLink::Dead),
            BridgeMessage::Notice(text) => {
                self.append_local_log_line(&text, false);
                self.show_message(MessageKind::Good, text);
            }
            BridgeMessage::Problem(text) | BridgeMessage::Unopened { why: text, .. } => {
                self.show_message(MessageKind::Error, text);
            }
            BridgeMessage::Line(line) => self.apply_line_state(line),
            BridgeMessage::Grown { path, events, snapshot } => self.apply_run_growth(&path, &events, snapshot),
            BridgeMessage::Forked { path, sentence } => return self.on_fork_created(path, sentence),
            BridgeMessage::Exists(file) => self.ask_replace(*file),
            BridgeMessage::Loaded { path, run_state } => self.on_run_loaded(path, *run_state),
            BridgeMessage::Unread { path, why } => self.on_run_load_failed(&path, why),
            BridgeMessage::Runs(runs) => {
                self.apply_run_list(runs);
                return self.load_requested_comparison();
            }
            // Of the line alone, whose end here keeps them.
            BridgeMessage::Part { .. } | BridgeMessage::KeepAlive | BridgeMessage::Farewell { .. } => {}
        }
        Vec::new()
    }

    fn on_engine_lost(&mut self, connection: EngineLink) {
        // That the engine died is the better news of two about the same end.
        if self.connection != EngineLink::Dead {
            self.connection = connection;
        }
        let plan = self.degree_plan;
        self.clear_pending_commands();
        // An engine that only rests is called again when the plan is confirmed.
        self.degree_plan = plan.filter(|_| self.engine_stopped());
        self.withdraw_stop_question();
        self.dirty = true;
    }

    fn replace_run_state(&mut self, run_state: RunState) {
        self.awaiting_run_state = false;
        let before = self.run_state.snapshot.take();
        self.run_state = run_state;
        match &self.run_state.snapshot {
            Some(snapshot) => self.adopt_metric(snapshot.metric),
            None => self.run_state.snapshot = before,
        }
        self.batch_job = None;
        if let Some(run) = self.run_state.info.as_ref().map(|info| info.run.clone()) {
            if self.run != run {
                self.clear_earlier_surface();
            }
            self.run = run;
        }
        self.header_stats.sampled_at = None;
        self.load_history = Default::default();
        self.update_views();
    }

    fn apply_event(&mut self, envelope: &Envelope) {
        if envelope.seq <= self.run_state.seq {
            return;
        }
        let before = self.run_state.log.back().cloned();
        self.run_state.apply(envelope);
        if self.run_state.log.back() != before.as_ref() {
            self.edit_view(LogOverlay::keep_position);
        }
        if let Event::Started(info) = &envelope.event {
            self.run.clone_from(&info.run);
        }
        if matches!(envelope.event, Event::StageBegan { stage: JobStage::Corners | JobStage::Fit, .. }) {
            self.cursor_initialised = false;
        }
        if matches!(
            envelope.event,
            Event::StageBegan { .. } | Event::Stopped { .. } | Event::Finished(_) | Event::Failed { .. }
        ) {
            self.withdraw_stop_question();
        }
        if let Some((text, error)) = describe_event(&envelope.event)
            && let Some(kind) = message_kind(&envelope.event)
        {
            let kind = if error { MessageKind::Error } else { kind };
            // The run state's log has it already.
            self.show_unlogged_message(kind, text);
        }
        self.dirty = true;
    }

    fn apply_snapshot(&mut self, snapshot: Snapshot) {
        if self.run_state.snapshot.as_ref() == Some(&snapshot) {
            return;
        }
        self.adopt_metric(snapshot.metric);
        self.load_history.record(self.now, &snapshot);
        self.surface.save_earlier_surface(&self.run_state, &snapshot);
        self.run_state.apply_snapshot(snapshot);
        self.update_views();
    }

    /// A run opens with the metric that was shown last; from then on every screen has a metric of its own.
    fn adopt_metric(&mut self, metric: Metric) {
        if !std::mem::replace(&mut self.metric_initialised, true) {
            self.surface.metric = metric;
        }
    }

    /// Adapts the user's choices to the present run state.
    fn update_views(&mut self) {
        self.dirty = true;
        self.settle_pending_settings();
        self.rebase_plan();
        let Some(s) = &self.run_state.snapshot else {
            return;
        };
        let due = self.header_stats.sampled_at.is_none_or(|t| self.now - t >= 1.0);
        if due || s.rate == 0.0 {
            self.header_stats = ThrottledStats {
                units_per_second: s.rate,
                seconds_left: s.seconds_left,
                job_seconds_left: s.job_seconds_left,
                images_per_second: s.images_per_second,
                memory_bytes: s.memory,
                machine: s.machine.clone(),
                sampled_at: Some(self.now),
            };
        }
        self.surface.clamp(s.heatmap.grid, s.heatmap.patch);
        self.points.cursor = self.points.cursor.min(s.control_points.len().saturating_sub(1));
        // Once, when the surface is complete, the cursor moves to the best point.
        if !self.cursor_initialised && s.heatmap.is_complete() {
            self.cursor_initialised = true;
            let heatmap: &Heatmap = &s.heatmap;
            self.surface.move_to_next_best(heatmap);
        }
    }
}

/// Which events are shown in the message line; the log has all.
fn message_kind(event: &Event) -> Option<MessageKind> {
    match event {
        Event::Exported(_) | Event::Finished(_) | Event::HeatmapComplete { .. } => Some(MessageKind::Good),
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

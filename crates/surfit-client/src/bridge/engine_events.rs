//! What comes from the engine of the run that is shown, and what it means that nothing comes any more.

use super::{AttachMode, BridgeWorker};
use crate::{ClientError, ReceivedMessage};
use surfit_core::event::{Envelope, Event};
use surfit_core::protocol::ServerMessage;
use surfit_core::run_dir::RunDir;
use surfit_core::snapshot::EngineState;
use surfit_tui::Incoming;

impl BridgeWorker {
    pub(super) fn on_engine_message(&mut self, received: ReceivedMessage) {
        match received {
            ReceivedMessage::Message(ServerMessage::Event(envelope)) => {
                if envelope.seq > self.seq + 1 {
                    // What the connection left out is in the file.
                    self.catch_up();
                }
                self.on_event(envelope);
            }
            ReceivedMessage::Message(ServerMessage::Snapshot(snapshot)) => {
                self.snapshot = Some(snapshot.clone());
                self.send_to_screen(Incoming::Snapshot(snapshot));
            }
            ReceivedMessage::Message(ServerMessage::Reply { id, error, .. }) => {
                self.unanswered.remove(&id);
                let error = error.map(|refusal| refusal.message);
                self.send_to_screen(Incoming::Reply { id, error });
            }
            ReceivedMessage::Message(_) => {}
            ReceivedMessage::Lost(ClientError::Closed | ClientError::Io { .. }) => {
                self.connection = None;
                self.catch_up_disconnected();
                self.fail_lost_commands();
                // It is gone, or cut us off for being slow: then it can be greeted again.
                self.start_attach(AttachMode::Attach);
            }
            ReceivedMessage::Lost(error) => {
                self.connection = None;
                self.catch_up_disconnected();
                self.fail_lost_commands();
                self.send_problem(&error);
                self.send_to_screen(Incoming::Disconnected { reason: error.to_string() });
            }
        }
    }

    /// Answers what was asked over a connection that is no more, with the reason when the engine said it.
    fn fail_lost_commands(&mut self) {
        let why = self.failure.clone();
        self.fail_unanswered(why.as_deref().unwrap_or("the connection ended before the answer"));
    }

    pub(super) fn on_event(&mut self, envelope: Envelope) {
        if envelope.seq <= self.seq {
            return;
        }
        self.seq = envelope.seq;
        match &envelope.event {
            Event::Closed => self.closed_cleanly = true,
            Event::Started(_) => (self.closed_cleanly, self.failure) = (false, None),
            Event::Failed { message } => self.failure = Some(message.clone()),
            _ => {}
        }
        self.send_to_screen(Incoming::Event(envelope));
    }

    /// Takes what the run's file has and we have not.
    pub(super) fn catch_up(&mut self) {
        let Some(run) = &self.run else { return };
        match run.events(self.seq) {
            Ok(events) => events.into_iter().for_each(|e| self.on_event(e)),
            Err(error) => self.send_problem(&error),
        }
    }

    /// As [`BridgeWorker::send_missed_events`], once there is no connection. Events that were told and that the disk never took are gone
    /// with an engine that died, and the next one gives their numbers anew: the screen begins anew then, too.
    fn catch_up_disconnected(&mut self) {
        let taken_back = |run: &RunDir| run.last_event_number().is_ok_and(|last| last < self.seq);
        match self.run.clone().filter(taken_back) {
            Some(run) => self.send_run_state(&run),
            None => self.catch_up(),
        }
    }

    /// True when nothing was under way: the run was closed, or its engine only waited after the job was done, as
    /// `surfit ls` tells it too.
    pub(super) fn is_at_rest(&self) -> bool {
        let status = || self.run.as_ref()?.status();
        self.closed_cleanly || status().is_some_and(|s| s.state == EngineState::Finished)
    }

    /// The engine's process is no more.
    pub(super) fn on_engine_gone(&mut self) {
        self.engine_alive = false;
        self.catch_up();
        for (id, _) in std::mem::take(&mut self.pending_commands) {
            self.send_to_screen(Incoming::Reply {
                id,
                error: Some(self.failure.clone().unwrap_or_else(|| "the engine ended".into())),
            });
        }
        if self.is_at_rest() { self.send_no_engine() } else { self.send_to_screen(Incoming::EngineDied) }
    }
}

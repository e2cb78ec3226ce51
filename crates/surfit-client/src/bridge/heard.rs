//! What comes from the engine of the run that is shown, and what it means that nothing comes any more.

use super::{AttachMode, BridgeWorker};
use crate::{ClientError, ReceivedMessage};
use surfit_core::event::{Envelope, Event};
use surfit_core::protocol::ServerMessage;
use surfit_core::run_dir::RunDir;
use surfit_core::snapshot::EngineState;
use surfit_tui::Incoming;

impl BridgeWorker {
    pub(super) fn engine_says(&mut self, received: ReceivedMessage) {
        match received {
            ReceivedMessage::Message(ServerMessage::Event(envelope)) => {
                if envelope.seq > self.seq + 1 {
                    // What the connection left out is in the file.
                    self.catch_up();
                }
                self.event(envelope);
            }
            ReceivedMessage::Message(ServerMessage::Snapshot(snapshot)) => {
                self.snapshot = Some(snapshot.clone());
                self.tell(Incoming::Snapshot(snapshot));
            }
            ReceivedMessage::Message(ServerMessage::Reply { id, error, .. }) => {
                self.unanswered.remove(&id);
                self.tell(Incoming::Reply { id, error });
            }
            ReceivedMessage::Message(_) => {}
            ReceivedMessage::Lost(ClientError::Closed | ClientError::Io { .. }) => {
                self.connection = None;
                self.catch_up_alone();
                self.answer_lost();
                // It is gone, or cut us off for being slow: then it can be greeted again.
                self.begin(AttachMode::Attach);
            }
            ReceivedMessage::Lost(error) => {
                self.connection = None;
                self.catch_up_alone();
                self.answer_lost();
                self.problem(&error);
                self.tell(Incoming::Disconnected {
                    reason: error.to_string(),
                });
            }
        }
    }

    /// Answers what was asked over a connection that is no more, with the reason when the engine said it.
    fn answer_lost(&mut self) {
        let why = self.failed.clone();
        self.answer_all(
            why.as_deref()
                .unwrap_or("the connection ended before the answer"),
        );
    }

    pub(super) fn event(&mut self, envelope: Envelope) {
        if envelope.seq <= self.seq {
            return;
        }
        self.seq = envelope.seq;
        match &envelope.event {
            Event::Closed => self.closed = true,
            Event::Started(_) => (self.closed, self.failed) = (false, None),
            Event::Failed { message } => self.failed = Some(message.clone()),
            _ => {}
        }
        self.tell(Incoming::Event(envelope));
    }

    /// Takes what the run's file has and we have not.
    pub(super) fn catch_up(&mut self) {
        let Some(run) = &self.run else { return };
        match run.events(self.seq) {
            Ok(events) => events.into_iter().for_each(|e| self.event(e)),
            Err(error) => self.problem(&error),
        }
    }

    /// As [`BridgeWorker::catch_up`], once there is no connection. Events that were told and that the disk never took are gone
    /// with an engine that died, and the next one gives their numbers anew: the screen begins anew then, too.
    fn catch_up_alone(&mut self) {
        let taken_back = |run: &RunDir| run.last_event().is_ok_and(|last| last < self.seq);
        match self.run.clone().filter(taken_back) {
            Some(run) => self.tell_picture(&run),
            None => self.catch_up(),
        }
    }

    /// True when nothing was under way: the run was closed, or its engine only waited after the job was done, as
    /// `surfit ls` tells it too.
    pub(super) fn rests(&self) -> bool {
        let status = || self.run.as_ref()?.status();
        self.closed || status().is_some_and(|s| s.state == EngineState::Finished)
    }

    /// The engine's process is no more.
    pub(super) fn gone(&mut self) {
        self.alive = false;
        self.catch_up();
        for (id, _) in std::mem::take(&mut self.pending) {
            self.tell(Incoming::Reply {
                id,
                error: Some(
                    self.failed
                        .clone()
                        .unwrap_or_else(|| "the engine ended".into()),
                ),
            });
        }
        if self.rests() {
            self.at_rest()
        } else {
            self.tell(Incoming::EngineDied)
        }
    }
}

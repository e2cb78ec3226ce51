//! The events of a run as one stream, across connections and engines.

use super::connection::MessageInbox;
use super::{ClientError, EngineConnection, connect};
use std::collections::VecDeque;
use std::time::Duration;
use surfit_core::event::{Envelope, Event};
use surfit_core::protocol::{CommandError, EngineCommand, EventSpan, ServerMessage};
use surfit_core::run_dir::{EventTail, RunDir};
use surfit_core::snapshot::Snapshot;

/// Time between two reads of the files of a run whose engine works on another machine.
const FILE_POLL_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub enum FollowedItem {
    /// The next event, in order and without gaps.
    Event(Envelope),
    Snapshot(Box<Snapshot>),
    Reply {
        id: u64,
        /// Why it was refused.
        error: Option<CommandError>,
        /// The events that it caused, if the engine sent them.
        events: Option<EventSpan>,
    },
    /// The connection was lost and made again. No event is missing, but commands of the former one get no reply.
    Reconnected,
    /// The engine ended regularly; nothing follows.
    Ended,
    /// The engine died; nothing follows.
    Died,
}

/// Follows a run from event number `seq` on.
#[derive(Debug)]
pub struct RunFollower {
    run: RunDir,
    seq: u64,
    closed: bool,
    connection: Option<(EngineConnection, MessageInbox)>,
    /// There was a connection.
    connection_lost: bool,
    /// Reads the run's file while there is no connection.
    tail: Option<EventTail>,
    queued_events: VecDeque<Envelope>,
}

impl RunFollower {
    /// Follows over a connection that was made with `after: Some(seq)`.
    ///
    /// # Errors
    /// As [`EngineConnection::open_inbox`].
    pub fn new(run: RunDir, seq: u64, connection: EngineConnection) -> Result<Self, ClientError> {
        let inbox = connection.open_inbox()?;
        Ok(Self { connection: Some((connection, inbox)), ..Self::detached(run, seq) })
    }

    /// Follows without a connection at first, for an engine that may be gone already.
    pub fn detached(run: RunDir, seq: u64) -> Self {
        Self {
            run,
            seq,
            closed: false,
            connection: None,
            connection_lost: false,
            tail: None,
            queued_events: VecDeque::new(),
        }
    }

    pub fn last_event(&self) -> u64 {
        self.seq
    }

    /// Sends a command.
    ///
    /// # Errors
    /// [`ClientError::Closed`] when there is no engine at the moment.
    pub fn send(&mut self, command: EngineCommand) -> Result<u64, ClientError> {
        match &mut self.connection {
            Some((connection, _)) => connection.send(command),
            None => Err(ClientError::Closed),
        }
    }

    /// Returns the next item, or `None` after `timeout`.
    ///
    /// # Errors
    /// When a connection ended by something else than the engine's end or death, such as an invalid message.
    pub fn next_item(&mut self, timeout: Duration) -> Result<Option<FollowedItem>, ClientError> {
        if let Some(envelope) = self.queued_events.pop_front() {
            return Ok(Some(self.accept_event(envelope)));
        }
        let Some((_, inbox)) = &self.connection else {
            return self.next_without_connection(timeout);
        };
        match inbox.next_message(timeout) {
            Ok(Some(ServerMessage::Event(envelope))) if envelope.seq <= self.seq => Ok(None),
            Ok(Some(ServerMessage::Event(envelope))) => {
                if envelope.seq > self.seq + 1 {
                    // Missing events are in the file. A promise there may be one that the engine did not keep.
                    self.queued_events.extend(self.run.events(self.seq)?);
                    self.queued_events.retain(|e| e.seq < envelope.seq && !e.event.requires_durability());
                    self.queued_events.push_back(envelope);
                    return self.next_item(timeout);
                }
                Ok(Some(self.accept_event(envelope)))
            }
            Ok(Some(ServerMessage::Snapshot(snapshot))) => Ok(Some(FollowedItem::Snapshot(snapshot))),
            Ok(Some(ServerMessage::Reply { id, error, events })) => Ok(Some(FollowedItem::Reply { id, error, events })),
            Ok(Some(_) | None) => Ok(None),
            Err(ClientError::Closed | ClientError::Io { .. }) => {
                (self.connection, self.connection_lost) = (None, true);
                self.next_without_connection(Duration::ZERO)
            }
            Err(other) => Err(other),
        }
    }

    fn accept_event(&mut self, envelope: Envelope) -> FollowedItem {
        self.seq = envelope.seq;
        // An engine that was started later opens the run again.
        self.closed = match envelope.event {
            Event::Closed => true,
            Event::Started(_) => false,
            _ => self.closed,
        };
        FollowedItem::Event(envelope)
    }

    /// Handles a closed connection: the engine is gone, or closed it because this client was slow.
    fn next_without_connection(&mut self, timeout: Duration) -> Result<Option<FollowedItem>, ClientError> {
        let alive = self.run.is_engine_alive();
        // Read after the lock was checked: the log of a dead engine is complete then.
        let tail = self.tail.get_or_insert_with(|| EventTail::new(&self.run.events_path(), self.seq));
        let mut found = tail.read()?;
        // The engine sends a promise, and what follows it, when it is durable.
        let promise = found.iter().position(|e| e.event.requires_durability());
        let held = found.split_off(promise.filter(|_| alive).unwrap_or(found.len()));
        if !held.is_empty() {
            self.tail = None;
        }
        self.queued_events.extend(found);
        if !self.queued_events.is_empty() {
            return self.next_item(timeout);
        }
        if !alive {
            return Ok(Some(if self.closed { FollowedItem::Ended } else { FollowedItem::Died }));
        }
        match connect(&self.run, Some(self.seq)) {
            Ok(connection) => {
                let inbox = connection.open_inbox()?;
                (self.connection, self.tail) = (Some((connection, inbox)), None);
                if std::mem::take(&mut self.connection_lost) {
                    return Ok(Some(FollowedItem::Reconnected));
                }
            }
            // Its files are read, as far as another machine sees them.
            Err(ClientError::Elsewhere { .. }) if held.is_empty() => {
                std::thread::sleep(FILE_POLL_INTERVAL);
            }
            Err(ClientError::Elsewhere { .. }) => self.queued_events.extend(held),
            // It is ending or starting.
            Err(ClientError::NoEngine(_) | ClientError::Closed) => {
                std::thread::sleep(timeout.clamp(Duration::from_millis(10), Duration::from_millis(50)));
            }
            Err(other) => return Err(other),
        }
        Ok(None)
    }
}

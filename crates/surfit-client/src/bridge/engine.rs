//! The engine of the run that is shown: connecting, reading, and stopping one that was started for a command.

use super::{BridgeMessage, BridgeWorker};
use crate::{ClientError, EngineConnection, EngineLaunch, connect, connect_or_start, connect_read_only, start_engine};
use std::process::Child;
use std::time::{Duration, Instant};
use surfit_core::event::{Envelope, Event};
use surfit_core::protocol::{CommandErrorCode, EngineCommand, ServerMessage};
use surfit_core::run_dir::{RunDir, RunError};
use surfit_core::snapshot::{EngineState, Snapshot};

/// How long an engine may hold a run without listening; loading libtorch from a cold network disk is slow.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(120);

/// Seconds that an engine stays that was started for a command, when it has nothing to do and nobody watches it.
const LINGER_SECS: u64 = 30;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AttachMode {
    /// Greet the one that is there.
    Attach,
    /// The same, or start one that waits for commands.
    Wait,
    /// The same, or start one that does the job.
    Serve,
}

/// The connection, and the child when it was started here.
pub type AttachedEngine = Result<(Option<Child>, EngineConnection), ClientError>;

/// Connects to the engine of a run, or starts one, as requested; events after number `after` follow.
pub fn attach_or_spawn(run: &RunDir, how: AttachMode, after: u64) -> AttachedEngine {
    let waiting = EngineLaunch { wait: true, linger: Some(LINGER_SECS) };
    match how {
        AttachMode::Wait => connect_or_start(run, waiting, Some(after)),
        AttachMode::Serve if !run.is_engine_alive() => {
            let started = start_engine(run, EngineLaunch::default(), Some(after));
            attach_if_in_use(run, started.map(|(child, c)| (Some(child), c)), after)
        }
        AttachMode::Serve | AttachMode::Attach => attach_existing(run, after),
    }
}

fn attach_existing(run: &RunDir, after: u64) -> AttachedEngine {
    retry_until_listening(run, || connect(run, Some(after)))
}

/// Greets the engine that was faster than one that was started here, which serves as well.
fn attach_if_in_use(run: &RunDir, started: AttachedEngine, after: u64) -> AttachedEngine {
    match started {
        Err(ClientError::Run(RunError::InUse { .. })) => attach_existing(run, after),
        other => other,
    }
}

pub fn attach_read_only(run: &RunDir, after: u64) -> AttachedEngine {
    retry_until_listening(run, || connect_read_only(run, Some(after)))
}

/// While the lock is held an engine listens soon, or is gone soon.
fn retry_until_listening(run: &RunDir, greet: impl Fn() -> Result<EngineConnection, ClientError>) -> AttachedEngine {
    let began = Instant::now();
    loop {
        match greet() {
            Err(ClientError::NoEngine(_) | ClientError::Closed) if run.is_engine_alive() => {
                if began.elapsed() > LISTEN_TIMEOUT {
                    return Err(ClientError::Timeout(LISTEN_TIMEOUT.as_secs()));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(ClientError::Closed) => {
                return Err(ClientError::NoEngine(run.path().to_owned()));
            }
            done => return done.map(|connection| (None, connection)),
        }
    }
}

impl BridgeWorker {
    pub(super) fn on_engine_message(&mut self, received: Result<ServerMessage, ClientError>) {
        match received {
            Ok(ServerMessage::Event(envelope)) => {
                if envelope.seq > self.seq + 1 {
                    // Events that the connection skipped are in the file.
                    self.catch_up();
                }
                self.on_event(envelope);
            }
            Ok(ServerMessage::Snapshot(snapshot)) => {
                self.snapshot = Some(snapshot.clone());
                self.send_to_screen(ServerMessage::Snapshot(snapshot));
            }
            Ok(ServerMessage::Reply { id, error, events }) => {
                self.unanswered.remove(&id);
                self.send_to_screen(ServerMessage::Reply { id, error, events });
            }
            Ok(_) => {}
            Err(error) => {
                self.drop_connection();
                self.catch_up_disconnected();
                self.fail_lost_commands();
                if let ClientError::Closed | ClientError::Io { .. } = error {
                    // It is gone, or cut us off for being slow: then it can be greeted again.
                    return self.start_attach(AttachMode::Attach);
                }
                self.send_problem(&error);
                self.send_to_screen(BridgeMessage::Disconnected { reason: error.to_string() });
            }
        }
    }

    /// Ends the connection, and its reader, which would wait for ever to put a token.
    pub(super) fn drop_connection(&mut self) {
        (self.connection, self.message_tokens) = (None, None);
    }

    /// Answers requests on a closed connection, with the reason when the engine gave one.
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
        self.send_to_screen(ServerMessage::Event(envelope));
    }

    /// Takes what the run's file has and we have not.
    pub(super) fn catch_up(&mut self) {
        let Some(run) = &self.run else { return };
        match run.events(self.seq) {
            Ok(events) => events.into_iter().for_each(|e| self.on_event(e)),
            Err(error) => self.send_problem(&error),
        }
    }

    /// As [`BridgeWorker::catch_up`], once there is no connection. Events reported but
    /// not stored are lost with a dead engine. The next engine reuses their numbers, so the screen is reset too.
    fn catch_up_disconnected(&mut self) {
        let taken_back = |run: &RunDir| run.last_event_number().is_ok_and(|last| last < self.seq);
        match self.run.clone().filter(taken_back) {
            Some(run) => self.send_run_state(&run),
            None => self.catch_up(),
        }
    }

    /// True when nothing was under way: the run was closed, or its engine only waited after the job was done, as
    /// `surfit ls` reports it too.
    pub(super) fn is_at_rest(&self) -> bool {
        let status = || self.run.as_ref()?.status();
        self.closed_cleanly || status().is_some_and(|s| s.state == EngineState::Finished)
    }

    pub(super) fn on_engine_gone(&mut self) {
        self.engine_alive = false;
        self.catch_up();
        for (id, _) in std::mem::take(&mut self.pending_commands) {
            self.send_refusal(
                id,
                CommandErrorCode::Other,
                self.failure.clone().unwrap_or_else(|| "the engine ended".into()),
            );
        }
        if self.is_at_rest() { self.send_no_engine() } else { self.send_to_screen(BridgeMessage::EngineDied) }
    }
}

/// How long such an engine stays while it has nothing to do and nobody but this screen watches it: it holds the surface in
/// memory.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(300);

fn is_working(snapshot: &Snapshot) -> bool {
    let state = matches!(snapshot.state, EngineState::Running | EngineState::Paused | EngineState::Starting);
    state || snapshot.errand.is_some()
}

impl BridgeWorker {
    /// Ends an engine that was started here for commands and has had nothing to do for so long.
    pub(super) fn shutdown_idle_engine(&mut self, idle: Duration) {
        let Some(connection) = self.connection.as_mut().filter(|_| self.on_demand_engine) else {
            return;
        };
        if !self.unanswered.is_empty() || self.snapshot.as_deref().is_some_and(is_working) {
            self.last_busy = Instant::now();
        }
        let alone = self.snapshot.as_ref().is_none_or(|s| s.viewers <= 1);
        if alone && self.last_busy.elapsed() >= idle {
            self.on_demand_engine = false;
            // If it has exited, the closed connection reports it.
            let _ = connection.send_as(u64::MAX, EngineCommand::Shutdown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeEngine, temporary_run, terminal};
    use std::sync::mpsc::channel;
    use surfit_core::config::Config;
    use surfit_core::protocol::ClientMessage;

    #[test]
    fn who_was_slower_with_an_engine_attaches_to_the_other_one() {
        let run = temporary_run();
        let engine = FakeEngine::open(&run.dir);
        let thread = std::thread::spawn(move || engine.welcome().1);
        let slower = Err(ClientError::Run(run.dir.in_use_error()));
        let (child, connection) = attach_if_in_use(&run.dir, slower, 3).unwrap();
        assert!(child.is_none() && connection.pid() == 42);
        assert_eq!(thread.join().unwrap(), Some(3));
    }

    #[test]
    fn the_reader_of_a_connection_that_ended_waits_for_nobody() {
        let (run, (screen, _shown)) = (temporary_run(), terminal());
        let mut worker = BridgeWorker::new(screen, channel().0, false);
        let ends: [&dyn Fn(&mut BridgeWorker); 2] =
            [&|w| w.on_engine_message(Err(ClientError::Closed)), &|w| w.open_run(run.dir.clone())];
        for end in ends {
            let (token, tokens) = std::sync::mpsc::sync_channel(1);
            worker.message_tokens = Some(tokens);
            end(&mut worker);
            assert!(token.send(()).is_err());
        }
    }

    #[test]
    fn a_woken_engine_ends_when_nothing_more_is_asked_and_no_other_one_does() {
        let run = temporary_run();
        let engine = FakeEngine::open(&run.dir);
        let thread = std::thread::spawn(move || {
            let (mut peer, _) = engine.welcome();
            (peer.read(), peer.read())
        });
        let (screen, _shown) = terminal();
        let mut worker = BridgeWorker::new(screen, channel().0, false);
        worker.connection = Some(connect(&run.dir, Some(0)).unwrap());
        // It was there before.
        worker.shutdown_idle_engine(Duration::ZERO);
        worker.on_demand_engine = true;
        let mut snapshot = Snapshot::empty(Config::default().degrees(), 5);
        snapshot.state = EngineState::Running;
        worker.snapshot = Some(Box::new(snapshot.clone()));
        worker.shutdown_idle_engine(Duration::from_secs(9));
        assert!(worker.on_demand_engine, "it is at work");
        snapshot.state = EngineState::Finished;
        snapshot.viewers = 2;
        worker.snapshot = Some(Box::new(snapshot.clone()));
        worker.shutdown_idle_engine(Duration::ZERO);
        assert!(worker.on_demand_engine, "somebody else watches");
        snapshot.viewers = 1;
        worker.snapshot = Some(Box::new(snapshot));
        worker.unanswered.insert(3);
        worker.shutdown_idle_engine(Duration::from_secs(9));
        worker.unanswered.clear();
        worker.shutdown_idle_engine(Duration::from_secs(9));
        assert!(worker.on_demand_engine, "it had something to do just now");
        worker.shutdown_idle_engine(Duration::ZERO);
        drop(worker);
        let (id, command) = (u64::MAX, EngineCommand::Shutdown);
        let asked = Some(ClientMessage::Command { id, command });
        assert_eq!(thread.join().unwrap(), (asked, None));
    }
}

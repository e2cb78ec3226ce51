//! Exit: pending requests are carried out, and the engine stops when that was requested.

use super::{BridgeEnd, BridgeInput, BridgeWorker};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use surfit_core::event::{Envelope, Event};
use surfit_core::protocol::{EngineCommand, ServerMessage};

/// How long an engine may take to greet when commands wait for it, or when it shall end.
const GREETING_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a starting engine may take to hold its run, so that leaving cannot come before its process.
const STARTUP_TIMEOUT: Duration = Duration::from_secs(5);

/// Time limit for answers to commands; a long command continues after the client exits.
const REPLY_TIMEOUT: Duration = Duration::from_millis(500);

/// How long an engine may take to write its checkpoint and end.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_secs(60);

pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(20);

impl BridgeWorker {
    pub(super) fn end(mut self, stop_engine: bool, inputs: &Receiver<BridgeInput>) -> BridgeEnd {
        self.process_inputs_while(inputs, GREETING_TIMEOUT, |w| {
            w.starting && (stop_engine || !w.pending_commands.is_empty())
        });
        self.process_inputs_while(inputs, STARTUP_TIMEOUT, |w| w.starting && !w.is_engine_alive());
        self.process_inputs_while(inputs, REPLY_TIMEOUT, |w| !w.unanswered.is_empty());
        // The batch system may end the engine with this process, and asks nobody.
        if !stop_engine && self.connection.is_some() && self.shared_job().is_some() {
            self.send_command(u64::MAX - 1, EngineCommand::Checkpoint);
            self.process_inputs_while(inputs, CHECKPOINT_TIMEOUT, |w| w.unanswered.contains(&(u64::MAX - 1)));
        }
        // Before the engine ends: they begin with a checkpoint of it.
        let mut made = std::mem::take(&mut self.writers).finish();
        made.extend(self.await_run_creations(inputs));
        let stops = stop_engine && !self.readonly;
        let lost = stops.then(|| self.stop_engine(inputs)).flatten();
        BridgeEnd {
            stopped: stops && !self.is_engine_alive(),
            stop_error: lost,
            starting: self.starting,
            unreported_outcomes: made,
            run: self.run,
        }
    }

    /// The batch job that ends the engine, when this process is part of it too.
    pub(super) fn shared_job(&self) -> Option<String> {
        self.run.as_ref()?.shared_job()
    }

    fn is_engine_alive(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.is_engine_alive())
    }

    pub(super) fn process_inputs_while(
        &mut self,
        inputs: &Receiver<BridgeInput>,
        most: Duration,
        open: impl Fn(&Self) -> bool,
    ) {
        let began = Instant::now();
        while open(self) && began.elapsed() < most {
            match inputs.recv_timeout(POLL_INTERVAL) {
                Ok(input) => self.on_input(input),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Asks the engine to checkpoint and end, and waits until it is gone; what is lost with it.
    fn stop_engine(&mut self, inputs: &Receiver<BridgeInput>) -> Option<String> {
        let _ = self.connection.as_mut()?.send_as(u64::MAX, EngineCommand::Shutdown);
        let began = Instant::now();
        let (mut lost, mut gone, mut closed) = (None, None, false);
        // The connection must outlive the command's way to the engine, and its last messages must be read: a full disk
        // keeps it from the run's files.
        loop {
            if !self.is_engine_alive() {
                gone.get_or_insert_with(Instant::now);
            }
            match inputs.recv_timeout(POLL_INTERVAL) {
                Ok(BridgeInput::Engine { generation, received }) if self.is_current(generation) => match received {
                    Ok(ServerMessage::Reply { id: u64::MAX, error, .. }) => {
                        lost = error.map(|refusal| refusal.message).or(lost);
                    }
                    Ok(ServerMessage::Event(Envelope { event: Event::Failed { message }, .. })) => lost = Some(message),
                    Ok(_) => {}
                    Err(_) => closed = true,
                },
                _ => {}
            }
            // Its last messages may still be queued by the reader.
            let is_over = gone.is_some_and(|at| closed || at.elapsed() > REPLY_TIMEOUT);
            if is_over || began.elapsed() > CHECKPOINT_TIMEOUT {
                return lost;
            }
        }
    }
}

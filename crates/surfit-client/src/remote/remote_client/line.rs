//! The line itself: dialled, carrying, lost, and dialled again.

use super::{NearInput, OpenLine, RemoteClient, bridge_arguments};
use crate::ClientError;
use crate::remote::dial::{self, dial};
use crate::remote::wire::{self, FrameReceiver as Frames, ToFar};
use ciborium::Value;
use std::sync::mpsc::{TrySendError, sync_channel};
use std::time::{Duration, Instant};
use surfit_tui::Incoming;
use surfit_tui::link::LineState;

/// Pauses before the line is tried again; the last one stays.
const REDIAL_DELAYS_SECS: [u64; 6] = [1, 2, 4, 8, 16, 30];

impl RemoteClient {
    /// The run to dial for, and what is known of it already: its id and its last event.
    pub(super) fn dial_target(&self) -> (String, Option<(String, u64)>) {
        match (&self.requested_run, &self.shown) {
            (Some(path), _) => (path.display().to_string(), None),
            (None, Some(shown)) => {
                let known = self.seq.map(|seq| (shown.id.clone(), seq));
                (shown.path.display().to_string(), known)
            }
            (None, None) => (self.address.run.clone(), None),
        }
    }

    /// Dials on a thread of its own.
    pub(super) fn redial(&mut self) {
        if self.dialling {
            return;
        }
        (self.dialling, self.retry_at, self.last_dialled) = (true, None, Instant::now());
        self.generation += 1;
        let (generation, inputs) = (self.generation, self.inputs.clone());
        let (reach, host, readonly) = (self.host_config.clone(), self.address.host.clone(), self.readonly);
        let (run, _) = self.dial_target();
        std::thread::spawn(move || {
            let line = dial(&reach, &host, &bridge_arguments(&run, readonly), true);
            let _ = inputs.send(NearInput::Dialled { generation, line });
        });
    }

    /// A line carries: says what is known, and reads.
    pub(super) fn on_connected(&mut self, line: dial::DialedLine) {
        self.generation += 1;
        (self.received_frames, self.base_snapshot, self.last_received) = (0, Value::Null, Instant::now());
        let dial::DialedLine { mut stdin, stdout, command } = line;
        let (says, to_say) = sync_channel::<ToFar>(256);
        // Writing may have to wait for the line; nothing here waits for it.
        std::thread::spawn(move || {
            for message in to_say {
                if wire::write_frame(&mut stdin, &message).is_err() {
                    return;
                }
            }
        });
        let (generation, inputs) = (self.generation, self.inputs.clone());
        std::thread::spawn(move || {
            let mut frames = Frames::new(stdout);
            loop {
                let said = frames.next();
                let over = said.is_err();
                if inputs.send(NearInput::Bridge { generation, received: said }).is_err() || over {
                    return;
                }
            }
        });
        self.line = Some(OpenLine { sender: says, command });
        let (_, known) = self.dial_target();
        self.send_to_bridge(ToFar::Open { known });
    }

    /// Says something to the far end, if the line takes it.
    pub(super) fn send_to_bridge(&mut self, message: ToFar) -> bool {
        self.last_sent = Instant::now();
        let sent = self.line.as_ref().map(|line| line.sender.try_send(message));
        match sent {
            Some(Ok(())) => true,
            // Its end comes from the reader; a line that takes nothing is found by its silence.
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => false,
        }
    }

    pub(super) fn send_to_screen(&self, message: Incoming) {
        // The screen may be gone, which its own channel says soon enough.
        let _ = self.screen.send(message);
    }

    /// The line is no more.
    pub(super) fn on_line_lost(&mut self, error: Option<ClientError>) {
        let Some(mut line) = self.line.take() else {
            return;
        };
        self.generation += 1;
        let timeout = match error {
            Some(ClientError::Closed) => Duration::from_millis(500),
            _ => Duration::ZERO,
        };
        let said = line.command.end(timeout);
        let why = match error {
            Some(ClientError::Closed) | None => said,
            Some(ClientError::Timeout(seconds)) => format!("nothing was heard for {seconds} s"),
            Some(error) => error.to_string(),
        };
        for id in std::mem::take(&mut self.unanswered) {
            let host = &self.address.host;
            let error = Some(format!("the line broke before {host} answered; look whether it was done"));
            self.send_to_screen(Incoming::Reply { id, error });
        }
        self.schedule_redial(why);
    }

    pub(super) fn schedule_redial(&mut self, why: String) {
        if dial::is_refused(&why) {
            // It would be refused again, and some hosts shut out who tries too often.
            self.retry_at = None;
            return self.send_to_screen(Incoming::Line(LineState::Refused { why }));
        }
        let pause = Duration::from_secs(REDIAL_DELAYS_SECS[self.attempt.min(REDIAL_DELAYS_SECS.len() - 1)]);
        self.attempt += 1;
        self.retry_at = Some(Instant::now() + pause);
        self.send_to_screen(Incoming::Line(LineState::Down { why, retry: pause.as_secs_f64() }));
    }
}

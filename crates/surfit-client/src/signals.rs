//! Requests that signals make of a command.
//!
//! A batch system may send SIGTERM several times within milliseconds (Slurm does at a job's time limit), so a repetition
//! means "exit without waiting" only seconds later, or as a second ctrl-c.

use super::ClientError;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Time after the first SIGTERM from which on another one means "exit without waiting".
const TERMINATION_REPEAT: Duration = Duration::from_secs(10);

/// Time that a signal may take to arrive here after it reached another process of the same job.
const SIGNAL_SPREAD: Duration = Duration::from_millis(500);

/// A request of a user or a batch system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopRequest {
    /// Stop after a checkpoint.
    Stop,
    /// Leave at once, without waiting.
    ExitNow,
}

pub struct Signals {
    interrupt: Arc<AtomicBool>,
    termination: Arc<AtomicBool>,
    hangup: Arc<AtomicBool>,
    checkpoint: Arc<AtomicBool>,
    /// A stop was reported by [`Signals::stop_request`].
    stopping: Cell<bool>,
    first_termination: Cell<Option<Instant>>,
}

impl Signals {
    /// Installs handlers: from now on a signal does not end this process.
    ///
    /// # Errors
    /// [`ClientError::Io`] when the system refuses to register handlers.
    pub fn install_handlers() -> Result<Self, ClientError> {
        let signals = Self::unregistered();
        for (signal, flag) in [
            (SIGINT, &signals.interrupt),
            (SIGTERM, &signals.termination),
            (SIGHUP, &signals.hangup),
            (SIGUSR1, &signals.checkpoint),
            (SIGUSR2, &signals.checkpoint),
        ] {
            signal_hook::flag::register(signal, flag.clone()).map_err(ClientError::io("listening for signals"))?;
        }
        Ok(signals)
    }

    fn unregistered() -> Self {
        Self {
            interrupt: Arc::default(),
            termination: Arc::default(),
            hangup: Arc::default(),
            checkpoint: Arc::default(),
            stopping: Cell::new(false),
            first_termination: Cell::new(None),
        }
    }

    /// Returns signals for a test, without any or with a hang-up.
    #[cfg(any(test, feature = "fake-engine"))]
    pub fn for_test(hung_up: bool) -> Self {
        let signals = Self::unregistered();
        signals.hangup.store(hung_up, Ordering::Relaxed);
        signals
    }

    #[cfg(any(test, feature = "fake-engine"))]
    pub fn for_test_terminated() -> Self {
        let signals = Self::unregistered();
        signals.terminate();
        signals
    }

    /// Adds a SIGTERM for a test.
    #[cfg(any(test, feature = "fake-engine"))]
    pub fn terminate(&self) {
        self.termination.store(true, Ordering::Relaxed);
    }

    /// Returns the request since the last call. The first SIGINT or SIGTERM asks to stop; after it a SIGINT asks to leave, and
    /// so does a SIGTERM ten seconds after the first one.
    pub fn stop_request(&self) -> Option<StopRequest> {
        self.stop_request_at(Instant::now())
    }

    fn stop_request_at(&self, now: Instant) -> Option<StopRequest> {
        let interrupted = self.interrupt.swap(false, Ordering::Relaxed);
        let terminated = self.termination.swap(false, Ordering::Relaxed);
        if !interrupted && !terminated {
            return None;
        }
        let first = self.first_termination.get();
        if terminated && first.is_none() {
            self.first_termination.set(Some(now));
        }
        if !self.stopping.replace(true) {
            return Some(StopRequest::Stop);
        }
        let late = |first: Instant| now.duration_since(first) >= TERMINATION_REPEAT;
        (interrupted || terminated && first.is_some_and(late)).then_some(StopRequest::ExitNow)
    }

    /// Waits a moment for a stop that was sent to other processes at the same time; true when it arrived.
    /// [`Signals::stop_request`] still reports it.
    pub fn await_stop(&self) -> bool {
        let began = Instant::now();
        loop {
            let asked = [&self.interrupt, &self.termination];
            if asked.iter().any(|flag| flag.load(Ordering::Relaxed)) {
                return true;
            }
            if began.elapsed() > SIGNAL_SPREAD {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// True when a checkpoint was requested (SIGUSR1 or SIGUSR2) since the last call.
    pub fn checkpoint_request(&self) -> bool {
        self.checkpoint.swap(false, Ordering::Relaxed)
    }

    /// True after the terminal was closed.
    pub fn is_hung_up(&self) -> bool {
        self.hangup.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_second_interrupt_or_a_late_termination_leaves() {
        use StopRequest::{ExitNow, Stop};
        let second = Duration::from_secs(1);
        // Each signal with the time at which it is looked at, in seconds.
        for (sent, answers) in [
            // Slurm at the time limit: two of them, in different ticks.
            ("T0 T0 T1 T9", "S---"),
            ("T0 T10", "SL"),
            ("T0 T5 T11", "S-L"),
            ("I0 I0", "SL"),
            ("T0 I1", "SL"),
            // A batch system that goes from one to the other.
            ("I0 T1 T5 T12", "S--L"),
        ] {
            let signals = Signals::for_test(false);
            let began = Instant::now();
            let answered: String = sent
                .split(' ')
                .map(|signal| {
                    let (kind, at) = signal.split_at(1);
                    match kind {
                        "I" => &signals.interrupt,
                        _ => &signals.termination,
                    }
                    .store(true, Ordering::Relaxed);
                    let now = began + second * at.parse::<u32>().unwrap();
                    match signals.stop_request_at(now) {
                        Some(Stop) => 'S',
                        Some(ExitNow) => 'L',
                        None => '-',
                    }
                })
                .collect();
            assert_eq!(answered, answers, "{sent}");
            assert_eq!(signals.stop_request(), None);
        }
    }
}

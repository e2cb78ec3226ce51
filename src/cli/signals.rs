//! What signals ask of a command.

use super::fault::Fault;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What was asked of this process by signals.
pub struct Signals {
    stop: Arc<AtomicBool>,
    hangup: Arc<AtomicBool>,
}

impl Signals {
    /// Listens from now on: a signal no longer ends this process by itself.
    pub fn listen() -> Result<Self, Fault> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let signals = Self {
            stop: Arc::default(),
            hangup: Arc::default(),
        };
        for (signal, flag) in [
            (SIGINT, &signals.stop),
            (SIGTERM, &signals.stop),
            (SIGHUP, &signals.hangup),
        ] {
            signal_hook::flag::register(signal, flag.clone())
                .map_err(|e| Fault::Failure(format!("listening for signals: {e}")))?;
        }
        Ok(signals)
    }

    /// Hears of no signal; the terminal may have gone away before.
    #[cfg(test)]
    pub fn deaf(hung_up: bool) -> Self {
        Self {
            stop: Arc::default(),
            hangup: Arc::new(AtomicBool::new(hung_up)),
        }
    }

    /// It was asked to stop since this was asked last.
    pub fn stop(&self) -> bool {
        self.stop.swap(false, Ordering::Relaxed)
    }

    /// The terminal went away.
    pub fn hangup(&self) -> bool {
        self.hangup.load(Ordering::Relaxed)
    }
}

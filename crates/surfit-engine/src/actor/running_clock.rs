//! The time in which an engine works.

use std::time::{Duration, Instant};

/// A clock that stands still while the work does: in pauses, during requests, and while the disk takes nothing.
#[derive(Debug)]
pub(super) struct RunningClock {
    elapsed: Duration,
    running_since: Option<Instant>,
}

impl RunningClock {
    /// A clock that runs since `began`.
    pub(super) fn started_at(began: Instant) -> Self {
        Self { elapsed: Duration::ZERO, running_since: Some(began) }
    }

    pub(super) fn now(&self) -> Duration {
        self.elapsed + self.running_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    pub(super) fn is_running(&self) -> bool {
        self.running_since.is_some()
    }

    pub(super) fn start(&mut self) {
        self.running_since.get_or_insert_with(Instant::now);
    }

    pub(super) fn stop(&mut self) {
        self.elapsed = self.now();
        self.running_since = None;
    }
}

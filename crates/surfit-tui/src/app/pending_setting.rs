//! Settings of the engine that were requested and are not reported yet.

use super::App;
use surfit_core::surface::Degrees;

/// Seconds after which an accepted value no longer hides what the engine reports.
const ACCEPTED_TIMEOUT_SECS: f64 = 3.0;

/// A setting: the value that was requested last, until the engine reports it, so that the next key starts from it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PendingSetting<T> {
    latest: Option<RequestedValue<T>>,
    /// Commands without an answer in whose place a later one was sent.
    superseded: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct RequestedValue<T> {
    value: T,
    id: u64,
    /// When the engine accepted it; the reported value takes precedence soon after.
    accepted_at: Option<f64>,
}

impl<T> Default for PendingSetting<T> {
    fn default() -> Self {
        Self { latest: None, superseded: Vec::new() }
    }
}

impl<T: Copy + PartialEq> PendingSetting<T> {
    /// The value that was requested last and is not reported yet.
    pub fn value(&self) -> Option<T> {
        self.latest.map(|r| r.value)
    }

    /// A command with this id requests `value`.
    pub fn request(&mut self, value: T, id: u64) {
        let earlier = self.latest.replace(RequestedValue { value, id, accepted_at: None });
        self.superseded.extend(earlier.filter(|r| r.accepted_at.is_none()).map(|r| r.id));
    }

    /// Takes in the answer to a command; true when it was for this setting and a later one took its place.
    fn record_answer(&mut self, id: u64, accepted: bool, now: f64) -> bool {
        if let Some(latest) = self.latest.as_mut().filter(|r| r.id == id) {
            latest.accepted_at = Some(now);
            self.latest = self.latest.filter(|_| accepted);
        }
        let before = self.superseded.len();
        self.superseded.retain(|other| *other != id);
        self.superseded.len() < before
    }

    /// Lets go of a value that came true, or that the engine had time enough for.
    fn settle(&mut self, reported: T, now: f64) {
        self.latest = self.latest.filter(|r| match r.accepted_at {
            Some(at) => r.value != reported && now <= at + ACCEPTED_TIMEOUT_SECS,
            None => true,
        });
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct PendingSettings {
    pub degrees: PendingSetting<Degrees>,
    pub grid: PendingSetting<usize>,
    pub peak_rate: PendingSetting<f64>,
    pub draws: PendingSetting<usize>,
}

impl PendingSettings {
    /// Takes in the answer to a command; true when a later one took its place.
    pub fn record_answer(&mut self, id: u64, accepted: bool, now: f64) -> bool {
        self.degrees.record_answer(id, accepted, now)
            | self.grid.record_answer(id, accepted, now)
            | self.peak_rate.record_answer(id, accepted, now)
            | self.draws.record_answer(id, accepted, now)
    }
}

impl App {
    pub(super) fn settle_pending_settings(&mut self) {
        if let Some(s) = &self.run_state.snapshot {
            self.settings.degrees.settle(s.degrees, self.now);
            self.settings.grid.settle(s.heatmap.grid, self.now);
            self.settings.peak_rate.settle(s.peak_rate, self.now);
            self.settings.draws.settle(s.draws, self.now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_value_counts_until_it_is_reported_refused_or_old() {
        let mut grid = PendingSetting::default();
        grid.request(31, 1);
        grid.request(41, 2);
        assert_eq!(grid.value(), Some(41));
        assert!(grid.record_answer(1, false, 0.0), "a later one took its place");
        assert!(!grid.record_answer(2, true, 0.0) && !grid.record_answer(9, true, 0.0));
        grid.settle(31, 1.0);
        assert_eq!(grid.value(), Some(41), "accepted and not reported yet");
        grid.settle(41, 1.0);
        assert_eq!(grid.value(), None);
        grid.request(51, 3);
        grid.settle(51, 99.0);
        assert_eq!(grid.value(), Some(51), "the engine has not answered");
        grid.record_answer(3, false, 99.0);
        assert_eq!(grid.value(), None, "refused");
        grid.request(51, 4);
        grid.record_answer(4, true, 100.0);
        grid.settle(41, 103.5);
        assert_eq!(grid.value(), None, "the engine had time enough");
    }
}

//! How much may be on its way over a line at once.
//!
//! Whatever is sent waits behind what was sent before, in the buffers of pipes, `ssh` and network. The far end keeps so
//! little on its way that the answer to a command is never far behind: it counts what the near end has taken, and looks
//! how long that took beyond the shortest time ever seen.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Bytes that may always be on their way.
const MIN_WINDOW_BYTES: u64 = 1 << 11;
/// Bytes that are enough for any line.
const MAX_WINDOW_BYTES: u64 = 1 << 20;
/// Waiting in buffers below which more may be sent, and above which less.
const MIN_QUEUE_DELAY: Duration = Duration::from_millis(250);
const MAX_QUEUE_DELAY: Duration = Duration::from_millis(600);

/// See the module.
#[derive(Debug)]
pub struct FlowControl {
    window: u64,
    in_flight: VecDeque<(u64, u64, Instant)>,
    in_flight_bytes: u64,
    sent_frames: u64,
    min_round_trip: Option<Duration>,
    window_filled: bool,
    /// Frames that were on their way at the last change of the window: what they tell is known already.
    last_adjusted: u64,
}

impl FlowControl {
    /// A line of which nothing is known.
    pub fn new() -> Self {
        Self {
            window: 2 * MIN_WINDOW_BYTES,
            in_flight: VecDeque::new(),
            in_flight_bytes: 0,
            sent_frames: 0,
            min_round_trip: None,
            window_filled: false,
            last_adjusted: 0,
        }
    }

    /// More may be sent.
    pub fn is_open(&self) -> bool {
        self.in_flight_bytes < self.window
    }

    /// Nothing is on its way.
    pub fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Frames sent in all.
    pub fn sent_frames(&self) -> u64 {
        self.sent_frames
    }

    /// A frame was sent.
    pub fn on_sent(&mut self, bytes: u64, now: Instant) {
        self.sent_frames += 1;
        self.in_flight_bytes += bytes;
        self.in_flight.push_back((self.sent_frames, bytes, now));
        self.window_filled |= !self.is_open();
    }

    /// The near end has so many frames in all.
    pub fn on_ack(&mut self, frames: u64, now: Instant) {
        let mut took = None;
        while let Some(&(number, bytes, at)) = self.in_flight.front()
            && number <= frames
        {
            self.in_flight.pop_front();
            self.in_flight_bytes -= bytes;
            took = Some(now.saturating_duration_since(at));
        }
        let Some(took) = took else { return };
        let shortest = self.min_round_trip.map_or(took, |s| s.min(took));
        self.min_round_trip = Some(shortest);
        if frames <= self.last_adjusted {
            return;
        }
        let waited = took.saturating_sub(shortest);
        if waited > MAX_QUEUE_DELAY {
            self.window = (self.window * 3 / 4).max(MIN_WINDOW_BYTES);
            self.last_adjusted = self.sent_frames;
        } else if waited < MIN_QUEUE_DELAY && self.window_filled {
            self.window = (self.window * 3 / 2).min(MAX_WINDOW_BYTES);
            self.last_adjusted = self.sent_frames;
        }
        self.window_filled &= !self.is_open();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends all it may over a line of some bytes a second and some delay; gives bytes a second and the longest wait.
    fn simulate_line(rate: f64, delay: f64) -> (f64, f64) {
        let start = Instant::now();
        let at = |t: f64| start + Duration::from_secs_f64(t);
        let (mut gate, mut now, mut free) = (FlowControl::new(), 0.0, 0.0f64);
        let mut arrivals: VecDeque<f64> = VecDeque::new();
        let (mut sent, mut longest, mut taken) = (0.0, 0.0f64, 0);
        while now < 60.0 {
            while gate.is_open() {
                gate.on_sent(1024, at(now));
                free = free.max(now) + 1024.0 / rate;
                arrivals.push_back(free + delay);
                if now > 30.0 {
                    sent += 1024.0;
                    longest = longest.max(free - now);
                }
            }
            now += 0.01;
            while arrivals.front().is_some_and(|&t| t <= now) {
                arrivals.pop_front();
                taken += 1;
                gate.on_ack(taken, at(now));
            }
        }
        (sent / 30.0, longest)
    }

    #[test]
    fn a_slow_line_is_kept_short_and_a_fast_one_is_used() {
        let (rate, wait) = simulate_line(10_000.0, 0.05);
        assert!(rate > 9_000.0 && wait < 1.2, "{rate:.0} B/s, {wait:.2} s");
        let (rate, wait) = simulate_line(2_000.0, 0.3);
        assert!(rate > 1_700.0 && wait < 2.5, "{rate:.0} B/s, {wait:.2} s");
        let (rate, wait) = simulate_line(1e6, 0.3);
        assert!(rate > 5e5 && wait < 1.2, "{rate:.0} B/s, {wait:.2} s");
    }
}

//! The line to another machine: how old what is shown is, and when the line is tried again.

use super::{App, Effect, EngineLink};
use crate::link::LineState;
use surfit_core::protocol::{BridgeRequest, ClientMessage};

/// Seconds of silence after which the age of the run state is shown; something comes every two.
const STALE_TIMEOUT_SECS: f64 = 6.0;

/// See the module. Times are in seconds since the workbench began.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteLine {
    pub host: String,
    last_message_at: f64,
    outage: Option<LineDown>,
    /// The age that was drawn last, in whole seconds, and those left to the next try.
    drawn_seconds: (u64, Option<u64>),
}

#[derive(Clone, Debug, PartialEq)]
struct LineDown {
    reason: String,
    /// When it is tried again; `None` when only the user does that.
    retry_at: Option<f64>,
}

impl RemoteLine {
    pub(super) fn new(host: String) -> Self {
        Self { host, last_message_at: 0.0, outage: None, drawn_seconds: (0, None) }
    }

    pub fn is_down(&self) -> bool {
        self.outage.is_some()
    }

    fn is_stale(&self, now: f64) -> bool {
        self.is_down() || now - self.last_message_at > STALE_TIMEOUT_SECS
    }

    /// The text in place of the run's state while the line is down or silent.
    pub fn status_label(&self, now: f64) -> Option<String> {
        let old = format!("{} old", format_duration(now - self.last_message_at));
        match &self.outage {
            Some(LineDown { retry_at: None, .. }) => Some(format!("refused, {old}")),
            Some(_) => Some(format!("reconnecting, {old}")),
            None => self.is_stale(now).then_some(old),
        }
    }

    /// True when the other machine refused the login, and only the user tries it again.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.outage, Some(LineDown { retry_at: None, .. }))
    }

    /// What is wrong with the line, and when it is tried again; `again` is the key that does so after a refusal, `run`
    /// what the run is called there.
    pub(super) fn outage_message(&self, now: f64, again: &str, run: &str) -> Option<(String, String)> {
        let LineDown { reason: why, retry_at: retry } = self.outage.as_ref()?;
        let next = match self.seconds_to_retry(now).filter(|_| retry.is_some()) {
            None => format!(
                "Log in again: leave, then `surfit open {}:{run}` asks for a password; {again} tries with a key of \
                 yours;",
                self.host
            ),
            Some(left) if left > 0 => {
                format!("Reconnecting in {left} s, any key reconnects now;")
            }
            Some(_) => "Reconnecting now;".into(),
        };
        let why = why.trim_end_matches('.');
        Some((format!("No connection to {}: {why}.", self.host), next))
    }

    /// Whole seconds until the line is tried again, as they are shown.
    fn seconds_to_retry(&self, now: f64) -> Option<u64> {
        let retry = self.outage.as_ref()?.retry_at?;
        // Of sums of times a whole second is never quite whole.
        Some((retry - now - 1e-6).ceil().max(0.0) as u64)
    }

    /// When the age or the count that is shown changes next.
    pub(super) fn next_redraw_at(&self, now: f64) -> Option<f64> {
        let age = (now - self.last_message_at).max(0.0);
        Some(if self.is_stale(now) {
            let older = self.last_message_at + age.floor() + 1.0;
            // The seconds left to the next try end at other times than those since the last message.
            let left = self.seconds_to_retry(now).filter(|left| *left > 0);
            let retry = self.outage.as_ref().and_then(|d| d.retry_at);
            let nearer = retry.zip(left).map(|(at, left)| at - (left - 1) as f64 + 1e-3);
            nearer.map_or(older, |nearer| older.min(nearer))
        } else {
            self.last_message_at + STALE_TIMEOUT_SECS + 0.1
        })
    }
}

fn format_duration(seconds: f64) -> String {
    match seconds.max(0.0) as u64 {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7200 => format!("{} min", s / 60),
        s => format!("{} h", s / 3600),
    }
}

impl App {
    pub(super) fn apply_line_state(&mut self, state: LineState) {
        let now = self.now;
        let Some(line) = &mut self.remote_line else {
            return;
        };
        match state {
            LineState::Up => {
                self.dirty |= line.is_stale(now);
                (line.last_message_at, line.outage) = (now, None);
            }
            LineState::Down { .. } | LineState::Refused { .. } => {
                let (why, retry) = match state {
                    LineState::Down { why, retry } => (why, Some(now + retry)),
                    LineState::Refused { why } => (why, None),
                    LineState::Up => return,
                };
                // The other end drops pending requests.
                self.followed_runs.requested.clear();
                let first = !line.is_down();
                line.outage = Some(LineDown { reason: why, retry_at: retry });
                self.dirty = true;
                if first {
                    // Answers to what was sent last will never come.
                    self.clear_pending_commands();
                    self.clear_pending_comparisons();
                    if let EngineLink::Connecting = self.connection {
                        self.connection = EngineLink::Lost("the connection broke before it answered".into());
                    }
                }
            }
        }
    }

    /// Draws again when the age that is shown is another one.
    pub(super) fn update_line_age(&mut self) {
        let now = self.now;
        let Some(line) = self.remote_line.as_mut().filter(|l| l.is_stale(now)) else {
            return;
        };
        let shown = ((now - line.last_message_at).max(0.0) as u64, line.seconds_to_retry(now));
        self.dirty |= shown != line.drawn_seconds;
        line.drawn_seconds = shown;
    }

    /// Any key tries a line that is down at once, unless the login was refused.
    pub(super) fn reconnect_line(&self) -> Option<Effect> {
        let down = |line: &RemoteLine| line.is_down() && !line.is_refused();
        self.remote_line
            .as_ref()
            .is_some_and(down)
            .then_some(Effect::Send(ClientMessage::Bridge(BridgeRequest::Reconnect)))
    }
}

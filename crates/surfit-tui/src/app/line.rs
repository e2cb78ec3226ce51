//! The line to another machine: how old what is shown is, and when the line is tried again.

use super::{App, Effect, EngineLink};
use crate::link::{LineState, Outgoing};

/// Seconds of silence after which the age of the picture is shown; something comes every two.
const STALE: f64 = 6.0;

/// See the module. Times are in seconds since the workbench began.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteLine {
    /// Machine that the run is on.
    pub host: String,
    heard: f64,
    down: Option<LineDown>,
    /// The age that was drawn last, in whole seconds, and those left to the next try.
    shown: (u64, Option<u64>),
}

#[derive(Clone, Debug, PartialEq)]
struct LineDown {
    why: String,
    /// When it is tried again; `None` when only the user does that.
    retry: Option<f64>,
}

impl RemoteLine {
    pub(super) fn new(host: String) -> Self {
        Self {
            host,
            heard: 0.0,
            down: None,
            shown: (0, None),
        }
    }

    /// Nothing can be asked of the other machine now.
    pub fn is_down(&self) -> bool {
        self.down.is_some()
    }

    fn silent(&self, now: f64) -> bool {
        self.is_down() || now - self.heard > STALE
    }

    /// What stands in the place of the run's state while the line is down or silent.
    pub fn word(&self, now: f64) -> Option<String> {
        let old = format!("{} old", duration(now - self.heard));
        match &self.down {
            Some(LineDown { retry: None, .. }) => Some(format!("refused, {old}")),
            Some(_) => Some(format!("reconnecting, {old}")),
            None => self.silent(now).then_some(old),
        }
    }

    /// True when the other machine refused the login, and only the user tries it again.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.down, Some(LineDown { retry: None, .. }))
    }

    /// What is wrong with the line, and when it is tried again; `again` is the key that does so after a refusal, `run`
    /// what the run is called there.
    pub(super) fn sentence(&self, now: f64, again: &str, run: &str) -> Option<(String, String)> {
        let LineDown { why, retry } = self.down.as_ref()?;
        let next = match self.seconds_left(now).filter(|_| retry.is_some()) {
            None => format!(
                "Log in again: leave, then `surfit open {}:{run}` asks for a password; {again} tries with a key of \
                 yours;",
                self.host
            ),
            Some(left) if left > 0 => {
                format!("Trying again in {left} s, any key does at once;")
            }
            Some(_) => "Trying again now;".into(),
        };
        let why = why.trim_end_matches('.');
        Some((format!("No line to {}: {why}.", self.host), next))
    }

    /// Whole seconds until the line is tried again, as they are shown.
    fn seconds_left(&self, now: f64) -> Option<u64> {
        let retry = self.down.as_ref()?.retry?;
        // Of sums of times a whole second is never quite whole.
        Some((retry - now - 1e-6).ceil().max(0.0) as u64)
    }

    /// When the age or the count that is shown changes next.
    pub(super) fn deadline(&self, now: f64) -> Option<f64> {
        let age = (now - self.heard).max(0.0);
        Some(if self.silent(now) {
            let older = self.heard + age.floor() + 1.0;
            // The seconds left to the next try end at other times than those since the last word.
            let left = self.seconds_left(now).filter(|left| *left > 0);
            let retry = self.down.as_ref().and_then(|d| d.retry);
            let nearer = retry
                .zip(left)
                .map(|(at, left)| at - (left - 1) as f64 + 1e-3);
            nearer.map_or(older, |nearer| older.min(nearer))
        } else {
            self.heard + STALE + 0.1
        })
    }
}

fn duration(seconds: f64) -> String {
    match seconds.max(0.0) as u64 {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7200 => format!("{} min", s / 60),
        s => format!("{} h", s / 3600),
    }
}

impl App {
    pub(super) fn take_line(&mut self, told: LineState) {
        let now = self.now;
        let Some(line) = &mut self.line else { return };
        match told {
            LineState::Heard => {
                self.dirty |= line.silent(now);
                (line.heard, line.down) = (now, None);
            }
            LineState::Down { .. } | LineState::Refused { .. } => {
                let (why, retry) = match told {
                    LineState::Down { why, retry } => (why, Some(now + retry)),
                    LineState::Refused { why } => (why, None),
                    LineState::Heard => return,
                };
                // The other end forgets what it was asked for.
                self.followed.told.clear();
                let first = !line.is_down();
                line.down = Some(LineDown { why, retry });
                self.dirty = true;
                if first {
                    // Answers to what was sent last will never come.
                    self.forget_pending();
                    self.forget_wishes();
                    if let EngineLink::Connecting = self.connection {
                        self.connection = EngineLink::Lost("it was not heard of again".into());
                    }
                }
            }
        }
    }

    /// Draws again when the age that is shown is another one.
    pub(super) fn age(&mut self) {
        let now = self.now;
        let Some(line) = self.line.as_mut().filter(|l| l.silent(now)) else {
            return;
        };
        let shown = ((now - line.heard).max(0.0) as u64, line.seconds_left(now));
        self.dirty |= shown != line.shown;
        line.shown = shown;
    }

    /// Any key tries a line that is down at once, unless the login was refused.
    pub(super) fn try_line(&self) -> Option<Effect> {
        let down = |line: &RemoteLine| line.is_down() && !line.is_refused();
        self.line
            .as_ref()
            .is_some_and(down)
            .then_some(Effect::Send(Outgoing::Reconnect))
    }
}

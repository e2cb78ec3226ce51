//! The line to another machine: how old what is shown is, and when the line is tried again.

use super::{App, Connection, Effect};
use crate::link::{Line, Outgoing};

/// Seconds of silence after which the age of the picture is shown; something comes every two.
const STALE: f64 = 6.0;

/// See the module. Times are in seconds since the workbench began.
#[derive(Clone, Debug, PartialEq)]
pub struct RemoteLine {
    /// The machine.
    pub host: String,
    heard: f64,
    down: Option<Down>,
    /// The age that was drawn last, in whole seconds.
    shown: u64,
}

#[derive(Clone, Debug, PartialEq)]
struct Down {
    why: String,
    retry: f64,
}

impl RemoteLine {
    pub(super) fn new(host: String) -> Self {
        Self {
            host,
            heard: 0.0,
            down: None,
            shown: 0,
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
            Some(_) => Some(format!("reconnecting, {old}")),
            None => self.silent(now).then_some(old),
        }
    }

    /// What is wrong with the line, and when it is tried again.
    pub(super) fn sentence(&self, now: f64) -> Option<(String, String)> {
        let Down { why, retry } = self.down.as_ref()?;
        let left = (retry - now).ceil();
        let next = if left > 0.0 {
            format!("Tried again in {left:.0} s, at once with any key;")
        } else {
            "Trying again;".into()
        };
        let why = why.trim_end_matches('.');
        Some((format!("No line to {}: {why}.", self.host), next))
    }

    /// When the age that is shown changes next.
    pub(super) fn deadline(&self, now: f64) -> Option<f64> {
        let age = (now - self.heard).max(0.0);
        Some(if self.silent(now) {
            self.heard + age.floor() + 1.0
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
    pub(super) fn take_line(&mut self, told: Line) {
        let now = self.now;
        let Some(line) = &mut self.line else { return };
        match told {
            Line::Heard => {
                self.dirty |= line.silent(now);
                (line.heard, line.down) = (now, None);
            }
            Line::Down { why, retry } => {
                // The other end forgets what it was asked for.
                self.followed.told.clear();
                let first = !line.is_down();
                let retry = now + retry;
                line.down = Some(Down { why, retry });
                self.dirty = true;
                if first {
                    // Answers to what was sent last will never come.
                    self.forget_pending();
                    self.forget_wishes();
                    if let Connection::Connecting = self.connection {
                        self.connection = Connection::Lost("it was not heard of again".into());
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
        let age = (now - line.heard).max(0.0) as u64;
        self.dirty |= age != line.shown;
        line.shown = age;
    }

    /// Any key tries a line that is down at once.
    pub(super) fn try_line(&self) -> Option<Effect> {
        let down = self.line.as_ref().is_some_and(RemoteLine::is_down);
        down.then_some(Effect::Send(Outgoing::Reconnect))
    }
}

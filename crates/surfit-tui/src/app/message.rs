//! The line above the footer that reports what just happened.

use super::{App, Effect, EngineLink};
use surfit_core::run_state::{LogLine, LogTopic};
use surfit_core::text::{MAX_SENTENCE_CHARS, to_printable};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    Hint,
    Info,
    Good,
    Error,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ScreenMessage {
    pub kind: MessageKind,
    pub text: String,
    /// Seconds since the workbench began; `None` to stay until the next.
    pub expires_at: Option<f64>,
    /// Sequence number among messages and requests; the latest is shown.
    pub(super) order: u64,
}

/// Why there is no engine, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner {
    pub reason: String,
    /// What can be done: it must be read.
    pub remedy: String,
}

impl App {
    /// Shows a sentence for some seconds, longer when something failed. Failures also go into the log.
    pub(crate) fn show_message(&mut self, kind: MessageKind, text: impl Into<String>) {
        let text = to_printable(&text.into(), MAX_SENTENCE_CHARS).into_owned();
        if kind == MessageKind::Error {
            self.append_local_log_line(&text, true);
        }
        self.show_unlogged_message(kind, text);
    }

    /// Shows why nothing is done.
    pub(super) fn show_hint(&mut self, why: impl ToString) -> Vec<Effect> {
        self.show_message(MessageKind::Hint, why.to_string());
        Vec::new()
    }

    pub(super) fn show_unlogged_message(&mut self, kind: MessageKind, text: String) {
        let text = to_printable(&text, MAX_SENTENCE_CHARS).into_owned();
        let seconds = match kind {
            MessageKind::Hint => 4.0,
            MessageKind::Info => 6.0,
            MessageKind::Good => 10.0,
            MessageKind::Error => 12.0,
        };
        let order = self.next_message_order();
        self.status_message = Some(ScreenMessage { kind, text, expires_at: Some(self.now + seconds), order });
        self.dirty = true;
    }

    /// Keeps a sentence of the workbench itself for the log. It carries the time of the run's latest event, since
    /// the state knows no clock.
    pub(crate) fn append_local_log_line(&mut self, text: &str, error: bool) {
        let time = self.run_state.log.back().map_or(0.0, |l| l.time);
        self.local_log_lines.push(LogLine {
            time,
            text: text.into(),
            error,
            topic: if error { LogTopic::Error } else { LogTopic::Notice },
        });
        let excess = self.local_log_lines.len().saturating_sub(100);
        self.local_log_lines.drain(..excess);
    }

    pub(super) fn next_message_order(&mut self) -> u64 {
        self.last_message_order += 1;
        self.last_message_order
    }

    /// What the message line shows now: the latest of messages and pending requests, since the change of degree
    /// that waits was planned.
    pub fn status_message(&self) -> Option<ScreenMessage> {
        let waiting = self.pending.values().rev().find_map(|p| {
            let text = p.progress_text.clone()?;
            Some((text, p.order))
        });
        // The engine's message about a task replaces the one shown at the request.
        let (text, order) = (self.task_progress_line(), waiting.as_ref().map_or(0, |w| w.1));
        let waiting = text.or(waiting.map(|w| w.0)).map(|text| ScreenMessage {
            kind: MessageKind::Info,
            text,
            expires_at: None,
            order,
        });
        self.status_message
            .iter()
            .cloned()
            .chain(waiting)
            .filter(|m| self.is_newer_than_plan(m))
            .max_by_key(|m| m.order)
    }

    /// What stays on the screen as long as there is no engine.
    pub fn banner(&self) -> Option<Banner> {
        let (resume, leave) = (self.key_label(action!("resume")), self.key_label(action!("quit")));
        // Who only watches starts nothing.
        let remedy = |does: &str| match self.readonly {
            true => format!("{leave} quits."),
            false => format!("{resume} {does}, {leave} quits."),
        };
        let banner = |why: String, remedy: String| Some(Banner { reason: why, remedy });
        if let Some(down) = self.remote_line.as_ref().and_then(|l| {
            let run = self.run_location.as_ref().map_or(&self.run, |place| &place.name);
            l.outage_message(self.now, &resume, run)
        }) {
            let (why, next) = down;
            return banner(why, format!("{next} {leave} quits."));
        }
        match &self.connection {
            // Show the request first, then its outcome.
            _ if self.engine_stopped() && !self.pending.is_empty() => None,
            // The engine's last message is the reason; the lost connection is only the consequence.
            EngineLink::Dead | EngineLink::Lost(_) if self.run_state.failed.is_some() => {
                let why = self.run_state.failed.as_deref().unwrap_or_default();
                let why = format!("Failed: {}.", why.trim_end_matches('.'));
                banner(why, remedy("resumes from the last checkpoint"))
            }
            EngineLink::Lost(_) | EngineLink::Dead if self.engine_stopped() => None,
            EngineLink::Lost(reason) => {
                banner(format!("No engine: {reason}."), remedy("reconnects, or restarts it from the last checkpoint"))
            }
            EngineLink::Dead => banner(
                match self.readonly {
                    true => "The engine died. The last checkpoint is safe;".into(),
                    false => "The engine died. The last checkpoint is safe:".into(),
                },
                remedy("resumes from it"),
            ),
            _ => None,
        }
    }

    pub(super) fn expire_status_message(&mut self) {
        // The silence of an engine is shown in whole seconds.
        self.dirty |= self.stalled_for().map(|s| s as u64) != self.shown_stall_secs;
        self.shown_stall_secs = self.stalled_for().map(|s| s as u64);
        if self.status_message.as_ref().and_then(|n| n.expires_at).is_some_and(|t| t <= self.now) {
            self.status_message = None;
            self.dirty = true;
        }
    }
}

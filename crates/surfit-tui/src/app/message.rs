//! The line above the footer that tells what just happened.

use super::{App, EngineLink};
use crate::action::Action;
use surfit_core::picture::{LogLine, LogTopic};
use surfit_core::text::{MAX_SENTENCE, printable};

/// What sort of thing a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// Why nothing happened.
    Hint,
    /// Neutral message about something that happened.
    Info,
    /// Something was achieved.
    Good,
    /// Something that failed.
    Error,
}

/// A message and until when it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct ScreenMessage {
    /// Kind of the message.
    pub kind: MessageKind,
    /// Text of the message, one sentence.
    pub text: String,
    /// Seconds since the workbench began; `None` to stay until the next.
    pub until: Option<f64>,
    /// Place among all that was said and asked for; the latest is shown.
    pub(super) order: u64,
}

/// Why there is no engine, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner {
    /// A sentence, of any length.
    pub why: String,
    /// What can be done: it must be read.
    pub remedy: String,
}

impl App {
    /// Shows a sentence for some seconds, longer when something failed. Failures also go into the log.
    pub(crate) fn say(&mut self, kind: MessageKind, text: impl Into<String>) {
        let text = printable(&text.into(), MAX_SENTENCE).into_owned();
        if kind == MessageKind::Error {
            self.note_in_log(&text, true);
        }
        self.say_only(kind, text);
    }

    /// Shows a sentence for some seconds.
    pub(super) fn say_only(&mut self, kind: MessageKind, text: String) {
        let text = printable(&text, MAX_SENTENCE).into_owned();
        let seconds = match kind {
            MessageKind::Hint => 4.0,
            MessageKind::Info => 6.0,
            MessageKind::Good => 10.0,
            MessageKind::Error => 12.0,
        };
        let order = self.next_order();
        self.note = Some(ScreenMessage {
            kind,
            text,
            until: Some(self.now + seconds),
            order,
        });
        self.dirty = true;
    }

    /// Keeps a sentence of the workbench itself for the log. It carries the time of the run's latest event, since
    /// the state knows no clock.
    pub(crate) fn note_in_log(&mut self, text: &str, error: bool) {
        let time = self.picture.log.back().map_or(0.0, |l| l.time);
        self.notes.push(LogLine {
            time,
            text: text.into(),
            error,
            topic: if error {
                LogTopic::Error
            } else {
                LogTopic::Notice
            },
        });
        let excess = self.notes.len().saturating_sub(100);
        self.notes.drain(..excess);
    }

    pub(super) fn next_order(&mut self) -> u64 {
        self.order += 1;
        self.order
    }

    /// What the message line shows now: the latest of what was said and what is being waited for, since the change of degree
    /// that waits was planned.
    pub fn note(&self) -> Option<ScreenMessage> {
        let waiting = self.pending.values().rev().find_map(|p| {
            let text = p.waiting.clone()?;
            Some((text, p.order))
        });
        // What the engine says of an errand is better than what was said when it was asked for.
        let (text, order) = (self.errand_line(), waiting.as_ref().map_or(0, |w| w.1));
        let waiting = text.or(waiting.map(|w| w.0)).map(|text| ScreenMessage {
            kind: MessageKind::Info,
            text,
            until: None,
            order,
        });
        self.note
            .iter()
            .cloned()
            .chain(waiting)
            .filter(|m| self.after_plan(m))
            .max_by_key(|m| m.order)
    }

    /// What stays on the screen as long as there is no engine.
    pub fn banner(&self) -> Option<Banner> {
        let (resume, leave) = (self.key(Action::Resume), self.key(Action::Quit));
        // Who only watches starts nothing.
        let remedy = |does: &str| match self.readonly {
            true => format!("{leave} leaves."),
            false => format!("{resume} {does}, {leave} leaves."),
        };
        let banner = |why: String, remedy: String| Some(Banner { why, remedy });
        if let Some(down) = self.line.as_ref().and_then(|l| {
            let run = self.place.as_ref().map_or(&self.run, |place| &place.name);
            l.sentence(self.now, &resume, run)
        }) {
            let (why, next) = down;
            return banner(why, format!("{next} {leave} leaves."));
        }
        match &self.connection {
            // What was asked for is told, and then how it went.
            _ if self.sleeps() && !self.pending.is_empty() => None,
            // What the engine said before it went is the reason; that it went is only the consequence.
            EngineLink::Dead | EngineLink::Lost(_) if self.picture.failed.is_some() => {
                let why = self.picture.failed.as_deref().unwrap_or_default();
                let why = format!("Failed: {}.", why.trim_end_matches('.'));
                banner(why, remedy("resumes from the last checkpoint"))
            }
            EngineLink::Lost(_) | EngineLink::Dead if self.sleeps() => None,
            EngineLink::Lost(reason) => banner(
                format!("No engine: {reason}."),
                remedy("connects again or starts it from the last checkpoint"),
            ),
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

    /// Takes away what stood long enough.
    pub(super) fn expire(&mut self) {
        // The silence of an engine is told in whole seconds.
        self.dirty |= self.silence().map(|s| s as u64) != self.told_silence;
        self.told_silence = self.silence().map(|s| s as u64);
        if self
            .note
            .as_ref()
            .and_then(|n| n.until)
            .is_some_and(|t| t <= self.now)
        {
            self.note = None;
            self.dirty = true;
        }
    }
}

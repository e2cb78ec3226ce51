//! Sends one command to a run's engine and collects the events that it caused.

use super::error::CliError;
use super::output;
use super::progress::stderr_progress_bar;
use indicatif::ProgressBar;
use std::time::{Duration, Instant};
use surfit_client::signals::{Signals, StopRequest};
use surfit_client::{ClientError, EngineSession, FollowedItem};
use surfit_core::event::{Envelope, Event};
use surfit_core::protocol::{EngineCommand, EventSpan};
use surfit_core::snapshot::{RunningTask, Snapshot};

/// Time that the last event may take to arrive after the engine became idle.
const EVENT_ARRIVAL_TIMEOUT: Duration = Duration::from_secs(2);

/// What a command waits for after it was sent, as a clause.
pub const REPLY_CLAUSE: &str = "it replied";
/// What a command waits for while the engine measures, as a clause.
pub const HEATMAP_CLAUSE: &str = "the heatmap was complete";

/// Receives the next message of a session, if there is one at the moment. A failed engine is an error, and so is one that
/// ended before what is `awaited`, a clause.
pub fn receive_item(session: &mut EngineSession, awaited: &str) -> Result<Option<FollowedItem>, CliError> {
    match session.next_item() {
        Ok(Some(FollowedItem::Event(Envelope { event: Event::Failed { message }, .. }))) => {
            Err(CliError::Failure(message))
        }
        Err(ClientError::Closed) => Err(CliError::Failure(format!(
            "the engine ended before {awaited}; see log.txt in the run's directory, then try again"
        ))),
        received => Ok(received?),
    }
}

/// Sends a command, waits for its reply, and returns the events that it caused. An event for which `is_answer` is true
/// counts as a reply that was lost with its connection.
pub fn send_request(
    session: &mut EngineSession,
    command: EngineCommand,
    is_answer: impl Fn(&Event) -> bool,
) -> Result<Vec<Event>, CliError> {
    let signals = Signals::install_handlers()?;
    let mut waiting = PendingReply::send(session, command)?;
    while !waiting.receive(session, &is_answer)? {
        // The reply comes at once, after every earlier event.
        if waiting.lost_at.is_some() {
            return Err(CliError::Unanswered);
        }
        if signals.stop_request().is_some() || signals.is_hung_up() {
            return Err(CliError::Interrupted(
                "left before the engine replied; check the result with `surfit open`".into(),
            ));
        }
    }
    Ok(waiting.into_caused_events())
}

/// As [`send_request`], for a long task: shows its progress on a terminal, and cancels it when this process is asked to stop.
/// `run` is the name of the run, for the message after leaving without waiting.
pub fn send_request_with_progress(
    visit: &mut EngineSession,
    command: EngineCommand,
    run: &str,
    is_answer: impl Fn(&Event) -> bool,
) -> Result<Vec<Event>, CliError> {
    let signals = Signals::install_handlers()?;
    let before = task_title(visit).map(str::to_owned);
    let mut waiting = PendingReply::send(visit, command)?;
    let bar = stderr_progress_bar("{bar:28.cyan/dim} {msg}", Some(100));
    let mut cancelled = false;
    loop {
        match waiting.receive(visit, &is_answer) {
            Ok(false) => {}
            Ok(true) => return Ok(waiting.into_caused_events()),
            Err(CliError::Failure(_) | CliError::Unanswered | CliError::Refused(_)) if cancelled => {
                return Err(CliError::Interrupted("cancelled; nothing was written".into()));
            }
            Err(other) => return Err(other),
        }
        show_task_progress(&bar, visit.latest_snapshot());
        if signals.checkpoint_request() {
            visit.send(EngineCommand::Checkpoint)?;
        }
        let asked = signals.stop_request();
        if signals.is_hung_up() || asked.is_some() {
            // The engine cancels its running task, which may be another client's.
            let of_another = before.is_some() && task_title(visit) == before.as_deref();
            if asked == Some(StopRequest::ExitNow) || signals.is_hung_up() && cancelled || of_another {
                return Err(CliError::Interrupted(format!(
                    "left while the task is pending; cancel it with `surfit cancel {run}`"
                )));
            }
            visit.send(EngineCommand::Cancel)?;
            cancelled = true;
            bar.set_message("cancelling; press ctrl-c again to leave without waiting");
        }
    }
}

/// Returns the title of the running task, without its progress.
fn task_title(visit: &EngineSession) -> Option<&str> {
    visit.latest_snapshot().errand.as_ref()?.name.split(':').next()
}

struct PendingReply {
    id: u64,
    /// Events that came, with their numbers.
    events: Vec<(u64, Event)>,
    /// Numbers of the events that the command caused, if the engine sent them.
    span: Option<EventSpan>,
    /// When its connection was lost; the engine may still carry it out.
    lost_at: Option<Instant>,
    /// When the engine was first seen idle after that.
    idle_since: Option<Instant>,
}

impl PendingReply {
    fn send(visit: &mut EngineSession, command: EngineCommand) -> Result<Self, CliError> {
        Ok(Self { id: visit.send(command)?, events: Vec::new(), span: None, lost_at: None, idle_since: None })
    }

    /// Receives one message of the engine; true for the reply.
    fn receive(&mut self, visit: &mut EngineSession, is_answer: impl Fn(&Event) -> bool) -> Result<bool, CliError> {
        match receive_item(visit, REPLY_CLAUSE)? {
            Some(FollowedItem::Event(envelope)) => self.events.push((envelope.seq, envelope.event)),
            // Commands have other numbers over another connection.
            Some(FollowedItem::Reply { id, error, events }) if id == self.id && self.lost_at.is_none() => {
                self.span = events;
                return error.map_or(Ok(true), |error| Err(CliError::Refused(error)));
            }
            Some(FollowedItem::Reconnected) => (self.lost_at, self.idle_since) = (Some(Instant::now()), None),
            Some(FollowedItem::Snapshot(snapshot)) if self.lost_at.is_some() => {
                let works = snapshot.errand.is_some();
                self.idle_since = (!works).then(|| self.idle_since.unwrap_or_else(Instant::now));
            }
            _ => {}
        }
        if self.lost_at.is_some() && self.events.iter().any(|(_, event)| is_answer(event)) {
            return Ok(true);
        }
        match self.idle_since {
            Some(since) if since.elapsed() > EVENT_ARRIVAL_TIMEOUT => Err(CliError::Unanswered),
            _ => Ok(false),
        }
    }
}

impl PendingReply {
    /// Returns the events that the command caused, without those of other clients.
    fn into_caused_events(self) -> Vec<Event> {
        let span = self.span;
        let own = |seq| span.is_none_or(|span| span.contains(seq));
        let said = self.events.into_iter();
        said.filter(|(seq, _)| own(*seq)).map(|(_, e)| e).collect()
    }
}

fn show_task_progress(bar: &ProgressBar, snapshot: &Snapshot) {
    let Some(errand) = &snapshot.errand else {
        return;
    };
    if let Some(percent) = task_percent(errand) {
        bar.set_position(percent);
    }
    if !bar.message().starts_with("cancelling") {
        bar.set_message(output::bar_message(&task_line(errand)));
    }
}

fn task_percent(errand: &RunningTask) -> Option<u64> {
    (100 * errand.done.min(errand.total)).checked_div(errand.total)
}

/// `searching near (0.500, 0.500), 40 %, 1 more queued`
fn task_line(errand: &RunningTask) -> String {
    let part = task_percent(errand).map_or_else(String::new, |p| format!(", {p} %"));
    let more = match errand.waiting {
        0 => String::new(),
        1 => ", 1 more queued".into(),
        n => format!(", {n} more queued"),
    };
    format!("{}{part}{more}", errand.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_client::fake::{FakeEngine, FakePeer, notice, temporary_run};
    use surfit_core::config::Config;
    use surfit_core::protocol::{ClientMessage, ServerMessage};

    /// What becomes of a command whose connection the engine cuts off after it took it, with `after` said over the next one.
    fn request_over_cut_connection(
        after: impl FnOnce(&mut FakeEngine, &mut FakePeer) + Send + 'static,
    ) -> Result<Vec<Event>, CliError> {
        let run = temporary_run();
        let mut engine = FakeEngine::open(&run.dir);
        let snapshot = |errand| {
            let mut snapshot = Snapshot::empty(Config::default().degrees(), 5);
            snapshot.errand = errand;
            ServerMessage::Snapshot(Box::new(snapshot))
        };
        let thread = std::thread::spawn(move || {
            let (mut peer, _) = engine.welcome();
            peer.send(&snapshot(None));
            assert!(peer.read().is_some());
            drop(peer);
            let (mut peer, _) = engine.welcome();
            peer.send(&snapshot(Some(RunningTask { name: "search".into(), done: 1, total: 9, waiting: 0 })));
            after(&mut engine, &mut peer);
            peer.send(&snapshot(None));
            // Of another command.
            peer.send(&ServerMessage::Reply { id: 1, error: None, events: None });
            assert_eq!(peer.read(), None);
        });
        let mut visit = EngineSession::open(&run.dir).unwrap();
        let tells = |event: &Event| matches!(event, Event::Notice { .. });
        let said = send_request_with_progress(&mut visit, EngineCommand::Measure, "a", tells);
        drop(visit);
        thread.join().unwrap();
        said
    }

    #[test]
    fn of_what_all_clients_cause_only_the_own_is_told() {
        let run = temporary_run();
        let mut engine = FakeEngine::open(&run.dir);
        let thread = std::thread::spawn(move || {
            let (mut peer, _) = engine.welcome();
            let snapshot = Snapshot::empty(Config::default().degrees(), 5);
            peer.send(&ServerMessage::Snapshot(Box::new(snapshot)));
            let Some(ClientMessage::Command { id, .. }) = peer.read() else { panic!("no command") };
            for text in ["of another", "own", "of a third"] {
                let event = engine.append_event(notice(text));
                peer.send(&ServerMessage::Event(event));
            }
            let last = engine.log.seq() - 1;
            peer.send(&ServerMessage::Reply { id, error: None, events: Some(EventSpan { after: last - 1, last }) });
            assert_eq!(peer.read(), None);
        });
        let mut visit = EngineSession::open(&run.dir).unwrap();
        let said = send_request(&mut visit, EngineCommand::Measure, |_| false).unwrap();
        assert_eq!(said, [notice("own")]);
        drop(visit);
        thread.join().unwrap();
    }

    #[test]
    fn an_answer_that_was_lost_with_its_connection_is_not_waited_for() {
        let said = request_over_cut_connection(|engine, peer| {
            let done = engine.append_event(notice("done"));
            peer.send(&ServerMessage::Event(done));
        });
        assert!(matches!(said.unwrap().as_slice(), [Event::Notice { .. }]));
        assert_eq!(request_over_cut_connection(|_, _| {}), Err(CliError::Unanswered));
    }

    #[test]
    fn a_line_says_what_is_under_way_and_how_far() {
        let mut errand = RunningTask { name: "search near (0.5, 0.5)".into(), done: 40, total: 100, waiting: 0 };
        assert_eq!(task_line(&errand), "search near (0.5, 0.5), 40 %");
        (errand.total, errand.waiting) = (0, 2);
        assert_eq!(task_line(&errand), "search near (0.5, 0.5), 2 more queued");
    }
}

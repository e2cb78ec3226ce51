//! One command for a run's engine, and what came of it.

use super::fault::CliError;
use super::out;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};
use surfit_client::signals::{Signals, StopRequest};
use surfit_client::{ClientError, EngineReply, EngineSession};
use surfit_core::event::Event;
use surfit_core::protocol::{EngineCommand, EventSpan};
use surfit_core::snapshot::{RunningTask, Snapshot};

/// What is said when the answer cannot come any more.
pub const UNANSWERED: &str = "the connection to the engine ended before its answer; look with `surfit open` whether it was done, else ask again";

/// How long after the engine is seen with nothing to do the event of what it did last may be on its way.
const ARRIVING: Duration = Duration::from_secs(2);

/// Sends a command and waits for its answer; the events that it caused. `tells` knows the event that is an
/// answer, too: it stands for one that was lost with its connection.
pub fn ask(
    visit: &mut EngineSession,
    command: EngineCommand,
    tells: impl Fn(&Event) -> bool,
) -> Result<Vec<Event>, CliError> {
    let signals = Signals::listen()?;
    let mut waiting = PendingReply::send(visit, command)?;
    while !waiting.take(visit, &tells)? {
        // It is answered at once, with every event up to now.
        if waiting.lost.is_some() {
            return Err(CliError::Failure(UNANSWERED.into()));
        }
        if signals.stop_request().is_some() || signals.hangup() {
            return Err(CliError::Interrupted(
                "left before the engine answered; look with `surfit open` whether it was done"
                    .into(),
            ));
        }
    }
    Ok(waiting.caused())
}

/// As [`ask`], for what takes a while: how far it is stands on standard error when that is a terminal, and the engine gives
/// it up when this process is asked to stop. `run` is the run's name, for the sentence of who left without waiting.
pub fn ask_for_long(
    visit: &mut EngineSession,
    command: EngineCommand,
    run: &str,
    tells: impl Fn(&Event) -> bool,
) -> Result<Vec<Event>, CliError> {
    let signals = Signals::listen()?;
    let before = title(visit).map(str::to_owned);
    let mut waiting = PendingReply::send(visit, command)?;
    let bar = bar();
    let mut given_up = false;
    loop {
        match waiting.take(visit, &tells) {
            Ok(false) => {}
            Ok(true) => return Ok(waiting.caused()),
            Err(CliError::Failure(_)) if given_up => {
                return Err(CliError::Interrupted(
                    "given up; nothing was written".into(),
                ));
            }
            Err(other) => return Err(other),
        }
        show(&bar, visit.latest());
        if signals.checkpoint_request() {
            visit.send(EngineCommand::Checkpoint)?;
        }
        let asked = signals.stop_request();
        if signals.hangup() || asked.is_some() {
            // The engine gives up what is under way, and that may be somebody else's.
            let of_another = before.is_some() && title(visit) == before.as_deref();
            if asked == Some(StopRequest::Leave) || signals.hangup() && given_up || of_another {
                return Err(CliError::Interrupted(format!(
                    "left while the engine has it still to do; `surfit cancel {run}` gives it up"
                )));
            }
            visit.send(EngineCommand::Cancel)?;
            given_up = true;
            bar.set_message("giving up; ctrl-c again leaves without waiting");
        }
    }
}

/// What the engine is asked and has under way, without how far it came.
fn title(visit: &EngineSession) -> Option<&str> {
    visit.latest().errand.as_ref()?.name.split(':').next()
}

/// A command that waits for its answer.
struct PendingReply {
    id: u64,
    /// Events that came, with their numbers.
    said: Vec<(u64, Event)>,
    /// Those that the command caused, when the engine told.
    span: Option<EventSpan>,
    /// When the connection was lost over which it was sent: the engine has it to do all the same, when it got it.
    lost: Option<Instant>,
    /// When the engine was first seen with nothing to do since.
    idle: Option<Instant>,
}

impl PendingReply {
    fn send(visit: &mut EngineSession, command: EngineCommand) -> Result<Self, CliError> {
        Ok(Self {
            id: visit.send(command)?,
            said: Vec::new(),
            span: None,
            lost: None,
            idle: None,
        })
    }

    /// Takes in one thing the engine says; true when it was the answer.
    fn take(
        &mut self,
        visit: &mut EngineSession,
        tells: impl Fn(&Event) -> bool,
    ) -> Result<bool, CliError> {
        match visit.next_reply() {
            Ok(EngineReply::Event(Event::Failed { message })) => {
                return Err(CliError::Failure(message));
            }
            Ok(EngineReply::Event(event)) => self.said.push((visit.last_event(), event)),
            // Commands have other numbers over another connection.
            Ok(EngineReply::Reply(of, error, span)) if of == self.id && self.lost.is_none() => {
                self.span = span;
                return error.map_or(Ok(true), |error| Err(CliError::Failure(error)));
            }
            Ok(EngineReply::Reconnected) => (self.lost, self.idle) = (Some(Instant::now()), None),
            Ok(EngineReply::Snapshot) if self.lost.is_some() => {
                let works = visit.latest().errand.is_some();
                self.idle = (!works).then(|| self.idle.unwrap_or_else(Instant::now));
            }
            Ok(_) => {}
            Err(ClientError::Closed) => {
                return Err(CliError::Failure(
                    "the engine ended before it answered; look at log.txt in the run's directory, then try again"
                        .into(),
                ));
            }
            Err(other) => return Err(other.into()),
        }
        if self.lost.is_some() && self.said.iter().any(|(_, event)| tells(event)) {
            return Ok(true);
        }
        match self.idle {
            Some(since) if since.elapsed() > ARRIVING => Err(CliError::Failure(UNANSWERED.into())),
            _ => Ok(false),
        }
    }
}

impl PendingReply {
    /// The events that the command caused: other clients' may have come between.
    fn caused(self) -> Vec<Event> {
        let span = self.span;
        let own = |seq| span.is_none_or(|span| span.contains(seq));
        let said = self.said.into_iter();
        said.filter(|(seq, _)| own(*seq)).map(|(_, e)| e).collect()
    }
}

/// A bar that is taken away when it goes; none where standard error is no terminal.
fn bar() -> ProgressBar {
    let target = if stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(4)
    } else {
        ProgressDrawTarget::hidden()
    };
    let style = ProgressStyle::with_template("{bar:28.cyan/dim} {msg}");
    let style = style
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─");
    ProgressBar::with_draw_target(Some(100), target)
        .with_style(style)
        .with_finish(indicatif::ProgressFinish::AndClear)
}

fn show(bar: &ProgressBar, snapshot: &Snapshot) {
    let Some(errand) = &snapshot.errand else {
        return;
    };
    if let Some(percent) = percent(errand) {
        bar.set_position(percent);
    }
    if !bar.message().starts_with("giving up") {
        bar.set_message(out::bar_message(&line(errand)));
    }
}

fn percent(errand: &RunningTask) -> Option<u64> {
    (100 * errand.done.min(errand.total)).checked_div(errand.total)
}

/// `searching near (0.500, 0.500), 40 %, 1 more waits`
fn line(errand: &RunningTask) -> String {
    let part = percent(errand).map_or_else(String::new, |p| format!(", {p} %"));
    let more = match errand.waiting {
        0 => String::new(),
        1 => ", 1 more waits".into(),
        n => format!(", {n} more wait"),
    };
    format!("{}{part}{more}", errand.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_client::fake::{FakeEngine, FakePeer, notice, run};
    use surfit_core::config::Config;
    use surfit_core::protocol::{ClientMessage, ServerMessage};

    /// What becomes of a command whose connection the engine cuts off after it took it, with `after` said over the next one.
    fn cut_off(
        after: impl FnOnce(&mut FakeEngine, &mut FakePeer) + Send + 'static,
    ) -> Result<Vec<Event>, CliError> {
        let run = run();
        let mut engine = FakeEngine::open(&run.dir);
        let snapshot = |errand| {
            let mut snapshot = Snapshot::empty(Config::default().degrees(), 5);
            snapshot.errand = errand;
            ServerMessage::Snapshot(Box::new(snapshot))
        };
        let thread = std::thread::spawn(move || {
            let (mut peer, _) = engine.welcome();
            peer.say(&snapshot(None));
            assert!(peer.read().is_some());
            drop(peer);
            let (mut peer, _) = engine.welcome();
            peer.say(&snapshot(Some(RunningTask {
                name: "search".into(),
                done: 1,
                total: 9,
                waiting: 0,
            })));
            after(&mut engine, &mut peer);
            peer.say(&snapshot(None));
            // Of another command.
            peer.say(&ServerMessage::Reply {
                id: 1,
                error: None,
                events: None,
            });
            assert_eq!(peer.read(), None);
        });
        let mut visit = EngineSession::begin(&run.dir).unwrap();
        let tells = |event: &Event| matches!(event, Event::Notice { .. });
        let said = ask_for_long(&mut visit, EngineCommand::Measure, "a", tells);
        drop(visit);
        thread.join().unwrap();
        said
    }

    #[test]
    fn of_what_all_clients_cause_only_the_own_is_told() {
        let run = run();
        let mut engine = FakeEngine::open(&run.dir);
        let thread = std::thread::spawn(move || {
            let (mut peer, _) = engine.welcome();
            let snapshot = Snapshot::empty(Config::default().degrees(), 5);
            peer.say(&ServerMessage::Snapshot(Box::new(snapshot)));
            let Some(ClientMessage::Command { id, .. }) = peer.read() else {
                panic!("no command")
            };
            for text in ["of another", "own", "of a third"] {
                let event = engine.event(notice(text));
                peer.say(&ServerMessage::Event(event));
            }
            let last = engine.log.seq() - 1;
            peer.say(&ServerMessage::Reply {
                id,
                error: None,
                events: Some(EventSpan {
                    after: last - 1,
                    last,
                }),
            });
            assert_eq!(peer.read(), None);
        });
        let mut visit = EngineSession::begin(&run.dir).unwrap();
        let said = ask(&mut visit, EngineCommand::Measure, |_| false).unwrap();
        assert_eq!(said, [notice("own")]);
        drop(visit);
        thread.join().unwrap();
    }

    #[test]
    fn an_answer_that_was_lost_with_its_connection_is_not_waited_for() {
        let said = cut_off(|engine, peer| {
            let done = engine.event(notice("done"));
            peer.say(&ServerMessage::Event(done));
        });
        assert!(matches!(said.unwrap().as_slice(), [Event::Notice { .. }]));
        let Err(CliError::Failure(why)) = cut_off(|_, _| {}) else {
            panic!("nothing was done")
        };
        assert_eq!(why, UNANSWERED);
    }

    #[test]
    fn a_line_says_what_is_under_way_and_how_far() {
        let mut errand = RunningTask {
            name: "search near (0.5, 0.5)".into(),
            done: 40,
            total: 100,
            waiting: 0,
        };
        assert_eq!(line(&errand), "search near (0.5, 0.5), 40 %");
        (errand.total, errand.waiting) = (0, 2);
        assert_eq!(line(&errand), "search near (0.5, 0.5), 2 more wait");
    }
}

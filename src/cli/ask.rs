//! One command for a run's engine, and what came of it.

use super::fault::Fault;
use super::signals::Signals;
use crate::client::{ClientError, Said, Visit};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, stderr};
use surfit_core::event::Event;
use surfit_core::protocol::Command;
use surfit_core::snapshot::{Errand, Snapshot};

/// Sends a command and waits for its answer; the events that came before the answer.
pub fn ask(visit: &mut Visit, command: Command) -> Result<Vec<Event>, Fault> {
    let id = visit.send(command)?;
    let mut said = Vec::new();
    while !take(visit, id, &mut said)? {}
    Ok(said)
}

/// As [`ask`], for what takes a while: how far it is stands on standard error when that is a terminal, and the engine gives
/// it up when this process is asked to stop. `run` is the run's name, for the sentence of who left without waiting.
pub fn ask_for_long(visit: &mut Visit, command: Command, run: &str) -> Result<Vec<Event>, Fault> {
    let signals = Signals::listen()?;
    let before = title(visit).map(str::to_owned);
    let id = visit.send(command)?;
    let bar = bar();
    let mut said = Vec::new();
    let mut given_up = false;
    loop {
        match take(visit, id, &mut said) {
            Ok(false) => {}
            Ok(true) => return Ok(said),
            Err(Fault::Failure(_)) if given_up => {
                return Err(Fault::Interrupted("given up; nothing was written".into()));
            }
            Err(other) => return Err(other),
        }
        show(&bar, visit.latest());
        if signals.hangup() || signals.stop() {
            // The engine gives up what is under way, and that may be somebody else's.
            let of_another = before.is_some() && title(visit) == before.as_deref();
            if given_up || of_another {
                return Err(Fault::Interrupted(format!(
                    "left while the engine has it still to do; `surfit cancel {run}` gives it up"
                )));
            }
            visit.send(Command::Cancel)?;
            given_up = true;
            bar.set_message("giving up; ctrl-c again leaves without waiting");
        }
    }
}

/// What the engine is asked and has under way, without how far it came.
fn title(visit: &Visit) -> Option<&str> {
    visit.latest().errand.as_ref()?.name.split(':').next()
}

/// Takes in one thing the engine says; true when it was the answer.
fn take(visit: &mut Visit, id: u64, said: &mut Vec<Event>) -> Result<bool, Fault> {
    match visit.next() {
        Ok(Said::Event(Event::Failed { message })) => Err(Fault::Failure(message)),
        Ok(Said::Event(event)) => {
            said.push(event);
            Ok(false)
        }
        Ok(Said::Reply(of, Some(error))) if of == id => Err(Fault::Failure(error)),
        Ok(Said::Reply(of, None)) if of == id => Ok(true),
        Ok(_) => Ok(false),
        Err(ClientError::Closed) => Err(Fault::Failure(
            "the engine ended before it answered; look at log.txt in the run's directory, then try again"
                .into(),
        )),
        Err(other) => Err(other.into()),
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
        bar.set_message(line(errand));
    }
}

fn percent(errand: &Errand) -> Option<u64> {
    (100 * errand.done.min(errand.total)).checked_div(errand.total)
}

/// `searching near (0.500, 0.500), 40 %, 1 more waits`
fn line(errand: &Errand) -> String {
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

    #[test]
    fn a_line_says_what_is_under_way_and_how_far() {
        let mut errand = Errand {
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

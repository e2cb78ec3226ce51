//! `surfit search`, `surfit cancel`: a better point near one, and giving up what takes too long.

use super::args::{CancelArgs, SearchArgs};
use super::ask::{ask, ask_for_long};
use super::fault::CliError;
use super::{out, place};
use surfit_client::EngineSession;
use surfit_core::event::Event;
use surfit_core::picture::sentence;
use surfit_core::protocol::EngineCommand;

/// Asks the run's engine to search and says what it found.
pub fn search(args: SearchArgs) -> Result<(), CliError> {
    let run = place::find(&args.run)?;
    let mut visit = EngineSession::begin(&run)?;
    let (u, v) = args.at;
    let command = EngineCommand::Search {
        u,
        v,
        radius: args.radius,
        budget: args.budget,
    };
    let name = place::name(&run);
    let found =
        |event: &Event| matches!(event, Event::Searched(s) if (s.from.u, s.from.v) == (u, v));
    let said = ask_for_long(&mut visit, command, &name, found)?;
    let found = said.into_iter().find_map(|event| match event {
        Event::Searched(found) => Some(found),
        _ => None,
    });
    let found = found.ok_or_else(|| {
        CliError::Failure("the engine did not say what it found; try again".into())
    })?;
    if args.json {
        return out::json(&found);
    }
    let text = sentence(&Event::Searched(found)).map(|(text, _)| text);
    out::line(text.unwrap_or_default())
}

/// Asks the run's engine to give up what was asked of it.
pub fn cancel(args: CancelArgs) -> Result<(), CliError> {
    let run = place::find(&args.run)?;
    if !run.is_alive() {
        return Err(CliError::Failure(format!(
            "no engine is running for {}; `surfit ls` shows what runs",
            place::name(&run)
        )));
    }
    let mut visit = EngineSession::begin(&run)?;
    let tells = |event: &Event| matches!(event, Event::Cancelled { .. } | Event::Stopped { .. });
    let said = ask(&mut visit, EngineCommand::Cancel, tells)?;
    let what = said.iter().find(|event| tells(event)).and_then(sentence);
    out::line(what.map_or_else(|| "given up".to_owned(), |(text, _)| text))
}

//! `surfit search`, `surfit cancel`: a better point near one, and giving up what takes too long.

use super::args::{CancelArgs, SearchArgs};
use super::engine_request::{send_request, send_request_with_progress};
use super::error::CliError;
use super::{output, run_lookup};
use surfit_client::EngineSession;
use surfit_core::event::Event;
use surfit_core::protocol::EngineCommand;
use surfit_core::run_state::describe_event;

/// Asks the run's engine to search and says what it found.
pub fn search(args: SearchArgs) -> Result<(), CliError> {
    let run = run_lookup::find_run(&args.run)?;
    let mut session = EngineSession::open(&run)?;
    let (u, v) = args.at;
    let command = EngineCommand::Search { u, v, radius: args.radius, budget: args.budget };
    let name = run_lookup::open_name(&run);
    let found = |event: &Event| matches!(event, Event::Searched(s) if (s.from.u, s.from.v) == (u, v));
    let said = send_request_with_progress(&mut session, command, &name, found)?;
    let found = said.into_iter().find_map(|event| match event {
        Event::Searched(found) => Some(found),
        _ => None,
    });
    let found = found.ok_or_else(|| CliError::Failure("the engine did not say what it found; try again".into()))?;
    if args.json {
        return output::print_json(&found);
    }
    let text = describe_event(&Event::Searched(found)).map(|(text, _)| text);
    output::print_line(text.unwrap_or_default())
}

/// Asks the run's engine to give up what was asked of it.
pub fn cancel(args: CancelArgs) -> Result<(), CliError> {
    let run = run_lookup::find_run(&args.run)?;
    if !run.is_engine_alive() {
        return Err(CliError::Failure(format!(
            "no engine is running for {}; `surfit ls` shows what runs",
            run_lookup::open_name(&run)
        )));
    }
    let mut visit = EngineSession::open(&run)?;
    let tells = |event: &Event| matches!(event, Event::Cancelled { .. } | Event::Stopped { .. });
    let said = send_request(&mut visit, EngineCommand::Cancel, tells)?;
    let what = said.iter().find(|event| tells(event)).and_then(describe_event);
    output::print_line(what.map_or_else(|| "given up".to_owned(), |(text, _)| text))
}

//! `surfit search` and `surfit cancel`.

use super::args::{CancelArgs, SearchArgs};
use super::engine_request::{send_request, send_request_with_progress};
use super::error::CliError;
use super::{output, run_lookup};
use surfit_client::{EngineSession, runs};
use surfit_core::event::Event;
use surfit_core::protocol::EngineCommand;
use surfit_core::run_state::describe_event;

/// Searches through the run's engine, and prints the point found.
pub fn run_command(args: SearchArgs) -> Result<(), CliError> {
    let run = run_lookup::find_run(&args.run)?;
    let mut session = EngineSession::open(&run)?;
    let (u, v) = args.at;
    let command = EngineCommand::Search { u, v, radius: args.radius, budget: args.budget };
    let name = runs::open_name(&run);
    let found = |event: &Event| matches!(event, Event::Searched(s) if (s.from.u, s.from.v) == (u, v));
    let said = send_request_with_progress(&mut session, command, &name, found)?;
    let found = said.into_iter().find_map(|event| match event {
        Event::Searched(found) => Some(found),
        _ => None,
    });
    let found = found.ok_or_else(|| CliError::Failure("the engine did not report a result; try again".into()))?;
    if args.json {
        return output::print_json(&found);
    }
    let text = describe_event(&Event::Searched(found)).map(|(text, _)| text);
    output::print_line(text.unwrap_or_default())
}

/// Cancels the running task of the run's engine.
pub fn cancel_task(args: CancelArgs) -> Result<(), CliError> {
    let run = run_lookup::find_run(&args.run)?;
    if !run.is_engine_alive() {
        return Err(CliError::Failure(format!(
            "no engine is running for {}; `surfit ls` lists your runs",
            runs::open_name(&run)
        )));
    }
    let mut visit = EngineSession::open(&run)?;
    let is_answer = |event: &Event| matches!(event, Event::Cancelled { .. } | Event::Stopped { .. });
    let said = send_request(&mut visit, EngineCommand::Cancel, is_answer)?;
    let what = said.iter().find(|event| is_answer(event)).and_then(describe_event);
    output::print_line(what.map_or_else(|| "cancelled".to_owned(), |(text, _)| text))
}

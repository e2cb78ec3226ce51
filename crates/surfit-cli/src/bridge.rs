//! `surfit bridge`: serves a run of this machine to another machine's screen, over standard input and output.

use super::args::BridgeArgs;
use super::error::CliError;
use super::exit_message::{ExitState, exit_message};
use super::run_lookup;
use std::io::{IsTerminal, stdin, stdout};
use surfit_client::{remote, runs};
use surfit_core::run_dir::RunDir;

/// Serves until the other end disconnects; the engine continues.
pub fn run_command(args: BridgeArgs) -> Result<(), CliError> {
    if stdout().is_terminal() {
        return Err(CliError::Usage(
            "`surfit bridge` is started by `surfit open HOST:RUN` on another machine; use `surfit open` here".into(),
        ));
    }
    if args.ls {
        let written = remote::write_run_list(&runs::list_with_sizes(), &mut stdout().lock());
        return written.map_err(|e| CliError::Failure(format!("standard output: {e}")));
    }
    let run = match &args.run {
        Some(name) => run_lookup::find_run(name)?,
        None => runs::most_recent()
            .ok_or_else(|| CliError::Usage(format!("no runs in {}", RunDir::default_root().display())))?,
    };
    Ok(remote::serve(run, args.readonly, stdin(), stdout(), |run, ended, stop, name| {
        let back = || exit_message(&run.id(), name, ExitState::of_run(run, ended, stop));
        let last = ended.stop_error.clone().or_else(back);
        let all: Vec<String> = ended.unreported_outcomes.iter().cloned().chain(last).collect();
        (!all.is_empty()).then(|| all.join("\n"))
    })?)
}

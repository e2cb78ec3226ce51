//! `surfit bridge`: serves a run of this machine to the screen of another one, over standard input and output.

use super::args::BridgeArgs;
use super::fault::CliError;
use super::parting::{ExitState, parting};
use super::place;
use std::io::{IsTerminal, stdin, stdout};
use surfit_client::{remote, runs};
use surfit_core::run_dir::RunDir;

/// Serves until the other end leaves; its engine goes on.
pub fn bridge(args: BridgeArgs) -> Result<(), CliError> {
    if stdout().is_terminal() {
        return Err(CliError::Usage(
            "this is for `surfit open HOST:RUN` on another machine; here, use `surfit open`".into(),
        ));
    }
    if args.ls {
        let told = remote::told(&runs::weighed(), &mut stdout().lock());
        return told.map_err(|e| CliError::Failure(format!("standard output: {e}")));
    }
    let run = match &args.run {
        Some(name) => place::find(name)?,
        None => latest()?,
    };
    Ok(remote::serve(
        run,
        args.readonly,
        stdin(),
        stdout(),
        |run, ended, stop, name| {
            let back = || parting(&run.id(), name, ExitState::of(run, ended, stop));
            let last = ended.lost.clone().or_else(back);
            let all: Vec<String> = ended.made.iter().cloned().chain(last).collect();
            (!all.is_empty()).then(|| all.join("\n"))
        },
    )?)
}

/// The run that `surfit open` opens when none is named.
fn latest() -> Result<RunDir, CliError> {
    let root = RunDir::default_root();
    let latest = || RunDir::list(&root).into_iter().next();
    runs::most_recent_live()
        .or_else(latest)
        .ok_or_else(|| CliError::Usage(format!("there are no runs in {}", root.display())))
}

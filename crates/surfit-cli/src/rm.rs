//! `surfit rm`: deletes runs.

use super::args::RmArgs;
use super::error::CliError;
use super::{output, stop};
use std::io::{BufRead, IsTerminal, stderr, stdin};
use std::path::PathBuf;
use surfit_client::{ClientError, remove, runs};
use surfit_core::files;
use surfit_core::run_dir::{RunDir, RunError};
use surfit_core::snapshot::EngineState;

/// Deletes the named runs, or all that failed.
pub fn run_command(args: RmArgs) -> Result<(), CliError> {
    remove::remove_stale_runs();
    let named = if args.failed { failed_runs() } else { runs_by_name(&args.runs)? };
    let named = remove::distinct_runs(named)?;
    if named.is_empty() {
        return output::print_line("no failed runs; nothing was deleted");
    }
    for run in &named {
        remove::check_is_run(run).map_err(|e| CliError::Usage(e.to_string()))?;
    }
    for run in &named {
        remove::refuse_live_below(run, &named)?;
    }
    // Before the first is deleted: deleting only some of them is worse than none.
    let live: Vec<&RunDir> = named.iter().filter(|r| r.is_engine_alive()).collect();
    if let Some(run) = live.iter().find(|run| run.unreachable_engine_node().is_some()) {
        return Err(ClientError::unreachable_engine(run).into());
    }
    if let Some(run) = live.first().filter(|_| !args.stop) {
        return Err(CliError::Failure(format!(
            "{} is running; stop it first with `surfit stop {0}`, or use --stop",
            runs::open_name(run)
        )));
    }
    if !args.yes && !confirm_removal(&named)? {
        return Err(CliError::Interrupted("cancelled; nothing was deleted".into()));
    }
    for run in live {
        stop::shut_down_engine(run)?;
    }
    named.iter().try_for_each(|run| {
        let name = runs::open_name(run);
        remove::remove_run(run)?;
        output::print_line(format!("deleted {name}"))
    })
}

fn failed_runs() -> Vec<RunDir> {
    let all = RunDir::list(&RunDir::default_root()).into_iter();
    all.filter(|r| !r.is_engine_alive() && r.status().is_some_and(|s| s.state == EngineState::Failed)).collect()
}

/// Returns the runs of full names; a directory of several runs means all of them. The beginning of a name is not enough
/// to delete a run.
fn runs_by_name(names: &[String]) -> Result<Vec<RunDir>, CliError> {
    let root = RunDir::default_root();
    let mut all: Vec<RunDir> = Vec::new();
    for name in names {
        let name = name.trim_end_matches('/');
        let path = [PathBuf::from(name), root.join(name)].into_iter().find(|p| !name.is_empty() && p.is_dir());
        let path = path.ok_or_else(|| {
            RunDir::find(&root, name).map_or_else(CliError::from, |run| {
                let full = runs::open_name(&run);
                CliError::Usage(format!("`{name}` is only the beginning of a name; to delete the run, write `{full}`"))
            })
        })?;
        match RunDir::open(&path) {
            Ok(run) => all.push(run),
            Err(RunError::SeveralRuns { .. }) => all.extend(RunDir::runs_in(&path)),
            Err(other) => return Err(other.into()),
        }
    }
    Ok(all)
}

/// Asks for confirmation on a terminal.
fn confirm_removal(all: &[RunDir]) -> Result<bool, CliError> {
    if !(stdin().is_terminal() && stderr().is_terminal()) {
        return Err(CliError::Usage("no terminal to ask for confirmation; use --yes to skip it".into()));
    }
    for run in all {
        let line = runs::summarize(run);
        let models = files::list_folder(&run.join("exports")).map_or(0, |all| all.len());
        let models = match models {
            0 => String::new(),
            1 => ", 1 exported model".into(),
            n => format!(", {n} exported models"),
        };
        let size = runs::format_size(runs::directory_bytes(run.path()));
        let name = runs::open_name(run);
        output::print_stderr_line(format!("  {name}  {}, {size}{models}", line.state));
    }
    let what = match all.len() {
        1 => "this run".to_owned(),
        n => format!("these {n} runs"),
    };
    output::print_prompt(&format!("Delete {what} with all files? [y/N]"));
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer).map_err(|e| CliError::Failure(format!("cannot read the answer: {e}")))?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

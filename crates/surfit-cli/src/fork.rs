//! `surfit fork`: starts a new run from another run's checkpoint.

use super::args::ForkArgs;
use super::error::CliError;
use super::{foreground, output, run_lookup};
use surfit_client::{ClientError, fork as forks, runs};
use surfit_core::run_dir::{EngineNode, RunDir};
use surfit_core::surface::Degrees;

/// Creates the fork and starts its engine.
pub fn run_command(args: ForkArgs) -> Result<(), CliError> {
    let run = run_lookup::find_run(&args.run)?;
    let degrees = parse_degrees(&run, &args.degree)?;
    // Before the directory is created: without an engine nothing would run in it.
    surfit_client::engine_program()?;
    let new = forks::fork(&run, degrees, args.run_dir.as_deref())?;
    run_lookup::link_run(&new);
    let pid = forks::start_fork(&new, &run).map_err(|error| match error {
        error @ ClientError::ForkFailed(_) => CliError::Failure(format!("{error}; no run was created")),
        other => other.into(),
    })?;
    if args.json {
        return output::print_json(&serde_json::json!({
            "run": new.id(), "dir": new.path(), "pid": pid, "from": run.id(),
        }));
    }
    let (name, what) = (runs::open_name(&new), format!("{} runs (pid {pid}), forked from {},", new.id(), run.id()));
    output::print_line(match EngineNode::current().job.as_deref() {
        Some(job) => foreground::job_lifetime_warning(&what, job, &name),
        None => format!("{}; watch it with `surfit open {name}`", what.trim_end_matches(',')),
    })
}

/// Returns the given degrees for the run's kind of surface.
pub fn parse_degrees(run: &RunDir, written: &[u8]) -> Result<Option<Degrees>, CliError> {
    let Some(&m) = written.first() else {
        return Ok(None);
    };
    let n = written.get(1).copied().unwrap_or(m);
    let patch = run.config()?.patch();
    let degrees = Degrees::for_patch(patch, m, n)?;
    Ok(Some(degrees))
}

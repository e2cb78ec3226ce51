//! `surfit report`: writes plots and a report.

use super::args::ReportArgs;
use super::error::CliError;
use super::{output, run_lookup};
use std::time::Duration;
use surfit_core::protocol::ServerMessage;
use surfit_core::run_dir::RunDir;
use surfit_core::snapshot::Snapshot;
use surfit_report::ReportError;

/// Writes the report of a run and prints its files.
pub fn run_command(args: ReportArgs) -> Result<(), CliError> {
    let run = run_lookup::find_run(&args.run)?;
    let mut run_state = run.load_state()?;
    if let Some(live) = live_snapshot(&run) {
        run_state.apply_snapshot(live);
    }
    // Inside the run no link is followed.
    let folder = match args.out {
        Some(folder) => std::path::absolute(&folder).map_or(folder.into(), |f| run.confine(&f)),
        None => run.join("figures"),
    };
    let config = run.config()?;
    let files = surfit_report::write_report(&run.id(), &config, &run_state, &folder).map_err(|e| match e {
        ReportError::Io { .. } => CliError::Failure(format!("{e}; choose another --out")),
        e => e.into(),
    })?;
    files.iter().try_for_each(|f| output::print_line(f.display().to_string()))
}

/// Returns the present snapshot of a live engine; the stored one is as old as the last checkpoint.
fn live_snapshot(run: &RunDir) -> Option<Snapshot> {
    let connection = surfit_client::connect(run, Some(u64::MAX)).ok()?;
    let inbox = connection.open_inbox().ok()?;
    for _ in 0..20 {
        if let Some(ServerMessage::Snapshot(s)) = inbox.next_message(Duration::from_millis(100)).ok()? {
            return Some(*s);
        }
    }
    None
}

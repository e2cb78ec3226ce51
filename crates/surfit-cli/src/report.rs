//! `surfit report`: figures and a written report.

use super::args::ReportArgs;
use super::error::CliError;
use super::{output, run_lookup};
use std::time::Duration;
use surfit_core::protocol::ServerMessage;
use surfit_core::run_dir::RunDir;
use surfit_core::snapshot::Snapshot;
use surfit_report::ReportError;

/// Writes the report of a run and names its files.
pub fn report(args: ReportArgs) -> Result<(), CliError> {
    let run = run_lookup::find_run(&args.run)?;
    let mut picture = run.load_state()?;
    if let Some(live) = live_snapshot(&run) {
        picture.apply_snapshot(live);
    }
    // Inside the run no link is followed, wherever the user's own folder leads.
    let folder = match args.out {
        Some(folder) => std::path::absolute(&folder).map_or(folder.into(), |f| run.confine(&f)),
        None => run.join("figures"),
    };
    let config = run.config()?;
    let files = surfit_report::write_report(&run.id(), &config, &picture, &folder).map_err(|e| match e {
        ReportError::Io { .. } => CliError::Failure(format!("{e}; choose another --out")),
        e => CliError::Failure(e.to_string()),
    })?;
    files.iter().try_for_each(|f| output::print_line(f.display().to_string()))
}

/// What a live engine shows now; the stored snapshot is as old as the last checkpoint.
fn live_snapshot(run: &RunDir) -> Option<Snapshot> {
    let connection = surfit_client::connect(run, Some(u64::MAX)).ok()?;
    let inbox = connection.open_inbox().ok()?;
    for _ in 0..20 {
        if let Some(ServerMessage::Snapshot(s)) = inbox.next(Duration::from_millis(100)).ok()? {
            return Some(*s);
        }
    }
    None
}

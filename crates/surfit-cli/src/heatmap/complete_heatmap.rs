//! Fetches a fresh and complete heatmap: the stored or live one, or one that the run's engine measures.

use super::super::engine_request::{HEATMAP_CLAUSE, receive_item};
use super::super::error::CliError;
use super::super::progress::stderr_progress_bar;
use indicatif::ProgressBar;
use std::time::{Duration, Instant};
use surfit_client::signals::{Signals, StopRequest};
use surfit_client::{EngineSession, FollowedItem};
use surfit_core::event::{Event, JobStage};
use surfit_core::protocol::{CommandError, EngineCommand};
use surfit_core::run_dir::RunDir;
use surfit_core::snapshot::Snapshot;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeatmapAfter {
    /// The one that is returned.
    Shown,
    Previous,
}

/// Returns a snapshot with a fresh and complete heatmap: the stored or live one, or cells of a finer one, else a measured one.
/// The run keeps a complete heatmap that is finer than the requested one, unless with `keep`.
pub fn fetch_complete_heatmap(
    run: &RunDir,
    grid: Option<usize>,
    keep: bool,
) -> Result<(Snapshot, HeatmapAfter), CliError> {
    // Between the two parts of a measurement all cells may have the same small number of images.
    let at_rest = |s: &Snapshot| s.stage != JobStage::Heatmap || s.done >= s.total;
    let fits = |s: &Snapshot| s.heatmap.is_complete() && at_rest(s) && grid.is_none_or(|g| g == s.heatmap.grid);
    // Cells of a finer grid need no measurement, unless the run is to keep the coarser one.
    let known = |s: Snapshot| match grid {
        Some(grid) if s.heatmap.is_complete() && at_rest(&s) && grid < s.heatmap.grid && !keep => {
            let heatmap = s.heatmap.with_grid(grid);
            let whole = heatmap.is_complete();
            whole.then_some((Snapshot { heatmap, ..s }, HeatmapAfter::Previous))
        }
        _ => fits(&s).then_some((s, HeatmapAfter::Shown)),
    };
    if !run.is_engine_alive()
        && let Some(stored) = run.snapshot().and_then(known)
    {
        return Ok(stored);
    }
    let session = EngineSession::open(run)?;
    let mut request = HeatmapRequest {
        already_measuring: session.latest_snapshot().stage == JobStage::Heatmap && !at_rest(session.latest_snapshot()),
        signals: Signals::install_handlers()?,
        cancelled: false,
        session,
        bar: stderr_progress_bar("{bar:28.cyan/dim} {msg} {pos}/{len} cells, {eta} left", None)
            .with_message("measuring"),
        measured: false,
        ended_at: None,
        connection_lost: false,
    };
    let live = request.session.latest_snapshot().clone();
    let (before, whole) = (live.heatmap.grid, live.heatmap.is_complete());
    if let Some(found) = known(live) {
        return Ok(found);
    }
    // The engine refuses before it changes anything, and keeps the finer one even if this process dies.
    request.send_and_wait(match grid.filter(|&g| g != before) {
        Some(grid) => EngineCommand::MeasureOn { grid, keep },
        None => EngineCommand::Measure,
    })?;
    let shown = request.wait_for_snapshot(run, fits)?;
    if keep || !whole || shown.heatmap.grid >= before {
        return Ok((shown, HeatmapAfter::Shown));
    }
    // It would be restored anyway, but other viewers should not wait for that.
    request.send_and_wait(EngineCommand::SetGrid { grid: before })?;
    Ok((shown, HeatmapAfter::Previous))
}

struct HeatmapRequest {
    session: EngineSession,
    bar: ProgressBar,
    measured: bool,
    /// When the measurement ended.
    ended_at: Option<Instant>,
    /// The connection was lost since the last command.
    connection_lost: bool,
    signals: Signals,
    already_measuring: bool,
    /// The engine was asked to cancel it.
    cancelled: bool,
}

/// Time that a heatmap may take to arrive after its measurement; the engine does not show it for much longer.
const HEATMAP_ARRIVAL_TIMEOUT: Duration = Duration::from_secs(10);

impl HeatmapRequest {
    fn send_and_wait(&mut self, command: EngineCommand) -> Result<(), CliError> {
        let id = self.session.send(command)?;
        self.connection_lost = false;
        loop {
            if let Some((of, error)) = self.receive()?
                && of == id
            {
                return error.map_or(Ok(()), |refusal| Err(CliError::Refused(refusal)));
            }
            if self.connection_lost {
                return Err(CliError::Unanswered);
            }
        }
    }

    /// Waits for a snapshot with the property: a live one, or after the measurement the stored one.
    fn wait_for_snapshot(&mut self, run: &RunDir, wanted: impl Fn(&Snapshot) -> bool) -> Result<Snapshot, CliError> {
        let found = loop {
            if wanted(self.session.latest_snapshot()) {
                break self.session.latest_snapshot().clone();
            }
            if self.measured
                && let Some(stored) = run.snapshot().filter(&wanted)
            {
                break stored;
            }
            if self.ended_at.is_some_and(|at| at.elapsed() > HEATMAP_ARRIVAL_TIMEOUT) {
                return Err(CliError::Failure(
                    "the measured heatmap was replaced before it arrived here; try again".into(),
                ));
            }
            self.receive()?;
        };
        self.bar.finish_and_clear();
        Ok(found)
    }

    /// Cancels the measurement when this process is asked to stop; measured cells are kept.
    fn handle_signals(&mut self) -> Result<(), CliError> {
        if self.signals.checkpoint_request() {
            self.session.send(EngineCommand::Checkpoint)?;
        }
        let asked = self.signals.stop_request();
        let hung_up = self.signals.is_hung_up();
        if !hung_up && asked.is_none() {
            return Ok(());
        }
        let leaves = asked == Some(StopRequest::ExitNow) || hung_up && self.cancelled;
        // The engine cancels its running task, which may be another client's.
        if leaves || self.already_measuring || self.session.latest_snapshot().errand.is_some() {
            return Err(CliError::Interrupted(
                "left while the engine measures the heatmap; cancel it with `surfit cancel`".into(),
            ));
        }
        self.session.send(EngineCommand::Cancel)?;
        self.cancelled = true;
        self.bar.set_message("cancelling; press ctrl-c again to leave without waiting");
        Ok(())
    }

    /// Receives one message; returns it if it is a reply.
    fn receive(&mut self) -> Result<Option<(u64, Option<CommandError>)>, CliError> {
        self.handle_signals()?;
        match receive_item(&mut self.session, HEATMAP_CLAUSE)? {
            Some(FollowedItem::Reply { id, error, .. }) => return Ok(Some((id, error))),
            Some(FollowedItem::Snapshot(snapshot)) if snapshot.stage == JobStage::Heatmap => {
                self.bar.set_length(snapshot.heatmap.cells.len() as u64);
                self.bar.set_position(snapshot.heatmap.fresh_cell_count() as u64);
            }
            Some(FollowedItem::Event(envelope)) => match envelope.event {
                Event::HeatmapComplete { .. } => self.measured = true,
                Event::StageBegan { .. } => self.ended_at = None,
                Event::StageEnded { stage: JobStage::Heatmap, .. } => self.ended_at = Some(Instant::now()),
                Event::Stopped { .. } if self.cancelled => {
                    return Err(CliError::Interrupted("cancelled; measured cells are kept".into()));
                }
                Event::Stopped { .. } => {
                    return Err(CliError::Failure("the measurement was stopped before it finished; try again".into()));
                }
                _ => {}
            },
            Some(FollowedItem::Reconnected) => self.connection_lost = true,
            _ => {}
        }
        Ok(None)
    }
}

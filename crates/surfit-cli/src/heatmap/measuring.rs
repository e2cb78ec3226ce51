//! A heatmap that is fresh and complete: what is there, or what the run's engine measures.

use super::super::ask::UNANSWERED;
use super::super::fault::CliError;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};
use surfit_client::signals::{Signals, StopRequest};
use surfit_client::{ClientError, EngineReply, EngineSession};
use surfit_core::event::{Event, JobStage};
use surfit_core::protocol::EngineCommand;
use surfit_core::run_dir::RunDir;
use surfit_core::snapshot::Snapshot;

/// Which heatmap the run has afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeatmapAfter {
    /// The one that is shown.
    Shown,
    /// The one it had.
    Before,
}

/// A snapshot with a fresh and complete heatmap: the stored or live one when it is so, or what a finer one tells, else a
/// measured one. The run keeps a complete heatmap that is finer than what was asked for, unless with `keep`.
pub fn complete(
    run: &RunDir,
    grid: Option<usize>,
    keep: bool,
) -> Result<(Snapshot, HeatmapAfter), CliError> {
    // Between the two parts of their measurement all cells may have seen equally few images.
    let at_rest = |s: &Snapshot| s.stage != JobStage::Heatmap || s.done >= s.total;
    let fits = |s: &Snapshot| {
        s.heatmap.complete() && at_rest(s) && grid.is_none_or(|g| g == s.heatmap.grid)
    };
    // What is known without a measurement, as long as the run is not to have it.
    let known = |s: Snapshot| match grid {
        Some(grid) if s.heatmap.complete() && at_rest(&s) && grid < s.heatmap.grid && !keep => {
            let heatmap = s.heatmap.on_grid(grid);
            let whole = heatmap.complete();
            whole.then_some((Snapshot { heatmap, ..s }, HeatmapAfter::Before))
        }
        _ => fits(&s).then_some((s, HeatmapAfter::Shown)),
    };
    if !run.is_alive()
        && let Some(stored) = run.snapshot().and_then(known)
    {
        return Ok(stored);
    }
    let visit = EngineSession::begin(run)?;
    let mut measuring = HeatmapRequest {
        of_another: visit.latest().stage == JobStage::Heatmap && !at_rest(visit.latest()),
        signals: Signals::listen()?,
        given_up: false,
        visit,
        bar: bar(),
        complete: false,
        over: None,
        lost: false,
    };
    let live = measuring.visit.latest().clone();
    let (before, whole) = (live.heatmap.grid, live.heatmap.complete());
    if let Some(found) = known(live) {
        return Ok(found);
    }
    // The engine refuses before it changes anything, and keeps the finer one whatever becomes of this process.
    measuring.command(match grid.filter(|&g| g != before) {
        Some(grid) => EngineCommand::MeasureOn { grid, keep },
        None => EngineCommand::Measure,
    })?;
    let shown = measuring.until(run, fits)?;
    if keep || !whole || shown.heatmap.grid >= before {
        return Ok((shown, HeatmapAfter::Shown));
    }
    // It comes back by itself; who else watches need not wait for that.
    measuring.command(EngineCommand::SetGrid { grid: before })?;
    Ok((shown, HeatmapAfter::Before))
}

fn bar() -> ProgressBar {
    let target = if stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(4)
    } else {
        ProgressDrawTarget::hidden()
    };
    let style =
        ProgressStyle::with_template("{bar:28.cyan/dim} {msg} {pos}/{len} cells, {eta} left");
    let style = style
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─");
    ProgressBar::with_draw_target(None, target)
        .with_style(style)
        .with_message("measuring")
        .with_finish(indicatif::ProgressFinish::AndClear)
}

/// A visit that waits for a heatmap.
struct HeatmapRequest {
    visit: EngineSession,
    bar: ProgressBar,
    complete: bool,
    /// When the measurement ended.
    over: Option<Instant>,
    /// The connection was lost since the last command.
    lost: bool,
    signals: Signals,
    /// A measurement was under way before this one was asked for.
    of_another: bool,
    /// The engine was asked to give it up.
    given_up: bool,
}

/// How long after a measurement its figures may take to arrive; the engine does not show them for much longer.
const ARRIVING: Duration = Duration::from_secs(10);

impl HeatmapRequest {
    /// Sends a command and waits for its answer.
    fn command(&mut self, command: EngineCommand) -> Result<(), CliError> {
        let id = self.visit.send(command)?;
        self.lost = false;
        loop {
            if let Some((of, error)) = self.step()?
                && of == id
            {
                return error.map_or(Ok(()), |e| Err(CliError::Failure(e)));
            }
            if self.lost {
                return Err(CliError::Failure(UNANSWERED.into()));
            }
        }
    }

    /// Waits for a snapshot that is wanted: a live one, or after the measurement the stored one.
    fn until(
        &mut self,
        run: &RunDir,
        wanted: impl Fn(&Snapshot) -> bool,
    ) -> Result<Snapshot, CliError> {
        let found = loop {
            if wanted(self.visit.latest()) {
                break self.visit.latest().clone();
            }
            if self.complete
                && let Some(stored) = run.snapshot().filter(&wanted)
            {
                break stored;
            }
            if self.over.is_some_and(|at| at.elapsed() > ARRIVING) {
                return Err(CliError::Failure(
                    "the measured heatmap was replaced before it arrived here; try again".into(),
                ));
            }
            self.step()?;
        };
        self.bar.finish_and_clear();
        Ok(found)
    }

    /// When this process is asked to stop, the engine gives the measurement up; what was measured stays.
    fn heed_signals(&mut self) -> Result<(), CliError> {
        if self.signals.checkpoint_request() {
            self.visit.send(EngineCommand::Checkpoint)?;
        }
        let asked = self.signals.stop_request();
        let hung_up = self.signals.hangup();
        if !hung_up && asked.is_none() {
            return Ok(());
        }
        let leaves = asked == Some(StopRequest::Leave) || hung_up && self.given_up;
        // The engine gives up what is under way, and that may be somebody else's.
        if leaves || self.of_another || self.visit.latest().errand.is_some() {
            return Err(CliError::Interrupted(
                "left while the engine measures the heatmap; `surfit cancel` gives it up".into(),
            ));
        }
        self.visit.send(EngineCommand::Cancel)?;
        self.given_up = true;
        self.bar
            .set_message("giving up (ctrl-c again leaves without waiting)");
        Ok(())
    }

    /// Takes one message in; gives a reply when it was one.
    fn step(&mut self) -> Result<Option<(u64, Option<String>)>, CliError> {
        self.heed_signals()?;
        match self.visit.next_reply() {
            Ok(EngineReply::Reply(id, error, _)) => return Ok(Some((id, error))),
            Ok(EngineReply::Snapshot) => {
                let snapshot = self.visit.latest();
                if snapshot.stage == JobStage::Heatmap {
                    self.bar.set_length(snapshot.heatmap.cells.len() as u64);
                    self.bar.set_position(snapshot.heatmap.fresh() as u64);
                }
            }
            Ok(EngineReply::Event(Event::Failed { message })) => {
                return Err(CliError::Failure(message));
            }
            Ok(EngineReply::Event(Event::HeatmapComplete { .. })) => self.complete = true,
            Ok(EngineReply::Event(Event::StageBegan { .. })) => self.over = None,
            Ok(EngineReply::Event(Event::StageEnded {
                stage: JobStage::Heatmap,
                ..
            })) => self.over = Some(Instant::now()),
            Ok(EngineReply::Event(Event::Stopped { .. })) if self.given_up => {
                return Err(CliError::Interrupted(
                    "given up; what was measured is kept".into(),
                ));
            }
            Ok(EngineReply::Event(Event::Stopped { .. })) => {
                return Err(CliError::Failure(
                    "the measurement was stopped before its end; try again".into(),
                ));
            }
            Ok(EngineReply::Reconnected) => self.lost = true,
            Ok(EngineReply::Event(_) | EngineReply::Nothing) => {}
            Err(ClientError::Closed) => {
                return Err(CliError::Failure(
                    "the engine ended before the heatmap was complete; look at log.txt in the run's \
                     directory, then try again"
                        .into(),
                ));
            }
            Err(other) => return Err(other.into()),
        }
        Ok(None)
    }
}

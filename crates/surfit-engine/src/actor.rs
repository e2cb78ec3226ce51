//! The actor: one thread that owns every tensor and does all the work of a run.
//!
//! It goes in small ticks (one optimizer step, one heatmap cell, one corner aligned) and looks at its requests
//! between them, so a command never waits longer than one tick. What it does next is one value, `ActorActivity`.

mod alignment;
mod commands;
mod control_points;
mod corner_recipes;
mod corners;
mod degrees;
mod estimate;
mod export_folders;
mod fitting;
mod fork;
mod given_corner_checks;
mod given_corners;
mod grids;
mod heatmap_measurement;
mod job_completion;
mod publish;
mod race;
mod running_clock;
mod shutdown;
mod startup;
mod steered_settings;
mod task;

#[cfg(test)]
mod tests;

pub use control_points::GradientHistory;
pub use heatmap_measurement::{LiveMap, LiveProgress};
pub(crate) use publish::unix_seconds;

use crate::align::AlignmentRun;
use crate::checkpoint::{FitProgress, SteeredSettings};
use crate::data::DataSet;
use crate::evaluate::Evaluator;
use crate::journal::EventJournal;
use crate::memory;
use crate::model::Model;
use crate::surface::Surface;
use crate::trainer::{PendingLosses, Trainer};
use crate::{EngineError, Result};
use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};
use surfit_core::config::Config;
use surfit_core::event::{CornerReady, Event, JobStage};
use surfit_core::heatmap::{Heatmap, Metric};
use surfit_core::protocol::{CommandError, EngineCommand, EventSpan};
use surfit_core::run_dir::{FileIdentity, RunDir};
use surfit_core::snapshot::{ControlPoint, EngineState, UnloggedLosses};
use tch::Tensor;

pub type ReplySender = tokio::sync::oneshot::Sender<CommandAnswer>;

#[derive(Debug)]
pub struct CommandAnswer {
    pub events: EventSpan,
    pub error: Option<CommandError>,
}

#[derive(Debug)]
pub struct CommandRequest {
    /// Number of the connection that it came over.
    pub client: u64,
    pub command: EngineCommand,
    pub reply: ReplySender,
}

#[derive(Debug)]
enum CommandOutcome {
    Done,
    /// It takes a while; the reply comes at its end.
    Task(Box<dyn task::ActorTask>),
    /// The engine ends; the reply comes when everything is durable.
    Closing,
}

impl CommandOutcome {
    fn task(task: impl task::ActorTask + 'static) -> Self {
        Self::Task(Box::new(task))
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServeOptions {
    /// Load the present state and wait for commands instead of continuing with the job.
    pub wait: bool,
    /// Seconds without work and without viewers after which the engine ends.
    pub idle_timeout: f64,
}

/// What the next tick does.
#[derive(Clone, Debug, Default)]
enum ActorActivity {
    /// Nothing until a command comes.
    #[default]
    None,
    /// Train or load the corner with this number.
    Corner(usize),
    /// Align the corner with this number to the first.
    Align(usize),
    /// Make the linear surface between the corners.
    Surface,
    /// One optimizer step.
    Fit,
    /// Measure cells on the whole validation split.
    Heatmap {
        /// Cells that are left, in reverse order.
        cells: Vec<usize>,
        /// Continue with the export of the best point.
        finish: bool,
    },
    /// Export the best point and finish the job.
    Finish,
}

#[derive(Debug)]
struct Actor<'a> {
    run: RunDir,
    config: Config,
    options: ServeOptions,
    journal: &'a mut EventJournal,
    requests: &'a Receiver<CommandRequest>,
    data: DataSet,
    model: Model,
    evaluator: Evaluator,
    /// Corners that are ready; as rows of the surface they are there only, and all of these are `None`.
    corners: Vec<Option<Tensor>>,
    /// Training loss over a coarse grid that draws follow; empty while they are uniform.
    focus_losses: Vec<f64>,
    trainer: Option<Trainer>,
    surface: Option<Surface>,
    progress: Option<FitProgress>,
    fit_scratch: fitting::FitScratch,
    pending_losses: PendingLosses,
    /// Losses that were read and that no event has reported.
    unlogged_losses: Option<UnloggedLosses>,
    heatmap: Heatmap,
    other_grids: grids::OtherGrids,
    /// The run's heatmap while a coarser grid is looked at.
    temporary_grid: Option<grids::TemporaryGrid>,
    metric: Metric,
    marks: Vec<(f64, f64)>,
    live_progress: LiveProgress,
    cell_race: race::CellRace,
    points: Vec<ControlPoint>,
    gradients: GradientHistory,
    activity: ActorActivity,
    /// What was requested and takes a while, in order; the work waits for it.
    tasks: VecDeque<task::PendingTask>,
    /// Commands that wait until these tasks are complete.
    deferred_requests: Vec<CommandRequest>,
    /// The corner that waits for the disk.
    unstored_corner: Option<corners::MeasuredCorner>,
    /// What corners are read from was looked at since the corners were begun.
    corner_sources_checked: bool,
    alignment_run: Option<AlignmentRun>,
    completion: Option<Box<job_completion::JobCompletion>>,
    steered_settings: SteeredSettings,
    cost_estimate: estimate::CostEstimate,
    load_sampler: crate::machine::LoadSampler,
    stage: JobStage,
    clock: running_clock::RunningClock,
    /// When the stage began by the clock, and seconds that it ran before.
    stage_began: Duration,
    earlier_stage_seconds: f64,
    /// A stage that has not come to its end, and the seconds that it ran.
    interrupted_stage: Option<(JobStage, f64)>,
    state: EngineState,
    publication_times: publish::PublicationTimes,
    work_rate: publish::WorkRate,
    closing: bool,
    /// Clients that requested the end; answered when everything is durable, or what is not.
    shutdown_replies: Vec<ReplySender>,
    directory_watch: shutdown::DirectoryWatch,
    /// Digest of the training split, once it was requested.
    training_digest: Option<String>,
    /// Corners as an earlier engine of this run described them.
    earlier_corners: BTreeMap<usize, CornerReady>,
    /// Work waits for the file system: until when, and for how long since the last attempt.
    stall: Option<(Instant, Duration)>,
    stall_reason: Option<String>,
    /// What ends the engine after this tick.
    failure: Option<EngineError>,
}

/// Opens a run and works on it until a request to end. Runs on its own thread; returns when the engine should close.
///
/// # Errors
/// Whatever keeps the run from continuing; it has been recorded as a `failed` event and in the status.
pub fn run(
    run: &RunDir,
    journal: &mut EventJournal,
    requests: &Receiver<CommandRequest>,
    options: ServeOptions,
) -> Result<()> {
    let directory = run.identity();
    // A panic inside libtorch (out of memory, for example) must become an event, not a silent death.
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        Actor::open(run, journal, requests, options)?.work_until_closed()
    }));
    let result = outcome.unwrap_or_else(|panic| Err(EngineError::Panicked(panic_message(&*panic))));
    let result = result.map_err(|error| {
        memory::explain_oom(&error.to_string(), memory_context(run, journal)).map_or(error, EngineError::OutOfMemory)
    });
    match &result {
        Ok(()) => journal.emit(Event::Closed),
        Err(error) => {
            let message = error.to_string();
            write_failed_status(run, directory, &message);
            journal.emit(Event::Failed { message });
        }
    }
    retry(|| {
        let synced = journal.try_sync();
        if let Err(error) = &synced {
            tracing::warn!("events are not durable: {error}");
        }
        synced.is_ok()
    });
    journal.withdraw_promises();
    result
}

/// Puts a failure into the run's status, unless another run is at its path by now.
fn write_failed_status(run: &RunDir, directory: Option<FileIdentity>, message: &str) {
    let status = run.status().filter(|_| run.identity() == directory);
    if let Some(mut status) = status {
        status.state = EngineState::Failed;
        status.failed = Some(message.to_owned());
        // An event reports the same; when the disk accepts neither, nothing more can be done.
        let _ = run.write_status(&status);
    }
}

/// Makes the last attempt of an engine a few attempts: a disk may refuse once what it takes a moment later. True when one
/// succeeded.
fn retry(mut attempt: impl FnMut() -> bool) -> bool {
    const MAX_ATTEMPTS: usize = 5;
    const RETRY_INTERVAL: Duration = Duration::from_millis(200);
    for _ in 1..MAX_ATTEMPTS {
        if attempt() {
            return true;
        }
        std::thread::sleep(RETRY_INTERVAL);
    }
    attempt()
}

/// What the run was working on, for a message about memory.
fn memory_context(run: &RunDir, journal: &EventJournal) -> Option<memory::MemoryContext> {
    let parameters = journal.run_state().info.as_ref()?.parameters as i64;
    let config = run.config().ok()?;
    Some(memory::MemoryContext {
        degrees: run.status()?.degrees,
        trainable: config.trainable_points(),
        parameters,
        batch: config.fit.training.batch_size,
    })
}

/// The first line of a panic's message: libtorch appends a C++ stack.
fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    text.split("\\n").next().unwrap_or(text).lines().next().unwrap_or(text).to_owned()
}

impl Actor<'_> {
    fn work_until_closed(mut self) -> Result<()> {
        let worked = self.work_while_open();
        self.reply_to_shutdown_requests(&worked);
        if worked.is_err() {
            // What is still on the device may be lost with it; what was read is not.
            self.emit_losses();
        }
        worked
    }

    fn work_while_open(&mut self) -> Result<()> {
        let mut idle_since = Instant::now();
        while !self.closing {
            self.check_failure()?;
            self.check_directory()?;
            let stalled = self.stall.is_some_and(|(until, _)| Instant::now() < until);
            let busy = !matches!(self.activity, ActorActivity::None) && self.state == EngineState::Running;
            self.serve_requests(self.tasks.is_empty() && (!busy || stalled))?;
            self.expire_temporary_grid();
            if !self.tasks.is_empty() {
                idle_since = Instant::now();
                self.tick_task();
                self.publish(false);
                continue;
            }
            if stalled {
                self.publish(false);
                continue;
            }
            if matches!(self.activity, ActorActivity::None) || self.state != EngineState::Running {
                self.clock.stop();
                self.publish(false);
                // Not one comparison with a time that is reset: with no linger at all any time is too long.
                if self.journal.viewers() > 0 || self.state == EngineState::Paused {
                    idle_since = Instant::now();
                } else if idle_since.elapsed().as_secs_f64() > self.options.idle_timeout {
                    break;
                }
                continue;
            }
            idle_since = Instant::now();
            self.tick_or_stall()?;
            self.publish(false);
        }
        self.check_failure()?;
        self.check_not_replaced()?;
        self.flush_losses();
        if !retry(|| self.save_checkpoint()) {
            self.check_no_steps_lost()?;
        }
        self.state = if self.state == EngineState::Finished { EngineState::Finished } else { EngineState::Closed };
        retry(|| {
            self.publish(true);
            self.is_published()
        });
        Ok(())
    }

    /// What was found between ticks that the work cannot continue with.
    fn check_failure(&mut self) -> Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// One tick. When the file system refuses what it would make durable, the same tick is tried again a little later:
    /// nothing of it is lost.
    fn tick_or_stall(&mut self) -> Result<()> {
        /// What fails once often passes at once; what lasts is a full disk.
        const RETRY_INTERVALS: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(5)];
        let work = self.activity.clone();
        self.clock.start();
        match self.tick() {
            Err(error) if error.is_io() => {
                let pause = match self.stall {
                    Some((_, pause)) => (2 * pause).min(RETRY_INTERVALS[1]),
                    None => RETRY_INTERVALS[0],
                };
                let reason = format!("{error}; the work waits until that can be written");
                if self.stall.is_none() {
                    self.journal.log(reason.clone());
                }
                self.stall_reason = Some(reason);
                self.activity = work;
                self.clock.stop();
                self.stall = Some((Instant::now() + pause, pause));
                Ok(())
            }
            done => {
                self.stall = None;
                self.stall_reason = None;
                done
            }
        }
    }

    fn tick(&mut self) -> Result<()> {
        match std::mem::take(&mut self.activity) {
            ActorActivity::None => Ok(()),
            ActorActivity::Corner(index) => self.tick_corner(index),
            ActorActivity::Align(index) => self.tick_align(index),
            ActorActivity::Surface => self.tick_surface(),
            ActorActivity::Fit => self.tick_fit(),
            ActorActivity::Heatmap { cells, finish } => self.tick_heatmap(cells, finish),
            ActorActivity::Finish => self.tick_finish(),
        }
    }

    /// Carries out the commands that wait; when idle, waits a little for the first.
    fn serve_requests(&mut self, idle: bool) -> Result<()> {
        let mut waiting = std::mem::take(&mut self.deferred_requests);
        if idle && waiting.is_empty() {
            match self.requests.recv_timeout(Duration::from_millis(250)) {
                Ok(request) => waiting.push(request),
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => self.closing = true,
            }
        }
        loop {
            match self.requests.try_recv() {
                Ok(request) => waiting.push(request),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => {
                    self.closing = true;
                    break;
                }
            }
        }
        for (request, superseded) in commands::mark_superseded(waiting) {
            let after = self.journal.seq();
            if superseded {
                self.send_reply(request.reply, after, &Ok(()));
                continue;
            }
            if !self.tasks.is_empty() && commands::waits_for_tasks(&request.command) {
                self.deferred_requests.push(request);
                continue;
            }
            tracing::info!(client = request.client, "{:?}", request.command);
            match self.execute(request.command) {
                Ok(CommandOutcome::Done) => self.send_reply(request.reply, after, &Ok(())),
                Ok(CommandOutcome::Task(task)) => self.enqueue(task, request.reply),
                Ok(CommandOutcome::Closing) => {
                    self.closing = true;
                    self.shutdown_replies.push(request.reply);
                }
                Err(error) => self.send_reply(request.reply, after, &Err(error)),
            }
        }
        Ok(())
    }

    /// Answers a command, which caused the events after number `after`.
    fn send_reply(&mut self, reply: ReplySender, after: u64, result: &Result<()>) {
        if result.is_ok() {
            // The command's results are in events.
            self.journal.sync();
        }
        let error = result.as_ref().err().map(CommandError::from);
        if let Some(CommandError { code, message }) = &error {
            tracing::info!(code = code.name(), "refused: {message}");
        }
        // A disconnected client needs no reply.
        let last = self.journal.seq();
        let events = EventSpan { after, last };
        let _ = reply.send(CommandAnswer { events, error });
        self.publish(true);
    }

    /// Forgets what is half done of the work under way: a cell, an alignment, the end of the job. It belongs to the surface
    /// and the grid that there were, and is begun anew when it is wanted again.
    fn discard_partial_work(&mut self) {
        self.cell_race.running_measurement = None;
        self.unstored_corner = None;
        self.alignment_run = None;
        self.completion = None;
    }

    fn begin_stage(&mut self, stage: JobStage, total: u64, work: ActorActivity) {
        self.discard_partial_work();
        self.stage = stage;
        self.clock.start();
        (self.stage_began, self.earlier_stage_seconds) = (self.clock.now(), 0.0);
        self.work_rate = publish::WorkRate::default();
        self.state = EngineState::Running;
        self.activity = work;
        self.journal.emit(Event::StageBegan { stage, total });
        self.publish(true);
    }

    /// Seconds that the stage has run, without pauses, requests in between and waits for the disk.
    fn stage_seconds(&self) -> f64 {
        self.earlier_stage_seconds + (self.clock.now() - self.stage_began).as_secs_f64()
    }

    fn end_stage(&mut self) {
        let seconds = self.stage_seconds();
        self.journal.emit(Event::StageEnded { stage: self.stage, seconds });
        self.journal.sync();
        memory::release_free_memory();
    }
}

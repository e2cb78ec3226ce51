//! The actor: one thread that owns every tensor and does all the work of a run.
//!
//! It goes in small ticks (one optimizer step, one heatmap cell, one corner aligned) and looks at its requests
//! between them, so a command never waits longer than one tick. What it does next is one value, `ActorActivity`.

mod aligning;
mod commands;
mod corners;
mod degrees;
mod ending;
mod errand;
mod estimate;
mod exporting;
mod finishing;
mod fitting;
mod forking;
mod given;
mod given_corners;
mod grids;
mod mapping;
mod opening;
mod points;
mod publish;
mod race;
mod steering;

#[cfg(test)]
mod tests;

pub use mapping::{LiveMap, LiveProgress};
pub use points::GradientHistory;

use crate::align::AlignmentRun;
use crate::checkpoint::{FitProgress, SteeredSettings};
use crate::data::DataSet;
use crate::evaluate::Evaluator;
use crate::journal::{EventJournal, complain};
use crate::memory;
use crate::model::Model;
use crate::surface::Surface;
use crate::trainer::{LossBuffer, PendingLosses, Trainer};
use crate::{EngineError, Result};
use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};
use surfit_core::config::Config;
use surfit_core::event::{CornerReady, Event, JobStage};
use surfit_core::heatmap::{Heatmap, Metric};
use surfit_core::protocol::{EngineCommand, EventSpan};
use surfit_core::run_dir::{FileIdentity, RunDir};
use surfit_core::snapshot::{ControlPoint, EngineState};
use tch::Tensor;

/// Takes the reply to a command.
pub type ReplySender = tokio::sync::oneshot::Sender<CommandAnswer>;

/// What became of a command, for whoever sent it.
#[derive(Debug)]
pub struct CommandAnswer {
    /// The events that it caused.
    pub events: EventSpan,
    /// A sentence when it was refused.
    pub error: Option<String>,
}

/// A command with the way back to whoever sent it.
#[derive(Debug)]
pub struct CommandRequest {
    /// Number of the connection that it came over.
    pub client: u64,
    /// What to do.
    pub command: EngineCommand,
    /// Takes the reply.
    pub reply: ReplySender,
}

/// What became of a command.
#[derive(Debug)]
enum CommandOutcome {
    /// It was carried out.
    Done,
    /// It takes a while; the reply comes at its end.
    Errand(Box<dyn errand::ActorTask>),
}

/// How an engine process treats its run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServeOptions {
    /// Load the present state and wait for commands instead of going on with the job.
    pub wait: bool,
    /// Seconds without work and without viewers after which the engine ends.
    pub linger: f64,
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
    Map {
        /// Cells that are left, in reverse order.
        cells: Vec<usize>,
        /// Go on with the export of the best point.
        finish: bool,
    },
    /// Export the best point and finish the job.
    Finish,
}

/// The actor's whole state.
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
    focus: Vec<f64>,
    trainer: Option<Trainer>,
    surface: Option<Surface>,
    progress: Option<FitProgress>,
    fit: fitting::FitScratch,
    pending: PendingLosses,
    /// Losses that were read and that no event has told.
    untold: Option<LossBuffer>,
    heatmap: Heatmap,
    /// What is measured of the surface on other grids.
    other_grids: grids::OtherGrids,
    /// The run's heatmap while a coarser grid is looked at.
    aside: Option<grids::TemporaryGrid>,
    metric: Metric,
    marks: Vec<(f64, f64)>,
    live: LiveProgress,
    race: race::CellRace,
    points: Vec<ControlPoint>,
    gradients: GradientHistory,
    work: ActorActivity,
    /// What was asked for and takes a while, in order; the work waits for it.
    errands: VecDeque<errand::PendingTask>,
    /// Commands that wait until nothing of that is left.
    deferred: Vec<CommandRequest>,
    /// The corner that waits for the disk.
    ready: Option<corners::MeasuredCorner>,
    /// All files of given corners were looked at since the corners were begun.
    given_are_checked: bool,
    /// The corner that is being aligned.
    aligning: Option<AlignmentRun>,
    /// The end of the job, under way.
    finishing: Option<Box<finishing::JobCompletion>>,
    /// What of the fit was changed on request.
    steering: SteeredSettings,
    estimate: estimate::CostEstimate,
    load: crate::machine::LoadSampler,
    stage: JobStage,
    stage_began: Instant,
    state: EngineState,
    clock: publish::PublicationTimes,
    pace: publish::WorkRate,
    closing: bool,
    /// Whoever asked for the end; told when everything is durable, or what is not.
    closers: Vec<ReplySender>,
    /// Tells when the run's directory is not there any more.
    directory: ending::DirectoryWatch,
    /// Digest of the training split, once somebody asked for it.
    training_digest: Option<String>,
    /// Corners as an earlier engine of this run described them.
    known_corners: BTreeMap<usize, CornerReady>,
    /// When the present pause began.
    paused_at: Option<Instant>,
    /// Work waits for the file system: until when, and for how long since the last attempt.
    stalled: Option<(Instant, Duration)>,
    /// Why it waits, in a sentence.
    stall_reason: Option<String>,
    /// What ends the engine after this tick.
    failure: Option<EngineError>,
}

/// Opens a run and works on it until it is told to end. Runs on its own thread; returns when the engine should close.
///
/// # Errors
/// Whatever keeps the run from going on; it has been recorded as a `failed` event and in the status.
pub fn run(
    run: &RunDir,
    journal: &mut EventJournal,
    requests: &Receiver<CommandRequest>,
    options: ServeOptions,
) -> Result<()> {
    let directory = run.identity();
    // A panic inside libtorch (out of memory, say) must become an event, not a silent death.
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        Actor::open(run, journal, requests, options)?.work_until_closed()
    }));
    let result = outcome.unwrap_or_else(|panic| Err(EngineError::input(panic_sentence(&*panic))));
    let result = result.map_err(|error| {
        memory::exhausted(&error.to_string(), burden(run, journal))
            .map_or(error, EngineError::input)
    });
    match &result {
        Ok(()) => journal.say(Event::Closed),
        Err(error) => {
            let message = error.to_string();
            mark_failed(run, directory, &message);
            journal.say(Event::Failed { message });
        }
    }
    attempt_repeatedly(|| {
        let synced = journal.try_sync();
        if let Err(error) = &synced {
            complain(format_args!("events are not durable: {error}"));
        }
        synced.is_ok()
    });
    journal.give_up_promises();
    result
}

/// Puts a failure into the run's status, unless another run lies at its path by now.
fn mark_failed(run: &RunDir, directory: Option<FileIdentity>, message: &str) {
    let status = run.status().filter(|_| run.identity() == directory);
    if let Some(mut status) = status {
        status.state = EngineState::Failed;
        status.failed = Some(message.to_owned());
        // An event says the same; a disk that takes neither cannot be told.
        let _ = run.write_status(&status);
    }
}

/// Makes the last attempt of an engine a few attempts: a disk may refuse once what it takes a moment later. True when one
/// succeeded.
fn attempt_repeatedly(mut attempt: impl FnMut() -> bool) -> bool {
    const ATTEMPTS: usize = 5;
    const PAUSE: Duration = Duration::from_millis(200);
    for _ in 1..ATTEMPTS {
        if attempt() {
            return true;
        }
        std::thread::sleep(PAUSE);
    }
    attempt()
}

/// Correct images and loss of an ensemble: the mean of `count` networks' class probabilities, from their sum, `[N, classes]`.
///
/// # Errors
/// [`EngineError::Torch`] when the sum does not fit the split.
pub fn measure_ensemble(
    sum: &Tensor,
    count: usize,
    split: &crate::data::DataSplit,
) -> Result<crate::model::Measurement> {
    errand::of_sum(sum, count, split)
}

/// What the run was working on, for a message about memory.
fn burden(run: &RunDir, journal: &EventJournal) -> Option<memory::MemoryContext> {
    let parameters = journal.picture().info.as_ref()?.parameters as i64;
    Some(memory::MemoryContext {
        degrees: run.status()?.degrees,
        parameters,
        batch: run.config().ok()?.fit.batch,
    })
}

/// The first line of a panic's message: libtorch appends a C++ stack.
fn panic_sentence(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    let text = text
        .split("\\n")
        .next()
        .unwrap_or(text)
        .lines()
        .next()
        .unwrap_or(text);
    format!(
        "the engine failed inside a computation: {text}; the last checkpoint is kept, resume from it"
    )
}

impl Actor<'_> {
    fn work_until_closed(mut self) -> Result<()> {
        let worked = self.work_while_open();
        self.answer_closers(&worked);
        if worked.is_err() {
            // What is still on the device may be lost with it; what was read is not.
            self.tell_losses();
        }
        worked
    }

    fn work_while_open(&mut self) -> Result<()> {
        let mut idle_since = Instant::now();
        while !self.closing {
            self.check_failure()?;
            self.check_directory()?;
            let stalled = self
                .stalled
                .is_some_and(|(until, _)| Instant::now() < until);
            let busy =
                !matches!(self.work, ActorActivity::None) && self.state == EngineState::Running;
            self.serve_requests(self.errands.is_empty() && (!busy || stalled))?;
            self.mind_aside();
            if !self.errands.is_empty() {
                idle_since = Instant::now();
                self.tick_errand();
                self.publish(false);
                continue;
            }
            if stalled {
                self.publish(false);
                continue;
            }
            if matches!(self.work, ActorActivity::None) || self.state != EngineState::Running {
                self.publish(false);
                // Not one comparison with a time that is reset: with no linger at all any time is too long.
                if self.journal.viewers() > 0 || self.state == EngineState::Paused {
                    idle_since = Instant::now();
                } else if idle_since.elapsed().as_secs_f64() > self.options.linger {
                    break;
                }
                continue;
            }
            idle_since = Instant::now();
            self.tick_or_stall()?;
            self.publish(false);
        }
        self.check_failure()?;
        self.refuse_replaced()?;
        self.flush_losses();
        if !attempt_repeatedly(|| self.save_checkpoint()) {
            self.refuse_loss()?;
        }
        self.state = if self.state == EngineState::Finished {
            EngineState::Finished
        } else {
            EngineState::Closed
        };
        attempt_repeatedly(|| {
            self.publish(true);
            self.is_published()
        });
        Ok(())
    }

    /// What was found between ticks that the work cannot go on with.
    fn check_failure(&mut self) -> Result<()> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// One tick. When the file system refuses what it would make durable, the same tick is tried again a little later:
    /// nothing of it is lost.
    fn tick_or_stall(&mut self) -> Result<()> {
        /// What fails once often passes at once; what lasts is a full disk.
        const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(5)];
        let work = self.work.clone();
        match self.tick() {
            Err(error) if error.is_io() => {
                let pause = match self.stalled {
                    Some((_, pause)) => (2 * pause).min(PAUSES[1]),
                    None => PAUSES[0],
                };
                let reason = format!("{error}; the work waits until that can be written");
                if self.stalled.is_none() {
                    self.journal.notice(reason.clone());
                }
                self.stall_reason = Some(reason);
                self.work = work;
                self.stalled = Some((Instant::now() + pause, pause));
                Ok(())
            }
            done => {
                self.stalled = None;
                self.stall_reason = None;
                done
            }
        }
    }

    fn tick(&mut self) -> Result<()> {
        match std::mem::take(&mut self.work) {
            ActorActivity::None => Ok(()),
            ActorActivity::Corner(index) => self.tick_corner(index),
            ActorActivity::Align(index) => self.tick_align(index),
            ActorActivity::Surface => self.tick_surface(),
            ActorActivity::Fit => self.tick_fit(),
            ActorActivity::Map { cells, finish } => self.tick_map(cells, finish),
            ActorActivity::Finish => self.tick_finish(),
        }
    }

    /// Carries out the commands that wait; when idle, waits a little for the first.
    fn serve_requests(&mut self, idle: bool) -> Result<()> {
        let mut waiting = std::mem::take(&mut self.deferred);
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
        for (request, superseded) in commands::latest_wins(waiting) {
            let after = self.journal.seq();
            if superseded {
                self.answer(request.reply, after, Ok(()));
                continue;
            }
            if !self.errands.is_empty() && !commands::at_once(&request.command) {
                self.deferred.push(request);
                continue;
            }
            if matches!(request.command, EngineCommand::Shutdown) {
                self.closing = true;
                self.closers.push(request.reply);
                continue;
            }
            match self.carry_out(request.command) {
                Ok(CommandOutcome::Done) => self.answer(request.reply, after, Ok(())),
                Ok(CommandOutcome::Errand(errand)) => self.ask(errand, request.reply),
                Err(error) => self.answer(request.reply, after, Err(error)),
            }
        }
        Ok(())
    }

    /// Answers a command, which caused the events after number `after`.
    fn answer(&mut self, reply: ReplySender, after: u64, result: Result<()>) {
        if result.is_ok() {
            // What it asked for is told in events.
            self.journal.sync();
        }
        let error = result.err().map(|e| e.to_string());
        // A client that left does not want its reply.
        let last = self.journal.seq();
        let events = EventSpan { after, last };
        let _ = reply.send(CommandAnswer { events, error });
        self.publish(true);
    }

    /// Forgets what is half done of the work under way: a cell, an alignment, the end of the job. It belongs to the surface
    /// and the grid that there were, and is begun anew when it is wanted again.
    fn abandon_work(&mut self) {
        self.race.under_way = None;
        self.ready = None;
        self.aligning = None;
        self.finishing = None;
    }

    fn begin_stage(&mut self, stage: JobStage, total: u64, work: ActorActivity) {
        self.abandon_work();
        self.stage = stage;
        self.stage_began = Instant::now();
        self.pace = publish::WorkRate::default();
        self.state = EngineState::Running;
        self.work = work;
        self.journal.say(Event::StageBegan { stage, total });
        self.publish(true);
    }

    fn end_stage(&mut self) {
        let seconds = self.stage_began.elapsed().as_secs_f64();
        self.journal.say(Event::StageEnded {
            stage: self.stage,
            seconds,
        });
        self.journal.sync();
        memory::trim();
    }
}

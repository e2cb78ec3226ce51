//! The runner: begins one fit after the other and sees each through.
//!
//! What is wrong with a single fit ends that fit, and the next one begins. What is wrong with the machine or the
//! installation (no room on the disk, no engine) would end every one of them in turn: there the runner stops, and the queue
//! stays as it is.

use super::{FitQueue, QueuedFit, QueuedFitKind};
use crate::child_setup;
use crate::launch::own_program;
use crate::signals::{Signals, StopRequest};
use crate::{ClientError, connect, engine_program, fork, signal_engine};
use rustix::process::Signal;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use surfit_core::config::{self, Config};
use surfit_core::protocol;
use surfit_core::run_dir::{ProcessState, RunDir, RunError, io_error_at};
use surfit_core::snapshot::EngineState;

/// How often an engine that is ending is looked at.
const EXIT_POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How long an engine that is starting may not be asked to end yet.
const SHUTDOWN_REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Deaths of an engine after which the queue goes on with the next fit.
const MAX_ENGINE_DEATHS: usize = 5;

/// How a fit of the queue ended.
#[derive(Clone, Debug, PartialEq)]
pub enum QueuedFitEnd {
    /// Its job is done.
    Finished,
    /// Somebody stopped it.
    Stopped,
    /// It could not be started, or could not go on: a sentence.
    Failed(String),
}

/// What a runner tells of a fit.
#[derive(Clone, Debug, PartialEq)]
pub enum RunnerNews {
    /// It has to wait: a fit of another queue is under way on the machine.
    Waiting,
    /// It began, or was found begun.
    Started,
    /// The fit ended in this way.
    Ended(QueuedFitEnd),
    /// It is being stopped with its runner, and its engine does not end: a clause that says why.
    ShutdownBlocked(String),
    /// It was stopped with its runner, and stays in the queue.
    Halted,
}

/// How the work on a queue ended, unless with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunnerEnd {
    /// With an empty queue.
    Empty,
    /// It did not begin: another process works on the queue.
    AlreadyRunning,
    /// By a signal. The fit that was under way made a checkpoint, and its engine is gone.
    Stopped,
    /// By signals, without waiting for the engine that was under way.
    Abandoned,
}

/// What a fit came to.
enum FitEnd {
    Ended(QueuedFitEnd),
    /// It was taken out of the queue.
    Removed,
    /// The runner was stopped.
    Halted(RunnerEnd),
}

impl FitQueue {
    /// Works on the queue until it is empty or a signal asks to stop. `told` hears of every fit that begins, and of how each
    /// ended.
    ///
    /// # Errors
    /// What is wrong with the machine: the fit that it came up with is still in the queue. What a single fit comes to is no
    /// error.
    pub fn run_queue(
        &self,
        signals: &Signals,
        on_news: &mut dyn FnMut(&QueuedFit, &RunnerNews),
    ) -> Result<RunnerEnd, ClientError> {
        self.run_queue_while(|| self.try_lock_runner(), signals, on_news)
    }

    /// As [`FitQueue::run_queue`], with the right to work from `take`, which gives it back when it is dropped.
    pub(super) fn run_queue_while<R>(
        &self,
        mut acquire: impl FnMut() -> Result<Option<R>, ClientError>,
        signals: &Signals,
        told: &mut dyn FnMut(&QueuedFit, &RunnerNews),
    ) -> Result<RunnerEnd, ClientError> {
        let mut end = RunnerEnd::AlreadyRunning;
        while let Some(right) = acquire()? {
            end = self.run_entries(signals, told)?;
            drop(right);
            // Whoever added a fit between the last look and the end found a runner at work, and left it to that.
            if end != RunnerEnd::Empty || self.entries().is_empty() {
                break;
            }
        }
        // When it could not be taken again, another one has it, who looks again in turn.
        Ok(end)
    }

    fn run_entries(
        &self,
        signals: &Signals,
        told: &mut dyn FnMut(&QueuedFit, &RunnerNews),
    ) -> Result<RunnerEnd, ClientError> {
        while let Some(first) = self.entries().into_iter().next() {
            let turn = self.wait_for_turn(signals, || told(&first, &RunnerNews::Waiting))?;
            // Between two fits nothing has to be waited for.
            if turn.is_none() || signals.stop_request().is_some() {
                return Ok(RunnerEnd::Stopped);
            }
            // It may have been taken out meanwhile.
            let Some(mut entry) = self.entries().into_iter().next() else {
                return Ok(RunnerEnd::Empty);
            };
            let number = entry.number;
            let end = match self.run_entry(&mut entry, signals, told) {
                Ok(FitEnd::Removed) => continue,
                Ok(FitEnd::Halted(end)) => {
                    if entry.halted {
                        told(&entry, &RunnerNews::Halted);
                    }
                    return Ok(end);
                }
                Ok(FitEnd::Ended(end)) => end,
                Err(error) if error.is_machine_fault() => {
                    return Err(ClientError::QueueStopped { number, source: Box::new(error) });
                }
                Err(error) => QueuedFitEnd::Failed(error.to_string()),
            };
            self.delete_entry(number)?;
            told(&entry, &RunnerNews::Ended(end));
        }
        Ok(RunnerEnd::Empty)
    }

    /// Begins the fit of an entry, or goes on with it, and sees it through to its end, whatever its engine dies of.
    fn run_entry(
        &self,
        entry: &mut QueuedFit,
        signals: &Signals,
        told: &mut dyn FnMut(&QueuedFit, &RunnerNews),
    ) -> Result<FitEnd, ClientError> {
        let run = match open_or_create_run(self, entry, signals)? {
            Begun::Run(run) => run,
            Begun::NoRun(end) => return Ok(end),
        };
        told(entry, &RunnerNews::Started);
        let (mut deaths, mut checkpoint, mut engine) = (0, false, None);
        loop {
            while is_job_running(&run) {
                if std::mem::take(&mut entry.halted) {
                    self.claim_entry(entry)?;
                }
                checkpoint |= signals.checkpoint_request();
                // One that is starting is asked when it works.
                checkpoint = checkpoint && !request_engine(&run, Signal::USR1, protocol::EngineCommand::Checkpoint);
                if signals.await_stop() {
                    return self.halt_entry(entry, &run, signals, told);
                }
            }
            if !surfit_core::files::is_file(&run.config_path()) {
                let gone = format!("{} is gone", run.path().display());
                return Ok(FitEnd::Ended(QueuedFitEnd::Failed(gone)));
            }
            let status = run.status();
            let end = match status.as_ref().map(|s| s.state) {
                Some(EngineState::Finished) => QueuedFitEnd::Finished,
                Some(EngineState::Failed) => {
                    let why = status.and_then(|s| s.failed);
                    QueuedFitEnd::Failed(why.unwrap_or_else(|| "it could not go on".into()))
                }
                // The engine that goes on with it has not said so yet, or another one has still to leave.
                Some(EngineState::Closed | EngineState::Idle) if entry.halted && run.is_engine_alive() => {
                    match signals.await_stop() {
                        true => return self.halt_entry(entry, &run, signals, told),
                        false => continue,
                    }
                }
                Some(EngineState::Closed | EngineState::Idle)
                    if !entry.halted || engine.is_some() && status.as_ref().map(|s| s.pid) == engine =>
                {
                    // A batch system may have signalled the engine too, a moment before this process.
                    if signals.await_stop() {
                        return self.halt_entry(entry, &run, signals, told);
                    }
                    QueuedFitEnd::Stopped
                }
                // New, stopped with its runner, or its engine died.
                _ if deaths > MAX_ENGINE_DEATHS => QueuedFitEnd::Failed(format!("its engine died {deaths} times")),
                _ => {
                    deaths += 1;
                    engine = start_entry_engine(&run)?;
                    continue;
                }
            };
            return Ok(FitEnd::Ended(end));
        }
    }

    /// Lets the engine of a fit make a checkpoint and end. The fit stays in the queue, and the next runner goes on with it.
    fn halt_entry(
        &self,
        entry: &mut QueuedFit,
        run: &RunDir,
        signals: &Signals,
        told: &mut dyn FnMut(&QueuedFit, &RunnerNews),
    ) -> Result<FitEnd, ClientError> {
        let _ = signals.stop_request();
        // An engine of another node goes on there.
        if run.unreachable_engine_node().is_some() {
            return Ok(FitEnd::Halted(RunnerEnd::Stopped));
        }
        // Before it ends: what nobody waits for any more is still to go on.
        entry.halted = true;
        self.claim_entry(entry)?;
        let (mut asked, mut hindrance, began) = (false, None, Instant::now());
        while run.is_engine_alive() {
            asked = asked || request_engine(run, Signal::TERM, protocol::EngineCommand::Shutdown);
            let found = shutdown_obstacle(run, asked || began.elapsed() < SHUTDOWN_REQUEST_TIMEOUT);
            if found != hindrance {
                hindrance = found;
                if let Some(why) = &hindrance {
                    told(entry, &RunnerNews::ShutdownBlocked(why.clone()));
                }
            }
            if signals.stop_request() == Some(StopRequest::ExitNow) {
                return Ok(FitEnd::Halted(RunnerEnd::Abandoned));
            }
            std::thread::sleep(EXIT_POLL_INTERVAL);
        }
        Ok(FitEnd::Halted(RunnerEnd::Stopped))
    }

    /// Starts a runner that outlives this process. When there is one already, the new one sees that and ends.
    ///
    /// # Errors
    /// When this program cannot be started again.
    pub fn start_runner(&self) -> Result<(), ClientError> {
        fs::create_dir_all(&self.folder).map_err(io_error_at(&self.folder))?;
        let log_path = self.log_path();
        let log = File::options().create(true).append(true).open(&log_path).map_err(io_error_at(&log_path))?;
        let errors = log.try_clone().map_err(io_error_at(&log_path))?;
        let mut command = Command::new(own_program()?);
        command.args(["queue", "start"]).stdin(Stdio::null()).stdout(log).stderr(errors);
        child_setup::start_in_own_session(&mut command);
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().map_err(ClientError::io(format!("starting {program}")))?;
        let _ = std::thread::Builder::new().name("queue waiter".into()).spawn(move || child.wait());
        Ok(())
    }

    /// The first free name for a run among those that the queue lies in.
    fn free_run_path(&self, name: &str) -> PathBuf {
        let root = self.folder.parent().unwrap_or(Path::new("/"));
        (1..)
            .map(|attempt| match attempt {
                1 => root.join(name),
                n => root.join(format!("{name}-{n}")),
            })
            .find(|path| path.symlink_metadata().is_err())
            .unwrap_or_default()
    }
}

/// What an entry's turn begins with.
enum Begun {
    /// Its run.
    Run(RunDir),
    /// No run: it was taken out meanwhile, or a signal asked to stop.
    NoRun(FitEnd),
}

impl Begun {
    fn of(run: Option<RunDir>) -> Self {
        run.map_or(Begun::NoRun(FitEnd::Removed), Begun::Run)
    }
}

/// The run of an entry, made when it was not. Where it is to be is written down before it is made, so that a runner that
/// dies in between leaves nothing that nobody knows of.
fn open_or_create_run(queue: &FitQueue, entry: &mut QueuedFit, signals: &Signals) -> Result<Begun, ClientError> {
    if let Some(path) = &entry.run
        && let Ok(run) = RunDir::open(path)
    {
        return Ok(Begun::of(queue.claim_entry(entry)?.then_some(run)));
    }
    match entry.task.clone() {
        QueuedFitKind::New { config: text } => {
            let config = config::parse(&text, "the queue")
                .map_err(|source| ClientError::QueuedConfig { number: entry.number, source })?;
            create_entry_run(queue, entry, &config).map(Begun::of)
        }
        QueuedFitKind::Fork { run, degrees } => {
            let run = RunDir::open(&run)?;
            // From what it comes to, not from the middle of its fit.
            while is_job_running(&run) {
                if !queue.entry_path(entry.number).exists() {
                    return Ok(Begun::of(None));
                }
                if signals.await_stop() {
                    return Ok(Begun::NoRun(FitEnd::Halted(RunnerEnd::Stopped)));
                }
            }
            let path = match &entry.run {
                Some(path) => path.clone(),
                None => (1..)
                    .map(|attempt| fork::fork_path(&run, Some(degrees), attempt))
                    .find(|path| path.symlink_metadata().is_err())
                    .unwrap_or_default(),
            };
            engine_program()?;
            entry.run = Some(path.clone());
            if !queue.claim_entry(entry)? {
                return Ok(Begun::of(None));
            }
            fork::fork(&run, Some(degrees), Some(&path)).map(Begun::Run)
        }
    }
}

/// Makes the run of a configuration.
fn create_entry_run(queue: &FitQueue, entry: &mut QueuedFit, config: &Config) -> Result<Option<RunDir>, ClientError> {
    // Before the directory is made: without an engine it would be a run at rest.
    engine_program()?;
    let name = format!("{}-q{}", config.name, entry.number);
    let mut path = entry.run.clone().unwrap_or_else(|| queue.free_run_path(&name));
    loop {
        entry.run = Some(path.clone());
        if !queue.claim_entry(entry)? {
            return Ok(None);
        }
        match RunDir::create(&path, config) {
            // Somebody put something there in the meantime.
            Err(RunError::Exists(_)) => path = queue.free_run_path(&name),
            done => return Ok(Some(done?)),
        }
    }
}

/// Starts the engine of an entry's run; its process id, when it could be greeted.
fn start_entry_engine(run: &RunDir) -> Result<Option<u32>, ClientError> {
    let before = run.status().map(|s| s.heartbeat);
    started_engine_pid(run, before, fork::start_detached_engine(run))
}

/// The process id of an engine that was to be started, or `None` when it is another one's turn, which the run's status tells
/// of. `before` is the heartbeat of that status before the start.
pub(super) fn started_engine_pid(
    run: &RunDir,
    before: Option<f64>,
    started: Result<u32, ClientError>,
) -> Result<Option<u32>, ClientError> {
    match started {
        // Another one was faster, and may have left meanwhile.
        Err(ClientError::Run(RunError::InUse { .. })) => Ok(None),
        // It may have begun and ended before anybody could greet it. A status that says it works belongs to an engine that
        // is no more; the new one writes its own at once.
        Err(ClientError::DidNotStart(_)) if has_job_ended(run) && run.status().map(|s| s.heartbeat) != before => {
            Ok(None)
        }
        // A configuration that cannot be read is no fault of the machine.
        Err(ClientError::DidNotStart(_)) if run.config().is_err() => {
            run.config()?;
            Ok(None)
        }
        started => started.map(Some),
    }
}

/// Asks the engine of a run by a signal, which needs no answer, or else by a command: its process id is not known where its
/// status could not be written. False while it cannot be reached.
fn request_engine(run: &RunDir, signal: Signal, command: protocol::EngineCommand) -> bool {
    signal_engine(run, signal).is_ok() || connect(run, None).is_ok_and(|mut engine| engine.send(command).is_ok())
}

/// What keeps the engine of a run from its end that was `asked` for, as far as somebody can do something about it.
pub(super) fn shutdown_obstacle(run: &RunDir, asked: bool) -> Option<String> {
    if run.engine_process_state() == Some(ProcessState::Suspended) {
        let pid = run.status()?.pid;
        return Some(format!("its engine (pid {pid}) is suspended; let it go on with `kill -CONT {pid}`"));
    }
    let unasked = || {
        let log = run.log_path().display().to_string();
        format!("its engine cannot be asked to end; look at {log}, ctrl-c leaves it")
    };
    (!asked).then(unasked)
}

/// An engine works on a run's job.
fn is_job_running(run: &RunDir) -> bool {
    let state = run.status().map_or(EngineState::Starting, |s| s.state);
    let works = matches!(state, EngineState::Starting | EngineState::Running | EngineState::Paused);
    run.is_engine_alive() && works
}

/// Its status says how its job ended.
fn has_job_ended(run: &RunDir) -> bool {
    let ended = [EngineState::Finished, EngineState::Failed, EngineState::Closed];
    run.status().is_some_and(|s| ended.contains(&s.state))
}

//! The runner: starts one fit after the other and follows each to its end.
//!
//! An error of a single fit ends that fit, and the next one starts. An error of the machine or the installation (full disk, no
//! engine) would end all of them in turn: it stops the runner, and the queue is kept.

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

const EXIT_POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Time that a starting engine may take before it accepts a stop request.
const SHUTDOWN_REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Deaths of an engine after which the queue continues with the next fit.
const MAX_ENGINE_DEATHS: usize = 5;

#[derive(Clone, Debug, PartialEq)]
pub enum QueuedFitEnd {
    Finished,
    Stopped,
    /// It could not be started, or failed: a sentence.
    Failed(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum RunnerNews {
    /// It waits: a fit of another queue is running on the machine.
    Waiting,
    /// It started, or was running already.
    Started,
    Ended(QueuedFitEnd),
    /// Its engine does not end when it is stopped with its runner; a clause with the reason.
    ShutdownBlocked(String),
    /// It was stopped with its runner, and stays in the queue.
    Halted,
}

/// How a runner ended without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunnerEnd {
    Empty,
    /// It did not start: another process works on the queue.
    AlreadyRunning,
    /// A signal stopped it. The running fit wrote a checkpoint, and its engine has ended.
    Stopped,
    /// Signals stopped it, without waiting for the running engine.
    Abandoned,
}

enum FitEnd {
    Ended(QueuedFitEnd),
    /// It left the queue.
    Removed,
    Halted(RunnerEnd),
}

impl FitQueue {
    /// Runs the queue until it is empty or a signal asks to stop. Calls `told` for every fit that starts or ends.
    ///
    /// # Errors
    /// An error of the machine; the present fit stays in the queue. A failed fit is no error.
    pub fn run_queue(
        &self,
        signals: &Signals,
        on_news: &mut dyn FnMut(&QueuedFit, &RunnerNews),
    ) -> Result<RunnerEnd, ClientError> {
        self.run_queue_while(|| self.try_lock_runner(), signals, on_news)
    }

    /// As [`FitQueue::run_queue`], with the lock from `take`, which is released when it is dropped.
    pub(super) fn run_queue_while<R>(
        &self,
        mut acquire: impl FnMut() -> Result<Option<R>, ClientError>,
        signals: &Signals,
        on_news: &mut dyn FnMut(&QueuedFit, &RunnerNews),
    ) -> Result<RunnerEnd, ClientError> {
        let mut end = RunnerEnd::AlreadyRunning;
        while let Some(right) = acquire()? {
            end = self.run_entries(signals, on_news)?;
            drop(right);
            // A process that appended a fit after the last check found this runner, and relies on it.
            if end != RunnerEnd::Empty || self.entries().is_empty() {
                break;
            }
        }
        // If the lock is taken, its new runner checks again in turn.
        Ok(end)
    }

    fn run_entries(
        &self,
        signals: &Signals,
        on_news: &mut dyn FnMut(&QueuedFit, &RunnerNews),
    ) -> Result<RunnerEnd, ClientError> {
        while let Some(first) = self.entries().into_iter().next() {
            let turn = self.wait_for_turn(signals, || on_news(&first, &RunnerNews::Waiting))?;
            // Between two fits there is nothing to wait for.
            if turn.is_none() || signals.stop_request().is_some() {
                return Ok(RunnerEnd::Stopped);
            }
            // It may have been removed in the meantime.
            let Some(mut entry) = self.entries().into_iter().next() else {
                return Ok(RunnerEnd::Empty);
            };
            let number = entry.number;
            let end = match self.run_entry(&mut entry, signals, on_news) {
                Ok(FitEnd::Removed) => continue,
                Ok(FitEnd::Halted(end)) => {
                    if entry.halted {
                        on_news(&entry, &RunnerNews::Halted);
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
            on_news(&entry, &RunnerNews::Ended(end));
        }
        Ok(RunnerEnd::Empty)
    }

    /// Starts or resumes the fit of an entry, and follows it to its end, restarting its engine if that dies.
    fn run_entry(
        &self,
        entry: &mut QueuedFit,
        signals: &Signals,
        on_news: &mut dyn FnMut(&QueuedFit, &RunnerNews),
    ) -> Result<FitEnd, ClientError> {
        let run = match open_or_create_run(self, entry, signals)? {
            Ok(run) => run,
            Err(end) => return Ok(end),
        };
        on_news(entry, &RunnerNews::Started);
        let (mut deaths, mut checkpoint, mut engine) = (0, false, None);
        loop {
            while is_job_running(&run) {
                if std::mem::take(&mut entry.halted) {
                    self.claim_entry(entry)?;
                }
                checkpoint |= signals.checkpoint_request();
                // A starting engine gets the request when it works.
                checkpoint = checkpoint && !request_engine(&run, Signal::USR1, protocol::EngineCommand::Checkpoint);
                if signals.await_stop() {
                    return self.halt_entry(entry, &run, signals, on_news);
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
                    QueuedFitEnd::Failed(why.unwrap_or_else(|| "it failed without a reason".into()))
                }
                // The new engine has not reported yet, or another one is still ending.
                Some(EngineState::Closed | EngineState::Idle) if entry.halted && run.is_engine_alive() => {
                    match signals.await_stop() {
                        true => return self.halt_entry(entry, &run, signals, on_news),
                        false => continue,
                    }
                }
                Some(EngineState::Closed | EngineState::Idle)
                    if !entry.halted || engine.is_some() && status.as_ref().map(|s| s.pid) == engine =>
                {
                    // A batch system may have signalled the engine too, a moment before this process.
                    if signals.await_stop() {
                        return self.halt_entry(entry, &run, signals, on_news);
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

    /// Makes the engine of a fit write a checkpoint and end. The fit stays in the queue, and the next runner continues it.
    fn halt_entry(
        &self,
        entry: &mut QueuedFit,
        run: &RunDir,
        signals: &Signals,
        on_news: &mut dyn FnMut(&QueuedFit, &RunnerNews),
    ) -> Result<FitEnd, ClientError> {
        let _ = signals.stop_request();
        // An engine on another node continues there.
        if run.unreachable_engine_node().is_some() {
            return Ok(FitEnd::Halted(RunnerEnd::Stopped));
        }
        // Stored before it ends: the fit must continue even if this runner exits.
        entry.halted = true;
        self.claim_entry(entry)?;
        let (mut asked, mut hindrance, began) = (false, None, Instant::now());
        while run.is_engine_alive() {
            asked = asked || request_engine(run, Signal::TERM, protocol::EngineCommand::Shutdown);
            let found = shutdown_obstacle(run, asked || began.elapsed() < SHUTDOWN_REQUEST_TIMEOUT);
            if found != hindrance {
                hindrance = found;
                if let Some(why) = &hindrance {
                    on_news(entry, &RunnerNews::ShutdownBlocked(why.clone()));
                }
            }
            if signals.stop_request() == Some(StopRequest::ExitNow) {
                return Ok(FitEnd::Halted(RunnerEnd::Abandoned));
            }
            std::thread::sleep(EXIT_POLL_INTERVAL);
        }
        Ok(FitEnd::Halted(RunnerEnd::Stopped))
    }

    /// Starts a runner in the background. It ends at once if there is one already.
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

    /// Returns the first free name for a run beside the queue.
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

/// Opens or creates the run of an entry; its turn ends where it was removed, or a signal asked to stop. The run's path is
/// stored before it is created, so that a crash in between leaves no unknown run.
fn open_or_create_run(
    queue: &FitQueue,
    entry: &mut QueuedFit,
    signals: &Signals,
) -> Result<Result<RunDir, FitEnd>, ClientError> {
    if let Some(path) = &entry.run
        && let Ok(run) = RunDir::open(path)
    {
        return Ok(if queue.claim_entry(entry)? { Ok(run) } else { Err(FitEnd::Removed) });
    }
    match entry.task.clone() {
        QueuedFitKind::New { config: text } => {
            let config = config::parse(&text, "the queue")
                .map_err(|source| ClientError::QueuedConfig { number: entry.number, source })?;
            Ok(create_entry_run(queue, entry, &config)?.ok_or(FitEnd::Removed))
        }
        QueuedFitKind::Fork { run, degrees } => {
            let run = RunDir::open(&run)?;
            // From the end of its fit, not from the middle.
            while is_job_running(&run) {
                if !queue.entry_path(entry.number).exists() {
                    return Ok(Err(FitEnd::Removed));
                }
                if signals.await_stop() {
                    return Ok(Err(FitEnd::Halted(RunnerEnd::Stopped)));
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
                return Ok(Err(FitEnd::Removed));
            }
            fork::fork(&run, Some(degrees), Some(&path)).map(Ok)
        }
    }
}

fn create_entry_run(queue: &FitQueue, entry: &mut QueuedFit, config: &Config) -> Result<Option<RunDir>, ClientError> {
    // Before the directory is created: without an engine nothing would run in it.
    engine_program()?;
    let name = format!("{}-q{}", config.name, entry.number);
    let mut path = entry.run.clone().unwrap_or_else(|| queue.free_run_path(&name));
    loop {
        entry.run = Some(path.clone());
        if !queue.claim_entry(entry)? {
            return Ok(None);
        }
        match RunDir::create(&path, config) {
            // The path was taken in the meantime.
            Err(RunError::Exists(_)) => path = queue.free_run_path(&name),
            done => return Ok(Some(done?)),
        }
    }
}

/// Starts the engine of an entry's run; returns its process id, if it could be reached.
fn start_entry_engine(run: &RunDir) -> Result<Option<u32>, ClientError> {
    let before = run.status().map(|s| s.heartbeat);
    started_engine_pid(run, before, fork::start_detached_engine(run))
}

/// Returns the process id of a started engine, or `None` when another one has the run according to its status. `before` is the
/// heartbeat of the status before the start.
pub(super) fn started_engine_pid(
    run: &RunDir,
    before: Option<f64>,
    started: Result<u32, ClientError>,
) -> Result<Option<u32>, ClientError> {
    match started {
        // Another engine was faster, and may have ended already.
        Err(ClientError::Run(RunError::InUse { .. })) => Ok(None),
        // It may have started and ended before anybody could connect. A status of a running engine is stale then; a new engine
        // writes its own at once.
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

/// Sends the engine of a run a signal, which needs no reply, or else a command: without a status its process id is unknown.
/// False while it cannot be reached.
fn request_engine(run: &RunDir, signal: Signal, command: protocol::EngineCommand) -> bool {
    signal_engine(run, signal).is_ok() || connect(run, None).is_ok_and(|mut engine| engine.send(command).is_ok())
}

/// Returns what keeps the engine of a run from ending, if the user can remove the obstacle. `asked`: request received.
pub(super) fn shutdown_obstacle(run: &RunDir, asked: bool) -> Option<String> {
    if run.engine_process_state() == Some(ProcessState::Suspended) {
        let pid = run.status()?.pid;
        return Some(format!("its engine (pid {pid}) is suspended; continue it with `kill -CONT {pid}`"));
    }
    let unasked = || {
        let log = run.log_path().display().to_string();
        format!("its engine cannot be reached; see {log}, or press ctrl-c to leave it")
    };
    (!asked).then(unasked)
}

fn is_job_running(run: &RunDir) -> bool {
    let state = run.status().map_or(EngineState::Starting, |s| s.state);
    let works = matches!(state, EngineState::Starting | EngineState::Running | EngineState::Paused);
    run.is_engine_alive() && works
}

/// True when the status has the end of the job.
fn has_job_ended(run: &RunDir) -> bool {
    let ended = [EngineState::Finished, EngineState::Failed, EngineState::Closed];
    run.status().is_some_and(|s| ended.contains(&s.state))
}

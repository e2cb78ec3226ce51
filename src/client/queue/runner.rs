//! The runner: begins one fit after the other and sees each through.
//!
//! What is wrong with a single fit ends that fit, and the next one begins. What is wrong with the machine or the
//! installation (no room on the disk, no engine) would end every one of them in turn: there the runner stops, and the queue
//! stays as it is.

use super::{Entry, Queue, Task};
use crate::client::launch::own_program;
use crate::client::{ClientError, engine_program, fork};
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use surfit_core::config::{self, Config};
use surfit_core::run_dir::{RunDir, RunError, at};
use surfit_core::snapshot::State;

/// How often a run that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Deaths of an engine after which the queue goes on with the next fit.
const DEATHS: usize = 5;

/// How a fit of the queue ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// Its job is done.
    Finished,
    /// Somebody stopped it.
    Stopped,
    /// It could not be started, or could not go on: a sentence.
    Failed(String),
}

/// What a runner tells of a fit.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// It has to wait: a fit of another queue is under way on the machine.
    Waits,
    /// It began, or was found begun.
    Began,
    /// It ended.
    Ended(End),
}

impl Queue {
    /// Works on the queue until it is empty; false when another process does. `told` hears of every fit that begins, and
    /// of how each ended.
    ///
    /// # Errors
    /// What is wrong with the machine: the fit that it came up with is still in the queue. What a single fit comes to is no
    /// error.
    pub fn work(&self, told: &mut dyn FnMut(&Entry, &News)) -> Result<bool, ClientError> {
        self.work_while(|| self.runner(), told)
    }

    /// As [`Queue::work`], with the right to work from `take`, which gives it back when it is dropped.
    pub(super) fn work_while<R>(
        &self,
        mut take: impl FnMut() -> Result<Option<R>, ClientError>,
        told: &mut dyn FnMut(&Entry, &News),
    ) -> Result<bool, ClientError> {
        let mut worked = false;
        while let Some(right) = take()? {
            worked = true;
            self.work_off(told)?;
            drop(right);
            // Whoever added a fit between the last look and the end found a runner at work, and left it to that.
            if self.entries().is_empty() {
                break;
            }
        }
        // When it could not be taken again, another one has it, who looks again in turn.
        Ok(worked)
    }

    fn work_off(&self, told: &mut dyn FnMut(&Entry, &News)) -> Result<(), ClientError> {
        while let Some(first) = self.entries().into_iter().next() {
            let _turn = self.turn(|| told(&first, &News::Waits))?;
            // It may have been taken out meanwhile.
            let Some(mut entry) = self.entries().into_iter().next() else {
                return Ok(());
            };
            let number = entry.number;
            let outcome = match begun(self, &mut entry) {
                Ok(None) => continue,
                Ok(Some(run)) => {
                    told(&entry, &News::Began);
                    see_through(&run)
                }
                Err(error) => Err(error),
            };
            let end = match outcome {
                Ok(end) => end,
                Err(error) if error.is_of_machine() => {
                    return Err(ClientError::Refused(format!(
                        "{error}; number {number} and what is behind it stay in the queue, go on with `surfit queue start`"
                    )));
                }
                Err(error) => End::Failed(error.to_string()),
            };
            self.forget(number)?;
            told(&entry, &News::Ended(end));
        }
        Ok(())
    }

    /// Starts a runner that outlives this process. When there is one already, the new one sees that and ends.
    ///
    /// # Errors
    /// When this program cannot be started again.
    pub fn start_runner(&self) -> Result<(), ClientError> {
        fs::create_dir_all(&self.folder).map_err(at(&self.folder))?;
        let log_path = self.log_path();
        let log = File::options()
            .create(true)
            .append(true)
            .open(&log_path)
            .map_err(at(&log_path))?;
        let errors = log.try_clone().map_err(at(&log_path))?;
        let mut command = Command::new(own_program()?);
        command
            .args(["queue", "start"])
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors);
        // SAFETY: `setsid` is a bare system call, allowed between fork and exec; nothing is allocated.
        unsafe {
            command.pre_exec(|| {
                let _ = rustix::process::setsid();
                Ok(())
            });
        }
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .spawn()
            .map_err(ClientError::io(format!("starting {program}")))?;
        let _ = std::thread::Builder::new()
            .name("queue waiter".into())
            .spawn(move || child.wait());
        Ok(())
    }

    /// The first free name for a run among those that the queue lies in.
    fn free(&self, name: &str) -> PathBuf {
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

/// The run of an entry, made when it was not; `None` when the entry was taken out meanwhile. Where it is to be is written
/// down before it is made, so that a runner that dies in between leaves nothing that nobody knows of.
pub(super) fn begun(queue: &Queue, entry: &mut Entry) -> Result<Option<RunDir>, ClientError> {
    if let Some(path) = &entry.run
        && let Ok(run) = RunDir::open(path)
    {
        return Ok(queue.claim(entry)?.then_some(run));
    }
    match entry.task.clone() {
        Task::New { config: text } => {
            let config = config::parse(&text, "the queue")
                .map_err(|e| ClientError::Refused(format!("number {}: {e}", entry.number)))?;
            create(queue, entry, &config)
        }
        Task::Fork { run, degrees } => {
            let run = RunDir::open(&run)?;
            // From what it comes to, not from the middle of its fit.
            while busy(&run) {
                if !queue.path(entry.number).exists() {
                    return Ok(None);
                }
                std::thread::sleep(LOOK);
            }
            let path = match &entry.run {
                Some(path) => path.clone(),
                None => (1..)
                    .map(|attempt| fork::place(&run, Some(degrees), attempt))
                    .find(|path| path.symlink_metadata().is_err())
                    .unwrap_or_default(),
            };
            engine_program()?;
            entry.run = Some(path.clone());
            if !queue.claim(entry)? {
                return Ok(None);
            }
            fork::fork(&run, Some(degrees), Some(&path)).map(Some)
        }
    }
}

/// Makes the run of a configuration.
fn create(
    queue: &Queue,
    entry: &mut Entry,
    config: &Config,
) -> Result<Option<RunDir>, ClientError> {
    // Before the directory is made: without an engine it would be a run at rest.
    engine_program()?;
    let name = format!("{}-q{}", config.name, entry.number);
    let mut path = entry.run.clone().unwrap_or_else(|| queue.free(&name));
    loop {
        entry.run = Some(path.clone());
        if !queue.claim(entry)? {
            return Ok(None);
        }
        match RunDir::create(&path, config) {
            // Somebody put something there in the meantime.
            Err(RunError::Exists(_)) => path = queue.free(&name),
            done => return Ok(Some(done?)),
        }
    }
}

/// An engine works on a run's job.
fn busy(run: &RunDir) -> bool {
    let state = run.status().map_or(State::Starting, |s| s.state);
    let works = matches!(state, State::Starting | State::Running | State::Paused);
    run.is_alive() && works
}

/// Sees a run through to its end, whatever its engine dies of.
fn see_through(run: &RunDir) -> Result<End, ClientError> {
    let mut deaths = 0;
    loop {
        while busy(run) {
            std::thread::sleep(LOOK);
        }
        if !surfit_core::files::is_file(&run.config_path()) {
            return Ok(End::Failed(format!("{} is gone", run.path().display())));
        }
        let status = run.status();
        match status.as_ref().map(|s| s.state) {
            Some(State::Finished) => return Ok(End::Finished),
            Some(State::Failed) => {
                let why = status.and_then(|s| s.failed);
                return Ok(End::Failed(
                    why.unwrap_or_else(|| "it could not go on".into()),
                ));
            }
            Some(State::Closed | State::Idle) => return Ok(End::Stopped),
            // New, or its engine died.
            _ if deaths > DEATHS => {
                return Ok(End::Failed(format!("its engine died {deaths} times")));
            }
            _ => {}
        }
        deaths += 1;
        // A status that says it works belongs to an engine that is no more; the new one writes its own at once.
        match fork::set_off(run) {
            // It may have begun and ended before anybody could greet it, or another one was faster.
            Err(ClientError::DidNotStart(_)) if over(run) || run.is_alive() => {}
            Err(ClientError::DidNotStart(why)) if run.config().is_err() => {
                return Ok(End::Failed(why));
            }
            started => drop(started?),
        }
    }
}

/// Its status says how its job ended.
fn over(run: &RunDir) -> bool {
    let ended = [State::Finished, State::Failed, State::Closed];
    run.status().is_some_and(|s| ended.contains(&s.state))
}

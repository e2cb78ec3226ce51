//! Fits that wait for their turn: a folder with a file for each, and a runner that starts the next when the one before has
//! ended. One runner a machine; whatever dies, the next one goes on where it was.

use super::{ClientError, fork};
use rustix::fs::{FlockOperation, OFlags, flock};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use surfit_core::config::{self, Config};
use surfit_core::files::{json, write_atomic};
use surfit_core::run_dir::{RunDir, RunError, at, private_folder, socket_folder};
use surfit_core::snapshot::State;
use surfit_core::surface::Degrees;

/// How often a run that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How long whoever asks for a runner may hold its lock.
const ASKED: Duration = Duration::from_millis(25);
/// Deaths of an engine after which the queue goes on with the next fit.
const DEATHS: usize = 5;

/// What a fit in the queue is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// A new run of a configuration, as TOML, every path absolute.
    New {
        /// The configuration.
        config: String,
    },
    /// Another degree of a run, from its last checkpoint once it is at rest.
    Fork {
        /// The run's directory.
        run: PathBuf,
        /// The degrees.
        degrees: Degrees,
    },
}

/// A fit in the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, by which it is named.
    pub number: u64,
    /// What it is.
    pub task: Task,
    /// A line about it.
    pub title: String,
    /// Its run, once it was started.
    pub run: Option<PathBuf>,
}

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

/// The user's queue.
#[derive(Clone, Debug)]
pub struct Queue {
    folder: PathBuf,
}

/// Held while a runner works.
#[derive(Debug)]
pub struct Runner {
    _lock: File,
}

impl Queue {
    /// The queue beside the user's runs.
    pub fn open() -> Self {
        Self {
            folder: RunDir::default_root().join(".queue"),
        }
    }

    /// Fits that wait, and the one that runs, in order. Files that are no entries are passed over.
    pub fn entries(&self) -> Vec<Entry> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut all: Vec<Entry> = files
            .filter(|f| f.path().extension().is_some_and(|e| e == "json"))
            .filter_map(|f| serde_json::from_slice(&fs::read(f.path()).ok()?).ok())
            .collect();
        all.sort_by_key(|e| e.number);
        all
    }

    /// Puts a configuration at the end.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn add_config(&self, config: &Config) -> Result<Entry, ClientError> {
        let title = format!(
            "{} ({} on {}, degree {})",
            config.name,
            config.network.name,
            config.data.set,
            config.degrees()
        );
        let config = config.try_to_toml(&self.folder).map_err(RunError::Config)?;
        self.add(Task::New { config }, title)
    }

    /// Puts another degree of a run at the end.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn add_fork(&self, run: &RunDir, degrees: Degrees) -> Result<Entry, ClientError> {
        let title = format!("{} at degree {degrees}", run.id());
        let run = run.path().to_owned();
        self.add(Task::Fork { run, degrees }, title)
    }

    fn add(&self, task: Task, title: String) -> Result<Entry, ClientError> {
        fs::create_dir_all(&self.folder).map_err(at(&self.folder))?;
        // Two who add at a time must not take the same number.
        let path = self.folder.join("lock");
        let lock = lock_file(&path)?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|e| at(&path)(e.into()))?;
        let last = self.entries().last().map_or(0, |e| e.number);
        // A number is not given twice, though its fit has ended.
        let path = self.folder.join("last");
        let given = fs::read_to_string(&path).unwrap_or_default();
        let number = last.max(given.trim().parse().unwrap_or(0)) + 1;
        write_atomic(&path, number.to_string().as_bytes()).map_err(at(&path))?;
        let entry = Entry {
            number,
            task,
            title,
            run: None,
        };
        self.write(&entry)?;
        Ok(entry)
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:06}.json"))
    }

    fn write(&self, entry: &Entry) -> Result<(), ClientError> {
        let path = self.path(entry.number);
        let json = json(entry).map_err(at(&path))?;
        Ok(write_atomic(&path, &json).map_err(at(&path))?)
    }

    /// Takes a fit out that was not started.
    ///
    /// # Errors
    /// When there is none of that number, or its run is under way.
    pub fn remove(&self, number: u64) -> Result<Entry, ClientError> {
        let all = self.entries();
        let entry = all
            .into_iter()
            .find(|e| e.number == number)
            .ok_or_else(|| {
                ClientError::Refused(format!(
                    "nothing with the number {number} is in the queue; `surfit queue ls` lists it"
                ))
            })?;
        if let Some(run) = entry.run.as_ref().and_then(|p| RunDir::open(p).ok())
            && run.is_alive()
        {
            return Err(ClientError::Refused(format!(
                "number {number} is under way as {id}; end it with `surfit stop {id}`",
                id = run.id()
            )));
        }
        self.forget(number)?;
        Ok(entry)
    }

    fn forget(&self, number: u64) -> Result<(), ClientError> {
        let path = self.path(number);
        Ok(surfit_core::files::remove(&path).map_err(at(&path))?)
    }

    /// The right to run the queue on this machine; `None` when another process has it. The kernel gives it back however
    /// that ends.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn runner(&self) -> Result<Option<Runner>, ClientError> {
        Self::runner_in(&socket_folder())
    }

    fn runner_in(folder: &Path) -> Result<Option<Runner>, ClientError> {
        private_folder(folder)?;
        let path = folder.join("queue.lock");
        let lock = lock_file(&path)?;
        // Who only asks holds the lock for an instant; that is waited out.
        for _ in 0..20 {
            match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Some(Runner { _lock: lock })),
                Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(ASKED),
                Err(e) => return Err(at(&path)(e.into()).into()),
            }
        }
        Ok(None)
    }

    /// True while a runner works on the queue. Nobody who becomes one just now is turned away by the question.
    ///
    /// # Errors
    /// When the file system says no.
    pub fn is_worked_on(&self) -> Result<bool, ClientError> {
        Self::is_worked_on_in(&socket_folder())
    }

    fn is_worked_on_in(folder: &Path) -> Result<bool, ClientError> {
        private_folder(folder)?;
        let path = folder.join("queue.lock");
        // Shared: those who ask at a time do not take one another for a runner.
        match flock(lock_file(&path)?, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(false),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
            Err(e) => Err(at(&path)(e.into()).into()),
        }
    }

    /// Works on the queue until it is empty; false when another process does. `told` hears of every fit that begins, and
    /// of how each ended.
    ///
    /// # Errors
    /// When the queue's files cannot be written. What a single fit comes to is no error.
    pub fn work(&self, told: &mut dyn FnMut(&Entry, Option<&End>)) -> Result<bool, ClientError> {
        self.work_while(|| self.runner(), told)
    }

    /// As [`Queue::work`], with the right to work from `take`, which gives it back when it is dropped.
    fn work_while<R>(
        &self,
        mut take: impl FnMut() -> Result<Option<R>, ClientError>,
        told: &mut dyn FnMut(&Entry, Option<&End>),
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

    fn work_off(&self, told: &mut dyn FnMut(&Entry, Option<&End>)) -> Result<(), ClientError> {
        while let Some(mut entry) = self.entries().into_iter().next() {
            let end = match begun(self, &mut entry) {
                Ok(run) => {
                    told(&entry, None);
                    see_through(&run)
                }
                // It was taken out meanwhile.
                Err(_) if !self.path(entry.number).exists() => continue,
                Err(error) => End::Failed(error.to_string()),
            };
            self.forget(entry.number)?;
            told(&entry, Some(&end));
        }
        Ok(())
    }

    /// Starts a runner that outlives this process. When there is one already, the new one sees that and ends.
    ///
    /// # Errors
    /// When this program cannot be started again.
    pub fn start_runner(&self) -> Result<(), ClientError> {
        fs::create_dir_all(&self.folder).map_err(at(&self.folder))?;
        let log_path = self.folder.join("log.txt");
        let log = File::options()
            .create(true)
            .append(true)
            .open(&log_path)
            .map_err(at(&log_path))?;
        let errors = log.try_clone().map_err(at(&log_path))?;
        let program =
            std::env::current_exe().map_err(ClientError::io("finding this program's own file"))?;
        let mut command = Command::new(program);
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
        let mut child = command
            .spawn()
            .map_err(ClientError::io("starting the queue"))?;
        let _ = std::thread::Builder::new()
            .name("queue waiter".into())
            .spawn(move || child.wait());
        Ok(())
    }
}

/// Opens a file to lock it. Whatever lies there is only locked: nothing that it leads to is made empty.
fn lock_file(path: &Path) -> Result<File, ClientError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .custom_flags(OFlags::NOFOLLOW.bits() as i32)
        .open(path)
        .map_err(at(path))?;
    Ok(file)
}

/// The run of an entry, made when it was not. Where it is to be is written down before it is made, so that a runner that
/// dies in between leaves nothing that nobody knows of.
fn begun(queue: &Queue, entry: &mut Entry) -> Result<RunDir, ClientError> {
    if let Some(path) = &entry.run
        && let Ok(run) = RunDir::open(path)
    {
        return Ok(run);
    }
    match entry.task.clone() {
        Task::New { config: text } => {
            let config = config::parse(&text, "the queue")
                .map_err(|e| ClientError::Refused(format!("number {}: {e}", entry.number)))?;
            let path = match &entry.run {
                Some(path) => path.clone(),
                None => {
                    let name = format!("{}-q{}", config.name, entry.number);
                    RunDir::default_root().join(name)
                }
            };
            entry.run = Some(path.clone());
            queue.write(entry)?;
            Ok(RunDir::create(&path, &config)?)
        }
        Task::Fork { run, degrees } => {
            let run = RunDir::open(&run)?;
            // From what it comes to, not from the middle of its fit.
            while busy(&run) {
                if !queue.path(entry.number).exists() {
                    return Err(ClientError::Refused("it was taken out of the queue".into()));
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
            entry.run = Some(path.clone());
            queue.write(entry)?;
            fork::fork(&run, Some(degrees), Some(&path))
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
fn see_through(run: &RunDir) -> End {
    let mut deaths = 0;
    loop {
        while busy(run) {
            std::thread::sleep(LOOK);
        }
        let status = run.status();
        match status.as_ref().map(|s| s.state) {
            Some(State::Finished) => return End::Finished,
            Some(State::Failed) => {
                let why = status.and_then(|s| s.failed);
                return End::Failed(why.unwrap_or_else(|| "it could not go on".into()));
            }
            Some(State::Closed | State::Idle) => return End::Stopped,
            // New, or its engine died.
            _ if deaths > DEATHS => {
                return End::Failed(format!("its engine died {deaths} times"));
            }
            _ => {}
        }
        deaths += 1;
        // A status that says it works belongs to an engine that is no more; the new one writes its own at once.
        if let Err(error) = fork::set_off(run) {
            return End::Failed(error.to_string());
        }
    }
}

#[cfg(test)]
mod tests;

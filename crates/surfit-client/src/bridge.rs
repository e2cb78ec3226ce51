//! Between the terminal's channels and the engine of whichever run is shown.
//!
//! One thread owns all state here and takes one message at a time: from the terminal, from the reader of the present
//! connection, or from the thread that starts an engine. It is what makes opening a run instant: the first frame is
//! drawn before the run's directory is even made.

mod another;
mod begin;
mod elsewhere;
mod ending;
mod figures;
mod grow;
mod heard;
mod load;
mod remove;
mod show;
mod sizes;
mod waking;

use super::write::FileWriters;
use super::{ClientError, EngineConnection, ReceivedMessage};
use another::{NewRunKind, RunCreation};
pub use begin::told;
use begin::{AttachMode, AttachedEngine, attend, come_by};
use elsewhere::{FILES_INTERVAL, FileFollower};
use sizes::RunSizes;
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use surfit_core::config::Config;
use surfit_core::protocol::{EngineCommand, READONLY};
use surfit_core::run_dir::RunDir;
use surfit_core::snapshot::Snapshot;
use surfit_tui::{Incoming, Outgoing, WorkbenchLink};

/// What to show first.
#[derive(Debug)]
pub enum OpenTarget {
    /// A run that is there.
    Existing(RunDir),
    /// A run that is begun now.
    New(Box<Config>),
}

/// The bridge's thread and the way to end it.
#[derive(Debug)]
pub struct BridgeHandle {
    thread: JoinHandle<BridgeEnd>,
    reader: JoinHandle<()>,
    inputs: SyncSender<BridgeInput>,
}

/// How things stood when the bridge ended.
#[derive(Debug, Default)]
pub struct BridgeEnd {
    /// The run that was shown.
    pub run: Option<RunDir>,
    /// Its engine was asked to end, and is gone.
    pub stopped: bool,
    /// What is lost with an engine that was asked to end, a sentence.
    pub lost: Option<String>,
    /// An engine was being started for it that has not been heard of yet.
    pub starting: bool,
    /// What became of files and other runs that were asked for and that the screen was not told of, a sentence each.
    pub made: Vec<String>,
}

/// Messages that wait for the bridge; a flood from an engine then waits in its socket, and the engine leaves out
/// snapshots.
const WAITING: usize = 64;

/// Starts the bridge; the link is for the terminal. With `readonly` the engine is only watched: no command is sent, none
/// is started, and the engine is told so.
///
/// # Errors
/// When the system gives no thread.
pub fn open(target: OpenTarget, readonly: bool) -> io::Result<(BridgeHandle, WorkbenchLink)> {
    let (to_screen, incoming) = sync_channel(256);
    let (outgoing, from_screen) = channel();
    let (inputs, receiver) = sync_channel(WAITING);
    let forward = inputs.clone();
    let reader = std::thread::Builder::new()
        .name("screen reader".into())
        .spawn(move || {
            for message in from_screen {
                if forward.send(BridgeInput::Screen(message)).is_err() {
                    return;
                }
            }
        })?;
    let worker = BridgeWorker::new(to_screen, inputs.clone(), readonly);
    let thread = std::thread::Builder::new()
        .name("bridge".into())
        .spawn(move || worker.work(target, &receiver))?;
    Ok((
        BridgeHandle {
            thread,
            reader,
            inputs,
        },
        WorkbenchLink { incoming, outgoing },
    ))
}

impl BridgeHandle {
    /// As [`BridgeHandle::end_patiently`], with nobody to tell.
    #[cfg(test)]
    pub fn end(self, stop_engine: bool) -> BridgeEnd {
        self.end_patiently(stop_engine, SLOW, || {})
    }

    /// Ends the bridge, on request with the engine of the run that is shown. The link's `outgoing` must have been
    /// dropped: what was sent on it last is carried out first, and files and other runs that were asked for are made. `waiting` is
    /// called every time that `pace` has passed meanwhile.
    pub fn end_patiently(
        self,
        stop_engine: bool,
        pace: Duration,
        waiting: impl FnMut(),
    ) -> BridgeEnd {
        let _ = self.reader.join();
        let _ = self.inputs.send(BridgeInput::End { stop_engine });
        join(self.thread, pace, waiting)
    }
}

/// Waits for a thread's end; `waiting` is called every time that `pace` has passed meanwhile.
pub fn join<T: Default>(thread: JoinHandle<T>, pace: Duration, mut waiting: impl FnMut()) -> T {
    let mut told = Instant::now();
    while !thread.is_finished() {
        std::thread::sleep(ending::TICK);
        if told.elapsed() >= pace {
            told = Instant::now();
            waiting();
        }
    }
    thread.join().unwrap_or_default()
}

enum BridgeInput {
    Screen(Outgoing),
    Engine {
        generation: u64,
        received: ReceivedMessage,
    },
    Begun {
        generation: u64,
        begun: AttachedEngine,
    },
    End {
        stop_engine: bool,
    },
}

/// After so long leaving is said to take a while.
pub const SLOW: Duration = Duration::from_millis(500);

/// How often to look whether a run without an engine has one again.
const LOOK_FOR_ENGINE: Duration = Duration::from_secs(2);

/// Commands that wait for an engine to start; more are refused.
const PENDING: usize = 64;

struct BridgeWorker {
    screen: SyncSender<Incoming>,
    inputs: SyncSender<BridgeInput>,
    run: Option<RunDir>,
    seq: u64,
    closed: bool,
    /// Why the run's last engine failed.
    failed: Option<String>,
    /// Counts runs and connections: what an earlier one still sends is passed over.
    generation: u64,
    connection: Option<EngineConnection>,
    starting: bool,
    /// The engine was started here, to carry out commands on a run at rest.
    woken: bool,
    /// When it last had something to do.
    busy: Instant,
    /// Whether an engine worked on the run when it was last looked for.
    alive: bool,
    /// Its engine works on another machine, and its files are read instead.
    files: Option<FileFollower>,
    pending: VecDeque<(u64, EngineCommand)>,
    /// Commands that the present engine was sent and has not replied to.
    unanswered: BTreeSet<u64>,
    snapshot: Option<Box<Snapshot>>,
    readonly: bool,
    /// Tells the thread that looks at other runs which.
    watcher: Option<Sender<Vec<(PathBuf, u64)>>>,
    /// Other runs that are being made.
    making: Vec<RunCreation>,
    /// Files that are being written.
    writers: FileWriters,
    sizes: RunSizes,
}

impl BridgeWorker {
    fn new(screen: SyncSender<Incoming>, inputs: SyncSender<BridgeInput>, readonly: bool) -> Self {
        Self {
            screen,
            inputs,
            run: None,
            seq: 0,
            closed: false,
            failed: None,
            generation: 0,
            connection: None,
            starting: false,
            woken: false,
            busy: Instant::now(),
            alive: false,
            files: None,
            pending: VecDeque::new(),
            unanswered: BTreeSet::new(),
            snapshot: None,
            readonly,
            watcher: None,
            making: Vec::new(),
            writers: FileWriters::default(),
            sizes: RunSizes::default(),
        }
    }

    fn work(mut self, target: OpenTarget, inputs: &Receiver<BridgeInput>) -> BridgeEnd {
        self.begin_with(target);
        let mut looked = Instant::now();
        loop {
            match inputs.recv_timeout(self.interval().saturating_sub(looked.elapsed())) {
                Ok(BridgeInput::End { stop_engine }) => return self.end(stop_engine, inputs),
                Ok(input) => self.take(input),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return BridgeEnd::default(),
            }
            // By the clock: a list of runs that is open asks for it as often.
            if looked.elapsed() >= self.interval() {
                looked = Instant::now();
                self.look_for_engine();
            }
            self.end_woken(waking::IDLE);
        }
    }

    /// Time between two looks at the run's directory.
    fn interval(&self) -> Duration {
        match self.files {
            Some(_) => FILES_INTERVAL,
            None => LOOK_FOR_ENGINE,
        }
    }

    /// Attaches again when somebody else has brought the run's engine back.
    fn look_for_engine(&mut self) {
        if self.files.is_some() {
            return self.look_at_files();
        }
        let alive = self.run.as_ref().is_some_and(RunDir::is_alive);
        let before = std::mem::replace(&mut self.alive, alive);
        if alive && !before && self.connection.is_none() && !self.starting {
            self.begin(AttachMode::Attach);
        }
    }

    fn take(&mut self, input: BridgeInput) {
        match input {
            BridgeInput::Screen(message) => self.screen_says(message),
            BridgeInput::Engine {
                generation,
                received,
            } if generation == self.generation => self.engine_says(received),
            BridgeInput::Begun { generation, begun } if generation == self.generation => {
                self.begun(begun);
            }
            BridgeInput::Engine { .. } | BridgeInput::Begun { .. } | BridgeInput::End { .. } => {}
        }
    }

    /// Tells the screen. It may be gone, which its own channel says soon enough.
    fn tell(&self, message: Incoming) {
        let _ = self.screen.send(message);
    }

    fn problem(&self, error: &dyn std::fmt::Display) {
        self.tell(Incoming::Problem(error.to_string()));
    }

    /// Comes by an engine on a thread of its own: that may take a second, and keys go on.
    fn begin(&mut self, how: AttachMode) {
        let Some(run) = self.run.clone().filter(|_| !self.starting) else {
            return;
        };
        self.starting = true;
        (self.woken, self.busy) = (how == AttachMode::Wait, Instant::now());
        self.generation += 1;
        let (generation, inputs, after) = (self.generation, self.inputs.clone(), self.seq);
        let readonly = self.readonly;
        let started = std::thread::Builder::new()
            .name("engine starter".into())
            .spawn(move || {
                let begun = if readonly {
                    attend(&run, after)
                } else {
                    come_by(&run, how, after)
                };
                let _ = inputs.send(BridgeInput::Begun { generation, begun });
            });
        if let Err(error) = started {
            self.starting = false;
            self.problem(&error);
        }
    }

    fn begun(&mut self, begun: AttachedEngine) {
        self.starting = false;
        let connected = begun.and_then(|(child, connection)| {
            let (generation, inputs) = (self.generation, self.inputs.clone());
            connection.read_into(move |received| {
                inputs
                    .send(BridgeInput::Engine {
                        generation,
                        received,
                    })
                    .is_ok()
            })?;
            Ok((child, connection))
        });
        match connected {
            Ok((child, connection)) => {
                self.woken &= child.is_some();
                if let Some(mut child) = child {
                    // Reaped when it ends, so that it does not stay as a zombie while the workbench is open.
                    let _ = std::thread::Builder::new()
                        .name("engine waiter".into())
                        .spawn(move || child.wait());
                }
                self.closed = false;
                self.busy = Instant::now();
                self.tell(Incoming::Connected {
                    pid: connection.welcome().pid,
                });
                self.connection = Some(connection);
                if let Some(job) = self.shared_job() {
                    self.tell(Incoming::BatchJob(job));
                }
                while let Some((id, command)) = self.pending.pop_front() {
                    self.command(id, command);
                }
            }
            Err(ClientError::NoEngine(_)) => self.gone(),
            Err(error) => {
                self.catch_up();
                if let ClientError::Elsewhere { .. } = error {
                    self.follow_files(&error);
                } else {
                    self.problem(&error);
                    self.tell(Incoming::Disconnected {
                        reason: error.to_string(),
                    });
                }
                for (id, _) in std::mem::take(&mut self.pending) {
                    self.tell(Incoming::Reply {
                        id,
                        error: Some(error.to_string()),
                    });
                }
            }
        }
    }

    fn screen_says(&mut self, message: Outgoing) {
        match message {
            Outgoing::Command { id, command } => self.command(id, command),
            Outgoing::ResumeEngine(_) | Outgoing::Fork(_) | Outgoing::Queue(_)
                if self.removed().is_some() =>
            {
                self.tell_removed();
            }
            Outgoing::ResumeEngine(_) if self.readonly => {
                self.problem(&READONLY);
                // The screen expects one of two ends of what it asked for.
                self.begin(AttachMode::Attach);
            }
            Outgoing::ResumeEngine(_) if self.files.is_some() => {
                if let Some(why) = self.refusal_elsewhere() {
                    self.tell(Incoming::Problem(why));
                }
                self.tell_standing();
            }
            // Asked for with another run, which could not be opened.
            Outgoing::ResumeEngine(Some(path)) if !self.shows(&path) => self.tell_standing(),
            Outgoing::ResumeEngine(_) if self.connection.is_none() => self.begin(AttachMode::Serve),
            Outgoing::ResumeEngine(_) => {}
            Outgoing::Refresh => self.tell(Incoming::Runs(self.run_lines())),
            Outgoing::RemoveRun(_) if self.readonly => {
                let why = "nothing can be removed while runs are only watched";
                self.tell(Incoming::Problem(why.into()));
            }
            Outgoing::RemoveRun(path) => self.remove(&path),
            Outgoing::OpenRun(path) => match RunDir::open(&path) {
                Ok(run) => self.open(run),
                Err(error) => {
                    let why = error.to_string();
                    self.tell(Incoming::Unopened { path, why });
                    self.show_again();
                }
            },
            Outgoing::Load(path) => self.load(path),
            Outgoing::Watch(runs) => self.watch(runs),
            Outgoing::Figures => self.figures(),
            Outgoing::Write(file) => self.write(*file),
            Outgoing::Fork(degrees) => self.make_another(NewRunKind::Fork, degrees),
            Outgoing::Queue(degrees) => self.make_another(NewRunKind::Queued, degrees),
            // The workbench is about to return; `BridgeHandle::end` follows.
            Outgoing::Detach => {}
            // For runs on other machines.
            Outgoing::Reconnect => {}
        }
    }

    fn command(&mut self, id: u64, command: EngineCommand) {
        if self.readonly {
            let error = Some(READONLY.into());
            return self.tell(Incoming::Reply { id, error });
        }
        if let Some(why) = self.removed().filter(|_| self.connection.is_none()) {
            let error = Some(why);
            return self.tell(Incoming::Reply { id, error });
        }
        if let Some(why) = self.refusal_elsewhere() {
            let error = Some(why);
            return self.tell(Incoming::Reply { id, error });
        }
        match &mut self.connection {
            Some(connection) => match connection.send_as(id, command) {
                Ok(()) => drop(self.unanswered.insert(id)),
                Err(error) => self.tell(Incoming::Reply {
                    id,
                    error: Some(error.to_string()),
                }),
            },
            None if self.pending.len() < PENDING => {
                self.pending.push_back((id, command));
                self.begin(AttachMode::Wait);
            }
            None => {
                let error = Some("the engine is still starting; try again".into());
                self.tell(Incoming::Reply { id, error });
            }
        }
    }
}

//! Between the terminal's channels and the engine of whichever run is shown.
//!
//! One thread owns all state here and takes one message at a time: from the terminal, from the reader of the present
//! connection, or from the thread that starts an engine. It is what makes opening a run instant: the first frame is
//! drawn before the run's directory is even made.

mod attach;
mod engine_events;
mod figures;
mod file_follower;
mod loaded_runs;
mod new_run;
mod on_demand_engine;
mod remove;
mod shown_run;
mod shutdown;
mod sizes;
mod watched_runs;

use super::file_writer::FileWriters;
use super::{ClientError, EngineConnection, ReceivedMessage};
pub use attach::figures_message;
use attach::{AttachMode, AttachedEngine, attach_or_spawn, attach_read_only};
use file_follower::{FILE_POLL_INTERVAL, FileFollower};
use new_run::{NewRunKind, RunCreation};
use sizes::RunSizes;
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use surfit_core::config::Config;
use surfit_core::protocol::{EngineCommand, READONLY_ERROR};
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
    pub stop_error: Option<String>,
    /// An engine was being started for it that has not been heard of yet.
    pub starting: bool,
    /// What became of files and other runs that were asked for and that the screen was not told of, a sentence each.
    pub unreported_outcomes: Vec<String>,
}

/// Messages that wait for the bridge; a flood from an engine then waits in its socket, and the engine leaves out
/// snapshots.
const INPUT_QUEUE_CAPACITY: usize = 64;

/// Starts the bridge; the link is for the terminal. With `readonly` the engine is only watched: no command is sent, none
/// is started, and the engine is told so.
///
/// # Errors
/// When the system gives no thread.
pub fn open(target: OpenTarget, readonly: bool) -> io::Result<(BridgeHandle, WorkbenchLink)> {
    let (to_screen, incoming) = sync_channel(256);
    let (outgoing, from_screen) = channel();
    let (inputs, receiver) = sync_channel(INPUT_QUEUE_CAPACITY);
    let forward = inputs.clone();
    let reader = std::thread::Builder::new().name("screen reader".into()).spawn(move || {
        for message in from_screen {
            if forward.send(BridgeInput::Screen(message)).is_err() {
                return;
            }
        }
    })?;
    let worker = BridgeWorker::new(to_screen, inputs.clone(), readonly);
    let thread = std::thread::Builder::new().name("bridge".into()).spawn(move || worker.run_loop(target, &receiver))?;
    Ok((BridgeHandle { thread, reader, inputs }, WorkbenchLink { incoming, outgoing }))
}

impl BridgeHandle {
    /// As [`BridgeHandle::end_with_progress`], with nobody to tell.
    #[cfg(test)]
    pub fn end(self, stop_engine: bool) -> BridgeEnd {
        self.end_with_progress(stop_engine, SLOW_EXIT_DELAY, || {})
    }

    /// Ends the bridge, on request with the engine of the run that is shown. The link's `outgoing` must have been
    /// dropped: what was sent on it last is carried out first, and files and other runs that were asked for are made. `waiting` is
    /// called every time that `pace` has passed meanwhile.
    pub fn end_with_progress(self, stop_engine: bool, pace: Duration, on_wait: impl FnMut()) -> BridgeEnd {
        let _ = self.reader.join();
        let _ = self.inputs.send(BridgeInput::End { stop_engine });
        join_with_progress(self.thread, pace, on_wait)
    }
}

/// Waits for a thread's end; `waiting` is called every time that `pace` has passed meanwhile.
pub fn join_with_progress<T: Default>(thread: JoinHandle<T>, pace: Duration, mut waiting: impl FnMut()) -> T {
    let mut told = Instant::now();
    while !thread.is_finished() {
        std::thread::sleep(shutdown::POLL_INTERVAL);
        if told.elapsed() >= pace {
            told = Instant::now();
            waiting();
        }
    }
    thread.join().unwrap_or_default()
}

enum BridgeInput {
    Screen(Outgoing),
    Engine { generation: u64, received: ReceivedMessage },
    Attached { generation: u64, attached: AttachedEngine },
    End { stop_engine: bool },
}

/// After so long leaving is said to take a while.
pub const SLOW_EXIT_DELAY: Duration = Duration::from_millis(500);

/// How often to look whether a run without an engine has one again.
const ENGINE_POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Commands that wait for an engine to start; more are refused.
const MAX_PENDING_COMMANDS: usize = 64;

struct BridgeWorker {
    screen: SyncSender<Incoming>,
    inputs: SyncSender<BridgeInput>,
    run: Option<RunDir>,
    seq: u64,
    closed_cleanly: bool,
    /// Why the run's last engine failed.
    failure: Option<String>,
    /// Counts runs and connections: what an earlier one still sends is passed over.
    generation: u64,
    connection: Option<EngineConnection>,
    starting: bool,
    /// The engine was started here, to carry out commands on a run at rest.
    on_demand_engine: bool,
    /// When it last had something to do.
    last_busy: Instant,
    /// Whether an engine worked on the run when it was last looked for.
    engine_alive: bool,
    /// Its engine works on another machine, and its files are read instead.
    file_follower: Option<FileFollower>,
    pending_commands: VecDeque<(u64, EngineCommand)>,
    /// Commands that the present engine was sent and has not replied to.
    unanswered: BTreeSet<u64>,
    snapshot: Option<Box<Snapshot>>,
    readonly: bool,
    /// Tells the thread that looks at other runs which.
    watcher: Option<Sender<Vec<(PathBuf, u64)>>>,
    /// Other runs that are being made.
    run_creations: Vec<RunCreation>,
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
            closed_cleanly: false,
            failure: None,
            generation: 0,
            connection: None,
            starting: false,
            on_demand_engine: false,
            last_busy: Instant::now(),
            engine_alive: false,
            file_follower: None,
            pending_commands: VecDeque::new(),
            unanswered: BTreeSet::new(),
            snapshot: None,
            readonly,
            watcher: None,
            run_creations: Vec::new(),
            writers: FileWriters::default(),
            sizes: RunSizes::default(),
        }
    }

    fn run_loop(mut self, target: OpenTarget, inputs: &Receiver<BridgeInput>) -> BridgeEnd {
        self.open_target(target);
        let mut looked = Instant::now();
        loop {
            match inputs.recv_timeout(self.poll_interval().saturating_sub(looked.elapsed())) {
                Ok(BridgeInput::End { stop_engine }) => return self.end(stop_engine, inputs),
                Ok(input) => self.on_input(input),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return BridgeEnd::default(),
            }
            // By the clock: a list of runs that is open asks for it as often.
            if looked.elapsed() >= self.poll_interval() {
                looked = Instant::now();
                self.poll_engine();
            }
            self.shutdown_idle_engine(on_demand_engine::IDLE_TIMEOUT);
        }
    }

    /// Time between two looks at the run's directory.
    fn poll_interval(&self) -> Duration {
        match self.file_follower {
            Some(_) => FILE_POLL_INTERVAL,
            None => ENGINE_POLL_INTERVAL,
        }
    }

    /// Attaches again when somebody else has brought the run's engine back.
    fn poll_engine(&mut self) {
        if self.file_follower.is_some() {
            return self.poll_files();
        }
        let alive = self.run.as_ref().is_some_and(RunDir::is_engine_alive);
        let before = std::mem::replace(&mut self.engine_alive, alive);
        if alive && !before && self.connection.is_none() && !self.starting {
            self.start_attach(AttachMode::Attach);
        }
    }

    fn on_input(&mut self, input: BridgeInput) {
        match input {
            BridgeInput::Screen(message) => self.on_ui_request(message),
            BridgeInput::Engine { generation, received } if generation == self.generation => {
                self.on_engine_message(received)
            }
            BridgeInput::Attached { generation, attached: begun } if generation == self.generation => {
                self.on_attached(begun);
            }
            BridgeInput::Engine { .. } | BridgeInput::Attached { .. } | BridgeInput::End { .. } => {}
        }
    }

    /// Tells the screen. It may be gone, which its own channel says soon enough.
    fn send_to_screen(&self, message: Incoming) {
        let _ = self.screen.send(message);
    }

    fn send_problem(&self, error: &dyn std::fmt::Display) {
        self.send_to_screen(Incoming::Problem(error.to_string()));
    }

    /// Comes by an engine on a thread of its own: that may take a second, and keys go on.
    fn start_attach(&mut self, how: AttachMode) {
        let Some(run) = self.run.clone().filter(|_| !self.starting) else {
            return;
        };
        self.starting = true;
        (self.on_demand_engine, self.last_busy) = (how == AttachMode::Wait, Instant::now());
        self.generation += 1;
        let (generation, inputs, after) = (self.generation, self.inputs.clone(), self.seq);
        let readonly = self.readonly;
        let started = std::thread::Builder::new().name("engine starter".into()).spawn(move || {
            let begun = if readonly { attach_read_only(&run, after) } else { attach_or_spawn(&run, how, after) };
            let _ = inputs.send(BridgeInput::Attached { generation, attached: begun });
        });
        if let Err(error) = started {
            self.starting = false;
            self.send_problem(&error);
        }
    }

    fn on_attached(&mut self, begun: AttachedEngine) {
        self.starting = false;
        let connected = begun.and_then(|(child, connection)| {
            let (generation, inputs) = (self.generation, self.inputs.clone());
            connection.read_into(move |received| inputs.send(BridgeInput::Engine { generation, received }).is_ok())?;
            Ok((child, connection))
        });
        match connected {
            Ok((child, connection)) => {
                self.on_demand_engine &= child.is_some();
                if let Some(mut child) = child {
                    // Reaped when it ends, so that it does not stay as a zombie while the workbench is open.
                    let _ = std::thread::Builder::new().name("engine waiter".into()).spawn(move || child.wait());
                }
                self.closed_cleanly = false;
                self.last_busy = Instant::now();
                self.send_to_screen(Incoming::Connected { pid: connection.welcome().pid });
                self.connection = Some(connection);
                if let Some(job) = self.shared_job() {
                    self.send_to_screen(Incoming::BatchJob(job));
                }
                while let Some((id, command)) = self.pending_commands.pop_front() {
                    self.send_command(id, command);
                }
            }
            Err(ClientError::NoEngine(_)) => self.on_engine_gone(),
            Err(error) => {
                self.catch_up();
                if let ClientError::Elsewhere { .. } = error {
                    self.follow_files(&error);
                } else {
                    self.send_problem(&error);
                    self.send_to_screen(Incoming::Disconnected { reason: error.to_string() });
                }
                for (id, _) in std::mem::take(&mut self.pending_commands) {
                    self.send_to_screen(Incoming::Reply { id, error: Some(error.to_string()) });
                }
            }
        }
    }

    fn on_ui_request(&mut self, message: Outgoing) {
        match message {
            Outgoing::Command { id, command } => self.send_command(id, command),
            Outgoing::ResumeEngine(_) | Outgoing::Fork(_) | Outgoing::Queue(_) if self.removed_reason().is_some() => {
                self.send_removed();
            }
            Outgoing::ResumeEngine(_) if self.readonly => {
                self.send_problem(&READONLY_ERROR);
                // The screen expects one of two ends of what it asked for.
                self.start_attach(AttachMode::Attach);
            }
            Outgoing::ResumeEngine(_) if self.file_follower.is_some() => {
                if let Some(why) = self.unreachable_reason() {
                    self.send_to_screen(Incoming::Problem(why));
                }
                self.send_engine_status();
            }
            // Asked for with another run, which could not be opened.
            Outgoing::ResumeEngine(Some(path)) if !self.is_shown(&path) => self.send_engine_status(),
            Outgoing::ResumeEngine(_) if self.connection.is_none() => self.start_attach(AttachMode::Serve),
            Outgoing::ResumeEngine(_) => {}
            Outgoing::Refresh => self.send_to_screen(Incoming::Runs(self.run_lines())),
            Outgoing::RemoveRun(_) if self.readonly => {
                let why = "nothing can be removed while runs are only watched";
                self.send_to_screen(Incoming::Problem(why.into()));
            }
            Outgoing::RemoveRun(path) => self.remove_run(&path),
            Outgoing::OpenRun(path) => match RunDir::open(&path) {
                Ok(run) => self.open_run(run),
                Err(error) => {
                    let why = error.to_string();
                    self.send_to_screen(Incoming::Unopened { path, why });
                    self.resend_run_state();
                }
            },
            Outgoing::Load(path) => self.load_run(path),
            Outgoing::Watch(runs) => self.watch_runs(runs),
            Outgoing::Figures => self.write_figures(),
            Outgoing::Write(file) => self.write_file(*file),
            Outgoing::Fork(degrees) => self.start_run_creation(NewRunKind::Fork, degrees),
            Outgoing::Queue(degrees) => self.start_run_creation(NewRunKind::Queued, degrees),
            // The workbench is about to return; `BridgeHandle::end` follows.
            Outgoing::Detach => {}
            // For runs on other machines.
            Outgoing::Reconnect => {}
        }
    }

    fn send_command(&mut self, id: u64, command: EngineCommand) {
        if self.readonly {
            let error = Some(READONLY_ERROR.into());
            return self.send_to_screen(Incoming::Reply { id, error });
        }
        if let Some(why) = self.removed_reason().filter(|_| self.connection.is_none()) {
            let error = Some(why);
            return self.send_to_screen(Incoming::Reply { id, error });
        }
        if let Some(why) = self.unreachable_reason() {
            let error = Some(why);
            return self.send_to_screen(Incoming::Reply { id, error });
        }
        match &mut self.connection {
            Some(connection) => match connection.send_as(id, command) {
                Ok(()) => drop(self.unanswered.insert(id)),
                Err(error) => self.send_to_screen(Incoming::Reply { id, error: Some(error.to_string()) }),
            },
            None if self.pending_commands.len() < MAX_PENDING_COMMANDS => {
                self.pending_commands.push_back((id, command));
                self.start_attach(AttachMode::Wait);
            }
            None => {
                let error = Some("the engine is still starting; try again".into());
                self.send_to_screen(Incoming::Reply { id, error });
            }
        }
    }
}

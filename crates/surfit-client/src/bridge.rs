//! Between a terminal and the engine of whichever run is shown.
//!
//! One thread owns all state here and takes one message at a time: from the terminal, from the reader of the present
//! connection, or from the threads that start an engine and count sizes. It is what makes opening a run instant: the first
//! frame is drawn before the run's directory is even made. The terminal is in the same process, or at the other end of a
//! line (`remote::serve`); the bridge knows no difference.

mod engine;
mod new_run;
mod other_runs;
mod shown_run;
mod shutdown;

use super::file_writer::FileWriters;
use super::{ClientError, EngineConnection};
use engine::{AttachMode, AttachedEngine, attach_or_spawn, attach_read_only};
use new_run::{NewRunKind, RunCreation};
use other_runs::{CountedSize, RunSizes};
use shown_run::{FILE_POLL_INTERVAL, FileFollower};
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use surfit_core::config::Config;
use surfit_core::protocol::{
    BridgeMessage, BridgeRequest, ClientMessage, CommandError, CommandErrorCode, EngineCommand, READONLY_ERROR,
    RunLine, ServerMessage,
};
use surfit_core::run_dir::RunDir;
use surfit_core::snapshot::Snapshot;
use surfit_tui::{MessageSink, RequestSink};

#[derive(Debug)]
pub enum OpenTarget {
    Existing(RunDir),
    New(Box<Config>),
}

#[derive(Debug)]
pub struct BridgeHandle {
    thread: JoinHandle<BridgeEnd>,
    inputs: Sender<BridgeInput>,
}

/// State of the run and its engine when the bridge ended.
#[derive(Debug, Default)]
pub struct BridgeEnd {
    /// The run that was shown.
    pub run: Option<RunDir>,
    /// Its engine received a stop request and has exited.
    pub stopped: bool,
    /// A sentence on the work that is lost when the engine stops on request.
    pub stop_error: Option<String>,
    /// An engine was being started for it and has not connected yet.
    pub starting: bool,
    /// Outcome of requested files and other runs that was not reported to the screen, a sentence each.
    pub unreported_outcomes: Vec<String>,
}

/// Messages of the engine that wait for the bridge; further ones wait in its socket, and the engine skips snapshots.
const MAX_QUEUED_ENGINE_MESSAGES: usize = 64;

/// Starts the bridge, which reports to `screen`; returns its request handle. With `readonly` it only watches:
/// no command is sent, none is started, and the engine is notified.
///
/// # Errors
/// When the system gives no thread.
pub fn open(target: OpenTarget, readonly: bool, screen: MessageSink) -> io::Result<(BridgeHandle, RequestSink)> {
    open_after(target, None, readonly, screen)
}

/// As [`open`], for a terminal that knows the events of the run up to number `after`.
///
/// # Errors
/// As [`open`].
pub fn open_after(
    target: OpenTarget,
    after: Option<u64>,
    readonly: bool,
    screen: MessageSink,
) -> io::Result<(BridgeHandle, RequestSink)> {
    let (inputs, receiver) = channel();
    let requests = inputs.clone();
    let mut worker = BridgeWorker::new(screen, inputs.clone(), readonly);
    worker.resumes_after = after;
    let thread = std::thread::Builder::new().name("bridge".into()).spawn(move || worker.run_loop(target, &receiver))?;
    let request = move |message| drop(requests.send(BridgeInput::Terminal(message)));
    Ok((BridgeHandle { thread, inputs }, Box::new(request)))
}

impl BridgeHandle {
    /// As [`BridgeHandle::end_with_progress`], without progress reports.
    #[cfg(test)]
    pub fn end(self, stop_engine: bool) -> BridgeEnd {
        self.end_with_progress(stop_engine, SLOW_EXIT_DELAY, || {})
    }

    /// Ends the bridge, on request with the engine of the run that is shown. Pending requests are carried out first,
    /// and requested files and other runs are completed. `on_wait` is called every time that `pace` has passed
    /// meanwhile.
    pub fn end_with_progress(self, stop_engine: bool, pace: Duration, on_wait: impl FnMut()) -> BridgeEnd {
        let _ = self.inputs.send(BridgeInput::End { stop_engine });
        join_with_progress(self.thread, pace, on_wait)
    }
}

/// Waits for a thread's end; `waiting` is called every time that `pace` has passed meanwhile.
pub fn join_with_progress<T: Default>(thread: JoinHandle<T>, pace: Duration, mut waiting: impl FnMut()) -> T {
    let mut last_report = Instant::now();
    while !thread.is_finished() {
        std::thread::sleep(shutdown::POLL_INTERVAL);
        if last_report.elapsed() >= pace {
            last_report = Instant::now();
            waiting();
        }
    }
    thread.join().unwrap_or_default()
}

enum BridgeInput {
    Terminal(ClientMessage),
    Engine { generation: u64, received: Result<ServerMessage, ClientError> },
    Attached { generation: u64, attached: AttachedEngine },
    SizesCounted(Vec<(PathBuf, CountedSize)>),
    End { stop_engine: bool },
}

/// Time after which a slow exit is reported.
pub const SLOW_EXIT_DELAY: Duration = Duration::from_millis(500);

/// How often to look whether a run without an engine has one again.
const ENGINE_POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Commands that wait for an engine to start; more are refused.
const MAX_PENDING_COMMANDS: usize = 64;

struct BridgeWorker {
    screen: MessageSink,
    inputs: Sender<BridgeInput>,
    run: Option<RunDir>,
    seq: u64,
    /// The last event that the terminal knew of the first run when it came back.
    resumes_after: Option<u64>,
    closed_cleanly: bool,
    /// Why the run's last engine failed.
    failure: Option<String>,
    /// Counts runs and connections: what an earlier one still sends is passed over.
    generation: u64,
    connection: Option<EngineConnection>,
    /// Its reader puts a token here for every message that waits.
    message_tokens: Option<Receiver<()>>,
    starting: bool,
    /// The engine was started here, to carry out commands on a run at rest.
    on_demand_engine: bool,
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
    run_creations: Vec<RunCreation>,
    writers: FileWriters,
    /// Lists the runs of this machine, without their sizes.
    list_runs: Box<dyn Fn() -> Vec<RunLine> + Send>,
    sizes: RunSizes,
}

impl BridgeWorker {
    fn new(screen: MessageSink, inputs: Sender<BridgeInput>, readonly: bool) -> Self {
        Self {
            screen,
            inputs,
            run: None,
            seq: 0,
            resumes_after: None,
            closed_cleanly: false,
            failure: None,
            generation: 0,
            connection: None,
            message_tokens: None,
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
            list_runs: Box::new(other_runs::list_run_lines),
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
            // Timed: an open list of runs requests it as often.
            if looked.elapsed() >= self.poll_interval() {
                looked = Instant::now();
                self.poll_engine();
            }
            self.shutdown_idle_engine(engine::IDLE_TIMEOUT);
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
            BridgeInput::Terminal(message) => self.on_terminal_message(message),
            BridgeInput::Engine { generation, received } if self.is_current(generation) => {
                self.on_engine_message(received)
            }
            BridgeInput::Attached { generation, attached: begun } if generation == self.generation => {
                self.on_attached(begun);
            }
            BridgeInput::SizesCounted(sizes) => self.on_sizes_counted(sizes),
            BridgeInput::Engine { .. } | BridgeInput::Attached { .. } | BridgeInput::End { .. } => {}
        }
    }

    /// True for a message of the present connection, whose reader may then send another.
    fn is_current(&self, generation: u64) -> bool {
        let current = generation == self.generation;
        if let Some(tokens) = self.message_tokens.as_ref().filter(|_| current) {
            let _ = tokens.try_recv();
        }
        current
    }

    /// Sends to the terminal. A closed terminal is detected by its own end of the channel.
    fn send_to_screen(&self, message: impl Into<ServerMessage>) {
        let _ = (self.screen)(message.into());
    }

    fn send_problem(&self, error: &dyn std::fmt::Display) {
        self.send_to_screen(BridgeMessage::Problem(error.to_string()));
    }

    /// Answers a command that no engine carries out.
    fn send_refusal(&self, id: u64, code: CommandErrorCode, why: impl Into<String>) {
        self.send_to_screen(ServerMessage::Reply { id, error: Some(CommandError::new(code, why)), events: None });
    }

    /// Connects to or starts an engine on its own thread: that may take a second, and keys must not block.
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
            let (token, tokens) = sync_channel(MAX_QUEUED_ENGINE_MESSAGES);
            connection.read_into(move |received| {
                token.send(()).is_ok() && inputs.send(BridgeInput::Engine { generation, received }).is_ok()
            })?;
            self.message_tokens = Some(tokens);
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
                self.send_to_screen(connection.welcome().clone());
                self.connection = Some(connection);
                if let Some(job) = self.shared_job() {
                    self.send_to_screen(BridgeMessage::BatchJob(job));
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
                    self.send_to_screen(BridgeMessage::Disconnected { reason: error.to_string() });
                }
                for (id, _) in std::mem::take(&mut self.pending_commands) {
                    self.send_refusal(id, CommandErrorCode::Other, error.to_string());
                }
            }
        }
    }

    fn on_terminal_message(&mut self, message: ClientMessage) {
        match message {
            ClientMessage::Command { id, command } => self.send_command(id, command),
            ClientMessage::Bridge(request) => self.on_request(request),
            ClientMessage::Hello { .. } => {}
        }
    }

    fn on_request(&mut self, request: BridgeRequest) {
        match request {
            BridgeRequest::ResumeEngine(_) | BridgeRequest::Fork(_) | BridgeRequest::Queue(_)
                if self.removed_reason().is_some() =>
            {
                self.send_removed();
            }
            BridgeRequest::ResumeEngine(_) if self.readonly => {
                self.send_problem(&READONLY_ERROR);
                // The screen expects one of two outcomes of its request.
                self.start_attach(AttachMode::Attach);
            }
            BridgeRequest::ResumeEngine(_) if self.file_follower.is_some() => {
                if let Some(why) = self.unreachable_reason() {
                    self.send_to_screen(BridgeMessage::Problem(why));
                }
                self.send_engine_status();
            }
            // Asked for with another run, which could not be opened.
            BridgeRequest::ResumeEngine(Some(path)) if !self.is_shown(&path) => self.send_engine_status(),
            BridgeRequest::ResumeEngine(_) if self.connection.is_none() => self.start_attach(AttachMode::Serve),
            BridgeRequest::ResumeEngine(_) => {}
            BridgeRequest::Refresh => self.send_runs(),
            BridgeRequest::RemoveRun(_) if self.readonly => {
                let why = "nothing can be removed while runs are only watched";
                self.send_to_screen(BridgeMessage::Problem(why.into()));
            }
            BridgeRequest::RemoveRun(path) => self.remove_run(&path),
            BridgeRequest::OpenRun(path) => match RunDir::open(&path) {
                Ok(run) => self.open_run(run),
                Err(error) => {
                    let why = error.to_string();
                    self.send_to_screen(BridgeMessage::Unopened { path, why });
                    self.resend_run_state();
                }
            },
            BridgeRequest::Load(path) => self.load_run(path),
            BridgeRequest::Watch(runs) => self.watch_runs(runs),
            BridgeRequest::Figures => self.write_figures(),
            BridgeRequest::Write(file) => self.write_file(*file),
            BridgeRequest::Fork(degrees) => self.start_run_creation(NewRunKind::Fork, degrees),
            BridgeRequest::Queue(degrees) => self.start_run_creation(NewRunKind::Queued, degrees),
            // Of the line to another machine, whose ends keep them.
            BridgeRequest::Reconnect
            | BridgeRequest::Taken
            | BridgeRequest::KeepAlive
            | BridgeRequest::Leave { .. } => {}
        }
    }

    fn send_command(&mut self, id: u64, command: EngineCommand) {
        if self.readonly {
            return self.send_refusal(id, CommandErrorCode::ReadOnly, READONLY_ERROR);
        }
        if let Some(why) = self.removed_reason().filter(|_| self.connection.is_none()) {
            return self.send_refusal(id, CommandErrorCode::Other, why);
        }
        if let Some(why) = self.unreachable_reason() {
            return self.send_refusal(id, CommandErrorCode::Other, why);
        }
        match &mut self.connection {
            Some(connection) => match connection.send_as(id, command) {
                Ok(()) => drop(self.unanswered.insert(id)),
                Err(error) => self.send_refusal(id, CommandErrorCode::Other, error.to_string()),
            },
            None if self.pending_commands.len() < MAX_PENDING_COMMANDS => {
                self.pending_commands.push_back((id, command));
                self.start_attach(AttachMode::Wait);
            }
            None => self.send_refusal(id, CommandErrorCode::Busy, "the engine is still starting; try again"),
        }
    }
}

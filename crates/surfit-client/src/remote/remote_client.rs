//! The near end of a line: keeps the terminal fed, and comes back where it was when the line breaks.

use super::address::RemoteAddress;
use super::dial::{self, DialError, dial_host};
use super::host_config::HostConfig;
use super::line::{InflateStream, PartBuffer};
use crate::bridge::join_with_progress;
use crate::connection::SnapshotDeltas;
use crate::file_writer::{self, FileWriters};
use crate::{ClientError, frame};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, TrySendError, channel, sync_channel,
};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use surfit_core::event::{Envelope, Event};
use surfit_core::files::FilePath;
use surfit_core::new_file::NewFile;
use surfit_core::protocol::{
    BridgeMessage, BridgeRequest, ClientMessage, CommandError, CommandErrorCode, LineState, OpenedRun,
    PROTOCOL_VERSION, ServerMessage,
};
use surfit_core::run_state::RunState;
use surfit_core::snapshot::Snapshot;
use surfit_tui::{MessageSink, RequestSink};

/// Pauses before the line is tried again; the last one stays.
const REDIAL_DELAYS_SECS: [u64; 6] = [1, 2, 4, 8, 16, 30];
/// Least time between two attempts, however many keys request one.
const MIN_REDIAL_INTERVAL: Duration = Duration::from_millis(500);
/// The line counts as broken after this long without a message; the far end sends one every two seconds.
const SERVER_TIMEOUT: Duration = Duration::from_secs(20);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// Time limit for the far end to report which run it shows.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the far end may be silent before its final message; until then it reports progress every second.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(6);
/// How long they may take in all, when the engine makes a checkpoint first, or other runs are made.
const STOP_TIMEOUT: Duration = Duration::from_secs(240);

/// Messages of the far end that wait to be taken in; more then wait in the line.
const MAX_QUEUED_MESSAGES: usize = 64;
/// Requests that wait for the line; a line that takes no more is as good as down.
const MAX_QUEUED_REQUESTS: usize = 256;
/// Most messages before the one that identifies the run.
const MAX_MESSAGES_BEFORE_RUN: u64 = 64;

#[derive(Debug)]
pub struct RemoteHandle {
    thread: JoinHandle<Option<String>>,
    inputs: Sender<NearInput>,
}

impl RemoteHandle {
    /// Exits, on request after the engine has stopped; returns the final message. Pending requests are sent first.
    /// `on_wait` is called every time that `pace` has passed meanwhile.
    pub fn end_with_progress(self, stop: bool, pace: Duration, on_wait: impl FnMut()) -> Option<String> {
        let _ = self.inputs.send(NearInput::End { stop });
        join_with_progress(self.thread, pace, on_wait)
    }
}

#[derive(Debug)]
enum NearInput {
    Terminal(ClientMessage),
    Bridge { generation: u64, received: Result<Option<ServerMessage>, ClientError> },
    Dialled { generation: u64, line: Result<dial::DialedLine, DialError> },
    End { stop: bool },
}

/// Dials, and opens the run there, reported to `screen`; returns the request handle and the shown run. Passwords
/// can be prompted for meanwhile.
///
/// # Errors
/// [`ClientError`] when the host cannot be reached, or does not show a run.
pub fn open(
    address: RemoteAddress,
    host_config: HostConfig,
    readonly: bool,
    screen: MessageSink,
) -> Result<(RemoteHandle, RequestSink, OpenedRun), ClientError> {
    let host = address.host.clone();
    let line = dial_host(&host_config, &host, &bridge_arguments(&address.run, readonly), false)
        .map_err(|source| ClientError::Unreachable { host: host.clone(), source })?;
    let (inputs, receiver) = channel();
    let mut near = RemoteClient::new(address, host_config, readonly, screen, inputs.clone());
    near.on_connected(line);
    let began = Instant::now();
    let shown = loop {
        match receiver.recv_timeout(OPEN_TIMEOUT.saturating_sub(began.elapsed())) {
            Ok(NearInput::Bridge { generation, received: Ok(message) }) if near.is_current(generation) => {
                near.on_frame(message);
                if let Some(shown) = &near.shown {
                    break shown.clone();
                }
                // Nobody reads yet what is for the screen.
                if near.received_frames > MAX_MESSAGES_BEFORE_RUN {
                    return Err(ClientError::NoRunShown(host));
                }
            }
            Ok(NearInput::Bridge { received: Err(error), .. }) => {
                let message = near.line.take().map_or(String::new(), |mut l| l.command.end(Duration::from_secs(1)));
                return Err(match error {
                    ClientError::Closed => ClientError::LineEnded { host, message },
                    error => ClientError::Line { host, source: Box::new(error) },
                });
            }
            Ok(_) => {}
            Err(_) => {
                return Err(ClientError::SilentHost { host, seconds: OPEN_TIMEOUT.as_secs() });
            }
        }
    };
    let thread = std::thread::spawn(move || near.run_loop(&receiver));
    let requests = inputs.clone();
    let request = move |message| drop(requests.send(NearInput::Terminal(message)));
    Ok((RemoteHandle { thread, inputs }, Box::new(request), shown))
}

fn bridge_arguments(run: &str, readonly: bool) -> Vec<&str> {
    let mut words = vec!["bridge"];
    words.extend(readonly.then_some("--readonly"));
    if !run.is_empty() {
        words.extend(["--", run]);
    }
    words
}

struct OpenLine {
    requests: SyncSender<ClientMessage>,
    /// The reader puts a token here for every message that waits.
    message_tokens: Receiver<()>,
    command: dial::DialCommand,
}

struct RemoteClient {
    address: RemoteAddress,
    host_config: HostConfig,
    readonly: bool,
    screen: MessageSink,
    inputs: Sender<NearInput>,
    /// Counts lines: late messages of an earlier one are ignored.
    generation: u64,
    line: Option<OpenLine>,
    dialling: bool,
    last_dialled: Instant,
    attempt: usize,
    retry_at: Option<Instant>,
    last_received: Instant,
    last_sent: Instant,
    /// Frames that came over this line.
    received_frames: u64,
    parts: PartBuffer,
    deltas: SnapshotDeltas,
    /// The run that the far end shows.
    shown: Option<OpenedRun>,
    /// The run that was requested last, until the far end shows it: the line may break on the way.
    requested_run: Option<PathBuf>,
    /// The last event of the run; `None` before its state.
    seq: Option<u64>,
    run_state: RunState,
    snapshot: Option<Box<Snapshot>>,
    /// Commands without an answer.
    unanswered: BTreeSet<u64>,
    writers: FileWriters,
}

impl RemoteClient {
    fn new(
        address: RemoteAddress,
        host_config: HostConfig,
        readonly: bool,
        screen: MessageSink,
        inputs: Sender<NearInput>,
    ) -> Self {
        Self {
            address,
            host_config,
            readonly,
            screen,
            inputs,
            generation: 0,
            line: None,
            dialling: false,
            last_dialled: Instant::now(),
            attempt: 0,
            retry_at: None,
            last_received: Instant::now(),
            last_sent: Instant::now(),
            received_frames: 0,
            parts: PartBuffer::default(),
            deltas: SnapshotDeltas::default(),
            shown: None,
            requested_run: None,
            seq: None,
            run_state: RunState::default(),
            snapshot: None,
            unanswered: BTreeSet::new(),
            writers: FileWriters::default(),
        }
    }

    fn run_loop(mut self, inputs: &Receiver<NearInput>) -> Option<String> {
        loop {
            let input = match inputs.try_recv() {
                Ok(input) => input,
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {
                    // Now, not after a pause in what comes: keys alone would put that off for ever.
                    self.check_line();
                    let wait =
                        self.retry_at.map_or(Duration::from_secs(1), |at| at.saturating_duration_since(Instant::now()));
                    match inputs.recv_timeout(wait.min(Duration::from_secs(1))) {
                        Ok(input) => input,
                        Err(RecvTimeoutError::Timeout) => continue,
                        Err(RecvTimeoutError::Disconnected) => return None,
                    }
                }
            };
            match input {
                NearInput::End { stop } => return self.shut_down(stop, inputs),
                input => self.on_input(input),
            }
        }
    }

    fn on_input(&mut self, input: NearInput) {
        match input {
            NearInput::Terminal(message) => self.on_terminal_message(message),
            NearInput::Bridge { generation, received } if self.is_current(generation) => match received {
                Ok(message) => self.on_frame(message),
                Err(error) => self.on_line_lost(Some(error)),
            },
            NearInput::Dialled { generation, line } if generation == self.generation => {
                self.dialling = false;
                match line {
                    Ok(line) => self.on_connected(line),
                    Err(error) => self.schedule_redial(error.to_string()),
                }
            }
            NearInput::Bridge { .. } | NearInput::Dialled { .. } | NearInput::End { .. } => {}
        }
    }

    /// True for what came over the line that is there, whose reader may then take more.
    fn is_current(&self, generation: u64) -> bool {
        let line = self.line.as_ref().filter(|_| generation == self.generation);
        line.map(|line| line.message_tokens.try_recv()).is_some()
    }

    /// Nothing waits to be taken in.
    fn check_line(&mut self) {
        if self.line.is_some() {
            if self.last_received.elapsed() > SERVER_TIMEOUT {
                let seconds = SERVER_TIMEOUT.as_secs();
                self.on_line_lost(Some(ClientError::Timeout(seconds)));
            } else if self.last_sent.elapsed() > KEEPALIVE_INTERVAL {
                self.send_to_bridge(BridgeRequest::KeepAlive);
            }
        } else if self.retry_at.is_some_and(|at| at <= Instant::now()) {
            self.redial();
        }
    }

    fn on_terminal_message(&mut self, message: ClientMessage) {
        match message {
            ClientMessage::Bridge(request) => self.on_request(request),
            ClientMessage::Command { id, .. } => {
                if self.send_to_bridge(message) {
                    self.unanswered.insert(id);
                } else {
                    let host = &self.address.host;
                    self.send_refusal(id, format!("the connection to {host} is down; nothing was requested"));
                }
            }
            ClientMessage::Hello { .. } => {}
        }
    }

    fn on_request(&mut self, request: BridgeRequest) {
        match request {
            BridgeRequest::Figures => self.write_figures(),
            BridgeRequest::Write(file) => self.write_file(*file),
            BridgeRequest::Reconnect => {
                if self.line.is_none() && self.last_dialled.elapsed() > MIN_REDIAL_INTERVAL {
                    self.redial();
                }
            }
            request if self.send_to_bridge(request.clone()) => {
                if let BridgeRequest::OpenRun(path) = request {
                    self.requested_run = Some(path);
                }
            }
            // It is sent again when the line is back.
            BridgeRequest::Watch(_) => {}
            request => {
                let host = &self.address.host;
                let why = format!("the connection to {host} is down; try again when it is back");
                let opens = matches!(request, BridgeRequest::OpenRun(_));
                self.send_to_screen(match request {
                    BridgeRequest::Load(path) => BridgeMessage::Unread { path, why },
                    _ => BridgeMessage::Problem(why),
                });
                if opens {
                    self.resend_run_state();
                }
            }
        }
    }

    fn resend_run_state(&self) {
        if let Some(shown) = &self.shown {
            self.send_to_screen(BridgeMessage::RunOpened(shown.clone()));
        }
        let mut state = self.run_state.clone();
        state.snapshot = self.snapshot.as_deref().cloned();
        self.send_to_screen(BridgeMessage::RunState(Box::new(state)));
    }

    /// The id of the run that is shown, and all that is known of it.
    fn shown_state(&self) -> (String, RunState) {
        let id = self.shown.as_ref().map_or("run", |s| s.id.as_str());
        let mut state = self.run_state.clone();
        if let Some(snapshot) = &self.snapshot {
            state.apply_snapshot((**snapshot).clone());
        }
        (id.to_owned(), state)
    }

    /// Draws what is shown into files on this machine.
    fn write_figures(&mut self) {
        let (id, state) = self.shown_state();
        let name = self.shown.as_ref().map_or(&id, |shown| &shown.name);
        let folder = file_writer::local_figures_folder(Some(&self.address.host), name);
        self.spawn_writer(move || file_writer::write_figures(&id, &folder, || Ok(state)));
    }

    /// Writes a file on this machine, where the user is.
    fn write_file(&mut self, file: NewFile) {
        let (id, state) = self.shown_state();
        self.spawn_writer(move || file_writer::write_new_file(file, &id, FilePath::from, || Ok(state)));
    }

    fn spawn_writer(&mut self, write: impl FnOnce() -> BridgeMessage + Send + 'static) {
        if let Err(error) = self.writers.spawn_writer(self.screen.clone(), write) {
            self.send_to_screen(BridgeMessage::Problem(error.to_string()));
        }
    }

    /// Takes in a frame: a message, or a part of a large one.
    fn on_frame(&mut self, frame: Option<ServerMessage>) {
        self.last_received = Instant::now();
        self.received_frames += 1;
        if self.attempt > 0 || self.received_frames > 1 {
            self.send_to_screen(BridgeMessage::Line(LineState::Up));
        }
        self.attempt = 0;
        let is_acknowledged = matches!(
            frame,
            Some(
                ServerMessage::Bridge(BridgeMessage::Part { .. })
                    | ServerMessage::Snapshot(_)
                    | ServerMessage::Changed(_)
            )
        );
        // The far end would wait for it for ever.
        if is_acknowledged && !self.send_to_bridge(BridgeRequest::Taken) {
            let what = format!("sending to {}", self.address.host);
            let source = std::io::Error::other("the line takes no more");
            return self.on_line_lost(Some(ClientError::Io { what, source }));
        }
        let message = match frame {
            Some(ServerMessage::Bridge(BridgeMessage::Part { offset, text, last })) => {
                let json = self.parts.push(offset, &text, last);
                json.and_then(|json| json.map_or(Ok(None), |json| frame::parse_server_message(&json)))
            }
            message => Ok(message),
        };
        match message.and_then(|m| m.map(|m| self.deltas.expand(m)).transpose()) {
            Ok(Some(message)) => self.on_server_message(message),
            Ok(None) => {}
            Err(error) => self.on_line_lost(Some(error)),
        }
    }

    fn on_server_message(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::Event(envelope) => self.apply_event(envelope),
            ServerMessage::Snapshot(snapshot) => {
                self.snapshot = Some(snapshot.clone());
                self.send_to_screen(ServerMessage::Snapshot(snapshot));
            }
            ServerMessage::Reply { id, .. } => {
                self.unanswered.remove(&id);
                self.send_to_screen(message);
            }
            ServerMessage::Bridge(BridgeMessage::RunOpened(shown)) => {
                // The screen waits for the state of the run it requested, even of the one it had.
                let asked = self.requested_run.take_if(|path| *path == shown.dir).is_some();
                if asked || self.shown.as_ref().is_none_or(|s| s.dir != shown.dir) {
                    (self.seq, self.snapshot) = (None, None);
                    self.run_state = RunState::default();
                }
                self.shown = Some(shown.clone());
                self.send_to_screen(BridgeMessage::RunOpened(shown));
            }
            ServerMessage::Bridge(BridgeMessage::RunState(state)) => self.set_run_state(state),
            // Its end is taken in where the final message is waited for.
            ServerMessage::Bridge(BridgeMessage::KeepAlive | BridgeMessage::Farewell { .. }) => {}
            message => {
                // The far end could not open it, and shows what it did before. Another may have been requested since.
                if let ServerMessage::Bridge(BridgeMessage::Unopened { path, .. }) = &message {
                    self.requested_run.take_if(|wanted| wanted == path);
                }
                self.send_to_screen(message);
            }
        }
    }

    fn set_run_state(&mut self, mut state: Box<RunState>) {
        for exported in &mut state.exports {
            exported.dir = self.remote_path(&exported.dir);
        }
        self.seq = Some(state.seq);
        self.run_state = (*state).clone();
        state.snapshot = self.snapshot.as_deref().cloned();
        self.send_to_screen(BridgeMessage::RunState(state));
    }

    fn apply_event(&mut self, mut envelope: Envelope) {
        // Before its state an event is of the run before.
        let Some(seq) = self.seq else { return };
        if envelope.seq <= seq {
            return;
        }
        if envelope.seq > seq + 1 {
            // The next line brings the whole state.
            self.seq = None;
            return self.on_line_lost(Some(ClientError::InvalidMessage(format!("event {} after {seq}", envelope.seq))));
        }
        self.seq = Some(envelope.seq);
        if let Event::Exported(exported) = &mut envelope.event {
            exported.dir = self.remote_path(&exported.dir);
        }
        self.run_state.apply(&envelope);
        self.send_to_screen(ServerMessage::Event(envelope));
    }

    /// A path on the other machine, as it is called here.
    fn remote_path(&self, path: &Path) -> PathBuf {
        self.address.format_run(&path.display().to_string()).into()
    }

    /// The run to dial for, and what is known of it already: its id and its last event.
    fn dial_target(&self) -> (String, Option<(String, u64)>) {
        match (&self.requested_run, &self.shown) {
            (Some(path), _) => (path.display().to_string(), None),
            (None, Some(shown)) => {
                let known = self.seq.map(|seq| (shown.id.clone(), seq));
                (shown.dir.display().to_string(), known)
            }
            (None, None) => (self.address.run.clone(), None),
        }
    }

    /// Dials on a thread of its own.
    fn redial(&mut self) {
        if self.dialling {
            return;
        }
        (self.dialling, self.retry_at, self.last_dialled) = (true, None, Instant::now());
        self.generation += 1;
        let (generation, inputs) = (self.generation, self.inputs.clone());
        let (host_config, host, readonly) = (self.host_config.clone(), self.address.host.clone(), self.readonly);
        let (run, _) = self.dial_target();
        std::thread::spawn(move || {
            let line = dial_host(&host_config, &host, &bridge_arguments(&run, readonly), true);
            let _ = inputs.send(NearInput::Dialled { generation, line });
        });
    }

    /// A line is connected: sends the known state, and reads.
    fn on_connected(&mut self, line: dial::DialedLine) {
        self.generation += 1;
        (self.received_frames, self.last_received) = (0, Instant::now());
        (self.parts, self.deltas) = (PartBuffer::default(), SnapshotDeltas::default());
        let dial::DialedLine { mut stdin, stdout, command } = line;
        let (requests, to_say) = sync_channel::<ClientMessage>(MAX_QUEUED_REQUESTS);
        // Writing may have to wait for the line; nothing here waits for it.
        std::thread::spawn(move || {
            for message in to_say {
                if frame::write(&mut stdin, &message).is_err() {
                    return;
                }
            }
        });
        let (generation, inputs) = (self.generation, self.inputs.clone());
        let (token, message_tokens) = sync_channel(MAX_QUEUED_MESSAGES);
        std::thread::spawn(move || {
            let mut stream = InflateStream::new(stdout);
            loop {
                let received = frame::read_server_message(&mut stream);
                let over = received.is_err();
                let sent = token.send(()).is_ok() && inputs.send(NearInput::Bridge { generation, received }).is_ok();
                if over || !sent {
                    return;
                }
            }
        });
        self.line = Some(OpenLine { requests, message_tokens, command });
        let (_, known) = self.dial_target();
        let (run, after) = known.unzip();
        let client = format!("surfit {} (pid {})", env!("CARGO_PKG_VERSION"), std::process::id());
        let (protocol, readonly, changes) = (PROTOCOL_VERSION, self.readonly, true);
        self.send_to_bridge(ClientMessage::Hello { protocol, client, after, run, readonly, changes });
    }

    /// Says something to the far end, if the line takes it.
    fn send_to_bridge(&mut self, message: impl Into<ClientMessage>) -> bool {
        self.last_sent = Instant::now();
        let sent = self.line.as_ref().map(|line| line.requests.try_send(message.into()));
        match sent {
            Some(Ok(())) => true,
            // Its end comes from the reader; a line that takes nothing is found by its silence.
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => false,
        }
    }

    /// Sends to the screen. A closed screen is detected by its own end of the channel.
    fn send_to_screen(&self, message: impl Into<ServerMessage>) {
        let _ = (self.screen)(message.into());
    }

    /// Answers a command that nobody carries out.
    fn send_refusal(&self, id: u64, why: String) {
        self.send_to_screen(ServerMessage::Reply {
            id,
            error: Some(CommandError::new(CommandErrorCode::Other, why)),
            events: None,
        });
    }

    fn on_line_lost(&mut self, error: Option<ClientError>) {
        let Some(mut line) = self.line.take() else {
            return;
        };
        self.generation += 1;
        let timeout = match error {
            Some(ClientError::Closed) => Duration::from_millis(500),
            _ => Duration::ZERO,
        };
        let said = line.command.end(timeout);
        let why = match error {
            Some(ClientError::Closed) | None => said,
            Some(ClientError::Timeout(seconds)) => format!("no message arrived for {seconds} s"),
            Some(error) => error.to_string(),
        };
        for id in std::mem::take(&mut self.unanswered) {
            let host = &self.address.host;
            self.send_refusal(id, format!("the line broke before {host} answered; look whether it was done"));
        }
        self.schedule_redial(why);
    }

    fn schedule_redial(&mut self, why: String) {
        if dial::is_refused(&why) {
            // It would be refused again, and some hosts shut out who tries too often.
            self.retry_at = None;
            return self.send_to_screen(BridgeMessage::Line(LineState::Refused { why }));
        }
        let pause = Duration::from_secs(REDIAL_DELAYS_SECS[self.attempt.min(REDIAL_DELAYS_SECS.len() - 1)]);
        self.attempt += 1;
        self.retry_at = Some(Instant::now() + pause);
        self.send_to_screen(BridgeMessage::Line(LineState::Down { why, retry: pause.as_secs_f64() }));
    }

    /// Leaves, and returns the final messages: first those of files that were written here.
    fn shut_down(mut self, stop: bool, inputs: &Receiver<NearInput>) -> Option<String> {
        let writers = std::mem::take(&mut self.writers);
        let message = self.close_session(stop, inputs);
        let mut lines = writers.finish();
        lines.extend(message);
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// Leaves, and returns the far end's final message.
    fn close_session(mut self, stop: bool, inputs: &Receiver<NearInput>) -> Option<String> {
        let id = self.shown.as_ref().map_or(String::new(), |s| s.id.clone());
        let (host, name) = (self.address.host.clone(), self.address.format_run(&id));
        let asked = self.send_to_bridge(BridgeRequest::Leave { stop_engine: stop, name: name.clone() });
        let (began, mut last_received) = (Instant::now(), Instant::now());
        while asked && last_received.elapsed() < GOODBYE_TIMEOUT && began.elapsed() < STOP_TIMEOUT {
            match inputs.recv_timeout(Duration::from_millis(50)) {
                Ok(NearInput::Bridge { generation, received }) if self.is_current(generation) => {
                    last_received = Instant::now();
                    match received {
                        Ok(Some(ServerMessage::Bridge(BridgeMessage::Farewell { message }))) => return message,
                        Ok(_) => {}
                        Err(_) => break,
                    }
                }
                _ => {}
            }
        }
        let stands = match self.run_state.job_result() {
            Some(_) => "is finished",
            None => "goes on there",
        };
        Some(format!("no line to {host}; {id} {stands}, come back with `surfit open {name}`"))
    }
}

#[cfg(test)]
mod tests;

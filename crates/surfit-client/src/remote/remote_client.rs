//! The near end: keeps the screen fed, and comes back where it was when the line breaks.

mod bridge_messages;
mod line;

use super::address::RemoteAddress;
use super::dial::{self, dial};
use super::host_config::HostConfig;
use super::wire::{ShownRun, ToFar, ToNear};
use crate::ClientError;
use crate::bridge::{figures_message, join_with_progress};
use crate::file_writer::{self, FileWriters};
use ciborium::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use surfit_core::run_state::RunState;
use surfit_core::snapshot::Snapshot;
use surfit_tui::link::NewFile;
use surfit_tui::{Incoming, Outgoing, WorkbenchLink};

/// Least time between two attempts, however many keys ask for one.
const MIN_REDIAL_INTERVAL: Duration = Duration::from_millis(500);
/// After so much silence the line is broken; the far end says something every two seconds.
const SERVER_TIMEOUT: Duration = Duration::from_secs(20);
/// How often the far end is told that this one lives.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// How long the far end may take to say which run it shows.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the far end may be silent before its last words; it says every second that it is not done yet.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(6);
/// How long they may take in all, when the engine makes a checkpoint first, or other runs are made.
const STOP_TIMEOUT: Duration = Duration::from_secs(240);

/// The near end's thread and the way to end it.
#[derive(Debug)]
pub struct RemoteHandle {
    thread: JoinHandle<Option<String>>,
    reader: JoinHandle<()>,
    inputs: SyncSender<NearInput>,
}

impl RemoteHandle {
    /// Leaves, on request after the engine has stopped; gives the last words. The link's `outgoing` must have been
    /// dropped. `waiting` is called every time that `pace` has passed meanwhile.
    pub fn end_with_progress(self, stop: bool, pace: Duration, on_wait: impl FnMut()) -> Option<String> {
        let _ = self.reader.join();
        let _ = self.inputs.send(NearInput::End { stop });
        join_with_progress(self.thread, pace, on_wait)
    }
}

#[derive(Debug)]
enum NearInput {
    Screen(Outgoing),
    Bridge { generation: u64, received: Result<Option<ToNear>, ClientError> },
    Dialled { generation: u64, line: Result<dial::DialedLine, String> },
    End { stop: bool },
}

/// Most frames that come before the one that says which run it is.
const MAX_FRAMES_BEFORE_RUN: u64 = 64;

/// Dials, and opens the run there; the link is for the terminal. Passwords can be asked for meanwhile.
///
/// # Errors
/// A sentence.
pub fn open(
    address: RemoteAddress,
    host_config: HostConfig,
    readonly: bool,
) -> Result<(RemoteHandle, WorkbenchLink, ShownRun), String> {
    let host = address.host.clone();
    let line = dial(&host_config, &host, &bridge_arguments(&address.run, readonly), false)
        .map_err(|why| format!("{host}: {why}"))?;
    let (to_screen, incoming) = sync_channel(256);
    let (outgoing, from_screen) = channel::<Outgoing>();
    let (inputs, receiver) = sync_channel(64);
    let forward = inputs.clone();
    let reader = std::thread::spawn(move || {
        for message in from_screen {
            if forward.send(NearInput::Screen(message)).is_err() {
                return;
            }
        }
    });
    let mut near = RemoteClient::new(address, host_config, readonly, to_screen, inputs.clone());
    near.on_connected(line);
    let began = Instant::now();
    let shown = loop {
        match receiver.recv_timeout(OPEN_TIMEOUT.saturating_sub(began.elapsed())) {
            Ok(NearInput::Bridge { received: Ok(message), .. }) => {
                near.on_bridge_message(message);
                if let Some(shown) = &near.shown {
                    break shown.clone();
                }
                // Nobody reads yet what is for the screen.
                if near.received_frames > MAX_FRAMES_BEFORE_RUN {
                    return Err(format!(
                        "{host} greeted and then did not say which run it shows; install the same version on both"
                    ));
                }
            }
            Ok(NearInput::Bridge { received: Err(error), .. }) => {
                let why = near.line.take().map_or(String::new(), |mut l| l.command.end(Duration::from_secs(1)));
                return Err(match error {
                    ClientError::Closed => format!("{host}: {why}"),
                    error => format!("{host}: {error}"),
                });
            }
            Ok(_) => {}
            Err(_) => {
                return Err(format!("{host} greeted and then said nothing for {} s", OPEN_TIMEOUT.as_secs()));
            }
        }
    };
    let thread = std::thread::spawn(move || near.run_loop(&receiver));
    let remote = RemoteHandle { thread, reader, inputs };
    Ok((remote, WorkbenchLink { incoming, outgoing }, shown))
}

fn bridge_arguments(run: &str, readonly: bool) -> Vec<&str> {
    let mut words = vec!["bridge"];
    words.extend(readonly.then_some("--readonly"));
    if !run.is_empty() {
        words.extend(["--", run]);
    }
    words
}

/// A line that carries.
struct OpenLine {
    sender: SyncSender<ToFar>,
    command: dial::DialCommand,
}

struct RemoteClient {
    address: RemoteAddress,
    host_config: HostConfig,
    readonly: bool,
    screen: SyncSender<Incoming>,
    inputs: SyncSender<NearInput>,
    /// Counts lines: what an earlier one still says is passed over.
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
    shown: Option<ShownRun>,
    /// The run that was asked for last, until the far end shows it: the line may break on the way.
    requested_run: Option<PathBuf>,
    /// Where the run lies, and its name there, as told last.
    location: Option<(PathBuf, String)>,
    /// The last event of the run; `None` before its picture.
    seq: Option<u64>,
    run_state: RunState,
    base_snapshot: Value,
    snapshot: Option<Box<Snapshot>>,
    /// Commands without an answer.
    unanswered: BTreeSet<u64>,
    /// Files that are being written here.
    writers: FileWriters,
}

impl RemoteClient {
    fn new(
        address: RemoteAddress,
        reach: HostConfig,
        readonly: bool,
        screen: SyncSender<Incoming>,
        inputs: SyncSender<NearInput>,
    ) -> Self {
        Self {
            address,
            host_config: reach,
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
            shown: None,
            requested_run: None,
            location: None,
            seq: None,
            run_state: RunState::default(),
            base_snapshot: Value::Null,
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
            NearInput::Screen(message) => self.on_ui_request(message),
            NearInput::Bridge { generation, received: said }
                if generation == self.generation && self.line.is_some() =>
            {
                match said {
                    Ok(message) => self.on_bridge_message(message),
                    Err(error) => self.on_line_lost(Some(error)),
                }
            }
            NearInput::Dialled { generation, line } if generation == self.generation => {
                self.dialling = false;
                match line {
                    Ok(line) => self.on_connected(line),
                    Err(why) => self.schedule_redial(why),
                }
            }
            NearInput::Bridge { .. } | NearInput::Dialled { .. } | NearInput::End { .. } => {}
        }
    }

    /// Nothing waits to be taken in.
    fn check_line(&mut self) {
        if self.line.is_some() {
            if self.last_received.elapsed() > SERVER_TIMEOUT {
                let seconds = SERVER_TIMEOUT.as_secs();
                self.on_line_lost(Some(ClientError::Timeout(seconds)));
            } else if self.last_sent.elapsed() > KEEPALIVE_INTERVAL {
                self.send_to_bridge(ToFar::Alive);
            }
        } else if self.retry_at.is_some_and(|at| at <= Instant::now()) {
            self.redial();
        }
    }

    fn on_ui_request(&mut self, message: Outgoing) {
        match message {
            Outgoing::Figures => self.write_figures(),
            Outgoing::Write(file) => self.write_file(*file),
            Outgoing::Detach => {}
            // It is said again when the line is back.
            Outgoing::Watch(runs) => {
                self.send_to_bridge(ToFar::Say(Outgoing::Watch(runs)));
            }
            Outgoing::Reconnect => {
                if self.line.is_none() && self.last_dialled.elapsed() > MIN_REDIAL_INTERVAL {
                    self.redial();
                }
            }
            Outgoing::Command { id, command } => {
                if self.send_to_bridge(ToFar::Say(Outgoing::Command { id, command })) {
                    self.unanswered.insert(id);
                } else {
                    let host = &self.address.host;
                    let error = Some(format!("the line to {host} is down; nothing was asked of it"));
                    self.send_to_screen(Incoming::Reply { id, error });
                }
            }
            message => {
                if self.send_to_bridge(ToFar::Say(message.clone())) {
                    if let Outgoing::OpenRun(path) = message {
                        self.requested_run = Some(path);
                    }
                } else {
                    let host = &self.address.host;
                    let why = format!("the line to {host} is down; try again when it is back");
                    let opens = matches!(message, Outgoing::OpenRun(_));
                    self.send_to_screen(match message {
                        Outgoing::Load(path) => Incoming::Unread { path, why },
                        _ => Incoming::Problem(why),
                    });
                    if opens {
                        self.resend_run_state();
                    }
                }
            }
        }
    }

    /// The screen waits for a picture.
    fn resend_run_state(&self) {
        let mut picture = self.run_state.clone();
        picture.snapshot = self.snapshot.as_deref().cloned();
        self.send_to_screen(Incoming::Picture(Box::new(picture)));
        if let Some((dir, name)) = self.location.clone() {
            self.send_to_screen(Incoming::At { dir, name });
        }
    }

    /// The id of the run that is shown, and all that is known of it.
    fn shown_state(&self) -> (String, RunState) {
        let id = self.shown.as_ref().map_or("run", |s| s.id.as_str());
        let mut picture = self.run_state.clone();
        if let Some(snapshot) = &self.snapshot {
            picture.apply_snapshot((**snapshot).clone());
        }
        (id.to_owned(), picture)
    }

    /// Draws what is shown into files on this machine.
    fn write_figures(&mut self) {
        let (id, picture) = self.shown_state();
        let name = self.location.as_ref().map_or(&id, |(_, name)| name);
        let folder = file_writer::local_figures_folder(Some(&self.address.host), name);
        self.spawn_writer(move || match surfit_report::write_figures(&id, &picture, &folder) {
            Ok(files) => Incoming::Notice(figures_message(&files, &folder)),
            Err(error) => Incoming::Problem(error.to_string()),
        });
    }

    /// Writes a file on this machine, where the user is.
    fn write_file(&mut self, file: NewFile) {
        let (id, picture) = self.shown_state();
        self.spawn_writer(move || file_writer::write_new_file(file, &id, || Ok(picture)));
    }

    fn spawn_writer(&mut self, write: impl FnOnce() -> Incoming + Send + 'static) {
        if let Err(error) = self.writers.spawn_writer(self.screen.clone(), write) {
            self.send_to_screen(Incoming::Problem(error.to_string()));
        }
    }

    /// Leaves, and gives the last words: first of what was written here.
    fn shut_down(mut self, stop: bool, inputs: &Receiver<NearInput>) -> Option<String> {
        let writers = std::mem::take(&mut self.writers);
        let words = self.close_session(stop, inputs);
        let mut lines = writers.finish();
        lines.extend(words);
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// Leaves, and gives the far end's last words.
    fn close_session(mut self, stop: bool, inputs: &Receiver<NearInput>) -> Option<String> {
        let id = self.shown.as_ref().map_or(String::new(), |s| s.id.clone());
        let (host, name) = (self.address.host.clone(), self.address.format_run(&id));
        let asked = self.send_to_bridge(ToFar::End { stop, name: name.clone() });
        let (began, mut heard) = (Instant::now(), Instant::now());
        while asked && heard.elapsed() < GOODBYE_TIMEOUT && began.elapsed() < STOP_TIMEOUT {
            match inputs.recv_timeout(Duration::from_millis(50)) {
                Ok(NearInput::Bridge { generation, received: said }) if generation == self.generation => match said {
                    Ok(Some(ToNear::Parted { words })) => return words,
                    Ok(_) => {
                        heard = Instant::now();
                        self.received_frames += 1;
                        self.send_to_bridge(ToFar::Taken(self.received_frames));
                    }
                    Err(_) => break,
                },
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

//! The near end: keeps the screen fed, and comes back where it was when the line breaks.

mod line;
mod said;

use super::address::RemoteAddress;
use super::dial::{self, dial};
use super::settings::HostConfig;
use super::wire::{ShownRun, ToFar, ToNear};
use crate::ClientError;
use crate::bridge::{join, told};
use crate::write::{self, FileWriters};
use ciborium::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TryRecvError, channel, sync_channel,
};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use surfit_core::picture::RunState;
use surfit_core::snapshot::Snapshot;
use surfit_tui::link::NewFile;
use surfit_tui::{Incoming, Outgoing, WorkbenchLink};

/// Least time between two attempts, however many keys ask for one.
const LEAST: Duration = Duration::from_millis(500);
/// After so much silence the line is broken; the far end says something every two seconds.
const SILENCE: Duration = Duration::from_secs(20);
/// How often the far end is told that this one lives.
const ALIVE: Duration = Duration::from_secs(5);
/// How long the far end may take to say which run it shows.
const OPENING: Duration = Duration::from_secs(30);
/// How long the far end may be silent before its last words; it says every second that it is not done yet.
const PARTING: Duration = Duration::from_secs(6);
/// How long they may take in all, when the engine makes a checkpoint first, or other runs are made.
const STOPPING: Duration = Duration::from_secs(240);

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
    pub fn end_patiently(
        self,
        stop: bool,
        pace: Duration,
        waiting: impl FnMut(),
    ) -> Option<String> {
        let _ = self.reader.join();
        let _ = self.inputs.send(NearInput::End { stop });
        join(self.thread, pace, waiting)
    }
}

#[derive(Debug)]
enum NearInput {
    Screen(Outgoing),
    Far {
        generation: u64,
        said: Result<Option<ToNear>, ClientError>,
    },
    Dialled {
        generation: u64,
        line: Result<dial::DialedLine, String>,
    },
    End {
        stop: bool,
    },
}

/// Most frames that come before the one that says which run it is.
const MAX_FRAMES_BEFORE_RUN: u64 = 64;

/// Dials, and opens the run there; the link is for the terminal. Passwords can be asked for meanwhile.
///
/// # Errors
/// A sentence.
pub fn open(
    address: RemoteAddress,
    reach: HostConfig,
    readonly: bool,
) -> Result<(RemoteHandle, WorkbenchLink, ShownRun), String> {
    let host = address.host.clone();
    let line = dial(&reach, &host, &arguments(&address.run, readonly), false)
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
    let mut near = RemoteClient::new(address, reach, readonly, to_screen, inputs.clone());
    near.carry(line);
    let began = Instant::now();
    let shown = loop {
        match receiver.recv_timeout(OPENING.saturating_sub(began.elapsed())) {
            Ok(NearInput::Far {
                said: Ok(message), ..
            }) => {
                near.far_says(message);
                if let Some(shown) = &near.shown {
                    break shown.clone();
                }
                // Nobody reads yet what is for the screen.
                if near.frames > MAX_FRAMES_BEFORE_RUN {
                    return Err(format!(
                        "{host} greeted and then did not say which run it shows; install the same version on both"
                    ));
                }
            }
            Ok(NearInput::Far {
                said: Err(error), ..
            }) => {
                let why = near
                    .line
                    .take()
                    .map_or(String::new(), |mut l| l.command.end(Duration::from_secs(1)));
                return Err(match error {
                    ClientError::Closed => format!("{host}: {why}"),
                    error => format!("{host}: {error}"),
                });
            }
            Ok(_) => {}
            Err(_) => {
                return Err(format!(
                    "{host} greeted and then said nothing for {} s",
                    OPENING.as_secs()
                ));
            }
        }
    };
    let thread = std::thread::spawn(move || near.work(&receiver));
    let remote = RemoteHandle {
        thread,
        reader,
        inputs,
    };
    Ok((remote, WorkbenchLink { incoming, outgoing }, shown))
}

fn arguments(run: &str, readonly: bool) -> Vec<&str> {
    let mut words = vec!["bridge"];
    words.extend(readonly.then_some("--readonly"));
    if !run.is_empty() {
        words.extend(["--", run]);
    }
    words
}

/// A line that carries.
struct OpenLine {
    says: SyncSender<ToFar>,
    command: dial::DialCommand,
}

struct RemoteClient {
    address: RemoteAddress,
    reach: HostConfig,
    readonly: bool,
    screen: SyncSender<Incoming>,
    inputs: SyncSender<NearInput>,
    /// Counts lines: what an earlier one still says is passed over.
    generation: u64,
    line: Option<OpenLine>,
    dialling: bool,
    tried: Instant,
    attempt: usize,
    retry: Option<Instant>,
    heard: Instant,
    said: Instant,
    /// Frames that came over this line.
    frames: u64,
    shown: Option<ShownRun>,
    /// The run that was asked for last, until the far end shows it: the line may break on the way.
    wanted: Option<PathBuf>,
    /// Where the run lies, and its name there, as told last.
    place: Option<(PathBuf, String)>,
    /// The last event of the run; `None` before its picture.
    seq: Option<u64>,
    picture: RunState,
    base: Value,
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
            reach,
            readonly,
            screen,
            inputs,
            generation: 0,
            line: None,
            dialling: false,
            tried: Instant::now(),
            attempt: 0,
            retry: None,
            heard: Instant::now(),
            said: Instant::now(),
            frames: 0,
            shown: None,
            wanted: None,
            place: None,
            seq: None,
            picture: RunState::default(),
            base: Value::Null,
            snapshot: None,
            unanswered: BTreeSet::new(),
            writers: FileWriters::default(),
        }
    }

    fn work(mut self, inputs: &Receiver<NearInput>) -> Option<String> {
        loop {
            let input = match inputs.try_recv() {
                Ok(input) => input,
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {
                    // Now, not after a pause in what comes: keys alone would put that off for ever.
                    self.look();
                    let wait = self.retry.map_or(Duration::from_secs(1), |at| {
                        at.saturating_duration_since(Instant::now())
                    });
                    match inputs.recv_timeout(wait.min(Duration::from_secs(1))) {
                        Ok(input) => input,
                        Err(RecvTimeoutError::Timeout) => continue,
                        Err(RecvTimeoutError::Disconnected) => return None,
                    }
                }
            };
            match input {
                NearInput::End { stop } => return self.part(stop, inputs),
                input => self.take(input),
            }
        }
    }

    fn take(&mut self, input: NearInput) {
        match input {
            NearInput::Screen(message) => self.screen_says(message),
            NearInput::Far { generation, said }
                if generation == self.generation && self.line.is_some() =>
            {
                match said {
                    Ok(message) => self.far_says(message),
                    Err(error) => self.lose(Some(error)),
                }
            }
            NearInput::Dialled { generation, line } if generation == self.generation => {
                self.dialling = false;
                match line {
                    Ok(line) => self.carry(line),
                    Err(why) => self.wait(why),
                }
            }
            NearInput::Far { .. } | NearInput::Dialled { .. } | NearInput::End { .. } => {}
        }
    }

    /// Nothing waits to be taken in.
    fn look(&mut self) {
        if self.line.is_some() {
            if self.heard.elapsed() > SILENCE {
                let seconds = SILENCE.as_secs();
                self.lose(Some(ClientError::Timeout(seconds)));
            } else if self.said.elapsed() > ALIVE {
                self.say(ToFar::Alive);
            }
        } else if self.retry.is_some_and(|at| at <= Instant::now()) {
            self.try_again();
        }
    }

    fn screen_says(&mut self, message: Outgoing) {
        match message {
            Outgoing::Figures => self.figures(),
            Outgoing::Write(file) => self.write(*file),
            Outgoing::Detach => {}
            // It is said again when the line is back.
            Outgoing::Watch(runs) => {
                self.say(ToFar::Say(Outgoing::Watch(runs)));
            }
            Outgoing::Reconnect => {
                if self.line.is_none() && self.tried.elapsed() > LEAST {
                    self.try_again();
                }
            }
            Outgoing::Command { id, command } => {
                if self.say(ToFar::Say(Outgoing::Command { id, command })) {
                    self.unanswered.insert(id);
                } else {
                    let host = &self.address.host;
                    let error = Some(format!(
                        "the line to {host} is down; nothing was asked of it"
                    ));
                    self.tell(Incoming::Reply { id, error });
                }
            }
            message => {
                if self.say(ToFar::Say(message.clone())) {
                    if let Outgoing::OpenRun(path) = message {
                        self.wanted = Some(path);
                    }
                } else {
                    let host = &self.address.host;
                    let why = format!("the line to {host} is down; try again when it is back");
                    let opens = matches!(message, Outgoing::OpenRun(_));
                    self.tell(match message {
                        Outgoing::Load(path) => Incoming::Unread { path, why },
                        _ => Incoming::Problem(why),
                    });
                    if opens {
                        self.show_again();
                    }
                }
            }
        }
    }

    /// The screen waits for a picture.
    fn show_again(&self) {
        let mut picture = self.picture.clone();
        picture.snapshot = self.snapshot.as_deref().cloned();
        self.tell(Incoming::Picture(Box::new(picture)));
        if let Some((dir, name)) = self.place.clone() {
            self.tell(Incoming::At { dir, name });
        }
    }

    /// The id of the run that is shown, and all that is known of it.
    fn seen(&self) -> (String, RunState) {
        let id = self.shown.as_ref().map_or("run", |s| s.id.as_str());
        let mut picture = self.picture.clone();
        if let Some(snapshot) = &self.snapshot {
            picture.show((**snapshot).clone());
        }
        (id.to_owned(), picture)
    }

    /// Draws what is shown into files on this machine.
    fn figures(&mut self) {
        let (id, picture) = self.seen();
        let name = self.place.as_ref().map_or(&id, |(_, name)| name);
        let folder = write::folder_here(Some(&self.address.host), name);
        self.begin_writing(
            move || match surfit_report::write_figures(&id, &picture, &folder) {
                Ok(files) => Incoming::Notice(told(&files, &folder)),
                Err(error) => Incoming::Problem(error.to_string()),
            },
        );
    }

    /// Writes a file on this machine, where the user is.
    fn write(&mut self, file: NewFile) {
        let (id, picture) = self.seen();
        self.begin_writing(move || write::carry_out(file, &id, || Ok(picture)));
    }

    fn begin_writing(&mut self, write: impl FnOnce() -> Incoming + Send + 'static) {
        if let Err(error) = self.writers.begin(self.screen.clone(), write) {
            self.tell(Incoming::Problem(error.to_string()));
        }
    }

    /// Leaves, and gives the last words: first of what was written here.
    fn part(mut self, stop: bool, inputs: &Receiver<NearInput>) -> Option<String> {
        let writers = std::mem::take(&mut self.writers);
        let words = self.take_leave(stop, inputs);
        let mut lines = writers.finish();
        lines.extend(words);
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// Leaves, and gives the far end's last words.
    fn take_leave(mut self, stop: bool, inputs: &Receiver<NearInput>) -> Option<String> {
        let id = self.shown.as_ref().map_or(String::new(), |s| s.id.clone());
        let (host, name) = (self.address.host.clone(), self.address.text(&id));
        let asked = self.say(ToFar::End {
            stop,
            name: name.clone(),
        });
        let (began, mut heard) = (Instant::now(), Instant::now());
        while asked && heard.elapsed() < PARTING && began.elapsed() < STOPPING {
            match inputs.recv_timeout(Duration::from_millis(50)) {
                Ok(NearInput::Far { generation, said }) if generation == self.generation => {
                    match said {
                        Ok(Some(ToNear::Parted { words })) => return words,
                        Ok(_) => {
                            heard = Instant::now();
                            self.frames += 1;
                            self.say(ToFar::Taken(self.frames));
                        }
                        Err(_) => break,
                    }
                }
                _ => {}
            }
        }
        let stands = match self.picture.done() {
            Some(_) => "is finished",
            None => "goes on there",
        };
        Some(format!(
            "no line to {host}; {id} {stands}, come back with `surfit open {name}`"
        ))
    }
}

#[cfg(test)]
mod tests;

//! Between the terminal's channels and the engine of whichever run is shown.
//!
//! One thread owns all state here and takes one message at a time: from the terminal, from the reader of the present
//! connection, or from the thread that starts an engine. It is what makes opening a run instant: the first frame is
//! drawn before the run's directory is even made.

mod begin;
mod ending;
mod figures;
mod show;

use super::{ClientError, Connection, Received};
use begin::{Begin, Begun, come_by, run_lines};
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;
use surfit_core::config::Config;
use surfit_core::event::{Envelope, Event};
use surfit_core::protocol::{Command, ServerMessage};
use surfit_core::run_dir::RunDir;
use surfit_core::snapshot::Snapshot;
use surfit_tui::{Incoming, Link, Outgoing};

/// What to show first.
#[derive(Debug)]
pub enum Target {
    /// A run that is there.
    Existing(RunDir),
    /// A run that is begun now.
    New(Box<Config>),
}

/// The bridge's thread and the way to end it.
#[derive(Debug)]
pub struct Bridge {
    thread: JoinHandle<Ended>,
    reader: JoinHandle<()>,
    inputs: SyncSender<Input>,
}

/// How things stood when the bridge ended.
#[derive(Debug, Default)]
pub struct Ended {
    /// The run that was shown.
    pub run: Option<RunDir>,
    /// Its engine was asked to end, and is gone.
    pub stopped: bool,
    /// An engine was being started for it that has not been heard of yet.
    pub starting: bool,
}

/// Messages that wait for the bridge; a flood from an engine then waits in its socket, and the engine leaves out
/// snapshots.
const WAITING: usize = 64;

/// Starts the bridge; the link is for the terminal.
///
/// # Errors
/// When the system gives no thread.
pub fn open(target: Target) -> io::Result<(Bridge, Link)> {
    let (to_screen, incoming) = sync_channel(256);
    let (outgoing, from_screen) = channel();
    let (inputs, receiver) = sync_channel(WAITING);
    let forward = inputs.clone();
    let reader = std::thread::Builder::new()
        .name("screen reader".into())
        .spawn(move || {
            for message in from_screen {
                if forward.send(Input::Screen(message)).is_err() {
                    return;
                }
            }
        })?;
    let worker = Worker {
        screen: to_screen,
        inputs: inputs.clone(),
        run: None,
        seq: 0,
        closed: false,
        generation: 0,
        connection: None,
        starting: false,
        alive: false,
        pending: VecDeque::new(),
        unanswered: BTreeSet::new(),
        snapshot: None,
    };
    let thread = std::thread::Builder::new()
        .name("bridge".into())
        .spawn(move || worker.work(target, &receiver))?;
    Ok((
        Bridge {
            thread,
            reader,
            inputs,
        },
        Link { incoming, outgoing },
    ))
}

impl Bridge {
    /// Ends the bridge, on request with the engine of the run that is shown. The link's `outgoing` must have been
    /// dropped: what was sent on it last is carried out first.
    pub fn end(self, stop_engine: bool) -> Ended {
        let _ = self.reader.join();
        let _ = self.inputs.send(Input::End { stop_engine });
        self.thread.join().unwrap_or_default()
    }
}

enum Input {
    Screen(Outgoing),
    Engine { generation: u64, received: Received },
    Begun { generation: u64, begun: Begun },
    End { stop_engine: bool },
}

/// How often to look whether a run without an engine has one again.
const LOOK_FOR_ENGINE: Duration = Duration::from_secs(2);

/// Commands that wait for an engine to start; more are refused.
const PENDING: usize = 64;

struct Worker {
    screen: SyncSender<Incoming>,
    inputs: SyncSender<Input>,
    run: Option<RunDir>,
    seq: u64,
    closed: bool,
    /// Counts runs and connections: what an earlier one still sends is passed over.
    generation: u64,
    connection: Option<Connection>,
    starting: bool,
    /// Whether an engine worked on the run when it was last looked for.
    alive: bool,
    pending: VecDeque<(u64, Command)>,
    /// Commands that the present engine was sent and has not replied to.
    unanswered: BTreeSet<u64>,
    snapshot: Option<Box<Snapshot>>,
}

impl Worker {
    fn work(mut self, target: Target, inputs: &Receiver<Input>) -> Ended {
        self.begin_with(target);
        loop {
            match inputs.recv_timeout(LOOK_FOR_ENGINE) {
                Ok(Input::End { stop_engine }) => return self.end(stop_engine, inputs),
                Ok(input) => self.take(input),
                Err(RecvTimeoutError::Timeout) => self.look_for_engine(),
                Err(RecvTimeoutError::Disconnected) => return Ended::default(),
            }
        }
    }

    /// Attaches again when somebody else has brought the run's engine back.
    fn look_for_engine(&mut self) {
        let alive = self.run.as_ref().is_some_and(RunDir::is_alive);
        let before = std::mem::replace(&mut self.alive, alive);
        if alive && !before && self.connection.is_none() && !self.starting {
            self.begin(Begin::Attach);
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Screen(message) => self.screen_says(message),
            Input::Engine {
                generation,
                received,
            } if generation == self.generation => self.engine_says(received),
            Input::Begun { generation, begun } if generation == self.generation => {
                self.begun(begun);
            }
            Input::Engine { .. } | Input::Begun { .. } | Input::End { .. } => {}
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
    fn begin(&mut self, how: Begin) {
        let Some(run) = self.run.clone().filter(|_| !self.starting) else {
            return;
        };
        self.starting = true;
        self.generation += 1;
        let (generation, inputs, after) = (self.generation, self.inputs.clone(), self.seq);
        let started = std::thread::Builder::new()
            .name("engine starter".into())
            .spawn(move || {
                let begun = come_by(&run, how, after);
                let _ = inputs.send(Input::Begun { generation, begun });
            });
        if let Err(error) = started {
            self.starting = false;
            self.problem(&error);
        }
    }

    fn begun(&mut self, begun: Begun) {
        self.starting = false;
        let connected = begun.and_then(|(child, connection)| {
            let (generation, inputs) = (self.generation, self.inputs.clone());
            connection.read_into(move |received| {
                inputs
                    .send(Input::Engine {
                        generation,
                        received,
                    })
                    .is_ok()
            })?;
            Ok((child, connection))
        });
        match connected {
            Ok((child, connection)) => {
                if let Some(mut child) = child {
                    // Reaped when it ends, so that it does not stay as a zombie while the workbench is open.
                    let _ = std::thread::Builder::new()
                        .name("engine waiter".into())
                        .spawn(move || child.wait());
                }
                self.closed = false;
                self.tell(Incoming::Connected {
                    pid: connection.welcome().pid,
                });
                self.connection = Some(connection);
                while let Some((id, command)) = self.pending.pop_front() {
                    self.command(id, command);
                }
            }
            Err(ClientError::NoEngine(_)) => self.gone(),
            Err(error) => {
                self.catch_up();
                self.problem(&error);
                self.tell(Incoming::Disconnected {
                    reason: error.to_string(),
                });
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
            Outgoing::ResumeEngine if self.connection.is_none() => self.begin(Begin::Serve),
            Outgoing::ResumeEngine => {}
            Outgoing::Refresh => self.tell(Incoming::Runs(run_lines())),
            Outgoing::OpenRun(path) => match RunDir::open(&path) {
                Ok(run) => self.open(run),
                Err(error) => {
                    self.problem(&error);
                    self.show_again();
                }
            },
            Outgoing::Figures => self.figures(),
            // The workbench is about to return; `Bridge::end` follows.
            Outgoing::Detach => {}
        }
    }

    fn command(&mut self, id: u64, command: Command) {
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
                self.begin(Begin::Wait);
            }
            None => {
                let error = Some("the engine is still starting; try again".into());
                self.tell(Incoming::Reply { id, error });
            }
        }
    }

    fn engine_says(&mut self, received: Received) {
        match received {
            Received::Message(ServerMessage::Event(envelope)) => {
                if envelope.seq > self.seq + 1 {
                    // What the connection left out is in the file.
                    self.catch_up();
                }
                self.event(envelope);
            }
            Received::Message(ServerMessage::Snapshot(snapshot)) => {
                self.snapshot = Some(snapshot.clone());
                self.tell(Incoming::Snapshot(snapshot));
            }
            Received::Message(ServerMessage::Reply { id, error }) => {
                self.unanswered.remove(&id);
                self.tell(Incoming::Reply { id, error });
            }
            Received::Message(_) => {}
            Received::Lost(ClientError::Closed | ClientError::Io { .. }) => {
                self.connection = None;
                self.unanswered.clear();
                self.catch_up();
                // It is gone, or cut us off for being slow: then it can be greeted again.
                self.begin(Begin::Attach);
            }
            Received::Lost(error) => {
                self.connection = None;
                self.unanswered.clear();
                self.problem(&error);
                self.tell(Incoming::Disconnected {
                    reason: error.to_string(),
                });
            }
        }
    }

    fn event(&mut self, envelope: Envelope) {
        if envelope.seq <= self.seq {
            return;
        }
        self.seq = envelope.seq;
        match envelope.event {
            Event::Closed => self.closed = true,
            Event::Started(_) => self.closed = false,
            _ => {}
        }
        self.tell(Incoming::Event(envelope));
    }

    /// Takes what the run's file has and we have not.
    fn catch_up(&mut self) {
        let Some(run) = &self.run else { return };
        match run.events(self.seq) {
            Ok(events) => events.into_iter().for_each(|e| self.event(e)),
            Err(error) => self.problem(&error),
        }
    }

    /// The engine's process is no more.
    fn gone(&mut self) {
        self.catch_up();
        for (id, _) in std::mem::take(&mut self.pending) {
            self.tell(Incoming::Reply {
                id,
                error: Some("the engine ended".into()),
            });
        }
        if self.closed {
            self.at_rest()
        } else {
            self.tell(Incoming::EngineDied)
        }
    }
}

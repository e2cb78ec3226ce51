//! Between the terminal's channels and the engine of whichever run is shown.
//!
//! One thread owns all state here and takes one message at a time: from the terminal, from the reader of the present
//! connection, or from the thread that starts an engine. It is what makes opening a run instant: the first frame is
//! drawn before the run's directory is even made.

mod begin;

use super::{ClientError, Connection, Received};
use begin::{Begin, Begun, come_by, run_lines, told};
use std::collections::VecDeque;
use std::io;
use std::process::Child;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
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
    thread: JoinHandle<()>,
    inputs: Sender<Input>,
    run: Arc<Mutex<Option<RunDir>>>,
}

/// Starts the bridge; the link is for the terminal.
///
/// # Errors
/// When the system gives no thread.
pub fn open(target: Target) -> io::Result<(Bridge, Link)> {
    let (to_screen, incoming) = sync_channel(256);
    let (outgoing, from_screen) = channel();
    let (inputs, receiver) = channel();
    let run = Arc::new(Mutex::new(None));
    let forward = inputs.clone();
    std::thread::Builder::new()
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
        shown: run.clone(),
        run: None,
        seq: 0,
        closed: false,
        generation: 0,
        connection: None,
        starting: false,
        child: None,
        pending: VecDeque::new(),
        snapshot: None,
    };
    let thread = std::thread::Builder::new()
        .name("bridge".into())
        .spawn(move || worker.work(target, &receiver))?;
    Ok((
        Bridge {
            thread,
            inputs,
            run,
        },
        Link { incoming, outgoing },
    ))
}

impl Bridge {
    /// Ends the bridge, on request with the engine of the run that is shown, and says which run that is.
    pub fn end(self, stop_engine: bool) -> Option<RunDir> {
        let _ = self.inputs.send(Input::End { stop_engine });
        let _ = self.thread.join();
        self.run
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

enum Input {
    Screen(Outgoing),
    Engine { generation: u64, received: Received },
    Begun { generation: u64, begun: Begun },
    End { stop_engine: bool },
}

/// Commands that wait for an engine to start; more are refused.
const PENDING: usize = 64;

struct Worker {
    screen: SyncSender<Incoming>,
    inputs: Sender<Input>,
    shown: Arc<Mutex<Option<RunDir>>>,
    run: Option<RunDir>,
    seq: u64,
    closed: bool,
    /// Counts runs and connections: what an earlier one still sends is passed over.
    generation: u64,
    connection: Option<Connection>,
    starting: bool,
    child: Option<Child>,
    pending: VecDeque<(u64, Command)>,
    snapshot: Option<Box<Snapshot>>,
}

impl Worker {
    fn work(mut self, target: Target, inputs: &Receiver<Input>) {
        self.begin_with(target);
        while let Ok(input) = inputs.recv() {
            match input {
                Input::Screen(message) => self.screen_says(message),
                Input::Engine {
                    generation,
                    received,
                } if generation == self.generation => {
                    self.engine_says(received);
                }
                Input::Begun { generation, begun } if generation == self.generation => {
                    self.begun(begun);
                }
                Input::Engine { .. } | Input::Begun { .. } => {}
                Input::End { stop_engine } => {
                    if stop_engine {
                        self.stop_engine(inputs);
                    }
                    return;
                }
            }
        }
    }

    /// Tells the screen. It may be gone, which its own channel says soon enough.
    fn tell(&self, message: Incoming) {
        let _ = self.screen.send(message);
    }

    fn problem(&self, error: &dyn std::fmt::Display) {
        self.tell(Incoming::Problem(error.to_string()));
    }

    fn begin_with(&mut self, target: Target) {
        let config = match target {
            Target::Existing(run) => return self.open(run),
            Target::New(config) => config,
        };
        match RunDir::create_in(&RunDir::default_root(), &config) {
            Ok(run) => {
                self.show(run);
                self.begin(Begin::Serve);
            }
            Err(error) => {
                self.problem(&error);
                self.tell(Incoming::Disconnected {
                    reason: "the run could not be begun".into(),
                });
            }
        }
    }

    /// Shows a run from its directory.
    fn show(&mut self, run: RunDir) {
        self.generation += 1;
        (self.connection, self.starting, self.child, self.snapshot) = (None, false, None, None);
        self.pending.clear();
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(run.clone());
        match run.picture() {
            Ok(picture) => {
                (self.seq, self.closed) = (picture.seq, picture.closed);
                self.snapshot = picture.snapshot.clone().map(Box::new);
                self.tell(Incoming::Picture(Box::new(picture)));
            }
            Err(error) => {
                (self.seq, self.closed) = (0, false);
                self.problem(&error);
            }
        }
        self.run = Some(run);
    }

    /// Shows a run that was there before, and greets its engine when it has one.
    fn open(&mut self, run: RunDir) {
        let alive = run.is_alive();
        self.show(run);
        if alive {
            self.begin(Begin::Attach);
        } else if self.closed || self.seq == 0 {
            self.at_rest();
        } else {
            self.tell(Incoming::EngineDied);
        }
    }

    fn at_rest(&self) {
        let reason = "no engine is running; one starts when you ask for something".into();
        self.tell(Incoming::Disconnected { reason });
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
                self.child = child.or(self.child.take());
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
                    reason: "no engine is running".into(),
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
                Err(error) => self.problem(&error),
            },
            Outgoing::Figures => self.figures(),
            // The workbench is about to return; `Bridge::end` follows.
            Outgoing::Detach => {}
        }
    }

    fn command(&mut self, id: u64, command: Command) {
        match &mut self.connection {
            Some(connection) => {
                if let Err(error) = connection.send_as(id, command) {
                    self.tell(Incoming::Reply {
                        id,
                        error: Some(error.to_string()),
                    });
                }
            }
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
                self.tell(Incoming::Reply { id, error });
            }
            Received::Message(_) => {}
            Received::Lost(ClientError::Closed | ClientError::Io { .. }) => {
                self.connection = None;
                self.catch_up();
                // It is gone, or cut us off for being slow: then it can be greeted again.
                self.begin(Begin::Attach);
            }
            Received::Lost(error) => {
                self.connection = None;
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
        if let Some(mut child) = self.child.take() {
            // Reaped, so that it does not stay as a zombie while the workbench is open.
            let _ = child.try_wait();
        }
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

    /// Writes figures on a thread of its own: drawing takes a second.
    fn figures(&mut self) {
        let Some(run) = self.run.clone() else { return };
        let (screen, snapshot) = (self.screen.clone(), self.snapshot.clone());
        let drawn = std::thread::Builder::new()
            .name("figures".into())
            .spawn(move || {
                let folder = run.join("figures");
                let result = run
                    .picture()
                    .map_err(|e| e.to_string())
                    .and_then(|mut picture| {
                        picture.snapshot = snapshot.map(|s| *s);
                        surfit_report::write_figures(&run.id(), &picture, &folder)
                            .map_err(|e| e.to_string())
                    });
                let message = match result {
                    Ok(files) => Incoming::Notice(told(&files, &folder)),
                    Err(error) => Incoming::Problem(error),
                };
                let _ = screen.send(message);
            });
        if let Err(error) = drawn {
            self.problem(&error);
        }
    }

    /// Asks the engine to checkpoint and end; one that is just starting is waited for.
    fn stop_engine(&mut self, inputs: &Receiver<Input>) {
        while self.starting {
            match inputs.recv_timeout(Duration::from_secs(30)) {
                Ok(Input::Begun { generation, begun }) if generation == self.generation => {
                    self.starting = false;
                    self.connection = begun.ok().map(|(_, connection)| connection);
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
        if let Some(connection) = &mut self.connection {
            let _ = connection.send_as(u64::MAX, Command::Shutdown);
            // The connection must outlive the command's way to the engine.
            if let Some(run) = &self.run {
                super::wait_gone(run, Duration::from_secs(60));
            }
        }
    }
}

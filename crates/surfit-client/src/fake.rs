//! A fake engine for tests: it holds a run's lock, listens on its socket and sends the test's messages.

use super::bridge::{self, BridgeHandle, OpenTarget};
use super::frame;
use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use surfit_core::config::Config;
use surfit_core::event::{Envelope, Event};
use surfit_core::protocol::{ClientMessage, PROTOCOL_VERSION, ServerMessage};
use surfit_core::run_dir::{EventLog, FileIdentity, RunDir, RunLock};
use surfit_tui::{MessageSink, RequestSink};

/// A run in a temporary folder.
pub struct FakeRun {
    pub dir: RunDir,
    _root: tempfile::TempDir,
}

pub fn temporary_run() -> FakeRun {
    let root = tempfile::tempdir().unwrap();
    let dir = RunDir::create(&root.path().join("a"), &Config::default()).unwrap();
    FakeRun { dir, _root: root }
}

/// A listening engine; when it is dropped its socket file stays, as after a `kill -9`.
pub struct FakeEngine {
    listener: UnixListener,
    _lock: RunLock,
    dir: Option<FileIdentity>,
    /// Its events, which the test appends to.
    pub log: EventLog,
}

impl FakeEngine {
    /// Locks the run and listens.
    pub fn open(run: &RunDir) -> Self {
        let lock = run.lock().unwrap();
        let socket = run.socket_path();
        std::fs::create_dir_all(socket.parent().unwrap()).unwrap();
        let _ = std::fs::remove_file(&socket);
        let log = EventLog::open(&run.events_path()).unwrap();
        Self { listener: UnixListener::bind(&socket).unwrap(), _lock: lock, dir: run.identity(), log }
    }

    /// Writes an event as an engine does: into the file, and back for a connection.
    pub fn append_event(&mut self, event: Event) -> Envelope {
        let (envelope, result) = self.log.append(event);
        result.unwrap();
        envelope
    }

    /// Accepts a client after its hello.
    pub fn accept(&self) -> (FakePeer, Option<u64>) {
        let (peer, after, _) = self.accept_with_mode();
        (peer, after)
    }

    /// Accepts a client after its hello; true for a read-only one.
    pub fn accept_with_mode(&self) -> (FakePeer, Option<u64>, bool) {
        let (stream, _) = self.listener.accept().unwrap();
        let mut peer = FakePeer { stream };
        match peer.read() {
            Some(ClientMessage::Hello { protocol: PROTOCOL_VERSION, after, readonly, .. }) => (peer, after, readonly),
            other => panic!("{other:?}"),
        }
    }

    /// Accepts and welcomes a client.
    pub fn welcome(&self) -> (FakePeer, Option<u64>) {
        let (peer, after, _) = self.welcome_with_mode();
        (peer, after)
    }

    /// Accepts and welcomes a client; true for a read-only one.
    pub fn welcome_with_mode(&self) -> (FakePeer, Option<u64>, bool) {
        let (mut peer, after, readonly) = self.accept_with_mode();
        let (engine, run) = ("fake".into(), "a".into());
        peer.send(&ServerMessage::Welcome { protocol: PROTOCOL_VERSION, engine, run, pid: 42, dir: self.dir });
        (peer, after, readonly)
    }
}

/// The engine's end of a connection.
pub struct FakePeer {
    stream: UnixStream,
}

impl FakePeer {
    pub fn send(&mut self, message: &ServerMessage) {
        frame::write(&mut self.stream, message).unwrap();
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next message; `None` when the client has gone.
    pub fn read(&mut self) -> Option<ClientMessage> {
        frame::read_client_message(&mut self.stream).ok().flatten()
    }
}

/// A terminal that records its messages for the test.
pub fn terminal() -> (MessageSink, Receiver<ServerMessage>) {
    let (sender, receiver) = channel();
    let sender = Mutex::new(sender);
    (Arc::new(move |message| sender.lock().unwrap().send(message).is_ok()), receiver)
}

/// The terminal's end of a bridge.
pub struct FakeTerminal {
    pub incoming: Receiver<ServerMessage>,
    requests: RequestSink,
}

impl FakeTerminal {
    pub fn send(&self, message: impl Into<ClientMessage>) {
        (self.requests)(message.into());
    }
}

pub fn open_bridge(run: &RunDir, readonly: bool) -> (BridgeHandle, FakeTerminal) {
    let (screen, incoming) = terminal();
    let (bridge, requests) = bridge::open(OpenTarget::Existing(run.clone()), readonly, screen).unwrap();
    (bridge, FakeTerminal { incoming, requests })
}

pub fn notice(text: &str) -> Event {
    Event::Notice { text: text.into() }
}

//! A client of the protocol that shares no code with the program's own: frames by hand, JSON values.

use super::{Sandbox, wait_for};
use serde_json::{Value, json};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// One conversation with an engine.
pub struct EngineWire {
    pub stream: UnixStream,
    pub events: Vec<Value>,
    pub snapshot: Value,
    next_id: u64,
}

impl EngineWire {
    /// Connects without a word.
    #[track_caller]
    pub fn connect(socket: &Path) -> Self {
        let stream = wait_for("the engine to listen", || UnixStream::connect(socket).ok());
        stream.set_read_timeout(Some(super::TEST_TIMEOUT)).expect("a timeout");
        Self { stream, events: Vec::new(), snapshot: Value::Null, next_id: 1 }
    }

    /// Connects to the place's engine and greets it; every event comes.
    #[track_caller]
    pub fn connect_and_greet(place: &Sandbox) -> Self {
        let mut wire = Self::connect(&place.socket());
        wire.send_frame(json!({"type": "hello", "protocol": 7, "client": "test", "after": 0}).to_string());
        let welcome = wire.read().expect("a welcome, not the end of the connection");
        assert_eq!(welcome["type"], "welcome", "{welcome}");
        wire
    }

    /// Sends one frame.
    pub fn send_frame(&mut self, body: impl AsRef<[u8]>) {
        let body = body.as_ref();
        let mut bytes = (body.len() as u32).to_be_bytes().to_vec();
        bytes.extend(body);
        self.stream.write_all(&bytes).expect("the engine reads");
    }

    /// The next message; `None` when the engine closed the connection.
    #[track_caller]
    pub fn read(&mut self) -> Option<Value> {
        let mut length = [0; 4];
        self.fill(&mut length)?;
        let mut body = vec![0; u32::from_be_bytes(length) as usize];
        self.fill(&mut body)?;
        Some(serde_json::from_slice(&body).expect("messages are JSON"))
    }

    #[track_caller]
    fn fill(&mut self, bytes: &mut [u8]) -> Option<()> {
        let result = self.stream.read_exact(bytes);
        if result.as_ref().is_err_and(|e| e.kind() == ErrorKind::WouldBlock) {
            panic!("the engine said nothing for {} s", super::TEST_TIMEOUT.as_secs());
        }
        result.ok()
    }

    /// The next message, events and the snapshot kept on the way.
    #[track_caller]
    pub fn receive(&mut self) -> Value {
        let message = self.read().expect("the engine closed the connection");
        match message["type"].as_str() {
            Some("event") => self.events.push(message.clone()),
            Some("snapshot") => self.snapshot = message.clone(),
            _ => {}
        }
        message
    }

    /// Sends a command (a JSON object) and waits for its answer: an error's sentence, or null.
    #[track_caller]
    pub fn request(&mut self, command: Value) -> Value {
        let id = self.send(&command);
        self.wait_for_reply(id)
    }

    /// As [`EngineWire::request`] for a command that must succeed. Retries while the engine's command queue is full.
    #[track_caller]
    pub fn expect_accepted(&mut self, command: Value) {
        let busy = |error: &Value| error.as_str().is_some_and(|e| e.contains("try again"));
        let began = Instant::now();
        let error = loop {
            let error = self.request(command.clone());
            if !busy(&error) || began.elapsed() > super::TEST_TIMEOUT {
                break error;
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        assert!(error.is_null(), "{command} was refused: {error}");
    }

    /// As [`EngineWire::request`] for a command that must be refused with a sentence that holds `part`.
    #[track_caller]
    pub fn expect_refused(&mut self, command: Value, part: &str) {
        let error = self.request(command.clone());
        let sentence = error.as_str().unwrap_or_else(|| panic!("{command} should have been refused"));
        assert!(sentence.contains(part), "{command}: `{part}` is not in: {sentence}");
    }

    /// Sends a command without waiting.
    pub fn send(&mut self, command: &Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.send_frame(json!({"type": "command", "id": id, "command": command}).to_string());
        id
    }

    /// Waits for the answer to a command.
    #[track_caller]
    pub fn wait_for_reply(&mut self, id: u64) -> Value {
        loop {
            let message = self.receive();
            if message["type"] == "reply" && message["id"] == id {
                return message["error"].clone();
            }
        }
    }

    /// Waits for an event of a kind that `wanted` likes, from the ones not looked at yet.
    #[track_caller]
    pub fn wait_for_event(&mut self, kind: &str, from: usize, wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        let mut at = from;
        loop {
            while at < self.events.len() {
                if self.events[at]["event"] == kind && wanted(&self.events[at]) {
                    return self.events[at].clone();
                }
                at += 1;
            }
            assert!(began.elapsed() < super::TEST_TIMEOUT, "no event `{kind}` came");
            self.receive();
        }
    }

    /// The latest snapshot if `wanted` likes it, else the next that it likes.
    #[track_caller]
    pub fn wait_for_snapshot(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        if !self.snapshot.is_null() && wanted(&self.snapshot) {
            return self.snapshot.clone();
        }
        self.wait_for_next_snapshot(what, wanted)
    }

    /// Waits for a snapshot that `wanted` likes; only ones that come from now on count.
    #[track_caller]
    pub fn wait_for_next_snapshot(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let message = self.receive();
            if message["type"] == "snapshot" && wanted(&message) {
                return message;
            }
            assert!(began.elapsed() < super::TEST_TIMEOUT, "no snapshot showed {what}: {}", self.snapshot["state"]);
        }
    }

    /// Waits until the fit is under way.
    #[track_caller]
    pub fn wait_for_fit(&mut self) {
        self.wait_for_snapshot("a fit under way", |s| s["stage"] == "fit" && s["fit_step"].as_u64() > Some(2));
    }

    /// Takes messages for a while.
    pub fn receive_for(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            // A timeout inside a frame would lose its beginning: look for bytes first.
            let mut byte = [0];
            let peeked = {
                self.stream.set_read_timeout(Some(left.max(Duration::from_millis(1)))).expect("a timeout");
                rustix::net::recv(&self.stream, &mut byte, rustix::net::RecvFlags::PEEK)
            };
            self.stream.set_read_timeout(Some(super::TEST_TIMEOUT)).expect("a timeout");
            if peeked.is_ok() {
                self.receive();
            }
        }
    }
}

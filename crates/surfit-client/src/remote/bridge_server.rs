//! The far end: what a workbench here would be told, over the line.

use super::delta::ValueDelta;
use super::flow_control::FlowControl;
use super::wire::{self, FrameKind, FrameSender, ShownRun, ToFar, ToNear, encode};
use crate::ClientError;
use crate::bridge::{self, BridgeEnd, OpenTarget};
use ciborium::Value;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use surfit_core::run_dir::RunDir;
use surfit_core::run_state::RunState;
use surfit_core::snapshot::Snapshot;
use surfit_tui::{Incoming, Outgoing};

/// Bytes of a large message that are sent at a time, before compression.
const BULK_PART_BYTES: usize = 4096;
/// Least time between two snapshots.
const MIN_SNAPSHOT_INTERVAL: Duration = Duration::from_millis(200);
/// Longest pause between two snapshots on a slow line.
const MAX_SNAPSHOT_INTERVAL: Duration = Duration::from_secs(2);
/// After so much silence the near end is told that the line carries.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
/// After so much silence of the near end the line is given up; it says something every five seconds.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(60);
/// How often the near end is told that leaving takes a while.
const ENDING_KEEPALIVE_INTERVAL: Duration = Duration::from_secs(1);
/// Events that may wait for a slow line; with more, the whole picture is less.
const MAX_QUEUED_MESSAGES: usize = 4096;
/// Events that a near end which knows a run is sent one by one; with more, the whole picture is less.
const MAX_REPLAYED_EVENTS: u64 = 1000;

enum FarInput {
    Client(Result<ToFar, ClientError>),
    Bridge(Incoming),
}

/// Serves the run to whoever is at the other end of `input` and `output`, until they leave. `words` makes the last words
/// of how the run stood when it ended, whether its engine was to stop, and the run's name at the near end.
///
/// # Errors
/// What is wrong with the run, before anything but the greeting was said; later [`ClientError::Io`] for a thread that
/// cannot be had.
pub fn serve(
    run: RunDir,
    readonly: bool,
    input: impl Read + Send + 'static,
    mut output: impl Write,
    exit_message: impl FnOnce(&RunDir, &BridgeEnd, bool, &str) -> Option<String>,
) -> Result<(), ClientError> {
    let shown = describe_run(&run)?;
    if output.write_all(wire::greeting().as_bytes()).and_then(|()| output.flush()).is_err() {
        return Ok(());
    }
    let thread = ClientError::io("starting a thread");
    let (inputs, receiver) = sync_channel(256);
    spawn_reader(input, inputs.clone()).map_err(thread)?;
    let Ok(FarInput::Client(Ok(ToFar::Open { known }))) = receiver.recv() else {
        return Ok(());
    };
    let thread = ClientError::io("starting a thread");
    let (bridge, link) = bridge::open(OpenTarget::Existing(run.clone()), readonly).map_err(thread)?;
    let incoming = link.incoming;
    std::thread::spawn(move || {
        for message in incoming {
            if inputs.send(FarInput::Bridge(message)).is_err() {
                return;
            }
        }
    });
    let mut far = BridgeServer {
        sender: FrameSender::new(output),
        flow_control: FlowControl::new(),
        run,
        client_known: known,
        outgoing: link.outgoing,
        urgent: VecDeque::new(),
        ordered: VecDeque::from([ToNear::Shown(shown)]),
        bulk: None,
        awaiting_run_state: true,
        snapshot: None,
        client_snapshot: Value::Null,
        snapshot_sent: None,
        next_snapshot: Instant::now(),
        last_sent: Instant::now(),
        last_received: Instant::now(),
    };
    let left = far.serve_client(&receiver);
    // Whoever still has something to say must not wait for room.
    drop(receiver);
    let BridgeServer { outgoing, mut sender, run, .. } = far;
    drop(outgoing);
    let (stop, name) = left.unwrap_or_default();
    // The near end waits for as long as it hears that there is something to wait for.
    let ended = bridge.end_with_progress(stop, ENDING_KEEPALIVE_INTERVAL, || {
        let _ = encode(&ToNear::Alive).and_then(|body| sender.send(FrameKind::Whole, &body));
    });
    if !name.is_empty() {
        let run = ended.run.as_ref().unwrap_or(&run);
        let words = exit_message(run, &ended, stop, &name);
        // The near end may be gone, which is no fault.
        let _ = encode(&ToNear::Parted { words }).and_then(|body| sender.send(FrameKind::Whole, &body));
    }
    Ok(())
}

fn describe_run(run: &RunDir) -> Result<ShownRun, ClientError> {
    let config = run.config()?;
    Ok(ShownRun { id: run.id(), path: run.path().to_owned(), grid: config.heatmap.grid, degrees: config.degrees() })
}

fn spawn_reader(mut input: impl Read + Send + 'static, inputs: SyncSender<FarInput>) -> io::Result<()> {
    let read = move || loop {
        let said = wire::read_frame(&mut input);
        let over = said.is_err();
        if inputs.send(FarInput::Client(said)).is_err() || over {
            return;
        }
    };
    std::thread::Builder::new().name("line reader".into()).spawn(read).map(drop)
}

struct BridgeServer<W: Write> {
    sender: FrameSender<W>,
    flow_control: FlowControl,
    run: RunDir,
    /// What the near end knows already of the run with this id.
    client_known: Option<(String, u64)>,
    outgoing: mpsc::Sender<Outgoing>,
    /// Goes before everything else.
    urgent: VecDeque<ToNear>,
    /// Goes in its order, after the large message that is under way.
    ordered: VecDeque<ToNear>,
    /// A large message, and how much of it was sent.
    bulk: Option<(Vec<u8>, usize)>,
    /// Until the run's picture comes, what comes is of the one before.
    awaiting_run_state: bool,
    /// The latest snapshot, when it was not sent yet.
    snapshot: Option<Box<Snapshot>>,
    /// The snapshot that the near end has.
    client_snapshot: Value,
    /// Number of the frame of the last snapshot, and when it was sent.
    snapshot_sent: Option<(u64, Instant)>,
    next_snapshot: Instant,
    last_sent: Instant,
    last_received: Instant,
}

impl<W: Write> BridgeServer<W> {
    /// Works until the near end leaves: whether the engine shall stop, and the run's name there; `None` when the line
    /// ended without a word.
    fn serve_client(&mut self, inputs: &Receiver<FarInput>) -> Option<(bool, String)> {
        loop {
            self.send_queued().ok()?;
            let mut wait = KEEPALIVE_INTERVAL.saturating_sub(self.last_sent.elapsed()).max(Duration::from_millis(10));
            if self.snapshot.is_some() && self.flow_control.is_open() && self.snapshot_sent.is_none() {
                wait = wait.min(self.next_snapshot.saturating_duration_since(Instant::now()));
            }
            match inputs.recv_timeout(wait) {
                Ok(FarInput::Bridge(message)) => self.queue_message(message),
                Ok(FarInput::Client(said)) => {
                    self.last_received = Instant::now();
                    match said.ok()? {
                        ToFar::Say(message) => self.forward_request(message),
                        ToFar::Taken(frames) => self.on_ack(frames),
                        ToFar::Alive | ToFar::Open { .. } => {}
                        ToFar::End { stop, name } => return Some((stop, name)),
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    if self.last_received.elapsed() > CLIENT_TIMEOUT {
                        return None;
                    }
                    if self.flow_control.is_empty() && self.last_sent.elapsed() >= KEEPALIVE_INTERVAL {
                        self.urgent.push_back(ToNear::Alive);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    fn on_ack(&mut self, frames: u64) {
        let now = Instant::now();
        self.flow_control.on_ack(frames, now);
        if let Some((number, at)) = self.snapshot_sent
            && number <= frames
        {
            // At most half of a slow line is for snapshots.
            self.snapshot_sent = None;
            self.next_snapshot = now + (now - at).clamp(MIN_SNAPSHOT_INTERVAL, MAX_SNAPSHOT_INTERVAL);
        }
    }

    fn forward_request(&mut self, message: Outgoing) {
        if let Outgoing::OpenRun(path) = &message
            && let Ok(run) = RunDir::open(path)
            && let Ok(shown) = describe_run(&run)
        {
            (self.run, self.client_known, self.awaiting_run_state) = (run, None, true);
            (self.bulk, self.snapshot) = (None, None);
            self.ordered.clear();
            self.ordered.push_back(ToNear::Shown(shown));
        }
        // The bridge is there until it is ended.
        let _ = self.outgoing.send(message);
    }

    /// Something for the workbench.
    fn queue_message(&mut self, message: Incoming) {
        let of_a_run = matches!(
            message,
            Incoming::Event(_)
                | Incoming::Snapshot(_)
                | Incoming::Connected { .. }
                | Incoming::Disconnected { .. }
                | Incoming::Elsewhere { .. }
                | Incoming::EngineDied
        );
        if of_a_run && self.awaiting_run_state {
            return;
        }
        match message {
            Incoming::Picture(picture) => self.queue_run_state(picture),
            Incoming::Snapshot(snapshot) => self.snapshot = Some(snapshot),
            Incoming::Reply { .. }
            | Incoming::Runs(_)
            | Incoming::Notice(_)
            | Incoming::Unread { .. }
            | Incoming::Unopened { .. }
            | Incoming::Problem(_) => {
                self.urgent.push_back(ToNear::Tell(message));
            }
            message => self.ordered.push_back(ToNear::Tell(message)),
        }
        if self.ordered.len() > MAX_QUEUED_MESSAGES {
            self.awaiting_run_state = true;
            self.client_known = None;
            self.ordered.clear();
            let _ = self.outgoing.send(Outgoing::OpenRun(self.run.path().to_owned()));
        }
    }

    fn queue_run_state(&mut self, mut picture: Box<RunState>) {
        self.awaiting_run_state = false;
        self.bulk = None;
        self.ordered.retain(|m| matches!(m, ToNear::Shown(_)));
        self.snapshot = picture.snapshot.take().map(Box::new);
        let missed = self.client_known.take().and_then(|(id, seq)| {
            let few = seq <= picture.seq && picture.seq - seq <= MAX_REPLAYED_EVENTS && id == self.run.id();
            let mut events = few.then(|| self.run.events(seq).ok())??;
            events.retain(|e| e.seq <= picture.seq);
            // A log with a damaged line has gaps, which only the picture bridges.
            (events.len() as u64 == picture.seq - seq).then_some(events)
        });
        match missed {
            Some(events) => {
                let told = events.into_iter().map(|e| ToNear::Tell(Incoming::Event(e)));
                self.ordered.extend(told);
            }
            None => match encode(&ToNear::Tell(Incoming::Picture(picture))) {
                Ok(bytes) => self.bulk = Some((bytes, 0)),
                Err(error) => self.urgent.push_back(ToNear::Tell(Incoming::Problem(error.to_string()))),
            },
        }
    }

    /// Sends as much as the line takes now.
    fn send_queued(&mut self) -> io::Result<()> {
        while self.flow_control.is_open() {
            let now = Instant::now();
            // Which run it is comes before everything about it.
            let first = matches!(self.ordered.front(), Some(ToNear::Shown(_)));
            let next = if first { self.ordered.pop_front() } else { self.urgent.pop_front() };
            if let Some(message) = next {
                self.send(FrameKind::Whole, &encode(&message)?)?;
            } else if self.snapshot_sent.is_none() && now >= self.next_snapshot && self.send_snapshot(now)? {
            } else if let Some((bytes, at)) = self.bulk.take() {
                let (kind, end) = wire::next_part(bytes.len(), at, BULK_PART_BYTES);
                self.send(kind, &bytes[at..end])?;
                if end < bytes.len() {
                    self.bulk = Some((bytes, end));
                }
            } else if let Some(message) = self.ordered.pop_front() {
                let body = encode(&message)?;
                if body.len() > 4 * BULK_PART_BYTES {
                    // Another run's history, say: answers must not wait behind all of it.
                    self.bulk = Some((body, 0));
                } else {
                    self.send(FrameKind::Whole, &body)?;
                }
            } else {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sends what changed since the last snapshot; false when there is nothing.
    fn send_snapshot(&mut self, now: Instant) -> io::Result<bool> {
        let Some(snapshot) = self.snapshot.take() else {
            return Ok(false);
        };
        let value = Value::serialized(&snapshot).map_err(|e| io::Error::other(e.to_string()))?;
        let Some(delta) = ValueDelta::between(&self.client_snapshot, &value) else {
            return Ok(false);
        };
        self.client_snapshot = value;
        self.send(FrameKind::Whole, &encode(&ToNear::Snapshot(delta))?)?;
        self.snapshot_sent = Some((self.flow_control.sent_frames(), now));
        Ok(true)
    }

    fn send(&mut self, kind: FrameKind, body: &[u8]) -> io::Result<()> {
        let bytes = self.sender.send(kind, body)?;
        self.flow_control.on_sent(bytes, Instant::now());
        self.last_sent = Instant::now();
        Ok(())
    }
}

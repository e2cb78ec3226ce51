//! The queue of a bridge's messages for a line.
//!
//! Whatever was written waits in the buffers of pipes, `ssh` and network behind what was written before. So that the
//! answer to a key is never far behind, snapshots and the parts of large messages go one at a time, the next when the near
//! end has taken the last; a newer snapshot takes the place of one that waits. Answers go at once. So do events, until so
//! many bytes of them are on the way that the next has to go as a part.

use crate::frame;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use std::collections::VecDeque;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use surfit_core::event::Envelope;
use surfit_core::protocol::{BridgeMessage, ServerMessage};
use surfit_core::snapshot::Snapshot;

/// Longest message in bytes of JSON that goes in one frame.
const MAX_WHOLE_BYTES: usize = 16 << 10;
/// Least bytes of JSON in a part of a longer one, and most.
const MIN_PART_BYTES: usize = 4 << 10;
const MAX_PART_BYTES: usize = 128 << 10;
/// Most bytes of JSON in whole messages, which the near end does not acknowledge, before one goes as a part, which it does.
/// As many again go while that is on its way. Deflate makes a third of it: 22 kB, two seconds of a line of 10 kB/s.
const MAX_UNACKNOWLEDGED_BYTES: usize = 32 << 10;
/// Time on the way, beyond the shortest ever seen, below which the next part is larger, and above which it is smaller.
const SHORT_DELAY: Duration = Duration::from_millis(250);
const LONG_DELAY: Duration = Duration::from_millis(600);
/// Least time between two snapshots, and longest on a slow line: as long as the last took, so that at most half of the
/// line is for snapshots.
const MIN_SNAPSHOT_INTERVAL: Duration = Duration::from_millis(200);
const MAX_SNAPSHOT_INTERVAL: Duration = Duration::from_secs(2);
/// Time without a message after which a keep-alive is sent to the near end.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
/// Messages that may wait in their order, and their bytes of JSON; with more, whoever adds one has to. What is of other
/// runs counts by itself, since threads of their own add it, and the bridge must not wait for them.
const MAX_QUEUED_MESSAGES: usize = 4096;
const MAX_QUEUED_BYTES: usize = 4 << 20;

/// Queue between a bridge and the thread that writes to its line.
#[derive(Debug)]
pub struct LineQueue {
    pending: Mutex<PendingMessages>,
    changed: Condvar,
}

#[derive(Debug)]
struct PendingMessages {
    urgent: VecDeque<ServerMessage>,
    /// Goes in its order, after the large message that is under way.
    ordered: VecDeque<OrderedMessage>,
    large: Option<LargeMessage>,
    /// What of another run gave way to the state of the one that is shown; goes from its beginning after it.
    interrupted: Option<LargeMessage>,
    /// The latest snapshot, when it was not sent yet.
    snapshot: Option<Box<Snapshot>>,
    sent_snapshot: Option<Box<Snapshot>>,
    /// When what the near end has not taken yet was sent, and whether that was a snapshot.
    in_flight: Option<(Instant, bool)>,
    /// Bytes of whole messages since then that the near end does not acknowledge.
    unacknowledged_bytes: usize,
    next_snapshot_at: Instant,
    shortest_trip: Duration,
    part_bytes: usize,
    /// The near end detaches and reads no more messages: only keep-alives are sent before the final message.
    is_leaving: bool,
    /// Only the last words are sent any more.
    is_ending: bool,
    is_closed: bool,
}

#[derive(Debug)]
struct OrderedMessage {
    message: ServerMessage,
    /// Its length in JSON.
    bytes: usize,
}

#[derive(Debug)]
struct LargeMessage {
    json: String,
    sent_bytes: usize,
    is_snapshot: bool,
    is_about_shown_run: bool,
    is_about_other_run: bool,
}

impl LineQueue {
    pub fn new() -> Self {
        Self { pending: Mutex::new(PendingMessages::new(Instant::now())), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, PendingMessages> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a message; waits while too many are there. False when it was dropped, since nobody would take it.
    pub fn push(&self, message: ServerMessage) -> bool {
        let must_wait = |p: &mut PendingMessages| p.is_full_for(&message) && !p.is_refused(&message);
        let mut pending = self.changed.wait_while(self.lock(), must_wait).unwrap_or_else(PoisonError::into_inner);
        if pending.is_refused(&message) {
            return false;
        }
        pending.push(message);
        self.changed.notify_all();
        true
    }

    /// The near end detaches: drops queued and further messages except keep-alives, and wakes waiting senders.
    pub fn begin_leaving(&self) {
        let mut pending = self.lock();
        let is_closed = pending.is_closed;
        *pending = PendingMessages { is_leaving: true, is_closed, ..PendingMessages::new(Instant::now()) };
        self.changed.notify_all();
    }

    /// The near end has taken a snapshot or a part.
    pub fn on_taken(&self) {
        self.lock().on_taken(Instant::now());
        self.changed.notify_all();
    }

    /// Says the last words, and nothing else that waits.
    pub fn end(&self, message: Option<String>) {
        let mut pending = self.lock();
        *pending = PendingMessages { is_closed: pending.is_closed, ..PendingMessages::new(Instant::now()) };
        pending.urgent.push_back(BridgeMessage::Farewell { message }.into());
        pending.is_ending = true;
        self.changed.notify_all();
    }

    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Writes queued messages to a line whose greeting was written, until the end or until the line is gone.
    pub fn write_to(&self, line: impl Write) {
        let mut line = DeflateEncoder::new(line, Compression::default());
        while let Some(json) = self.wait_for_frame() {
            if frame::write_json(&mut line, &json).is_err() {
                break;
            }
        }
        self.close();
    }

    /// Drops every further message: nothing reads them.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    fn wait_for_frame(&self) -> Option<String> {
        let began = Instant::now();
        let mut pending = self.lock();
        loop {
            let now = Instant::now();
            if let Some(json) = pending.next_frame(now) {
                self.changed.notify_all();
                return Some(json);
            }
            if pending.is_ending {
                return None;
            }
            let silent = now - began;
            if silent >= KEEPALIVE_INTERVAL {
                return Some(encode(&BridgeMessage::KeepAlive.into()));
            }
            let wait = pending.snapshot_wait(now).min(KEEPALIVE_INTERVAL - silent);
            pending = self.changed.wait_timeout(pending, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// A message as JSON; one that cannot be encoded, a defect of the program, is reported as such.
fn encode(message: &ServerMessage) -> String {
    let fault =
        |e: serde_json::Error| serde_json::json!({"type": "bridge", "message": "problem", "body": e.to_string()});
    serde_json::to_string(message).unwrap_or_else(|e| fault(e).to_string())
}

impl PendingMessages {
    fn new(now: Instant) -> Self {
        Self {
            urgent: VecDeque::new(),
            ordered: VecDeque::new(),
            large: None,
            interrupted: None,
            snapshot: None,
            sent_snapshot: None,
            in_flight: None,
            unacknowledged_bytes: 0,
            next_snapshot_at: now,
            shortest_trip: Duration::MAX,
            part_bytes: MIN_PART_BYTES,
            is_leaving: false,
            is_ending: false,
            is_closed: false,
        }
    }

    /// True when a message would only be dropped.
    fn is_refused(&self, message: &ServerMessage) -> bool {
        let is_sign_of_life = matches!(message, ServerMessage::Bridge(BridgeMessage::KeepAlive));
        self.is_closed || self.is_ending || (self.is_leaving && !is_sign_of_life)
    }

    /// True when a message has to wait until others have gone.
    fn is_full_for(&self, message: &ServerMessage) -> bool {
        if is_urgent(message) || matches!(message, ServerMessage::Snapshot(_)) {
            return false;
        }
        let of_other_run = is_about_other_run(message);
        let alike = self.ordered.iter().filter(|o| is_about_other_run(&o.message) == of_other_run);
        let (count, bytes) = alike.fold((0, 0), |(count, bytes), o| (count + 1, bytes + o.bytes));
        count >= MAX_QUEUED_MESSAGES || bytes >= MAX_QUEUED_BYTES
    }

    fn push(&mut self, mut message: ServerMessage) {
        match &mut message {
            ServerMessage::Snapshot(snapshot) => {
                self.snapshot = Some(snapshot.clone());
                return;
            }
            ServerMessage::Bridge(BridgeMessage::RunState(state)) => {
                self.snapshot = state.snapshot.take().map(Box::new);
                return self.push_run_state(message);
            }
            ServerMessage::Bridge(BridgeMessage::RunOpened(_)) => self.drop_shown_run(),
            // Only the latest list counts.
            ServerMessage::Bridge(BridgeMessage::Runs(_)) => {
                self.urgent.retain(|m| !matches!(m, ServerMessage::Bridge(BridgeMessage::Runs(_))));
            }
            _ => {}
        }
        if is_urgent(&message) {
            return self.urgent.push_back(message);
        }
        let bytes = json_bytes(&message);
        match message {
            ServerMessage::Bridge(BridgeMessage::Grown { path, events, snapshot }) => {
                self.push_growth(path, events, snapshot, bytes);
            }
            message => self.ordered.push_back(OrderedMessage { message, bytes }),
        }
    }

    /// Adds the state of the run that is shown, for which the user waits, before whatever is about other runs.
    fn push_run_state(&mut self, state: ServerMessage) {
        let (others, mut ordered): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut self.ordered).into_iter().partition(|o| is_about_other_run(&o.message));
        ordered.push_back(OrderedMessage { bytes: json_bytes(&state), message: state });
        ordered.extend(others);
        self.ordered = ordered;
        if let Some(large) = self.large.take_if(|l| l.is_about_other_run) {
            self.interrupted = Some(LargeMessage { sent_bytes: 0, ..large });
        }
    }

    /// Adds what is new of another run to what waits of it.
    fn push_growth(&mut self, path: PathBuf, events: Vec<Envelope>, snapshot: Option<Box<Snapshot>>, bytes: usize) {
        // Not across a whole state of that run, which takes the place of all before it.
        let last_of_run = self.ordered.iter_mut().rev().find(|o| match &o.message {
            ServerMessage::Bridge(BridgeMessage::Loaded { path: of, .. } | BridgeMessage::Grown { path: of, .. }) => {
                *of == path
            }
            _ => false,
        });
        if let Some(OrderedMessage { message, bytes: waiting_bytes }) = last_of_run
            && let ServerMessage::Bridge(BridgeMessage::Grown { events: waiting, snapshot: latest, .. }) = message
        {
            waiting.extend(events);
            *waiting_bytes += bytes;
            if snapshot.is_some()
                && let Some(older) = std::mem::replace(latest, snapshot)
            {
                *waiting_bytes = waiting_bytes.saturating_sub(json_bytes(&older));
            }
            return;
        }
        let message = BridgeMessage::Grown { path, events, snapshot }.into();
        self.ordered.push_back(OrderedMessage { message, bytes });
    }

    /// Leaves out what is about the run that was shown before.
    fn drop_shown_run(&mut self) {
        self.snapshot = None;
        self.ordered.retain(|o| !o.message.is_about_shown_run() && !is_run_state(&o.message));
        if let Some(dropped) = self.large.take_if(|l| l.is_about_shown_run)
            && dropped.is_snapshot
        {
            self.sent_snapshot = None;
        }
    }

    fn on_taken(&mut self, now: Instant) {
        let Some((sent_at, was_snapshot)) = self.in_flight.take() else {
            return;
        };
        let took = now.saturating_duration_since(sent_at);
        self.shortest_trip = self.shortest_trip.min(took);
        let delay = took - self.shortest_trip;
        if was_snapshot {
            self.next_snapshot_at = now + took.clamp(MIN_SNAPSHOT_INTERVAL, MAX_SNAPSHOT_INTERVAL);
        } else if delay < SHORT_DELAY {
            self.part_bytes = (2 * self.part_bytes).min(MAX_PART_BYTES);
        } else if delay > LONG_DELAY {
            self.part_bytes = (self.part_bytes / 2).max(MIN_PART_BYTES);
        }
    }

    fn snapshot_wait(&self, now: Instant) -> Duration {
        match self.snapshot.is_some() && self.in_flight.is_none() {
            true => self.next_snapshot_at.saturating_duration_since(now).max(Duration::from_millis(1)),
            false => Duration::MAX,
        }
    }

    fn next_frame(&mut self, now: Instant) -> Option<String> {
        if let Some(message) = self.urgent.pop_front() {
            return Some(encode(&message));
        }
        if self.in_flight.is_none() {
            let snapshot = (now >= self.next_snapshot_at).then(|| self.next_snapshot()).flatten();
            if snapshot.is_some() {
                (self.in_flight, self.unacknowledged_bytes) = (Some((now, true)), 0);
                return snapshot;
            }
        }
        // Before any other of another run: so one is interrupted at most.
        if self.large.is_none() && !self.ordered.iter().any(|o| is_run_state(&o.message)) {
            self.large = self.interrupted.take();
        }
        if self.large.is_none() {
            let OrderedMessage { message, .. } = self.ordered.pop_front()?;
            let json = encode(&message);
            let unacknowledged_bytes = self.unacknowledged_bytes + json.len();
            if json.len() <= MAX_WHOLE_BYTES && unacknowledged_bytes <= self.part_bytes.min(MAX_UNACKNOWLEDGED_BYTES) {
                self.unacknowledged_bytes = unacknowledged_bytes;
                return Some(json);
            }
            self.large = Some(LargeMessage {
                json,
                sent_bytes: 0,
                is_snapshot: false,
                is_about_shown_run: message.is_about_shown_run() || is_run_state(&message),
                is_about_other_run: is_about_other_run(&message),
            });
        }
        if self.in_flight.is_some() {
            return None;
        }
        (self.in_flight, self.unacknowledged_bytes) = (Some((now, false)), 0);
        self.next_part()
    }

    /// The latest snapshot, by what is new in it where that is shorter; `None` when there is none, or it goes in parts.
    fn next_snapshot(&mut self) -> Option<String> {
        let base_is_here = self.large.as_ref().is_none_or(|l| !l.is_snapshot);
        let snapshot = self.snapshot.take_if(|_| base_is_here)?;
        let delta = self.sent_snapshot.as_deref().and_then(|sent| snapshot.diff(sent));
        let json = encode(&match delta {
            Some(delta) => ServerMessage::Changed(Box::new(delta)),
            None => ServerMessage::Snapshot(snapshot.clone()),
        });
        if json.len() <= MAX_WHOLE_BYTES {
            self.sent_snapshot = Some(snapshot);
            return Some(json);
        }
        if self.large.is_none() {
            self.sent_snapshot = Some(snapshot);
            self.large = Some(LargeMessage {
                json,
                sent_bytes: 0,
                is_snapshot: true,
                is_about_shown_run: true,
                is_about_other_run: false,
            });
        } else {
            self.snapshot = Some(snapshot);
        }
        None
    }

    fn next_part(&mut self) -> Option<String> {
        let large = self.large.as_mut()?;
        let offset = large.sent_bytes;
        let mut end = (offset + self.part_bytes).min(large.json.len());
        while !large.json.is_char_boundary(end) {
            end -= 1;
        }
        let (text, last) = (large.json[offset..end].to_owned(), end == large.json.len());
        large.sent_bytes = end;
        if last {
            self.large = None;
        }
        Some(encode(&BridgeMessage::Part { offset, text, last }.into()))
    }
}

fn is_urgent(message: &ServerMessage) -> bool {
    matches!(
        message,
        ServerMessage::Reply { .. }
            | ServerMessage::Bridge(
                BridgeMessage::RunOpened(_)
                    | BridgeMessage::Unopened { .. }
                    | BridgeMessage::Unread { .. }
                    | BridgeMessage::Runs(_)
                    | BridgeMessage::Notice(_)
                    | BridgeMessage::Problem(_)
                    | BridgeMessage::KeepAlive
            )
    )
}

fn json_bytes(value: &impl Serialize) -> usize {
    struct ByteCounter(usize);
    impl Write for ByteCounter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = ByteCounter(0);
    let _ = serde_json::to_writer(&mut counter, value);
    counter.0
}

fn is_run_state(message: &ServerMessage) -> bool {
    matches!(message, ServerMessage::Bridge(BridgeMessage::RunState(_)))
}

fn is_about_other_run(message: &ServerMessage) -> bool {
    matches!(message, ServerMessage::Bridge(BridgeMessage::Loaded { .. } | BridgeMessage::Grown { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::SnapshotDeltas;
    use crate::fake::notice;
    use crate::remote::line::PartBuffer;
    use surfit_core::event::LossCurve;
    use surfit_core::protocol::OpenedRun;
    use surfit_core::run_state::RunState;
    use surfit_core::surface::Degrees;

    fn degrees() -> Degrees {
        Degrees::new(3, 3).unwrap()
    }

    fn event(seq: u64) -> ServerMessage {
        ServerMessage::Event(Envelope { seq, time: 0.0, event: notice("n") })
    }

    fn snapshot(grid: usize, fit_step: u64) -> ServerMessage {
        ServerMessage::Snapshot(Box::new(Snapshot { fit_step, ..Snapshot::empty(degrees(), grid) }))
    }

    fn opened() -> ServerMessage {
        let (id, dir, name) = ("a".to_owned(), "/r/a".into(), "a".into());
        BridgeMessage::RunOpened(OpenedRun { id, dir, name, grid: 5, degrees: degrees() }).into()
    }

    fn large_state(seq: u64) -> ServerMessage {
        BridgeMessage::RunState(large_run_state(seq)).into()
    }

    fn loaded(path: &str, seq: u64) -> ServerMessage {
        BridgeMessage::Loaded { path: path.into(), run_state: large_run_state(seq) }.into()
    }

    fn large_run_state(seq: u64) -> Box<RunState> {
        let mut state = RunState { seq, ..RunState::default() };
        let values: Vec<f32> = (0..3000).map(|n| n as f32 / 7.0).collect();
        for curve in [LossCurve::Surface, LossCurve::Corner(0)] {
            state.curves.entry(curve).or_default().extend(0, &values);
        }
        Box::new(state)
    }

    struct NearEnd {
        pending: PendingMessages,
        now: Instant,
        parts: PartBuffer,
        deltas: SnapshotDeltas,
    }

    impl NearEnd {
        fn new() -> Self {
            let now = Instant::now();
            let pending = PendingMessages::new(now);
            Self { pending, now, parts: PartBuffer::default(), deltas: SnapshotDeltas::default() }
        }

        /// Everything that the line takes until something must be taken first.
        fn frames(&mut self) -> Vec<String> {
            std::iter::from_fn(|| self.pending.next_frame(self.now)).collect()
        }

        /// The messages of frames, in words.
        fn decode(&mut self, frames: Vec<String>) -> Vec<String> {
            let whole = |frame: String| match frame::parse_server_message(&frame).unwrap()? {
                ServerMessage::Bridge(BridgeMessage::Part { offset, text, last }) => {
                    frame::parse_server_message(&self.parts.push(offset, &text, last).unwrap()?).unwrap()
                }
                other => Some(other),
            };
            let words = |message| match self.deltas.expand(message).unwrap() {
                ServerMessage::Event(e) => format!("event {}", e.seq),
                ServerMessage::Snapshot(s) => format!("snapshot {}", s.fit_step),
                ServerMessage::Reply { id, .. } => format!("reply {id}"),
                ServerMessage::Bridge(BridgeMessage::RunState(s)) => format!("state {}", s.seq),
                ServerMessage::Bridge(BridgeMessage::RunOpened(run)) => format!("opened {}", run.id),
                ServerMessage::Bridge(BridgeMessage::Loaded { run_state, .. }) => format!("loaded {}", run_state.seq),
                other => format!("{other:?}"),
            };
            frames.into_iter().filter_map(whole).map(words).collect()
        }

        fn take(&mut self, after: Duration) {
            self.now += after;
            self.pending.on_taken(self.now);
        }

        /// What comes after these frames until nothing waits, in words.
        fn receive_all(&mut self, mut frames: Vec<String>) -> Vec<String> {
            frames.extend(self.frames());
            while self.pending.in_flight.is_some() || self.pending.snapshot.is_some() {
                self.take(Duration::from_secs(2));
                frames.extend(self.frames());
            }
            self.decode(frames)
        }
    }

    #[test]
    fn snapshots_go_one_at_a_time_the_latest_wins_and_no_event_is_left_out() {
        let mut near = NearEnd::new();
        for step in 1..=3 {
            near.pending.push(snapshot(5, step));
            near.pending.push(event(step));
        }
        let frames = near.frames();
        assert_eq!(near.decode(frames), ["snapshot 3", "event 1", "event 2", "event 3"]);
        for step in 4..=9 {
            near.pending.push(snapshot(5, step));
            near.pending.push(event(step));
        }
        let frames = near.frames();
        assert_eq!(near.decode(frames).len(), 6, "no snapshot before the last was taken");
        near.take(Duration::from_secs(1));
        assert!(near.frames().is_empty(), "half of the line is for others");
        near.now += Duration::from_secs(1);
        let frames = near.frames();
        assert!(frames[0].contains("\"changed\"") && frames[0].len() < 4000, "{}", frames[0]);
        assert_eq!(near.decode(frames), ["snapshot 9"]);
    }

    #[test]
    fn answers_go_between_the_parts_of_a_large_message_and_events_after_it() {
        let mut near = NearEnd::new();
        near.pending.push(opened());
        near.pending.push(large_state(7));
        near.pending.push(event(8));
        let mut frames = near.frames();
        near.pending.push(ServerMessage::Reply { id: 3, error: None, events: None });
        frames.extend(near.frames());
        assert_eq!(near.decode(frames), ["opened a", "reply 3"]);
        let mut came = Vec::new();
        while came.len() < 2 {
            near.take(Duration::from_millis(400));
            let frames = near.frames();
            came.extend(near.decode(frames));
        }
        assert_eq!(came, ["state 7", "event 8"]);
    }

    #[test]
    fn another_run_takes_the_place_of_what_waits_of_the_one_before() {
        let mut near = NearEnd::new();
        near.pending.push(snapshot(101, 1));
        near.pending.push(large_state(7));
        near.pending.push(event(8));
        let frames = near.frames();
        near.pending.push(opened());
        near.pending.push(snapshot(101, 2));
        near.pending.push(event(1));
        let mut came = near.receive_all(frames);
        came.sort();
        assert_eq!(came, ["event 1", "opened a", "snapshot 2"]);
    }

    #[test]
    fn the_state_of_the_shown_run_goes_before_whatever_is_of_others() {
        let mut near = NearEnd::new();
        near.pending.push(loaded("/r/b", 5));
        near.pending.push(loaded("/r/c", 6));
        let mut frames = near.frames();
        near.take(Duration::from_millis(400));
        frames.extend(near.frames());
        assert!(near.pending.large.as_ref().is_some_and(|l| l.sent_bytes > MIN_PART_BYTES));
        for seq in [7, 8] {
            near.pending.push(opened());
            near.pending.push(large_state(seq));
            near.pending.push(event(seq + 1));
            near.take(Duration::from_millis(400));
            frames.extend(near.frames());
        }
        let came = near.receive_all(frames);
        assert_eq!(came, ["opened a", "opened a", "state 8", "loaded 5", "loaded 6", "event 9"]);
    }

    fn grown(path: &str, seq: u64, fit_step: Option<u64>) -> ServerMessage {
        let events = vec![Envelope { seq, time: 0.0, event: notice("n") }];
        let snapshot = fit_step.map(|fit_step| Box::new(Snapshot { fit_step, ..Snapshot::empty(degrees(), 5) }));
        BridgeMessage::Grown { path: path.into(), events, snapshot }.into()
    }

    #[test]
    fn what_is_new_of_another_run_is_added_to_what_waits_of_it() {
        let mut pending = PendingMessages::new(Instant::now());
        for (path, seq, fit_step) in [("/r/b", 1, Some(1)), ("/r/c", 1, None), ("/r/b", 2, Some(2)), ("/r/b", 3, None)]
        {
            pending.push(grown(path, seq, fit_step));
        }
        pending.push(loaded("/r/b", 3));
        pending.push(grown("/r/b", 4, None));
        let waiting = pending.ordered.iter().map(|o| match &o.message {
            ServerMessage::Bridge(BridgeMessage::Grown { path, events, snapshot }) => {
                let seqs: Vec<_> = events.iter().map(|e| e.seq).collect();
                format!("{} {seqs:?} {:?}", path.display(), snapshot.as_ref().map(|s| s.fit_step))
            }
            _ => "loaded".into(),
        });
        let waiting: Vec<String> = waiting.collect();
        assert_eq!(waiting, ["/r/b [1, 2, 3] Some(2)", "/r/c [1] None", "loaded", "/r/b [4] None"]);
        for o in &pending.ordered {
            assert!(o.bytes >= json_bytes(&o.message), "{} B", o.bytes);
        }
    }

    #[test]
    fn bytes_fill_the_queue_and_neither_other_runs_nor_answers_wait_for_each_other() {
        let mut pending = PendingMessages::new(Instant::now());
        let (mut of_run, mut of_other) = (event(1), grown("/r/b", 1, None));
        let text = "x".repeat(MAX_QUEUED_BYTES);
        if let ServerMessage::Event(envelope) = &mut of_run {
            envelope.event = notice(&text);
        }
        if let ServerMessage::Bridge(BridgeMessage::Grown { events, .. }) = &mut of_other {
            events[0].event = notice(&text);
        }
        let is_full = |p: &PendingMessages| [event(2), grown("/r/b", 2, None)].map(|m| p.is_full_for(&m));
        assert_eq!(is_full(&pending), [false, false]);
        pending.push(of_other);
        assert_eq!(is_full(&pending), [false, true]);
        pending.push(of_run);
        assert_eq!(is_full(&pending), [true, true]);
        for message in [opened(), snapshot(5, 1), ServerMessage::Reply { id: 1, error: None, events: None }] {
            assert!(!pending.is_full_for(&message), "{message:?}");
        }
    }

    #[test]
    fn a_flood_of_events_leaves_the_line_short_and_comes_in_order() {
        let mut near = NearEnd::new();
        (1..=3000).for_each(|seq| near.pending.push(event(seq)));
        let (mut came, mut longest, mut before) = (Vec::new(), 0, 0);
        while came.len() < 3000 {
            let frames = near.frames();
            let bytes: usize = frames.iter().map(String::len).sum();
            // An acknowledgement is of what was sent up to the part, and the rest may still be on its way.
            (longest, before) = (longest.max(before + bytes), bytes);
            came.extend(near.decode(frames));
            near.take(Duration::from_millis(300));
        }
        assert_eq!(came, (1..=3000).map(|seq| format!("event {seq}")).collect::<Vec<_>>());
        assert!(longest < 3 * MAX_UNACKNOWLEDGED_BYTES && longest > MIN_PART_BYTES, "{longest} B");
    }

    #[test]
    fn a_newer_list_of_runs_takes_the_place_of_one_that_waits() {
        let mut near = NearEnd::new();
        let list = |id: &str| {
            let line = surfit_core::protocol::RunLine { id: id.into(), ..Default::default() };
            ServerMessage::from(BridgeMessage::Runs(vec![line]))
        };
        for id in ["a", "b"] {
            near.pending.push(list(id));
            near.pending.push(BridgeMessage::Notice(id.into()).into());
        }
        let notice = |id: &str| encode(&BridgeMessage::Notice(id.into()).into());
        assert_eq!(near.frames(), [notice("a"), encode(&list("b")), notice("b")]);
    }

    #[test]
    fn leaving_drops_what_waits_and_lets_a_full_queue_go_on() {
        let queue = std::sync::Arc::new(LineQueue::new());
        queue.push(large_state(1));
        queue.wait_for_frame().expect("the first part goes at once");
        (0..MAX_QUEUED_MESSAGES as u64).for_each(|n| assert!(queue.push(event(n))));
        let (waits, (done, was_pushed)) = (queue.clone(), std::sync::mpsc::channel());
        std::thread::spawn(move || done.send(waits.push(event(9))));
        queue.begin_leaving();
        assert_eq!(was_pushed.recv_timeout(Duration::from_secs(20)), Ok(false));
        assert!(!queue.push(event(10)) && queue.push(BridgeMessage::KeepAlive.into()));
        assert_eq!(queue.wait_for_frame(), Some(encode(&BridgeMessage::KeepAlive.into())));
        queue.end(None);
        assert!(!queue.push(BridgeMessage::KeepAlive.into()));
        let farewell = encode(&BridgeMessage::Farewell { message: None }.into());
        assert_eq!((queue.wait_for_frame(), queue.wait_for_frame()), (Some(farewell), None));
    }

    #[test]
    fn a_slow_line_is_kept_short_and_a_fast_one_is_used() {
        for (rate, delay, least) in [(10_000.0, 0.05, 7_000.0), (2_000.0, 0.3, 1_000.0), (1e6, 0.3, 5e4)] {
            let (mut near, state) = (NearEnd::new(), large_state(1));
            let (mut sent, mut longest, mut seconds) = (0.0, 0.0f64, 0.0);
            while seconds < 25.0 {
                if near.pending.large.is_none() {
                    near.pending.push(state.clone());
                }
                let bytes: usize = near.frames().iter().map(String::len).sum();
                assert!(bytes < MAX_PART_BYTES + (MAX_PART_BYTES >> 2), "an answer waits behind {bytes} B");
                // Deflate makes a third of it.
                let trip = bytes as f64 / 3.0 / rate + 2.0 * delay;
                near.take(Duration::from_secs_f64(trip));
                (sent, seconds) = (sent + bytes as f64 / 3.0, seconds + trip);
                longest = if seconds > 10.0 { longest.max(trip) } else { longest };
            }
            let used = sent / seconds;
            assert!(used > least && longest < 2.5, "{rate}: {used:.0} B/s, {longest:.2} s");
        }
    }
}

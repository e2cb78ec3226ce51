//! Where events and snapshots go: the run's files first, then everybody who listens.

#[cfg(test)]
use crate::EngineError;
use crate::Result;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use surfit_core::event::{Envelope, Event};
use surfit_core::picture::RunState;
use surfit_core::run_dir::{EventLog, RunDir};
use surfit_core::snapshot::Snapshot;
use surfit_core::text;
use tokio::sync::{broadcast, watch};

/// Events that a slow listener may lag behind before it reads them from the file instead.
const BACKLOG: usize = 1024;

/// Writes a sentence to the process's log. That lies on the run's disk, and when the disk is full the sentence is lost:
/// `eprintln!` would panic instead, and end a fit that goes on well without a log.
pub(crate) fn complain(sentence: std::fmt::Arguments<'_>) {
    use std::io::Write;
    let sentence = sentence.to_string();
    let sentence = text::printable(&sentence, text::MAX_SENTENCE);
    let _ = writeln!(std::io::stderr(), "surfit-engine: {sentence}");
}

/// The listening ends, cheap to clone.
#[derive(Clone, Debug)]
pub struct EventBus {
    events: broadcast::Sender<Arc<Envelope>>,
    snapshots: watch::Sender<Option<Arc<Snapshot>>>,
    viewers: Arc<AtomicUsize>,
    backlog: SharedBacklog,
}

impl EventBus {
    /// Live events from now on.
    pub fn events(&self) -> broadcast::Receiver<Arc<Envelope>> {
        self.events.subscribe()
    }

    /// What is to be known for reading past events from the file.
    pub fn backlog(&self) -> SharedBacklog {
        self.backlog.clone()
    }

    /// The latest snapshot, whenever it changes.
    pub fn snapshots(&self) -> watch::Receiver<Option<Arc<Snapshot>>> {
        self.snapshots.subscribe()
    }

    /// Counts a viewer for as long as the guard lives.
    pub fn viewer(&self) -> SubscriberGuard {
        self.viewers.fetch_add(1, Ordering::SeqCst);
        SubscriberGuard(self.viewers.clone())
    }
}

/// Which events may be told to a listener that reads them from the file, and where the others are.
#[derive(Clone, Debug, Default)]
pub struct EventBacklog {
    /// Events that the disk has not taken yet, because it is full, say: nobody finds them in the file.
    pub unwritten: Vec<Arc<Envelope>>,
    /// Number of the last event that was told. What the file has after it is a promise that is not durable, or comes after one.
    pub last_told: u64,
    /// Numbers of promises before it that were given up.
    pub given_up: Vec<u64>,
}

impl EventBacklog {
    /// What is told of an event: a notice instead of a promise that was given up.
    pub fn told(&self, envelope: Envelope) -> Envelope {
        match self.given_up.contains(&envelope.seq) {
            true => without_promise(envelope),
            false => envelope,
        }
    }
}

/// Stands for a promise that was given up. It has the promise's number: a listener that missed that would look for it in
/// the file, where the promise may be read although it is not durable.
fn without_promise(envelope: Envelope) -> Envelope {
    let text = "a result is not durable, since the disk refused it; look after the disk, then resume the run";
    Envelope {
        event: Event::Notice { text: text.into() },
        ..envelope
    }
}

/// The backlog of a journal as it changes.
#[derive(Clone, Debug, Default)]
pub struct SharedBacklog(Arc<Mutex<EventBacklog>>);

impl SharedBacklog {
    /// The backlog now. Who asks first and reads the file then misses nothing that was told before.
    pub fn now(&self) -> EventBacklog {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, EventBacklog> {
        // A panic leaves a backlog that is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A viewer that is connected.
#[derive(Debug)]
pub struct SubscriberGuard(Arc<AtomicUsize>);

impl Drop for SubscriberGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The speaking end; one per engine.
#[derive(Debug)]
pub struct EventJournal {
    log: EventLog,
    feed: EventBus,
    picture: RunState,
    /// Events whose promise is not durable yet, and those after them, in order.
    held: Vec<Arc<Envelope>>,
    /// Where the run's own exports lie.
    exports: PathBuf,
    /// Stands for a disk that makes nothing durable.
    #[cfg(test)]
    stopped: bool,
}

impl EventJournal {
    /// Opens a run's events and reads what happened so far.
    ///
    /// # Errors
    /// When the events cannot be opened or end in damage.
    pub fn open(run: &RunDir) -> Result<Self> {
        let mut log = EventLog::open(&run.events_path())?;
        // What an engine before this one wrote is told as it stands in the file, promises too.
        if let Err(error) = log.sync() {
            complain(format_args!("events are not durable yet: {error}"));
        }
        let feed = EventBus {
            events: broadcast::Sender::new(BACKLOG),
            snapshots: watch::Sender::new(None),
            viewers: Arc::default(),
            backlog: SharedBacklog::default(),
        };
        feed.backlog.lock().last_told = log.seq();
        let (picture, damage) = run.picture_and_damage()?;
        let mut journal = Self {
            log,
            feed,
            picture,
            held: Vec::new(),
            exports: run.join("exports").to_path_buf(),
            #[cfg(test)]
            stopped: false,
        };
        if let Some(sentence) = damage {
            journal.notice(sentence);
        }
        Ok(journal)
    }

    /// The listening ends.
    pub fn feed(&self) -> EventBus {
        self.feed.clone()
    }

    /// The run's history.
    pub fn picture(&self) -> &RunState {
        &self.picture
    }

    /// Number of the last event.
    pub fn seq(&self) -> u64 {
        self.log.seq()
    }

    /// Viewers that are connected.
    pub fn viewers(&self) -> usize {
        self.feed.viewers.load(Ordering::SeqCst)
    }

    /// Records an event. A disk that cannot take it delays it and is mentioned once in the log; listeners get it
    /// all the same, unless it is a promise.
    pub fn say(&mut self, event: Event) {
        let (envelope, written) = self.log.append(event);
        self.picture.apply(&envelope);
        let envelope = Arc::new(envelope);
        let promise = self.is_promise(&envelope.event);
        // A model that lies elsewhere is durable there, also when the run's disk takes no event of it.
        let first = promise || matches!(envelope.event, Event::Exported(_));
        // Before it is told, so that a listener finds it in one place or the other.
        match written {
            Ok(()) => self.feed.backlog.lock().unwritten.clear(),
            Err(error) => {
                let waiting = &mut self.feed.backlog.lock().unwritten;
                if waiting.is_empty() {
                    complain(format_args!("events wait for the disk: {error}"));
                }
                waiting.push(envelope.clone());
            }
        }
        self.held.push(envelope);
        let waits = promise || self.held.len() > 1;
        if first || waits {
            self.sync();
        }
        if !waits {
            self.tell_held();
        }
    }

    /// True for promises about the run's directory. A model that lies elsewhere is durable there.
    fn is_promise(&self, event: &Event) -> bool {
        match event {
            Event::Exported(exported) => exported.dir.starts_with(&self.exports),
            other => other.is_promise(),
        }
    }

    fn tell_held(&mut self) {
        for envelope in self.held.drain(..) {
            // First: who begins to listen in between finds it in the file.
            self.feed.backlog.lock().last_told = envelope.seq;
            // No listener is no error.
            let _ = self.feed.events.send(envelope);
        }
    }

    #[cfg(test)]
    pub(crate) fn stop_syncs(&mut self, stopped: bool) {
        self.stopped = stopped;
    }

    /// True while a promise waits for the disk.
    pub fn holds_promises(&self) -> bool {
        !self.held.is_empty()
    }

    /// Tells the last events of an engine whose disk takes none, and a notice instead of each promise.
    pub fn give_up_promises(&mut self) {
        let mut held = std::mem::take(&mut self.held);
        for envelope in held.iter_mut().filter(|e| self.is_promise(&e.event)) {
            self.feed.backlog.lock().given_up.push(envelope.seq);
            *envelope = Arc::new(without_promise((**envelope).clone()));
        }
        self.held = held;
        self.tell_held();
    }

    /// Records a sentence for people.
    pub fn notice(&mut self, text: impl Into<String>) {
        self.say(Event::Notice { text: text.into() });
    }

    /// Makes events durable; a failure is no reason to stop and is tried again with the next event.
    pub fn sync(&mut self) {
        if let Err(error) = self.try_sync() {
            complain(format_args!("events are not durable yet: {error}"));
        }
    }

    /// Makes events durable, before something that stands on them becomes so.
    ///
    /// # Errors
    /// When the disk does not take them.
    pub fn try_sync(&mut self) -> Result<()> {
        #[cfg(test)]
        if self.stopped {
            return Err(EngineError::io("events.jsonl")(
                std::io::ErrorKind::StorageFull.into(),
            ));
        }
        self.log.sync()?;
        self.feed.backlog.lock().unwritten.clear();
        self.tell_held();
        Ok(())
    }

    /// Replaces the latest snapshot.
    pub fn show(&self, snapshot: Snapshot) {
        self.feed.snapshots.send_replace(Some(Arc::new(snapshot)));
    }
}

//! Where events and snapshots go: the run's files first, then everybody who listens.

use crate::Result;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use surfit_core::event::{Envelope, Event};
use surfit_core::picture::Picture;
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
pub struct Feed {
    events: broadcast::Sender<Arc<Envelope>>,
    snapshots: watch::Sender<Option<Arc<Snapshot>>>,
    viewers: Arc<AtomicUsize>,
    unwritten: Unwritten,
}

impl Feed {
    /// Live events from now on.
    pub fn events(&self) -> broadcast::Receiver<Arc<Envelope>> {
        self.events.subscribe()
    }

    /// Events that the file does not have yet.
    pub fn unwritten(&self) -> Unwritten {
        self.unwritten.clone()
    }

    /// The latest snapshot, whenever it changes.
    pub fn snapshots(&self) -> watch::Receiver<Option<Arc<Snapshot>>> {
        self.snapshots.subscribe()
    }

    /// Counts a viewer for as long as the guard lives.
    pub fn viewer(&self) -> Viewer {
        self.viewers.fetch_add(1, Ordering::SeqCst);
        Viewer(self.viewers.clone())
    }
}

/// Events that the disk has not taken yet, because it is full, say: nobody finds them in the file.
#[derive(Clone, Debug, Default)]
pub struct Unwritten(Arc<Mutex<Vec<Arc<Envelope>>>>);

impl Unwritten {
    /// All of them, in order. Who asks first and reads the file then misses nothing that was told before.
    pub fn all(&self) -> Vec<Arc<Envelope>> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Envelope>>> {
        // A panic leaves a list that is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A viewer that is connected.
#[derive(Debug)]
pub struct Viewer(Arc<AtomicUsize>);

impl Drop for Viewer {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The speaking end; one per engine.
#[derive(Debug)]
pub struct Journal {
    log: EventLog,
    feed: Feed,
    picture: Picture,
}

impl Journal {
    /// Opens a run's events and reads what happened so far.
    ///
    /// # Errors
    /// When the events cannot be opened or end in damage.
    pub fn open(run: &RunDir) -> Result<Self> {
        let log = EventLog::open(&run.events_path())?;
        let feed = Feed {
            events: broadcast::Sender::new(BACKLOG),
            snapshots: watch::Sender::new(None),
            viewers: Arc::default(),
            unwritten: Unwritten::default(),
        };
        let (picture, damage) = run.picture_and_damage()?;
        let mut journal = Self { log, feed, picture };
        if let Some(sentence) = damage {
            journal.notice(sentence);
        }
        Ok(journal)
    }

    /// The listening ends.
    pub fn feed(&self) -> Feed {
        self.feed.clone()
    }

    /// The run's history.
    pub fn picture(&self) -> &Picture {
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
    /// all the same.
    pub fn say(&mut self, event: Event) {
        let (envelope, written) = self.log.append(event);
        self.picture.apply(&envelope);
        let envelope = Arc::new(envelope);
        // Before it is told, so that a listener finds it in one place or the other.
        match written {
            Ok(()) => self.feed.unwritten.lock().clear(),
            Err(error) => {
                let mut waiting = self.feed.unwritten.lock();
                if waiting.is_empty() {
                    complain(format_args!("events wait for the disk: {error}"));
                }
                waiting.push(envelope.clone());
            }
        }
        // No listener is no error.
        let _ = self.feed.events.send(envelope);
    }

    /// Records a sentence for people.
    pub fn notice(&mut self, text: impl Into<String>) {
        self.say(Event::Notice { text: text.into() });
    }

    /// Makes events durable; a failure is no reason to stop and is tried again with the next event.
    pub fn sync(&mut self) {
        match self.log.sync() {
            Ok(()) => self.feed.unwritten.lock().clear(),
            Err(error) => complain(format_args!("events are not durable yet: {error}")),
        }
    }

    /// Replaces the latest snapshot.
    pub fn show(&self, snapshot: Snapshot) {
        self.feed.snapshots.send_replace(Some(Arc::new(snapshot)));
    }
}

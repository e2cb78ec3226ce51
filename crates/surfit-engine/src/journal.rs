//! Where events and snapshots go: the run's files first, then everybody who listens.

#[cfg(test)]
use crate::EngineError;
use crate::Result;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use surfit_core::event::{Envelope, Event};
use surfit_core::run_dir::{EventLog, RunDir};
use surfit_core::run_state::{RunState, describe_event};
use surfit_core::snapshot::Snapshot;
use tokio::sync::{broadcast, watch};

/// Events that a slow listener may lag behind before it reads them from the file instead.
const MAX_SUBSCRIBER_LAG: usize = 1024;

/// The listening ends, cheap to clone.
#[derive(Clone, Debug)]
pub struct EventBus {
    pub(crate) events: broadcast::Sender<Arc<Envelope>>,
    pub(crate) snapshots: watch::Sender<Option<Arc<Snapshot>>>,
    viewers: Arc<AtomicUsize>,
    pub backlog: SharedBacklog,
}

impl EventBus {
    /// Counts a viewer for as long as the guard lives.
    pub fn subscriber_guard(&self) -> SubscriberGuard {
        self.viewers.fetch_add(1, Ordering::SeqCst);
        SubscriberGuard(self.viewers.clone())
    }
}

/// Which events may be sent to a client that reads them from the file, and where the others are.
#[derive(Clone, Debug, Default)]
pub struct EventBacklog {
    /// Events that the disk has not taken yet, for example because it is full: the file does not contain them.
    pub unpersisted: Vec<Arc<Envelope>>,
    /// Number of the last reported event. What the file has after it is a promise that is not durable, or comes after one.
    pub last_published: u64,
    /// Numbers of promises before it that were withdrawn.
    pub withdrawn: Vec<u64>,
}

impl EventBacklog {
    /// What is sent of an event: a notice instead of a withdrawn promise.
    pub fn as_published(&self, envelope: Envelope) -> Envelope {
        match self.withdrawn.contains(&envelope.seq) {
            true => withdrawal_notice(envelope),
            false => envelope,
        }
    }
}

/// Writes what happened to the process's log.
fn write_log_record(Envelope { seq, event, .. }: &Envelope) {
    match (describe_event(event), event) {
        (Some((sentence, true)), _) => tracing::error!(seq, "{sentence}"),
        (Some((sentence, false)), _) => tracing::info!(seq, "{sentence}"),
        (None, Event::Validated { curve, step, loss, accuracy }) => {
            tracing::debug!(seq, ?curve, step, loss, accuracy, "validated");
        }
        (None, _) => tracing::trace!(seq, ?event),
    }
}

/// Replaces a withdrawn promise. It has the promise's number: a listener that missed that would look for it in
/// the file, where the promise may be read although it is not durable.
fn withdrawal_notice(envelope: Envelope) -> Envelope {
    let text = "a result is not durable, since the disk refused it; look after the disk, then resume the run";
    Envelope { event: Event::Notice { text: text.into() }, ..envelope }
}

#[derive(Clone, Debug, Default)]
pub struct SharedBacklog(Arc<Mutex<EventBacklog>>);

impl SharedBacklog {
    /// The backlog now. Reading it before the file misses no event that was reported before.
    pub fn current(&self) -> EventBacklog {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, EventBacklog> {
        // After a panic the backlog is still valid.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
    event_log: EventLog,
    event_bus: EventBus,
    run_state: RunState,
    /// Events whose promise is not durable yet, and those after them, in order.
    unpublished: Vec<Arc<Envelope>>,
    /// Folder of the run's own exports.
    exports_folder: PathBuf,
    /// Simulates a disk that makes nothing durable.
    #[cfg(test)]
    syncs_fail: bool,
}

impl EventJournal {
    /// Opens a run's events and reads what happened so far.
    pub fn open(run: &RunDir) -> Result<Self> {
        let mut log = EventLog::open(&run.events_path())?;
        // What an engine before this one wrote is reported as the file has it, promises too.
        if let Err(error) = log.sync() {
            tracing::warn!("events are not durable yet: {error}");
        }
        let feed = EventBus {
            events: broadcast::Sender::new(MAX_SUBSCRIBER_LAG),
            snapshots: watch::Sender::new(None),
            viewers: Arc::default(),
            backlog: SharedBacklog::default(),
        };
        feed.backlog.lock().last_published = log.seq();
        let (run_state, damage) = run.load_state_and_damage()?;
        let mut journal = Self {
            event_log: log,
            event_bus: feed,
            run_state,
            unpublished: Vec::new(),
            exports_folder: run.join("exports").to_path_buf(),
            #[cfg(test)]
            syncs_fail: false,
        };
        if let Some(sentence) = damage {
            journal.log(sentence);
        }
        Ok(journal)
    }

    pub fn event_bus(&self) -> EventBus {
        self.event_bus.clone()
    }

    pub fn run_state(&self) -> &RunState {
        &self.run_state
    }

    /// Number of the last event.
    pub fn seq(&self) -> u64 {
        self.event_log.seq()
    }

    pub fn viewers(&self) -> usize {
        self.event_bus.viewers.load(Ordering::SeqCst)
    }

    /// Records an event. A disk that cannot take it delays it and is mentioned once in the log; listeners get it
    /// all the same, unless it is a promise.
    pub fn emit(&mut self, event: Event) {
        let (envelope, written) = self.event_log.append(event);
        self.run_state.apply(&envelope);
        write_log_record(&envelope);
        let envelope = Arc::new(envelope);
        let promise = self.is_promise(&envelope.event);
        // A model elsewhere is durable there, also when the run's disk takes no event of it.
        let first = promise || matches!(envelope.event, Event::Exported(_));
        // Before it is reported, so that a listener finds it in one place or the other.
        match written {
            Ok(()) => self.event_bus.backlog.lock().unpersisted.clear(),
            Err(error) => {
                let waiting = &mut self.event_bus.backlog.lock().unpersisted;
                if waiting.is_empty() {
                    tracing::warn!("events wait for the disk: {error}");
                }
                waiting.push(envelope.clone());
            }
        }
        self.unpublished.push(envelope);
        let waits = promise || self.unpublished.len() > 1;
        if first || waits {
            self.sync();
        }
        if !waits {
            self.publish_pending();
        }
    }

    /// True for promises about the run's directory. A model elsewhere is durable there.
    fn is_promise(&self, event: &Event) -> bool {
        match event {
            Event::Exported(exported) => exported.dir.starts_with(&self.exports_folder),
            other => other.requires_durability(),
        }
    }

    fn publish_pending(&mut self) {
        for envelope in self.unpublished.drain(..) {
            // First: who begins to listen in between finds it in the file.
            self.event_bus.backlog.lock().last_published = envelope.seq;
            // No listener is no error.
            let _ = self.event_bus.events.send(envelope);
        }
    }

    #[cfg(test)]
    pub(crate) fn fail_syncs(&mut self, stopped: bool) {
        self.syncs_fail = stopped;
    }

    /// True while a promise waits for the disk.
    pub fn has_unpublished_events(&self) -> bool {
        !self.unpublished.is_empty()
    }

    /// Sends the last events of an engine whose disk accepts none, and a notice instead of each promise.
    pub fn withdraw_promises(&mut self) {
        let mut held = std::mem::take(&mut self.unpublished);
        for envelope in held.iter_mut().filter(|e| self.is_promise(&e.event)) {
            self.event_bus.backlog.lock().withdrawn.push(envelope.seq);
            *envelope = Arc::new(withdrawal_notice((**envelope).clone()));
        }
        self.unpublished = held;
        self.publish_pending();
    }

    pub fn log(&mut self, text: impl Into<String>) {
        self.emit(Event::Notice { text: text.into() });
    }

    /// Makes events durable; a failure is no reason to stop and is tried again with the next event.
    pub fn sync(&mut self) {
        if let Err(error) = self.try_sync() {
            tracing::warn!("events are not durable yet: {error}");
        }
    }

    /// Makes events durable, before something that depends on them becomes durable.
    pub fn try_sync(&mut self) -> Result<()> {
        #[cfg(test)]
        if self.syncs_fail {
            return Err(EngineError::io("events.jsonl")(std::io::ErrorKind::StorageFull.into()));
        }
        self.event_log.sync()?;
        self.event_bus.backlog.lock().unpersisted.clear();
        self.publish_pending();
        Ok(())
    }

    pub fn publish_snapshot(&self, snapshot: Snapshot) {
        self.event_bus.snapshots.send_replace(Some(Arc::new(snapshot)));
    }
}

//! Other runs that are looked at beside the one that is shown: how they grow.
//!
//! A thread of its own looks at their files once a second and reads only what is new, so that neither keys nor drawing wait
//! for a disk. It sleeps while no other run is looked at.

use super::BridgeWorker;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel};
use std::time::{Duration, SystemTime};
use surfit_core::run_dir::{EventTail, RunDir};
use surfit_tui::Incoming;

/// Time between two looks.
const FILE_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Runs, each with the number of the last event that is known of it.
type KnownRuns = Vec<(PathBuf, u64)>;

impl BridgeWorker {
    /// Looks at these runs from now on, at no others.
    pub(super) fn watch_runs(&mut self, runs: KnownRuns) {
        let sender = match self.watcher.take() {
            Some(sender) => sender,
            None if runs.is_empty() => return,
            None => match spawn_watcher(self.screen.clone()) {
                Ok(sender) => sender,
                Err(error) => return self.send_problem(&error),
            },
        };
        // A thread that ended has nobody left to tell.
        self.watcher = sender.send(runs).is_ok().then_some(sender);
    }
}

fn spawn_watcher(screen: SyncSender<Incoming>) -> std::io::Result<Sender<KnownRuns>> {
    let (sender, wishes) = channel();
    std::thread::Builder::new().name("other runs".into()).spawn(move || watch_loop(&wishes, &screen))?;
    Ok(sender)
}

fn watch_loop(wishes: &Receiver<KnownRuns>, screen: &SyncSender<Incoming>) {
    let mut runs: Vec<OtherRun> = Vec::new();
    loop {
        let wish = match runs.is_empty() {
            true => wishes.recv().map_err(|_| RecvTimeoutError::Disconnected),
            false => wishes.recv_timeout(FILE_POLL_INTERVAL),
        };
        match wish {
            Ok(wanted) => runs = wanted.into_iter().filter_map(OtherRun::of).collect(),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        for news in runs.iter_mut().filter_map(OtherRun::poll_changes) {
            if screen.send(news).is_err() {
                return;
            }
        }
    }
}

struct OtherRun {
    run: RunDir,
    path: PathBuf,
    tail: EventTail,
    snapshot_written: Option<SystemTime>,
}

impl OtherRun {
    /// `None` for a directory that is no run any more.
    fn of((path, seq): (PathBuf, u64)) -> Option<Self> {
        let run = RunDir::open(&path).ok()?;
        Some(Self { tail: EventTail::new(&run.events_path(), seq), run, path, snapshot_written: None })
    }

    /// What is new of it. A file that cannot be read now is read at the next look.
    fn poll_changes(&mut self) -> Option<Incoming> {
        let events = self.tail.read().unwrap_or_default();
        let written = self.run.snapshot_modified_at();
        let snapshot = (written.is_some() && written != self.snapshot_written).then(|| self.run.snapshot()).flatten();
        if snapshot.is_some() {
            self.snapshot_written = written;
        }
        let silent = events.is_empty() && snapshot.is_none();
        (!silent).then(|| Incoming::Grown { path: self.path.clone(), events, snapshot: snapshot.map(Box::new) })
    }
}

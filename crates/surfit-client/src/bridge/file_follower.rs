//! A run whose engine works on another machine that shares its directory: shown from its files, which are looked at once a
//! second. Nothing can be asked there, and says so at once.

use super::BridgeWorker;
use super::attach::AttachMode;
use crate::ClientError;
use std::time::{Duration, SystemTime};
use surfit_core::run_dir::{EventTail, RunDir};
use surfit_core::snapshot::Snapshot;
use surfit_tui::Incoming;

/// Time between two looks at the files.
pub(super) const FILE_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// What of the run's files was told.
pub(super) struct FileFollower {
    /// Where the engine works.
    node: String,
    tail: EventTail,
    snapshot_written: Option<SystemTime>,
    /// Heartbeat of the last status.
    heartbeat: f64,
}

impl BridgeWorker {
    /// Shows the run from its files from now on, since its engine is where `error` says.
    pub(super) fn follow_files(&mut self, error: &ClientError) {
        let (Some(run), ClientError::Elsewhere { node, .. }) = (&self.run, error) else {
            return;
        };
        let (tail, node) = (EventTail::new(&run.events_path(), self.seq), node.name());
        self.engine_alive = true;
        self.send_to_screen(Incoming::Elsewhere { node: node.clone() });
        self.send_to_screen(Incoming::Notice(error.to_string()));
        self.file_follower = Some(FileFollower { node, tail, snapshot_written: None, heartbeat: 0.0 });
        self.poll_files();
    }

    /// Tells what the files have that was not told, and finds out whether the engine is still where it was.
    pub(super) fn poll_files(&mut self) {
        let Some(run) = self.run.clone() else { return };
        // Before the files are read: what an engine wrote that is gone is complete then.
        let (alive, node) = (run.is_engine_alive(), run.unreachable_engine_node());
        let Some(files) = &mut self.file_follower else {
            return;
        };
        let events = files.tail.read().unwrap_or_default();
        let snapshot = files.read_snapshot(&run);
        let moved = node.as_ref().is_some_and(|node| node.name() != files.node);
        for envelope in events {
            self.on_event(envelope);
        }
        if let Some(snapshot) = snapshot {
            self.snapshot = Some(Box::new(snapshot.clone()));
            self.send_to_screen(Incoming::Snapshot(Box::new(snapshot)));
        }
        if !alive {
            self.file_follower = None;
            self.on_engine_gone();
        } else if node.is_none() || moved {
            self.file_follower = None;
            self.start_attach(AttachMode::Attach);
        }
    }

    /// Why nothing can be asked of the engine, when it works elsewhere.
    pub(super) fn unreachable_reason(&self) -> Option<String> {
        self.file_follower.as_ref()?;
        let error = ClientError::unreachable(self.run.as_ref()?);
        matches!(error, ClientError::Elsewhere { .. }).then(|| error.to_string())
    }

    /// Tells again where the engine works, when that is elsewhere.
    pub(super) fn send_node(&self) -> bool {
        let node = self.file_follower.as_ref().map(|files| files.node.clone());
        node.map(|node| self.send_to_screen(Incoming::Elsewhere { node })).is_some()
    }
}

impl FileFollower {
    /// The stored snapshot with the progress of the status, which is written more often; `None` when both are old.
    fn read_snapshot(&mut self, run: &RunDir) -> Option<Snapshot> {
        let status = run.status()?;
        let written = run.snapshot_modified_at();
        if status.heartbeat == self.heartbeat && written == self.snapshot_written {
            return None;
        }
        (self.heartbeat, self.snapshot_written) = (status.heartbeat, written);
        let stored = run.snapshot().or_else(|| {
            let grid = run.config().ok()?.heatmap.grid;
            Some(Snapshot::empty(status.degrees, grid))
        })?;
        Some(Snapshot { state: status.state, stage: status.stage, done: status.done, total: status.total, ..stored })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::{OpenTarget, open};
    use crate::fake::{notice, temporary_run};
    use std::sync::mpsc::Receiver;
    use surfit_core::event::Event;
    use surfit_core::protocol::EngineCommand;
    use surfit_core::run_dir::EventLog;
    use surfit_tui::Outgoing;

    /// Takes what comes until `wanted` is true of it.
    fn receive_until(incoming: &Receiver<Incoming>, wanted: impl Fn(&Incoming) -> bool) -> Incoming {
        loop {
            let came = incoming.recv_timeout(Duration::from_secs(20));
            let came = came.expect("it comes");
            if wanted(&came) {
                return came;
            }
        }
    }

    #[test]
    fn a_run_of_another_machine_is_followed_and_nothing_can_be_asked() {
        let run = temporary_run();
        // Held here, with the signature of another machine.
        let lock = run.dir.lock().unwrap();
        let text = std::fs::read_to_string(run.dir.lock_path()).unwrap();
        let here = &surfit_core::run_dir::EngineNode::current().host;
        let elsewhere = text.replace(&format!("\"host\":\"{here}\""), "\"host\":\"gpu7\"");
        assert_ne!(text, elsewhere);
        std::fs::write(run.dir.lock_path(), elsewhere).unwrap();
        let mut log = EventLog::open(&run.dir.events_path()).unwrap();
        log.append(notice("one")).1.unwrap();

        let (bridge, link) = open(OpenTarget::Existing(run.dir.clone()), false).unwrap();
        receive_until(&link.incoming, |m| matches!(m, Incoming::Elsewhere { node } if node == "gpu7"));
        log.append(notice("two")).1.unwrap();
        receive_until(
            &link.incoming,
            |m| matches!(m, Incoming::Event(e) if matches!(&e.event, Event::Notice { text } if text == "two")),
        );
        let (id, command) = (7, EngineCommand::Measure);
        let began = std::time::Instant::now();
        link.outgoing.send(Outgoing::Command { id, command }).unwrap();
        let reply = receive_until(&link.incoming, |m| matches!(m, Incoming::Reply { .. }));
        assert!(matches!(&reply, Incoming::Reply { id: 7, error: Some(why) } if why.contains("gpu7")), "{reply:?}");
        assert!(began.elapsed() < Duration::from_secs(1), "at once");
        log.append(Event::Closed).1.unwrap();
        drop(lock);
        receive_until(&link.incoming, |m| matches!(m, Incoming::Disconnected { .. }));
        drop(link.outgoing);
        bridge.end(false);
    }
}

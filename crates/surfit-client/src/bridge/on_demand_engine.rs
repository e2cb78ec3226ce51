//! Engines that are started for commands on a run at rest. They do what is asked, and end when nothing more is.

use super::BridgeWorker;
use std::time::{Duration, Instant};
use surfit_core::protocol::EngineCommand;
use surfit_core::snapshot::{EngineState, Snapshot};

/// How long such an engine stays while it has nothing to do and nobody but this screen watches it: it holds the surface in
/// memory.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(300);

fn is_working(snapshot: &Snapshot) -> bool {
    let state = matches!(snapshot.state, EngineState::Running | EngineState::Paused | EngineState::Starting);
    state || snapshot.errand.is_some()
}

impl BridgeWorker {
    /// Ends an engine that was started here for commands and has had nothing to do for so long.
    pub(super) fn shutdown_idle_engine(&mut self, idle: Duration) {
        let Some(connection) = self.connection.as_mut().filter(|_| self.on_demand_engine) else {
            return;
        };
        if !self.unanswered.is_empty() || self.snapshot.as_deref().is_some_and(is_working) {
            self.last_busy = Instant::now();
        }
        let alone = self.snapshot.as_ref().is_none_or(|s| s.viewers <= 1);
        if alone && self.last_busy.elapsed() >= idle {
            self.on_demand_engine = false;
            // When it is gone already, its connection's end tells.
            let _ = connection.send_as(u64::MAX, EngineCommand::Shutdown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect;
    use crate::fake::{FakeEngine, temporary_run};
    use std::sync::mpsc::sync_channel;
    use surfit_core::config::Config;
    use surfit_core::protocol::ClientMessage;

    #[test]
    fn a_woken_engine_ends_when_nothing_more_is_asked_and_no_other_one_does() {
        let run = temporary_run();
        let engine = FakeEngine::open(&run.dir);
        let thread = std::thread::spawn(move || {
            let (mut peer, _) = engine.welcome();
            (peer.read(), peer.read())
        });
        let (screen, _shown) = sync_channel(9);
        let (inputs, _) = sync_channel(9);
        let mut worker = BridgeWorker::new(screen, inputs, false);
        worker.connection = Some(connect(&run.dir, Some(0)).unwrap());
        // It was there before.
        worker.shutdown_idle_engine(Duration::ZERO);
        worker.on_demand_engine = true;
        let mut snapshot = Snapshot::empty(Config::default().degrees(), 5);
        snapshot.state = EngineState::Running;
        worker.snapshot = Some(Box::new(snapshot.clone()));
        worker.shutdown_idle_engine(Duration::from_secs(9));
        assert!(worker.on_demand_engine, "it is at work");
        snapshot.state = EngineState::Finished;
        snapshot.viewers = 2;
        worker.snapshot = Some(Box::new(snapshot.clone()));
        worker.shutdown_idle_engine(Duration::ZERO);
        assert!(worker.on_demand_engine, "somebody else watches");
        snapshot.viewers = 1;
        worker.snapshot = Some(Box::new(snapshot));
        worker.unanswered.insert(3);
        worker.shutdown_idle_engine(Duration::from_secs(9));
        worker.unanswered.clear();
        worker.shutdown_idle_engine(Duration::from_secs(9));
        assert!(worker.on_demand_engine, "it had something to do just now");
        worker.shutdown_idle_engine(Duration::ZERO);
        drop(worker);
        let (id, command) = (u64::MAX, EngineCommand::Shutdown);
        let asked = Some(ClientMessage::Command { id, command });
        assert_eq!(thread.join().unwrap(), (asked, None));
    }
}

//! Which run is shown, from its directory or its engine, or from its files alone where its engine works on another machine
//! that shares its directory. Those are read once a second; requests are refused at once, with the reason.

use super::engine::AttachMode;
use super::{BridgeMessage, BridgeWorker, OpenTarget};
use crate::{ClientError, file_writer, runs};
use std::path::Path;
use std::time::{Duration, SystemTime};
use surfit_core::event::Envelope;
use surfit_core::new_file::NewFile;
use surfit_core::protocol::{CommandErrorCode, OpenedRun, ServerMessage};
use surfit_core::run_dir::{EventTail, RunDir, RunError};
use surfit_core::run_state::RunState;
use surfit_core::snapshot::Snapshot;

impl BridgeWorker {
    pub(super) fn open_target(&mut self, target: OpenTarget) {
        let config = match target {
            OpenTarget::Existing(run) => return self.open_run(run),
            OpenTarget::New(config) => config,
        };
        match RunDir::create_in(&RunDir::default_root(), &config) {
            Ok(run) => {
                self.show_run(run);
                self.start_attach(AttachMode::Serve);
            }
            Err(error) => {
                self.send_problem(&error);
                self.send_to_screen(BridgeMessage::Disconnected { reason: "the run could not be begun".into() });
            }
        }
    }

    fn show_run(&mut self, run: RunDir) {
        self.generation += 1;
        self.drop_connection();
        (self.starting, self.snapshot) = (false, None);
        self.file_follower = None;
        self.fail_unanswered("the run was opened anew before the answer");
        self.send_run_state(&run);
        self.run = Some(run);
    }

    /// Sends what the run's directory contains: later events to a terminal that has the run state, else the whole.
    pub(super) fn send_run_state(&mut self, run: &RunDir) {
        self.send_opened(run);
        // Also when the state cannot be read: the number means nothing of the next run.
        let resumes_after = self.resumes_after.take();
        match run.load_state() {
            Ok(state) => {
                (self.seq, self.closed_cleanly) = (state.seq, state.closed);
                self.failure = state.failed.clone();
                self.snapshot = state.snapshot.clone().map(Box::new);
                match resumes_after.and_then(|after| missed_events(run, after, state.seq)) {
                    Some(events) => {
                        events.into_iter().for_each(|e| self.send_to_screen(ServerMessage::Event(e)));
                        let snapshot = self.snapshot.clone();
                        snapshot.into_iter().for_each(|s| self.send_to_screen(ServerMessage::Snapshot(s)));
                    }
                    None => self.send_to_screen(BridgeMessage::RunState(Box::new(state))),
                }
            }
            Err(error) => {
                (self.seq, self.closed_cleanly, self.failure) = (0, false, None);
                // The terminal waits for one.
                self.send_to_screen(BridgeMessage::RunState(Box::default()));
                self.send_problem(&error);
            }
        }
    }

    fn send_opened(&self, run: &RunDir) {
        let config = run.config().unwrap_or_default();
        self.send_to_screen(BridgeMessage::RunOpened(OpenedRun {
            id: run.id(),
            dir: run.path().to_owned(),
            name: runs::open_name(run),
            grid: config.heatmap.grid,
            degrees: config.degrees(),
        }));
    }

    pub(super) fn is_shown(&self, path: &Path) -> bool {
        let run = self.run.as_ref().map(RunDir::path);
        run.is_some_and(|run| run == path || std::path::absolute(path).is_ok_and(|p| run == p))
    }

    pub(super) fn fail_unanswered(&mut self, why: &str) {
        for id in std::mem::take(&mut self.unanswered) {
            self.send_refusal(id, CommandErrorCode::Other, format!("{why}; look whether it was done"));
        }
        for (id, _) in std::mem::take(&mut self.pending_commands) {
            self.send_refusal(id, CommandErrorCode::Other, format!("{why}; nothing was done"));
        }
    }

    /// Shows a run that was there before, and greets its engine when it has one.
    pub(super) fn open_run(&mut self, run: RunDir) {
        let alive = run.is_engine_alive();
        self.show_run(run);
        if alive {
            self.start_attach(AttachMode::Attach);
        } else if self.is_at_rest() || self.seq == 0 {
            self.send_no_engine();
        } else {
            self.send_to_screen(BridgeMessage::EngineDied);
        }
    }

    /// Shows the present run again, after another one could not be opened.
    pub(super) fn resend_run_state(&self) {
        if let Some(run) = &self.run {
            self.send_opened(run);
        }
        let state = self.run.as_ref().and_then(|run| run.load_state().ok());
        let mut state = state.unwrap_or_default();
        if let Some(snapshot) = &self.snapshot {
            state.snapshot = Some((**snapshot).clone());
        }
        self.send_to_screen(BridgeMessage::RunState(Box::new(state)));
        self.send_engine_status();
    }

    pub(super) fn send_engine_status(&self) {
        match &self.connection {
            Some(connection) => self.send_to_screen(connection.welcome().clone()),
            None if self.starting || self.send_node() => {}
            None if self.seq == 0 => self.send_no_engine(),
            None if self.run.as_ref().is_some_and(RunDir::is_engine_alive) => {
                self.send_to_screen(BridgeMessage::Disconnected { reason: "the connection to its engine ended".into() })
            }
            None if self.is_at_rest() => self.send_no_engine(),
            None => self.send_to_screen(BridgeMessage::EngineDied),
        }
    }

    pub(super) fn send_no_engine(&self) {
        let reason = "no engine is running; one starts when you ask for something".into();
        self.send_to_screen(BridgeMessage::Disconnected { reason });
    }
}

/// Most events sent one by one to a terminal that has the run state; beyond it the whole state is smaller.
const MAX_REPLAYED_EVENTS: u64 = 1000;

/// The events of a run after number `after` up to `last`, when they are few; `None` when only the whole state will do.
fn missed_events(run: &RunDir, after: u64, last: u64) -> Option<Vec<Envelope>> {
    let count = last.checked_sub(after).filter(|count| *count <= MAX_REPLAYED_EVENTS)?;
    let mut events = run.events(after).ok()?;
    events.retain(|e| e.seq <= last);
    // A log with a damaged line has gaps, which only the state bridges.
    (events.len() as u64 == count).then_some(events)
}

pub(super) const FILE_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// What was already sent of the run's files.
pub(super) struct FileFollower {
    /// Where the engine works.
    node: String,
    tail: EventTail,
    snapshot_written: Option<SystemTime>,
    heartbeat: f64,
}

impl BridgeWorker {
    /// Shows the run from its files from now on, since its engine is on the machine in `error`.
    pub(super) fn follow_files(&mut self, error: &ClientError) {
        let (Some(run), ClientError::Elsewhere { node, .. }) = (&self.run, error) else {
            return;
        };
        let (tail, node) = (EventTail::new(&run.events_path(), self.seq), node.name());
        self.engine_alive = true;
        self.send_to_screen(BridgeMessage::Elsewhere { node: node.clone() });
        self.send_to_screen(BridgeMessage::Notice(error.to_string()));
        self.file_follower = Some(FileFollower { node, tail, snapshot_written: None, heartbeat: 0.0 });
        self.poll_files();
    }

    /// Sends what is new in the files, and checks whether the engine is still on the same machine.
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
            self.send_to_screen(ServerMessage::Snapshot(Box::new(snapshot)));
        }
        if !alive {
            self.file_follower = None;
            self.on_engine_gone();
        } else if node.is_none() || moved {
            self.file_follower = None;
            self.start_attach(AttachMode::Attach);
        }
    }

    /// Why the engine cannot be reached, when it works on another machine.
    pub(super) fn unreachable_reason(&self) -> Option<String> {
        self.file_follower.as_ref()?;
        let error = ClientError::unreachable_engine(self.run.as_ref()?);
        matches!(error, ClientError::Elsewhere { .. }).then(|| error.to_string())
    }

    /// Tells again where the engine works, when that is elsewhere.
    pub(super) fn send_node(&self) -> bool {
        let node = self.file_follower.as_ref().map(|files| files.node.clone());
        node.map(|node| self.send_to_screen(BridgeMessage::Elsewhere { node })).is_some()
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

fn current_state(run: &RunDir, snapshot: Option<Box<Snapshot>>) -> Result<RunState, RunError> {
    let mut run_state = run.load_state()?;
    match snapshot {
        Some(snapshot) => run_state.apply_snapshot(*snapshot),
        None => run_state.snapshot = None,
    }
    Ok(run_state)
}

impl BridgeWorker {
    /// Writes the figures of the shown run in the background.
    pub(super) fn write_figures(&mut self) {
        let Some(run) = self.run.clone() else { return };
        let snapshot = self.snapshot.clone();
        let folder = match self.readonly {
            true => file_writer::local_figures_folder(None, &runs::open_name(&run)).into(),
            false => run.join("figures"),
        };
        self.spawn_writer(move || file_writer::write_figures(&run.id(), &folder, || current_state(&run, snapshot)));
    }

    pub(super) fn write_file(&mut self, file: NewFile) {
        let Some(run) = self.run.clone() else {
            return self.send_problem(&"there is no run yet to write anything of");
        };
        let (snapshot, readonly) = (self.snapshot.clone(), self.readonly);
        self.spawn_writer(move || match readonly && file_writer::is_inside(&file.path, run.path()) {
            true => BridgeMessage::Problem(format!(
                "{} lies in the directory of a run that is only watched; choose another place",
                file.path.display()
            )),
            false => file_writer::write_new_file(
                file,
                &run.id(),
                |path| run.confine(&path),
                || current_state(&run, snapshot),
            ),
        });
    }

    fn spawn_writer(&mut self, write: impl FnOnce() -> BridgeMessage + Send + 'static) {
        // A directory that was removed must not come back with a run state in it.
        if let Some(why) = self.removed_reason() {
            return self.send_problem(&why);
        }
        if let Err(error) = self.writers.spawn_writer(self.screen.clone(), write) {
            self.send_problem(&error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{notice, open_bridge, temporary_run};
    use std::sync::mpsc::Receiver;
    use surfit_core::event::Event;
    use surfit_core::protocol::{ClientMessage, EngineCommand};
    use surfit_core::run_dir::EventLog;

    fn receive_until(incoming: &Receiver<ServerMessage>, wanted: impl Fn(&ServerMessage) -> bool) -> ServerMessage {
        loop {
            let came = incoming.recv_timeout(Duration::from_secs(20));
            let came = came.expect("it comes");
            if wanted(&came) {
                return came;
            }
        }
    }

    #[test]
    fn what_a_terminal_knew_of_an_unreadable_run_is_not_taken_for_the_next() {
        let run = temporary_run();
        let _ = std::fs::remove_file(run.dir.events_path());
        std::fs::create_dir(run.dir.events_path()).unwrap();
        let (screen, _shown) = crate::fake::terminal();
        let mut worker = BridgeWorker::new(screen, std::sync::mpsc::channel().0, false);
        worker.resumes_after = Some(3);
        worker.send_run_state(&run.dir);
        assert!(run.dir.load_state().is_err());
        assert_eq!(worker.resumes_after, None);
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

        let (bridge, link) = open_bridge(&run.dir, false);
        receive_until(
            &link.incoming,
            |m| matches!(m, ServerMessage::Bridge(BridgeMessage::Elsewhere { node }) if node == "gpu7"),
        );
        log.append(notice("two")).1.unwrap();
        receive_until(
            &link.incoming,
            |m| matches!(m, ServerMessage::Event(e) if matches!(&e.event, Event::Notice { text } if text == "two")),
        );
        let (id, command) = (7, EngineCommand::Measure);
        let began = std::time::Instant::now();
        link.send(ClientMessage::Command { id, command });
        let reply = receive_until(&link.incoming, |m| matches!(m, ServerMessage::Reply { .. }));
        assert!(
            matches!(&reply, ServerMessage::Reply { id: 7, error: Some(why), .. } if why.message.contains("gpu7")),
            "{reply:?}"
        );
        assert!(began.elapsed() < Duration::from_secs(1), "at once");
        log.append(Event::Closed).1.unwrap();
        drop(lock);
        receive_until(&link.incoming, |m| matches!(m, ServerMessage::Bridge(BridgeMessage::Disconnected { .. })));
        drop(link);
        bridge.end(false);
    }
}

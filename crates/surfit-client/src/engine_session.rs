//! A short session with a run's engine, for one command and its reply.

use super::{ClientError, EngineLaunch, FollowedItem, RunFollower, connect_or_start, wait_for_engine_exit};
use std::process::Child;
use std::time::Duration;
use surfit_core::event::{Envelope, Event};
use surfit_core::protocol::EngineCommand;
use surfit_core::run_dir::RunDir;
use surfit_core::snapshot::Snapshot;

/// A session. An engine that was started for it ends with it, unless other clients have connected.
#[derive(Debug)]
pub struct EngineSession {
    run: RunDir,
    follower: RunFollower,
    started: Option<Child>,
    latest_snapshot: Snapshot,
}

/// Time to wait for one message.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Seconds for which an engine that was started for the session stays when this process is killed.
const LINGER_SECS: u64 = 30;

const EXIT_TIMEOUT: Duration = Duration::from_secs(20);

impl EngineSession {
    /// Connects to the run's engine, or starts one that waits for commands.
    ///
    /// # Errors
    /// As [`connect_or_start`].
    pub fn open(run: &RunDir) -> Result<Self, ClientError> {
        // An engine that is ending may still accept a connection; then another one is started after it.
        for _ in 0..3 {
            let seq = run.last_event_number()?;
            let how = EngineLaunch { wait: true, linger: Some(LINGER_SECS) };
            let (started, connection) = connect_or_start(run, how, Some(seq))?;
            let mut follower = RunFollower::new(run.clone(), seq, connection)?;
            let mut failed = None;
            loop {
                match follower.next_item(POLL_INTERVAL)? {
                    // An engine that was started here could not open the run; the next one could not either.
                    Some(FollowedItem::Event(Envelope { event: Event::Failed { message }, .. }))
                        if started.is_some() =>
                    {
                        failed = Some(message)
                    }
                    Some(FollowedItem::Snapshot(latest)) => {
                        return Ok(Self { run: run.clone(), follower, started, latest_snapshot: *latest });
                    }
                    Some(FollowedItem::Ended | FollowedItem::Died) => break,
                    _ => {}
                }
            }
            wait_for_engine_exit(run, EXIT_TIMEOUT);
            if let Some(why) = failed {
                let log = run.log_path();
                return Err(ClientError::Failed { why, log: log.into_path() });
            }
        }
        Err(ClientError::Closed)
    }

    pub fn latest_snapshot(&self) -> &Snapshot {
        &self.latest_snapshot
    }

    /// Sends a command.
    ///
    /// # Errors
    /// [`ClientError::Closed`] when the engine is gone.
    pub fn send(&mut self, command: EngineCommand) -> Result<u64, ClientError> {
        self.follower.send(command)
    }

    /// Returns the next message; `None` when there is none for a moment.
    ///
    /// # Errors
    /// [`ClientError::Closed`] when the engine ended or died.
    pub fn next_item(&mut self) -> Result<Option<FollowedItem>, ClientError> {
        let item = self.follower.next_item(POLL_INTERVAL)?;
        match &item {
            Some(FollowedItem::Snapshot(snapshot)) => self.latest_snapshot.clone_from(snapshot),
            Some(FollowedItem::Ended | FollowedItem::Died) => return Err(ClientError::Closed),
            _ => {}
        }
        Ok(item)
    }
}

/// Ends an engine that was started for this follower, unless it has more than one of `viewers`, and waits until it is gone:
/// the next command should find no engine.
pub fn end_started_engine(run: &RunDir, follower: &mut RunFollower, viewers: usize) {
    if viewers <= 1 && follower.send(EngineCommand::Shutdown).is_ok() {
        wait_for_engine_exit(run, EXIT_TIMEOUT);
    }
}

impl Drop for EngineSession {
    fn drop(&mut self) {
        if self.started.is_some() {
            end_started_engine(&self.run, &mut self.follower, self.latest_snapshot.viewers);
        }
    }
}

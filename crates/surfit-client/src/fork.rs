//! Forks: new runs from another run's checkpoint, with their own engine.

use super::{
    ClientError, EngineConnection, EngineLaunch, FollowedItem, RunFollower, connect, remove, start_engine,
    wait_for_engine_exit,
};
use std::path::{Path, PathBuf};
use std::time::Duration;
use surfit_core::event::{Envelope, Event};
use surfit_core::protocol::EngineCommand;
use surfit_core::run_dir::{RunDir, RunError};
use surfit_core::surface::Degrees;

/// Time that a failed engine may take to end.
const EXIT_TIMEOUT: Duration = Duration::from_secs(20);

const CHECKPOINT_TIMEOUT: Duration = Duration::from_secs(300);

/// Creates a new run from the present state of another, whose engine writes a checkpoint first. The default of `dir` is a new
/// directory among the user's runs.
///
/// # Errors
/// When the other run has no surface yet, or the new one cannot be created.
pub fn fork(run: &RunDir, degrees: Option<Degrees>, dir: Option<&Path>) -> Result<RunDir, ClientError> {
    dir.map_or(Ok(()), RunDir::check_not_nested)?;
    checkpoint_if_running(run)?;
    if let Some(dir) = dir {
        return Ok(run.fork(dir, degrees)?);
    }
    fork_last_checkpoint(run, degrees)
}

/// Makes the engine of a run write a checkpoint, if there is one.
///
/// # Errors
/// When it writes none.
pub fn checkpoint_if_running(run: &RunDir) -> Result<(), ClientError> {
    if run.is_engine_alive() { request_checkpoint(run) } else { Ok(()) }
}

/// Creates a new run among the user's from the last checkpoint of another.
///
/// # Errors
/// As [`fork`].
pub fn fork_last_checkpoint(run: &RunDir, degrees: Option<Degrees>) -> Result<RunDir, ClientError> {
    for attempt in 1.. {
        match run.fork(&fork_path(run, degrees, attempt), degrees) {
            Err(RunError::Exists(_)) if attempt < 1000 => {}
            done => return Ok(done?),
        }
    }
    unreachable!("the loop returns")
}

/// Returns the directory of a fork among the user's runs.
pub fn fork_path(run: &RunDir, degrees: Option<Degrees>, attempt: usize) -> PathBuf {
    let kind = degrees.map_or_else(|| "fork".to_owned(), |d| d.to_string().replace('×', "x"));
    let suffix = match attempt {
        1 => String::new(),
        n => format!("-{n}"),
    };
    RunDir::default_root().join(format!("{}-{kind}{suffix}", run.id()))
}

/// Starts the engine of a run in the background.
///
/// # Errors
/// As [`start_engine`].
pub fn start_detached_engine(run: &RunDir) -> Result<u32, ClientError> {
    Ok(start_and_connect(run, None)?.pid())
}

/// As [`start_detached_engine`], for a fork that was just made, and waits until its engine has loaded the checkpoint. A fork whose engine
/// fails to, for example because the checkpoint is damaged, is removed again.
///
/// # Errors
/// [`ClientError::ForkFailed`] with the engine's sentence; as [`start_engine`].
pub fn start_fork(new: &RunDir, from: &RunDir) -> Result<u32, ClientError> {
    let seq = new.last_event_number()?;
    let begun = start_and_connect(new, Some(seq)).and_then(|connection| {
        let pid = connection.pid();
        await_first_snapshot(new, seq, connection).map(|()| pid)
    });
    match begun {
        Err(ClientError::Failed { why, .. } | ClientError::DidNotStart(why))
            if wait_for_engine_exit(new, EXIT_TIMEOUT) =>
        {
            remove::remove_run(new)?;
            // The other run has the file that the error names, too.
            let [new, from] = [new, from].map(|run| run.path().display().to_string());
            Err(ClientError::ForkFailed(why.replace(&new, &from)))
        }
        other => other,
    }
}

/// Waits until an engine that was just started shows the run's state, or has failed.
fn await_first_snapshot(run: &RunDir, seq: u64, connection: EngineConnection) -> Result<(), ClientError> {
    let mut follower = RunFollower::new(run.clone(), seq, connection)?;
    loop {
        match follower.next_item(Duration::from_millis(200))? {
            Some(FollowedItem::Event(Envelope { event: Event::Failed { message: why }, .. })) => {
                let log = run.log_path();
                return Err(ClientError::Failed { why, log: log.into_path() });
            }
            // A short fit may have finished already.
            Some(FollowedItem::Snapshot(_) | FollowedItem::Ended) => return Ok(()),
            Some(FollowedItem::Died) => return Err(ClientError::Closed),
            _ => {}
        }
    }
}

fn start_and_connect(run: &RunDir, after: Option<u64>) -> Result<EngineConnection, ClientError> {
    let how = EngineLaunch { wait: false, linger: Some(0) };
    let (mut child, connection) = start_engine(run, how, after)?;
    // Reaped when it ends, so that it does not stay as a zombie.
    let _ = std::thread::Builder::new().name("engine waiter".into()).spawn(move || child.wait());
    Ok(connection)
}

fn request_checkpoint(run: &RunDir) -> Result<(), ClientError> {
    // It is ending, and writes a checkpoint then.
    match connect(run, None).and_then(|mut engine| engine.request(EngineCommand::Checkpoint, CHECKPOINT_TIMEOUT)) {
        Err(ClientError::NoEngine(_) | ClientError::Closed) => Ok(()),
        other => other,
    }
}

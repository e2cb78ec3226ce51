//! Forks: a new run from the checkpoint of another, with an engine of its own.

use super::{
    ClientError, EngineConnection, EngineLaunch, FollowedItem, RunFollower, connect, remove, start,
    wait_gone,
};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use surfit_core::event::{Envelope, Event};
use surfit_core::protocol::{EngineCommand, ServerMessage};
use surfit_core::run_dir::{RunDir, RunError};
use surfit_core::surface::Degrees;

/// How long an engine that failed may take to be gone.
const ENDING: Duration = Duration::from_secs(20);

/// How long an engine may take to write a checkpoint.
const CHECKPOINT: Duration = Duration::from_secs(300);

/// Makes a new run from the present state of another: an engine that works on it writes a checkpoint first. `dir` is where;
/// among the user's runs when not given.
///
/// # Errors
/// When the other run has no surface yet, or the new one cannot be made.
pub fn fork(
    run: &RunDir,
    degrees: Option<Degrees>,
    dir: Option<&Path>,
) -> Result<RunDir, ClientError> {
    dir.map_or(Ok(()), RunDir::refuse_nested)?;
    prepare(run)?;
    if let Some(dir) = dir {
        return Ok(run.fork(dir, degrees)?);
    }
    copy(run, degrees)
}

/// Has the engine that works on a run write a checkpoint, when there is one.
///
/// # Errors
/// When it writes none.
pub fn prepare(run: &RunDir) -> Result<(), ClientError> {
    if run.is_alive() {
        checkpoint(run)?;
    }
    Ok(())
}

/// Makes a new run among the user's from the last checkpoint of another.
///
/// # Errors
/// As [`fork`].
pub fn copy(run: &RunDir, degrees: Option<Degrees>) -> Result<RunDir, ClientError> {
    for attempt in 1.. {
        match run.fork(&place(run, degrees, attempt), degrees) {
            Err(RunError::Exists(_)) if attempt < 1000 => {}
            done => return Ok(done?),
        }
    }
    unreachable!("the loop returns")
}

/// Where a fork goes among the user's runs.
pub fn place(run: &RunDir, degrees: Option<Degrees>, attempt: usize) -> PathBuf {
    let kind = degrees.map_or_else(|| "fork".to_owned(), |d| d.to_string().replace('×', "x"));
    let suffix = match attempt {
        1 => String::new(),
        n => format!("-{n}"),
    };
    RunDir::default_root().join(format!("{}-{kind}{suffix}", run.id()))
}

/// Starts the engine of a run, which works and ends by itself.
///
/// # Errors
/// As [`start`].
pub fn set_off(run: &RunDir) -> Result<u32, ClientError> {
    Ok(greeted(run, None)?.welcome().pid)
}

/// As [`set_off`], for a fork that was just made, and waits until its engine has taken up the checkpoint. A fork whose engine
/// cannot, because the checkpoint is damaged, say, is removed again: it would only be a run that has failed.
///
/// # Errors
/// [`ClientError::Refused`] with the engine's sentence; as [`start`].
pub fn begin(new: &RunDir, from: &RunDir) -> Result<u32, ClientError> {
    let seq = new.last_event()?;
    let begun = greeted(new, Some(seq)).and_then(|connection| {
        let pid = connection.welcome().pid;
        take_up(new, seq, connection).map(|()| pid)
    });
    match begun {
        Err(ClientError::Failed { why, .. } | ClientError::DidNotStart(why))
            if wait_gone(new, ENDING) =>
        {
            remove::remove(new)?;
            // The file that it names is there under the other run's name, too.
            let [new, from] = [new, from].map(|run| run.path().display().to_string());
            Err(ClientError::Refused(why.replace(&new, &from)))
        }
        other => other,
    }
}

/// Waits until an engine that was just started shows the run's state, or has failed.
fn take_up(run: &RunDir, seq: u64, connection: EngineConnection) -> Result<(), ClientError> {
    let mut follower = RunFollower::new(run.clone(), seq, connection)?;
    loop {
        match follower.next(Duration::from_millis(200))? {
            Some(FollowedItem::Event(Envelope {
                event: Event::Failed { message: why },
                ..
            })) => {
                let log = run.log_path();
                return Err(ClientError::Failed {
                    why,
                    log: log.into_path(),
                });
            }
            // A short fit may have been done before anybody could look.
            Some(FollowedItem::Snapshot(_) | FollowedItem::Ended) => return Ok(()),
            Some(FollowedItem::Died) => return Err(ClientError::Closed),
            _ => {}
        }
    }
}

/// Starts the engine of a run and greets it.
fn greeted(run: &RunDir, after: Option<u64>) -> Result<EngineConnection, ClientError> {
    let how = EngineLaunch {
        wait: false,
        linger: Some(0),
    };
    let (mut child, connection) = start(run, how, after)?;
    // Reaped when it ends, so that it does not stay as a zombie of a program that goes on.
    let _ = std::thread::Builder::new()
        .name("engine waiter".into())
        .spawn(move || child.wait());
    Ok(connection)
}

fn checkpoint(run: &RunDir) -> Result<(), ClientError> {
    let mut connection = match connect(run, None) {
        // It is on its way out, and makes a checkpoint there.
        Err(ClientError::NoEngine(_) | ClientError::Closed) => return Ok(()),
        other => other?,
    };
    let inbox = connection.inbox()?;
    let id = connection.send(EngineCommand::Checkpoint)?;
    let asked = Instant::now();
    while asked.elapsed() < CHECKPOINT {
        match inbox.next(Duration::from_millis(200)) {
            Ok(Some(ServerMessage::Reply { id: of, error, .. })) if of == id => {
                return error.map_or(Ok(()), |why| Err(ClientError::Refused(why)));
            }
            Ok(_) => {}
            Err(ClientError::Closed) => return Ok(()),
            Err(other) => return Err(other),
        }
    }
    Err(ClientError::Timeout(CHECKPOINT.as_secs()))
}

//! Forks: a new run from the checkpoint of another, with an engine of its own.

use super::{ClientError, Launch, connect, start};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use surfit_core::protocol::{Command, ServerMessage};
use surfit_core::run_dir::{RunDir, RunError};
use surfit_core::surface::Degrees;

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
    let how = Launch {
        wait: false,
        linger: Some(0),
    };
    let (mut child, connection) = start(run, how, None)?;
    let pid = connection.welcome().pid;
    // Reaped when it ends, so that it does not stay as a zombie of a program that goes on.
    let _ = std::thread::Builder::new()
        .name("engine waiter".into())
        .spawn(move || child.wait());
    Ok(pid)
}

fn checkpoint(run: &RunDir) -> Result<(), ClientError> {
    let mut connection = match connect(run, None) {
        // It is on its way out, and makes a checkpoint there.
        Err(ClientError::NoEngine(_) | ClientError::Closed) => return Ok(()),
        other => other?,
    };
    let inbox = connection.inbox()?;
    let id = connection.send(Command::Checkpoint)?;
    let asked = Instant::now();
    while asked.elapsed() < CHECKPOINT {
        match inbox.next(Duration::from_millis(200)) {
            Ok(Some(ServerMessage::Reply { id: of, error })) if of == id => {
                return error.map_or(Ok(()), |why| Err(ClientError::Refused(why)));
            }
            Ok(_) => {}
            Err(ClientError::Closed) => return Ok(()),
            Err(other) => return Err(other),
        }
    }
    Err(ClientError::Timeout(CHECKPOINT.as_secs()))
}

//! `surfit stop`: checkpoint, and the engine's end.

use super::args::StopArgs;
use super::fault::Fault;
use super::{out, place};
use crate::client::{self, ClientError};
use std::time::{Duration, Instant};
use surfit_core::protocol::{Command, ServerMessage};
use surfit_core::run_dir::RunDir;

/// How long an engine may take to write its checkpoint and end.
const ENDING: Duration = Duration::from_secs(120);

/// Ends the engine of a run and waits until it is gone.
pub fn stop(args: StopArgs) -> Result<(), Fault> {
    let run = place::find(&args.run)?;
    if !run.is_alive() {
        return Err(Fault::Failure(format!(
            "no engine is running for {}; `surfit ls` shows what runs",
            place::name(&run)
        )));
    }
    match client::connect(&run, None) {
        Ok(mut connection) => {
            let inbox = connection.inbox()?;
            let id = connection.send(Command::Shutdown)?;
            let asked = Instant::now();
            loop {
                if asked.elapsed() > ENDING {
                    // It does not look at its commands; a signal is its last chance to end in good order.
                    let _ = terminate(&run);
                    break;
                }
                match inbox.next(Duration::from_millis(100)) {
                    Ok(Some(ServerMessage::Reply {
                        id: of,
                        error: Some(error),
                    })) if of == id => {
                        return Err(Fault::Failure(error));
                    }
                    Ok(Some(ServerMessage::Reply {
                        id: of,
                        error: None,
                    })) if of == id => break,
                    Ok(_) if run.is_alive() => {}
                    // It may be gone before it answers.
                    Ok(_) | Err(_) => break,
                }
            }
        }
        Err(ClientError::NoEngine(_)) if !run.is_alive() => {}
        // It cannot be spoken to; a signal makes it checkpoint and end as well.
        Err(error) => terminate(&run).ok_or(error)?,
    }
    if !client::wait_gone(&run, ENDING) {
        return Err(Fault::Failure(format!(
            "the engine did not end within {} s; look at {}",
            ENDING.as_secs(),
            run.log_path().display()
        )));
    }
    let done = run.picture().is_ok_and(|p| p.finished.is_some());
    let next = if done {
        "look at it with `surfit open"
    } else {
        "go on with `surfit resume"
    };
    out::line(format!("stopped; {next} {}`", place::name(&run)))
}

/// Sends SIGTERM to the process that holds the run's lock, as far as the status names it.
fn terminate(run: &RunDir) -> Option<()> {
    let pid = i32::try_from(run.status()?.pid).ok()?;
    let pid = rustix::process::Pid::from_raw(pid)?;
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok()
}

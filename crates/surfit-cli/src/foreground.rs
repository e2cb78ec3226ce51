//! Following a run without the screen.

use super::args::FollowOptions;
use super::error::CliError;
use super::progress::ProgressPrinter;
use super::{output, run_lookup};
use std::time::{Duration, Instant};
use surfit_client::signals::{Signals, StopRequest};
use surfit_client::{ClientError, EngineConnection, EngineLaunch, FollowedItem, RunFollower};
use surfit_core::event::Event;
use surfit_core::protocol::{EngineCommand, ServerMessage};
use surfit_core::run_dir::{EngineNode, RunDir};
use surfit_core::run_state::RunState;
use surfit_core::snapshot::EngineState;

/// How often signals are looked at.
const SIGNAL_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How long an engine that has nothing to do may stay so before the job counts as stopped.
const IDLE_TIMEOUT: Duration = Duration::from_secs(3);

/// How long to wait for an engine to end after its job is done.
const EXIT_TIMEOUT: Duration = Duration::from_secs(20);

/// Starts the engine of a run that has none and follows it to the end of the job. This process owns the job: when it
/// is asked to stop, the engine is.
pub fn run_job(run: &RunDir, json: bool) -> Result<(), CliError> {
    let signals = Signals::listen()?;
    let picture = run.load_state()?;
    let seq = picture.seq;
    let how = EngineLaunch { wait: false, linger: Some(0) };
    let (connection, why) = match surfit_client::start_engine(run, how, Some(seq)) {
        Ok((_, connection)) => (Some(connection), None),
        // It may have begun and ended before anybody could greet it; then its events say what happened.
        Err(ClientError::DidNotStart(why)) => (None, Some(why)),
        Err(other) => return Err(other.into()),
    };
    follow_run(run, connection, picture, json, why, &signals, RunOwnership::Job)
}

/// How long an engine that was started for a command stays when this process is killed before it was sent.
const LINGER_SECS: u64 = 30;

/// Has a run's engine, started for it when there is none, carry out a command that its job goes on with, and follows it
/// to the end of the job. An engine that was started here ends with it, and is asked to stop when this process is.
pub fn run_further(run: &RunDir, command: EngineCommand, how: FollowOptions) -> Result<(), CliError> {
    let launch = EngineLaunch { wait: true, linger: Some(LINGER_SECS) };
    if how.detach {
        // Signals end this process as they do any other: an engine that was given nothing to do leaves by itself.
        let (_, mut connection) = surfit_client::connect_or_start(run, launch, None)?;
        let pid = connection.welcome().pid;
        let inbox = connection.open_inbox()?;
        let id = connection.send(command)?;
        loop {
            match inbox.next(SIGNAL_POLL_INTERVAL)? {
                Some(ServerMessage::Reply { id: of, error, .. }) if of == id => match error {
                    Some(error) => return Err(CliError::Refused(error)),
                    None => break,
                },
                _ => {}
            }
        }
        return print_detached_run(run, pid, how.json);
    }
    let signals = Signals::listen()?;
    let picture = run.load_state()?;
    let (started, mut connection) = surfit_client::connect_or_start(run, launch, Some(picture.seq))?;
    connection.send(command)?;
    let owner = match started {
        Some(_) => RunOwnership::Engine,
        None => RunOwnership::Unowned,
    };
    follow_run(run, Some(connection), picture, how.json, None, &signals, owner)
}

/// What of a run is this process's, and ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RunOwnership {
    /// Nothing: it watches.
    Unowned,
    /// The job; its engine ends by itself when the job has.
    Job,
    /// The job and its engine, which stays for others when it is not sent away.
    Engine,
}

/// How following a run ended, unless with a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FollowEnd {
    /// With the end of the job.
    Done,
    /// The job goes on by itself.
    Detached,
}

/// Says that an engine works on a run by itself.
pub fn print_detached_run(run: &RunDir, pid: u32, json: bool) -> Result<(), CliError> {
    let job = EngineNode::current().job.as_deref();
    if json {
        let mut told = serde_json::json!({ "run": run.id(), "dir": run.path(), "pid": pid });
        if let Some(job) = job {
            told["job"] = job.into();
        }
        return output::print_json(&told);
    }
    let (id, name) = (run.id(), run_lookup::open_name(run));
    output::print_line(match job {
        Some(job) => job_lifetime_warning(&format!("{id} runs (pid {pid})"), job, &name),
        None => format!("{id} runs (pid {pid}); watch it with `surfit open {name}`"),
    })
}

/// That an engine lives no longer than the batch job it was started in, and what to do instead.
pub fn job_lifetime_warning(what: &str, job: &str, name: &str) -> String {
    format!(
        "{what} until {job} ends, which ends the engine too, perhaps without a checkpoint. Let `exec surfit run` \
         (without --detach) be the job; watch it with `surfit open {name}`"
    )
}

/// Says how a run stands that has no engine.
pub fn print_stopped_run(run: &RunDir) -> Result<(), CliError> {
    let picture = run.load_state()?;
    print_recent_log(&picture)?;
    let finished = picture.job_result().is_some();
    ProgressPrinter::new(false, picture).finish()?;
    if finished {
        return Ok(());
    }
    output::print_line(format!("no engine is running; go on with `surfit resume {}`", run_lookup::open_name(run)))
}

/// Prints the last lines of a run's log.
fn print_recent_log(picture: &RunState) -> Result<(), CliError> {
    picture.log.iter().rev().take(10).rev().try_for_each(|line| output::print_line(&line.text))
}

/// Follows a run that is none of this process's business to stop.
pub fn watch_run(run: &RunDir) -> Result<(), CliError> {
    let signals = Signals::listen()?;
    let picture = run.load_state()?;
    print_recent_log(&picture)?;
    let connection = match surfit_client::connect(run, Some(picture.seq)) {
        // Its files tell of it.
        Err(error @ ClientError::Elsewhere { .. }) => {
            output::print_line(error.to_string())?;
            None
        }
        connection => Some(connection?),
    };
    follow_run(run, connection, picture, false, None, &signals, RunOwnership::Unowned)
}

/// The job goes on when nobody reads its output any more, and its outcome is still the exit code; who only watches
/// has nothing left to do then.
fn ignore_closed_pipe(printed: Result<(), CliError>, owner: bool) -> Result<(), CliError> {
    match printed {
        Err(CliError::ClosedPipe) if owner => Ok(()),
        other => other,
    }
}

fn follow_run(
    run: &RunDir,
    connection: Option<EngineConnection>,
    picture: RunState,
    json: bool,
    why: Option<String>,
    signals: &Signals,
    owner: RunOwnership,
) -> Result<(), CliError> {
    let mut follower = match connection {
        Some(connection) => RunFollower::new(run.clone(), picture.seq, connection)?,
        None => RunFollower::detached(run.clone(), picture.seq),
    };
    let mut printer = ProgressPrinter::new(json, picture);
    if owner == RunOwnership::Unowned {
        printer = printer.with_immediate_progress();
    }
    let mut viewers = 0;
    let ended = follow_to_end(run, &mut follower, printer, why, signals, owner, &mut viewers);
    match (&ended, owner) {
        // After a hang-up the engine goes on; after a second ctrl-c it is on its way out and not waited for.
        (Ok(FollowEnd::Detached) | Err(CliError::Interrupted(_)), _) | (_, RunOwnership::Unowned) => {}
        (_, RunOwnership::Engine) => surfit_client::end_started_engine(run, &mut follower, viewers),
        // The next command should find the run at rest. Other viewers keep the engine, which is as it should be.
        (Ok(FollowEnd::Done) | Err(CliError::Failure(_) | CliError::Refused(_)), RunOwnership::Job) if viewers <= 1 => {
            drop(follower);
            surfit_client::wait_for_engine_exit(run, EXIT_TIMEOUT);
        }
        (_, RunOwnership::Job) => {}
    }
    ended.map(|_| ())
}

fn follow_to_end(
    run: &RunDir,
    follower: &mut RunFollower,
    mut printer: ProgressPrinter,
    why: Option<String>,
    signals: &Signals,
    owner: RunOwnership,
    viewers: &mut usize,
) -> Result<FollowEnd, CliError> {
    let place = run_lookup::open_name(run);
    let owner = owner != RunOwnership::Unowned;
    let mut stopping = false;
    let mut checkpoints = Vec::new();
    let mut idle: Option<Instant> = None;
    loop {
        // Looked at on every turn: an engine with nothing to do has no news that would come by.
        if !stopping && idle.is_some_and(|since| since.elapsed() > IDLE_TIMEOUT) {
            ignore_closed_pipe(printer.finish(), owner)?;
            return Err(CliError::Failure(format!(
                "the job was stopped before its end; go on with `surfit resume {place}`"
            )));
        }
        if signals.hangup() {
            if !owner {
                return Ok(FollowEnd::Detached);
            }
            return Err(CliError::Interrupted(format!(
                "the terminal is gone, the engine goes on; look at it with `surfit open {place}`"
            )));
        }
        match signals.stop_request() {
            None => {}
            Some(_) if !owner => return Ok(FollowEnd::Detached),
            Some(StopRequest::Stop) => {
                stopping = true;
                // An engine that cannot be told is ending, or is told when it is connected to again.
                let _ = follower.send(EngineCommand::Shutdown);
                let text = "stopping at the next checkpoint; ctrl-c again leaves without waiting";
                ignore_closed_pipe(printer.print_sentence(text), owner)?;
            }
            Some(StopRequest::ExitNow) => {
                return Err(CliError::Interrupted(format!(
                    "left while the engine was ending; go on with `surfit resume {place}`"
                )));
            }
        }
        if signals.checkpoint_request() && owner && !stopping {
            checkpoints.extend(follower.send(EngineCommand::Checkpoint));
        }
        let Some(followed) = follower.next(SIGNAL_POLL_INTERVAL)? else {
            continue;
        };
        match followed {
            FollowedItem::Event(envelope) => {
                ignore_closed_pipe(printer.print_event(&envelope), owner)?;
                match envelope.event {
                    Event::Finished(_) => break,
                    Event::Failed { message } => {
                        ignore_closed_pipe(printer.finish(), owner)?;
                        return Err(CliError::Failure(message));
                    }
                    Event::StageBegan { .. } => idle = None,
                    _ => {}
                }
            }
            FollowedItem::Snapshot(snapshot) => {
                *viewers = snapshot.viewers;
                ignore_closed_pipe(printer.print_progress(&snapshot), owner)?;
                idle = (snapshot.state == EngineState::Idle).then(|| idle.unwrap_or_else(Instant::now));
            }
            // An engine that is ending answers nothing any more, and its end tells what became of it.
            FollowedItem::Reply { error: Some(_), .. } if stopping => {}
            FollowedItem::Reply { id, error: Some(error), .. } if checkpoints.contains(&id) => {
                let text = format!("no checkpoint was made: {error}");
                ignore_closed_pipe(printer.print_sentence(&text), owner)?;
            }
            FollowedItem::Reply { error: Some(error), .. } if owner && signals.await_stop() => {
                // The engine ended of the same signal.
                ignore_closed_pipe(printer.print_sentence(&error.message), owner)?;
            }
            FollowedItem::Reply { error: Some(error), .. } => return Err(CliError::Refused(error)),
            FollowedItem::Reconnected if stopping => drop(follower.send(EngineCommand::Shutdown)),
            // Of a command whose answer was lost the events tell.
            FollowedItem::Reply { error: None, .. } | FollowedItem::Reconnected => {}
            // There is nothing to go on with.
            FollowedItem::Ended | FollowedItem::Died if !run.path().is_dir() => {
                ignore_closed_pipe(printer.finish(), owner)?;
                return Err(CliError::Failure(format!(
                    "{} was removed or moved while its engine worked",
                    run.path().display()
                )));
            }
            // A batch system may signal the engine too, a moment before this process.
            FollowedItem::Ended | FollowedItem::Died if stopping || owner && signals.await_stop() => {
                ignore_closed_pipe(printer.finish(), owner)?;
                return Err(CliError::Interrupted(format!("stopped; go on with `surfit resume {place}`")));
            }
            FollowedItem::Ended => {
                ignore_closed_pipe(printer.finish(), owner)?;
                return Err(CliError::Failure(format!(
                    "the engine was ended before the job was done; go on with `surfit resume {place}`"
                )));
            }
            FollowedItem::Died => {
                ignore_closed_pipe(printer.finish(), owner)?;
                return Err(CliError::Failure(why.unwrap_or_else(|| {
                    format!(
                        "the engine died; its last words may be in {}, go on with `surfit resume {place}`",
                        run.log_path().display()
                    )
                })));
            }
        }
    }
    ignore_closed_pipe(printer.finish(), owner)?;
    Ok(FollowEnd::Done)
}

#[cfg(test)]
mod tests;

//! Following a run without the screen.

use super::args::FollowOptions;
use super::fault::CliError;
use super::progress::ProgressPrinter;
use super::{out, place};
use std::time::{Duration, Instant};
use surfit_client::signals::{Signals, StopRequest};
use surfit_client::{ClientError, EngineConnection, EngineLaunch, FollowedItem, RunFollower};
use surfit_core::event::Event;
use surfit_core::picture::RunState;
use surfit_core::protocol::{EngineCommand, ServerMessage};
use surfit_core::run_dir::{EngineNode, RunDir};
use surfit_core::snapshot::EngineState;

/// How often signals are looked at.
const TICK: Duration = Duration::from_millis(100);

/// How long an engine that has nothing to do may stay so before the job counts as stopped.
const IDLE: Duration = Duration::from_secs(3);

/// How long to wait for an engine to end after its job is done.
const ENDING: Duration = Duration::from_secs(20);

/// Starts the engine of a run that has none and follows it to the end of the job. This process owns the job: when it
/// is asked to stop, the engine is.
pub fn work(run: &RunDir, json: bool) -> Result<(), CliError> {
    let signals = Signals::listen()?;
    let picture = run.picture()?;
    let seq = picture.seq;
    let how = EngineLaunch {
        wait: false,
        linger: Some(0),
    };
    let (connection, why) = match surfit_client::start(run, how, Some(seq)) {
        Ok((_, connection)) => (Some(connection), None),
        // It may have begun and ended before anybody could greet it; then its events say what happened.
        Err(ClientError::DidNotStart(why)) => (None, Some(why)),
        Err(other) => return Err(other.into()),
    };
    follow(
        run,
        connection,
        picture,
        json,
        why,
        &signals,
        RunOwnership::Job,
    )
}

/// How long an engine that was started for a command stays when this process is killed before it was sent.
const LINGER: u64 = 30;

/// Has a run's engine, started for it when there is none, carry out a command that its job goes on with, and follows it
/// to the end of the job. An engine that was started here ends with it, and is asked to stop when this process is.
pub fn further(run: &RunDir, command: EngineCommand, how: FollowOptions) -> Result<(), CliError> {
    let launch = EngineLaunch {
        wait: true,
        linger: Some(LINGER),
    };
    if how.detach {
        // Signals end this process as they do any other: an engine that was given nothing to do leaves by itself.
        let (_, mut connection) = surfit_client::ensure(run, launch, None)?;
        let pid = connection.welcome().pid;
        let inbox = connection.inbox()?;
        let id = connection.send(command)?;
        loop {
            match inbox.next(TICK)? {
                Some(ServerMessage::Reply { id: of, error, .. }) if of == id => match error {
                    Some(error) => return Err(CliError::Failure(error)),
                    None => break,
                },
                _ => {}
            }
        }
        return detached(run, pid, how.json);
    }
    let signals = Signals::listen()?;
    let picture = run.picture()?;
    let (started, mut connection) = surfit_client::ensure(run, launch, Some(picture.seq))?;
    connection.send(command)?;
    let owner = match started {
        Some(_) => RunOwnership::Engine,
        None => RunOwnership::Nobody,
    };
    follow(
        run,
        Some(connection),
        picture,
        how.json,
        None,
        &signals,
        owner,
    )
}

/// What of a run is this process's, and ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RunOwnership {
    /// Nothing: it watches.
    Nobody,
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
    Left,
}

/// Says that an engine works on a run by itself.
pub fn detached(run: &RunDir, pid: u32, json: bool) -> Result<(), CliError> {
    let job = EngineNode::here().job.as_deref();
    if json {
        let mut told = serde_json::json!({ "run": run.id(), "dir": run.path(), "pid": pid });
        if let Some(job) = job {
            told["job"] = job.into();
        }
        return out::json(&told);
    }
    let (id, name) = (run.id(), place::name(run));
    out::line(match job {
        Some(job) => until_job_ends(&format!("{id} runs (pid {pid})"), job, &name),
        None => format!("{id} runs (pid {pid}); watch it with `surfit open {name}`"),
    })
}

/// That an engine lives no longer than the batch job it was started in, and what to do instead.
pub fn until_job_ends(what: &str, job: &str, name: &str) -> String {
    format!(
        "{what} until {job} ends, which ends the engine too, perhaps without a checkpoint. Let `exec surfit run` \
         (without --detach) be the job; watch it with `surfit open {name}`"
    )
}

/// Says how a run stands that has no engine.
pub fn at_rest(run: &RunDir) -> Result<(), CliError> {
    let picture = run.picture()?;
    recent(&picture)?;
    let finished = picture.done().is_some();
    ProgressPrinter::new(false, picture).end()?;
    if finished {
        return Ok(());
    }
    out::line(format!(
        "no engine is running; go on with `surfit resume {}`",
        place::name(run)
    ))
}

/// Prints the last lines of a run's log.
fn recent(picture: &RunState) -> Result<(), CliError> {
    picture
        .log
        .iter()
        .rev()
        .take(10)
        .rev()
        .try_for_each(|line| out::line(&line.text))
}

/// Follows a run that is none of this process's business to stop.
pub fn watch(run: &RunDir) -> Result<(), CliError> {
    let signals = Signals::listen()?;
    let picture = run.picture()?;
    recent(&picture)?;
    let connection = match surfit_client::connect(run, Some(picture.seq)) {
        // Its files tell of it.
        Err(error @ ClientError::Elsewhere { .. }) => {
            out::line(error.to_string())?;
            None
        }
        connection => Some(connection?),
    };
    follow(
        run,
        connection,
        picture,
        false,
        None,
        &signals,
        RunOwnership::Nobody,
    )
}

/// The job goes on when nobody reads its output any more, and its outcome is still the exit code; who only watches
/// has nothing left to do then.
fn heard(printed: Result<(), CliError>, owner: bool) -> Result<(), CliError> {
    match printed {
        Err(CliError::Pipe) if owner => Ok(()),
        other => other,
    }
}

fn follow(
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
    if owner == RunOwnership::Nobody {
        printer = printer.soon();
    }
    let mut viewers = 0;
    let ended = to_the_end(
        run,
        &mut follower,
        printer,
        why,
        signals,
        owner,
        &mut viewers,
    );
    match (&ended, owner) {
        // After a hang-up the engine goes on; after a second ctrl-c it is on its way out and not waited for.
        (Ok(FollowEnd::Left) | Err(CliError::Interrupted(_)), _) | (_, RunOwnership::Nobody) => {}
        (_, RunOwnership::Engine) => surfit_client::part(run, &mut follower, viewers),
        // The next command should find the run at rest. Other viewers keep the engine, which is as it should be.
        (Ok(FollowEnd::Done) | Err(CliError::Failure(_)), RunOwnership::Job) if viewers <= 1 => {
            drop(follower);
            surfit_client::wait_gone(run, ENDING);
        }
        (_, RunOwnership::Job) => {}
    }
    ended.map(|_| ())
}

fn to_the_end(
    run: &RunDir,
    follower: &mut RunFollower,
    mut printer: ProgressPrinter,
    why: Option<String>,
    signals: &Signals,
    owner: RunOwnership,
    viewers: &mut usize,
) -> Result<FollowEnd, CliError> {
    let place = place::name(run);
    let owner = owner != RunOwnership::Nobody;
    let mut stopping = false;
    let mut checkpoints = Vec::new();
    let mut idle: Option<Instant> = None;
    loop {
        // Looked at on every turn: an engine with nothing to do has no news that would come by.
        if !stopping && idle.is_some_and(|since| since.elapsed() > IDLE) {
            heard(printer.end(), owner)?;
            return Err(CliError::Failure(format!(
                "the job was stopped before its end; go on with `surfit resume {place}`"
            )));
        }
        if signals.hangup() {
            if !owner {
                return Ok(FollowEnd::Left);
            }
            return Err(CliError::Interrupted(format!(
                "the terminal is gone, the engine goes on; look at it with `surfit open {place}`"
            )));
        }
        match signals.stop_request() {
            None => {}
            Some(_) if !owner => return Ok(FollowEnd::Left),
            Some(StopRequest::Stop) => {
                stopping = true;
                // An engine that cannot be told is ending, or is told when it is connected to again.
                let _ = follower.send(EngineCommand::Shutdown);
                let text = "stopping at the next checkpoint; ctrl-c again leaves without waiting";
                heard(printer.say(text), owner)?;
            }
            Some(StopRequest::Leave) => {
                return Err(CliError::Interrupted(format!(
                    "left while the engine was ending; go on with `surfit resume {place}`"
                )));
            }
        }
        if signals.checkpoint_request() && owner && !stopping {
            checkpoints.extend(follower.send(EngineCommand::Checkpoint));
        }
        let Some(followed) = follower.next(TICK)? else {
            continue;
        };
        match followed {
            FollowedItem::Event(envelope) => {
                heard(printer.event(&envelope), owner)?;
                match envelope.event {
                    Event::Finished(_) => break,
                    Event::Failed { message } => {
                        heard(printer.end(), owner)?;
                        return Err(CliError::Failure(message));
                    }
                    Event::StageBegan { .. } => idle = None,
                    _ => {}
                }
            }
            FollowedItem::Snapshot(snapshot) => {
                *viewers = snapshot.viewers;
                heard(printer.snapshot(&snapshot), owner)?;
                idle = (snapshot.state == EngineState::Idle)
                    .then(|| idle.unwrap_or_else(Instant::now));
            }
            // An engine that is ending answers nothing any more, and its end tells what became of it.
            FollowedItem::Reply { error: Some(_), .. } if stopping => {}
            FollowedItem::Reply {
                id,
                error: Some(error),
                ..
            } if checkpoints.contains(&id) => {
                let text = format!("no checkpoint was made: {error}");
                heard(printer.say(&text), owner)?;
            }
            FollowedItem::Reply {
                error: Some(error), ..
            } if owner && signals.await_stop() => {
                // The engine ended of the same signal.
                heard(printer.say(&error), owner)?;
            }
            FollowedItem::Reply {
                error: Some(error), ..
            } => return Err(CliError::Failure(error)),
            FollowedItem::Reconnected if stopping => drop(follower.send(EngineCommand::Shutdown)),
            // Of a command whose answer was lost the events tell.
            FollowedItem::Reply { error: None, .. } | FollowedItem::Reconnected => {}
            // There is nothing to go on with.
            FollowedItem::Ended | FollowedItem::Died if !run.path().is_dir() => {
                heard(printer.end(), owner)?;
                return Err(CliError::Failure(format!(
                    "{} was removed or moved while its engine worked",
                    run.path().display()
                )));
            }
            // A batch system may signal the engine too, a moment before this process.
            FollowedItem::Ended | FollowedItem::Died
                if stopping || owner && signals.await_stop() =>
            {
                heard(printer.end(), owner)?;
                return Err(CliError::Interrupted(format!(
                    "stopped; go on with `surfit resume {place}`"
                )));
            }
            FollowedItem::Ended => {
                heard(printer.end(), owner)?;
                return Err(CliError::Failure(format!(
                    "the engine was ended before the job was done; go on with `surfit resume {place}`"
                )));
            }
            FollowedItem::Died => {
                heard(printer.end(), owner)?;
                return Err(CliError::Failure(why.unwrap_or_else(|| {
                    format!(
                        "the engine died; its last words may be in {}, go on with `surfit resume {place}`",
                        run.log_path().display()
                    )
                })));
            }
        }
    }
    heard(printer.end(), owner)?;
    Ok(FollowEnd::Done)
}

#[cfg(test)]
mod tests;

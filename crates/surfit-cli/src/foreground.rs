//! Following a run without the screen.

use super::args::FollowOptions;
use super::error::CliError;
use super::output;
use super::progress::ProgressPrinter;
use std::time::{Duration, Instant};
use surfit_client::signals::{Signals, StopRequest};
use surfit_client::{ClientError, EngineConnection, EngineLaunch, FollowedItem, RunFollower, runs};
use surfit_core::event::Event;
use surfit_core::protocol::EngineCommand;
use surfit_core::run_dir::{EngineNode, RunDir};
use surfit_core::run_state::RunState;
use surfit_core::snapshot::EngineState;

const SIGNAL_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Time for which an engine may be idle before its job counts as stopped.
const IDLE_TIMEOUT: Duration = Duration::from_secs(3);

/// Time that an engine may take to end after its job.
const EXIT_TIMEOUT: Duration = Duration::from_secs(20);

/// Starts the engine of a run that has none and follows it to the end of the job. This process owns the job: a signal that
/// stops it stops the engine.
pub fn run_job(run: &RunDir, json: bool) -> Result<(), CliError> {
    let signals = Signals::install_handlers()?;
    let run_state = run.load_state()?;
    let seq = run_state.seq;
    let how = EngineLaunch { wait: false, linger: Some(0) };
    let (connection, why) = match surfit_client::start_engine(run, how, Some(seq)) {
        Ok((_, connection)) => (Some(connection), None),
        // It may have started and ended before anybody could connect; then its events contain the outcome.
        Err(ClientError::DidNotStart(why)) => (None, Some(why)),
        Err(other) => return Err(other.into()),
    };
    follow_run(run, connection, run_state, json, why, &signals, RunOwnership::Job)
}

/// Seconds for which an engine that was started for a command stays, if this process is killed before it is sent.
const LINGER_SECS: u64 = 30;

/// Sends a run's engine a command that continues its job, and follows it to the end of the job. Starts an engine if there is
/// none; that engine ends with the job, and stops when this process is stopped.
pub fn run_further(run: &RunDir, command: EngineCommand, how: FollowOptions) -> Result<(), CliError> {
    let launch = EngineLaunch { wait: true, linger: Some(LINGER_SECS) };
    if how.detach {
        // Signals end this process; an engine without a command ends by itself.
        let (_, mut connection) = surfit_client::connect_or_start(run, launch, None)?;
        let pid = connection.pid();
        connection.request(command, Duration::MAX)?;
        return print_detached_run(run, pid, how.json);
    }
    let signals = Signals::install_handlers()?;
    let run_state = run.load_state()?;
    let (started, mut connection) = surfit_client::connect_or_start(run, launch, Some(run_state.seq))?;
    connection.send(command)?;
    let owner = match started {
        Some(_) => RunOwnership::Engine,
        None => RunOwnership::Unowned,
    };
    follow_run(run, Some(connection), run_state, how.json, None, &signals, owner)
}

/// What this process owns of a run, and ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RunOwnership {
    /// Nothing: it watches.
    Unowned,
    /// The job; its engine ends by itself when the job has.
    Job,
    /// The job and its engine, which stays for others unless it is shut down.
    Engine,
}

/// How following a run ended without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FollowEnd {
    Done,
    /// The job continues without this process.
    Detached,
}

pub fn print_detached_run(run: &RunDir, pid: u32, json: bool) -> Result<(), CliError> {
    let job = EngineNode::current().job.as_deref();
    if json {
        let mut object = serde_json::json!({ "run": run.id(), "dir": run.path(), "pid": pid });
        if let Some(job) = job {
            object["job"] = job.into();
        }
        return output::print_json(&object);
    }
    let (id, name) = (run.id(), runs::open_name(run));
    output::print_line(match job {
        Some(job) => job_lifetime_warning(&format!("{id} runs (pid {pid})"), job, &name),
        None => format!("{id} runs (pid {pid}); watch it with `surfit open {name}`"),
    })
}

/// Returns a warning that an engine ends with the batch job that started it, and the remedy.
pub fn job_lifetime_warning(what: &str, job: &str, name: &str) -> String {
    format!(
        "{what} until {job} ends, which kills the engine, perhaps without a checkpoint. Use `exec surfit run` \
         without --detach as the job; watch it with `surfit open {name}`"
    )
}

pub fn print_stopped_run(run: &RunDir) -> Result<(), CliError> {
    let run_state = run.load_state()?;
    print_recent_log(&run_state)?;
    let finished = run_state.job_result().is_some();
    ProgressPrinter::new(false, run_state).finish()?;
    if finished {
        return Ok(());
    }
    output::print_line(format!("no engine is running; continue with `surfit resume {}`", runs::open_name(run)))
}

fn print_recent_log(run_state: &RunState) -> Result<(), CliError> {
    run_state.log.iter().rev().take(10).rev().try_for_each(|line| output::print_line(&line.text))
}

/// Follows a run without owning it.
pub fn watch_run(run: &RunDir) -> Result<(), CliError> {
    let signals = Signals::install_handlers()?;
    let run_state = run.load_state()?;
    print_recent_log(&run_state)?;
    let connection = match surfit_client::connect(run, Some(run_state.seq)) {
        // Its files are read instead.
        Err(error @ ClientError::Elsewhere { .. }) => {
            output::print_line(error.to_string())?;
            None
        }
        connection => Some(connection?),
    };
    follow_run(run, connection, run_state, false, None, &signals, RunOwnership::Unowned)
}

/// Ignores a closed pipe for the owner of a job, which continues and whose outcome is the exit code.
fn ignore_closed_pipe(printed: Result<(), CliError>, owner: bool) -> Result<(), CliError> {
    match printed {
        Err(CliError::ClosedPipe) if owner => Ok(()),
        other => other,
    }
}

fn follow_run(
    run: &RunDir,
    connection: Option<EngineConnection>,
    run_state: RunState,
    json: bool,
    why: Option<String>,
    signals: &Signals,
    owner: RunOwnership,
) -> Result<(), CliError> {
    let mut follower = match connection {
        Some(connection) => RunFollower::new(run.clone(), run_state.seq, connection)?,
        None => RunFollower::detached(run.clone(), run_state.seq),
    };
    let mut printer = ProgressPrinter::new(json, run_state);
    if owner == RunOwnership::Unowned {
        printer = printer.with_immediate_progress();
    }
    let mut viewers = 0;
    let ended = follow_to_end(run, &mut follower, printer, why, signals, owner, &mut viewers);
    match (&ended, owner) {
        // After a hang-up the engine continues; after a second ctrl-c it is ending and is not waited for.
        (Ok(FollowEnd::Detached) | Err(CliError::Interrupted(_)), _) | (_, RunOwnership::Unowned) => {}
        (_, RunOwnership::Engine) => surfit_client::end_started_engine(run, &mut follower, viewers),
        // The next command should find the run without an engine. Other viewers keep it.
        (
            Ok(FollowEnd::Done) | Err(CliError::Failure(_) | CliError::Unanswered | CliError::Refused(_)),
            RunOwnership::Job,
        ) if viewers <= 1 => {
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
    let place = runs::open_name(run);
    let owner = owner != RunOwnership::Unowned;
    let mut stopping = false;
    let mut checkpoints = Vec::new();
    let mut idle: Option<Instant> = None;
    loop {
        // Checked on every turn: an idle engine sends no events.
        if !stopping && idle.is_some_and(|since| since.elapsed() > IDLE_TIMEOUT) {
            ignore_closed_pipe(printer.finish(), owner)?;
            return Err(CliError::Failure(format!(
                "the job was stopped before it finished; continue with `surfit resume {place}`"
            )));
        }
        if signals.is_hung_up() {
            if !owner {
                return Ok(FollowEnd::Detached);
            }
            return Err(CliError::Interrupted(format!(
                "the terminal is gone, the engine continues; attach with `surfit open {place}`"
            )));
        }
        match signals.stop_request() {
            None => {}
            Some(_) if !owner => return Ok(FollowEnd::Detached),
            Some(StopRequest::Stop) => {
                stopping = true;
                // An engine that cannot be reached is ending, or gets the command after reconnecting.
                let _ = follower.send(EngineCommand::Shutdown);
                let text = "writing a checkpoint; press ctrl-c again to leave without waiting";
                ignore_closed_pipe(printer.print_sentence(text), owner)?;
            }
            Some(StopRequest::ExitNow) => {
                return Err(CliError::Interrupted(format!(
                    "left while the engine was ending; continue with `surfit resume {place}`"
                )));
            }
        }
        if signals.checkpoint_request() && owner && !stopping {
            checkpoints.extend(follower.send(EngineCommand::Checkpoint));
        }
        let Some(followed) = follower.next_item(SIGNAL_POLL_INTERVAL)? else {
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
            // An engine that is ending refuses commands; its end is reported below.
            FollowedItem::Reply { error: Some(_), .. } if stopping => {}
            FollowedItem::Reply { id, error: Some(error), .. } if checkpoints.contains(&id) => {
                let text = format!("no checkpoint was written: {error}");
                ignore_closed_pipe(printer.print_sentence(&text), owner)?;
            }
            FollowedItem::Reply { error: Some(error), .. } if owner && signals.await_stop() => {
                // The same signal ended the engine.
                ignore_closed_pipe(printer.print_sentence(&error.message), owner)?;
            }
            FollowedItem::Reply { error: Some(error), .. } => return Err(CliError::Refused(error)),
            FollowedItem::Reconnected if stopping => drop(follower.send(EngineCommand::Shutdown)),
            // The events show the result of a command whose reply was lost.
            FollowedItem::Reply { error: None, .. } | FollowedItem::Reconnected => {}
            // There is nothing to resume.
            FollowedItem::Ended | FollowedItem::Died if !run.path().is_dir() => {
                ignore_closed_pipe(printer.finish(), owner)?;
                return Err(CliError::Failure(format!(
                    "{} was removed or moved while its engine was running",
                    run.path().display()
                )));
            }
            // A batch system may signal the engine too, a moment before this process.
            FollowedItem::Ended | FollowedItem::Died if stopping || owner && signals.await_stop() => {
                ignore_closed_pipe(printer.finish(), owner)?;
                return Err(CliError::Interrupted(format!("stopped; continue with `surfit resume {place}`")));
            }
            FollowedItem::Ended => {
                ignore_closed_pipe(printer.finish(), owner)?;
                return Err(CliError::Failure(format!(
                    "the engine ended before the job finished; continue with `surfit resume {place}`"
                )));
            }
            FollowedItem::Died => {
                ignore_closed_pipe(printer.finish(), owner)?;
                return Err(CliError::Failure(why.unwrap_or_else(|| {
                    format!(
                        "the engine died; see {}, or continue with `surfit resume {place}`",
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

//! Following a run without the screen.

use super::fault::Fault;
use super::progress::Printer;
use super::{out, place};
use crate::client::{self, ClientError, Connection, Followed, Follower, Launch};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use surfit_core::event::Event;
use surfit_core::picture::Picture;
use surfit_core::protocol::Command;
use surfit_core::run_dir::RunDir;
use surfit_core::snapshot::State;

/// How often signals are looked at.
const TICK: Duration = Duration::from_millis(100);

/// How long an engine that has nothing to do may stay so before the job counts as stopped.
const IDLE: Duration = Duration::from_secs(3);

/// How long to wait for an engine to end after its job is done.
const ENDING: Duration = Duration::from_secs(20);

/// What was asked of this process by signals.
struct Signals {
    stop: Arc<AtomicBool>,
    hangup: Arc<AtomicBool>,
}

impl Signals {
    fn listen() -> Result<Self, Fault> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let signals = Self {
            stop: Arc::default(),
            hangup: Arc::default(),
        };
        for (signal, flag) in [
            (SIGINT, &signals.stop),
            (SIGTERM, &signals.stop),
            (SIGHUP, &signals.hangup),
        ] {
            signal_hook::flag::register(signal, flag.clone())
                .map_err(|e| Fault::Failure(format!("listening for signals: {e}")))?;
        }
        Ok(signals)
    }
}

/// Starts the engine of a run that has none and follows it to the end of the job. This process owns the job: when it
/// is asked to stop, the engine is.
pub fn work(run: &RunDir, json: bool) -> Result<(), Fault> {
    let signals = Signals::listen()?;
    let picture = run.picture()?;
    let seq = picture.seq;
    let how = Launch {
        wait: false,
        linger: Some(0),
    };
    let (connection, why) = match client::start(run, how, Some(seq)) {
        Ok((_, connection)) => (Some(connection), None),
        // It may have begun and ended before anybody could greet it; then its events say what happened.
        Err(ClientError::DidNotStart(why)) => (None, Some(why)),
        Err(other) => return Err(other.into()),
    };
    follow(run, connection, picture, json, why, &signals, true)
}

/// Says how a run stands that has no engine.
pub fn at_rest(run: &RunDir) -> Result<(), Fault> {
    let picture = run.picture()?;
    recent(&picture)?;
    let finished = picture.finished.is_some();
    Printer::new(false, picture).end()?;
    if finished {
        return Ok(());
    }
    out::line(format!(
        "no engine is running; go on with `surfit resume {}`",
        place::name(run)
    ))
}

/// Prints the last lines of a run's log.
fn recent(picture: &Picture) -> Result<(), Fault> {
    picture
        .log
        .iter()
        .rev()
        .take(10)
        .rev()
        .try_for_each(|line| out::line(&line.text))
}

/// Follows a run that is none of this process's business to stop.
pub fn watch(run: &RunDir) -> Result<(), Fault> {
    let signals = Signals::listen()?;
    let picture = run.picture()?;
    recent(&picture)?;
    let connection = client::connect(run, Some(picture.seq))?;
    follow(run, Some(connection), picture, false, None, &signals, false)
}

fn follow(
    run: &RunDir,
    connection: Option<Connection>,
    picture: Picture,
    json: bool,
    why: Option<String>,
    signals: &Signals,
    owner: bool,
) -> Result<(), Fault> {
    let place = place::name(run);
    let mut follower = match connection {
        Some(connection) => Follower::new(run.clone(), picture.seq, connection)?,
        None => Follower::detached(run.clone(), picture.seq),
    };
    let mut printer = Printer::new(json, picture);
    if !owner {
        printer = printer.soon();
    }
    let (mut stopping, mut viewers) = (false, 0);
    let mut idle: Option<Instant> = None;
    loop {
        if signals.hangup.load(Ordering::Relaxed) {
            return Ok(());
        }
        if signals.stop.swap(false, Ordering::Relaxed) {
            if !owner {
                return Ok(());
            }
            if stopping || follower.send(Command::Shutdown).is_err() {
                return Err(Fault::Interrupted(format!(
                    "left while the engine was ending; go on with `surfit resume {place}`"
                )));
            }
            stopping = true;
            printer.say("stopping at the next checkpoint; ctrl-c again leaves without waiting")?;
        }
        let Some(followed) = follower.next(TICK)? else {
            continue;
        };
        match followed {
            Followed::Event(envelope) => {
                printer.event(&envelope)?;
                match envelope.event {
                    Event::Finished(_) => break,
                    Event::Failed { message } => {
                        printer.end()?;
                        return Err(Fault::Failure(message));
                    }
                    _ => idle = None,
                }
            }
            Followed::Snapshot(snapshot) => {
                viewers = snapshot.viewers;
                printer.snapshot(&snapshot)?;
                if snapshot.state != State::Idle {
                    idle = None;
                } else if idle.get_or_insert_with(Instant::now).elapsed() > IDLE {
                    printer.end()?;
                    return Err(Fault::Failure(format!(
                        "the job was stopped before its end; go on with `surfit resume {place}`"
                    )));
                }
            }
            Followed::Reply {
                error: Some(error), ..
            } => return Err(Fault::Failure(error)),
            Followed::Reply { error: None, .. } => {}
            Followed::Ended | Followed::Died if stopping => {
                printer.end()?;
                return Err(Fault::Interrupted(format!(
                    "stopped; go on with `surfit resume {place}`"
                )));
            }
            Followed::Ended => {
                printer.end()?;
                return Err(Fault::Failure(format!(
                    "the engine was ended before the job was done; go on with `surfit resume {place}`"
                )));
            }
            Followed::Died => {
                printer.end()?;
                return Err(Fault::Failure(why.unwrap_or_else(|| {
                    format!(
                        "the engine died; its last words may be in {}, go on with `surfit resume {place}`",
                        run.log_path().display()
                    )
                })));
            }
        }
    }
    printer.end()?;
    drop(follower);
    // The next command should find the run at rest. Other viewers keep the engine, which is as it should be.
    if owner && viewers <= 1 {
        client::wait_gone(run, ENDING);
    }
    Ok(())
}

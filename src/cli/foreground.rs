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

/// The job goes on when nobody reads its output any more, and its outcome is still the exit code; who only watches
/// has nothing left to do then.
fn heard(printed: Result<(), Fault>, owner: bool) -> Result<(), Fault> {
    match printed {
        Err(Fault::Pipe) if owner => Ok(()),
        other => other,
    }
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
        // Looked at on every turn: an engine with nothing to do has no news that would come by.
        if !stopping && idle.is_some_and(|since| since.elapsed() > IDLE) {
            heard(printer.end(), owner)?;
            return Err(Fault::Failure(format!(
                "the job was stopped before its end; go on with `surfit resume {place}`"
            )));
        }
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
            let text = "stopping at the next checkpoint; ctrl-c again leaves without waiting";
            heard(printer.say(text), owner)?;
        }
        let Some(followed) = follower.next(TICK)? else {
            continue;
        };
        match followed {
            Followed::Event(envelope) => {
                heard(printer.event(&envelope), owner)?;
                match envelope.event {
                    Event::Finished(_) => break,
                    Event::Failed { message } => {
                        heard(printer.end(), owner)?;
                        return Err(Fault::Failure(message));
                    }
                    Event::StageBegan { .. } => idle = None,
                    _ => {}
                }
            }
            Followed::Snapshot(snapshot) => {
                viewers = snapshot.viewers;
                heard(printer.snapshot(&snapshot), owner)?;
                idle = (snapshot.state == State::Idle).then(|| idle.unwrap_or_else(Instant::now));
            }
            Followed::Reply {
                error: Some(error), ..
            } => return Err(Fault::Failure(error)),
            Followed::Reply { error: None, .. } => {}
            Followed::Ended | Followed::Died if stopping => {
                heard(printer.end(), owner)?;
                return Err(Fault::Interrupted(format!(
                    "stopped; go on with `surfit resume {place}`"
                )));
            }
            Followed::Ended => {
                heard(printer.end(), owner)?;
                return Err(Fault::Failure(format!(
                    "the engine was ended before the job was done; go on with `surfit resume {place}`"
                )));
            }
            Followed::Died => {
                heard(printer.end(), owner)?;
                return Err(Fault::Failure(why.unwrap_or_else(|| {
                    format!(
                        "the engine died; its last words may be in {}, go on with `surfit resume {place}`",
                        run.log_path().display()
                    )
                })));
            }
        }
    }
    heard(printer.end(), owner)?;
    drop(follower);
    // The next command should find the run at rest. Other viewers keep the engine, which is as it should be.
    if owner && viewers <= 1 {
        client::wait_gone(run, ENDING);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::fake;
    use surfit_core::protocol::ServerMessage;
    use surfit_core::snapshot::Snapshot;

    #[test]
    fn a_job_that_another_client_stopped_ends_although_the_engine_has_no_more_news() {
        let run = fake::run();
        let engine = fake::Engine::open(&run.dir);
        let thread = std::thread::spawn(move || {
            let (mut peer, _) = engine.welcome();
            let mut snapshot = Snapshot::empty(surfit_core::config::Config::default().degrees(), 5);
            snapshot.state = State::Idle;
            peer.say(&ServerMessage::Snapshot(Box::new(snapshot)));
            // Silence until the client leaves.
            assert_eq!(peer.read(), None);
        });
        let signals = Signals {
            stop: Arc::default(),
            hangup: Arc::default(),
        };
        let connection = client::connect(&run.dir, Some(0)).unwrap();
        let picture = Picture::default();
        let began = Instant::now();
        let ended = follow(
            &run.dir,
            Some(connection),
            picture,
            true,
            None,
            &signals,
            true,
        );
        assert!(
            matches!(&ended, Err(Fault::Failure(why)) if why.contains("stopped before its end"))
        );
        assert!(began.elapsed() >= IDLE);
        thread.join().unwrap();
    }

    #[test]
    fn a_closed_pipe_ends_watching_but_not_the_job() {
        assert!(heard(Err(Fault::Pipe), true).is_ok());
        assert!(matches!(heard(Err(Fault::Pipe), false), Err(Fault::Pipe)));
        assert!(heard(Err(Fault::Failure("disk".into())), true).is_err());
    }
}

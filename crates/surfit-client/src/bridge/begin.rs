//! Coming by an engine, and a small text for the screen.

use crate::{ClientError, EngineConnection, EngineLaunch, connect, ensure, start, watch};
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};
use surfit_core::run_dir::{RunDir, RunError};

/// How long an engine may hold a run without listening; loading libtorch from a cold network disk is slow.
const SILENCE: Duration = Duration::from_secs(120);

/// Seconds that an engine stays that was started for a command, when it has nothing to do and nobody watches it.
const LINGER: u64 = 30;

/// How an engine is come by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AttachMode {
    /// Greet the one that is there.
    Attach,
    /// The same, or start one that waits for commands.
    Wait,
    /// The same, or start one that does the job.
    Serve,
}

/// The connection, and the child when it was started here.
pub type AttachedEngine = Result<(Option<Child>, EngineConnection), ClientError>;

/// Greets the engine of a run, or starts one, as asked; events after number `after` follow.
pub fn come_by(run: &RunDir, how: AttachMode, after: u64) -> AttachedEngine {
    let waiting = EngineLaunch {
        wait: true,
        linger: Some(LINGER),
    };
    match how {
        AttachMode::Wait => ensure(run, waiting, Some(after)),
        AttachMode::Serve if !run.is_alive() => {
            let started = start(run, EngineLaunch::default(), Some(after));
            attach_to_faster(run, started.map(|(child, c)| (Some(child), c)), after)
        }
        AttachMode::Serve | AttachMode::Attach => attach(run, after),
    }
}

fn attach(run: &RunDir, after: u64) -> AttachedEngine {
    patiently(run, || connect(run, Some(after)))
}

/// Greets the engine that was faster than one that was started here, which serves as well.
fn attach_to_faster(run: &RunDir, started: AttachedEngine, after: u64) -> AttachedEngine {
    match started {
        Err(ClientError::Run(RunError::InUse { .. })) => attach(run, after),
        other => other,
    }
}

/// Greets the engine that works on the run as a client that only watches.
pub fn attend(run: &RunDir, after: u64) -> AttachedEngine {
    patiently(run, || watch(run, Some(after)))
}

/// While the lock is held an engine listens soon, or is gone soon.
fn patiently(
    run: &RunDir,
    greet: impl Fn() -> Result<EngineConnection, ClientError>,
) -> AttachedEngine {
    let began = Instant::now();
    loop {
        match greet() {
            Err(ClientError::NoEngine(_) | ClientError::Closed) if run.is_alive() => {
                if began.elapsed() > SILENCE {
                    return Err(ClientError::Timeout(SILENCE.as_secs()));
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(ClientError::Closed) => {
                return Err(ClientError::NoEngine(run.path().to_owned()));
            }
            done => return done.map(|connection| (None, connection)),
        }
    }
}

/// The files of a folder in one sentence.
pub fn told(files: &[PathBuf], folder: &std::path::Path) -> String {
    let mut names: Vec<String> = files
        .iter()
        .filter_map(|f| Some(f.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.dedup();
    format!(
        "figures in {}: {} (PNG and SVG)",
        folder.display(),
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeEngine, run};

    #[test]
    fn who_was_slower_with_an_engine_attaches_to_the_other_one() {
        let run = run();
        let engine = FakeEngine::open(&run.dir);
        let thread = std::thread::spawn(move || engine.welcome().1);
        let slower = Err(ClientError::Run(run.dir.in_use()));
        let (child, connection) = attach_to_faster(&run.dir, slower, 3).unwrap();
        assert!(child.is_none() && connection.welcome().pid == 42);
        assert_eq!(thread.join().unwrap(), Some(3));
    }
}

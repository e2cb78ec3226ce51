//! Coming by an engine, and a small text for the screen.

use crate::{ClientError, EngineConnection, EngineLaunch, connect, connect_or_start, connect_read_only, start_engine};
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};
use surfit_core::run_dir::{RunDir, RunError};

/// How long an engine may hold a run without listening; loading libtorch from a cold network disk is slow.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(120);

/// Seconds that an engine stays that was started for a command, when it has nothing to do and nobody watches it.
const LINGER_SECS: u64 = 30;

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
pub fn attach_or_spawn(run: &RunDir, how: AttachMode, after: u64) -> AttachedEngine {
    let waiting = EngineLaunch { wait: true, linger: Some(LINGER_SECS) };
    match how {
        AttachMode::Wait => connect_or_start(run, waiting, Some(after)),
        AttachMode::Serve if !run.is_engine_alive() => {
            let started = start_engine(run, EngineLaunch::default(), Some(after));
            attach_if_in_use(run, started.map(|(child, c)| (Some(child), c)), after)
        }
        AttachMode::Serve | AttachMode::Attach => attach_existing(run, after),
    }
}

fn attach_existing(run: &RunDir, after: u64) -> AttachedEngine {
    retry_until_listening(run, || connect(run, Some(after)))
}

/// Greets the engine that was faster than one that was started here, which serves as well.
fn attach_if_in_use(run: &RunDir, started: AttachedEngine, after: u64) -> AttachedEngine {
    match started {
        Err(ClientError::Run(RunError::InUse { .. })) => attach_existing(run, after),
        other => other,
    }
}

/// Greets the engine that works on the run as a client that only watches.
pub fn attach_read_only(run: &RunDir, after: u64) -> AttachedEngine {
    retry_until_listening(run, || connect_read_only(run, Some(after)))
}

/// While the lock is held an engine listens soon, or is gone soon.
fn retry_until_listening(run: &RunDir, greet: impl Fn() -> Result<EngineConnection, ClientError>) -> AttachedEngine {
    let began = Instant::now();
    loop {
        match greet() {
            Err(ClientError::NoEngine(_) | ClientError::Closed) if run.is_engine_alive() => {
                if began.elapsed() > LISTEN_TIMEOUT {
                    return Err(ClientError::Timeout(LISTEN_TIMEOUT.as_secs()));
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
pub fn figures_message(files: &[PathBuf], folder: &std::path::Path) -> String {
    let mut names: Vec<String> =
        files.iter().filter_map(|f| Some(f.file_stem()?.to_string_lossy().into_owned())).collect();
    names.dedup();
    format!("figures in {}: {} (PNG and SVG)", folder.display(), names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeEngine, temporary_run};

    #[test]
    fn who_was_slower_with_an_engine_attaches_to_the_other_one() {
        let run = temporary_run();
        let engine = FakeEngine::open(&run.dir);
        let thread = std::thread::spawn(move || engine.welcome().1);
        let slower = Err(ClientError::Run(run.dir.in_use_error()));
        let (child, connection) = attach_if_in_use(&run.dir, slower, 3).unwrap();
        assert!(child.is_none() && connection.welcome().pid == 42);
        assert_eq!(thread.join().unwrap(), Some(3));
    }
}

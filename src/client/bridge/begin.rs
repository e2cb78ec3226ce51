//! Coming by an engine, and small texts for the screen.

use crate::client::{ClientError, Connection, Launch, connect, ensure, runs, start};
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};
use surfit_core::run_dir::RunDir;
use surfit_tui::RunLine;

/// How long an engine may hold a run without listening; loading libtorch from a cold network disk is slow.
const SILENCE: Duration = Duration::from_secs(120);

/// How an engine is come by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Begin {
    /// Greet the one that is there.
    Attach,
    /// The same, or start one that waits for commands.
    Wait,
    /// The same, or start one that does the job.
    Serve,
}

/// The connection, and the child when it was started here.
pub type Begun = Result<(Option<Child>, Connection), ClientError>;

/// Greets the engine of a run, or starts one, as asked; events after number `after` follow.
pub fn come_by(run: &RunDir, how: Begin, after: u64) -> Begun {
    let began = Instant::now();
    let launch = |wait| Launch { wait, linger: None };
    match how {
        Begin::Wait => ensure(run, launch(true), Some(after)),
        Begin::Serve if !run.is_alive() => {
            start(run, launch(false), Some(after)).map(|(child, c)| (Some(child), c))
        }
        // While the lock is held it listens soon, or is gone soon.
        Begin::Serve | Begin::Attach => loop {
            match connect(run, Some(after)) {
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
        },
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

/// The runs there are, for the screen.
pub fn run_lines() -> Vec<RunLine> {
    runs::list()
        .into_iter()
        .map(|line| RunLine {
            id: line.run,
            path: line.dir,
            alive: line.alive,
            state: line.state.to_owned(),
            best: line.best.map(|p| p.accuracy),
            when: line.began.map(runs::ago).unwrap_or_default(),
        })
        .collect()
}

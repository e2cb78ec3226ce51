//! Errors between a client and an engine, each with a message of one sentence.

use super::remote::DialError;
use super::runs::format_seconds_ago;
use std::path::PathBuf;
use surfit_core::protocol::CommandError;
use surfit_core::run_dir::{EngineNode, RunDir, RunError};

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No engine, or the socket of one that is gone.
    #[error("no engine is running for {0}; start one with `surfit resume {0}`")]
    NoEngine(PathBuf),
    /// The engine works on another machine, or in another container, and its socket cannot be reached from here.
    #[error("the engine of {path} works on {}{}; {}", node.name(), heartbeat_note(*heartbeat_age), node.describe_access(path))]
    Elsewhere {
        path: PathBuf,
        node: Box<EngineNode>,
        /// Seconds since the engine's last heartbeat.
        heartbeat_age: Option<f64>,
    },
    /// The engine refused the handshake.
    #[error("the engine refused this client: {0}")]
    Rejected(String),
    #[error(
        "the engine uses protocol {engine}, this program {client}; use the surfit that started the run, \
         or end the engine with `surfit stop`"
    )]
    Version { engine: u32, client: u32 },
    #[error("the engine sent an invalid message ({0}); the connection was closed")]
    InvalidMessage(String),
    #[error("the engine sent too large a frame ({0} bytes); the connection was closed")]
    FrameTooLarge(usize),
    /// The engine closed the connection.
    #[error("the engine closed the connection")]
    Closed,
    #[error("{why}; the engine's log is {log}")]
    Failed {
        /// Reason that the engine gave, as a sentence.
        why: String,
        log: PathBuf,
    },
    #[error("the engine did not reply within {0} s; see log.txt in the run's directory")]
    Timeout(u64),
    /// The socket belongs to another user.
    #[error("the socket {0} belongs to another user and was not used; remove it or check the path")]
    ForeignSocket(PathBuf),
    #[error("surfit-engine not found at {0}; install it beside surfit, or set SURFIT_ENGINE to its path")]
    NoProgram(PathBuf),
    /// The engine program ended before it listened.
    #[error("{0}")]
    DidNotStart(String),
    /// A command that the engine refused, or that failed.
    #[error(transparent)]
    Refused(#[from] CommandError),
    /// The engine of a fork could not take up the checkpoint; the fork is removed again.
    #[error("{0}")]
    ForkFailed(String),
    /// What looks like a run lacks what runs have.
    #[error("{0} was not created by surfit; nothing was deleted")]
    NotMadeHere(PathBuf),
    /// A running run is inside the directory of one that is to be removed.
    #[error("the run {inner} is inside {outer} and is running; stop it first, or move it elsewhere")]
    LiveRunInside {
        /// Directory of the run with the engine.
        inner: PathBuf,
        /// Directory of the run that is to be removed.
        outer: PathBuf,
    },
    /// A run that is to be removed has an engine.
    #[error("{id} is running{}", stop_before_removal(node.as_deref()))]
    HasEngine {
        id: String,
        /// Where the engine works, when that is not here.
        node: Option<Box<EngineNode>>,
    },
    /// The queue has no fit of this number.
    #[error("no fit with number {0} in the queue; `surfit queue ls` lists them")]
    NotQueued(u64),
    #[error("number {number} is running as {run}; stop it with `surfit stop {run}`")]
    QueuedFitUnderWay {
        number: u64,
        /// Id of its run.
        run: String,
    },
    /// The configuration of a queued fit is damaged.
    #[error("number {number}: {source}")]
    QueuedConfig { number: u64, source: surfit_core::config::ConfigError },
    /// A fault of the machine stopped the queue, which keeps its fits.
    #[error("{source}; number {number} and later fits stay in the queue; continue with `surfit queue start`")]
    QueueStopped {
        /// Number of the first fit that stays.
        number: u64,
        source: Box<ClientError>,
    },
    /// Nobody waited for a run that was being made.
    #[error("nobody waited for it any longer")]
    Abandoned,
    /// The process that a run's status names is not its engine.
    #[error("process {pid}, which {status} names, is not the engine of {lock}; find that engine and end it yourself")]
    NotTheEngine { pid: u32, status: PathBuf, lock: PathBuf },
    /// The system does not show which process an engine is.
    #[error("this system does not show which process holds {0}; find it and end it yourself")]
    UnknownProcess(PathBuf),
    /// Another machine cannot be reached.
    #[error("{host}: {source}")]
    Unreachable {
        /// Name of the machine.
        host: String,
        /// What went wrong.
        source: DialError,
    },
    /// The connection to another machine ended before it brought what was requested.
    #[error("{host}: {message}")]
    LineEnded {
        /// Name of the machine.
        host: String,
        /// The last message of the command that led there, such as ssh's.
        message: String,
    },
    /// Another machine sent what cannot be read.
    #[error("{host}: {source}")]
    Line {
        /// Name of the machine.
        host: String,
        /// What went wrong.
        source: Box<ClientError>,
    },
    /// Another machine sent many messages, and none of them told its run.
    #[error("{0} greeted and then did not say which run it shows; install the same version on both")]
    NoRunShown(String),
    /// Another machine sent nothing behind its greeting.
    #[error("{host} greeted and then said nothing for {seconds} s")]
    SilentHost {
        /// Name of the machine.
        host: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// Another machine sent no list of runs.
    #[error("{host} sent a list of runs that cannot be read ({why}); install the same version on both")]
    BadRunList {
        /// Name of the machine.
        host: String,
        /// What is wrong with the list.
        why: String,
    },
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        source: std::io::Error,
    },
    #[error(transparent)]
    Run(#[from] RunError),
}

impl ClientError {
    /// True for an error of the machine or the installation, which every other run would have too.
    pub fn is_machine_fault(&self) -> bool {
        match self {
            Self::Refused(_)
            | Self::Failed { .. }
            | Self::Elsewhere { .. }
            | Self::ForkFailed(_)
            | Self::NotMadeHere(_)
            | Self::LiveRunInside { .. }
            | Self::HasEngine { .. }
            | Self::NotQueued(_)
            | Self::QueuedFitUnderWay { .. }
            | Self::QueuedConfig { .. }
            | Self::QueueStopped { .. }
            | Self::Abandoned => false,
            Self::Run(error) => {
                matches!(error, RunError::Io { .. } | RunError::ForeignFolder(_) | RunError::ForeignSocket(_))
            }
            _ => true,
        }
    }

    pub fn unreachable_engine(run: &RunDir) -> Self {
        let path = run.path().to_owned();
        match run.unreachable_engine_node() {
            Some(node) => Self::Elsewhere { path, node: Box::new(node), heartbeat_age: run.heartbeat_age() },
            None => Self::NoEngine(path),
        }
    }

    /// Attaches the attempted operation to an I/O error.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

fn stop_before_removal(node: Option<&EngineNode>) -> String {
    match node {
        Some(node) => format!(" on {}; stop it there first", node.name()),
        None => "; stop it first".into(),
    }
}

/// Seconds after which an engine that writes its status every few seconds counts as silent.
const MAX_HEARTBEAT_AGE_SECS: f64 = 60.0;

/// Returns a note on the last heartbeat of an engine elsewhere, if that was long ago.
fn heartbeat_note(heartbeat_age: Option<f64>) -> String {
    let silent = heartbeat_age.filter(|age| *age > MAX_HEARTBEAT_AGE_SECS);
    silent.map_or_else(String::new, |age| format!(" and was last seen {}", format_seconds_ago(age)))
}

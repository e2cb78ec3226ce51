//! What can go wrong between a client and an engine, each as one sentence.

use super::runs::format_seconds_ago;
use std::path::PathBuf;
use surfit_core::protocol::CommandError;
use surfit_core::run_dir::{EngineNode, RunDir, RunError};

/// A failed conversation.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens: no engine, or the socket of one that is gone.
    #[error("no engine is running for {0}; start one with `surfit resume {0}`")]
    NoEngine(PathBuf),
    /// The engine works on another machine, or in another container, and its socket cannot be reached from here.
    #[error("the engine of {path} works on {}{}; {}", node.name(), heartbeat_note(*heartbeat_age), node.describe_access(path))]
    Elsewhere {
        /// Directory of the run.
        path: PathBuf,
        /// Where its engine works.
        node: Box<EngineNode>,
        /// Seconds since the engine's last sign of life.
        heartbeat_age: Option<f64>,
    },
    /// The engine said no at the handshake.
    #[error("the engine refused this client: {0}")]
    Rejected(String),
    /// The engine speaks another version of the protocol.
    #[error(
        "the engine speaks protocol {engine}, this program {client}; use the surfit that started the run, \
         or end the engine with `surfit stop`"
    )]
    Version {
        /// The engine's version.
        engine: u32,
        /// Protocol version of this program.
        client: u32,
    },
    /// What came is no message of the protocol.
    #[error("the engine sent something that is no message ({0}); the connection was closed")]
    InvalidMessage(String),
    /// A frame longer than the protocol allows.
    #[error("the engine sent a frame of {0} bytes, more than the protocol allows; the connection was closed")]
    FrameTooLarge(usize),
    /// The other end closed.
    #[error("the engine closed the connection")]
    Closed,
    /// The engine failed and said why.
    #[error("{why}; the engine's log is {log}")]
    Failed {
        /// Reason that the engine gave, as a sentence.
        why: String,
        /// Where the rest of what it said is.
        log: PathBuf,
    },
    /// No answer in time.
    #[error("the engine did not answer within {0} s; look at log.txt in the run's directory")]
    Timeout(u64),
    /// The socket belongs to somebody else.
    #[error("the socket {0} is served by another user; it was not trusted")]
    ForeignSocket(PathBuf),
    /// The engine program is not there.
    #[error("the program surfit-engine is not at {0}; install it beside surfit, or name it in SURFIT_ENGINE")]
    NoProgram(PathBuf),
    /// The engine program ended before it listened.
    #[error("{0}")]
    DidNotStart(String),
    /// The engine refused a command, or failed at it.
    #[error(transparent)]
    Refused(#[from] CommandError),
    /// The engine of a fork could not take up the checkpoint; the fork is removed again.
    #[error("{0}")]
    ForkFailed(String),
    /// What looks like a run lacks what runs have.
    #[error("{0} is not a run that surfit made; nothing is removed")]
    NotMadeHere(PathBuf),
    /// A run with an engine lies in the directory of one that is to be removed.
    #[error("the run {inner} lies in {outer}, and an engine works on it; stop it first, or move it elsewhere")]
    LiveRunInside {
        /// Directory of the run with the engine.
        inner: PathBuf,
        /// Directory of the run that is to be removed.
        outer: PathBuf,
    },
    /// A run that is to be removed has an engine.
    #[error("{id} has an engine{}", stop_before_removal(node.as_deref()))]
    HasEngine {
        /// Id of the run.
        id: String,
        /// Where the engine works, when that is not here.
        node: Option<Box<EngineNode>>,
    },
    /// The queue has no fit of this number.
    #[error("nothing with the number {0} is in the queue; `surfit queue ls` lists it")]
    NotQueued(u64),
    /// A queued fit was started already.
    #[error("number {number} is under way as {run}; end it with `surfit stop {run}`")]
    QueuedFitUnderWay {
        /// Number of the fit in the queue.
        number: u64,
        /// Id of its run.
        run: String,
    },
    /// The configuration of a queued fit is damaged.
    #[error("number {number}: {source}")]
    QueuedConfig {
        /// Number of the fit in the queue.
        number: u64,
        /// What is wrong with it.
        source: surfit_core::config::ConfigError,
    },
    /// A fault of the machine stopped the queue, which keeps its fits.
    #[error("{source}; number {number} and what is behind it stay in the queue, go on with `surfit queue start`")]
    QueueStopped {
        /// Number of the first fit that stays.
        number: u64,
        /// The fault.
        source: Box<ClientError>,
    },
    /// Nobody waited for a run that was being made.
    #[error("nobody waited for it any longer")]
    Abandoned,
    /// The process that a run's status names is not its engine.
    #[error("process {pid}, which {status} names, is not the engine that holds {lock}; find that and end it by hand")]
    NotTheEngine {
        /// Process id in the status.
        pid: u32,
        /// Path of the status.
        status: PathBuf,
        /// Path of the lock.
        lock: PathBuf,
    },
    /// The system does not say which process an engine is.
    #[error("this system does not say which process holds {0}; find that and end it by hand")]
    UnknownProcess(PathBuf),
    /// The operating system said no.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What it said.
        source: std::io::Error,
    },
    /// The run's directory is not usable.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl ClientError {
    /// True for what is wrong with the machine or the installation, not with the run that was asked for: with another run it
    /// would be the same.
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

    /// That nobody listens for a run, and where its engine works when it has one elsewhere.
    pub fn unreachable(run: &RunDir) -> Self {
        let path = run.path().to_owned();
        match run.unreachable_engine_node() {
            Some(node) => Self::Elsewhere { path, node: Box::new(node), heartbeat_age: run.heartbeat_age() },
            None => Self::NoEngine(path),
        }
    }

    /// Attaches what was tried to an I/O error.
    pub fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

fn stop_before_removal(node: Option<&EngineNode>) -> String {
    match node {
        Some(node) => format!(" on {}; stop it there before it is removed", node.name()),
        None => "; stop it before it is removed".into(),
    }
}

/// Seconds after which an engine that writes its status every few seconds counts as silent.
const MAX_HEARTBEAT_AGE_SECS: f64 = 60.0;

/// How long an engine elsewhere has been silent, when that is long.
fn heartbeat_note(heartbeat_age: Option<f64>) -> String {
    let silent = heartbeat_age.filter(|age| *age > MAX_HEARTBEAT_AGE_SECS);
    silent.map_or_else(String::new, |age| format!(" and was last heard of {}", format_seconds_ago(age)))
}

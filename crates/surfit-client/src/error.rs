//! What can go wrong between a client and an engine, each as one sentence.

use super::runs::format_seconds_ago;
use std::path::PathBuf;
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
    /// The engine, or the queue, said no, in a sentence.
    #[error("{0}")]
    Refused(String),
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
            Self::Refused(_) | Self::Failed { .. } | Self::Elsewhere { .. } => false,
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

/// Seconds after which an engine that writes its status every few seconds counts as silent.
const MAX_HEARTBEAT_AGE_SECS: f64 = 60.0;

/// How long an engine elsewhere has been silent, when that is long.
fn heartbeat_note(heartbeat_age: Option<f64>) -> String {
    let silent = heartbeat_age.filter(|age| *age > MAX_HEARTBEAT_AGE_SECS);
    silent.map_or_else(String::new, |age| format!(" and was last heard of {}", format_seconds_ago(age)))
}

//! What the workbench and the program that carries it say to each other.

use crate::color::Depth;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender};
use surfit_core::event::Envelope;
use surfit_core::picture::Picture;
use surfit_core::protocol::Command;
use surfit_core::snapshot::Snapshot;
use surfit_core::surface::Degrees;

/// To the workbench.
#[derive(Debug)]
pub enum Incoming {
    /// Everything known about the run so far; takes the place of what was shown.
    Picture(Box<Picture>),
    /// A durable event.
    Event(Envelope),
    /// The present state.
    Snapshot(Box<Snapshot>),
    /// The answer to a command.
    Reply {
        /// The command's id.
        id: u64,
        /// `None` when it was carried out, else one sentence.
        error: Option<String>,
    },
    /// An engine listens.
    Connected {
        /// Its process.
        pid: u32,
    },
    /// The connection ended, for a reason in words. The engine may live.
    Disconnected {
        /// A clause without a capital letter or a full stop.
        reason: String,
    },
    /// The engine's process is gone without having closed the run.
    EngineDied,
    /// Something to tell, such as where figures were written.
    Notice(String),
    /// Something that failed, in a sentence.
    Problem(String),
    /// The runs there are, after [`Outgoing::Refresh`].
    Runs(Vec<RunLine>),
}

/// From the workbench.
#[derive(Clone, Debug, PartialEq)]
pub enum Outgoing {
    /// For the engine.
    Command {
        /// Comes back in the reply.
        id: u64,
        /// What.
        command: Command,
    },
    /// Write curves and heatmap as figures; answer with a notice or a problem.
    Figures,
    /// Connect again, starting an engine on the run when there is none.
    ResumeEngine,
    /// The list of runs is wanted.
    Refresh,
    /// Show this run from now on: a picture follows, of the run before when this one cannot be opened.
    OpenRun(PathBuf),
    /// The workbench leaves; the engine goes on.
    Detach,
}

/// A run in the list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunLine {
    /// Name of its directory.
    pub id: String,
    /// Its directory.
    pub path: PathBuf,
    /// An engine works on it.
    pub alive: bool,
    /// What it is doing, in a word.
    pub state: String,
    /// Best validation accuracy, a fraction.
    pub best: Option<f64>,
    /// When it was begun, in words.
    pub when: String,
}

/// Both directions.
#[derive(Debug)]
pub struct Link {
    /// To the workbench.
    pub incoming: Receiver<Incoming>,
    /// From the workbench.
    pub outgoing: Sender<Outgoing>,
}

/// How the workbench begins.
#[derive(Clone, Debug)]
pub struct Options {
    /// Theme by name; `None` for the usual one.
    pub theme: Option<String>,
    /// Colours to use; `None` to find out.
    pub color: Option<Depth>,
    /// No letters outside ASCII; also found out from the locale.
    pub ascii: bool,
    /// Let the mouse click; the terminal's own selection then needs shift.
    pub mouse: bool,
    /// The run's id, shown before anything is known of it.
    pub run: String,
    /// Points per axis of the heatmap before the engine tells.
    pub grid: usize,
    /// Degrees of the surface before the engine tells.
    pub degrees: Degrees,
}

/// Why the workbench ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leave {
    /// The user detached, or the terminal went away; the engine goes on.
    Detached,
    /// The user quit.
    Quit {
        /// The caller shall stop the engine.
        stop_engine: bool,
    },
    /// The program's own connection ended; a sentence.
    Lost(String),
}

//! What the workbench and the program that carries it say to each other.

mod new_file;

pub use new_file::{FigureDrawing, FigureForm, FileContent, NewFile, local_figures_dir};

use crate::color::ColorDepth;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender};
use surfit_core::event::{Envelope, JobStage};
use surfit_core::metrics::MetricValues;
use surfit_core::protocol::EngineCommand;
use surfit_core::run_state::RunState;
use surfit_core::snapshot::Snapshot;
use surfit_core::surface::Degrees;

/// To the workbench.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Incoming {
    /// Everything known about the run so far; takes the place of what was shown.
    Picture(Box<RunState>),
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
        /// Process id of the engine.
        pid: u32,
    },
    /// The connection ended, for a reason in words. The engine may live.
    Disconnected {
        /// A clause without a capital letter or a full stop.
        reason: String,
    },
    /// The engine works on another machine and cannot be reached; what follows is read from the run's files.
    Elsewhere {
        /// A name of that machine.
        node: String,
    },
    /// This screen and the engine are part of the batch job of this name, whose end ends the engine.
    BatchJob(String),
    /// The engine's process is gone without having closed the run.
    EngineDied,
    /// Something to tell, such as where figures were written.
    Notice(String),
    /// Something that failed, in a sentence.
    Problem(String),
    /// Another run, after [`Outgoing::Load`].
    Loaded {
        /// Directory of the loaded run.
        path: PathBuf,
        /// What is known of it.
        picture: Box<RunState>,
    },
    /// Comes in the place of [`Incoming::Loaded`] when that run cannot be read.
    Unread {
        /// Directory of the run that cannot be read.
        path: PathBuf,
        /// What is wrong with it, in a sentence.
        why: String,
    },
    /// The run of [`Outgoing::OpenRun`] cannot be opened; the picture of the one before comes again.
    Unopened {
        /// Its directory, as it was asked for.
        path: PathBuf,
        /// What is wrong with it, in a sentence.
        why: String,
    },
    /// What is new of another run, after [`Outgoing::Watch`].
    Grown {
        /// Directory of the watched run.
        path: PathBuf,
        /// Its events since the last time.
        events: Vec<Envelope>,
        /// Its state at its last checkpoint, when that is new.
        snapshot: Option<Box<Snapshot>>,
    },
    /// A new run was made from the one that is shown, and its engine works, after [`Outgoing::Fork`].
    Forked {
        /// Directory of the new run.
        path: PathBuf,
        /// What happened, in a sentence without a full stop.
        sentence: String,
    },
    /// The runs there are, after [`Outgoing::Refresh`].
    Runs(Vec<RunLine>),
    /// How it stands with the line to the other machine.
    Line(LineState),
    /// Which run is shown: where it lies, on its own machine, and what the command line calls it there.
    At {
        /// Directory of the run on its own machine.
        dir: PathBuf,
        /// A name that `surfit open` finds it by.
        name: String,
    },
    /// The file of [`Outgoing::Write`] is there already, and nothing was written: what was wanted comes back.
    Exists(Box<NewFile>),
}

/// How it stands with the line to another machine that the run is on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LineState {
    /// Something came over it just now: what is shown is fresh.
    Heard,
    /// It is down.
    Down {
        /// Reason in one sentence.
        why: String,
        /// Seconds until it is tried again; 0 when that is under way.
        retry: f64,
    },
    /// The other machine refuses who dials: it is tried again only when that is asked for.
    Refused {
        /// Reason in one sentence.
        why: String,
    },
}

/// From the workbench.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outgoing {
    /// For the engine.
    Command {
        /// Comes back in the reply.
        id: u64,
        /// Command to be carried out.
        command: EngineCommand,
    },
    /// Make a new run from the present state of the one that is shown, with these degrees, and set its engine off; answer with
    /// [`Incoming::Forked`] or a problem.
    Fork(Degrees),
    /// Put these degrees of the run that is shown at the end of the queue, and have the queue worked on; answer likewise.
    Queue(Degrees),
    /// Write curves and heatmap as figures; answer with a notice or a problem.
    Figures,
    /// Write a file; answer with a notice, a problem, or [`Incoming::Exists`].
    Write(Box<NewFile>),
    /// Connect again, starting an engine on the run when there is none; with a directory only if that run is the one
    /// that is shown by then.
    ResumeEngine(Option<PathBuf>),
    /// The list of runs is wanted.
    Refresh,
    /// Show this run from now on: a picture follows, of the run before when this one cannot be opened.
    OpenRun(PathBuf),
    /// What is known of another run is wanted, to compare with; the present one stays shown.
    Load(PathBuf),
    /// Tell from now on how these runs grow, each from the event after that number on, and no others.
    Watch(Vec<(PathBuf, u64)>),
    /// Try the line to the other machine again at once.
    Reconnect,
    /// Remove this run's directory for good; a notice, or a problem, and the new list follow.
    RemoveRun(PathBuf),
    /// The workbench leaves; the engine goes on.
    Detach,
}

/// A run in the list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunLine {
    /// Name of its directory.
    pub id: String,
    /// Directory of the run.
    pub path: PathBuf,
    /// An engine works on it.
    pub alive: bool,
    /// What it is doing, in a word.
    pub state: String,
    /// Best validation accuracy, a fraction.
    pub best: Option<f64>,
    /// When it was begun, in words.
    pub when: String,
    /// The stage it is in, or was in last.
    pub stage: Option<JobStage>,
    /// Units of work done and in all in this stage.
    pub done: u64,
    /// Total units of work in this stage.
    pub total: u64,
    /// Degrees of its surface.
    pub degrees: Option<Degrees>,
    /// Name of its network architecture.
    pub network: Option<String>,
    /// Its data set.
    pub data: Option<String>,
    /// Validation loss of its best point.
    pub loss: Option<f64>,
    /// Metrics of its best point beside accuracy and loss.
    pub other_metrics: MetricValues,
    /// When it was begun, seconds since the Unix epoch.
    pub begun: Option<f64>,
    /// Bytes on disk, where they were counted.
    pub bytes: Option<u64>,
    /// Host name of the machine that its engine works on, or worked on last.
    pub node: Option<String>,
    /// That machine is not the one that the list was made on.
    pub on_other_node: bool,
}

/// Channels to and from the workbench.
#[derive(Debug)]
pub struct WorkbenchLink {
    /// To the workbench.
    pub incoming: Receiver<Incoming>,
    /// From the workbench.
    pub outgoing: Sender<Outgoing>,
}

/// How the workbench begins.
#[derive(Clone, Debug)]
pub struct WorkbenchOptions {
    /// Theme by name; `None` for the usual one.
    pub theme: Option<String>,
    /// Colours to use; `None` to find out.
    pub color: Option<ColorDepth>,
    /// How pictures are shown; `None` to go by `SURFIT_IMAGES`.
    pub images: Option<crate::images::ImageMode>,
    /// Characters to draw with; `None` to go by `SURFIT_GLYPHS`, the locale and the terminal.
    pub glyphs: Option<crate::glyphs::GlyphSet>,
    /// Let the mouse click; the terminal's own selection then needs shift.
    pub mouse: bool,
    /// The run's id, shown before anything is known of it.
    pub run: String,
    /// Points per axis of the heatmap before the engine tells.
    pub grid: usize,
    /// Degrees of the surface before the engine tells.
    pub degrees: Degrees,
    /// The machine the run is on, when it is another one.
    pub host: Option<String>,
    /// Nothing may be changed, only watched.
    pub readonly: bool,
}

/// Why the workbench ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaveReason {
    /// The user detached, or the terminal went away; the engine goes on.
    Detached,
    /// The user quit.
    Quit {
        /// The caller shall stop the engine.
        stop_engine: bool,
    },
    /// The program's own connection ended; a sentence.
    LinkLost(String),
}

//! What a bridge serves besides the engine of the run that is shown: the runs of its machine, their files, and
//! the line to it.
//!
//! A bridge works for one terminal: in the same process, or on another machine as `surfit bridge`.

use super::{ClientMessage, ServerMessage};
use crate::event::{Envelope, JobStage};
use crate::metrics::MetricValues;
use crate::new_file::NewFile;
use crate::run_state::RunState;
use crate::snapshot::Snapshot;
use crate::surface::Degrees;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use strum::VariantNames;

/// From a bridge to the terminal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, VariantNames)]
#[serde(tag = "message", content = "body", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum BridgeMessage {
    /// Which run is shown from now on; what is known of it follows.
    RunOpened(OpenedRun),
    /// Everything known about the run so far; takes the place of what was shown.
    RunState(Box<RunState>),
    /// The connection to the engine ended, for a reason in words. The engine may live.
    Disconnected {
        /// A clause without a capital letter or a full stop.
        reason: String,
    },
    /// The engine works on another machine and cannot be reached; what follows is read from the run's files.
    Elsewhere {
        /// A name of that machine.
        node: String,
    },
    /// The engine's process is gone without having closed the run.
    EngineDied,
    /// The terminal and the engine are part of the batch job of this name, whose end ends the engine.
    BatchJob(String),
    /// A message for the user, such as where figures were written.
    Notice(String),
    /// Something that failed, in a sentence.
    Problem(String),
    /// Another run, after [`BridgeRequest::Load`].
    Loaded {
        /// Directory of the loaded run.
        path: PathBuf,
        /// What is known of it.
        run_state: Box<RunState>,
    },
    /// Comes in the place of [`BridgeMessage::Loaded`] when that run cannot be read.
    Unread {
        /// Directory of the run that cannot be read.
        path: PathBuf,
        /// What is wrong with it, in a sentence.
        why: String,
    },
    /// The run of [`BridgeRequest::OpenRun`] cannot be opened; the state of the one before comes again.
    Unopened {
        /// Its directory, as requested.
        path: PathBuf,
        /// What is wrong with it, in a sentence.
        why: String,
    },
    /// What is new of another run, after [`BridgeRequest::Watch`].
    Grown {
        /// Directory of the watched run.
        path: PathBuf,
        /// Its events since the last time.
        events: Vec<Envelope>,
        /// Its state at its last checkpoint, when that is new.
        snapshot: Option<Box<Snapshot>>,
    },
    /// A new run was made from the one that is shown, and its engine works, after [`BridgeRequest::Fork`].
    Forked {
        /// Directory of the new run.
        path: PathBuf,
        /// What happened, in a sentence without a full stop.
        sentence: String,
    },
    /// The runs there are, after [`BridgeRequest::Refresh`].
    Runs(Vec<RunLine>),
    /// State of the connection to the other machine; sent by the end that dials.
    Line(LineState),
    /// The file of [`BridgeRequest::Write`] is there already, and nothing was written: the requested one comes back.
    Exists(Box<NewFile>),
    /// A piece of a large message that crosses a slow line, so that others can go between; the pieces' text is the message.
    Part {
        /// Bytes that came before; 0 begins a message, and discards the one before.
        offset: usize,
        /// Next piece of the message's JSON.
        text: String,
        /// The message is complete with it.
        last: bool,
    },
    /// Nothing: the line carries.
    KeepAlive,
    /// Ends the conversation, after [`BridgeRequest::Leave`].
    Farewell {
        /// How to come back, when there is something to come back to.
        message: Option<String>,
    },
}

/// From the terminal to a bridge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, VariantNames)]
#[serde(tag = "request", content = "body", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum BridgeRequest {
    /// Make a new run from the present state of the one that is shown, with these degrees, and start its engine; answered
    /// with [`BridgeMessage::Forked`] or a problem.
    Fork(Degrees),
    /// Put these degrees of the run that is shown at the end of the queue, and have the queue worked on; answered likewise.
    Queue(Degrees),
    /// Write curves and heatmap as figures; answered with a notice or a problem.
    Figures,
    /// Write a file; answered with a notice, a problem, or [`BridgeMessage::Exists`].
    Write(Box<NewFile>),
    /// Connect again, starting an engine on the run when there is none; with a directory only if that run is the one
    /// that is shown by then.
    ResumeEngine(Option<PathBuf>),
    /// The list of runs is wanted.
    Refresh,
    /// Show this run from now on: its state follows, or that of the run before when this one cannot be opened.
    OpenRun(PathBuf),
    /// Request another run's state, to compare with; the present run stays shown.
    Load(PathBuf),
    /// From now on report how these runs grow, each from the event after that number on, and no others.
    Watch(Vec<(PathBuf, u64)>),
    /// Try the line to the other machine again at once.
    Reconnect,
    /// Remove this run's directory for good; a notice, or a problem, and the new list follow.
    RemoveRun(PathBuf),
    /// A snapshot or a [`BridgeMessage::Part`] came over the line: the next may be sent.
    Taken,
    /// Nothing: the terminal's end of the line is there.
    KeepAlive,
    /// The terminal disconnects, and waits for [`BridgeMessage::Farewell`].
    Leave {
        /// The engine shall make a checkpoint and end.
        stop_engine: bool,
        /// How the run is called at the terminal's end, for the last words.
        name: String,
    },
}

/// The run that a bridge shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenedRun {
    /// Id of the run.
    pub id: String,
    /// Directory of the run on its own machine.
    pub dir: PathBuf,
    /// A name that `surfit open` finds it by there.
    pub name: String,
    /// Points per axis of its heatmap.
    pub grid: usize,
    /// Degrees of its surface.
    pub degrees: Degrees,
}

/// State of the connection to another machine that the run is on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineState {
    /// It brought a message just now: what is shown is fresh.
    Up,
    /// It is down.
    Down {
        /// Reason in one sentence.
        why: String,
        /// Seconds until it is tried again; 0 when that is under way.
        retry: f64,
    },
    /// The other machine refuses who dials: it is tried again only when that is requested.
    Refused {
        /// Reason in one sentence.
        why: String,
    },
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
    /// Metrics of its best point other than accuracy and loss.
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

impl From<BridgeMessage> for ServerMessage {
    fn from(message: BridgeMessage) -> Self {
        Self::Bridge(message)
    }
}

impl From<BridgeRequest> for ClientMessage {
    fn from(request: BridgeRequest) -> Self {
        Self::Bridge(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::LossCurve;

    #[test]
    fn a_run_state_with_gaps_in_its_curves_comes_back() {
        let mut state = RunState { seq: 9, ..RunState::default() };
        let curve = state.curves.entry(LossCurve::Corner(2)).or_default();
        curve.extend(3, &[1.5, f32::NAN, f32::INFINITY]);
        curve.extend(9000, &[f32::NAN; 9]);
        state.curves.entry(LossCurve::Surface).or_default().extend(0, &[0.25]);
        state.seconds.insert(JobStage::Fit, 7.0);
        let message = ServerMessage::from(BridgeMessage::RunState(Box::new(state.clone())));
        let json = serde_json::to_string(&message).unwrap();
        let back = serde_json::from_str(&json).unwrap();
        let ServerMessage::Bridge(BridgeMessage::RunState(back)) = back else { panic!("{back:?}") };
        let values = |s: &RunState| -> Vec<Option<f32>> {
            let recent = s.curves[&LossCurve::Corner(2)].recent_values();
            recent.map(|(_, v)| v.is_finite().then_some(v)).collect()
        };
        assert_eq!(values(&back), values(&state));
        let mut grown = *back;
        for state in [&mut grown, &mut state] {
            state.curves.get_mut(&LossCurve::Corner(2)).unwrap().extend(9009, &[2.5, 0.5]);
        }
        // A bucket that was empty on the way takes values as before.
        let buckets = |s: &RunState| -> Vec<_> { s.curves[&LossCurve::Corner(2)].buckets().to_vec() };
        let last = |s: &RunState| buckets(s).last().copied();
        assert_eq!(last(&grown), last(&state));
        assert_eq!((grown.seq, &grown.seconds), (9, &state.seconds));
    }

    #[test]
    fn requests_come_back() {
        for request in [
            BridgeRequest::Refresh,
            BridgeRequest::Fork(Degrees::new(3, 2).unwrap()),
            BridgeRequest::Watch(vec![("/r/a".into(), 7)]),
            BridgeRequest::Leave { stop_engine: true, name: "gpu1:a".into() },
        ] {
            let message = ClientMessage::from(request);
            let json = serde_json::to_string(&message).unwrap();
            assert_eq!(serde_json::from_str::<ClientMessage>(&json).unwrap(), message);
        }
    }
}

//! The present state of a run, of which only the latest matters.

use crate::draws::Phase;
use crate::event::Stage;
use crate::heatmap::{Heatmap, Metric};
use crate::numbers::{nan_as_null, nans_as_null};
use crate::surface::Degrees;
use serde::{Deserialize, Serialize};

/// What the engine is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Opening the run.
    #[default]
    Starting,
    /// Working on the stage that the snapshot names.
    Running,
    /// Standing still within a stage until resumed.
    Paused,
    /// Waiting for a command; nothing is under way.
    Idle,
    /// The whole job is done; waiting for a command.
    Finished,
    /// It could not go on.
    Failed,
    /// The engine process ended in good order.
    Closed,
}

impl State {
    /// The state's name for people.
    pub fn name(self) -> &'static str {
        match self {
            State::Starting => "starting",
            State::Running => "running",
            State::Paused => "paused",
            State::Idle => "idle",
            State::Finished => "finished",
            State::Failed => "failed",
            State::Closed => "closed",
        }
    }
}

/// One control point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlPoint {
    /// Index along `u`, `0..=m`.
    pub i: usize,
    /// Index along `v`, `0..=n`.
    pub j: usize,
    /// One of the given networks, never trained.
    pub corner: bool,
    /// Held still by the user.
    pub frozen: bool,
    /// Distance from its place on the linear surface, relative to the mean distance between corners.
    #[serde(with = "nan_as_null")]
    pub travelled: f64,
    /// Root mean square of the gradient's norm over recent steps; 0 for points that do not train.
    #[serde(with = "nan_as_null")]
    pub gradient: f64,
    /// Recent values of `gradient`, oldest first, at most 32.
    #[serde(with = "nans_as_null")]
    pub gradients: Vec<f32>,
}

/// The state of a run at one moment. Only plain numbers: the engine keeps the tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Number of the last event before this snapshot.
    pub seq: u64,
    /// What the engine is doing.
    pub state: State,
    /// The stage it is in, or was in last.
    pub stage: Stage,
    /// Units of work done and in all in this stage: optimizer steps, cells.
    pub done: u64,
    /// See `done`.
    pub total: u64,
    /// Units a second of late; 0 when not known.
    pub rate: f64,
    /// Seconds the rest of this stage will take at this pace; `None` when not known.
    pub seconds_left: Option<f64>,
    /// Phase of the fit, when one was begun.
    pub phase: Option<Phase>,
    /// Optimizer steps of the fit done, and in all.
    pub fit_step: u64,
    /// See `fit_step`.
    pub fit_total: u64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Degrees of the surface.
    pub degrees: Degrees,
    /// Metric that clients show first; selection goes by validation accuracy whatever it is.
    pub metric: Metric,
    /// The surface as measured so far.
    pub heatmap: Heatmap,
    /// All control points, in row order; empty before the corners are ready.
    pub control_points: Vec<ControlPoint>,
    /// Marked points.
    pub marks: Vec<(f64, f64)>,
    /// Clients that watch this run.
    pub viewers: usize,
    /// Resident memory of the engine in bytes; 0 when not known.
    pub memory: u64,
}

impl Snapshot {
    /// A snapshot before anything is known.
    pub fn empty(degrees: Degrees, grid: usize) -> Self {
        Self {
            seq: 0,
            state: State::Starting,
            stage: Stage::Data,
            done: 0,
            total: 0,
            rate: 0.0,
            seconds_left: None,
            phase: None,
            fit_step: 0,
            fit_total: 0,
            learning_rate: 0.0,
            degrees,
            metric: Metric::Accuracy,
            heatmap: Heatmap::new(degrees.patch(), grid),
            control_points: Vec::new(),
            marks: Vec::new(),
            viewers: 0,
            memory: 0,
        }
    }
}

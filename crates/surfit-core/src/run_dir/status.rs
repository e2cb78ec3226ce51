//! `status.json`: what `surfit ls` shows without reading a run's events.

use crate::event::JobStage;
use crate::heatmap::MeasuredPoint;
use crate::snapshot::EngineState;
use crate::surface::Degrees;
use serde::{Deserialize, Serialize};

/// A run in one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStatus {
    /// What the engine was doing.
    pub state: EngineState,
    /// In which stage.
    pub stage: JobStage,
    /// The engine's process id.
    pub pid: u32,
    /// Host name of the machine that the engine works on, or worked on last; empty when an older program wrote it.
    #[serde(default)]
    pub node: String,
    /// Seconds since the Unix epoch when this was written.
    pub heartbeat: f64,
    /// Units of work done and in all in this stage.
    pub done: u64,
    /// Total units of work in this stage.
    pub total: u64,
    /// Degrees of the surface.
    pub degrees: Degrees,
    /// Name of the network architecture.
    pub network: String,
    /// Data set, as `data.name` names it.
    #[serde(default)]
    pub data: String,
    /// Best validation point of the last complete heatmap.
    pub best: Option<MeasuredPoint>,
    /// Why the engine could not continue.
    pub failed: Option<String>,
}

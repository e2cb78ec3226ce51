//! `status.json`: what `surfit ls` shows without reading a run's events.

use crate::event::Stage;
use crate::heatmap::Point;
use crate::snapshot::State;
use crate::surface::Degrees;
use serde::{Deserialize, Serialize};

/// A run in one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What the engine was doing.
    pub state: State,
    /// In which stage.
    pub stage: Stage,
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
    /// Data set, as `data.set` names it.
    #[serde(default)]
    pub data: String,
    /// Best validation point of the last complete heatmap.
    pub best: Option<Point>,
    /// Why the engine could not go on.
    pub failed: Option<String>,
}

//! The whole state of a run as a client has it: a fold over events, with the latest snapshot on top.

mod control_points;
mod event_text;
mod fold;
mod snapshot_losses;
mod topic;
mod validation;

pub use control_points::{DistanceMatrix, PointFigure};
pub use event_text::describe_event;
pub use snapshot_losses::DurableCurve;
pub use topic::LogTopic;
pub use validation::ValidationPoint;

use crate::draws::FitPhase;
use crate::event::{
    Alignment, CornerReady, Distances, EnsembleMeasured, ExportedModel, Geometry, JobResult, JobStage, LossCurve,
    RunInfo, SearchResult,
};
use crate::heatmap::{HeatmapSummary, MeasuredPoint};
use crate::numbers::map_as_pairs;
use crate::series::{Series, StepTrack};
use crate::snapshot::{EngineState, Snapshot};
use crate::surface::Degrees;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// A line of the log that is made for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// Seconds since the Unix epoch.
    pub time: f64,
    /// Text of the line, one sentence.
    pub text: String,
    /// Something went wrong.
    pub error: bool,
    /// What it is about.
    #[serde(default)]
    pub topic: LogTopic,
}

/// Everything known about a run. Built from events alone it shows the history; a snapshot adds the present.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// Number of the last event seen.
    pub seq: u64,
    /// Time of the first event, seconds since the Unix epoch.
    pub began: Option<f64>,
    /// Time of the latest engine's start, seconds since the Unix epoch.
    pub started: Option<f64>,
    /// Facts from the engine's start.
    pub info: Option<RunInfo>,
    /// Loss curves of the corners and the surface.
    #[serde(with = "map_as_pairs")]
    pub curves: BTreeMap<LossCurve, Series>,
    /// Validation measurements by curve, thinned out where there are many; the best and the latest are always there.
    #[serde(with = "map_as_pairs")]
    pub validations: BTreeMap<LossCurve, Vec<ValidationPoint>>,
    /// When the steps of each curve were done, and at which learning rate.
    #[serde(with = "map_as_pairs")]
    pub tracks: BTreeMap<LossCurve, StepTrack>,
    /// Corners that are ready, by number.
    #[serde(with = "map_as_pairs")]
    pub corners: BTreeMap<usize, CornerReady>,
    /// What alignment did, by corner.
    #[serde(with = "map_as_pairs")]
    pub alignments: BTreeMap<usize, Alignment>,
    /// Distances and angles between the corners: as trained, and after alignment.
    pub geometry: Vec<Geometry>,
    /// Changes of degree: step, before, after.
    pub degree_changes: Vec<(u64, Degrees, Degrees)>,
    /// Where phases of the fit began: step, phase.
    pub phases: Vec<(u64, FitPhase)>,
    /// Changes of the learning rate's peak: step, before, after.
    pub rate_changes: Vec<(u64, f64, f64)>,
    /// Changes of the draws a step: step, before, after.
    pub draws_changes: Vec<(u64, usize, usize)>,
    /// Where the run came from, when it is a fork: directory and step.
    pub forked: Option<(std::path::PathBuf, u64)>,
    /// The last ensemble that was measured.
    pub ensemble: Option<EnsembleMeasured>,
    /// Ends of searches, latest last.
    pub searches: Vec<SearchResult>,
    /// Distances between control points, as last requested.
    pub distances: Option<Distances>,
    /// Exported models, latest last.
    pub exports: Vec<ExportedModel>,
    /// Points measured on the whole validation split, latest last.
    pub evaluated: Vec<MeasuredPoint>,
    /// Figures and best point of the last complete heatmap.
    pub complete: Option<(HeatmapSummary, MeasuredPoint)>,
    /// Seconds of every stage that ended.
    pub seconds: BTreeMap<JobStage, f64>,
    /// Sentences for people, oldest first, at most [`RunState::MAX_LOG_LINES`].
    pub log: VecDeque<LogLine>,
    /// The result, when the job is done.
    pub finished: Option<JobResult>,
    /// The degrees that the surface was lowered to after the job, which moved it: the result is that of an earlier surface.
    #[serde(default)]
    pub lowered: Option<Degrees>,
    /// Why the engine could not continue.
    pub failed: Option<String>,
    /// The engine ended in good order.
    pub closed: bool,
    /// The present state.
    pub snapshot: Option<Snapshot>,
    /// Time of the last event after which work continued; losses show how long it took since.
    pub working_since: Option<f64>,
    /// What events alone know of the curve that a snapshot added the latest steps to; [`RunState::apply_snapshot`] keeps it.
    #[serde(skip)]
    pub durable_curve: Option<Box<DurableCurve>>,
}

impl RunState {
    /// Lines of log that are kept.
    pub const MAX_LOG_LINES: usize = 500;

    /// The degrees of the surface after `step` fit steps, as far as they are known.
    pub fn degrees_at(&self, step: u64) -> Option<Degrees> {
        let after = self.degree_changes.partition_point(|c| c.0 <= step);
        match (self.degree_changes.get(after), after.checked_sub(1)) {
            (Some(next), _) => Some(next.1),
            (None, Some(last)) => Some(self.degree_changes[last].2),
            (None, None) => self.snapshot.as_ref().map(|s| s.degrees),
        }
    }

    /// The phase of the fit that step number `step` belongs to, as far as it is known.
    pub fn phase_at(&self, step: u64) -> Option<FitPhase> {
        let after = self.phases.partition_point(|p| p.0 <= step);
        Some(self.phases[after.checked_sub(1)?].1)
    }

    /// True when the control points branch from one network in the fit, or did.
    pub fn is_branched(&self) -> bool {
        self.phases.iter().any(|p| p.1 == FitPhase::Trunk)
    }

    /// What the run is doing, as far as events and snapshot show; they do not show whether an engine is alive.
    pub fn engine_state(&self) -> EngineState {
        if self.failed.is_some() {
            EngineState::Failed
        } else if self.closed {
            if self.finished.is_some() { EngineState::Finished } else { EngineState::Closed }
        } else {
            self.snapshot.as_ref().map_or(EngineState::Starting, |s| s.state)
        }
    }

    /// The result of a job that is done, unless an engine has failed on the run since: the result is then of what can no
    /// longer be opened.
    pub fn job_result(&self) -> Option<&JobResult> {
        self.finished.as_ref().filter(|_| self.failed.is_none())
    }

    /// The job's best point and the grid it was found on, when the present surface is the same, its heatmap has another grid
    /// and nothing as good is measured there.
    pub fn better_point_on_other_grid(&self) -> Option<(MeasuredPoint, usize)> {
        let map = &self.snapshot.as_ref()?.heatmap;
        let job = self.finished.as_ref().filter(|f| f.grid != map.grid)?;
        let measured = map.surface_cells().filter_map(|i| map.cells[i].accuracy());
        let here = measured.max_by(f64::total_cmp)?;
        let better = self.lowered.is_none() && here < job.best.accuracy;
        better.then_some((job.best, job.grid))
    }

    /// Validation accuracy of the best corner.
    pub fn best_corner_accuracy(&self) -> Option<f64> {
        self.corners.values().map(|c| c.accuracy).max_by(f64::total_cmp)
    }
}

#[cfg(test)]
mod tests;

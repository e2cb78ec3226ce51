//! The whole picture of a run as a client has it: a fold over events, with the latest snapshot on top.

mod fold;
mod fresh;
mod points;
mod sentence;
mod topic;
mod validation;

pub use fresh::Durable;
pub use points::{Matrix, PointFigure, corner_of};
pub use sentence::sentence;
pub use topic::Topic;
pub use validation::Validation;

use crate::draws::Phase;
use crate::event::{
    Alignment, Corner, Curve, Distances, EnsembleMeasured, Exported, Finished, Geometry, RunInfo,
    Searched, Stage,
};
use crate::heatmap::{Point, Summary};
use crate::series::{Series, Track};
use crate::snapshot::{Snapshot, State};
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
    pub topic: Topic,
}

/// Everything known about a run. Built from events alone it shows the history; a snapshot adds the present.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Picture {
    /// Number of the last event seen.
    pub seq: u64,
    /// Time of the first event, seconds since the Unix epoch.
    pub began: Option<f64>,
    /// Time of the latest engine's start, seconds since the Unix epoch.
    pub started: Option<f64>,
    /// Facts from the engine's start.
    pub info: Option<RunInfo>,
    /// Loss curves of the corners and the surface.
    pub curves: BTreeMap<Curve, Series>,
    /// Validation measurements by curve, thinned out where there are many; the best and the latest are always there.
    pub validations: BTreeMap<Curve, Vec<Validation>>,
    /// When the steps of each curve were done, and at which learning rate.
    pub tracks: BTreeMap<Curve, Track>,
    /// Corners that are ready, by number.
    pub corners: BTreeMap<usize, Corner>,
    /// What alignment did, by corner.
    pub alignments: BTreeMap<usize, Alignment>,
    /// Distances and angles between the corners: as trained, and after alignment.
    pub geometry: Vec<Geometry>,
    /// Changes of degree: step, before, after.
    pub degree_changes: Vec<(u64, Degrees, Degrees)>,
    /// Where phases of the fit began: step, phase.
    pub phases: Vec<(u64, Phase)>,
    /// Changes of the learning rate's peak: step, before, after.
    pub rate_changes: Vec<(u64, f64, f64)>,
    /// Changes of the draws a step: step, before, after.
    pub draws_changes: Vec<(u64, usize, usize)>,
    /// Where the run came from, when it is a fork: directory and step.
    pub forked: Option<(std::path::PathBuf, u64)>,
    /// The last ensemble that was measured.
    pub ensemble: Option<EnsembleMeasured>,
    /// Ends of searches, latest last.
    pub searches: Vec<Searched>,
    /// Distances between control points, as last asked for.
    pub distances: Option<Distances>,
    /// Exported models, latest last.
    pub exports: Vec<Exported>,
    /// Points measured on the whole validation split, latest last.
    pub evaluated: Vec<Point>,
    /// Figures and best point of the last complete heatmap.
    pub complete: Option<(Summary, Point)>,
    /// Seconds of every stage that ended.
    pub seconds: BTreeMap<Stage, f64>,
    /// Sentences for people, oldest first, at most [`Picture::LOG`].
    pub log: VecDeque<LogLine>,
    /// The result, when the job is done.
    pub finished: Option<Finished>,
    /// The degrees that the surface was lowered to after the job, which moved it: the result is that of an earlier surface.
    #[serde(default)]
    pub lowered: Option<Degrees>,
    /// Why the engine could not go on.
    pub failed: Option<String>,
    /// The engine ended in good order.
    pub closed: bool,
    /// The present state.
    pub snapshot: Option<Snapshot>,
    /// Time of the last event after which work went on; losses tell how long it took since.
    pub working_since: Option<f64>,
    /// What events alone know of the curve that a snapshot added the latest steps to; [`Picture::show`] keeps it.
    #[serde(skip)]
    pub durable: Option<Box<Durable>>,
}

impl Picture {
    /// Lines of log that are kept.
    pub const LOG: usize = 500;

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
    pub fn phase_at(&self, step: u64) -> Option<Phase> {
        let after = self.phases.partition_point(|p| p.0 <= step);
        Some(self.phases[after.checked_sub(1)?].1)
    }

    /// What the run is doing, as far as events and snapshot tell; whether an engine is alive they cannot tell.
    pub fn state(&self) -> State {
        if self.failed.is_some() {
            State::Failed
        } else if self.closed {
            if self.finished.is_some() {
                State::Finished
            } else {
                State::Closed
            }
        } else {
            self.snapshot.as_ref().map_or(State::Starting, |s| s.state)
        }
    }

    /// The result of a job that is done, unless an engine has failed on the run since: the result is then of what can no
    /// longer be opened.
    pub fn done(&self) -> Option<&Finished> {
        self.finished.as_ref().filter(|_| self.failed.is_none())
    }

    /// The job's best point and the grid it was found on, when the present surface is the same, its heatmap has another grid
    /// and nothing as good is measured there.
    pub fn better_elsewhere(&self) -> Option<(Point, usize)> {
        let map = &self.snapshot.as_ref()?.heatmap;
        let job = self.finished.as_ref().filter(|f| f.grid != map.grid)?;
        let measured = map.inside().filter_map(|i| map.cells[i].accuracy());
        let here = measured.max_by(f64::total_cmp)?;
        let better = self.lowered.is_none() && here < job.best.accuracy;
        better.then_some((job.best, job.grid))
    }

    /// Validation accuracy of the best corner.
    pub fn best_corner(&self) -> Option<f64> {
        self.corners
            .values()
            .map(|c| c.accuracy)
            .max_by(f64::total_cmp)
    }
}

#[cfg(test)]
mod tests;

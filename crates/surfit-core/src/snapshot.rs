//! The present state of a run, of which only the latest matters.

use crate::cost::FitCost;
use crate::draws::FitPhase;
use crate::event::{JobStage, LossCurve};
use crate::heatmap::{Heatmap, HeatmapChange, Metric};
use crate::machine::MachineLoad;
use crate::numbers::{nan_as_null, nans_as_null};
use crate::surface::Degrees;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

/// What the engine is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum EngineState {
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
    /// It could not continue.
    Failed,
    /// The engine process ended in good order.
    Closed,
}

impl EngineState {
    /// The state's name for people.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// One control point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlPoint {
    /// Index along `u`, `0..=m`.
    pub i: usize,
    /// Index along `v`, `0..=n`.
    pub j: usize,
    /// A corner that is never trained.
    pub corner: bool,
    /// Held still by the user.
    pub frozen: bool,
    /// Distance from its place on the linear surface, relative to the mean distance between corners. Where corners train,
    /// too, the distance from the mean of all points, relative to that mean's norm.
    #[serde(with = "nan_as_null")]
    pub travelled: f64,
    /// Root mean square of the gradient's norm over recent steps; 0 for points that do not train.
    #[serde(with = "nan_as_null")]
    pub gradient: f64,
    /// Recent values of `gradient`, oldest first, at most 32.
    #[serde(with = "nans_as_null")]
    pub gradients: Vec<f32>,
    /// Validation accuracy of the surface at the point's place `(i/m, j/n)`, from the heatmap's cell there; `None`
    /// where no cell is near that is measured.
    #[serde(default)]
    pub accuracy: Option<f64>,
}

impl ControlPoint {
    fn without_recent_gradients(&self) -> Self {
        Self { gradients: Vec::new(), ..*self }
    }
}

/// A long-running request: a measurement, a search, an export. The stage waits meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunningTask {
    /// What it is, for people: `exporting the best point`.
    pub name: String,
    /// Units of work done, and in all as far as known.
    pub done: u64,
    /// Total units of work, as far as known.
    pub total: u64,
    /// Others that wait behind it.
    pub waiting: usize,
}

/// Losses of the latest steps that no event has yet. A long fit reports its losses in longer and longer stretches, so that
/// its record stays short; here they are at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnloggedLosses {
    /// Curve that the losses belong to.
    pub curve: LossCurve,
    /// Step of the first value: the one after the last that an event has reported.
    pub first_step: u64,
    /// Mean training cross-entropy of each step; `null` where it was not finite.
    #[serde(with = "nans_as_null")]
    pub values: Vec<f32>,
    /// Learning rate at the last of them.
    pub rate: f64,
    /// When the last of them was known, seconds since the Unix epoch.
    pub time: f64,
}

/// The state of a run at one moment. Only plain numbers: the engine keeps the tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Number of the last event before this snapshot.
    pub seq: u64,
    /// What the engine is doing.
    pub state: EngineState,
    /// The stage it is in, or was in last.
    pub stage: JobStage,
    /// Units of work done and in all in this stage: optimizer steps, cells.
    pub done: u64,
    /// Total units of work in this stage.
    pub total: u64,
    /// Seconds that the stage has run, in this engine and in earlier ones.
    #[serde(default)]
    pub stage_seconds: f64,
    /// Units a second of late; 0 when not known.
    pub rate: f64,
    /// Seconds the rest of this stage will take at this pace; `None` when not known.
    pub seconds_left: Option<f64>,
    /// Phase of the fit, when one was begun.
    pub phase: Option<FitPhase>,
    /// Optimizer steps of the fit done, and in all.
    pub fit_step: u64,
    /// Total optimizer steps of the fit.
    pub fit_total: u64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Degrees of the surface.
    pub degrees: Degrees,
    /// Metric that clients show first; selection goes by validation accuracy whatever it is. One that only a newer engine
    /// knows is read as the default.
    #[serde(deserialize_with = "Metric::deserialize_known")]
    pub metric: Metric,
    /// The surface as measured so far.
    pub heatmap: Heatmap,
    /// All control points, in row order; empty before the corners are ready.
    pub control_points: Vec<ControlPoint>,
    /// Parameters `(u, v)` of the marked points.
    pub marks: Vec<(f64, f64)>,
    /// Clients that watch this run.
    pub viewers: usize,
    /// Resident memory of the engine in bytes; 0 when not known.
    pub memory: u64,
    /// Peak of the fit's learning rate now: that of the configuration, or what it was changed to.
    #[serde(default)]
    pub peak_rate: f64,
    /// Surface points that a minibatch of the fit is split over now.
    #[serde(default)]
    pub draws: usize,
    /// Optimizer steps a second of late, of a corner or of the fit; 0 when nothing trains.
    #[serde(default)]
    pub steps_per_second: f64,
    /// Training images a second of late: steps a second times the images of a minibatch; 0 when nothing trains.
    #[serde(default)]
    pub images_per_second: f64,
    /// Seconds the rest of the whole job will take; `None` when not known yet.
    #[serde(default)]
    pub job_seconds_left: Option<f64>,
    /// The running request.
    #[serde(default)]
    pub errand: Option<RunningTask>,
    /// What a step costs, and memory.
    #[serde(default)]
    pub cost: FitCost,
    /// Load of the machine.
    #[serde(default)]
    pub machine: MachineLoad,
    /// What no event reported yet; [`RunState::apply_snapshot`](crate::run_state::RunState::apply_snapshot) adds it to the curves.
    #[serde(default)]
    pub fresh: Option<UnloggedLosses>,
    /// Why the work waits, such as for disk space, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
}

/// A snapshot by what is new in it since an earlier one: of a large grid few cells are measured between two snapshots,
/// and of the control points' gradients only the latest is new.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SnapshotDelta {
    /// All but the heatmap, in whose place is the smallest there is, and the gradients' recent values.
    rest: Snapshot,
    /// What is new in the heatmap.
    heatmap: HeatmapChange,
    /// What is new in the recent gradients of each control point.
    gradients: Vec<GradientChange>,
}

/// Recent gradients of a control point, by what is new in them: so many fell off the front, and these came at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct GradientChange(usize, #[serde(with = "nans_as_null")] Vec<f32>);

impl GradientChange {
    /// The change from `before`; all values are new where the two have nothing in common.
    fn between(before: &[f32], now: &[f32]) -> Self {
        // As bits, so that a value that is not finite equals itself.
        let same = |a: &[f32], b: &[f32]| a.iter().map(|v| v.to_bits()).eq(b.iter().map(|v| v.to_bits()));
        let is_kept = |dropped: &usize| {
            let kept = &before[*dropped..];
            kept.len() <= now.len() && same(kept, &now[..kept.len()])
        };
        let dropped = (0..before.len()).find(is_kept).unwrap_or(before.len());
        Self(dropped, now[before.len() - dropped..].to_vec())
    }

    fn apply_to(self, before: &[f32]) -> Option<Vec<f32>> {
        Some([before.get(self.0..)?, &self.1].concat())
    }
}

impl SnapshotDelta {
    /// The snapshot that follows `before`; `None` when the change does not belong there.
    pub fn apply_to(self, before: &Snapshot) -> Option<Snapshot> {
        let (mut heatmap, mut now) = (before.heatmap.clone(), self.rest);
        let points = now.control_points.len();
        if heatmap.patch != now.heatmap.patch
            || !heatmap.apply_change(&self.heatmap)
            || (before.control_points.len(), self.gradients.len()) != (points, points)
        {
            return None;
        }
        now.heatmap = heatmap;
        let changes = self.gradients.into_iter().zip(&before.control_points);
        for (point, (change, then)) in now.control_points.iter_mut().zip(changes) {
            point.gradients = change.apply_to(&then.gradients)?;
        }
        Some(now)
    }
}

impl Snapshot {
    /// True while all control points are one network that is to branch.
    pub fn is_trunk(&self) -> bool {
        self.control_points.is_empty() && self.phase == Some(FitPhase::Trunk)
    }

    /// This snapshot for a client that has an earlier one; `None` when it is to be sent whole.
    pub fn diff(&self, before: &Snapshot) -> Option<SnapshotDelta> {
        if self.control_points.len() != before.control_points.len() {
            return None;
        }
        let heatmap = self.heatmap.diff(&before.heatmap)?;
        let pairs = before.control_points.iter().zip(&self.control_points);
        let gradients = pairs.map(|(then, now)| GradientChange::between(&then.gradients, &now.gradients)).collect();
        let control_points = self.control_points.iter().map(ControlPoint::without_recent_gradients).collect();
        let rest = Snapshot { heatmap: Heatmap::new(self.heatmap.patch, 2), control_points, ..self.clone() };
        Some(SnapshotDelta { rest, heatmap, gradients })
    }

    /// A snapshot before anything is known.
    pub fn empty(degrees: Degrees, grid: usize) -> Self {
        Self {
            seq: 0,
            state: EngineState::Starting,
            stage: JobStage::Data,
            done: 0,
            total: 0,
            stage_seconds: 0.0,
            rate: 0.0,
            seconds_left: None,
            phase: None,
            fit_step: 0,
            fit_total: 0,
            learning_rate: 0.0,
            degrees,
            metric: Metric::ACCURACY,
            heatmap: Heatmap::new(degrees.patch(), grid),
            control_points: Vec::new(),
            marks: Vec::new(),
            viewers: 0,
            memory: 0,
            peak_rate: 0.0,
            draws: 1,
            steps_per_second: 0.0,
            images_per_second: 0.0,
            job_seconds_left: None,
            errand: None,
            cost: FitCost::default(),
            machine: MachineLoad::default(),
            fresh: None,
            waits_for: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heatmap::Cell;

    fn control_point(n: usize) -> ControlPoint {
        let (corner, frozen, accuracy) = (false, false, None);
        ControlPoint { i: n / 4, j: n % 4, corner, frozen, travelled: 0.1, gradient: 0.2, gradients: vec![], accuracy }
    }

    #[test]
    fn recent_gradients_are_told_by_what_is_new_and_come_back() {
        let nan = f32::NAN;
        for (before, now, count) in [
            (&[][..], &[1.0, 2.0][..], 2),
            (&[1.0, nan, 3.0], &[1.0, nan, 3.0], 0),
            (&[1.0, nan, 3.0], &[nan, 3.0, 4.0], 1),
            (&[1.0, 2.0, 3.0], &[3.0, 4.0, 5.0, 6.0], 3),
            (&[1.0, 2.0], &[7.0], 1),
            (&[1.0, 2.0], &[], 0),
        ] {
            let change = GradientChange::between(before, now);
            assert_eq!(change.1.len(), count, "{before:?} {now:?}");
            let back = change.apply_to(before).unwrap();
            assert_eq!(format!("{back:?}"), format!("{now:?}"));
        }
        assert_eq!(GradientChange(3, vec![1.0]).apply_to(&[1.0, 2.0]), None);
    }

    #[test]
    fn a_snapshot_of_a_large_grid_is_told_by_what_is_new() {
        let degrees = Degrees::new(3, 3).unwrap();
        let mut now = Snapshot::empty(degrees, Heatmap::MAX_GRID);
        now.control_points = (0..16).map(control_point).collect();
        let mut there = now.clone();
        for n in 0..200u64 {
            let before = now.clone();
            for cell in [n, 17 * n + 3] {
                now.heatmap.cells[cell as usize] =
                    Cell::from_counts(n as u32, 500, if n == 50 { f32::NAN } else { 0.123 }, n);
            }
            (now.heatmap.version, now.fit_step) = (n + 1, n);
            for point in &mut now.control_points {
                point.gradients.drain(..point.gradients.len().saturating_sub(31));
                point.gradients.push(if n % 9 == 0 { f32::NAN } else { n as f32 / 7.0 });
            }
            let changed = now.diff(&before).expect("few cells are new");
            let json = serde_json::to_vec(&changed).unwrap();
            let whole = serde_json::to_vec(&now).unwrap();
            assert!(50 * json.len() < whole.len(), "{} {}", json.len(), whole.len());
            let back: SnapshotDelta = serde_json::from_slice(&json).unwrap();
            there = back.apply_to(&there).unwrap();
            // As text: a cell without a loss is not equal to itself.
            assert_eq!(serde_json::to_vec(&there).unwrap(), whole);
        }
    }

    #[test]
    fn a_snapshot_with_a_metric_of_a_newer_engine_is_read() {
        let mut snapshot = Snapshot::empty(Degrees::new(2, 2).unwrap(), 3);
        snapshot.metric = Metric::LOSS;
        let json = serde_json::to_string(&snapshot).unwrap();
        assert_eq!(serde_json::from_str::<Snapshot>(&json).unwrap(), snapshot);
        let newer = json.replace(r#""metric":"loss""#, r#""metric":"of-tomorrow""#);
        assert_ne!(newer, json);
        assert_eq!(serde_json::from_str::<Snapshot>(&newer).unwrap().metric, Metric::default());
    }

    #[test]
    fn another_heatmap_is_told_whole_and_a_change_of_another_is_refused() {
        let degrees = Degrees::new(3, 3).unwrap();
        let small = Snapshot::empty(degrees, 5);
        let mut large = Snapshot::empty(degrees, 7);
        assert!(small.diff(&large).is_none());
        let mut other = small.clone();
        other.heatmap.cells.iter_mut().for_each(|c| c.images = 1);
        assert!(other.diff(&small).is_none(), "nearly all is new");
        let mut points = small.clone();
        points.control_points.push(control_point(0));
        assert!(points.diff(&small).is_none(), "other control points");
        let mut last = large.clone();
        last.heatmap.cells[48].images = 3;
        let change = last.diff(&large).unwrap();
        assert!(change.clone().apply_to(&small).is_none());
        large.control_points.push(control_point(0));
        assert!(change.apply_to(&large).is_none());
    }
}

//! Ensembles of points of the surface: the mean of their class probabilities. Measured on validation, chosen there greedily
//! (Caruana et al. 2004) or given, and exported with one test figure for the whole.

mod ensemble_export;
mod greedy_selection;

use self::greedy_selection::{VotingMember, measure_members, require_probabilities, select_greedily};
use super::{Actor, ActorTask, ExportTarget};
use crate::evaluate::{MeasuredSplit, MeasurementResult, NetworkMeasurement};
use crate::export_folder::ExportFolder;
use crate::{EngineError, Result};
use std::path::Path;
use surfit_core::event::{EnsembleMeasured, Event};
use surfit_core::heatmap::Metric;
use surfit_core::protocol::MAX_MEMBERS;
use surfit_weights::names::NameMap;
use tch::Tensor;

/// Points that a greedy choice is made among, for every member, and at least.
const CANDIDATES_PER_MEMBER: usize = 3;
const MIN_CANDIDATES: usize = 12;
const MAX_PROBABILITY_BYTES: usize = 1 << 30;

#[derive(Debug)]
pub(in crate::actor) struct MeasuringEnsemble {
    /// Where it is exported to; `None` when only its figures are reported.
    target: Option<ExportTarget>,
    /// Members to choose among those measured; `None` to take all.
    members_to_choose: Option<usize>,
    /// They are chosen, or were, and not given.
    is_greedy: bool,
    /// Points that are to be measured, last first.
    remaining_points: Vec<(f64, f64)>,
    members: Vec<VotingMember>,
    measurement: Option<NetworkMeasurement>,
    /// Sum of the members' probabilities on the test split, and how many are in it.
    test_probability_sum: Option<Tensor>,
    tested_members: usize,
    folder: Option<ExportFolder>,
    image_progress: (u64, u64),
    images_done: u64,
}

impl MeasuringEnsemble {
    pub(in crate::actor) fn of_points(
        actor: &Actor<'_>,
        points: &[(f64, f64)],
        target: Option<ExportTarget>,
    ) -> Result<Self> {
        for &(u, v) in points {
            actor.check_parameters(u, v)?;
        }
        if points.is_empty() || points.len() > MAX_MEMBERS {
            return Err(EngineError::input(format!(
                "an ensemble of {} cannot be made; mark 1 to {MAX_MEMBERS} points",
                points.len()
            )));
        }
        Self::new(actor, points.to_vec(), None, target)
    }

    /// An ensemble of `count`, chosen among the best cells and the marks.
    pub(in crate::actor) fn greedy(actor: &Actor<'_>, count: usize, target: ExportTarget) -> Result<Self> {
        if !(1..=MAX_MEMBERS).contains(&count) {
            return Err(EngineError::input(format!(
                "an ensemble of {count} cannot be made; choose 1 to {MAX_MEMBERS} members"
            )));
        }
        let heatmap = &actor.heatmap;
        let mut points: Vec<(f64, f64)> = actor.marks.clone();
        let cells = heatmap.rank_cells(Metric::SELECTION);
        let most = (CANDIDATES_PER_MEMBER * count).max(MIN_CANDIDATES);
        for index in cells.into_iter().take(most) {
            let uv = heatmap.parameters(index);
            if !points.contains(&uv) {
                points.push(uv);
            }
        }
        if points.len() < count {
            return Err(EngineError::wrong_state(format!(
                "only {} points are measured or marked, too few for an ensemble of {count}; wait for the heatmap",
                points.len()
            )));
        }
        Self::new(actor, points, Some(count), Some(target))
    }

    fn new(
        actor: &Actor<'_>,
        mut points: Vec<(f64, f64)>,
        choose: Option<usize>,
        target: Option<ExportTarget>,
    ) -> Result<Self> {
        actor.require_control_points()?;
        let images = actor.evaluator.validation_images() as usize;
        let bytes = points.len() * images * actor.data.classes.len() * 4;
        if bytes > MAX_PROBABILITY_BYTES {
            return Err(EngineError::OutOfMemory(format!(
                "the probabilities of {} networks on {images} images would take {} MB; choose fewer members",
                points.len(),
                bytes >> 20
            )));
        }
        points.reverse();
        Ok(Self {
            target,
            members_to_choose: choose,
            is_greedy: choose.is_some(),
            image_progress: (0, points.len() as u64 * images as u64),
            remaining_points: points,
            members: Vec::new(),
            measurement: None,
            test_probability_sum: None,
            tested_members: 0,
            folder: None,
            images_done: 0,
        })
    }

    /// Measures the next member on the validation split.
    fn measure_next_member(&mut self, actor: &mut Actor<'_>) -> Result<()> {
        let Some(&(u, v)) = self.remaining_points.last() else {
            return Ok(());
        };
        if self.measurement.is_none() {
            let w = actor.require_surface()?.network_at(u, v);
            let measuring = actor.new_measurement(w, None, MeasuredSplit::Validation);
            self.measurement = Some(measuring.with_probabilities());
        }
        self.advance_measurement(actor, |ensemble, _, measured| {
            ensemble.remaining_points.pop();
            ensemble.members.push(VotingMember {
                uv: (u, v),
                accuracy: measured.measurement.accuracy(),
                validation_probabilities: require_probabilities(measured.probabilities)?,
                stats: measured.stats,
            });
            Ok(())
        })
    }

    fn advance_measurement(
        &mut self,
        actor: &mut Actor<'_>,
        then: impl FnOnce(&mut Self, &mut Actor<'_>, MeasurementResult) -> Result<()>,
    ) -> Result<()> {
        let total = self.measurement.as_ref().map_or(0, |m| m.progress().1);
        if let Some(measured) = actor.advance_measurement(&mut self.measurement) {
            self.images_done += total;
            then(self, actor, measured)?;
        }
        let here = self.measurement.as_ref().map_or(0, |m| m.progress().0);
        let tests = match (&self.target, self.members_to_choose) {
            (None, _) => 0,
            (_, Some(count)) => count,
            (_, None) => self.members.len() + self.remaining_points.len(),
        };
        let calibration = actor.evaluator.calibration_images() as u64;
        let members = (self.members.len() + self.remaining_points.len()) as u64;
        let all = members * (calibration + actor.evaluator.validation_images() as u64)
            + tests as u64 * actor.data.test.len() as u64;
        self.image_progress = (self.images_done + here, all.max(self.images_done + here));
        Ok(())
    }

    /// What the tensors of its files are called; `None` for the layout's names.
    fn names(&self) -> Option<&NameMap> {
        self.target.as_ref()?.names.as_ref()
    }

    fn points(&self) -> Vec<(f64, f64)> {
        self.members.iter().map(|m| m.uv).collect()
    }
}

impl ActorTask for MeasuringEnsemble {
    fn name(&self) -> String {
        let members = self.members.len() + self.remaining_points.len();
        match (&self.target, self.members_to_choose) {
            (None, _) => format!("measuring an ensemble of {members}"),
            (_, Some(count)) => format!("choosing an ensemble of {count} among {members}"),
            (_, None) => format!("exporting an ensemble of {members}"),
        }
    }

    fn progress(&self) -> (u64, u64) {
        self.image_progress
    }

    fn folder(&self) -> Option<&Path> {
        self.target.as_ref()?.dir.as_deref()
    }

    fn tick(&mut self, actor: &mut Actor<'_>) -> Result<bool> {
        if !self.remaining_points.is_empty() {
            self.measure_next_member(actor)?;
            return Ok(false);
        }
        let split = actor.evaluator.validation();
        if let Some(count) = self.members_to_choose.take() {
            self.members = select_greedily(std::mem::take(&mut self.members), count, split)?;
        }
        if self.target.is_none() {
            let m = measure_members(&self.members, split)?;
            actor.journal.emit(Event::EnsembleMeasured(EnsembleMeasured {
                points: self.points(),
                accuracy: m.accuracy(),
                loss: m.loss(),
                members: self.members.iter().map(|m| m.accuracy).collect(),
                images: m.images,
                metrics: m.other_metrics(),
            }));
            return Ok(true);
        }
        if !self.write_members(actor)? {
            return Ok(false);
        }
        self.write_card(actor)?;
        Ok(true)
    }
}

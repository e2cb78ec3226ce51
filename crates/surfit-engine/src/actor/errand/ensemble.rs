//! Ensembles of points of the surface: the mean of their class probabilities. Measured on validation, chosen there greedily
//! (Caruana et al. 2004) or given, and exported with one test figure for the whole.

mod voting;
mod writing;

pub(in crate::actor) use voting::of_sum;

use self::voting::{VotingMember, greedy, probabilities, together};
use super::{Actor, ActorTask};
use crate::evaluate::{MeasuredSplit, MeasurementResult, NetworkMeasurement};
use crate::export;
use crate::export_folder::ExportFolder;
use crate::{EngineError, Result};
use std::path::{Path, PathBuf};
use surfit_core::event::{EnsembleMeasured, Event};
use surfit_core::heatmap::Metric;
use surfit_core::protocol::MAX_MEMBERS;
use surfit_weights::names::NameMap;
use tch::Tensor;

/// Points that a greedy choice is made among, for every member, and at least.
const CANDIDATES: usize = 3;
const FEWEST_CANDIDATES: usize = 12;
/// Bytes of probabilities that may be kept at a time.
const PROBABILITIES: usize = 1 << 30;

/// What becomes of the ensemble.
#[derive(Debug)]
enum EnsemblePurpose {
    /// It is only told how good it is.
    Measure,
    /// It is written.
    Export { dir: Option<PathBuf>, replace: bool },
}

/// See the module.
#[derive(Debug)]
pub(in crate::actor) struct MeasuringEnsemble {
    purpose: EnsemblePurpose,
    /// Members to choose among those measured; `None` to take all.
    choose: Option<usize>,
    /// They are chosen, or were, and not given.
    greedy: bool,
    /// Points that are to be measured, last first.
    left: Vec<(f64, f64)>,
    members: Vec<VotingMember>,
    measuring: Option<NetworkMeasurement>,
    /// Sum of the members' probabilities on the test split, and how many are in it.
    test: Option<Tensor>,
    tested: usize,
    folder: Option<ExportFolder>,
    /// What the tensors of its files are called; `None` for the layout's names.
    names: Option<NameMap>,
    images: (u64, u64),
    done: u64,
}

/// The test split for a network that was just measured on the validation split, with the same statistics.
pub(super) fn on_test(actor: &Actor<'_>, measured: &MeasurementResult) -> NetworkMeasurement {
    NetworkMeasurement::with_stats(
        &actor.model,
        &actor.evaluator,
        measured.w.shallow_clone(),
        measured.stats.shallow_clone(),
        MeasuredSplit::Test,
        0..actor.data.test.len(),
    )
}

impl MeasuringEnsemble {
    /// An ensemble of given points, to be measured.
    pub(in crate::actor) fn given(actor: &Actor<'_>, points: &[(f64, f64)]) -> Result<Self> {
        for &(u, v) in points {
            actor.check_parameters(u, v)?;
        }
        if points.is_empty() || points.len() > MAX_MEMBERS {
            return Err(EngineError::input(format!(
                "an ensemble of {} cannot be made; mark 1 to {MAX_MEMBERS} points",
                points.len()
            )));
        }
        Self::new(actor, points.to_vec(), None)
    }

    /// An ensemble of `count`, chosen among the best cells and the marks.
    pub(in crate::actor) fn greedy(actor: &Actor<'_>, count: usize) -> Result<Self> {
        if !(1..=MAX_MEMBERS).contains(&count) {
            return Err(EngineError::input(format!(
                "an ensemble of {count} cannot be made; choose 1 to {MAX_MEMBERS} members"
            )));
        }
        let heatmap = &actor.heatmap;
        let mut points: Vec<(f64, f64)> = actor.marks.clone();
        let cells = heatmap.ranking(Metric::Accuracy);
        let most = (CANDIDATES * count).max(FEWEST_CANDIDATES);
        for index in cells.into_iter().take(most) {
            let uv = heatmap.parameters(index);
            if !points.contains(&uv) {
                points.push(uv);
            }
        }
        if points.len() < count {
            return Err(EngineError::input(format!(
                "only {} points are measured or marked, too few for an ensemble of {count}; wait for the heatmap",
                points.len()
            )));
        }
        Self::new(actor, points, Some(count))
    }

    /// Writes it too.
    pub(in crate::actor) fn exported(
        mut self,
        dir: Option<PathBuf>,
        replace: bool,
    ) -> Result<Self> {
        if let Some(dir) = &dir {
            export::refuse_folder(dir, replace)?;
        }
        self.purpose = EnsemblePurpose::Export { dir, replace };
        Ok(self)
    }

    /// The same under other names of tensors; `None` for the layout's.
    pub(in crate::actor) fn named(mut self, names: Option<NameMap>) -> Self {
        self.names = names;
        self
    }

    fn new(actor: &Actor<'_>, mut points: Vec<(f64, f64)>, choose: Option<usize>) -> Result<Self> {
        actor.needs_surface()?;
        let images = actor.evaluator.validation_images() as usize;
        let bytes = points.len() * images * actor.data.classes.len() * 4;
        if bytes > PROBABILITIES {
            return Err(EngineError::input(format!(
                "the probabilities of {} networks on {images} images would take {} MB; choose fewer members",
                points.len(),
                bytes >> 20
            )));
        }
        points.reverse();
        Ok(Self {
            purpose: EnsemblePurpose::Measure,
            choose,
            greedy: choose.is_some(),
            images: (0, points.len() as u64 * images as u64),
            left: points,
            members: Vec::new(),
            measuring: None,
            test: None,
            tested: 0,
            folder: None,
            names: None,
            done: 0,
        })
    }

    /// Measures the next member on the validation split.
    fn measure(&mut self, actor: &mut Actor<'_>) -> Result<()> {
        let Some(&(u, v)) = self.left.last() else {
            return Ok(());
        };
        if self.measuring.is_none() {
            let w = actor.needs_surface()?.at(u, v);
            let measuring = actor.measuring(w, MeasuredSplit::Validation);
            self.measuring = Some(measuring.keeping_probabilities());
        }
        self.go_on(actor, |ensemble, _, measured| {
            ensemble.left.pop();
            ensemble.members.push(VotingMember {
                uv: (u, v),
                accuracy: measured.measurement.accuracy(),
                validation: probabilities(measured.probabilities)?,
                stats: measured.stats,
            });
            Ok(())
        })
    }

    fn go_on(
        &mut self,
        actor: &mut Actor<'_>,
        then: impl FnOnce(&mut Self, &mut Actor<'_>, MeasurementResult) -> Result<()>,
    ) -> Result<()> {
        let total = self.measuring.as_ref().map_or(0, |m| m.progress().1);
        if let Some(measured) = actor.go_on_measuring(&mut self.measuring) {
            self.done += total;
            then(self, actor, measured)?;
        }
        let here = self.measuring.as_ref().map_or(0, |m| m.progress().0);
        let writes = matches!(self.purpose, EnsemblePurpose::Export { .. });
        let tests = match (writes, self.choose) {
            (false, _) => 0,
            (true, Some(count)) => count,
            (true, None) => self.members.len() + self.left.len(),
        };
        let calibration = actor.evaluator.calibration_images() as u64;
        let members = (self.members.len() + self.left.len()) as u64;
        let all = members * (calibration + actor.evaluator.validation_images() as u64)
            + tests as u64 * actor.data.test.len() as u64;
        self.images = (self.done + here, all.max(self.done + here));
        Ok(())
    }

    fn points(&self) -> Vec<(f64, f64)> {
        self.members.iter().map(|m| m.uv).collect()
    }
}

impl ActorTask for MeasuringEnsemble {
    fn name(&self) -> String {
        let members = self.members.len() + self.left.len();
        match (&self.purpose, self.choose) {
            (EnsemblePurpose::Measure, _) => format!("measuring an ensemble of {members}"),
            (_, Some(count)) => format!("choosing an ensemble of {count} among {members}"),
            (_, None) => format!("exporting an ensemble of {members}"),
        }
    }

    fn progress(&self) -> (u64, u64) {
        self.images
    }

    fn folder(&self) -> Option<&Path> {
        match &self.purpose {
            EnsemblePurpose::Export { dir, .. } => dir.as_deref(),
            EnsemblePurpose::Measure => None,
        }
    }

    fn slice(&mut self, actor: &mut Actor<'_>) -> Result<bool> {
        if !self.left.is_empty() {
            self.measure(actor)?;
            return Ok(false);
        }
        let split = actor.evaluator.validation();
        if let Some(count) = self.choose.take() {
            self.members = greedy(std::mem::take(&mut self.members), count, split)?;
        }
        if let EnsemblePurpose::Measure = self.purpose {
            let m = together(&self.members, split)?;
            actor.journal.say(Event::EnsembleMeasured(EnsembleMeasured {
                points: self.points(),
                accuracy: m.accuracy(),
                loss: m.loss(),
                members: self.members.iter().map(|m| m.accuracy).collect(),
                images: m.images,
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

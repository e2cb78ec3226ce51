//! Writing an ensemble: its members' files, the test split measured on the way, and the card of the whole.

use super::voting::{of_sum, probabilities, together};
use super::{EnsemblePurpose, MeasuringEnsemble};
use crate::actor::Actor;
use crate::evaluate::{MeasuredSplit, NetworkMeasurement};
use crate::export::{self, ChosenModel, EnsembleMember};
use crate::export_folder::ExportFolder;
use crate::{EngineError, Result, model_file};
use surfit_core::event::Event;

impl MeasuringEnsemble {
    /// Writes the next member and measures it on the test split; true when all are.
    pub(super) fn write_members(&mut self, actor: &mut Actor<'_>) -> Result<bool> {
        let Some(member) = self.members.get(self.tested) else {
            return Ok(true);
        };
        if self.measuring.is_none() {
            let w = actor.needs_surface()?.at(member.uv.0, member.uv.1);
            let file = EnsembleMember::file(self.tested);
            let file = self.folder(actor)?.workplace().join(file);
            let member = &self.members[self.tested];
            let layout = actor.model.network().layout();
            model_file::write(&file, layout, &w, &member.stats, self.names.as_ref())?;
            let stats = member.stats.shallow_clone();
            let all = 0..actor.data.test.len();
            let measuring = NetworkMeasurement::with_stats(
                &actor.model,
                &actor.evaluator,
                w,
                stats,
                MeasuredSplit::Test,
                all,
            );
            self.measuring = Some(measuring.keeping_probabilities());
        }
        self.go_on(actor, |ensemble, _, measured| {
            let now = probabilities(measured.probabilities)?;
            ensemble.test = Some(match ensemble.test.take() {
                Some(sum) => sum + now,
                None => now,
            });
            ensemble.tested += 1;
            Ok(())
        })?;
        Ok(false)
    }

    /// The folder that is written, made ready when it is asked for first.
    fn folder(&mut self, actor: &Actor<'_>) -> Result<&mut ExportFolder> {
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => self.begin_folder(actor)?,
        };
        Ok(self.folder.insert(folder))
    }

    fn begin_folder(&self, actor: &Actor<'_>) -> Result<ExportFolder> {
        let (dir, replace) = match &self.purpose {
            EnsemblePurpose::Export { dir, replace } => (dir.clone(), *replace),
            EnsemblePurpose::Measure => (None, false),
        };
        let step = actor.progress.map_or(0, |p| p.step);
        let (folder, replace) = match dir {
            Some(dir) => (actor.run.confine(&dir), replace),
            None => (actor.free_folder("ensemble", None, step), true),
        };
        ExportFolder::begin(&folder, replace)
    }

    pub(super) fn write_card(&mut self, actor: &mut Actor<'_>) -> Result<()> {
        let validation = together(&self.members, actor.evaluator.validation())?;
        let sum = self.test.as_ref().ok_or_else(|| {
            EngineError::input("the test split has no images to measure an ensemble on")
        })?;
        let test = of_sum(sum, self.members.len(), &actor.data.test)?;
        let chosen = ChosenModel {
            selection: "ensemble".into(),
            uv: None,
            degrees: actor.needs_surface()?.degrees(),
            fit_steps: actor.progress.map_or(0, |p| p.step),
            run: actor.run.id(),
            names: self.names.clone(),
        };
        let members = self
            .members
            .iter()
            .enumerate()
            .map(|(index, m)| EnsembleMember {
                file: EnsembleMember::file(index),
                u: m.uv.0,
                v: m.uv.1,
                validation_accuracy: m.accuracy,
            })
            .collect();
        self.folder(actor)?;
        let Some(folder) = self.folder.take() else {
            return Ok(());
        };
        let mut exported = export::write_card(
            folder,
            &chosen,
            [validation, test],
            members,
            &actor.model,
            &actor.data,
            &actor.config,
        )?;
        exported.chosen = Some(self.greedy);
        actor.tell_strictness(&chosen);
        actor.journal.say(Event::Exported(exported));
        Ok(())
    }
}

//! Writing an ensemble: its members' files, the test split measured on the way, and the card of the whole.

use super::MeasuringEnsemble;
use super::greedy_selection::{measure_members, require_probabilities};
use crate::actor::Actor;
use crate::evaluate::{MeasuredSplit, measure_ensemble};
use crate::export::{self, ChosenModel, EnsembleMember};
use crate::export_folder::ExportFolder;
use crate::{EngineError, Result, model_file};
use surfit_core::event::Event;

impl MeasuringEnsemble {
    /// Writes the next member and measures it on the test split; true when all are.
    pub(super) fn write_members(&mut self, actor: &mut Actor<'_>) -> Result<bool> {
        let Some(member) = self.members.get(self.tested_members) else {
            return Ok(true);
        };
        if self.measurement.is_none() {
            let w = actor.require_surface()?.network_at(member.uv.0, member.uv.1);
            let file = EnsembleMember::file_name(self.tested_members);
            let file = self.export_folder(actor)?.staging_folder().join(file);
            let member = &self.members[self.tested_members];
            let layout = actor.model.network().layout();
            model_file::write(&file, layout, &w, &member.stats, self.names(), &[])?;
            let measuring = actor.new_measurement(w, Some(member.stats.shallow_clone()), MeasuredSplit::Test);
            self.measurement = Some(measuring.with_probabilities());
        }
        self.advance_measurement(actor, |ensemble, _, measured| {
            let now = require_probabilities(measured.probabilities)?;
            ensemble.test_probability_sum = Some(match ensemble.test_probability_sum.take() {
                Some(sum) => sum + now,
                None => now,
            });
            ensemble.tested_members += 1;
            Ok(())
        })?;
        Ok(false)
    }

    /// The folder that is written, made ready when it is requested first.
    fn export_folder(&mut self, actor: &Actor<'_>) -> Result<&mut ExportFolder> {
        let folder = match self.folder.take() {
            Some(folder) => folder,
            None => {
                let step = actor.progress.map_or(0, |p| p.step);
                self.target.clone().unwrap_or_default().create_folder(actor, "ensemble", None, step)?
            }
        };
        Ok(self.folder.insert(folder))
    }

    pub(super) fn write_card(&mut self, actor: &mut Actor<'_>) -> Result<()> {
        let validation = measure_members(&self.members, actor.evaluator.validation())?;
        let sum = self
            .test_probability_sum
            .as_ref()
            .ok_or_else(|| EngineError::input("the test split has no images to measure an ensemble on"))?;
        let test = measure_ensemble(sum, self.members.len(), &actor.data.test)?;
        let chosen = ChosenModel {
            selection: "ensemble".into(),
            uv: None,
            degrees: actor.require_surface()?.degrees(),
            fit_steps: actor.progress.map_or(0, |p| p.step),
            run: actor.run.id(),
            names: self.names().cloned(),
        };
        let members = self
            .members
            .iter()
            .enumerate()
            .map(|(index, m)| EnsembleMember {
                file: EnsembleMember::file_name(index),
                u: m.uv.0,
                v: m.uv.1,
                validation_accuracy: m.accuracy,
            })
            .collect();
        self.export_folder(actor)?;
        let Some(folder) = self.folder.take() else {
            return Ok(());
        };
        let mut exported =
            export::write_card(folder, &chosen, [validation, test], members, &actor.model, &actor.data, &actor.config)?;
        exported.chosen = Some(self.is_greedy);
        actor.log_strictness_notice(&chosen);
        actor.journal.emit(Event::Exported(exported));
        Ok(())
    }
}

//! A model with its card: chosen, measured on validation, then once on the test split, and written.

use super::{Actor, ActorTask, ExportTarget};
use crate::evaluate::{MeasuredSplit, MeasurementResult, NetworkMeasurement};
use crate::export::{self, ChosenModel};
use crate::{EngineError, Result, model_file};
use std::path::Path;
use surfit_core::event::{Event, ExportedModel};
use surfit_core::heatmap::Metric;
use surfit_core::protocol::Selection;
use tch::Tensor;

/// Cells that are measured on the whole validation split before the best of them is taken.
const MAX_CANDIDATES: usize = 5;

#[derive(Debug)]
pub(in crate::actor) struct ExportTask {
    chosen: ChosenModel,
    target: ExportTarget,
    phase: ExportPhase,
    /// Images classified in the phases that are over.
    images_before: u64,
    measurement: Option<NetworkMeasurement>,
    pub(in crate::actor) exported: Option<ExportedModel>,
    /// True when the best of an incomplete heatmap was taken.
    heatmap_was_incomplete: bool,
}

#[derive(Debug)]
enum ExportPhase {
    /// Cells that may be the best, those left to be measured last first, and the version they are measured on.
    Candidates {
        cells: Vec<usize>,
        remaining: Vec<usize>,
        version: u64,
    },
    Validation,
    /// The network on the test split; the figures on the validation split.
    Test(Option<MeasurementResult>),
    Write {
        validation: MeasurementResult,
        test: MeasurementResult,
    },
}

impl ExportTask {
    /// Refuses at once what cannot be exported.
    pub(in crate::actor) fn new(actor: &Actor<'_>, selection: &Selection, target: ExportTarget) -> Result<Self> {
        let surface = actor.require_surface()?;
        let mut chosen = ChosenModel {
            selection: "best".into(),
            uv: None,
            degrees: surface.degrees(),
            fit_steps: actor.progress.map_or(0, |p| p.step),
            run: actor.run.id(),
            names: target.names.clone(),
        };
        let (phase, network): (_, Option<Tensor>) = match *selection {
            Selection::At { u, v } => {
                actor.check_parameters(u, v)?;
                chosen.selection = "at".into();
                chosen.uv = Some((u, v));
                (ExportPhase::Validation, Some(surface.network_at(u, v)))
            }
            Selection::Centroid => {
                chosen.selection = "centroid".into();
                (ExportPhase::Validation, Some(surface.centroid()))
            }
            _ => {
                let mut all = actor.heatmap.rank_cells(Metric::SELECTION);
                all.truncate(MAX_CANDIDATES);
                if all.is_empty() {
                    return Err(EngineError::wrong_state("no point is measured yet; wait for the heatmap"));
                }
                // Cells that were measured on a sample or on an earlier surface are measured on the whole split before
                // they may win: the best of many small samples is mostly the luckiest of them.
                let images = actor.evaluator.validation_images() as u32;
                let version = surface.version();
                let cell = |&i: &usize| actor.heatmap.cells[i];
                let poor = |i: &usize| cell(i).images < images || cell(i).version < version;
                let left = all.iter().rev().copied().filter(poor).collect();
                (ExportPhase::Candidates { cells: all, remaining: left, version }, None)
            }
        };
        Ok(Self {
            chosen,
            target,
            phase,
            images_before: 0,
            measurement: network.map(|w| actor.new_measurement(w, None, MeasuredSplit::Validation)),
            exported: None,
            heatmap_was_incomplete: false,
        })
    }

    #[cfg(test)]
    pub(in crate::actor) fn has_chosen(&self) -> bool {
        !matches!(self.phase, ExportPhase::Candidates { .. })
    }

    /// The best point of the surface as it is now, which the card states as the weights' origin: its degree may have
    /// been raised since the export was requested.
    fn choose_best(&mut self, actor: &mut Actor<'_>) -> Result<()> {
        let (done, _) = self.measurement_progress();
        let ExportPhase::Candidates { cells: all, remaining: left, version } = &mut self.phase else {
            return Ok(());
        };
        if self.measurement.is_none() {
            let Some(&index) = left.last() else {
                // The ranking's order again, among these alone.
                let ranking = actor.heatmap.rank_cells(Metric::SELECTION);
                let best = ranking.into_iter().find(|index| all.contains(index));
                let best = best.and_then(|index| actor.heatmap.measured_point(index));
                let best =
                    best.ok_or_else(|| EngineError::wrong_state("no point is measured yet; wait for the heatmap"))?;
                self.chosen.uv = Some((best.u, best.v));
                self.heatmap_was_incomplete = !actor.heatmap.is_complete();
                let surface = actor.require_surface()?;
                self.chosen.degrees = surface.degrees();
                let w = surface.network_at(best.u, best.v);
                self.measurement = Some(actor.new_measurement(w, None, MeasuredSplit::Validation));
                self.phase = ExportPhase::Validation;
                return Ok(());
            };
            let (u, v) = actor.heatmap.parameters(index);
            let w = actor.require_surface()?.network_at(u, v);
            self.measurement = Some(actor.new_measurement(w, None, MeasuredSplit::Validation));
        }
        if let Some(measured) = actor.advance_measurement(&mut self.measurement) {
            // All but the last slice, which is about nothing.
            self.images_before += done;
            let (Some(index), version) = (left.pop(), *version) else {
                return Ok(());
            };
            // The grid may have become another one.
            if let Some(cell) = actor.heatmap.cells.get_mut(index) {
                *cell = measured.measurement.as_cell(version);
            }
        }
        Ok(())
    }

    fn measurement_progress(&self) -> (u64, u64) {
        self.measurement.as_ref().map_or((0, 0), NetworkMeasurement::progress)
    }

    fn write_export(&mut self, actor: &mut Actor<'_>) -> Result<bool> {
        let ExportPhase::Write { validation, test } = &self.phase else {
            return Ok(false);
        };
        let (chosen, layout) = (&self.chosen, actor.model.network().layout());
        let folder = self.target.create_folder(actor, &chosen.selection, chosen.uv, chosen.fit_steps)?;
        let file = folder.staging_folder().join("model.safetensors");
        model_file::write(&file, layout, &validation.w, &validation.stats, chosen.names.as_ref(), &[])?;
        let figures = [validation.measurement, test.measurement];
        let exported =
            export::write_card(folder, chosen, figures, Vec::new(), &actor.model, &actor.data, &actor.config)?;
        self.exported = Some(exported);
        Ok(true)
    }
}

impl ActorTask for ExportTask {
    fn name(&self) -> String {
        match (self.chosen.selection.as_str(), self.chosen.uv) {
            ("at", Some((u, v))) => format!("exporting ({u:.3}, {v:.3})"),
            (selection, _) => format!("exporting the {selection}"),
        }
    }

    fn progress(&self) -> (u64, u64) {
        let (done, total) = self.measurement_progress();
        (self.images_before + done, self.images_before + total)
    }

    fn folder(&self) -> Option<&Path> {
        self.target.dir.as_deref()
    }

    fn tick(&mut self, actor: &mut Actor<'_>) -> Result<bool> {
        if self.advance(actor)? {
            if let Some(exported) = &self.exported {
                // In the slice that answers: what came before it is not in the reply.
                actor.log_strictness_notice(&self.chosen);
                if self.heatmap_was_incomplete {
                    actor.journal.log(
                        "the heatmap was not complete on this surface, so that another point may be better; export the \
                         best again when it is",
                    );
                }
                actor.journal.emit(Event::Exported(exported.clone()));
            }
            return Ok(true);
        }
        Ok(false)
    }
}

impl ExportTask {
    /// As a slice, but emits no event at its end.
    pub(in crate::actor) fn advance(&mut self, actor: &mut Actor<'_>) -> Result<bool> {
        let (done, _) = self.measurement_progress();
        match &mut self.phase {
            ExportPhase::Candidates { .. } => self.choose_best(actor)?,
            ExportPhase::Validation => {
                if let Some(measured) = actor.advance_measurement(&mut self.measurement) {
                    self.images_before += done;
                    // With the same statistics.
                    let (w, stats) = (measured.w.shallow_clone(), measured.stats.shallow_clone());
                    self.measurement = Some(actor.new_measurement(w, Some(stats), MeasuredSplit::Test));
                    self.phase = ExportPhase::Test(Some(measured));
                }
            }
            ExportPhase::Test(validation) => {
                if let Some(test) = actor.advance_measurement(&mut self.measurement)
                    && let Some(validation) = validation.take()
                {
                    self.images_before += done;
                    self.phase = ExportPhase::Write { validation, test };
                }
            }
            // After a full disk the write is retried with everything measured.
            ExportPhase::Write { .. } => return self.write_export(actor),
        }
        Ok(false)
    }
}

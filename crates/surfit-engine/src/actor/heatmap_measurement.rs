//! The heatmap: live within a budget of time during a fit, complete after it.

use super::grids::TEMPORARY_GRID_DURATION;
use super::race::{CellRace, RacePhase};
use super::{Actor, ActorActivity};
use crate::{EngineError, Result};
use serde::{Deserialize, Serialize};
use std::time::Instant;
use surfit_core::event::{Event, JobStage, LossCurve};
use surfit_core::heatmap::{Heatmap, Metric};
use surfit_core::numbers::nan_as_null;
use surfit_core::snapshot::EngineState;
use surfit_core::surface::TrainablePoints;

/// Bookkeeping of the live heatmap in the present round of the fit. It goes by steps and never by a clock: which cell is
/// measured after which step is a function of configuration and step, so that a resumed fit measures the same cells.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveProgress {
    /// Forward passes of one image that cells have cost.
    pub(super) passes: u64,
    /// Cells measured since the last validation point, and sums of their accuracies and losses.
    cells: u64,
    accuracy: f64,
    #[serde(with = "nan_as_null")]
    loss: f64,
}

/// What a checkpoint knows of the heatmap at its step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveMap {
    /// Cells as they are after the step.
    pub heatmap: Heatmap,
    /// What was measured for them in this round.
    pub progress: LiveProgress,
}

/// Forward passes that the training of one image costs, at least: its own, and a backward pass. By arithmetic it is three; a
/// small network on a CPU was measured at two, and the budget is to hold there, too.
const TRAINING_PASSES: u64 = 2;
/// Validation points on the surface's curve in a round of the fit, at most.
const MAX_VALIDATIONS: u64 = 300;

impl LiveProgress {
    /// True while the live heatmap has cost less than its share of the work of so many training images and its own.
    pub(super) fn is_within_budget(&self, budget: f64, trained_images: u64) -> bool {
        let training = (TRAINING_PASSES * trained_images) as f64;
        self.passes as f64 * (1.0 - budget) < budget * training
    }
}

impl Actor<'_> {
    /// Measures one cell when the live heatmap has a share of the work left: unmeasured cells first, coarse to fine, then
    /// the stalest.
    pub(super) fn tick_live_heatmap(&mut self) -> Result<()> {
        if self.progress.is_some_and(|p| p.step == 1) {
            // Where a curve begins, validation points that were reported before end: they are of an earlier fit.
            self.flush_losses();
        }
        let (Some(surface), Some(progress)) = (&self.surface, self.progress) else {
            return Ok(());
        };
        if surface.is_trunk() {
            // It has no map, since all cells would be the same network, but a validation point an epoch.
            if progress.step.is_multiple_of(self.fit_steps_per_epoch().max(1)) {
                let trunk = surface.control_point(0);
                self.emit_validation(LossCurve::Surface, progress.step, &trunk);
            }
            return Ok(());
        }
        let steps = progress.step - progress.round_start - progress.trunk_steps;
        let trained = steps * self.config.fit.training.batch_size as u64;
        if self.live_progress.is_within_budget(self.config.heatmap.live_compute_fraction, trained) {
            let order = self.heatmap.coarse_to_fine_order();
            let age = |i: &usize| {
                let c = &self.heatmap.cells[*i];
                if c.images == 0 { 0 } else { c.version + 1 }
            };
            let next = order.into_iter().filter(|i| age(i) <= surface.version()).min_by_key(age);
            if let Some(index) = next {
                self.measure_live_cell(index)?;
            }
        }
        let round = progress.total - progress.round_start - progress.trunk_steps;
        if steps.is_multiple_of(round.div_ceil(MAX_VALIDATIONS).max(1)) {
            self.emit_live_mean();
        }
        Ok(())
    }

    fn measure_live_cell(&mut self, index: usize) -> Result<()> {
        let surface = self.require_surface()?;
        let began = Instant::now();
        let (u, v) = self.heatmap.parameters(index);
        let images = self.config.heatmap.live_images as i64;
        let (m, _) = self.evaluator.validate(&self.model, &surface.network_at(u, v), images);
        self.heatmap.cells[index] = m.as_cell(surface.version());
        if self.trainable_points() == TrainablePoints::All || !self.heatmap.corner_cells().contains(&index) {
            self.live_progress.cells += 1;
            self.live_progress.accuracy += m.accuracy();
            self.live_progress.loss += m.loss();
        }
        let calibrated = images.min(self.evaluator.calibration_images());
        let passes = (i64::from(m.images) + calibrated).max(1) as u64;
        self.live_progress.passes += passes;
        self.cost_estimate.record_image_cost(began.elapsed().as_secs_f64() / passes as f64);
        Ok(())
    }

    /// A validation point on the surface's curve: the mean of the cells measured since the last one, without given
    /// corners: they never change and would only hide what does.
    fn emit_live_mean(&mut self) {
        let live = &mut self.live_progress;
        if live.cells == 0 {
            return;
        }
        let n = live.cells as f64;
        let (accuracy, loss) = (live.accuracy / n, live.loss / n);
        (live.cells, live.accuracy, live.loss) = (0, 0.0, 0.0);
        let step = self.progress.map_or(0, |p| p.step);
        self.journal.emit(Event::Validated { curve: LossCurve::Surface, step, loss, accuracy });
    }

    /// Begins to measure every cell on the whole validation split, in the order of [`CellRace`]; cells that already are, are
    /// kept. With `finish`, the
    /// job continues with the export of the best point.
    pub(super) fn begin_heatmap_stage(&mut self, finish: bool) {
        self.mark_cells_stale();
        self.refresh_points();
        let all = self.evaluator.validation_images() as u32;
        let version = self.heatmap.version;
        let mut cells: Vec<usize> = self.heatmap.coarse_to_fine_order();
        cells.retain(|&i| {
            let c = &self.heatmap.cells[i];
            c.version != version || c.images != all
        });
        cells.reverse();
        self.cell_race = CellRace::new(self.config.heatmap.live_images as i64, all.into());
        self.begin_stage(JobStage::Heatmap, cells.len() as u64, ActorActivity::Heatmap { cells, finish });
    }

    pub(super) fn tick_heatmap(&mut self, mut cells: Vec<usize>, finish: bool) -> Result<()> {
        let Some(surface) = &self.surface else {
            return Ok(());
        };
        let (phase, version, mut measuring) = match self.cell_race.running_measurement.take() {
            Some(under_way) => under_way,
            None => {
                let Some(phase) = self.cell_race.next_phase(&cells) else {
                    return self.end_heatmap_stage(finish);
                };
                let (RacePhase::Scan(index) | RacePhase::Remainder(index)) = phase;
                let (u, v) = self.heatmap.parameters(index);
                let w = surface.network_at(u, v);
                let measuring = self.cell_race.begin_phase(phase, &self.evaluator, &self.model, w);
                (phase, surface.version(), measuring)
            }
        };
        if !measuring.advance(&self.model, &self.evaluator, &self.data.test) {
            self.cell_race.running_measurement = Some((phase, version, measuring));
            self.activity = ActorActivity::Heatmap { cells, finish };
            return Ok(());
        }
        let measured = measuring.into_result();
        self.cost_estimate.record_image_cost(measured.seconds_per_image);
        let m = self.cell_race.record_phase(phase, measured);
        let (RacePhase::Scan(index) | RacePhase::Remainder(index)) = phase;
        self.heatmap.cells[index] = m.as_cell(version);
        if phase == RacePhase::Remainder(index) {
            cells.retain(|&i| i != index);
        }
        let all = self.evaluator.validation_images() as u32;
        if let Some(best) = self.cell_race.winner(&self.heatmap, &cells, all) {
            let (u, v) = self.heatmap.parameters(best);
            self.journal.log(format!(
                "the best point is ({u:.2}, {v:.2}) by all that is known; cells still to be measured in full: {}",
                cells.len()
            ));
        }
        self.activity = ActorActivity::Heatmap { cells, finish };
        Ok(())
    }

    fn end_heatmap_stage(&mut self, finish: bool) -> Result<()> {
        self.store_heatmap()?;
        self.end_stage();
        if let Some(temporary) = &mut self.temporary_grid {
            temporary.expires_at = Some(Instant::now() + TEMPORARY_GRID_DURATION);
        }
        self.emit_heatmap_complete();
        self.save_checkpoint();
        self.activity = if finish { ActorActivity::Finish } else { ActorActivity::None };
        if !finish {
            let done = self.journal.run_state().finished.is_some();
            self.state = if done { EngineState::Finished } else { EngineState::Idle };
            if done {
                // A finished run has the job's last stage, not this one.
                self.stage = JobStage::Export;
            }
            self.publish(true);
        }
        Ok(())
    }

    /// Emits the figures of a completely measured heatmap.
    pub(super) fn emit_heatmap_complete(&mut self) {
        // What is only looked at changes nothing about the run's best point.
        if self.temporary_grid.is_some() {
            return;
        }
        self.report_fitted_corners();
        let heatmap = &self.heatmap;
        if let (Some(summary), Some(best)) = (heatmap.summary(Metric::SELECTION), heatmap.best_point(Metric::SELECTION))
        {
            let grid = heatmap.grid;
            self.journal.emit(Event::HeatmapComplete { grid, summary, best });
        }
    }

    /// Keeps a complete heatmap beside its predecessors.
    ///
    /// # Errors
    /// When the disk does not take it; the work then waits for that, as for everything that a run comes to.
    fn store_heatmap(&self) -> Result<()> {
        let name = format!("step-{}-grid-{}.csv", self.progress.map_or(0, |p| p.step), self.heatmap.grid);
        let path = self.run.join("heatmaps").join(name);
        let table = self.heatmap.to_csv();
        surfit_core::files::write_atomic(&path, table.as_bytes()).map_err(EngineError::io(path))
    }
}

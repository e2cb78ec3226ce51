//! The fit: one optimizer step a tick, with the live heatmap in between.

use super::{Actor, ActorActivity, GradientHistory};
use crate::checkpoint::FitProgress;
use crate::data::Augmentation;
use crate::evaluate::measure_split;
use crate::optimizer::StepHyperparams;
use crate::surface::{MicroBatch, StepRecord, StepTimer, Surface};
use crate::trainer::BatchOrder;
use crate::{EngineError, Result};
use std::time::Instant;
use surfit_core::cost::FitCost;
use surfit_core::draws::{Density, FitPhase, PointDraws};
use surfit_core::event::{Event, JobStage, LossCurve};
use surfit_core::heatmap::Heatmap;
use surfit_core::random::{self, RandomStream};
use surfit_core::snapshot::UnloggedLosses;
use surfit_core::surface::TrainablePoints;

/// Points along each axis at which the loss that draws follow is measured.
const FOCUS_GRID: usize = 5;

/// State that only a fit needs between its steps.
#[derive(Debug, Default)]
pub(super) struct FitScratch {
    batch_order: BatchOrder,
    /// Steps whose gradient norms wait on the device.
    step_records: Vec<StepRecord>,
    /// Number of the corner under training.
    pub(super) corner_index: usize,
    /// Mean distance between corners, computed once a surface.
    pub(super) mean_corner_distance: Option<f64>,
    /// The round was announced and its live heatmap set up.
    pub(super) phase: Option<FitPhase>,
    /// What the parts of a step took when one was timed last, and when that was.
    step_cost: FitCost,
    timed_at: Option<Instant>,
}

/// Seconds between two steps whose parts are timed: that waits for the device.
const TIMING_INTERVAL: f64 = 5.0;

impl Actor<'_> {
    pub(super) fn fit_steps_per_epoch(&self) -> u64 {
        BatchOrder::steps_per_epoch(self.data.train.len(), self.config.fit.training.batch_size)
    }

    pub(super) fn begin_fit(&mut self) {
        let total = self.progress.map_or(0, |p| p.total);
        let scale =
            self.fit_scratch.mean_corner_distance.or_else(|| self.surface.as_ref().map(|s| s.mean_corner_distance()));
        self.fit_scratch = FitScratch { mean_corner_distance: scale, ..FitScratch::default() };
        self.begin_stage(JobStage::Fit, total, ActorActivity::Fit);
    }

    pub(super) fn tick_fit(&mut self) -> Result<()> {
        let (Some(surface), Some(progress)) = (&self.surface, self.progress) else {
            return Err(EngineError::NoSurface);
        };
        if progress.is_complete() || surface.trainable_count() == 0 {
            return self.end_fit();
        }
        if progress.phase().0 != FitPhase::Trunk {
            self.branch_surface();
        }
        if progress.is_phase_start() {
            let (step, phase) = (progress.step, progress.phase().0);
            self.journal.emit(Event::PhaseBegan { step, phase });
        }
        self.measure_focus_losses(progress)?;
        let Some(surface) = &mut self.surface else {
            return Ok(());
        };
        let (config, seed) = (&self.config.fit, self.config.seed);
        let indices = self.fit_scratch.batch_order.indices(&self.data, seed, config.training.batch_size, progress.step);
        let changes = Augmentation::from(&config.training);
        let (x, labels) = self.data.train.augmented_batch(&indices, &changes, seed, progress.step);
        let draws = PointDraws { seed, patch: surface.degrees().patch(), sampling: config.sampling };
        let density = Density::from_losses(draws.patch, FOCUS_GRID, &self.focus_losses, config.loss_weighting);
        let points = |progress: FitProgress| {
            let (phase, step) = progress.phase();
            draws.draw_points(phase, step, config.points_per_step, density.as_ref())
        };
        let here = points(progress);
        let count = here.len() as i64;
        let parts: Vec<MicroBatch> = here
            .into_iter()
            .zip(x.tensor_split(count, 0).into_iter().zip(labels.tensor_split(count, 0)))
            .map(|(uv, (x, labels))| MicroBatch { uv, x, labels })
            .collect();
        let rates = StepHyperparams::new(&config.training, progress.learning_rate(config));
        // Where losses are measured anew in between it may draw elsewhere, which the step finds out.
        let mut after = progress;
        after.step += 1;
        let next = if after.is_complete() { Vec::new() } else { points(after) };
        let (phase, timed) = (progress.phase().0, self.fit_scratch.timed_at);
        let device = self.model.placement().device;
        let due = timed.is_none_or(|at| at.elapsed().as_secs_f64() > TIMING_INTERVAL);
        let mut timer = due.then(|| StepTimer::start(device));
        let record = surface.step(&self.model, phase, &parts, rates, &next, timer.as_mut());
        if let Some(timer) = timer {
            // The first step also makes what later ones find made.
            let cost = timer.finish(parts.len(), surface.degrees());
            self.fit_scratch.step_cost = timed.map_or(self.fit_scratch.step_cost, |_| cost);
            self.fit_scratch.timed_at = Some(Instant::now());
        }
        self.pending_losses.push(progress.step, record.loss.shallow_clone());
        self.fit_scratch.step_records.push(record);
        self.fit_scratch.phase = Some(phase);
        self.progress = Some(after);
        self.mark_cells_stale();
        self.activity = ActorActivity::Fit;
        self.tick_live_heatmap()
    }

    /// Measures the loss that draws follow: before the first draw on the whole surface, and once an epoch, on the training
    /// images that batch-norm statistics are re-estimated on: validation images only choose, they do not train. It depends
    /// on the surface at that step alone, so that a resumed fit draws the same points.
    fn measure_focus_losses(&mut self, progress: FitProgress) -> Result<()> {
        let config = &self.config.fit;
        if config.loss_weighting == 0.0 || progress.phase().0 != FitPhase::Interior {
            return Ok(());
        }
        let train = &self.data.train;
        if !self.focus_losses.is_empty() && !progress.step.is_multiple_of(self.fit_steps_per_epoch().max(1)) {
            return Ok(());
        }
        let Some(surface) = &self.surface else {
            return Ok(());
        };
        let order = random::permutation(train.len() as usize, self.config.seed, RandomStream::Calibration, 0);
        let count = self.config.data.bn_images.min(order.len());
        let sample = train.select(&order[..count]);
        let coarse = Heatmap::new(surface.degrees().patch(), FOCUS_GRID);
        let mut losses = vec![0.0; coarse.cells.len()];
        for index in coarse.surface_cells() {
            let (u, v) = coarse.parameters(index);
            let w = surface.network_at(u, v);
            let stats = self.evaluator.recalibrate(&self.model, &w, i64::MAX);
            losses[index] = measure_split(&self.model, &w, &stats, &sample).loss();
        }
        self.focus_losses = losses;
        Ok(())
    }

    /// Ends the fit, whether it was complete or was stopped, and measures the finished surface.
    pub(super) fn end_fit(&mut self) -> Result<()> {
        self.flush_losses();
        self.check_divergence()?;
        if self.surface.as_ref().is_some_and(Surface::is_trunk) {
            self.journal.log("the fit ended before the branch: all control points are one network");
        }
        self.branch_surface();
        if let Some(surface) = &mut self.surface {
            surface.release_networks();
        }
        if let Some(progress) = &mut self.progress {
            progress.total = progress.step;
        }
        self.save_checkpoint();
        self.end_stage();
        self.begin_heatmap_stage(true);
        Ok(())
    }

    /// Makes all control points of the trunk, each its own from here on.
    pub(super) fn branch_surface(&mut self) {
        if !self.surface.as_ref().is_some_and(Surface::is_trunk) {
            return;
        }
        // Gradients that wait on the device are the trunk's.
        self.fetch_losses();
        if let Some(surface) = &mut self.surface {
            surface.branch();
        }
        self.fit_scratch.step_cost = FitCost::default();
        self.gradients = GradientHistory::default();
        self.mark_cells_stale();
        self.points = self.describe_points();
    }

    /// Lets the heatmap know that every cell but given corners is stale.
    pub(super) fn mark_cells_stale(&mut self) {
        let Some(surface) = &self.surface else { return };
        let before = self.heatmap.version;
        self.heatmap.version = surface.version();
        if surface.trainable() == TrainablePoints::All {
            return;
        }
        for index in self.heatmap.corner_cells() {
            let cell = &mut self.heatmap.cells[index];
            if cell.version == before && cell.images > 0 {
                cell.version = surface.version();
            }
        }
    }

    /// Reads the losses that wait on the device and emits them in an event, with those that were read before.
    pub(super) fn flush_losses(&mut self) {
        self.fetch_losses();
        self.emit_losses();
    }

    /// Reads the losses that wait on the device, and takes in the gradient norms of the control points. Emits them at
    /// once when one of them is not finite.
    pub(super) fn fetch_losses(&mut self) {
        let Some((first_step, values)) = self.pending_losses.read() else {
            return;
        };
        let (curve, rate) = match (&self.trainer, self.progress) {
            (Some(trainer), _) => {
                let rate = trainer.learning_rate(&self.data, &self.config.corners);
                (LossCurve::Corner(self.fit_scratch.corner_index), rate)
            }
            (None, Some(progress)) => (LossCurve::Surface, progress.learning_rate(&self.config.fit)),
            (None, None) => return,
        };
        let lost = values.iter().any(|v| !v.is_finite());
        match &mut self.unlogged_losses {
            Some(known) if known.curve == curve && known.first_step + known.values.len() as u64 == first_step => {
                known.values.extend(values);
                known.rate = rate;
            }
            _ => {
                self.emit_losses();
                self.unlogged_losses = Some(UnloggedLosses { curve, first_step, values, rate, time: 0.0 });
            }
        }
        if lost {
            self.emit_losses();
        }
        let records = std::mem::take(&mut self.fit_scratch.step_records);
        self.add_gradients(&records);
    }

    pub(super) fn emit_losses(&mut self) {
        if let Some(UnloggedLosses { curve, first_step, values, rate, .. }) = self.unlogged_losses.take() {
            self.journal.emit(Event::Losses { curve, first_step, values, rate });
        }
    }

    /// Refuses a surface that is no longer finite. The engine then ends with the sentence; the last checkpoint is from
    /// before, and a resumed run reads the corrected rate from its configuration.
    pub(super) fn check_divergence(&self) -> Result<()> {
        match (&self.surface, self.progress) {
            (Some(surface), Some(progress)) if !surface.is_finite() => {
                Err(EngineError::Diverged { step: progress.step, config: self.run.config_path().into_path() })
            }
            _ => Ok(()),
        }
    }

    /// What a step costs, and memory, so that a change of degree can be looked at before it is made.
    pub(super) fn fit_cost(&self) -> FitCost {
        FitCost {
            parameters: self.model.parameters() as u64,
            trainable: self.trainable_points(),
            available: self.load_sampler.available_memory(),
            ..self.fit_scratch.step_cost
        }
    }
}

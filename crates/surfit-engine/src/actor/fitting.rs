//! The fit: one optimizer step a tick, with the live heatmap in between.

use super::{Actor, ActorActivity};
use crate::checkpoint::FitProgress;
use crate::data::Augmentation;
use crate::evaluate::measure_split;
use crate::surface::{MicroBatch, StepHyperparams, StepRecord, StepTiming};
use crate::trainer::{BatchOrder, LossBuffer};
use crate::{EngineError, Result};
use std::time::Instant;
use surfit_core::cost::FitCost;
use surfit_core::draws::{Density, FitPhase, PointDraws};
use surfit_core::event::{Event, JobStage, LossCurve};
use surfit_core::heatmap::Heatmap;
use surfit_core::random::{self, RandomStream};

/// Points along each axis at which the loss that draws follow is measured.
const FOCUS_GRID: usize = 5;

/// What a fit needs between steps and nobody else does.
#[derive(Debug)]
pub(super) struct FitScratch {
    batches: BatchOrder,
    /// Steps whose gradient norms wait on the device.
    records: Vec<StepRecord>,
    /// Number of the corner under training.
    pub(super) corner: usize,
    /// When its training began in this process.
    pub(super) corner_began: Instant,
    /// Mean distance between corners, computed once a surface.
    pub(super) scale: Option<f64>,
    /// The round was announced and its live heatmap set up.
    pub(super) phase: Option<FitPhase>,
    /// What the parts of a step took when one was timed last, and when that was.
    parts: Option<StepTiming>,
    timed: Option<Instant>,
}

/// Seconds between two steps whose parts are timed: that waits for the device.
const TIME_EVERY: f64 = 5.0;

impl Default for FitScratch {
    fn default() -> Self {
        Self {
            batches: BatchOrder::default(),
            records: Vec::new(),
            corner: 0,
            corner_began: Instant::now(),
            scale: None,
            phase: None,
            parts: None,
            timed: None,
        }
    }
}

impl Actor<'_> {
    pub(super) fn begin_fit(&mut self) {
        let total = self.progress.map_or(0, |p| p.total);
        let scale = self
            .fit
            .scale
            .or_else(|| self.surface.as_ref().map(|s| s.scale()));
        self.fit = FitScratch {
            scale,
            ..FitScratch::default()
        };
        self.begin_stage(JobStage::Fit, total, ActorActivity::Fit);
    }

    pub(super) fn tick_fit(&mut self) -> Result<()> {
        let (Some(surface), Some(progress)) = (&self.surface, self.progress) else {
            return Err(EngineError::input(
                "there is no surface to fit; train or load the corners first",
            ));
        };
        if progress.complete() || surface.degrees().trainable() == 0 {
            return self.end_fit();
        }
        if progress.phase_begins() {
            let (step, phase) = (progress.step, progress.phase().0);
            self.journal.say(Event::PhaseBegan { step, phase });
        }
        self.measure_focus(progress)?;
        let Some(surface) = &mut self.surface else {
            return Ok(());
        };
        let (config, seed) = (&self.config.fit, self.config.seed);
        let indices = self
            .fit
            .batches
            .indices(&self.data, seed, config.batch, progress.step);
        let changes = Augmentation {
            shift: config.shift,
            flip: config.flip,
            erase: config.erase,
        };
        let (x, labels) = self
            .data
            .train
            .augmented_batch(&indices, &changes, seed, progress.step);
        let count = config.draws as i64;
        let draws = PointDraws {
            seed,
            patch: surface.degrees().patch(),
            sampling: config.sampling,
        };
        let density = Density::of_losses(draws.patch, FOCUS_GRID, &self.focus, config.focus);
        let points = |progress: FitProgress| {
            let (phase, step) = progress.phase();
            draws.points(phase, step, config.draws, density.as_ref())
        };
        let parts: Vec<MicroBatch> = points(progress)
            .into_iter()
            .zip(
                x.tensor_split(count, 0)
                    .into_iter()
                    .zip(labels.tensor_split(count, 0)),
            )
            .map(|(uv, (x, labels))| MicroBatch { uv, x, labels })
            .collect();
        let rates = StepHyperparams {
            rate: progress.rate(config),
            momentum: config.momentum,
            weight_decay: config.weight_decay,
            smoothing: config.label_smoothing,
        };
        // Where losses are measured anew in between it may draw elsewhere, which the step finds out.
        let mut after = progress;
        after.step += 1;
        let next = if after.complete() {
            Vec::new()
        } else {
            points(after)
        };
        let (phase, timed) = (progress.phase().0, self.fit.timed);
        let record = if timed.is_none_or(|at| at.elapsed().as_secs_f64() > TIME_EVERY) {
            let (record, parts) = surface.timed_step(&self.model, phase, &parts, rates, &next);
            // The first step also makes what later ones find made.
            self.fit.parts = timed.map_or(self.fit.parts, |_| Some(parts));
            self.fit.timed = Some(Instant::now());
            record
        } else {
            surface.step(&self.model, phase, &parts, rates, &next)
        };
        self.pending
            .push(progress.step, record.loss.shallow_clone());
        self.fit.records.push(record);
        self.fit.phase = Some(phase);
        self.progress = Some(after);
        self.surface_changed();
        self.work = ActorActivity::Fit;
        self.tick_live()
    }

    /// Measures the loss that draws follow: before the first draw on the whole surface, and once an epoch, on the training
    /// images that batch-norm statistics are re-estimated on: validation images only choose, they do not train. It depends
    /// on the surface at that step alone, so that a resumed fit draws the same points.
    fn measure_focus(&mut self, progress: FitProgress) -> Result<()> {
        let config = &self.config.fit;
        if config.focus == 0.0 || progress.phase().0 == FitPhase::Edge {
            return Ok(());
        }
        let train = &self.data.train;
        let every = BatchOrder::per_epoch(train.len(), config.batch);
        if !self.focus.is_empty() && !progress.step.is_multiple_of(every.max(1)) {
            return Ok(());
        }
        let Some(surface) = &self.surface else {
            return Ok(());
        };
        let order = random::permutation(
            train.len() as usize,
            self.config.seed,
            RandomStream::Calibration,
            0,
        );
        let count = self.config.data.calibration_images.min(order.len());
        let sample = train.take(&order[..count]);
        let coarse = Heatmap::new(surface.degrees().patch(), FOCUS_GRID);
        let mut losses = vec![0.0; coarse.cells.len()];
        for index in coarse.inside() {
            let (u, v) = coarse.parameters(index);
            let w = surface.at(u, v);
            let stats = self.evaluator.refresh(&self.model, &w, i64::MAX);
            losses[index] = measure_split(&self.model, &w, &stats, &sample).loss();
        }
        self.focus = losses;
        Ok(())
    }

    /// Ends the fit, whether it came to its end or was stopped, and measures the finished surface.
    pub(super) fn end_fit(&mut self) -> Result<()> {
        self.flush_losses();
        self.check_divergence()?;
        if let Some(surface) = &mut self.surface {
            surface.rest();
        }
        if let Some(progress) = &mut self.progress {
            progress.total = progress.step;
        }
        self.save_checkpoint();
        self.end_stage();
        self.begin_map(true);
        Ok(())
    }

    /// Lets the heatmap know that every cell but the corners is stale.
    pub(super) fn surface_changed(&mut self) {
        let Some(surface) = &self.surface else { return };
        let before = self.heatmap.version;
        self.heatmap.version = surface.version();
        for index in self.heatmap.corners() {
            let cell = &mut self.heatmap.cells[index];
            if cell.version == before && cell.images > 0 {
                cell.version = surface.version();
            }
        }
    }

    /// Reads the losses that wait on the device and tells them in an event, with those that were read before.
    pub(super) fn flush_losses(&mut self) {
        self.read_losses();
        self.tell_losses();
    }

    /// Reads the losses that wait on the device, and takes in the gradient norms of the control points. They are told at
    /// once when one of them is not finite.
    pub(super) fn read_losses(&mut self) {
        let Some((first_step, values)) = self.pending.read() else {
            return;
        };
        let (curve, rate) = match (&self.trainer, self.progress) {
            (Some(trainer), _) => {
                let rate = trainer.rate(&self.data, &self.config.corners);
                (LossCurve::Corner(self.fit.corner), rate)
            }
            (None, Some(progress)) => (LossCurve::Surface, progress.rate(&self.config.fit)),
            (None, None) => return,
        };
        let lost = values.iter().any(|v| !v.is_finite());
        match &mut self.untold {
            Some(untold) if untold.goes_on(curve, first_step) => {
                untold.values.extend(values);
                untold.rate = rate;
            }
            _ => {
                self.tell_losses();
                self.untold = Some(LossBuffer {
                    curve,
                    first_step,
                    values,
                    rate,
                });
            }
        }
        if lost {
            self.tell_losses();
        }
        let records = std::mem::take(&mut self.fit.records);
        self.fold_gradients(&records);
    }

    /// Tells the losses that were read in an event.
    pub(super) fn tell_losses(&mut self) {
        let Some(untold) = self.untold.take() else {
            return;
        };
        let LossBuffer {
            curve,
            first_step,
            values,
            rate,
        } = untold;
        self.journal.say(Event::Losses {
            curve,
            first_step,
            values,
            rate,
        });
    }

    /// Refuses a surface that is no longer finite. The engine then ends with the sentence; the last checkpoint is from
    /// before, and a resumed run reads the corrected rate from its configuration.
    pub(super) fn check_divergence(&self) -> Result<()> {
        match (&self.surface, self.progress) {
            (Some(surface), Some(progress)) if !surface.is_finite() => {
                Err(EngineError::input(format!(
                    "the fit diverged before step {}: its weights are not finite; lower fit.learning_rate in {} and \
                 resume from the last checkpoint",
                    progress.step,
                    self.run.config_path().display()
                )))
            }
            _ => Ok(()),
        }
    }

    /// What a step costs, and memory, so that a change of degree can be looked at before it is made.
    pub(super) fn cost(&self) -> FitCost {
        let measured = self.fit.parts;
        FitCost {
            parameters: self.model.parameters() as u64,
            network: measured.map_or(0.0, |m| m.network),
            surface: measured.map_or(0.0, |m| m.surface),
            draws: measured.map_or(0, |m| m.draws),
            degrees: measured.map(|m| m.degrees),
            available: self.load.available(),
        }
    }
}

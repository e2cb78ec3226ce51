//! The fit: one optimizer step a tick, with the live heatmap in between.

use super::{Actor, Work};
use crate::checkpoint::Progress;
use crate::data::Augmentation;
use crate::evaluate::measure_split;
use crate::memory;
use crate::surface::{Part, StepRates, StepRecord, Surface};
use crate::trainer::Batches;
use crate::{Error, Result};
use std::time::Instant;
use surfit_core::draws::{Density, Draws, Phase};
use surfit_core::event::{Curve, Event, Stage};
use surfit_core::heatmap::Heatmap;
use surfit_core::random::{self, Purpose};
use surfit_core::snapshot::ControlPoint;
use surfit_core::surface::Degrees;
use tch::{Device, Tensor};

/// Recent gradient norms that are shown for every control point.
const GRADIENTS: usize = 32;
/// Points along each axis at which the loss that draws follow is measured.
const FOCUS_GRID: usize = 5;

/// What a fit needs between steps and nobody else does.
#[derive(Debug)]
pub(super) struct FitScratch {
    batches: Batches,
    /// Steps whose gradient norms wait on the device.
    records: Vec<StepRecord>,
    /// Number of the corner under training.
    pub(super) corner: usize,
    /// When its training began in this process.
    pub(super) corner_began: Instant,
    /// Mean distance between corners, computed once a surface.
    pub(super) scale: Option<f64>,
    /// The round was announced and its live heatmap set up.
    pub(super) phase: Option<Phase>,
}

impl Default for FitScratch {
    fn default() -> Self {
        Self {
            batches: Batches::default(),
            records: Vec::new(),
            corner: 0,
            corner_began: Instant::now(),
            scale: None,
            phase: None,
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
        self.live = super::mapping::Live::new();
        self.begin_stage(Stage::Fit, total, Work::Fit);
    }

    pub(super) fn tick_fit(&mut self) -> Result<()> {
        let (Some(surface), Some(mut progress)) = (&mut self.surface, self.progress) else {
            return Err(Error::input(
                "there is no surface to fit; train or load the corners first",
            ));
        };
        if progress.complete() || surface.degrees().trainable() == 0 {
            return self.end_fit();
        }
        self.measure_focus(progress)?;
        let Some(surface) = &mut self.surface else {
            return Ok(());
        };
        let (config, seed) = (&self.config.fit, self.config.seed);
        let (phase, phase_step) = progress.phase();
        let indices = self
            .fit
            .batches
            .indices(&self.data, seed, config.batch, progress.step);
        let (x, labels) = self.data.train.batch(&indices);
        let changes = Augmentation {
            shift: config.shift,
            flip: config.flip,
            erase: config.erase,
        };
        let x = changes.apply(&x, seed, progress.step);
        let count = config.draws as i64;
        let draws = Draws {
            seed,
            patch: surface.degrees().patch(),
            sampling: config.sampling,
        };
        let density = Density::of_losses(draws.patch, FOCUS_GRID, &self.focus, config.focus);
        let parts: Vec<Part> = draws
            .points(phase, phase_step, config.draws, density.as_ref())
            .into_iter()
            .zip(
                x.tensor_split(count, 0)
                    .into_iter()
                    .zip(labels.tensor_split(count, 0)),
            )
            .map(|(uv, (x, labels))| Part { uv, x, labels })
            .collect();
        let rates = StepRates {
            rate: progress.rate(config),
            momentum: config.momentum,
            weight_decay: config.weight_decay,
            smoothing: config.label_smoothing,
        };
        let record = surface.step(&self.model, phase, &parts, rates);
        self.pending
            .push(progress.step, record.loss.shallow_clone());
        self.fit.records.push(record);
        self.fit.phase = Some(phase);
        progress.step += 1;
        self.progress = Some(progress);
        self.surface_changed();
        self.work = Work::Fit;
        self.tick_live()
    }

    /// Measures the loss that draws follow: before the first draw on the whole surface, and once an epoch, on the training
    /// images that batch-norm statistics are re-estimated on: validation images only choose, they do not train. It depends
    /// on the surface at that step alone, so that a resumed fit draws the same points.
    fn measure_focus(&mut self, progress: Progress) -> Result<()> {
        let config = &self.config.fit;
        if config.focus == 0.0 || progress.phase().0 == Phase::Edge {
            return Ok(());
        }
        let train = &self.data.train;
        let every = Batches::per_epoch(train.len(), config.batch);
        if !self.focus.is_empty() && !progress.step.is_multiple_of(every.max(1)) {
            return Ok(());
        }
        let Some(surface) = &self.surface else {
            return Ok(());
        };
        let order = random::permutation(
            train.len() as usize,
            self.config.seed,
            Purpose::Calibration,
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

    /// Degrees of the surface, or of the one to come.
    pub(super) fn present_degrees(&self) -> Degrees {
        self.surface
            .as_ref()
            .map_or_else(|| self.config.degrees(), |s| s.degrees())
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

    /// Reads the losses that wait on the device and records them, with the gradient norms of the control points.
    pub(super) fn flush_losses(&mut self) {
        let Some((first_step, values)) = self.pending.read() else {
            return;
        };
        let (curve, rate) = match (&self.trainer, self.progress) {
            (Some(trainer), _) => {
                let rate = trainer.rate(&self.data, &self.config.corners);
                (Curve::Corner(self.fit.corner), rate)
            }
            (None, Some(progress)) => (Curve::Surface, progress.rate(&self.config.fit)),
            (None, None) => return,
        };
        self.journal.say(Event::Losses {
            curve,
            first_step,
            values,
            rate,
        });
        self.fold_gradients();
    }

    /// Adds the gradient norms of the steps since the last time to the control points. The norm of a control point's
    /// gradient is taken from its draws' norms as if those were orthogonal, which costs nothing.
    fn fold_gradients(&mut self) {
        let records = std::mem::take(&mut self.fit.records);
        if records.is_empty() {
            return;
        }
        let norms: Vec<&Tensor> = records.iter().map(|r| &r.norms).collect();
        let norms = Tensor::cat(&norms, 0).to_device(Device::Cpu);
        let norms = Vec::<f32>::try_from(norms).unwrap_or_default();

        let mut squares = vec![0.0; self.points.len()];
        let mut at = norms.iter();
        for record in &records {
            let share = 1.0 / record.weights.len() as f64;
            for (b, norm) in record.weights.iter().zip(&mut at) {
                if b.len() == squares.len() {
                    for (square, b) in squares.iter_mut().zip(b) {
                        *square += (b * share * f64::from(*norm)).powi(2);
                    }
                }
            }
        }
        for (point, square) in self.points.iter_mut().zip(squares) {
            let value = (square / records.len() as f64).sqrt();
            point.gradient = if point.corner || point.frozen {
                0.0
            } else {
                value
            };
            point.gradients.push(point.gradient as f32);
            let excess = point.gradients.len().saturating_sub(GRADIENTS);
            point.gradients.drain(..excess);
        }
    }

    /// Refuses a surface that is no longer finite. The engine then ends with the sentence; the last checkpoint is from
    /// before, and a resumed run reads the corrected rate from its configuration.
    pub(super) fn check_divergence(&self) -> Result<()> {
        match (&self.surface, self.progress) {
            (Some(surface), Some(progress)) if !surface.is_finite() => Err(Error::input(format!(
                "the fit diverged before step {}: its weights are not finite; lower fit.learning_rate in {} and \
                 resume from the last checkpoint",
                progress.step,
                self.run.config_path().display()
            ))),
            _ => Ok(()),
        }
    }

    /// Refuses a surface that the host's memory cannot hold, before any of it is allocated.
    pub(super) fn check_memory(&self, degrees: Degrees, converted: bool) -> Result<()> {
        let device = self.model.placement().device;
        memory::check_surface(degrees, self.model.parameters(), converted, device)
    }

    /// Changes the degrees of the surface, or of the one to come.
    pub(super) fn set_degrees(&mut self, to: Degrees) -> Result<()> {
        self.flush_losses();
        let patch = self.config.patch();
        if to.patch() != patch {
            return Err(Error::input(format!(
                "the surface between {} corners is a {}; give it degrees of one",
                patch.corners(),
                patch.name()
            )));
        }
        let present = self.surface.as_ref().map(Surface::degrees);
        if present != Some(to) {
            self.check_memory(to, present.is_some())?;
        }
        let Some(surface) = &mut self.surface else {
            self.config.fit.degree = to.into();
            self.store_config()?;
            self.journal
                .notice(format!("the surface will have degree {to}"));
            return Ok(());
        };
        let from = surface.degrees();
        if from == to {
            return Ok(());
        }
        let scale = *self.fit.scale.get_or_insert_with(|| surface.scale());
        let deviation = surface.convert(to, scale);
        let step = self.progress.map_or(0, |p| p.step);
        self.points = self.describe_points();
        self.surface_changed();
        self.journal.say(Event::DegreeChanged {
            step,
            from,
            to,
            deviation,
        });
        self.save_checkpoint();
        // During a fit the live heatmap follows by itself; a surface at rest that moved is measured again.
        if !matches!(self.work, Work::Fit) && !from.converts_exactly(to) {
            let finish = matches!(self.work, Work::Map { finish: true, .. } | Work::Finish);
            self.begin_map(finish);
        }
        Ok(())
    }

    /// Every control point as it stands, gradients empty.
    pub(super) fn describe_points(&self) -> Vec<ControlPoint> {
        let Some(surface) = &self.surface else {
            return Vec::new();
        };
        let scale = self.fit.scale.unwrap_or_else(|| surface.scale());
        let rows = surface.degrees().rows().into_iter();
        rows.zip(surface.travelled())
            .zip(surface.frozen())
            .enumerate()
            .map(|(row, (((i, j), travelled), &frozen))| ControlPoint {
                i,
                j,
                corner: row < surface.degrees().corners(),
                frozen,
                travelled: travelled / scale.max(f64::MIN_POSITIVE),
                gradient: 0.0,
                gradients: Vec::new(),
            })
            .collect()
    }

    /// Brings travelled distances and states up to date, keeping the gradients' history.
    pub(super) fn refresh_points(&mut self) {
        let fresh = self.describe_points();
        let old = std::mem::take(&mut self.points);
        let same = old.len() == fresh.len();
        self.points = fresh;
        if same {
            for (point, old) in self.points.iter_mut().zip(old) {
                point.gradient = old.gradient;
                point.gradients = old.gradients;
            }
        }
    }
}

//! How long the rest of the whole job will take.

use super::{Actor, ActorActivity};
use crate::trainer::Trainer;
use surfit_core::event::JobStage;

/// What units of work cost on this machine, as seen of late; 0 before any was done.
#[derive(Debug, Default)]
pub(super) struct CostEstimate {
    /// Seconds to classify an image.
    image_seconds: f64,
    /// Seconds of a step of a corner, and of the fit.
    pub(super) corner_step_seconds: f64,
    pub(super) fit_step_seconds: f64,
}

const NEWEST_WEIGHT: f64 = 0.2;

impl CostEstimate {
    pub(super) fn record_image_cost(&mut self, seconds: f64) {
        if seconds.is_finite() && seconds > 0.0 {
            self.image_seconds = if self.image_seconds > 0.0 {
                NEWEST_WEIGHT * seconds + (1.0 - NEWEST_WEIGHT) * self.image_seconds
            } else {
                seconds
            };
        }
    }
}

impl Actor<'_> {
    /// Seconds that the rest of the job will take; `None` before enough is known. `stage` is what is left of the present
    /// stage.
    pub(super) fn job_seconds_left(&self, stage: Option<f64>) -> Option<f64> {
        if matches!(self.activity, ActorActivity::None) {
            return None;
        }
        let known = |seconds: f64| (seconds > 0.0).then_some(seconds);
        let mut left = stage?;
        if matches!(self.stage, JobStage::Corners | JobStage::Align) {
            let fit = &self.config.fit;
            // A fit's step is hardly more than a plain one of the same batch.
            let plain = self.cost_estimate.corner_step_seconds * fit.training.batch_size as f64
                / self.config.corners.training.batch_size.max(1) as f64;
            let epochs = fit.boundary_epochs + fit.epochs;
            let step = known(self.cost_estimate.fit_step_seconds).or(known(1.1 * plain))?;
            left +=
                epochs * self.fit_steps_per_epoch() as f64 * step / (1.0 - self.config.heatmap.live_compute_fraction);
        }
        if self.stage < JobStage::Heatmap {
            left += self.heatmap_seconds()?;
        }
        if self.stage < JobStage::Export {
            left += self.completion_seconds()?;
        }
        Some(left)
    }

    fn pass_seconds(&self, images: i64) -> Option<f64> {
        let images = (images + self.evaluator.calibration_images()) as f64;
        (self.cost_estimate.image_seconds > 0.0).then_some(images * self.cost_estimate.image_seconds)
    }

    fn heatmap_seconds(&self) -> Option<f64> {
        let cell = self.pass_seconds(self.evaluator.validation_images())?;
        Some(cell * self.heatmap.surface_cells().count() as f64)
    }

    fn completion_seconds(&self) -> Option<f64> {
        let test = self.pass_seconds(self.data.test.len())?;
        let validation = self.pass_seconds(self.evaluator.validation_images())?;
        Some(validation + test * (1 + self.config.corners.len()) as f64)
    }

    /// Keeps what a step costs, from the pace of the present stage in units a second.
    pub(super) fn record_step_cost(&mut self, rate: f64) {
        if rate <= 0.0 {
            return;
        }
        match self.stage {
            JobStage::Corners if self.trainer.is_some() => self.cost_estimate.corner_step_seconds = 1.0 / rate,
            JobStage::Fit => self.cost_estimate.fit_step_seconds = 1.0 / rate,
            _ => {}
        }
    }

    /// Optimizer steps a second, from the pace of the present stage.
    pub(super) fn steps_per_second(&self, rate: f64) -> f64 {
        let trains = match self.stage {
            JobStage::Corners => Trainer::longest_training_steps(&self.data, &self.config.corners) > 0,
            JobStage::Fit => true,
            _ => false,
        };
        if trains && (self.trainer.is_some() || self.stage == JobStage::Fit) { rate } else { 0.0 }
    }

    /// Images of a minibatch in the present stage.
    pub(super) fn images_per_step(&self) -> usize {
        match self.stage {
            JobStage::Corners => self.config.corners.training.batch_size,
            _ => self.config.fit.training.batch_size,
        }
    }
}

//! Settings of a fit that can be changed while it runs, besides its degrees.

use super::Actor;
use crate::{EngineError, Result};
use surfit_core::event::{Distances, Event};
use surfit_core::protocol::RateChange;
use tch::{Device, Kind, Tensor};

impl Actor<'_> {
    /// Changes the peak of the fit's learning rate. The schedule keeps its course, the velocity is scaled by the next step.
    pub(super) fn set_learning_rate(&mut self, change: RateChange) -> Result<()> {
        self.flush_losses();
        let from = self.config.fit.training.learning_rate;
        let to = match change {
            RateChange::Peak(peak) => peak,
            RateChange::Factor(factor) => from * factor,
        };
        // The weights that it scales are of single precision.
        if !(to > 0.0 && to <= f64::from(f32::MAX) && to as f32 > 0.0) {
            return Err(EngineError::input(format!(
                "a learning rate of {to:e} cannot be used; choose a number above 0 that single precision holds"
            )));
        }
        if to == from {
            return Ok(());
        }
        self.config.fit.training.learning_rate = to;
        let configured = self.steered_settings.rate.map_or(from, |r| r.0);
        self.steered_settings.rate = (to != configured).then_some((configured, to));
        let step = self.progress.map_or(0, |p| p.step);
        self.journal.emit(Event::RateChanged { step, from, to });
        self.persist_change()
    }

    /// Changes the draws that a minibatch of the fit is split over.
    pub(super) fn set_draws(&mut self, draws: usize) -> Result<()> {
        self.flush_losses();
        let (from, batch) = (self.config.fit.points_per_step, self.config.fit.training.batch_size);
        if draws == 0 || 2 * draws > batch {
            return Err(EngineError::input(format!(
                "a batch of {batch} images cannot be split over {draws} draws; choose 1 to {}",
                batch / 2
            )));
        }
        if draws == from {
            return Ok(());
        }
        self.config.fit.points_per_step = draws;
        let configured = self.steered_settings.draws.map_or(from, |d| d.0);
        self.steered_settings.draws = (draws != configured).then_some((configured, draws));
        let step = self.progress.map_or(0, |p| p.step);
        self.journal.emit(Event::DrawsChanged { step, from, to: draws });
        self.persist_change()
    }

    /// Reports that a change which was made may be lost, when the disk refuses the checkpoint that holds it.
    pub(super) fn checkpoint_change(&mut self) {
        if !self.save_checkpoint() {
            self.publication_times.has_unsaved_change = true;
            self.journal
                .log("the change is made, but it is not durable: the disk refused the checkpoint; the next one has it");
        }
    }

    /// Makes a change durable at once: with a checkpoint, which holds the change and the step it begins at, so that a
    /// resumed fit makes the same steps. Before there is a surface the configuration takes it.
    fn persist_change(&mut self) -> Result<()> {
        if self.surface.is_some() {
            self.checkpoint_change();
            return Ok(());
        }
        self.steered_settings = Default::default();
        self.store_config()
    }

    /// Reports the distances between all control points.
    pub(super) fn emit_distances(&mut self) -> Result<()> {
        let surface = self.require_control_points()?;
        let scale = self.corner_distance_scale(surface);
        let theta = surface.theta();
        let count = theta.size()[0];
        // Not from the Gram matrix: differences of large squares would lose small distances. A row at a time, so that
        // nothing as large as the surface is made, and one read from the device at the end.
        let rows: Vec<Tensor> = (0..count)
            .map(|k| {
                let others: Vec<Tensor> = (0..count)
                    .map(|l| match l.cmp(&k) {
                        std::cmp::Ordering::Less => Tensor::zeros([], (Kind::Float, theta.device())),
                        _ => (theta.get(k) - theta.get(l)).norm(),
                    })
                    .collect();
                Tensor::stack(&others, 0)
            })
            .collect();
        let all = Tensor::stack(&rows, 0);
        let all = (&all + all.tr()) / scale.max(f64::MIN_POSITIVE);
        let all = all.to_device(Device::Cpu).to_kind(Kind::Double);
        let values = Vec::<f64>::try_from(all.reshape([-1]))?;
        let points = surface.degrees().row_indices();
        let step = self.progress.map_or(0, |p| p.step);
        self.journal.emit(Event::Distances(Distances {
            step,
            points,
            values: values.iter().map(|d| (d * 1e6).round() / 1e6).collect(),
        }));
        Ok(())
    }
}

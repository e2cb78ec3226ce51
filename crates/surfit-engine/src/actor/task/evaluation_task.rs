//! One point on the whole validation split.

use super::{Actor, ActorTask};
use crate::Result;
use crate::evaluate::{MeasuredSplit, NetworkMeasurement};
use crate::layout::RunningStats;
use crate::model::Measurement;
use surfit_core::event::Event;

#[derive(Debug)]
pub(in crate::actor) struct EvaluationTask {
    u: f64,
    v: f64,
    measurement: Option<NetworkMeasurement>,
    progress: (u64, u64),
}

impl EvaluationTask {
    pub(in crate::actor) fn new(actor: &Actor<'_>, u: f64, v: f64) -> Result<Self> {
        actor.check_parameters(u, v)?;
        let w = actor.require_surface()?.network_at(u, v);
        let measuring = actor.new_measurement(w, None, MeasuredSplit::Validation);
        Ok(Self { u, v, progress: measuring.progress(), measurement: Some(measuring) })
    }
}

impl Actor<'_> {
    /// The measurement of a network on a whole split, with re-estimated statistics where none are given.
    pub(in crate::actor) fn new_measurement(
        &self,
        w: tch::Tensor,
        stats: Option<RunningStats>,
        on: MeasuredSplit,
    ) -> NetworkMeasurement {
        let images = match on {
            MeasuredSplit::Validation => self.evaluator.validation_images(),
            MeasuredSplit::Test => self.data.test.len(),
        };
        NetworkMeasurement::new(&self.model, &self.evaluator, w, stats, on, 0..images)
    }

    /// Reports what a point of the surface was measured to be. A point of the grid is then known better than before.
    pub(in crate::actor) fn emit_evaluated(&mut self, uv: (f64, f64), measurement: &Measurement) {
        self.journal.emit(Event::Evaluated(measurement.as_point(uv)));
        let index = self.heatmap.nearest_cell(uv.0, uv.1);
        if self.heatmap.parameters(index) == uv {
            self.heatmap.cells[index] = measurement.as_cell(self.heatmap.version);
        }
    }
}

impl ActorTask for EvaluationTask {
    fn name(&self) -> String {
        format!("measuring ({:.3}, {:.3})", self.u, self.v)
    }

    fn progress(&self) -> (u64, u64) {
        self.progress
    }

    fn tick(&mut self, actor: &mut Actor<'_>) -> Result<bool> {
        let Some(measured) = actor.advance_measurement(&mut self.measurement) else {
            if let Some(measuring) = &self.measurement {
                self.progress = measuring.progress();
            }
            return Ok(false);
        };
        actor.emit_evaluated((self.u, self.v), &measured.measurement);
        Ok(true)
    }
}

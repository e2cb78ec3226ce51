//! The end of the job: the best point is exported, the corners are measured on the test split beside it, and the result is
//! reported. In slices, as tasks are.

use super::export_folders::ExportTarget;
use super::task::ExportTask;
use super::{Actor, ActorActivity};
use crate::evaluate::{MeasuredSplit, NetworkMeasurement};
use crate::trainer::Trainer;
use crate::{Result, baselines};
use surfit_core::event::{Event, ExportedModel, JobResult, JobStage};
use surfit_core::heatmap::Metric;
use surfit_core::protocol::Selection;
use surfit_core::snapshot::EngineState;

#[derive(Debug)]
pub(super) struct JobCompletion {
    export_task: Option<ExportTask>,
    exported: Option<ExportedModel>,
    measurement: Option<NetworkMeasurement>,
    corner_test_accuracies: Vec<f64>,
}

#[cfg(test)]
impl JobCompletion {
    /// What is exported is chosen, and not yet written.
    pub(super) fn has_chosen(&self) -> bool {
        self.export_task.as_ref().is_some_and(ExportTask::has_chosen)
    }
}

impl Actor<'_> {
    pub(super) fn tick_finish(&mut self) -> Result<()> {
        self.check_not_replaced()?;
        let mut finishing = match self.completion.take() {
            Some(finishing) => finishing,
            None => self.begin_completion()?,
        };
        let mut done = self.advance_completion(&mut finishing);
        if matches!(done, Ok(true)) {
            done = self.finish_job(&finishing).map(|()| true);
            if done.is_ok() {
                return Ok(());
            }
        }
        // After an error of the file system, too: what was measured stays.
        self.completion = Some(finishing);
        self.activity = ActorActivity::Finish;
        done.map(drop)
    }

    fn begin_completion(&mut self) -> Result<Box<JobCompletion>> {
        self.begin_stage(JobStage::Export, 1, ActorActivity::Finish);
        let exported = self.previous_export();
        let exporting = match &exported {
            None if self.config.export.best => Some(ExportTask::new(self, &Selection::Best, ExportTarget::default())?),
            _ => None,
        };
        Ok(Box::new(JobCompletion {
            export_task: exporting,
            exported,
            measurement: None,
            corner_test_accuracies: Vec::new(),
        }))
    }

    fn advance_completion(&mut self, finishing: &mut JobCompletion) -> Result<bool> {
        if let Some(exporting) = &mut finishing.export_task {
            if exporting.advance(self)? {
                finishing.exported = exporting.exported.take();
                finishing.export_task = None;
                if let Some(exported) = &finishing.exported {
                    self.journal.emit(Event::Exported(exported.clone()));
                }
            }
            return Ok(false);
        }
        let corner = finishing.corner_test_accuracies.len();
        if corner == self.config.corners.len() {
            return Ok(true);
        }
        if finishing.measurement.is_none() {
            let w = self.require_surface()?.control_point(corner);
            finishing.measurement = Some(self.new_measurement(w, None, MeasuredSplit::Test));
        }
        if let Some(measured) = self.advance_measurement(&mut finishing.measurement) {
            finishing.corner_test_accuracies.push(measured.measurement.accuracy());
        }
        Ok(false)
    }

    /// Steps of the end of the job that are done, and all: the model, and a test figure for every corner.
    pub(super) fn completion_progress(&self) -> (u64, u64) {
        let total = 1 + self.config.corners.len() as u64;
        let done = self
            .completion
            .as_ref()
            .map_or(0, |f| f.corner_test_accuracies.len() as u64 + u64::from(f.export_task.is_none()));
        (done, total)
    }

    /// Emits the result, once everything in it is durable.
    fn finish_job(&mut self, finishing: &JobCompletion) -> Result<()> {
        self.try_checkpoint()?;
        let surface = self.require_surface()?;
        let degrees = surface.degrees();
        let baselines = if self.config.export.baselines {
            baselines::measure_baselines(&self.model, &self.evaluator, &self.data, surface)?
        } else {
            Vec::new()
        };
        let corner_steps = match self.config.corners.trains_corners() && self.config.corners.precede_fit() {
            true => Trainer::longest_training_steps(&self.data, &self.config.corners),
            false => 0,
        };
        let steps = [corner_steps, self.progress.map_or(0, |p| p.step)];
        self.end_stage();
        let heatmap = &self.heatmap;
        if let (Some(summary), Some(best)) = (heatmap.summary(Metric::SELECTION), heatmap.best_point(Metric::SELECTION))
        {
            let corner = |i: &usize| heatmap.cells[*i].accuracy().unwrap_or(f64::NAN);
            let seconds = &self.journal.run_state().seconds;
            let exported = finishing.exported.clone();
            let finished = JobResult {
                corners: heatmap.corner_cells().iter().map(corner).collect(),
                corners_test: finishing.corner_test_accuracies.clone(),
                degrees,
                best,
                best_test: exported.as_ref().map(|e| e.test_accuracy),
                interior_mean: summary.interior_mean,
                heatmap: summary,
                grid: heatmap.grid,
                seconds: seconds.iter().map(|(s, t)| (s.name().to_owned(), *t)).collect(),
                export: exported.map(|e| e.dir),
                baselines,
                steps,
            };
            self.journal.emit(Event::Finished(Box::new(finished)));
        }
        self.state = EngineState::Finished;
        self.store_snapshot();
        self.publish(true);
        Ok(())
    }
}

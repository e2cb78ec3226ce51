//! The end of the job: the best point is exported, the corners are measured on the test split beside it, and the result is
//! told. In slices, as errands go.

use super::errand::ExportTask;
use super::{Actor, ActorActivity};
use crate::evaluate::{MeasuredSplit, NetworkMeasurement};
use crate::trainer::Trainer;
use crate::{Result, baselines};
use surfit_core::event::{Event, ExportedModel, JobResult, JobStage};
use surfit_core::heatmap::Metric;
use surfit_core::protocol::Selection;
use surfit_core::snapshot::EngineState;

/// How far the end of the job has come.
#[derive(Debug)]
pub(super) struct JobCompletion {
    exporting: Option<ExportTask>,
    exported: Option<ExportedModel>,
    measuring: Option<NetworkMeasurement>,
    corners_test: Vec<f64>,
}

#[cfg(test)]
impl JobCompletion {
    /// What is exported is chosen, and not yet written.
    pub(super) fn has_chosen(&self) -> bool {
        self.exporting.as_ref().is_some_and(ExportTask::has_chosen)
    }
}

impl Actor<'_> {
    /// Goes on with the end of the job for a moment.
    pub(super) fn tick_finish(&mut self) -> Result<()> {
        self.refuse_replaced()?;
        let mut finishing = match self.finishing.take() {
            Some(finishing) => finishing,
            None => self.begin_finishing()?,
        };
        let mut done = self.go_on_finishing(&mut finishing);
        if matches!(done, Ok(true)) {
            done = self.finish(&finishing).map(|()| true);
            if done.is_ok() {
                return Ok(());
            }
        }
        // After an error of the file system, too: what was measured stays.
        self.finishing = Some(finishing);
        self.work = ActorActivity::Finish;
        done.map(drop)
    }

    fn begin_finishing(&mut self) -> Result<Box<JobCompletion>> {
        self.begin_stage(JobStage::Export, 1, ActorActivity::Finish);
        let exported = self.exported_before();
        let exporting = match &exported {
            None if self.config.export.best => {
                Some(ExportTask::new(self, &Selection::Best, None, true)?)
            }
            _ => None,
        };
        Ok(Box::new(JobCompletion {
            exporting,
            exported,
            measuring: None,
            corners_test: Vec::new(),
        }))
    }

    fn go_on_finishing(&mut self, finishing: &mut JobCompletion) -> Result<bool> {
        if let Some(exporting) = &mut finishing.exporting {
            if exporting.advance(self)? {
                finishing.exported = exporting.take();
                finishing.exporting = None;
                if let Some(exported) = &finishing.exported {
                    self.journal.say(Event::Exported(exported.clone()));
                }
            }
            return Ok(false);
        }
        let corner = finishing.corners_test.len();
        if corner == self.config.corners.len() {
            return Ok(true);
        }
        if finishing.measuring.is_none() {
            let w = self.needs_surface()?.theta().get(corner as i64);
            finishing.measuring = Some(self.measuring(w, MeasuredSplit::Test));
        }
        if let Some(measured) = self.go_on_measuring(&mut finishing.measuring) {
            finishing.corners_test.push(measured.measurement.accuracy());
        }
        Ok(false)
    }

    /// Steps of the end of the job that are done, and all: the model, and a test figure for every corner.
    pub(super) fn finish_progress(&self) -> (u64, u64) {
        let total = 1 + self.config.corners.len() as u64;
        let done = self.finishing.as_ref().map_or(0, |f| {
            f.corners_test.len() as u64 + u64::from(f.exporting.is_none())
        });
        (done, total)
    }

    /// Tells the result, once everything that it tells of is durable.
    fn finish(&mut self, finishing: &JobCompletion) -> Result<()> {
        self.try_checkpoint()?;
        let surface = self.needs_surface()?;
        let degrees = surface.degrees();
        let baselines = if self.config.export.baselines {
            baselines::measure(&self.model, &self.evaluator, &self.data, surface)?
        } else {
            Vec::new()
        };
        let corner_steps = match self.config.corners.from.is_empty() {
            true => Trainer::total(&self.data, &self.config.corners),
            false => 0,
        };
        let steps = [corner_steps, self.progress.map_or(0, |p| p.step)];
        self.end_stage();
        let heatmap = &self.heatmap;
        if let (Some(summary), Some(best)) = (heatmap.summary(), heatmap.best(Metric::Accuracy)) {
            let corner = |i: &usize| heatmap.cells[*i].accuracy().unwrap_or(f64::NAN);
            let seconds = &self.journal.picture().seconds;
            let exported = finishing.exported.clone();
            let finished = JobResult {
                corners: heatmap.corners().iter().map(corner).collect(),
                corners_test: finishing.corners_test.clone(),
                degrees,
                best,
                best_test: exported.as_ref().map(|e| e.test_accuracy),
                interior_mean: summary.interior_mean,
                heatmap: summary,
                grid: heatmap.grid,
                seconds: seconds
                    .iter()
                    .map(|(s, t)| (s.name().to_owned(), *t))
                    .collect(),
                export: exported.map(|e| e.dir),
                baselines,
                steps,
            };
            self.journal.say(Event::Finished(Box::new(finished)));
        }
        self.state = EngineState::Finished;
        self.store_snapshot();
        self.publish(true);
        Ok(())
    }
}

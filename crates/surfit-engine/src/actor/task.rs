//! Long-running requests: measurements, searches, exports. They run in slices, between which commands are
//! answered, and can be cancelled. The work of the stage waits meanwhile, so that all of it sees one surface.

mod ensemble;
mod evaluation_task;
mod export_task;
mod search_task;

pub(super) use ensemble::MeasuringEnsemble;
pub(super) use evaluation_task::EvaluationTask;
pub(super) use export_task::ExportTask;
pub(super) use search_task::SearchTask;

use super::export_folders::ExportTarget;
use super::{Actor, ActorActivity, ReplySender};
use crate::evaluate::{MeasurementResult, NetworkMeasurement};
use crate::{EngineError, Result};
use std::path::Path;
use std::time::Instant;
use surfit_core::event::Event;
use surfit_core::snapshot;

/// Tasks that may wait; more are refused.
const MAX_QUEUED_TASKS: usize = 16;

pub(super) trait ActorTask: std::fmt::Debug {
    fn name(&self) -> String;

    /// Units of work done, and in all as far as known.
    fn progress(&self) -> (u64, u64);

    /// Runs one slice; true at its end, when the result has been reported.
    fn tick(&mut self, actor: &mut Actor<'_>) -> Result<bool>;

    /// The folder outside the run's own exports that it writes.
    fn folder(&self) -> Option<&Path> {
        None
    }
}

#[derive(Debug)]
pub(super) struct PendingTask {
    task: Box<dyn ActorTask>,
    reply: ReplySender,
    /// Time that was spent on it.
    seconds: f64,
}

impl Actor<'_> {
    pub(super) fn enqueue(&mut self, errand: Box<dyn ActorTask>, reply: ReplySender) {
        if self.tasks.len() >= MAX_QUEUED_TASKS {
            let why = "too much was asked for and is not done; wait, or cancel";
            return self.send_reply(reply, self.journal.seq(), &Err(EngineError::busy(why)));
        }
        let folder = errand.folder();
        let others = self.tasks.iter().filter_map(|a| a.task.folder());
        if let Some(folder) = folder.filter(|f| others.into_iter().any(|o| o == *f)) {
            let why = format!(
                "{}: an export to this folder is under way; choose another folder, or ask again when it is done",
                folder.display()
            );
            return self.send_reply(reply, self.journal.seq(), &Err(EngineError::busy(why)));
        }
        self.flush_losses();
        tracing::info!("task: {}", errand.name());
        self.tasks.push_back(PendingTask { task: errand, reply, seconds: 0.0 });
        self.publish(true);
    }

    pub(super) fn tick_task(&mut self) {
        let Some(mut pending) = self.tasks.pop_front() else {
            return;
        };
        let (began, after) = (Instant::now(), self.journal.seq());
        // The stage does not continue in this time.
        let was_running = self.clock.is_running();
        self.clock.stop();
        let outcome = pending.task.tick(self);
        pending.seconds += began.elapsed().as_secs_f64();
        if was_running {
            self.clock.start();
        }
        match outcome {
            Ok(false) => self.tasks.push_front(pending),
            Ok(true) => {
                tracing::info!(seconds = pending.seconds, "task done: {}", pending.task.name());
                let durable = self.journal.try_sync();
                // No other event reports a file that a client relies on.
                let result = durable.or_else(|error| match self.journal.has_unpublished_events() {
                    true => Err(error),
                    false => Ok(()),
                });
                self.send_reply(pending.reply, after, &result);
            }
            Err(error) => self.send_reply(pending.reply, after, &Err(error)),
        }
    }

    /// Cancels the running request, else the heatmap, the alignment or the end of the job.
    pub(super) fn cancel(&mut self) -> Result<()> {
        if let Some(pending) = self.tasks.pop_front() {
            let task = pending.task.name();
            let after = self.journal.seq();
            self.journal.emit(Event::Cancelled { what: task.clone() });
            self.send_reply(pending.reply, after, &Err(EngineError::Cancelled { task }));
            return Ok(());
        }
        if matches!(
            self.activity,
            ActorActivity::Heatmap { .. } | ActorActivity::Align(_) | ActorActivity::Surface | ActorActivity::Finish
        ) {
            return self.stop();
        }
        Err(EngineError::wrong_state("nothing is under way that could be cancelled; stop ends the training early"))
    }

    pub(super) fn running_task(&self) -> Option<snapshot::RunningTask> {
        let pending = self.tasks.front()?;
        let (done, total) = pending.task.progress();
        Some(snapshot::RunningTask {
            name: pending.task.name(),
            done,
            total,
            waiting: self.tasks.len() - 1 + self.deferred_requests.len(),
        })
    }

    /// Runs one slice of a measurement; its result when it is complete, else it stays in its place.
    pub(super) fn advance_measurement(
        &mut self,
        measuring: &mut Option<NetworkMeasurement>,
    ) -> Option<MeasurementResult> {
        let mut one = measuring.take()?;
        if !one.advance(&self.model, &self.evaluator, &self.data.test) {
            *measuring = Some(one);
            return None;
        }
        let measured = one.into_result();
        self.cost_estimate.record_image_cost(measured.seconds_per_image);
        Some(measured)
    }
}

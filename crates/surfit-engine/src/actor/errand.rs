//! What was asked for and takes a while: measurements, searches, exports. It goes in slices, between which commands are
//! answered, and can be given up. The work of the stage waits meanwhile, so that all of it sees one surface.

mod ensemble;
mod evaluating;
mod exporting;
mod searching;

pub(super) use ensemble::{MeasuringEnsemble, of_sum};
pub(super) use evaluating::EvaluationTask;
pub(super) use exporting::ExportTask;
pub(super) use searching::SearchTask;

use super::{Actor, ActorActivity, CommandOutcome, ReplySender};
use crate::evaluate::{MeasurementResult, NetworkMeasurement};
use crate::{EngineError, Result};
use std::path::Path;
use std::time::Instant;
use surfit_core::event::Event;
use surfit_core::snapshot::{self, EngineState};

/// Errands that may wait; more are refused.
const MOST: usize = 16;

/// Something that takes a while.
pub(super) trait ActorTask: std::fmt::Debug {
    /// What it is, for people.
    fn name(&self) -> String;

    /// Units of work done, and in all as far as known.
    fn progress(&self) -> (u64, u64);

    /// Goes on for a moment; true at its end. What came of it has been said then.
    fn slice(&mut self, actor: &mut Actor<'_>) -> Result<bool>;

    /// The folder outside the run's own exports that it writes.
    fn folder(&self) -> Option<&Path> {
        None
    }
}

/// An errand with the way back to whoever asked.
#[derive(Debug)]
pub(super) struct PendingTask {
    errand: Box<dyn ActorTask>,
    reply: ReplySender,
}

impl Actor<'_> {
    /// Puts an errand behind those that wait.
    pub(super) fn ask(&mut self, errand: Box<dyn ActorTask>, reply: ReplySender) {
        if self.errands.len() >= MOST {
            let why = "too much was asked for and is not done; wait, or cancel";
            return self.answer(reply, self.journal.seq(), Err(EngineError::input(why)));
        }
        let folder = errand.folder();
        let others = self.errands.iter().filter_map(|a| a.errand.folder());
        if let Some(folder) = folder.filter(|f| others.into_iter().any(|o| o == *f)) {
            let why = format!(
                "{}: an export to this folder is under way; choose another folder, or ask again when it is done",
                folder.display()
            );
            return self.answer(reply, self.journal.seq(), Err(EngineError::input(why)));
        }
        self.flush_losses();
        self.errands.push_back(PendingTask { errand, reply });
        self.publish(true);
    }

    /// Goes on with the first errand for a moment.
    pub(super) fn tick_errand(&mut self) {
        let Some(mut asked) = self.errands.pop_front() else {
            return;
        };
        let (began, after) = (Instant::now(), self.journal.seq());
        let outcome = asked.errand.slice(self);
        if self.state != EngineState::Paused {
            // The stage did not go on in this time.
            self.stage_began += began.elapsed();
            self.pace.shift(began.elapsed());
        }
        match outcome {
            Ok(false) => self.errands.push_front(asked),
            Ok(true) => {
                let durable = self.journal.try_sync();
                // What else is told is not a file that somebody relies on.
                let result = durable.or_else(|error| match self.journal.holds_promises() {
                    true => Err(error),
                    false => Ok(()),
                });
                self.answer(asked.reply, after, result);
            }
            Err(error) => self.answer(asked.reply, after, Err(error)),
        }
    }

    /// Gives up what was asked for, else the heatmap, the alignment or the end of the job.
    pub(super) fn cancel(&mut self) -> Result<CommandOutcome> {
        if let Some(asked) = self.errands.pop_front() {
            let what = asked.errand.name();
            let after = self.journal.seq();
            self.journal.say(Event::Cancelled { what: what.clone() });
            self.answer(
                asked.reply,
                after,
                Err(EngineError::input(format!("{what}: given up"))),
            );
            return Ok(CommandOutcome::Done);
        }
        if matches!(
            self.work,
            ActorActivity::Map { .. }
                | ActorActivity::Align(_)
                | ActorActivity::Surface
                | ActorActivity::Finish
        ) {
            self.stop()?;
            return Ok(CommandOutcome::Done);
        }
        Err(EngineError::input(
            "nothing is under way that could be given up; stop ends the training early",
        ))
    }

    /// The errand under way, for the snapshot.
    pub(super) fn shown_errand(&self) -> Option<snapshot::RunningTask> {
        let asked = self.errands.front()?;
        let (done, total) = asked.errand.progress();
        Some(snapshot::RunningTask {
            name: asked.errand.name(),
            done,
            total,
            waiting: self.errands.len() - 1 + self.deferred.len(),
        })
    }

    /// Goes on with a measurement for a moment; what it came to when it is complete, else it stays in its place.
    pub(super) fn go_on_measuring(
        &mut self,
        measuring: &mut Option<NetworkMeasurement>,
    ) -> Option<MeasurementResult> {
        let mut one = measuring.take()?;
        if !one.slice(&self.model, &self.evaluator, &self.data.test) {
            *measuring = Some(one);
            return None;
        }
        let measured = one.finish();
        self.estimate.image(measured.seconds_per_image);
        Some(measured)
    }
}

//! Another degree of the run that is shown: as a run of its own now, or in the queue.

use super::{BridgeInput, BridgeMessage, BridgeWorker, READONLY_ERROR};
use crate::file_writer::outcome_text;
use crate::queue::FitQueue;
use crate::{ClientError, engine_program, fork};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use surfit_core::run_dir::RunDir;
use surfit_core::surface::Degrees;

/// How long leaving waits for the checkpoint that a fork begins with, and for the fork's engine to listen.
const RUN_CREATION_TIMEOUT: Duration = Duration::from_secs(60);

/// Time at which a fork of the shown run starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum NewRunKind {
    /// Now, beside this one.
    Fork,
    /// When this one, and what is before it in the queue, has ended.
    Queued,
}

#[derive(Clone, Debug, PartialEq)]
enum CreationStage {
    /// Nothing is there; the other run's engine writes its checkpoint.
    AwaitingCheckpoint,
    Writing,
    /// It is whole, and its engine is being started.
    Created(String),
    /// Nobody waited for it any longer, and there is nothing of it.
    Cancelled,
}

type SharedStage = Arc<Mutex<CreationStage>>;

/// Continues with the next stage, unless it was cancelled.
fn advance_stage(stage: &SharedStage, next: CreationStage) -> Result<(), ClientError> {
    let mut stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
    if *stage == CreationStage::Cancelled {
        return Err(ClientError::Abandoned);
    }
    *stage = next;
    Ok(())
}

/// Another run that is being made on a thread of its own.
pub(super) struct RunCreation {
    degrees: Degrees,
    stage: SharedStage,
    /// Returns the outcome, and whether it was reported to the screen.
    thread: JoinHandle<(String, bool)>,
}

impl RunCreation {
    fn is_running(&self) -> bool {
        !self.thread.is_finished()
    }

    fn is_being_written(&self) -> bool {
        let stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_running() && *stage == CreationStage::Writing
    }

    /// The sentence to report once nothing waits for it any longer.
    fn cancel_or_describe(self, run: &str) -> String {
        let degrees = self.degrees;
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        if let CreationStage::Created(name) = &*stage {
            return format!(
                "{name} is made at degree {degrees}, but its engine has not answered yet; the list of runs shows its state"
            );
        }
        *stage = CreationStage::Cancelled;
        format!(
            "no run of degree {degrees} was made: the engine of {run} has written no checkpoint for {} s; try again later",
            RUN_CREATION_TIMEOUT.as_secs()
        )
    }
}

impl BridgeWorker {
    /// Makes it on a thread of its own: a checkpoint and an engine's start are slow, and keys must not block.
    pub(super) fn start_run_creation(&mut self, how: NewRunKind, degrees: Degrees) {
        if self.readonly {
            return self.send_problem(&READONLY_ERROR);
        }
        let Some(run) = self.run.clone() else {
            return self.send_problem(&"there is no run yet to make another of");
        };
        let stage = Arc::new(Mutex::new(CreationStage::AwaitingCheckpoint));
        let (screen, shared) = (self.screen.clone(), stage.clone());
        let started = std::thread::Builder::new().name("another run".into()).spawn(move || {
            let message = create_new_run(&run, how, degrees, &shared).unwrap_or_else(|error| {
                BridgeMessage::Problem(format!("no run of degree {degrees} was made: {error}"))
            });
            // The screen may be gone; the run is made all the same.
            (outcome_text(&message), screen(message.into()))
        });
        match started {
            Ok(thread) => {
                self.run_creations.retain(RunCreation::is_running);
                self.run_creations.push(RunCreation { degrees, stage, thread });
            }
            Err(error) => self.send_problem(&error),
        }
    }

    /// Waits for runs that are being made, and returns the outcomes not reported to the screen. None is left half
    /// made.
    pub(super) fn await_run_creations(&mut self, inputs: &Receiver<BridgeInput>) -> Vec<String> {
        let late: Vec<bool> = self.run_creations.iter().map(RunCreation::is_running).collect();
        self.process_inputs_while(inputs, RUN_CREATION_TIMEOUT, |w| {
            w.run_creations.iter().any(RunCreation::is_running)
        });
        // Files are only as slow as their disk.
        self.process_inputs_while(inputs, Duration::MAX, |w| w.run_creations.iter().any(RunCreation::is_being_written));
        let run = self.run.as_ref().map_or_else(String::new, RunDir::id);
        let said = std::mem::take(&mut self.run_creations).into_iter().zip(late).filter_map(|(making, late)| {
            if making.is_running() {
                return Some(making.cancel_or_describe(&run));
            }
            let (text, received) = making.thread.join().ok()?;
            (late || !received).then_some(text)
        });
        said.collect()
    }
}

/// Creates it; returns the message for the screen.
fn create_new_run(
    run: &RunDir,
    how: NewRunKind,
    degrees: Degrees,
    stage: &SharedStage,
) -> Result<BridgeMessage, ClientError> {
    if how == NewRunKind::Queued {
        advance_stage(stage, CreationStage::Writing)?;
        let queue = FitQueue::open();
        let entry = queue.add_fork(run, degrees)?;
        let (number, title) = (entry.number, &entry.title);
        if let Err(error) = queue.start_runner() {
            return Ok(BridgeMessage::Problem(format!(
                "number {number}, {title}, waits in the queue, but nobody works on it: {error}; start it with \
                 `surfit queue start`"
            )));
        }
        return Ok(BridgeMessage::Notice(format!("number {number} in the queue: {title}, when this run has ended")));
    }
    // Before the directory is made: without an engine it would be a run at rest.
    engine_program()?;
    fork::checkpoint_if_running(run)?;
    advance_stage(stage, CreationStage::Writing)?;
    let new = fork::fork_last_checkpoint(run, Some(degrees))?;
    advance_stage(stage, CreationStage::Created(new.id()))?;
    fork::start_fork(&new, run)?;
    let sentence = format!("{} goes on at degree {degrees} as a run of its own", new.id());
    Ok(BridgeMessage::Forked { path: new.path().to_owned(), sentence })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn what_nobody_waits_for_is_not_begun_and_what_is_made_is_told() {
        let (end, held) = sync_channel::<()>(0);
        let stage = Arc::new(Mutex::new(CreationStage::AwaitingCheckpoint));
        let making = |stage: &SharedStage, thread| RunCreation {
            degrees: Degrees::new(3, 2).unwrap(),
            stage: stage.clone(),
            thread,
        };
        let thread = std::thread::spawn(move || {
            let _ = held.recv();
            (String::new(), false)
        });
        let waiting = making(&stage, thread);
        assert!(waiting.is_running() && !waiting.is_being_written());
        let said = waiting.cancel_or_describe("a");
        assert!(said.contains("no run of degree 3×2 was made"), "{said}");
        assert!(advance_stage(&stage, CreationStage::Writing).is_err(), "it was given up");
        drop(end);
        let stage = Arc::new(Mutex::new(CreationStage::AwaitingCheckpoint));
        advance_stage(&stage, CreationStage::Writing).unwrap();
        advance_stage(&stage, CreationStage::Created("a-3x2".into())).unwrap();
        let thread = std::thread::spawn(|| (String::new(), false));
        let said = making(&stage, thread).cancel_or_describe("a");
        assert!(said.contains("a-3x2 is made") && said.contains("list of runs"));
    }
}

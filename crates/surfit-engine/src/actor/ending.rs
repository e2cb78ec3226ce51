//! The end of an engine: that what it reached is durable, or that it is told what is not.

use super::{Actor, ActorActivity};
use crate::{EngineError, Result};
use std::time::{Duration, Instant};
use surfit_core::run_dir::{FileIdentity, RunDir};

/// Looks now and then whether a run's directory is where it was.
#[derive(Debug)]
pub(super) struct DirectoryWatch {
    directory: Option<FileIdentity>,
    looked: Instant,
    /// Looks in a row that found another directory there, or none.
    missing: u32,
}

impl DirectoryWatch {
    /// Time between two looks.
    const INTERVAL: Duration = Duration::from_secs(2);

    /// Looks in a row that have to miss it: a file system may be away for a moment.
    const MAX_MISSING: u32 = 3;

    pub(super) fn new(run: &RunDir) -> Self {
        Self {
            directory: run.identity(),
            looked: Instant::now(),
            missing: 0,
        }
    }

    /// Makes it miss the directory at its next look.
    #[cfg(test)]
    pub(super) fn age(&mut self) {
        self.looked -= Self::INTERVAL;
        self.missing = Self::MAX_MISSING - 1;
    }

    /// True when the directory is gone for good.
    fn is_gone(&mut self, run: &RunDir) -> bool {
        if self.looked.elapsed() >= Self::INTERVAL {
            self.looked = Instant::now();
            self.missing = match self.is_missing(run) {
                // A file system that is away for a moment shows no other directory.
                true if self.is_replaced(run) => Self::MAX_MISSING,
                true => self.missing + 1,
                false => 0,
            };
        }
        self.missing >= Self::MAX_MISSING
    }

    /// True when another directory lies at the run's path: what is written there goes into another run.
    fn is_replaced(&self, run: &RunDir) -> bool {
        self.directory.is_some()
            && run
                .identity()
                .is_some_and(|now| Some(now) != self.directory)
    }

    /// True when another directory lies at the run's path, or none. One that cannot be looked at may be there.
    fn is_missing(&self, run: &RunDir) -> bool {
        match std::fs::metadata(run.path()) {
            Ok(_) => self.is_replaced(run),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        }
    }
}

/// A step of a corner's training, or of the fit, in words.
fn named_step((corner, step): (Option<usize>, u64)) -> String {
    match corner {
        Some(index) => format!("step {step} of corner {}", index + 1),
        None => format!("step {step}"),
    }
}

impl Actor<'_> {
    /// Fails when the run's directory was removed or moved: nothing that is done from then on could be kept.
    pub(super) fn check_directory(&mut self) -> Result<()> {
        match self.directory.is_gone(&self.run) {
            true => Err(self.gone()),
            false => Ok(()),
        }
    }

    /// Fails when another directory has taken the place of the run's: nothing may be written or removed there.
    pub(super) fn refuse_replaced(&self) -> Result<()> {
        match self.directory.is_replaced(&self.run) {
            true => Err(self.gone()),
            false => Ok(()),
        }
    }

    fn gone(&self) -> EngineError {
        EngineError::input(format!(
            "{} was removed or moved while the engine worked in it; resume the run from where it lies now, \
             which repeats what came after its last checkpoint",
            self.run.path().display()
        ))
    }

    /// Fails when the end would lose something, since the last checkpoint could not be written.
    pub(super) fn refuse_loss(&self) -> Result<()> {
        if self.directory.is_missing(&self.run) {
            return Err(self.gone());
        }
        let Some(why) = self.clock.checkpoint_error.as_ref() else {
            return Ok(());
        };
        let saved = self.clock.saved;
        let reached = self.reached();
        // Between two trainings every step is in a file of its own.
        if (reached.is_none() || reached == saved) && !self.clock.change_lost {
            return Ok(());
        }
        let last = match saved {
            Some(saved) => format!("the last checkpoint is of {}", named_step(saved)),
            None => "there is no checkpoint of it".into(),
        };
        let stopped = named_step(reached.unwrap_or((None, 0)));
        Err(EngineError::input(format!(
            "stopped at {stopped}, but {last}: {why}; make room on the disk, then resume, which repeats the steps since"
        )))
    }

    /// The training under way and its step: the corner with this number, or the fit. `None` where no step is done.
    pub(super) fn reached(&self) -> Option<(Option<usize>, u64)> {
        if let (ActorActivity::Corner(_), Some(trainer)) = (&self.work, &self.trainer)
            && trainer.step > 0
        {
            return Some((Some(self.fit.corner), trainer.step));
        }
        self.surface.as_ref()?;
        self.progress.map(|p| (None, p.step))
    }

    /// Answers those who asked for the engine's end.
    pub(super) fn answer_closers(&mut self, worked: &Result<()>) {
        for reply in std::mem::take(&mut self.closers) {
            let after = self.journal.seq();
            let result = match worked {
                Ok(()) => Ok(()),
                Err(error) => Err(EngineError::input(error.to_string())),
            };
            self.answer(reply, after, result);
        }
    }
}

//! The end of an engine: its state becomes durable, or it reports what is not.

use super::{Actor, ActorActivity};
use crate::{EngineError, Result};
use std::time::{Duration, Instant};
use surfit_core::run_dir::{FileIdentity, RunDir};

/// Looks now and then whether a run's directory is where it was.
#[derive(Debug)]
pub(super) struct DirectoryWatch {
    directory: Option<FileIdentity>,
    checked_at: Instant,
    /// Looks in a row that found another directory there, or none.
    missed_checks: u32,
}

impl DirectoryWatch {
    const CHECK_INTERVAL: Duration = Duration::from_secs(2);

    /// Looks in a row that have to miss it: a file system may be away for a moment.
    const MAX_MISSED_CHECKS: u32 = 3;

    pub(super) fn new(run: &RunDir) -> Self {
        Self { directory: run.identity(), checked_at: Instant::now(), missed_checks: 0 }
    }

    /// Makes it miss the directory at its next look.
    #[cfg(test)]
    pub(super) fn expire(&mut self) {
        self.checked_at -= Self::CHECK_INTERVAL;
        self.missed_checks = Self::MAX_MISSED_CHECKS - 1;
    }

    /// True when the directory is gone for good.
    fn is_gone(&mut self, run: &RunDir) -> bool {
        if self.checked_at.elapsed() >= Self::CHECK_INTERVAL {
            self.checked_at = Instant::now();
            self.missed_checks = match self.is_missing(run) {
                // A file system that is away for a moment shows no other directory.
                true if self.is_replaced(run) => Self::MAX_MISSED_CHECKS,
                true => self.missed_checks + 1,
                false => 0,
            };
        }
        self.missed_checks >= Self::MAX_MISSED_CHECKS
    }

    /// True when another directory is at the run's path: what is written there goes into another run.
    fn is_replaced(&self, run: &RunDir) -> bool {
        self.directory.is_some() && run.identity().is_some_and(|now| Some(now) != self.directory)
    }

    /// True when another directory is at the run's path, or none. One that cannot be looked at may be there.
    fn is_missing(&self, run: &RunDir) -> bool {
        match std::fs::metadata(run.path()) {
            Ok(_) => self.is_replaced(run),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        }
    }
}

/// A step of a corner's training, or of the fit, in words.
fn describe_step((corner, step): (Option<usize>, u64)) -> String {
    match corner {
        Some(index) => format!("step {step} of corner {}", index + 1),
        None => format!("step {step}"),
    }
}

impl Actor<'_> {
    /// Fails when the run's directory was removed or moved: nothing that is done from then on could be kept.
    pub(super) fn check_directory(&mut self) -> Result<()> {
        match self.directory_watch.is_gone(&self.run) {
            true => Err(self.directory_gone_error()),
            false => Ok(()),
        }
    }

    /// Fails when another directory has taken the place of the run's: nothing may be written or removed there.
    pub(super) fn check_not_replaced(&self) -> Result<()> {
        match self.directory_watch.is_replaced(&self.run) {
            true => Err(self.directory_gone_error()),
            false => Ok(()),
        }
    }

    fn directory_gone_error(&self) -> EngineError {
        EngineError::DirectoryGone(self.run.path().to_owned())
    }

    /// Fails when the end would lose something, since the last checkpoint could not be written.
    pub(super) fn check_no_steps_lost(&self) -> Result<()> {
        if self.directory_watch.is_missing(&self.run) {
            return Err(self.directory_gone_error());
        }
        let Some(why) = self.publication_times.checkpoint_error.as_ref() else {
            return Ok(());
        };
        let saved = self.publication_times.saved_position;
        let reached = self.training_position();
        // Between two trainings every step is in a file of its own.
        if (reached.is_none() || reached == saved) && !self.publication_times.has_unsaved_change {
            return Ok(());
        }
        let last = match saved {
            Some(saved) => format!("the last checkpoint is of {}", describe_step(saved)),
            None => "there is no checkpoint of it".into(),
        };
        let stopped = describe_step(reached.unwrap_or((None, 0)));
        Err(EngineError::StepsLost(format!(
            "stopped at {stopped}, but {last}: {why}; make room on the disk, then resume, which repeats the steps since"
        )))
    }

    /// The training under way and its step: the corner with this number, or the fit. `None` where no step is done.
    pub(super) fn training_position(&self) -> Option<(Option<usize>, u64)> {
        if let (ActorActivity::Corner(_), Some(trainer)) = (&self.activity, &self.trainer)
            && trainer.step > 0
        {
            return Some((Some(self.fit_scratch.corner_index), trainer.step));
        }
        self.surface.as_ref()?;
        self.progress.map(|p| (None, p.step))
    }

    pub(super) fn reply_to_shutdown_requests(&mut self, worked: &Result<()>) {
        for reply in std::mem::take(&mut self.shutdown_replies) {
            let after = self.journal.seq();
            self.send_reply(reply, after, worked);
        }
    }
}

//! The beginning of a run that is a copy of another one's checkpoint.

use super::{Actor, LiveProgress};
use crate::Result;
use surfit_core::event::Event;

impl Actor<'_> {
    /// Does what a fork was made for, once: the surface gets its degrees at the very step of the checkpoint. A fit that had
    /// come to its end gets a further round when these are other degrees; with the same ones it has nothing to learn. Durable before the job resumes.
    pub(super) fn apply_fork(&mut self) -> Result<()> {
        let Some(mut fork) = self.run.fork_record()?.filter(|f| !f.begun) else {
            return Ok(());
        };
        let (Some(surface), Some(progress)) = (&self.surface, self.progress) else {
            return Ok(());
        };
        self.journal.emit(Event::Forked { from: fork.from.clone(), step: progress.step, degrees: surface.degrees() });
        if let Some(to) = fork.degrees
            && to != surface.degrees()
        {
            self.check_degrees(to)?;
            self.convert_surface(to);
            if progress.is_complete() {
                let steps = (self.config.fit.epochs * self.fit_steps_per_epoch() as f64).round() as u64;
                self.progress = Some(progress.extended_by(steps));
                self.live_progress = LiveProgress::default();
            }
        }
        self.try_checkpoint()?;
        fork.begun = true;
        Ok(self.run.write_fork_record(&fork)?)
    }
}

//! The degrees of the surface: which it can have, and changing them while a fit goes on.

use super::{Actor, ActorActivity};
use crate::memory;
use crate::surface::Surface;
use crate::{EngineError, Result};
use surfit_core::event::Event;
use surfit_core::surface::Degrees;

impl Actor<'_> {
    /// Degrees of the surface, or of the one to come.
    pub(super) fn present_degrees(&self) -> Degrees {
        self.surface
            .as_ref()
            .map_or_else(|| self.config.degrees(), |s| s.degrees())
    }

    /// Refuses a surface that the host's memory cannot hold, before any of it is allocated.
    pub(super) fn check_memory(&self, degrees: Degrees, converted: bool) -> Result<()> {
        let device = self.model.placement().device;
        memory::check_surface(degrees, self.model.parameters(), converted, device)
    }

    /// Refuses degrees that the surface cannot have.
    pub(super) fn refuse_degrees(&self, to: Degrees) -> Result<()> {
        let patch = self.config.patch();
        if to.patch() != patch {
            return Err(EngineError::input(format!(
                "the surface between {} corners is a {}; give it degrees of one",
                patch.corners(),
                patch.name()
            )));
        }
        let present = self.surface.as_ref().map(Surface::degrees);
        if present != Some(to) {
            self.check_memory(to, present.is_some())?;
        }
        Ok(())
    }

    /// Changes the degrees of the surface, or of the one to come.
    pub(super) fn set_degrees(&mut self, to: Degrees) -> Result<()> {
        self.flush_losses();
        self.refuse_degrees(to)?;
        let Some(from) = self.surface.as_ref().map(Surface::degrees) else {
            self.config.fit.degree = to.into();
            self.store_config()?;
            self.journal
                .notice(format!("the surface will have degree {to}"));
            return Ok(());
        };
        if from == to {
            return Ok(());
        }
        self.convert(to);
        self.save_change();
        // During a fit the live heatmap follows by itself; a surface at rest that moved is measured again.
        if !matches!(self.work, ActorActivity::Fit) && !from.converts_exactly(to) {
            let finish = matches!(
                self.work,
                ActorActivity::Map { finish: true, .. } | ActorActivity::Finish
            );
            self.begin_map(finish);
        }
        Ok(())
    }

    /// Converts the surface and says so.
    pub(super) fn convert(&mut self, to: Degrees) {
        let Some(surface) = &mut self.surface else {
            return;
        };
        let from = surface.degrees();
        let scale = *self.fit.scale.get_or_insert_with(|| surface.scale());
        let deviation = surface.convert(to, scale);
        let step = self.progress.map_or(0, |p| p.step);
        self.forget_gradients();
        self.points = self.describe_points();
        self.surface_changed();
        self.journal.say(Event::DegreeChanged {
            step,
            from,
            to,
            deviation,
        });
    }
}

//! The degrees of the surface: which it can have, and changing them during a fit.

use super::{Actor, ActorActivity, GradientHistory};
use crate::memory;
use crate::surface::Surface;
use crate::{EngineError, Result};
use surfit_core::event::Event;
use surfit_core::surface::{Degrees, TrainablePoints};

impl Actor<'_> {
    /// Degrees of the surface, or of the one to come.
    pub(super) fn present_degrees(&self) -> Degrees {
        self.surface.as_ref().map_or_else(|| self.config.degrees(), |s| s.degrees())
    }

    /// Which control points of the surface train, or will.
    pub(super) fn trainable_points(&self) -> TrainablePoints {
        self.surface.as_ref().map_or_else(|| self.config.trainable_points(), Surface::trainable)
    }

    /// Refuses a surface that the host's memory cannot hold, before any of it is allocated.
    pub(super) fn check_memory(&self, degrees: Degrees, trainable: TrainablePoints, converted: bool) -> Result<()> {
        let device = self.model.placement().device;
        memory::check_surface_memory(degrees, trainable, self.model.parameters(), converted, device)
    }

    pub(super) fn check_degrees(&self, to: Degrees) -> Result<()> {
        let patch = self.config.patch();
        if to.patch() != patch {
            return Err(EngineError::input(format!(
                "the surface between {} corners is a {}; give it degrees of one",
                patch.corner_count(),
                patch.name()
            )));
        }
        let present = self.surface.as_ref().map(Surface::degrees);
        if present != Some(to) {
            self.check_memory(to, self.trainable_points(), present.is_some())?;
        }
        Ok(())
    }

    /// Changes the degrees of the surface, or of the one to come.
    pub(super) fn set_degrees(&mut self, to: Degrees) -> Result<()> {
        self.flush_losses();
        self.check_degrees(to)?;
        let Some(from) = self.surface.as_ref().map(Surface::degrees) else {
            self.config.fit.degree = to.into();
            self.store_config()?;
            self.journal.log(format!("the surface will have degree {to}"));
            return Ok(());
        };
        if from == to {
            return Ok(());
        }
        self.convert_surface(to);
        self.checkpoint_change();
        // During a fit the live heatmap follows by itself; a surface at rest that moved is measured again.
        if !matches!(self.activity, ActorActivity::Fit) && !from.converts_exactly(to) {
            let finish = matches!(self.activity, ActorActivity::Heatmap { finish: true, .. } | ActorActivity::Finish);
            self.begin_heatmap_stage(finish);
        }
        Ok(())
    }

    /// Converts the surface and reports it.
    pub(super) fn convert_surface(&mut self, to: Degrees) {
        let Some(surface) = &mut self.surface else {
            return;
        };
        let from = surface.degrees();
        // Corners that train may be equal.
        let scale = match surface.trainable() {
            TrainablePoints::AllButCorners => surface.mean_corner_distance(),
            TrainablePoints::All => surface.centroid().norm().double_value(&[]),
        };
        let deviation = surface.convert(to, scale);
        let step = self.progress.map_or(0, |p| p.step);
        // They are of a surface of other degrees.
        self.gradients = GradientHistory::default();
        self.refresh_points();
        self.mark_cells_stale();
        self.journal.emit(Event::DegreeChanged { step, from, to, deviation });
    }
}

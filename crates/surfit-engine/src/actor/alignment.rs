//! Alignment of the other corners to corner 1, then the linear surface between them.

use super::{Actor, ActorActivity, GradientHistory, LiveMap, LiveProgress};
use crate::align::AlignmentRun;
use crate::checkpoint::{self, FitProgress, FitRecord};
use crate::layout::LayoutTensors;
use crate::surface::Surface;
use crate::{EngineError, Result};
use surfit_core::event::{Alignment, Event, JobStage};
use surfit_core::heatmap::Heatmap;
use surfit_core::random::{self, RandomStream};
use surfit_core::surface::Degrees;

impl Actor<'_> {
    pub(super) fn begin_align_stage(&mut self) {
        self.alignment_run = None;
        if self.config.align.enabled {
            let others = self.corners.len() - 1;
            self.begin_stage(JobStage::Align, others as u64, ActorActivity::Align(1));
        } else {
            self.activity = ActorActivity::Surface;
        }
    }

    /// One step of a corner's alignment: a batch of images, or a group of units.
    pub(super) fn tick_align(&mut self, index: usize) -> Result<()> {
        if index < self.corners.len() {
            self.activity = ActorActivity::Align(index);
            let mut aligning = match self.alignment_run.take() {
                Some(aligning) => aligning,
                None => self.new_alignment_run(index)?,
            };
            match aligning.step(self.model.network())? {
                None => self.alignment_run = Some(aligning),
                Some((aligned, report)) => {
                    self.corners[index] = Some(aligned);
                    self.journal.emit(Event::Aligned(Alignment { index, ..report }));
                    self.activity = ActorActivity::Align(index + 1);
                }
            }
            return Ok(());
        }
        self.end_stage();
        let geometry = crate::geometry::measure_geometry(&self.all_corners()?, true);
        self.journal.emit(Event::Geometry(geometry));
        self.activity = ActorActivity::Surface;
        Ok(())
    }

    fn new_alignment_run(&self, index: usize) -> Result<AlignmentRun> {
        let train = &self.data.train;
        let order = random::permutation(train.len() as usize, self.config.seed, RandomStream::Calibration, 0);
        let images = train.select(&order[..self.config.align.images.min(order.len())]);
        let (x, _) = images.batch_range(0, images.len());
        let corners = self.all_corners()?;
        let method = self.config.align.method;
        Ok(AlignmentRun::new(self.model.network(), &corners[0], &corners[index], method, &x))
    }

    /// The linear surface between the corners in their present state, durable from its first moment on.
    pub(super) fn tick_surface(&mut self) -> Result<()> {
        let degrees = self.config.degrees();
        self.check_memory(degrees, self.config.trainable_points(), false)?;
        let surface = match self.config.corners.precede_fit() {
            true => Surface::linear(degrees, self.config.trainable_points(), self.all_corners()?),
            false => self.new_trunk(degrees),
        };
        self.install_surface(surface)?;
        // From here on the corners are rows of the surface; a second copy would only take memory.
        self.corners = super::startup::unready_corners(self.corners.len());
        self.begin_fit();
        Ok(())
    }

    /// The network that all control points are before they branch, at its first step.
    pub(super) fn new_trunk(&self, degrees: Degrees) -> Surface {
        let network = self.model.network().layout().initial_weights(self.corner_seed(0));
        Surface::trunk(degrees, &network.to_device(self.model.placement().device))
    }

    /// Installs a surface as the start of a fit. When it is refused, nothing changes.
    pub(super) fn install_surface(&mut self, mut surface: Surface) -> Result<()> {
        self.check_not_replaced()?;
        if let Some(old) = &self.surface {
            surface.start_versions_after(old.version());
        }
        if !surface.is_finite() {
            return Err(EngineError::NotFinite(
                "a corner has weights that are not finite; train or load it again".into(),
            ));
        }
        let progress = FitProgress::start(&self.config, self.fit_steps_per_epoch());
        let (patch, version) = (surface.degrees().patch(), surface.version());
        let mut heatmap = Heatmap { version, ..Heatmap::new(patch, self.own_grid()) };
        // Its given corners are measured at once, as rows of it, so that they do not depend on the run's history.
        let given = if surface.is_trunk() { Vec::new() } else { heatmap.corner_cells() };
        for (row, index) in given.into_iter().enumerate() {
            let w = surface.control_point(row);
            let (m, _) = self.evaluator.validate(&self.model, &w, i64::MAX);
            heatmap.cells[index] = m.as_cell(version);
        }
        self.emit_reopened();
        self.journal.try_sync()?;
        let record = FitRecord {
            surface: surface.state(),
            progress,
            focus_losses: Vec::new(),
            steered_settings: self.steered_settings.clone(),
            gradients: GradientHistory::default(),
            live_map: Some(LiveMap { heatmap: heatmap.clone(), progress: LiveProgress::default() }),
        };
        checkpoint::save(&self.run, &surface, &record)?;
        self.publication_times.saved_position = Some((None, progress.step));
        // From here on it is the run's surface: nothing is refused any more.
        self.focus_losses.clear();
        self.reset_heatmap(patch, version);
        self.heatmap = heatmap;
        self.live_progress = LiveProgress::default();
        self.fit_scratch.mean_corner_distance = Some(surface.mean_corner_distance());
        self.surface = Some(surface);
        self.progress = Some(progress);
        self.gradients = GradientHistory::default();
        self.refresh_points();
        self.store_snapshot();
        Ok(())
    }
}

//! Corners: trained here, or loaded.

use super::corner_recipes::{CornerRecipe, CornerTrainings, RecipeFacts, chosen_recipe, short_seed};
use super::given_corner_checks::{GivenFindings, WeightOrigin, read_stored_record, record_metadata};
use super::{Actor, ActorActivity, GradientHistory};
use crate::corner_cache::CacheEntry;
use crate::geometry;
use crate::layout::RunningStats;
use crate::model::Measurement;
use crate::model_file;
use crate::trainer::{BatchOrder, Trainer};
use crate::{EngineError, Result, checkpoint};
use surfit_core::event::{CornerReady, Event, Geometry, JobStage, LossCurve};
use surfit_core::files::{self, FilePath};
use surfit_core::snapshot::EngineState;
use surfit_core::surface::TrainablePoints;
use tch::Tensor;

/// What the source of a corner says that the fit trained.
const TRAINED_IN_FIT: &str = "trained in the fit";

/// A corner that is measured, and that the disk has not taken yet.
#[derive(Debug)]
pub(super) struct MeasuredCorner {
    index: usize,
    flat: Tensor,
    stats: RunningStats,
    measurement: Measurement,
    source: String,
    seconds: f64,
    findings: GivenFindings,
}

impl MeasuredCorner {
    fn ready_event(&self) -> CornerReady {
        CornerReady {
            index: self.index,
            source: self.source.clone(),
            accuracy: self.measurement.accuracy(),
            loss: self.measurement.loss(),
            seconds: self.seconds,
            own_statistics: self.findings.own_statistics,
            warnings: self.findings.warnings.clone(),
            metrics: self.measurement.other_metrics(),
        }
    }
}

impl Actor<'_> {
    pub(super) fn begin_corners(&mut self) {
        self.trainer = None;
        self.corner_sources_checked = false;
        let (_, total) = self.corner_progress(0);
        let RecipeFacts { name, description, keys } = self.recipe().facts();
        tracing::info!(recipe = name, ?keys, "corners are {description}");
        if self.recipe().trainings() == CornerTrainings::Fit {
            self.stage = JobStage::Fit;
            self.state = EngineState::Running;
            self.activity = ActorActivity::Surface;
            return;
        }
        self.begin_stage(JobStage::Corners, total, ActorActivity::Corner(0));
    }

    /// The way in which the corners of this run come to be.
    pub(super) fn recipe(&self) -> &'static dyn CornerRecipe {
        chosen_recipe(&self.config.corners)
    }

    /// Steps of all corners that are done and that there are, at a place in the order of getting ready; corners where
    /// none is trained.
    pub(super) fn corner_progress(&self, place: usize) -> (u64, u64) {
        let (place, corners) = (place as u64, self.corners.len() as u64);
        let steps = Trainer::longest_training_steps(&self.data, &self.config.corners);
        let here = self.trainer.as_ref().map_or(0, |trainer| trainer.step);
        match self.recipe().trainings() {
            CornerTrainings::None | CornerTrainings::Fit => (place, corners),
            CornerTrainings::Shared => (here, steps),
            CornerTrainings::OnePerCorner => (place * steps + here, corners * steps),
        }
    }

    /// Forgets the corners and everything made from them; new ones get the seeds that follow.
    pub(super) fn discard_corners(&mut self) -> Result<()> {
        self.discard_partial_work();
        self.emit_reopened();
        self.journal.try_sync()?;
        // What depends on others goes first, so that a crash in between leaves no surface without its corners, and no cells
        // without their surface.
        self.other_grids.remove(&self.run)?;
        checkpoint::remove(&self.run)?;
        checkpoint::remove_file(&self.partial_path())?;
        for index in 0..self.corners.len() {
            checkpoint::remove_file(&self.corner_path(index))?;
            checkpoint::remove_file(&self.class_order_path(index))?;
        }
        checkpoint::remove_file(&self.given_names_path())?;
        let count = self.corners.len();
        let trainings = if self.recipe().trainings().has_one_seed() { 1 } else { count };
        let next: Vec<u64> = (0..trainings).map(|i| short_seed(self.corner_seed(i), count as u64)).collect();
        self.config.corners.seeds = next;
        self.config.heatmap.grid = self.own_grid();
        self.store_config()?;
        self.earlier_corners.clear();
        self.corners = super::startup::unready_corners(count);
        self.trainer = None;
        self.surface = None;
        self.progress = None;
        self.publication_times.saved_position = None;
        self.points.clear();
        self.gradients = GradientHistory::default();
        self.reset_heatmap(self.heatmap.patch, 0);
        self.store_snapshot();
        Ok(())
    }

    pub(super) fn corner_seed(&self, index: usize) -> u64 {
        self.recipe().training_seed(&self.config, index)
    }

    pub(super) fn corner_path(&self, index: usize) -> FilePath {
        self.run.join("corners").join(format!("corner-{}.safetensors", index + 1))
    }

    pub(super) fn partial_path(&self) -> FilePath {
        self.run.join("corners").join("partial.safetensors")
    }

    /// Works on the corner that is at `place` in the order of getting ready.
    pub(super) fn tick_corner(&mut self, place: usize) -> Result<()> {
        if let Some(ready) = self.unstored_corner.take() {
            return self.store_corner(place, ready);
        }
        let recipe = self.recipe();
        if !self.corner_sources_checked {
            recipe.check_sources(self)?;
            self.corner_sources_checked = true;
        }
        let index = self.config.corners.epochs.completion_order(self.corners.len())[place];
        if self.trainer.is_none() || self.fit_scratch.corner_index != index {
            self.fit_scratch.corner_index = index;
            let stored = self.corner_path(index);
            if files::exists(&stored) {
                let flat = self.read_stored_corner(&stored)?;
                self.remove_partial_training(index)?;
                // A stored corner that was trained here has no record.
                let record = if self.config.corners.trains_corners() { None } else { read_stored_record(&stored) };
                // What was reported of it goes first; a kill may have come before that.
                let (source, origin) = match record {
                    Some(record) => (record.source.clone(), WeightOrigin::Stored(Box::new(record))),
                    None => (recipe.describe_source(&self.config, index), WeightOrigin::Trained),
                };
                return self.measure_corner(place, flat, source, 0.0, origin);
            }
            if let Some(read) = recipe.read_corner(self, index)? {
                return self.measure_corner(place, read.flat, read.source, 0.0, read.origin);
            }
            let seed = self.corner_seed(index);
            let target = Trainer::corner_steps(&self.data, &self.config.corners, index);
            let goes_on = self.trainer.as_ref().is_some_and(|t| t.seed == seed && t.step <= target);
            if !goes_on {
                let trainer = self.open_trainer(index)?;
                self.publication_times.saved_position = (trainer.step > 0).then_some((Some(index), trainer.step));
                self.trainer = Some(trainer);
            }
        }
        let Some(trainer) = &mut self.trainer else {
            return Ok(());
        };
        let config = &self.config.corners;
        let target = Trainer::corner_steps(&self.data, config, index);
        if trainer.step < target {
            let loss = recipe.train_step(trainer, &self.model, &self.data, config);
            self.pending_losses.push(trainer.step - 1, loss);
        }
        if trainer.step < target {
            let epoch = BatchOrder::steps_per_epoch(self.data.train.len(), config.training.batch_size);
            if trainer.step.is_multiple_of(epoch.max(1)) {
                let (step, weights) = (trainer.step, trainer.weights.shallow_clone());
                self.emit_validation(LossCurve::Corner(index), step, &weights);
            }
            self.activity = ActorActivity::Corner(place);
            return Ok(());
        }
        self.flush_losses();
        let Some(trainer) = &self.trainer else {
            return Ok(());
        };
        let source = recipe.describe_source(&self.config, index);
        // A copy: a training may continue from here.
        let weights = trainer.weights.copy();
        self.cache_corner(index, &weights);
        let seconds = self.curve_seconds(LossCurve::Corner(index));
        self.measure_corner(place, weights, source, seconds, WeightOrigin::Trained)
    }

    /// Removes what is stored of a corner's own training, once the corner is whole. Of another one's, and of one training of
    /// all, it stays.
    fn remove_partial_training(&self, index: usize) -> Result<()> {
        let path = self.partial_path();
        if self.recipe().trainings() == CornerTrainings::Shared || !path.exists() {
            return Ok(());
        }
        match model_file::read_metadata(&path) {
            Ok(metadata) if metadata.get("corner") != Some(&index.to_string()) => Ok(()),
            Err(error) if error.is_io() => Err(error),
            // One that is damaged is of no use to any corner.
            _ => checkpoint::remove_file(&path),
        }
    }

    /// Emits a validation point of a network under training, `[P]`, on the images of the live heatmap.
    pub(super) fn emit_validation(&mut self, curve: LossCurve, step: u64, weights: &Tensor) {
        self.flush_losses();
        let (m, _) = self.evaluator.validate(&self.model, weights, self.config.heatmap.live_images as i64);
        self.journal.emit(Event::Validated { curve, step, loss: m.loss(), accuracy: m.accuracy() });
    }

    fn measure_corner(
        &mut self,
        place: usize,
        flat: Tensor,
        source: String,
        seconds: f64,
        origin: WeightOrigin,
    ) -> Result<()> {
        let index = self.config.corners.epochs.completion_order(self.corners.len())[place];
        if !flat.sum(tch::Kind::Float).double_value(&[]).is_finite() {
            checkpoint::remove_file(&self.partial_path())?;
            let config = self.run.config_path().into_path();
            return Err(EngineError::CornerDiverged { index, config });
        }
        let (measured, stats) = self.evaluator.validate(&self.model, &flat, i64::MAX);
        let findings = match origin {
            WeightOrigin::Trained => GivenFindings::default(),
            WeightOrigin::Given(own) => self.examine_given_corner(index, &flat, own.as_ref(), (&measured, &stats)),
            WeightOrigin::Stored(record) => {
                GivenFindings { own_statistics: record.own_statistics, warnings: record.warnings }
            }
        };
        let ready = MeasuredCorner { index, flat, stats, measurement: measured, source, seconds, findings };
        self.store_corner(place, ready)
    }

    /// Makes a corner durable, reports it, begins the next. After a full disk it retries with everything measured, and
    /// the trainer stays until then: it costs nothing but time.
    fn store_corner(&mut self, place: usize, ready: MeasuredCorner) -> Result<()> {
        if let Err(error) = self.write_corner(place, &ready) {
            self.unstored_corner = Some(ready);
            return Err(error);
        }
        let last = place + 1 == self.corners.len();
        if last || self.has_own_training() {
            self.trainer = None;
        }
        let (mut corner, m) = (ready.ready_event(), ready.measurement);
        let index = corner.index;
        match self.earlier_corners.remove(&index) {
            Some(c) if corner.seconds == 0.0 && self.config.corners.trains_corners() => {
                (corner.source, corner.seconds) = (c.source, c.seconds);
            }
            _ => {}
        }
        self.corners[index] = Some(ready.flat);
        let warnings = corner.warnings.clone();
        self.journal.emit(Event::CornerReady(corner));
        for warning in warnings {
            self.journal.log(warning);
        }
        let cell = self.heatmap.corner_cells()[index];
        self.heatmap.cells[cell] = m.as_cell(self.heatmap.version);
        if !last {
            self.activity = ActorActivity::Corner(place + 1);
            self.publish(true);
            return Ok(());
        }
        self.end_stage();
        let geometry = geometry::measure_geometry(&self.all_corners()?, false);
        let equal = geometry::equal_corners(&geometry);
        self.journal.emit(Event::Geometry(geometry));
        for (a, b) in equal {
            self.journal.log(format!(
                "corners {} and {} have the same weights: the surface has nothing to find between them; give different networks",
                a + 1,
                b + 1
            ));
        }
        self.begin_align_stage();
        Ok(())
    }

    fn write_corner(&mut self, place: usize, ready: &MeasuredCorner) -> Result<()> {
        self.check_not_replaced()?;
        // A corner that outlives what was reported of its training would have a curve with a gap.
        self.journal.try_sync()?;
        let path = self.corner_path(ready.index);
        if !files::exists(&path) {
            let layout = self.model.network().layout();
            // A resumed run reports the same of a given network, and needs its file no more.
            let record = match self.config.corners.trains_corners() {
                true => Vec::new(),
                false => record_metadata(&ready.ready_event()),
            };
            model_file::write(&path, layout, &ready.flat, &ready.stats, None, &record)?;
        }
        if place + 1 == self.corners.len() || self.has_own_training() {
            checkpoint::remove_file(&self.partial_path())?;
        }
        Ok(())
    }

    /// True when the training under way ends with its corner. One training of all runs to its next checkpoint; what is
    /// stored of a later corner's training stays when this one was stored before, too.
    fn has_own_training(&self) -> bool {
        self.trainer.is_some() && self.recipe().trainings() != CornerTrainings::Shared
    }

    /// The corner of an earlier training with exactly these inputs.
    pub(super) fn read_cached_corner(&mut self, index: usize) -> Option<Tensor> {
        let entry = self.cache_entry(index)?;
        let flat = entry.read(self.model.parameters()).unwrap_or_else(|error| {
            let sentence = format!("{error}; corner {} is trained again", index + 1);
            self.journal.log(sentence);
            None
        })?;
        Some(flat.to_device(self.model.placement().device))
    }

    /// Puts a trained corner into the cache. That this may fail is of no consequence but that it is trained again.
    fn cache_corner(&mut self, index: usize, weights: &Tensor) {
        let finite = weights.sum(tch::Kind::Float).double_value(&[]).is_finite();
        let Some(entry) = self.cache_entry(index).filter(|_| finite) else {
            return;
        };
        if let Err(error) = entry.write(weights) {
            self.journal.log(format!("{error}; corner {} is not in the cache", index + 1));
        }
    }

    fn cache_entry(&mut self, index: usize) -> Option<CacheEntry> {
        let cached = matches!(self.recipe().trainings(), CornerTrainings::Shared | CornerTrainings::OnePerCorner);
        if !self.config.corners.cache || !cached {
            return None;
        }
        let seed = self.corner_seed(index);
        let digest = self.training_digest.get_or_insert_with(|| self.data.train.digest());
        let epochs = self.config.corners.epochs.for_corner(index);
        let (config, data, model) = (&self.config, &self.data, &self.model);
        CacheEntry::for_corner(config, data, model, digest, seed, epochs)
    }

    fn open_trainer(&mut self, index: usize) -> Result<Trainer> {
        let (path, seed) = (self.partial_path(), self.corner_seed(index));
        if !files::exists(&path) {
            return Ok(Trainer::new(&self.model, seed));
        }
        // Weights and velocity.
        let most = 2 * self.model.parameters() as u64 * size_of::<f32>() as u64;
        let (tensors, metadata) = match model_file::read_tensors(&path, |_| most) {
            // Trained anew it arrives where it would have arrived.
            Err(EngineError::DamagedFile { path, fault, .. }) => {
                let path = path.display();
                self.journal.log(format!("{path}: {fault}; corner {} is trained from its beginning", index + 1));
                return Ok(Trainer::new(&self.model, seed));
            }
            read => read?,
        };
        let number = |key: &str| metadata.get(key).and_then(|v| v.parse::<u64>().ok());
        let find = |name: &str| {
            let want = [self.model.parameters()];
            let found = tensors.iter().find(|(n, t)| n == name && t.size() == want);
            found.map(|(_, t)| t.to_device(self.model.placement().device))
        };
        match (number("corner"), number("seed"), number("step"), find("weights"), find("velocity")) {
            (Some(c), Some(s), Some(step), Some(weights), Some(velocity))
                if s == seed
                    && (c == index as u64 || self.recipe().trainings() == CornerTrainings::Shared)
                    && step <= Trainer::corner_steps(&self.data, &self.config.corners, index) =>
            {
                Ok(Trainer::restore(weights, velocity, step, seed))
            }
            // It belongs to another corner or another configuration.
            _ => Ok(Trainer::new(&self.model, seed)),
        }
    }

    pub(super) fn save_partial_corner(&mut self, index: usize) -> Result<()> {
        let Some(trainer) = &self.trainer else {
            return Ok(());
        };
        if !trainer.weights.sum(tch::Kind::Float).double_value(&[]).is_finite() {
            return Err(EngineError::NotFinite(format!("corner {} has weights that are not finite", index + 1)));
        }
        let metadata = [
            ("corner".to_owned(), index.to_string()),
            ("seed".to_owned(), trainer.seed.to_string()),
            ("step".to_owned(), trainer.step.to_string()),
        ];
        let tensors = [("weights", &trainer.weights), ("velocity", &trainer.optimizer.velocity)];
        let saved = Some((Some(index), trainer.step));
        model_file::write_checksummed(&self.partial_path(), &tensors, &metadata)?;
        self.publication_times.saved_position = saved;
        Ok(())
    }

    /// Reports the corners of a fit that trained them, as the complete heatmap has them.
    pub(super) fn report_fitted_corners(&mut self) {
        let Some(surface) = self.surface.as_ref().filter(|surface| surface.trainable() == TrainablePoints::All) else {
            return;
        };
        let corners: Vec<Tensor> = (0..self.corners.len()).map(|row| surface.control_point(row)).collect();
        for (index, cell) in self.heatmap.corner_cells().into_iter().enumerate() {
            let cell = &self.heatmap.cells[cell];
            let (Some(accuracy), Some(loss)) = (cell.accuracy(), cell.loss()) else {
                continue;
            };
            // What is known of a corner from before the fit stays.
            let known = self.journal.run_state().corners.get(&index).cloned();
            let new = || CornerReady { index, source: TRAINED_IN_FIT.to_owned(), ..CornerReady::default() };
            let mut corner = known.unwrap_or_else(new);
            if !corner.source.ends_with(TRAINED_IN_FIT) {
                corner.source = format!("{}, {TRAINED_IN_FIT}", corner.source);
            }
            // Those of the file belong to the network as it was given.
            corner.own_statistics = None;
            (corner.accuracy, corner.loss, corner.metrics) = (accuracy, loss, cell.values.others());
            self.journal.emit(Event::CornerReady(corner));
        }
        let geometry = geometry::measure_geometry(&corners, false);
        self.journal.emit(Event::Geometry(Geometry { fitted: true, ..geometry }));
    }

    pub(super) fn all_corners(&self) -> Result<Vec<Tensor>> {
        let all: Option<Vec<Tensor>> = self.corners.iter().map(|c| c.as_ref().map(Tensor::shallow_clone)).collect();
        all.ok_or_else(|| EngineError::wrong_state("the corners are not ready; train or load them first"))
    }
}

//! Opening a run: what it depends on, and where it resumes.

use super::{
    Actor, ActorActivity, CommandRequest, GradientHistory, LiveMap, LiveProgress, ServeOptions, estimate, fitting,
    grids, publish, race, running_clock, shutdown,
};
use crate::checkpoint::{self, SteeredSettings};
use crate::data;
use crate::device::Placement;
use crate::evaluate::Evaluator;
use crate::identity::RunIdentity;
use crate::journal::EventJournal;
use crate::memory;
use crate::model::Model;
use crate::networks;
use crate::trainer::PendingLosses;
use crate::{EngineError, Result};
use std::collections::VecDeque;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
use surfit_core::event::{Event, JobStage, RunInfo};
use surfit_core::heatmap::{Cell, Heatmap, Metric};
use surfit_core::run_dir::{EngineNode, RunDir};
use surfit_core::snapshot::EngineState;
use tch::Tensor;

impl<'a> Actor<'a> {
    /// Loads data, network and whatever the run's directory holds, and decides what comes first.
    pub(super) fn open(
        run: &RunDir,
        journal: &'a mut EventJournal,
        requests: &'a Receiver<CommandRequest>,
        options: ServeOptions,
    ) -> Result<Self> {
        let mut config = run.config()?;
        // As many threads as the first engine of the run had: sums come out the same then.
        if config.threads == 0 {
            config.threads = RunIdentity::stored_threads(run).unwrap_or(0);
        }
        let began = Instant::now();
        let no_grad = tch::no_grad_guard();
        // The actor's thread computes gradients only inside `Model::gradient`.
        std::mem::forget(no_grad);
        // Sizes first: the device and its compute type depend on the network's size.
        let device = Placement::resolve(&config, 0)?.device;
        let data = data::load(&config.data, config.seed, device)?;
        let network = networks::Network::new(&config.network, data.input_shape, data.classes.len())?;
        let placement = Placement::resolve(&config, network.layout().len())?;
        let model = Model::new(network, placement);
        // Before hours go into corners whose surface would not fit.
        if !surfit_core::files::exists(&checkpoint::path(run)) {
            memory::check_surface_memory(
                config.degrees(),
                config.trainable_points(),
                model.parameters(),
                false,
                device,
            )?;
        }
        let evaluator = Evaluator::new(&data, config.data.bn_images, config.seed);
        // Batches that the training split cannot fill.
        config.check_batch_size(data.train.len() as usize).map_err(|why| EngineError::input(why.to_string()))?;
        // Once: a resumed run has reported them.
        let is_new = RunIdentity::stored_threads(run).is_none();
        let other_place = RunIdentity::current(&config, &data, &model).check_or_store(run)?;
        journal.emit(Event::Started(Box::new(RunInfo {
            run: run.id(),
            engine: env!("CARGO_PKG_VERSION").into(),
            device: placement.device_name(),
            compute: placement.precision_name().into(),
            threads: placement.threads,
            network: config.network.name.clone(),
            parameters: model.parameters() as usize,
            data: data.description.clone(),
            images: [&data.train, &data.validation, &data.test].map(|s| s.len() as usize),
            classes: data.classes.clone(),
            mean: data.mean.clone(),
            std: data.std.clone(),
            node: EngineNode::current().name_with_job(),
        })));
        for notice in data.notices.iter().filter(|_| is_new) {
            journal.log(notice.clone());
        }
        if let Some(sentence) = other_place {
            journal.log(sentence);
        }
        let restored = checkpoint::load(run, model.parameters(), device)?;
        let stored = run.snapshot();
        let shown = stored.as_ref().map(|s| &s.heatmap);
        let mut heatmap = Heatmap::new(config.patch(), config.heatmap.grid);
        let (mut surface, mut progress, mut live) = (None, None, LiveProgress::default());
        let (mut focus, mut steering) = (Vec::new(), SteeredSettings::default());
        let mut gradients = GradientHistory::default();
        if let Some((restored, record)) = restored {
            let known = restore_heatmap(restored.version(), record.live_map.as_ref(), shown);
            heatmap = known.filter(|h| h.patch == heatmap.patch).unwrap_or(heatmap);
            live = record.live_map.map_or(live, |live| live.progress);
            (surface, progress) = (Some(restored), Some(record.progress));
            (focus, steering, gradients) = (record.focus_losses, record.steered_settings, record.gradients);
        }
        steering.apply(&mut config.fit);
        let known_corners = journal.run_state().corners.clone();
        let mut actor = Self {
            run: run.clone(),
            options,
            journal,
            requests,
            corners: unready_corners(config.corners.len()),
            focus_losses: focus,
            trainer: None,
            surface,
            progress,
            fit_scratch: fitting::FitScratch::default(),
            pending_losses: PendingLosses::default(),
            unlogged_losses: None,
            heatmap,
            other_grids: grids::OtherGrids::default(),
            temporary_grid: None,
            metric: stored.as_ref().map_or(Metric::ACCURACY, |s| s.metric),
            marks: stored.as_ref().map(|s| s.marks.clone()).unwrap_or_default(),
            live_progress: live,
            cell_race: race::CellRace::default(),
            points: Vec::new(),
            gradients,
            activity: ActorActivity::None,
            tasks: VecDeque::new(),
            deferred_requests: Vec::new(),
            unstored_corner: None,
            corner_sources_checked: false,
            alignment_run: None,
            completion: None,
            steered_settings: steering,
            cost_estimate: estimate::CostEstimate::default(),
            load_sampler: crate::machine::LoadSampler::new(device, run.path()),
            stage: JobStage::Data,
            clock: running_clock::RunningClock::started_at(began),
            stage_began: Duration::ZERO,
            earlier_stage_seconds: 0.0,
            interrupted_stage: stored.as_ref().map(|s| (s.stage, s.stage_seconds)),
            state: EngineState::Idle,
            publication_times: publish::PublicationTimes::default(),
            shutdown_replies: Vec::new(),
            directory_watch: shutdown::DirectoryWatch::new(run),
            work_rate: publish::WorkRate::default(),
            closing: false,
            training_digest: None,
            earlier_corners: known_corners,
            stall: None,
            stall_reason: None,
            failure: None,
            config,
            data,
            model,
            evaluator,
        };
        actor.journal.emit(Event::StageEnded { stage: JobStage::Data, seconds: actor.stage_seconds() });
        actor.restore_run()?;
        Ok(actor)
    }

    /// Takes up what the run's directory holds, and decides what comes next.
    fn restore_run(&mut self) -> Result<()> {
        if let (Some(surface), Some(progress)) = (&self.surface, self.progress) {
            let patch = self.config.patch();
            self.other_grids = grids::OtherGrids::load(&self.run, patch, surface.version());
            self.journal.emit(Event::Resumed { step: progress.step });
            self.publication_times.saved_position = self.training_position();
            self.refresh_points();
            self.stage = JobStage::Fit;
            // Its corners are rows of the surface.
            checkpoint::remove_file(&self.partial_path())?;
            self.recover_exports();
            self.apply_fork()?;
        } else {
            // Of a surface that was removed.
            self.other_grids.remove(&self.run)?;
        }
        if !self.options.wait {
            self.resume_job();
            self.publish(true);
            return Ok(());
        }
        // What the stage has taken so far is stored again when this engine ends.
        self.clock.stop();
        let interrupted = self.interrupted_stage.filter(|(stage, _)| *stage == self.stage);
        self.earlier_stage_seconds = interrupted.map_or(0.0, |(_, seconds)| seconds);
        self.stage_began = self.clock.now();
        if self.journal.run_state().finished.is_some() {
            self.state = EngineState::Finished;
            self.stage = JobStage::Export;
        }
        self.publish(true);
        Ok(())
    }

    /// Resumes the job at the first part that is not done. A stage that ran before, to its end or not, goes on in time, too.
    pub(super) fn resume_job(&mut self) {
        let earlier = self.journal.run_state().seconds.clone();
        match (self.surface.is_some(), self.progress) {
            (true, Some(progress)) if !progress.is_complete() => self.begin_fit(),
            (true, Some(_)) => {
                // A course that never branched has come to its end.
                self.branch_surface();
                self.begin_heatmap_stage(true);
            }
            _ => self.begin_corners(),
        }
        let interrupted = self.interrupted_stage.filter(|(stage, _)| *stage == self.stage);
        let earlier = earlier.get(&self.stage).copied();
        self.earlier_stage_seconds = earlier.or(interrupted.map(|(_, seconds)| seconds)).unwrap_or(0.0);
    }
}

/// The heatmap of a surface of this version: what its checkpoint holds, with what was measured of the same surface since,
/// which the stored snapshot has. Cells of later versions belong to steps that will be made again.
fn restore_heatmap(version: u64, live: Option<&LiveMap>, shown: Option<&Heatmap>) -> Option<Heatmap> {
    let shown = shown.map(|shown| {
        let mut shown = shown.clone();
        let later = |cell: &&mut Cell| cell.version > version;
        let cells = shown.cells.iter_mut();
        cells.filter(later).for_each(|cell| *cell = Cell::default());
        shown
    });
    let mut heatmap = match (live, shown) {
        (None, shown) => shown?,
        (Some(live), None) => live.heatmap.clone(),
        (Some(live), Some(mut shown)) => {
            let mut heatmap = live.heatmap.clone();
            // A grid that was chosen since the checkpoint is kept.
            if shown.version >= version && shown.grid != heatmap.grid {
                heatmap = heatmap.with_grid(shown.grid);
            }
            let earlier = |cell: &&mut Cell| cell.version < version;
            let cells = shown.cells.iter_mut();
            cells.filter(earlier).for_each(|cell| *cell = Cell::default());
            if shown.patch == heatmap.patch {
                heatmap.merge_from(&shown);
            }
            heatmap
        }
    };
    heatmap.version = version;
    Some(heatmap)
}

pub(super) fn unready_corners(corners: usize) -> Vec<Option<Tensor>> {
    std::iter::repeat_with(|| None).take(corners).collect()
}

//! What the world gets to see: snapshots, status, checkpoints.

use super::{Actor, ActorActivity, LiveMap};
use crate::checkpoint::{self, FitRecord};
use crate::{EngineError, Result};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use surfit_core::draws::FitPhase;
use surfit_core::event::{Event, JobStage, LossCurve};
use surfit_core::files::write_atomic;
use surfit_core::run_dir::{EngineNode, RunStatus};
use surfit_core::series::StepTrack;
use surfit_core::snapshot::{EngineState, Snapshot, UnloggedLosses};

/// An estimate beyond this is of a rate that has faded while one long piece of work is done, and is not reported.
const MAX_SECONDS_LEFT: f64 = 100.0 * 86_400.0;

/// Seconds until `left` more are done at `rate` a second, where that is known.
fn seconds_left(left: u64, rate: f64) -> Option<f64> {
    let seconds = left as f64 / rate;
    (rate > 0.0 && seconds < MAX_SECONDS_LEFT).then_some(seconds)
}

#[derive(Debug, Default)]
pub(super) struct PublicationTimes {
    losses_read_at: Option<Instant>,
    losses_logged_at: Option<Instant>,
    points_at: Option<Instant>,
    snapshot_at: Option<Instant>,
    status_at: Option<Instant>,
    checkpoint_at: Option<Instant>,
    snapshot_stored_at: Option<Instant>,
    /// What the heatmap held when it was stored last, and the seconds that storing it took.
    stored_fingerprint: Option<(usize, u64, u64)>,
    store_seconds: f64,
    pub(super) checkpoint_error: Option<String>,
    /// The training that the last checkpoint is of, and its step.
    pub(super) saved_position: Option<(Option<usize>, u64)>,
    /// A change that no step shows is in no checkpoint yet.
    pub(super) has_unsaved_change: bool,
    status_failed: bool,
    /// Seconds that the last checkpoint, and the last look at the control points, took.
    checkpoint_seconds: f64,
    points_seconds: f64,
    last_viewers: usize,
}

/// Measures units of work a second over the last few seconds.
#[derive(Debug, Default)]
pub(super) struct WorkRate {
    /// Time by the engine's clock, and units done then.
    last_sample: Option<(Duration, u64)>,
    rate: f64,
}

impl WorkRate {
    pub(super) fn update(&mut self, now: Duration, done: u64) -> f64 {
        match self.last_sample {
            None => self.last_sample = Some((now, done)),
            Some((at, before)) if now - at > Duration::from_secs(1) => {
                let fresh = done.saturating_sub(before) as f64 / (now - at).as_secs_f64();
                self.rate = if self.rate > 0.0 { 0.6 * self.rate + 0.4 * fresh } else { fresh };
                self.last_sample = Some((now, done));
            }
            Some(_) => {}
        }
        self.rate
    }
}

/// Seconds since the Unix epoch.
pub(crate) fn unix_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

/// True when `last` is longer ago than `seconds`; sets it to now then.
fn is_due(last: &mut Option<Instant>, seconds: f64) -> bool {
    let now = Instant::now();
    let is_due = last.is_none_or(|at| (now - at).as_secs_f64() >= seconds);
    if is_due {
        *last = Some(now);
    }
    is_due
}

/// Losses are read from the device and shown this often.
const LOSS_READ_INTERVAL: f64 = 0.2;
/// They go into an event every six hundredth of the time that the training took so far, and at least this often: a day's
/// record has so many times fewer events, snapshots show meanwhile what is not reported, and a checkpoint emits it.
const LOSS_EVENT_INTERVAL: std::ops::RangeInclusive<f64> = LOSS_READ_INTERVAL..=5.0;
const LOSS_EVENTS_PER_TRAINING_TIME: f64 = 600.0;
/// Losses that may wait to be reported: a bound for fast steps, whose snapshots would become large.
const MAX_UNLOGGED_LOSSES: usize = 512;
const SNAPSHOT_INTERVAL: f64 = 0.1;
const POINTS_INTERVAL: f64 = 2.0;
const STATUS_INTERVAL: f64 = 5.0;
/// Time between two stored snapshots while the heatmap changes: a client that compares runs reads them.
const SNAPSHOT_STORE_INTERVAL: f64 = 2.0;
/// Checkpoints and looks at the control points wait at least this many times what they cost, so that they take no more
/// than two hundredths of a large fit.
const MIN_INTERVAL_PER_COST: f64 = 50.0;
/// Losses that may wait on the device; a bound for fast steps.
const MAX_PENDING_LOSSES: usize = 512;

impl Actor<'_> {
    /// Publishes what is due; with `now`, the snapshot and the status at once.
    pub(super) fn publish(&mut self, now: bool) {
        let running = self.state == EngineState::Running || !self.tasks.is_empty();
        if !self.pending_losses.is_empty()
            && (is_due(&mut self.publication_times.losses_read_at, LOSS_READ_INTERVAL)
                || self.pending_losses.len() >= MAX_PENDING_LOSSES)
        {
            self.fetch_losses();
            if self.losses_are_due() {
                self.emit_losses();
            }
            self.watch_for_divergence();
        }
        let points_every = POINTS_INTERVAL.max(MIN_INTERVAL_PER_COST * self.publication_times.points_seconds);
        if running && self.stage == JobStage::Fit && is_due(&mut self.publication_times.points_at, points_every) {
            let began = Instant::now();
            self.refresh_points();
            self.publication_times.points_seconds = began.elapsed().as_secs_f64();
        }
        let viewers = self.journal.viewers();
        let changed = running || now || viewers != self.publication_times.last_viewers;
        if now || (changed && is_due(&mut self.publication_times.snapshot_at, SNAPSHOT_INTERVAL)) {
            self.publication_times.last_viewers = viewers;
            let snapshot = self.snapshot();
            self.journal.publish_snapshot(snapshot);
        }
        if now || is_due(&mut self.publication_times.status_at, STATUS_INTERVAL) {
            if self.journal.has_unpublished_events() {
                self.journal.sync();
            }
            self.write_status();
        }
        if running {
            self.refresh_stored_snapshot();
        }
        let every =
            self.config.checkpoint.interval_secs.max(MIN_INTERVAL_PER_COST * self.publication_times.checkpoint_seconds);
        if running && self.publication_times.checkpoint_at.is_none() {
            self.publication_times.checkpoint_at = Some(Instant::now());
        } else if running && is_due(&mut self.publication_times.checkpoint_at, every) {
            self.save_checkpoint();
        }
    }

    fn losses_are_due(&mut self) -> bool {
        let Some(buffer) = &self.unlogged_losses else {
            return false;
        };
        // A curve that begins anew is as young as that.
        let work = match buffer.first_step {
            0 => 0.0,
            _ => self.curve_seconds(buffer.curve),
        };
        let every =
            (work / LOSS_EVENTS_PER_TRAINING_TIME).clamp(*LOSS_EVENT_INTERVAL.start(), *LOSS_EVENT_INTERVAL.end());
        // Half a reading earlier: the next one would be late by nearly a whole.
        buffer.values.len() >= MAX_UNLOGGED_LOSSES
            || is_due(&mut self.publication_times.losses_logged_at, every - LOSS_READ_INTERVAL / 2.0)
    }

    /// Seconds of work that are behind the steps of a curve, in this process and in others.
    pub(super) fn curve_seconds(&self, curve: LossCurve) -> f64 {
        let track = self.journal.run_state().tracks.get(&curve);
        track.map_or(0.0, StepTrack::seconds)
    }

    /// Stores the snapshot between checkpoints when its heatmap has changed. That it is not stored does no harm: the next
    /// checkpoint stores it, and reports when it cannot.
    fn refresh_stored_snapshot(&mut self) {
        let every = SNAPSHOT_STORE_INTERVAL.max(MIN_INTERVAL_PER_COST * self.publication_times.store_seconds);
        if !is_due(&mut self.publication_times.snapshot_stored_at, every) {
            return;
        }
        let outline = Some(super::grids::heatmap_fingerprint(&self.heatmap));
        if self.publication_times.stored_fingerprint != outline {
            let began = Instant::now();
            if self.surface.is_some() && self.try_store_snapshot().is_ok() {
                self.publication_times.stored_fingerprint = outline;
            }
            self.publication_times.store_seconds = began.elapsed().as_secs_f64();
        }
    }

    fn watch_for_divergence(&mut self) {
        if !matches!(self.activity, ActorActivity::Fit) {
            return;
        }
        let curve = self.journal.run_state().curves.get(&LossCurve::Surface);
        if curve.and_then(|s| s.last_value()).is_some_and(|v| !v.is_finite()) {
            self.failure = self.check_divergence().err();
        }
    }

    /// Stores the snapshot, when the disk takes it; the next checkpoint stores it again.
    pub(super) fn store_snapshot(&mut self) {
        if let Err(e) = self.try_store_snapshot() {
            self.journal.log(format!("{e}; the snapshot is stored with the next checkpoint"));
        }
    }

    /// Stores the snapshot without its pace, which means nothing to a later reader.
    pub(super) fn try_store_snapshot(&mut self) -> Result<()> {
        self.check_not_replaced()?;
        let live = self.snapshot();
        let own = super::grids::own_heatmap(&self.temporary_grid, &self.heatmap);
        let shown = self.temporary_grid.as_ref().map(|_| &self.heatmap);
        // Before the heatmap that may take their place.
        self.other_grids.store(&self.run, own, shown)?;
        let snapshot = Snapshot {
            heatmap: own.clone(),
            rate: 0.0,
            seconds_left: None,
            steps_per_second: 0.0,
            images_per_second: 0.0,
            job_seconds_left: None,
            errand: None,
            // Events have reported it, or will.
            fresh: None,
            waits_for: None,
            ..live
        };
        Ok(self.run.write_snapshot(&snapshot)?)
    }

    fn stage_progress(&self) -> (u64, u64) {
        match (self.stage, &self.activity) {
            (JobStage::Corners, ActorActivity::Corner(place)) => self.corner_progress(*place),
            (JobStage::Align, ActorActivity::Align(index)) => {
                let (done, total) = match &self.alignment_run {
                    Some(aligning) => aligning.progress(),
                    None => (0, 1),
                };
                let others = self.corners.len() as u64 - 1;
                ((*index as u64 - 1) * total + done, others * total)
            }
            (JobStage::Export, ActorActivity::Finish) => self.completion_progress(),
            (JobStage::Fit, _) => self.progress.map_or((0, 0), |p| (p.step, p.total)),
            (JobStage::Heatmap, ActorActivity::Heatmap { cells, .. }) => {
                let all = self.heatmap.surface_cell_count() as u64;
                // The first part of a cell's measurement is about half of it, with its batch norm.
                let half = self.cell_race.scanned_cells() as u64 / 2;
                (all - cells.len() as u64 + half, all)
            }
            _ => (1, 1),
        }
    }

    pub(super) fn snapshot(&mut self) -> Snapshot {
        let (done, total) = self.stage_progress();
        let rate = self.work_rate.update(self.clock.now(), done);
        self.record_step_cost(rate);
        let running = self.state == EngineState::Running;
        let degrees = self.present_degrees();
        let progress = self.progress;
        let seconds_left = seconds_left(total.saturating_sub(done), rate).filter(|_| running);
        let steps = if running { self.steps_per_second(rate) } else { 0.0 };
        Snapshot {
            seq: self.journal.seq(),
            state: self.state,
            stage: self.stage,
            done,
            total,
            stage_seconds: self.stage_seconds(),
            rate: if running { rate } else { 0.0 },
            seconds_left,
            phase: match &self.surface {
                Some(surface) if surface.is_trunk() => Some(FitPhase::Trunk),
                _ => self.fit_scratch.phase,
            },
            fit_step: progress.map_or(0, |p| p.step),
            fit_total: progress.map_or(0, |p| p.total),
            learning_rate: progress.map_or(0.0, |p| p.learning_rate(&self.config.fit)),
            degrees,
            metric: self.metric,
            heatmap: self.heatmap.clone(),
            control_points: self.points_with_accuracy(),
            marks: self.marks.clone(),
            viewers: self.journal.viewers(),
            memory: crate::memory::resident_bytes(),
            peak_rate: self.config.fit.training.learning_rate,
            draws: self.config.fit.points_per_step,
            steps_per_second: steps,
            images_per_second: steps * self.images_per_step() as f64,
            job_seconds_left: self.job_seconds_left(seconds_left).filter(|_| running),
            errand: self.running_task(),
            cost: self.fit_cost(),
            machine: self.load_sampler.latest(),
            fresh: self.unlogged_losses.clone().map(|losses| UnloggedLosses { time: unix_seconds(), ..losses }),
            waits_for: self.stall_reason.clone().filter(|_| running),
        }
    }

    pub(super) fn write_status(&mut self) {
        if self.check_not_replaced().is_err() {
            return;
        }
        let (done, total) = self.stage_progress();
        let now = unix_seconds();
        let run_state = self.journal.run_state();
        let status = RunStatus {
            state: self.state,
            stage: self.stage,
            pid: std::process::id(),
            node: EngineNode::current().host.clone(),
            heartbeat: now,
            done,
            total,
            degrees: self.present_degrees(),
            network: self.config.network.name.clone(),
            data: self.config.data.name.clone(),
            // Until there is a complete heatmap, what of the live one is best: the screen shows it, too.
            best: (run_state.complete.map(|c| c.1))
                .or_else(|| self.heatmap.best_point(surfit_core::heatmap::Metric::SELECTION)),
            failed: None,
        };
        let written = self.run.write_status(&status);
        if let Err(e) = &written {
            tracing::warn!("{e}");
        }
        self.publication_times.status_failed = written.is_err();
    }

    /// True when everything that is published is on the disk.
    pub(super) fn is_published(&self) -> bool {
        !self.publication_times.status_failed && !self.journal.has_unpublished_events()
    }

    /// Makes the present state durable. A disk that cannot take it costs nothing but this checkpoint: the last one
    /// stays, the work continues, and the next attempt comes at its time. False when the disk
    /// refused it.
    pub(super) fn save_checkpoint(&mut self) -> bool {
        let began = Instant::now();
        let outcome = self.try_checkpoint();
        self.publication_times.checkpoint_at = Some(Instant::now());
        let seconds = began.elapsed().as_secs_f64();
        self.publication_times.checkpoint_seconds = seconds;
        tracing::debug!(seconds, "checkpoint");
        let refused = outcome.as_ref().is_err_and(EngineError::is_io);
        match outcome {
            Ok(Some(step)) => {
                self.journal.emit(Event::Checkpoint { step });
                self.journal.sync();
            }
            Ok(None) => {}
            Err(error) => {
                let known = self.publication_times.checkpoint_error.replace(error.to_string());
                if known.is_none() {
                    self.journal.log(format!(
                        "checkpoint failed: {error}; the last one is kept and the work goes on, make room on the disk"
                    ));
                }
            }
        }
        !refused
    }

    /// Reports that a finished job continues. Were the result the last word beside a fit that is under way, or beside no
    /// surface, the run could neither be resumed nor be fitted further. To be synced before that is on the disk.
    pub(super) fn emit_reopened(&mut self) {
        if self.journal.run_state().finished.is_some() {
            self.journal.emit(Event::Reopened);
        }
    }

    pub(super) fn try_checkpoint(&mut self) -> Result<Option<u64>> {
        self.check_not_replaced()?;
        self.flush_losses();
        if self.progress.is_some_and(|p| !p.is_complete()) {
            self.emit_reopened();
        }
        // A checkpoint that outlives what was reported before it would leave a gap there.
        self.journal.try_sync()?;
        if let ActorActivity::Corner(_) = self.activity {
            self.save_partial_corner(self.fit_scratch.corner_index)?;
        }
        let step = match (&self.surface, self.progress) {
            (Some(surface), Some(progress)) => {
                if !surface.is_finite() {
                    return Err(EngineError::NotFinite("the surface has weights that are not finite".into()));
                }
                let record = FitRecord {
                    surface: surface.state(),
                    progress,
                    focus_losses: self.focus_losses.clone(),
                    steered_settings: self.steered_settings.clone(),
                    gradients: self.gradients.clone(),
                    live_map: Some(LiveMap {
                        heatmap: super::grids::own_heatmap(&self.temporary_grid, &self.heatmap).clone(),
                        progress: self.live_progress.clone(),
                    }),
                };
                checkpoint::save(&self.run, surface, &record)?;
                self.publication_times.saved_position = Some((None, progress.step));
                self.publication_times.has_unsaved_change = false;
                Some(progress.step)
            }
            _ => None,
        };
        self.try_store_snapshot()?;
        self.publication_times.checkpoint_error = None;
        self.publication_times.has_unsaved_change = false;
        Ok(step)
    }

    pub(super) fn store_config(&self) -> Result<()> {
        self.run.persist_initial_config()?;
        let path = self.run.config_path();
        write_atomic(&path, self.config.to_toml().as_bytes()).map_err(EngineError::io(path))
    }
}

#[cfg(test)]
mod tests {
    use super::seconds_left;

    #[test]
    fn a_rate_that_has_faded_gives_no_estimate() {
        assert_eq!(seconds_left(30, 2.0), Some(15.0));
        assert_eq!(seconds_left(0, 2.0), Some(0.0));
        for rate in [0.0, 1e-9, f64::NAN, -1.0] {
            assert_eq!(seconds_left(30, rate), None, "{rate}");
        }
    }
}

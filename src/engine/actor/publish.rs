//! What the world gets to see: snapshots, status, checkpoints.

use super::{Actor, Work};
use crate::trainer::Trainer;
use crate::{Error, Result, checkpoint};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use surfit_core::event::{Event, Stage};
use surfit_core::files::write_atomic;
use surfit_core::run_dir::Status;
use surfit_core::snapshot::{Snapshot, State};

/// When each kind of publication was made last.
#[derive(Debug, Default)]
pub(super) struct Clock {
    losses: Option<Instant>,
    points: Option<Instant>,
    snapshot: Option<Instant>,
    status: Option<Instant>,
    checkpoint: Option<Instant>,
    checkpoint_failed: bool,
    /// Seconds that the last checkpoint, and the last look at the control points, took.
    checkpoint_cost: f64,
    points_cost: f64,
    last_viewers: usize,
}

/// Measures units of work a second over the last few seconds.
#[derive(Debug, Default)]
pub(super) struct Pace {
    mark: Option<(Instant, u64)>,
    rate: f64,
}

impl Pace {
    fn update(&mut self, done: u64) -> f64 {
        let now = Instant::now();
        match self.mark {
            None => self.mark = Some((now, done)),
            Some((at, before)) if now - at > Duration::from_secs(1) => {
                let fresh = done.saturating_sub(before) as f64 / (now - at).as_secs_f64();
                self.rate = if self.rate > 0.0 {
                    0.6 * self.rate + 0.4 * fresh
                } else {
                    fresh
                };
                self.mark = Some((now, done));
            }
            Some(_) => {}
        }
        self.rate
    }
}

/// True when `last` is longer ago than `seconds`; sets it to now then.
fn due(last: &mut Option<Instant>, seconds: f64) -> bool {
    let now = Instant::now();
    let is_due = last.is_none_or(|at| (now - at).as_secs_f64() >= seconds);
    if is_due {
        *last = Some(now);
    }
    is_due
}

const LOSSES_EVERY: f64 = 0.2;
const SNAPSHOT_EVERY: f64 = 0.1;
const POINTS_EVERY: f64 = 2.0;
const STATUS_EVERY: f64 = 5.0;
/// Checkpoints and looks at the control points wait at least this many times what they cost, so that they take no more
/// than two hundredths of a large fit.
const SHARE: f64 = 50.0;
/// Losses that may wait on the device; a bound for fast steps.
const MAX_PENDING: usize = 512;

impl Actor<'_> {
    /// Publishes what is due; with `now`, the snapshot and the status at once.
    pub(super) fn publish(&mut self, now: bool) {
        let running = self.state == State::Running;
        if !self.pending.is_empty()
            && (due(&mut self.clock.losses, LOSSES_EVERY) || self.pending.len() >= MAX_PENDING)
        {
            self.flush_losses();
            self.watch_for_divergence();
        }
        let points_every = POINTS_EVERY.max(SHARE * self.clock.points_cost);
        if running && self.stage == Stage::Fit && due(&mut self.clock.points, points_every) {
            let began = Instant::now();
            self.refresh_points();
            self.clock.points_cost = began.elapsed().as_secs_f64();
        }
        let viewers = self.journal.viewers();
        let changed = running || now || viewers != self.clock.last_viewers;
        if now || (changed && due(&mut self.clock.snapshot, SNAPSHOT_EVERY)) {
            self.clock.last_viewers = viewers;
            let snapshot = self.snapshot();
            self.journal.show(snapshot);
        }
        if now || due(&mut self.clock.status, STATUS_EVERY) {
            self.write_status();
        }
        let every = self
            .config
            .checkpoint
            .every_seconds
            .max(SHARE * self.clock.checkpoint_cost);
        if running && self.clock.checkpoint.is_none() {
            self.clock.checkpoint = Some(Instant::now());
        } else if running && due(&mut self.clock.checkpoint, every) {
            self.save_checkpoint();
        }
    }

    fn watch_for_divergence(&mut self) {
        if !matches!(self.work, Work::Fit) {
            return;
        }
        let curve = self
            .journal
            .picture()
            .curves
            .get(&surfit_core::event::Curve::Surface);
        if curve.and_then(|s| s.last()).is_some_and(|v| !v.is_finite()) {
            self.failure = self.check_divergence().err();
        }
    }

    /// Stores the snapshot, when the disk takes it; the next checkpoint stores it again.
    pub(super) fn store_snapshot(&mut self) {
        if let Err(e) = self.try_store_snapshot() {
            self.journal.notice(format!(
                "{e}; the snapshot is stored with the next checkpoint"
            ));
        }
    }

    /// Stores the snapshot without its pace, which means nothing to whoever reads it later.
    pub(super) fn try_store_snapshot(&mut self) -> Result<()> {
        let snapshot = Snapshot {
            rate: 0.0,
            seconds_left: None,
            ..self.snapshot()
        };
        Ok(self.run.write_snapshot(&snapshot)?)
    }

    fn done_and_total(&self) -> (u64, u64) {
        match (self.stage, &self.work) {
            (Stage::Corners, Work::Corner(index)) if self.config.corners.from.is_empty() => {
                let corners = &self.config.corners;
                let here = self.trainer.as_ref().map_or(0, |t| t.step);
                let before = if corners.epochs.one_training() {
                    0
                } else {
                    *index as u64 * Trainer::total(&self.data, corners)
                };
                (before + here, Trainer::all(&self.data, corners))
            }
            (Stage::Corners, Work::Corner(index)) => (*index as u64, self.corners.len() as u64),
            (Stage::Align, Work::Align(index)) => {
                (*index as u64 - 1, self.corners.len() as u64 - 1)
            }
            (Stage::Fit, _) => self.progress.map_or((0, 0), |p| (p.step, p.total)),
            (Stage::Heatmap, Work::Map { cells, .. }) => {
                let all = self.heatmap.count() as u64;
                // The first part of a cell's measurement is about half of it, with its batch norm.
                let half = self.race.scanned() as u64 / 2;
                (all - cells.len() as u64 + half, all)
            }
            _ => (1, 1),
        }
    }

    pub(super) fn snapshot(&mut self) -> Snapshot {
        let (done, total) = self.done_and_total();
        let rate = self.pace.update(done);
        let running = self.state == State::Running;
        let known = running && rate > 0.0;
        let degrees = self.present_degrees();
        let progress = self.progress;
        Snapshot {
            seq: self.journal.seq(),
            state: self.state,
            stage: self.stage,
            done,
            total,
            rate: if running { rate } else { 0.0 },
            seconds_left: known.then(|| total.saturating_sub(done) as f64 / rate),
            phase: self.fit.phase,
            fit_step: progress.map_or(0, |p| p.step),
            fit_total: progress.map_or(0, |p| p.total),
            learning_rate: progress.map_or(0.0, |p| p.rate(&self.config.fit)),
            degrees,
            metric: self.metric,
            heatmap: self.heatmap.clone(),
            control_points: self.points.clone(),
            marks: self.marks.clone(),
            viewers: self.journal.viewers(),
            memory: crate::memory::resident(),
        }
    }

    pub(super) fn write_status(&mut self) {
        let (done, total) = self.done_and_total();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |d| d.as_secs_f64());
        let picture = self.journal.picture();
        let status = Status {
            state: self.state,
            stage: self.stage,
            pid: std::process::id(),
            heartbeat: now,
            done,
            total,
            degrees: self.present_degrees(),
            network: self.config.network.name.clone(),
            best: picture.complete.map(|c| c.1),
            failed: None,
        };
        if let Err(e) = self.run.write_status(&status) {
            crate::journal::complain(format_args!("{e}"));
        }
    }

    /// Makes the present state durable. A disk that cannot take it costs nothing but this checkpoint: the last one
    /// stays, the work goes on, and the next attempt comes at its time.
    pub(super) fn save_checkpoint(&mut self) {
        let began = Instant::now();
        let outcome = self.try_checkpoint();
        self.clock.checkpoint = Some(Instant::now());
        self.clock.checkpoint_cost = began.elapsed().as_secs_f64();
        match outcome {
            Ok(Some(step)) => {
                self.clock.checkpoint_failed = false;
                self.journal.say(Event::Checkpoint { step });
                self.journal.sync();
            }
            Ok(None) => {}
            Err(error) => {
                if !std::mem::replace(&mut self.clock.checkpoint_failed, true) {
                    self.journal.notice(format!(
                        "checkpoint failed: {error}; the last one is kept and the work goes on, make room on the disk"
                    ));
                }
            }
        }
    }

    pub(super) fn try_checkpoint(&mut self) -> Result<Option<u64>> {
        self.flush_losses();
        if let Work::Corner(_) = self.work {
            self.save_partial_corner(self.fit.corner)?;
        }
        let step = match (&self.surface, self.progress) {
            (Some(surface), Some(progress)) => {
                if !surface.is_finite() {
                    return Err(Error::input("the surface has weights that are not finite"));
                }
                checkpoint::save(&self.run, surface, progress, &self.focus)?;
                Some(progress.step)
            }
            _ => None,
        };
        self.try_store_snapshot()?;
        Ok(step)
    }

    pub(super) fn store_config(&self) -> Result<()> {
        let path = self.run.config_path();
        write_atomic(&path, self.config.to_toml().as_bytes()).map_err(Error::io(path))
    }
}

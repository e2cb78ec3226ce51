//! The heatmap: live within a budget of time during a fit, complete after it.

use super::race::{Leg, Race};
use super::{Actor, Work};
use crate::Result;
use crate::model::Measurement;
use std::time::{Duration, Instant};
use surfit_core::event::{Curve, Event, Stage};
use surfit_core::heatmap::{Cell, Metric};
use surfit_core::snapshot::State;

/// Bookkeeping of the live heatmap.
#[derive(Debug)]
pub(super) struct Live {
    began: Instant,
    spent: f64,
    said: Instant,
    /// Accuracy and loss of cells measured since the last validation point.
    fresh: Vec<(f64, f64)>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            spent: 0.0,
            said: Instant::now(),
            fresh: Vec::new(),
        }
    }
}

/// Seconds between two validation points on the surface's curve: a part of the time that the fit took so far.
const SAY_EVERY: std::ops::RangeInclusive<f64> = 1.0..=10.0;
const PART_OF_WORK: f64 = 300.0;

impl Live {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Takes time that stood still out of the reckoning.
    pub(super) fn shift(&mut self, by: Duration) {
        self.began += by;
    }

    /// True while the live heatmap has used less than its share of the fit's time.
    fn has_time(&self, budget: f64) -> bool {
        self.spent < budget * self.began.elapsed().as_secs_f64()
    }
}

/// A measurement as a cell of a version of the surface.
pub(super) fn cell(m: &Measurement, version: u64) -> Cell {
    Cell {
        correct: m.correct,
        images: m.images,
        loss: m.loss() as f32,
        version,
    }
}

impl Actor<'_> {
    /// Measures one cell when the live heatmap has time left: unmeasured cells first, coarse to fine, then the stalest.
    pub(super) fn tick_live(&mut self) -> Result<()> {
        if !self.live.has_time(self.config.heatmap.budget) {
            return Ok(());
        }
        let Some(surface) = &self.surface else {
            return Ok(());
        };
        let began = Instant::now();
        let order = self.heatmap.coarse_to_fine();
        let age = |i: &usize| {
            let c = &self.heatmap.cells[*i];
            if c.images == 0 { 0 } else { c.version + 1 }
        };
        let next = order
            .into_iter()
            .filter(|i| age(i) <= surface.version())
            .min_by_key(age);
        let Some(index) = next else { return Ok(()) };
        let (u, v) = self.heatmap.parameters(index);
        let images = self.config.heatmap.live_images as i64;
        let (m, _) = self
            .evaluator
            .validate(&self.model, &surface.at(u, v), images);
        self.heatmap.cells[index] = cell(&m, surface.version());
        if !self.heatmap.corners().contains(&index) {
            self.live.fresh.push((m.accuracy(), m.loss()));
        }
        let seconds = began.elapsed().as_secs_f64();
        self.live.spent += seconds;
        let calibrated = images.min(self.evaluator.calibration_images());
        self.estimate
            .image(seconds / (images + calibrated).max(1) as f64);
        let every = self.seconds_of_work(Curve::Surface) / PART_OF_WORK;
        let every = every.clamp(*SAY_EVERY.start(), *SAY_EVERY.end());
        if self.live.said.elapsed().as_secs_f64() > every {
            self.live.said = Instant::now();
            self.say_live_mean();
        }
        Ok(())
    }

    /// A validation point on the surface's curve: the mean of the cells measured since the last one. The corners never
    /// change and would only hide what does.
    fn say_live_mean(&mut self) {
        let fresh = std::mem::take(&mut self.live.fresh);
        let n = fresh.len() as f64;
        let accuracy = fresh.iter().map(|f| f.0).sum::<f64>() / n;
        let loss = fresh.iter().map(|f| f.1).sum::<f64>() / n;
        let step = self.progress.map_or(0, |p| p.step);
        if n > 0.0 {
            self.journal.say(Event::Validated {
                curve: Curve::Surface,
                step,
                loss,
                accuracy,
            });
        }
    }

    /// Begins to measure every cell on the whole validation split, in the order of [`Race`]; cells that already are, are
    /// kept. With `finish`, the
    /// job goes on with the export of the best point.
    pub(super) fn begin_map(&mut self, finish: bool) {
        self.surface_changed();
        self.refresh_points();
        let all = self.evaluator.validation_images() as u32;
        let version = self.heatmap.version;
        let mut cells: Vec<usize> = self.heatmap.coarse_to_fine();
        cells.retain(|&i| {
            let c = &self.heatmap.cells[i];
            c.version != version || c.images != all
        });
        cells.reverse();
        self.race = Race::new(self.config.heatmap.live_images as i64, all.into());
        self.begin_stage(
            Stage::Heatmap,
            cells.len() as u64,
            Work::Map { cells, finish },
        );
    }

    /// Goes on with the heatmap for a moment.
    pub(super) fn tick_map(&mut self, mut cells: Vec<usize>, finish: bool) -> Result<()> {
        let Some(surface) = &self.surface else {
            return Ok(());
        };
        let (leg, version, mut measuring) = match self.race.under_way.take() {
            Some(under_way) => under_way,
            None => {
                let Some(leg) = self.race.next(&cells) else {
                    return self.end_map(finish);
                };
                let (Leg::Scan(index) | Leg::Full(index)) = leg;
                let (u, v) = self.heatmap.parameters(index);
                let w = surface.at(u, v);
                let measuring = self.race.begin(leg, &self.evaluator, &self.model, w);
                (leg, surface.version(), measuring)
            }
        };
        if !measuring.slice(&self.model, &self.evaluator, &self.data.test) {
            self.race.under_way = Some((leg, version, measuring));
            self.work = Work::Map { cells, finish };
            return Ok(());
        }
        let measured = measuring.finish();
        self.estimate.image(measured.seconds_per_image);
        let m = self.race.done(leg, measured);
        let (Leg::Scan(index) | Leg::Full(index)) = leg;
        self.heatmap.cells[index] = cell(&m, version);
        if leg == Leg::Full(index) {
            cells.retain(|&i| i != index);
        }
        let all = self.evaluator.validation_images() as u32;
        if let Some(best) = self.race.decided(&self.heatmap, &cells, all) {
            let (u, v) = self.heatmap.parameters(best);
            self.journal.notice(format!(
                "the best point is ({u:.2}, {v:.2}) by all that is known; {} cells are still to be measured in full",
                cells.len()
            ));
        }
        self.work = Work::Map { cells, finish };
        Ok(())
    }

    fn end_map(&mut self, finish: bool) -> Result<()> {
        self.end_stage();
        self.end_look();
        self.store_heatmap();
        self.say_complete();
        self.save_checkpoint();
        self.work = if finish { Work::Finish } else { Work::None };
        if !finish {
            let done = self.journal.picture().finished.is_some();
            self.state = if done { State::Finished } else { State::Idle };
            if done {
                // The job's last stage, not this one, is what a finished run came to.
                self.stage = Stage::Export;
            }
            self.publish(true);
        }
        Ok(())
    }

    /// Says the figures of a heatmap whose every cell is measured.
    pub(super) fn say_complete(&mut self) {
        // What is only looked at changes nothing about the run's best point.
        if self.aside.is_some() {
            return;
        }
        let heatmap = &self.heatmap;
        if let (Some(summary), Some(best)) = (heatmap.summary(), heatmap.best(Metric::Accuracy)) {
            let grid = heatmap.grid;
            self.journal.say(Event::HeatmapComplete {
                grid,
                summary,
                best,
            });
        }
    }

    /// Keeps a complete heatmap beside its predecessors. A disk that cannot take it is mentioned, and the same
    /// figures are in the snapshot.
    fn store_heatmap(&mut self) {
        let name = format!(
            "step-{}-grid-{}.csv",
            self.progress.map_or(0, |p| p.step),
            self.heatmap.grid
        );
        let path = self.run.join("heatmaps").join(name);
        if let Err(e) = surfit_core::files::write_atomic(&path, self.heatmap.to_csv().as_bytes()) {
            self.journal.notice(format!(
                "{}: {e}; the heatmap is in snapshot.json only",
                path.display()
            ));
        }
    }
}

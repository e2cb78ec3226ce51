//! A local search for a better point, off the grid, on validation images alone.
//!
//! Pattern search (Hooke and Jeeves 1961): the eight neighbours of the best point so far at a step's distance are looked
//! at, and the step is halved when none is better. Neighbours are raced (Maron and Moore 1993): all on the same few images
//! first, then on twice as many, and so on; those whose interval is below another's drop out. A function of the surface,
//! the start and the validation split; nothing is drawn.

use super::{Actor, ActorTask};
use crate::evaluate::{MeasuredSplit, MeasurementResult, NetworkMeasurement};
use crate::layout::RunningStats;
use crate::model::Measurement;
use crate::{EngineError, Result};
use surfit_core::event::{Event, SearchResult};
use surfit_core::heatmap::{MeasuredPoint, Metric};
use surfit_core::surface::Patch;

/// Smallest step: points nearer to each other can hardly be distinguished.
const MIN_STEP: f64 = 1e-3;
/// Halvings of the first step after which the search ends.
const MAX_HALVINGS: i32 = 4;
/// Most points that one search may look at.
const MAX_BUDGET: usize = 1000;

/// A point in the race of a round.
#[derive(Debug)]
struct Candidate {
    u: f64,
    v: f64,
    measurement: Measurement,
    stats: Option<RunningStats>,
}

impl Candidate {
    fn new(u: f64, v: f64) -> Self {
        Self { u, v, measurement: Measurement::default(), stats: None }
    }

    fn point(&self) -> MeasuredPoint {
        self.measurement.as_point((self.u, self.v))
    }

    /// Smallest and largest [`Metric::score`] that it can have.
    fn score_range(&self) -> (f64, f64) {
        let metric = Metric::SELECTION;
        let ends = self.measurement.interval(metric).map(|(a, b)| (metric.score(a), metric.score(b)));
        ends.map_or((f64::NEG_INFINITY, f64::INFINITY), |(a, b)| (a.min(b), a.max(b)))
    }

    /// Better on the same images.
    fn is_better_than(&self, other: &Candidate) -> bool {
        self.measurement.selection_key() > other.measurement.selection_key()
    }
}

#[derive(Debug)]
pub(in crate::actor) struct SearchTask {
    patch: Patch,
    start_point: Option<MeasuredPoint>,
    best: Candidate,
    /// Neighbours that are still in the race of this round.
    candidates: Vec<Candidate>,
    /// The one of them that is being measured, and up to how many images.
    candidate_index: usize,
    images_per_candidate: i64,
    step: f64,
    min_step: f64,
    budget: usize,
    points_tried: usize,
    images_classified: u64,
    tried_points: Vec<(f64, f64)>,
    measurement: Option<NetworkMeasurement>,
}

impl SearchTask {
    pub(in crate::actor) fn new(actor: &Actor<'_>, (u, v): (f64, f64), radius: f64, budget: usize) -> Result<Self> {
        actor.check_parameters(u, v)?;
        let surface = actor.require_control_points()?;
        if !(MIN_STEP..=1.0).contains(&radius) {
            return Err(EngineError::input(format!(
                "a search cannot begin with a step of {radius}; choose {MIN_STEP} to 1"
            )));
        }
        if !(1..=MAX_BUDGET).contains(&budget) {
            return Err(EngineError::input(format!(
                "a search cannot look at {budget} points; choose 1 to {MAX_BUDGET}"
            )));
        }
        Ok(Self {
            patch: actor.config.patch(),
            start_point: None,
            best: Candidate::new(u, v),
            candidates: Vec::new(),
            candidate_index: 0,
            images_per_candidate: 0,
            step: radius,
            min_step: (radius * 0.5f64.powi(MAX_HALVINGS)).max(MIN_STEP),
            budget,
            points_tried: 1,
            images_classified: 0,
            tried_points: vec![(u, v)],
            measurement: Some(actor.new_measurement(surface.network_at(u, v), None, MeasuredSplit::Validation)),
        })
    }

    /// The neighbours at a step's distance that were not tried yet, as many as the budget allows.
    fn untried_neighbours(&mut self) -> Vec<Candidate> {
        let ways: [(f64, f64); 8] =
            [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0), (1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)];
        // A curve has one parameter.
        let curve = self.patch.corner_count() == 2;
        let mut found = Vec::new();
        for (du, dv) in ways {
            if curve && dv != 0.0 || self.points_tried >= self.budget {
                continue;
            }
            let u = (self.best.u + du * self.step).clamp(0.0, 1.0);
            let v = (self.best.v + dv * self.step).clamp(0.0, 1.0);
            let known = |&(a, b): &(f64, f64)| (a - u).hypot(b - v) < 0.25 * self.step;
            if !self.patch.contains(u, v) || self.tried_points.iter().any(known) {
                continue;
            }
            self.tried_points.push((u, v));
            self.points_tried += 1;
            found.push(Candidate::new(u, v));
        }
        found
    }

    /// Begins the next round, with half the step when this one found nothing; false when the search is over.
    fn next_round(&mut self, actor: &Actor<'_>) -> bool {
        loop {
            if self.points_tried >= self.budget {
                return false;
            }
            self.candidates = self.untried_neighbours();
            if !self.candidates.is_empty() {
                self.candidate_index = 0;
                self.images_per_candidate = self.first_images(actor);
                return true;
            }
            self.step /= 2.0;
            if self.step < self.min_step {
                return false;
            }
        }
    }

    fn first_images(&self, actor: &Actor<'_>) -> i64 {
        let all = actor.evaluator.validation_images();
        let first = actor.config.heatmap.live_images as i64;
        if 2 * first <= all { first } else { all }
    }

    /// Records the result of the candidate under measurement; true when the search is over.
    fn record_result(&mut self, actor: &mut Actor<'_>, measured: MeasurementResult) -> Result<bool> {
        let now = measured.measurement;
        self.images_classified += u64::from(now.images);
        if self.start_point.is_none() {
            self.best.measurement = now;
            self.start_point = Some(self.best.point());
            return Ok(!self.next_round(actor));
        }
        let candidate = &mut self.candidates[self.candidate_index];
        candidate.measurement = candidate.measurement + now;
        candidate.stats = Some(measured.stats);
        self.candidate_index += 1;
        if self.candidate_index < self.candidates.len() {
            return Ok(false);
        }
        self.candidate_index = 0;
        let all = actor.evaluator.validation_images();
        // The best so far is known on every image; it stays in the race by its interval there.
        let floor = self.candidates.iter().map(|c| c.score_range().0).fold(self.best.score_range().0, f64::max);
        self.candidates.retain(|c| c.score_range().1 >= floor);
        if self.images_per_candidate < all && !self.candidates.is_empty() {
            self.images_per_candidate = (2 * self.images_per_candidate).min(all);
            return Ok(false);
        }
        let round = std::mem::take(&mut self.candidates);
        let winner = round
            .into_iter()
            .filter(|c| i64::from(c.measurement.images) == all)
            .reduce(|a, b| if b.is_better_than(&a) { b } else { a });
        match winner.filter(|w| w.is_better_than(&self.best)) {
            Some(winner) => self.best = winner,
            None => self.step /= 2.0,
        }
        Ok(self.step < self.min_step || !self.next_round(actor))
    }

    fn begin_candidate(&mut self, actor: &Actor<'_>) -> Result<()> {
        let Some(candidate) = self.candidates.get_mut(self.candidate_index) else {
            return Ok(());
        };
        let w = actor.require_surface()?.network_at(candidate.u, candidate.v);
        let images = i64::from(candidate.measurement.images)..self.images_per_candidate;
        let (stats, on) = (candidate.stats.take(), MeasuredSplit::Validation);
        self.measurement = Some(NetworkMeasurement::new(&actor.model, &actor.evaluator, w, stats, on, images));
        Ok(())
    }

    fn emit_result(&self, actor: &mut Actor<'_>) {
        let to = self.best.point();
        actor.emit_evaluated((to.u, to.v), &self.best.measurement);
        actor.journal.emit(Event::Searched(SearchResult {
            from: self.start_point.unwrap_or(to),
            to,
            looked_at: self.points_tried,
            images: self.images_classified,
        }));
    }
}

impl ActorTask for SearchTask {
    fn name(&self) -> String {
        match self.start_point {
            None => format!("searching near ({:.3}, {:.3})", self.best.u, self.best.v),
            Some(from) => format!(
                "searching near ({:.3}, {:.3}): {:.2} % at ({:.3}, {:.3}), step {:.3}",
                from.u,
                from.v,
                100.0 * self.best.measurement.accuracy(),
                self.best.u,
                self.best.v,
                self.step
            ),
        }
    }

    fn progress(&self) -> (u64, u64) {
        (self.points_tried as u64, self.budget as u64)
    }

    fn tick(&mut self, actor: &mut Actor<'_>) -> Result<bool> {
        if self.measurement.is_none() {
            self.begin_candidate(actor)?;
        }
        let Some(measured) = actor.advance_measurement(&mut self.measurement) else {
            return Ok(false);
        };
        let over = self.record_result(actor, measured)?;
        if over {
            self.emit_result(actor);
        }
        Ok(over)
    }
}

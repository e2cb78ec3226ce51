//! A local search for a better point, off the grid, on validation images alone.
//!
//! Pattern search (Hooke and Jeeves 1961): the eight neighbours of the best point so far at a step's distance are looked
//! at, and the step is halved when none is better. Neighbours are raced (Maron and Moore 1993): all on the same few images
//! first, then on twice as many, and so on; those whose interval lies below another's drop out. A function of the surface,
//! the start and the validation split; nothing is drawn.

use super::{Actor, ActorTask};
use crate::evaluate::{MeasuredSplit, MeasurementResult, NetworkMeasurement};
use crate::layout::RunningStats;
use crate::model::Measurement;
use crate::{EngineError, Result};
use surfit_core::event::{Event, SearchResult};
use surfit_core::heatmap::MeasuredPoint;
use surfit_core::surface::Patch;

/// Smallest step: points nearer to each other can hardly be told apart.
const SMALLEST: f64 = 1e-3;
/// Halvings of the first step after which the search ends.
const HALVINGS: i32 = 4;
/// Most points that one search may look at.
const MOST: usize = 1000;

/// A point in the race of a round.
#[derive(Debug)]
struct Candidate {
    u: f64,
    v: f64,
    seen: Measurement,
    stats: Option<RunningStats>,
}

impl Candidate {
    fn new(u: f64, v: f64) -> Self {
        Self {
            u,
            v,
            seen: Measurement::default(),
            stats: None,
        }
    }

    fn point(&self) -> MeasuredPoint {
        MeasuredPoint {
            u: self.u,
            v: self.v,
            accuracy: self.seen.accuracy(),
            loss: self.seen.loss(),
            images: self.seen.images,
        }
    }

    fn interval(&self) -> (f64, f64) {
        let cell = crate::actor::mapping::cell(&self.seen, 0);
        cell.interval().unwrap_or((0.0, 1.0))
    }

    /// Better on the same images: more of them right, then the lower loss.
    fn beats(&self, other: &Candidate) -> bool {
        (self.seen.correct, -self.seen.loss_sum) > (other.seen.correct, -other.seen.loss_sum)
    }
}

/// See the module.
#[derive(Debug)]
pub(in crate::actor) struct SearchTask {
    patch: Patch,
    from: Option<MeasuredPoint>,
    best: Candidate,
    /// Neighbours that are still in the race of this round.
    round: Vec<Candidate>,
    /// The one of them that is being measured, and up to how many images.
    at: usize,
    images: i64,
    step: f64,
    smallest: f64,
    budget: usize,
    looked_at: usize,
    classified: u64,
    tried: Vec<(f64, f64)>,
    measuring: Option<NetworkMeasurement>,
}

impl SearchTask {
    pub(in crate::actor) fn new(
        actor: &Actor<'_>,
        (u, v): (f64, f64),
        radius: f64,
        budget: usize,
    ) -> Result<Self> {
        actor.check_parameters(u, v)?;
        let surface = actor.needs_surface()?;
        if !(SMALLEST..=1.0).contains(&radius) {
            return Err(EngineError::input(format!(
                "a search cannot begin with a step of {radius}; choose {SMALLEST} to 1"
            )));
        }
        if !(1..=MOST).contains(&budget) {
            return Err(EngineError::input(format!(
                "a search cannot look at {budget} points; choose 1 to {MOST}"
            )));
        }
        Ok(Self {
            patch: actor.config.patch(),
            from: None,
            best: Candidate::new(u, v),
            round: Vec::new(),
            at: 0,
            images: 0,
            step: radius,
            smallest: (radius * 0.5f64.powi(HALVINGS)).max(SMALLEST),
            budget,
            looked_at: 1,
            classified: 0,
            tried: vec![(u, v)],
            measuring: Some(actor.measuring(surface.at(u, v), MeasuredSplit::Validation)),
        })
    }

    /// The neighbours at a step's distance that were not tried yet, as many as the budget allows.
    fn neighbours(&mut self) -> Vec<Candidate> {
        let ways: [(f64, f64); 8] = [
            (1.0, 0.0),
            (0.0, 1.0),
            (-1.0, 0.0),
            (0.0, -1.0),
            (1.0, 1.0),
            (-1.0, 1.0),
            (-1.0, -1.0),
            (1.0, -1.0),
        ];
        // A curve has one parameter.
        let curve = self.patch.corners() == 2;
        let mut found = Vec::new();
        for (du, dv) in ways {
            if curve && dv != 0.0 || self.looked_at >= self.budget {
                continue;
            }
            let u = (self.best.u + du * self.step).clamp(0.0, 1.0);
            let v = (self.best.v + dv * self.step).clamp(0.0, 1.0);
            let known = |&(a, b): &(f64, f64)| (a - u).hypot(b - v) < 0.25 * self.step;
            if !self.patch.holds(u, v) || self.tried.iter().any(known) {
                continue;
            }
            self.tried.push((u, v));
            self.looked_at += 1;
            found.push(Candidate::new(u, v));
        }
        found
    }

    /// Begins the next round, with half the step when this one found nothing; false when the search is over.
    fn next_round(&mut self, actor: &Actor<'_>) -> bool {
        loop {
            if self.looked_at >= self.budget {
                return false;
            }
            self.round = self.neighbours();
            if !self.round.is_empty() {
                self.at = 0;
                self.images = self.first_images(actor);
                return true;
            }
            self.step /= 2.0;
            if self.step < self.smallest {
                return false;
            }
        }
    }

    fn first_images(&self, actor: &Actor<'_>) -> i64 {
        let all = actor.evaluator.validation_images();
        let first = actor.config.heatmap.live_images as i64;
        if 2 * first <= all { first } else { all }
    }

    /// Takes in what the candidate under measurement came to; true when the search is over.
    fn measured(&mut self, actor: &mut Actor<'_>, measured: MeasurementResult) -> Result<bool> {
        let now = measured.measurement;
        self.classified += u64::from(now.images);
        if self.from.is_none() {
            self.best.seen = now;
            self.from = Some(self.best.point());
            return Ok(!self.next_round(actor));
        }
        let candidate = &mut self.round[self.at];
        candidate.seen = Measurement {
            correct: candidate.seen.correct + now.correct,
            images: candidate.seen.images + now.images,
            loss_sum: candidate.seen.loss_sum + now.loss_sum,
        };
        candidate.stats = Some(measured.stats);
        self.at += 1;
        if self.at < self.round.len() {
            return Ok(false);
        }
        self.at = 0;
        let all = actor.evaluator.validation_images();
        // The best so far is known on every image; it stays in the race by its interval there.
        let floor = self
            .round
            .iter()
            .map(|c| c.interval().0)
            .fold(self.best.interval().0, f64::max);
        self.round.retain(|c| c.interval().1 >= floor);
        if self.images < all && !self.round.is_empty() {
            self.images = (2 * self.images).min(all);
            return Ok(false);
        }
        let round = std::mem::take(&mut self.round);
        let winner = round
            .into_iter()
            .filter(|c| i64::from(c.seen.images) == all)
            .reduce(|a, b| if b.beats(&a) { b } else { a });
        match winner.filter(|w| w.beats(&self.best)) {
            Some(winner) => self.best = winner,
            None => self.step /= 2.0,
        }
        Ok(self.step < self.smallest || !self.next_round(actor))
    }

    fn begin_candidate(&mut self, actor: &Actor<'_>) -> Result<()> {
        let Some(candidate) = self.round.get_mut(self.at) else {
            return Ok(());
        };
        let w = actor.needs_surface()?.at(candidate.u, candidate.v);
        let images = i64::from(candidate.seen.images)..self.images;
        self.measuring = Some(match candidate.stats.take() {
            Some(stats) => NetworkMeasurement::with_stats(
                &actor.model,
                &actor.evaluator,
                w,
                stats,
                MeasuredSplit::Validation,
                images,
            ),
            None => NetworkMeasurement::new(
                &actor.model,
                &actor.evaluator,
                w,
                i64::MAX,
                MeasuredSplit::Validation,
                images,
            ),
        });
        Ok(())
    }

    fn say(&self, actor: &mut Actor<'_>) {
        let to = self.best.point();
        actor.say_evaluated(to, self.best.seen.loss_sum);
        actor.journal.say(Event::Searched(SearchResult {
            from: self.from.unwrap_or(to),
            to,
            looked_at: self.looked_at,
            images: self.classified,
        }));
    }
}

impl ActorTask for SearchTask {
    fn name(&self) -> String {
        match self.from {
            None => format!("searching near ({:.3}, {:.3})", self.best.u, self.best.v),
            Some(from) => format!(
                "searching near ({:.3}, {:.3}): {:.2} % at ({:.3}, {:.3}), step {:.3}",
                from.u,
                from.v,
                100.0 * self.best.seen.accuracy(),
                self.best.u,
                self.best.v,
                self.step
            ),
        }
    }

    fn progress(&self) -> (u64, u64) {
        (self.looked_at as u64, self.budget as u64)
    }

    fn slice(&mut self, actor: &mut Actor<'_>) -> Result<bool> {
        if self.measuring.is_none() {
            self.begin_candidate(actor)?;
        }
        let Some(measured) = actor.go_on_measuring(&mut self.measuring) else {
            return Ok(false);
        };
        let over = self.measured(actor, measured)?;
        if over {
            self.say(actor);
        }
        Ok(over)
    }
}

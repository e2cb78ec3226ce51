//! Commands: what an actor can be told, between two ticks.

use super::errand::{Errand, Evaluating, Exporting, MeasuringEnsemble, Searching};
use super::{Actor, LiveProgress, Outcome, Request, Work};
use crate::surface::Surface;
use crate::{Error, Result};
use std::mem::{Discriminant, discriminant};
use surfit_core::event::Event;
use surfit_core::protocol::{Command, RateChange, Selection};
use surfit_core::snapshot::State;
use surfit_core::surface::Degrees;

/// Marks every request that a later one of its kind and client makes pointless: of several degrees that a key asks for only
/// the last is set. What another client asks for is carried out, and told to it.
pub(super) fn latest_wins(waiting: Vec<Request>) -> Vec<(Request, bool)> {
    let kind = |r: &Request| -> Option<(u64, Discriminant<Command>)> {
        matches!(
            r.command,
            Command::SetDegree { .. }
                | Command::SetGrid { .. }
                | Command::SetDraws { .. }
                | Command::SetRate {
                    rate: RateChange::Peak(_)
                }
        )
        .then(|| (r.client, discriminant(&r.command)))
    };
    let kinds: Vec<_> = waiting.iter().map(kind).collect();
    let superseded =
        |i: usize| kinds[i].is_some() && kinds[i + 1..].iter().any(|later| *later == kinds[i]);
    let flags: Vec<bool> = (0..waiting.len()).map(superseded).collect();
    waiting.into_iter().zip(flags).collect()
}

/// True for commands that are carried out though something that was asked for is not done: those that leave the surface
/// and the grid alone, and those that wait behind it by themselves.
pub(super) fn at_once(command: &Command) -> bool {
    !matches!(
        command,
        Command::Start
            | Command::StartCorners
            | Command::StartFit { .. }
            | Command::FitFurther { .. }
            | Command::SetDegree { .. }
            | Command::SetGrid { .. }
            | Command::Measure
            | Command::MeasureOn { .. }
    )
}

impl Actor<'_> {
    pub(super) fn carry_out(&mut self, command: Command) -> Result<Outcome> {
        self.refuse_replaced()?;
        let errand: Box<dyn Errand> = match command {
            Command::Evaluate { u, v } => Box::new(Evaluating::new(self, u, v)?),
            Command::Search {
                u,
                v,
                radius,
                budget,
            } => Box::new(Searching::new(self, (u, v), radius, budget)?),
            Command::MeasureEnsemble { points } => {
                Box::new(MeasuringEnsemble::given(self, &points)?)
            }
            Command::Export {
                selection,
                dir,
                replace,
                names,
            } => {
                let names = self.names_of_exports(names)?;
                match selection {
                    Selection::Ensemble { points } => {
                        let ensemble = MeasuringEnsemble::given(self, &points)?;
                        Box::new(ensemble.exported(dir, replace)?.named(names))
                    }
                    Selection::Greedy { count } => {
                        let ensemble = MeasuringEnsemble::greedy(self, count)?;
                        Box::new(ensemble.exported(dir, replace)?.named(names))
                    }
                    one => Box::new(Exporting::new(self, &one, dir, replace)?.named(names)),
                }
            }
            Command::Cancel => return self.cancel(),
            other => return self.carry_out_now(other).map(|()| Outcome::Done),
        };
        Ok(Outcome::Errand(errand))
    }

    fn carry_out_now(&mut self, command: Command) -> Result<()> {
        match command {
            Command::Start => self.start(),
            Command::StartCorners => self.end_again_if_refused(Self::start_corners),
            Command::StartFit { degrees } => self.end_again_if_refused(|a| a.start_fit(degrees)),
            Command::FitFurther { steps, epochs } => self.fit_further(steps, epochs),
            Command::Pause => self.pause(),
            Command::Unpause => self.unpause(),
            Command::Stop => self.stop(),
            Command::SetDegree { degrees } => self.set_degrees(degrees),
            Command::SetGrid { grid } => self.choose_grid(grid),
            Command::SetMetric { metric } => {
                self.metric = metric;
                self.store_snapshot();
                Ok(())
            }
            Command::Measure => {
                self.needs_surface()?;
                if matches!(self.work, Work::None | Work::Map { .. }) {
                    let finish = matches!(self.work, Work::Map { finish: true, .. });
                    self.begin_map(finish);
                    return Ok(());
                }
                Err(Error::input(
                    "the heatmap is measured when the fit ends; stop the fit to measure it now",
                ))
            }
            Command::MeasureOn { grid, keep } => self.measure_on(grid, keep),
            Command::SetRate { rate } => self.set_rate(rate),
            Command::SetDraws { draws } => self.set_draws(draws),
            Command::Distances => self.distances(),
            Command::Mark { u, v } => self.mark(u, v),
            Command::Freeze { i, j, frozen } => self.freeze(i, j, frozen),
            Command::Checkpoint => {
                self.flush_losses();
                match self.try_checkpoint()? {
                    Some(step) => self.journal.say(Event::Checkpoint { step }),
                    None => self.journal.notice("checkpoint of the corners"),
                }
                self.journal.sync();
                Ok(())
            }
            // These take a while and are errands, and the end is asked for before commands are carried out.
            Command::Shutdown
            | Command::Evaluate { .. }
            | Command::Search { .. }
            | Command::MeasureEnsemble { .. }
            | Command::Export { .. }
            | Command::Cancel => Ok(()),
        }
    }

    fn start(&mut self) -> Result<()> {
        if self.state == State::Paused {
            return self.unpause();
        }
        if !matches!(self.work, Work::None) {
            return Err(Error::input("the job is under way already"));
        }
        let finished = self.state == State::Finished;
        match self.progress {
            Some(progress) if finished && progress.complete() && self.surface.is_some() => {
                self.fit_further(None, None)
            }
            _ => {
                self.go_on();
                Ok(())
            }
        }
    }

    /// A further round of the fit on the surface as it is.
    fn fit_further(&mut self, steps: Option<u64>, epochs: Option<f64>) -> Result<()> {
        self.needs_surface()?;
        let progress = match self.progress {
            Some(progress) if progress.complete() => progress,
            _ => {
                return Err(Error::input(
                    "the fit has not come to its end yet; let it go on, or stop it first",
                ));
            }
        };
        let per_epoch =
            crate::trainer::Batches::per_epoch(self.data.train.len(), self.config.fit.batch);
        let epochs = epochs.unwrap_or(self.config.fit.epochs);
        let steps = steps.unwrap_or_else(|| (epochs * per_epoch as f64).round() as u64);
        if !(0.0..=1e6).contains(&epochs) || steps == 0 {
            return Err(Error::input(format!(
                "a fit of {epochs} epochs has no step; give epochs above 0, at most 1000000, or steps"
            )));
        }
        self.flush_losses();
        self.progress = Some(progress.further(steps));
        self.live = LiveProgress::default();
        self.begin_fit();
        self.save_checkpoint();
        Ok(())
    }

    fn start_corners(&mut self) -> Result<()> {
        self.flush_losses();
        self.discard_corners()?;
        self.begin_corners();
        Ok(())
    }

    /// Carries out what begins a part of the job anew. A job that was done, and that was reopened before the disk refused the
    /// rest, comes to its end again with the surface that it has.
    fn end_again_if_refused(&mut self, begin: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let was_done = self.journal.picture().finished.is_some();
        let begun = begin(self);
        if begun.is_err() && was_done && self.journal.picture().finished.is_none() {
            self.go_on();
        }
        begun
    }

    fn start_fit(&mut self, degrees: Option<Degrees>) -> Result<()> {
        self.flush_losses();
        let surface = self.needs_surface()?;
        let present = surface.degrees();
        let degrees = degrees.unwrap_or(present);
        if degrees.patch() != present.patch() {
            return Err(Error::input(format!(
                "the surface is a {} of degree {present}; give a new one degrees of the same kind",
                present.patch().name()
            )));
        }
        self.check_memory(degrees, false)?;
        let corners = (0..present.corners() as i64)
            .map(|row| surface.theta().get(row).copy())
            .collect();
        self.new_surface(Surface::linear(degrees, corners))?;
        self.begin_fit();
        Ok(())
    }

    /// Steps done of whatever trains: the corner under way, else the fit.
    fn step(&self) -> u64 {
        if let Some(trainer) = &self.trainer {
            return trainer.step;
        }
        self.progress.map_or(0, |p| p.step)
    }

    fn pause(&mut self) -> Result<()> {
        if self.state != State::Running || matches!(self.work, Work::None) {
            return Err(Error::input("nothing is under way that could be paused"));
        }
        self.flush_losses();
        self.state = State::Paused;
        self.paused_at = Some(std::time::Instant::now());
        self.save_checkpoint();
        self.journal.say(Event::Paused { step: self.step() });
        Ok(())
    }

    fn unpause(&mut self) -> Result<()> {
        if self.state != State::Paused {
            return Err(Error::input("nothing is paused"));
        }
        self.state = State::Running;
        if let Some(at) = self.paused_at.take() {
            self.stage_began += at.elapsed();
        }
        self.journal.say(Event::Unpaused { step: self.step() });
        Ok(())
    }

    pub(super) fn stop(&mut self) -> Result<()> {
        match std::mem::take(&mut self.work) {
            Work::None => Err(Error::input("nothing is under way that could be stopped")),
            Work::Fit => {
                self.flush_losses();
                // Its weights may have gone since the last look. There is nothing to end then but the engine.
                if let Err(diverged) = self.check_divergence() {
                    self.failure = Some(Error::input(diverged.to_string()));
                    return Err(diverged);
                }
                self.journal.say(Event::Stopped { step: self.step() });
                self.state = State::Running;
                self.end_fit()
            }
            unfinished => {
                self.flush_losses();
                // A corner under training keeps what it has reached.
                self.work = unfinished;
                self.save_checkpoint();
                self.work = Work::None;
                self.trainer = None;
                self.abandon_work();
                self.journal.say(Event::Stopped { step: self.step() });
                let done = self.journal.picture().finished.is_some();
                self.state = if done { State::Finished } else { State::Idle };
                Ok(())
            }
        }
    }

    pub(super) fn needs_surface(&self) -> Result<&Surface> {
        self.surface.as_ref().ok_or_else(|| {
            Error::input("there is no surface yet; wait until the corners are ready")
        })
    }

    fn mark(&mut self, u: f64, v: f64) -> Result<()> {
        self.check_parameters(u, v)?;
        let before = self.marks.len();
        self.marks.retain(|&p| p != (u, v));
        let marked = self.marks.len() == before;
        if marked {
            self.marks.push((u, v));
        }
        self.journal.say(Event::Marked { u, v, marked });
        // It is marked, and an event tells it: that the snapshot waits for the disk is no refusal.
        self.store_snapshot();
        Ok(())
    }

    /// Refuses parameters outside the surface.
    pub(super) fn check_parameters(&self, u: f64, v: f64) -> Result<()> {
        let patch = self.config.patch();
        if patch.holds(u, v) {
            return Ok(());
        }
        Err(Error::input(format!(
            "({u}, {v}) lies outside the surface; use {}",
            patch.domain()
        )))
    }

    fn freeze(&mut self, i: usize, j: usize, frozen: bool) -> Result<()> {
        let surface = self.needs_surface()?;
        let row = surface.degrees().rows().iter().position(|&p| p == (i, j));
        let row = row.ok_or_else(|| {
            Error::input(format!(
                "there is no control point ({i}, {j}) at degree {}",
                surface.degrees()
            ))
        })?;
        if row < surface.degrees().corners() {
            return Err(Error::input(
                "corners are given networks and always stay fixed",
            ));
        }
        if let Some(surface) = &mut self.surface {
            surface.set_frozen(row, frozen);
        }
        self.journal.say(Event::Frozen { i, j, frozen });
        self.refresh_points();
        self.save_change();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_degrees_of_a_client_the_latest_wins_and_other_commands_stay() {
        let d = |m| Command::SetDegree {
            degrees: Degrees::new(m, 2).unwrap(),
        };
        let commands = [
            (1, d(3)),
            (1, Command::Pause),
            (1, d(4)),
            (1, Command::SetGrid { grid: 5 }),
            (2, d(6)),
            (1, d(5)),
            (1, Command::Unpause),
        ];
        let waiting = commands
            .into_iter()
            .map(|(client, command)| Request {
                client,
                command,
                reply: tokio::sync::oneshot::channel().0,
            })
            .collect();
        let flags: Vec<bool> = latest_wins(waiting).into_iter().map(|(_, s)| s).collect();
        assert_eq!(flags, [true, false, true, false, false, false, false]);
    }
}

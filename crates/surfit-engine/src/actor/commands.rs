//! Commands: the requests that an actor processes between two ticks.

use super::export_folders::ExportTarget;
use super::task::{EvaluationTask, ExportTask, MeasuringEnsemble, SearchTask};
use super::{Actor, ActorActivity, CommandOutcome, CommandRequest, LiveProgress};
use crate::export::check_folder;
use crate::surface::Surface;
use crate::{EngineError, Result};
use std::mem::{Discriminant, discriminant};
use surfit_core::event::Event;
use surfit_core::protocol::{EngineCommand, RateChange, Selection};
use surfit_core::snapshot::EngineState;
use surfit_core::surface::Degrees;

/// Marks every request that a later one of its kind and client makes pointless: of several degrees from key presses only
/// the last is set. Other clients' requests are carried out and answered.
pub(super) fn mark_superseded(waiting: Vec<CommandRequest>) -> Vec<(CommandRequest, bool)> {
    let kind = |r: &CommandRequest| -> Option<(u64, Discriminant<EngineCommand>)> {
        matches!(
            r.command,
            EngineCommand::SetDegree { .. }
                | EngineCommand::SetGrid { .. }
                | EngineCommand::SetDraws { .. }
                | EngineCommand::SetRate { rate: RateChange::Peak(_) }
        )
        .then(|| (r.client, discriminant(&r.command)))
    };
    let kinds: Vec<_> = waiting.iter().map(kind).collect();
    let superseded = |i: usize| kinds[i].is_some() && kinds[i + 1..].iter().any(|later| *later == kinds[i]);
    let flags: Vec<bool> = (0..waiting.len()).map(superseded).collect();
    waiting.into_iter().zip(flags).collect()
}

/// True for commands that wait until no task is under way or waits: those that change the surface or the grid, which a task
/// sees as one. The others leave both alone, or wait behind the tasks by themselves.
pub(super) fn waits_for_tasks(command: &EngineCommand) -> bool {
    match command {
        EngineCommand::Start
        | EngineCommand::StartCorners
        | EngineCommand::StartFit { .. }
        | EngineCommand::FitFurther { .. }
        | EngineCommand::SetDegree { .. }
        | EngineCommand::SetGrid { .. }
        | EngineCommand::Measure
        | EngineCommand::MeasureOn { .. } => true,
        EngineCommand::Pause
        | EngineCommand::Unpause
        | EngineCommand::Stop
        | EngineCommand::SetRate { .. }
        | EngineCommand::SetDraws { .. }
        | EngineCommand::SetMetric { .. }
        | EngineCommand::Evaluate { .. }
        | EngineCommand::Search { .. }
        | EngineCommand::MeasureEnsemble { .. }
        | EngineCommand::Distances
        | EngineCommand::Cancel
        | EngineCommand::Mark { .. }
        | EngineCommand::Freeze { .. }
        | EngineCommand::Export { .. }
        | EngineCommand::Checkpoint
        | EngineCommand::Shutdown => false,
    }
}

impl Actor<'_> {
    /// Carries out a command, or makes its task. This is the only place that takes commands apart: each has an
    /// arm that does it, so that none can be taken for carried out since it came the wrong way.
    pub(super) fn execute(&mut self, command: EngineCommand) -> Result<CommandOutcome> {
        if command != EngineCommand::Shutdown {
            self.check_not_replaced()?;
        }
        match command {
            EngineCommand::Start => self.start()?,
            EngineCommand::StartCorners => self.resume_job_on_error(Self::start_corners)?,
            EngineCommand::StartFit { degrees } => self.resume_job_on_error(|a| a.start_fit(degrees))?,
            EngineCommand::FitFurther { steps, epochs } => self.extend_fit(steps, epochs)?,
            EngineCommand::Pause => self.pause()?,
            EngineCommand::Unpause => self.unpause()?,
            EngineCommand::Stop => self.stop()?,
            EngineCommand::Cancel => self.cancel()?,
            EngineCommand::SetDegree { degrees } => self.set_degrees(degrees)?,
            EngineCommand::SetGrid { grid } => self.set_run_grid(grid)?,
            EngineCommand::SetMetric { metric } => {
                self.metric = metric;
                self.store_snapshot();
            }
            EngineCommand::SetRate { rate } => self.set_learning_rate(rate)?,
            EngineCommand::SetDraws { draws } => self.set_draws(draws)?,
            EngineCommand::Measure => self.measure_present_grid()?,
            EngineCommand::MeasureOn { grid, keep } => self.measure_grid(grid, keep)?,
            EngineCommand::Distances => self.emit_distances()?,
            EngineCommand::Mark { u, v } => self.toggle_mark(u, v)?,
            EngineCommand::Freeze { i, j, frozen } => self.set_frozen(i, j, frozen)?,
            EngineCommand::Checkpoint => self.checkpoint_on_request()?,
            EngineCommand::Evaluate { u, v } => return EvaluationTask::new(self, u, v).map(CommandOutcome::task),
            EngineCommand::Search { u, v, radius, budget } => {
                return SearchTask::new(self, (u, v), radius, budget).map(CommandOutcome::task);
            }
            EngineCommand::MeasureEnsemble { points } => {
                return MeasuringEnsemble::of_points(self, &points, None).map(CommandOutcome::task);
            }
            EngineCommand::Export { selection, dir, replace, names } => {
                let names = self.export_tensor_names(names)?;
                if let Some(dir) = &dir {
                    check_folder(dir, replace)?;
                }
                let target = ExportTarget { dir, replace, names };
                return match selection {
                    Selection::Ensemble { points } => {
                        MeasuringEnsemble::of_points(self, &points, Some(target)).map(CommandOutcome::task)
                    }
                    Selection::Greedy { count } => {
                        MeasuringEnsemble::greedy(self, count, target).map(CommandOutcome::task)
                    }
                    one => ExportTask::new(self, &one, target).map(CommandOutcome::task),
                };
            }
            EngineCommand::Shutdown => return Ok(CommandOutcome::Closing),
        }
        Ok(CommandOutcome::Done)
    }

    fn measure_present_grid(&mut self) -> Result<()> {
        self.require_surface()?;
        let finish = match self.activity {
            ActorActivity::None => false,
            ActorActivity::Heatmap { finish, .. } => finish,
            _ => return Err(heatmap_after_fit()),
        };
        self.begin_heatmap_stage(finish);
        Ok(())
    }

    fn checkpoint_on_request(&mut self) -> Result<()> {
        self.flush_losses();
        match self.try_checkpoint()? {
            Some(step) => self.journal.emit(Event::Checkpoint { step }),
            None => self.journal.log("checkpoint of the corners"),
        }
        self.journal.sync();
        Ok(())
    }

    fn start(&mut self) -> Result<()> {
        if self.state == EngineState::Paused {
            return self.unpause();
        }
        if !matches!(self.activity, ActorActivity::None) {
            return Err(EngineError::busy("the job is under way already"));
        }
        let finished = self.state == EngineState::Finished;
        match self.progress {
            Some(progress) if finished && progress.is_complete() && self.surface.is_some() => {
                self.extend_fit(None, None)
            }
            _ => {
                self.resume_job();
                Ok(())
            }
        }
    }

    /// A further round of the fit on the surface as it is.
    fn extend_fit(&mut self, steps: Option<u64>, epochs: Option<f64>) -> Result<()> {
        self.require_surface()?;
        let progress = match self.progress {
            Some(progress) if progress.is_complete() => progress,
            _ => {
                return Err(EngineError::wrong_state(
                    "the fit has not come to its end yet; let it go on, or stop it first",
                ));
            }
        };
        let epochs = epochs.unwrap_or(self.config.fit.epochs);
        let steps = steps.unwrap_or_else(|| (epochs * self.fit_steps_per_epoch() as f64).round() as u64);
        if !(0.0..=1e6).contains(&epochs) || steps == 0 {
            return Err(EngineError::input(format!(
                "a fit of {epochs} epochs has no step; give epochs above 0, at most 1000000, or steps"
            )));
        }
        self.flush_losses();
        self.progress = Some(progress.extended_by(steps));
        self.live_progress = LiveProgress::default();
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
    fn resume_job_on_error(&mut self, begin: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let was_done = self.journal.run_state().finished.is_some();
        let begun = begin(self);
        if begun.is_err() && was_done && self.journal.run_state().finished.is_none() {
            self.resume_job();
        }
        begun
    }

    fn start_fit(&mut self, degrees: Option<Degrees>) -> Result<()> {
        self.flush_losses();
        let surface = self.require_surface()?;
        let present = surface.degrees();
        let degrees = degrees.unwrap_or(present);
        if degrees.patch() != present.patch() {
            return Err(EngineError::input(format!(
                "the surface is a {} of degree {present}; give a new one degrees of the same kind",
                present.patch().name()
            )));
        }
        let trainable = self.config.trainable_points();
        self.check_memory(degrees, trainable, false)?;
        let surface = match self.config.corners.precede_fit() {
            true => {
                let corners = (0..present.corner_count()).map(|row| surface.control_point(row).copy()).collect();
                Surface::linear(degrees, trainable, corners)
            }
            // A course that branches is one training: it begins anew.
            false => self.new_trunk(degrees),
        };
        self.install_surface(surface)?;
        self.begin_fit();
        Ok(())
    }

    /// Steps done of whatever trains: the corner under way, else the fit.
    fn training_step(&self) -> u64 {
        if let Some(trainer) = &self.trainer {
            return trainer.step;
        }
        self.progress.map_or(0, |p| p.step)
    }

    fn pause(&mut self) -> Result<()> {
        if self.state != EngineState::Running || matches!(self.activity, ActorActivity::None) {
            return Err(EngineError::wrong_state("nothing is under way that could be paused"));
        }
        self.flush_losses();
        self.state = EngineState::Paused;
        self.save_checkpoint();
        self.clock.stop();
        self.journal.emit(Event::Paused { step: self.training_step() });
        Ok(())
    }

    fn unpause(&mut self) -> Result<()> {
        if self.state != EngineState::Paused {
            return Err(EngineError::wrong_state("nothing is paused"));
        }
        self.state = EngineState::Running;
        self.clock.start();
        self.journal.emit(Event::Unpaused { step: self.training_step() });
        Ok(())
    }

    pub(super) fn stop(&mut self) -> Result<()> {
        match std::mem::take(&mut self.activity) {
            ActorActivity::None => Err(EngineError::wrong_state("nothing is under way that could be stopped")),
            ActorActivity::Fit => {
                self.flush_losses();
                // Its weights may have gone since the last look. There is nothing to end then but the engine.
                if let Err(diverged) = self.check_divergence() {
                    self.failure = self.check_divergence().err();
                    return Err(diverged);
                }
                self.journal.emit(Event::Stopped { step: self.training_step() });
                self.state = EngineState::Running;
                self.clock.start();
                self.end_fit()
            }
            unfinished => {
                self.flush_losses();
                // A corner under training keeps what it has reached.
                self.activity = unfinished;
                self.clock.stop();
                self.interrupted_stage = Some((self.stage, self.stage_seconds()));
                self.save_checkpoint();
                self.activity = ActorActivity::None;
                self.trainer = None;
                self.discard_partial_work();
                self.journal.emit(Event::Stopped { step: self.training_step() });
                let done = self.journal.run_state().finished.is_some();
                self.state = if done { EngineState::Finished } else { EngineState::Idle };
                Ok(())
            }
        }
    }

    pub(super) fn require_surface(&self) -> Result<&Surface> {
        self.surface.as_ref().ok_or(EngineError::NoSurface)
    }

    /// The surface, when its control points are more than one network.
    pub(super) fn require_control_points(&self) -> Result<&Surface> {
        let surface = self.require_surface()?;
        match surface.is_trunk() {
            true => Err(EngineError::wrong_state(
                "there are no separate control points before the branch; wait for the branch",
            )),
            false => Ok(surface),
        }
    }

    fn toggle_mark(&mut self, u: f64, v: f64) -> Result<()> {
        self.check_parameters(u, v)?;
        let before = self.marks.len();
        self.marks.retain(|&p| p != (u, v));
        let marked = self.marks.len() == before;
        if marked {
            self.marks.push((u, v));
        }
        self.journal.emit(Event::Marked { u, v, marked });
        // It is marked, and an event reports it: that the snapshot waits for the disk is no refusal.
        self.store_snapshot();
        Ok(())
    }

    /// Refuses parameters outside the surface.
    pub(super) fn check_parameters(&self, u: f64, v: f64) -> Result<()> {
        let patch = self.config.patch();
        if patch.contains(u, v) {
            return Ok(());
        }
        Err(EngineError::input(format!("({u}, {v}) lies outside the surface; use {}", patch.describe_domain())))
    }

    fn set_frozen(&mut self, i: usize, j: usize, frozen: bool) -> Result<()> {
        let surface = self.require_control_points()?;
        let row = surface.degrees().row_indices().iter().position(|&p| p == (i, j));
        let row = row.ok_or_else(|| {
            EngineError::input(format!("there is no control point ({i}, {j}) at degree {}", surface.degrees()))
        })?;
        if row < surface.degrees().first_trainable_row(surface.trainable()) {
            return Err(EngineError::input("corners are given networks and always stay fixed"));
        }
        if let Some(surface) = &mut self.surface {
            surface.set_frozen(row, frozen);
        }
        self.journal.emit(Event::Frozen { i, j, frozen });
        self.refresh_points();
        self.checkpoint_change();
        Ok(())
    }
}

/// The refusal to measure the heatmap while the surface changes.
pub(super) fn heatmap_after_fit() -> EngineError {
    EngineError::wrong_state(
        "the heatmap is measured when the fit ends; wait for it, or end the fit early with `.` on the screen",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_degrees_of_a_client_the_latest_wins_and_other_commands_stay() {
        let d = |m| EngineCommand::SetDegree { degrees: Degrees::new(m, 2).unwrap() };
        let commands = [
            (1, d(3)),
            (1, EngineCommand::Pause),
            (1, d(4)),
            (1, EngineCommand::SetGrid { grid: 5 }),
            (2, d(6)),
            (1, d(5)),
            (1, EngineCommand::Unpause),
        ];
        let waiting = commands
            .into_iter()
            .map(|(client, command)| CommandRequest { client, command, reply: tokio::sync::oneshot::channel().0 })
            .collect();
        let flags: Vec<bool> = mark_superseded(waiting).into_iter().map(|(_, s)| s).collect();
        assert_eq!(flags, [true, false, true, false, false, false, false]);
    }
}

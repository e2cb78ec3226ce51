//! Commands to the engine, and what is waited for until they are answered.

use super::message::MessageKind;
use super::pending_setting::PendingSettings;
use super::{App, Effect, EngineLink};
use surfit_core::protocol::{BridgeRequest, ClientMessage, EngineCommand, RateChange};
use surfit_core::snapshot::EngineState;
use surfit_core::surface::{Degrees, ParameterAxis};

#[derive(Clone, Debug, PartialEq)]
pub struct PendingCommand {
    pub command: EngineCommand,
    /// Shown while it takes: `exporting the best model …`.
    pub progress_text: Option<String>,
    /// Shown when it was carried out and no event reports it.
    pub done_text: Option<String>,
    pub(super) order: u64,
}

impl PendingCommand {
    fn name(&self) -> &'static str {
        match self.command {
            EngineCommand::Start
            | EngineCommand::StartCorners
            | EngineCommand::StartFit { .. }
            | EngineCommand::FitFurther { .. } => "start",
            EngineCommand::Pause => "pause",
            EngineCommand::Unpause => "resume",
            EngineCommand::Stop | EngineCommand::Shutdown => "stop",
            EngineCommand::SetDegree { .. } => "degree",
            EngineCommand::SetRate { .. } => "rate",
            EngineCommand::SetDraws { .. } => "draws",
            EngineCommand::SetGrid { .. } => "grid",
            EngineCommand::SetMetric { .. } => "metric",
            EngineCommand::Measure | EngineCommand::MeasureOn { .. } => "measure",
            EngineCommand::Evaluate { .. } => "evaluate",
            EngineCommand::Search { .. } => "search",
            EngineCommand::MeasureEnsemble { .. } => "ensemble",
            EngineCommand::Distances => "distances",
            EngineCommand::Cancel => "cancel",
            EngineCommand::Mark { .. } => "mark",
            EngineCommand::Freeze { .. } => "freeze",
            EngineCommand::Checkpoint => "checkpoint",
            EngineCommand::Export { .. } => "export",
        }
    }

    /// It takes a while, and can be cancelled.
    fn is_task(&self) -> bool {
        matches!(
            self.command,
            EngineCommand::Search { .. }
                | EngineCommand::Evaluate { .. }
                | EngineCommand::Export { .. }
                | EngineCommand::MeasureEnsemble { .. }
        )
    }
}

/// Grids that the keys go through; each is of the form that coarse-to-fine measuring likes, or usual.
const GRID_SIZES: [usize; 13] = [3, 5, 7, 9, 11, 15, 21, 25, 31, 41, 51, 81, 101];

/// Presses of a key that come faster than this are one that is held down: terminals wait this long before they repeat it.
const KEY_REPEAT_TIMEOUT_SECS: f64 = 1.0;
/// What a key multiplies the learning rate with, or divides it by.
const RATE_STEP_FACTOR: f64 = 1.25;

impl App {
    /// Sends a command and remembers that it waits.
    pub(crate) fn send_command(&mut self, command: EngineCommand) -> Vec<Effect> {
        let waiting = self.engine_stopped().then(|| "starting the engine …".into());
        self.send_command_with_progress(command, waiting)
    }

    pub(super) fn send_command_with_progress(
        &mut self,
        command: EngineCommand,
        waiting: Option<String>,
    ) -> Vec<Effect> {
        let id = self.next_command_id;
        self.next_command_id += 1;
        let order = self.next_message_order();
        self.pending
            .insert(id, PendingCommand { command: command.clone(), progress_text: waiting, done_text: None, order });
        self.dirty = true;
        vec![Effect::Send(ClientMessage::Command { id, command })]
    }

    /// Degrees as the user sees them: those requested, else those reported.
    pub fn degrees(&self) -> Degrees {
        let reported = self.run_state.snapshot.as_ref().map(|s| s.degrees);
        let wanted = self.settings.degrees.value();
        // A run state without a snapshot exists only between two messages; the demo's degrees are used.
        wanted.or(reported).unwrap_or_else(|| Degrees::new(2, 2).expect("2 is in 1..=8"))
    }

    /// Degrees that were requested and not reported yet.
    pub fn requested_degrees(&self) -> Option<Degrees> {
        self.settings.degrees.value()
    }

    fn target_grid(&self) -> usize {
        self.settings.grid.value().unwrap_or_else(|| self.grid())
    }

    pub fn next_finer_grid(&self) -> Option<usize> {
        GRID_SIZES.into_iter().find(|&g| g > self.target_grid())
    }

    pub fn next_coarser_grid(&self) -> Option<usize> {
        GRID_SIZES.into_iter().rev().find(|&g| g < self.target_grid())
    }

    pub(super) fn set_rate(&mut self, rate: RateChange) -> Vec<Effect> {
        let value = match rate {
            RateChange::Peak(peak) => peak,
            RateChange::Factor(factor) => self.peak_rate() * factor,
        };
        self.settings.peak_rate.request(value, self.next_command_id);
        // The value, not the factor: of several that wait the latest is the right one.
        let rate = RateChange::Peak(value);
        let waiting = format!("changing the learning rate to {value:.3e} …");
        self.send_command_with_progress(EngineCommand::SetRate { rate }, Some(waiting))
    }

    pub(super) fn set_draws(&mut self, value: usize) -> Vec<Effect> {
        self.settings.draws.request(value, self.next_command_id);
        let waiting = format!("changing the points per step to {value} …");
        self.send_command_with_progress(EngineCommand::SetDraws { draws: value }, Some(waiting))
    }

    pub(super) fn set_degrees(&mut self, value: Degrees) -> Vec<Effect> {
        self.degree_plan = None;
        self.settings.degrees.request(value, self.next_command_id);
        let waiting = format!("changing the degree to {value} …");
        self.send_command_with_progress(EngineCommand::SetDegree { degrees: value }, Some(waiting))
    }

    pub(super) fn set_grid(&mut self, value: usize) -> Vec<Effect> {
        self.settings.grid.request(value, self.next_command_id);
        let waiting = format!("changing the grid to {value}×{value} …");
        let effects = self.send_command_with_progress(EngineCommand::SetGrid { grid: value }, Some(waiting));
        // Nothing measures on it by itself.
        let at_rest = !matches!(
            self.run_state.engine_state(),
            EngineState::Running | EngineState::Paused | EngineState::Starting
        );
        if let Some(pending) = self.pending.values_mut().next_back().filter(|_| at_rest) {
            let key = self.keymap.key_label(action!("measure"), self.theme.is_ascii());
            pending.done_text =
                Some(format!("The grid is {value}×{value}; {key} measures what is not measured on it."));
        }
        effects
    }

    pub(super) fn handle_reply(&mut self, id: u64, error: Option<String>) {
        let Some(pending) = self.pending.remove(&id) else {
            return;
        };
        self.dirty = true;
        let superseded = self.settings.record_answer(id, error.is_none(), self.now);
        self.rebase_plan();
        match error {
            // A request that a later one replaced may be refused for that reason alone.
            Some(_) if superseded => {}
            Some(why) => self.show_message(MessageKind::Error, format!("{}: {why}", pending.name())),
            None => {
                if let Some(done) = pending.done_text {
                    self.show_message(MessageKind::Info, done);
                }
            }
        }
    }

    /// No pending request will be answered any more.
    pub(super) fn clear_pending_commands(&mut self) {
        self.pending.clear();
        self.settings = PendingSettings::default();
        self.degree_plan = None;
    }

    pub(crate) fn start_job(&mut self) -> Vec<Effect> {
        match self.run_state.engine_state() {
            EngineState::Paused => self.send_command(EngineCommand::Unpause),
            EngineState::Finished => self.ask_fit(),
            _ => self.send_command(EngineCommand::Start),
        }
    }

    pub(crate) fn start_corners(&mut self) -> Vec<Effect> {
        match self.has_trained_result() {
            true => self.ask_corners(),
            false => self.send_command(EngineCommand::StartCorners),
        }
    }

    /// Corners are ready, or a fit has made steps: starting over discards something.
    pub(crate) fn has_trained_result(&self) -> bool {
        let snapshot = self.run_state.snapshot.as_ref();
        let fitted = snapshot.is_some_and(|s| s.fit_step > 0 || !s.control_points.is_empty());
        fitted || !self.run_state.corners.is_empty()
    }

    pub(crate) fn toggle_pause(&mut self) -> Vec<Effect> {
        let command = match self.run_state.engine_state() {
            EngineState::Paused => EngineCommand::Unpause,
            _ => EngineCommand::Pause,
        };
        self.send_command(command)
    }

    pub(crate) fn write_checkpoint(&mut self) -> Vec<Effect> {
        let waiting = Some("writing a checkpoint …".into());
        let effects = self.send_command_with_progress(EngineCommand::Checkpoint, waiting);
        if let Some(p) = self.pending.values_mut().next_back() {
            p.done_text = Some("The checkpoint is on disk.".into());
        }
        effects
    }

    /// Starts the engine again, or tries a line again that was refused.
    pub(crate) fn resume_engine(&mut self) -> Vec<Effect> {
        if self.remote_line.as_ref().is_some_and(|l| l.is_refused()) {
            self.show_message(MessageKind::Info, "dialling …");
            return vec![Effect::Send(ClientMessage::Bridge(BridgeRequest::Reconnect))];
        }
        self.connection = EngineLink::Connecting;
        self.show_message(MessageKind::Info, "starting the engine …");
        // The run on the screen, and no other that is shown where the engine is.
        let dir = self.run_location.as_ref().map(|place| place.dir.clone());
        vec![Effect::Send(ClientMessage::Bridge(BridgeRequest::ResumeEngine(dir)))]
    }

    pub(crate) fn measure_distances(&mut self) -> Vec<Effect> {
        self.points.show_distances = true;
        self.send_command(EngineCommand::Distances)
    }

    pub(crate) fn set_next_grid(&mut self, next: fn(&App) -> Option<usize>) -> Vec<Effect> {
        next(self).map_or(Vec::new(), |grid| self.set_grid(grid))
    }

    pub(crate) fn toggle_frozen_point(&mut self) -> Vec<Effect> {
        let point = self.selected_point().map(|p| (p.i, p.j, !p.frozen));
        point.map_or(Vec::new(), |(i, j, frozen)| self.send_command(EngineCommand::Freeze { i, j, frozen }))
    }

    /// Peak of the learning rate as the user sees it: the last requested, else the last reported.
    pub fn peak_rate(&self) -> f64 {
        let reported = self.run_state.snapshot.as_ref().map_or(0.0, |s| s.peak_rate);
        self.settings.peak_rate.value().unwrap_or(reported)
    }

    /// Draws a step as the user sees them.
    pub fn draws(&self) -> usize {
        let reported = self.run_state.snapshot.as_ref().map_or(1, |s| s.draws.max(1));
        self.settings.draws.value().unwrap_or(reported)
    }

    pub(crate) fn change_rate(&mut self, up: bool) -> Vec<Effect> {
        let factor = if up { RATE_STEP_FACTOR } else { 1.0 / RATE_STEP_FACTOR };
        // Three digits, so that the result is readable.
        let peak = round_to_three_digits(self.peak_rate() * factor);
        self.set_rate(RateChange::Peak(peak))
    }

    pub(crate) fn change_draws(&mut self, by: i64) -> Vec<Effect> {
        match self.draws().checked_add_signed(by as isize) {
            Some(draws) if draws > 0 => self.set_draws(draws),
            _ => self.show_hint("draws: a step needs at least one point"),
        }
    }

    /// Another run of the planned degree; without a plan, of one more along both.
    pub(crate) fn request_new_run(&mut self, queued: bool) -> Vec<Effect> {
        // A key that is held down repeats many times a second, and every run has an engine of its own.
        let last = self.last_new_run_at.replace(self.now);
        if last.is_some_and(|at| self.now - at < KEY_REPEAT_TIMEOUT_SECS) {
            return self.show_hint("one run at a time: press the key again for another one");
        }
        let present = self.degrees();
        let degrees = match self.degree_plan.take() {
            Some(plan) => plan.to,
            None => {
                let more = present.with_changed_degree(ParameterAxis::U, 1);
                let both = more.and_then(|d| match d.patch().corner_count() {
                    4 => d.with_changed_degree(ParameterAxis::V, 1),
                    _ => Ok(d),
                });
                match both {
                    Ok(degrees) => degrees,
                    Err(why) => return self.show_hint(why),
                }
            }
        };
        self.send_new_run_request(degrees, queued)
    }

    pub(super) fn send_new_run_request(&mut self, degrees: Degrees, queued: bool) -> Vec<Effect> {
        if queued {
            self.show_message(MessageKind::Info, format!("queueing degree {degrees} …"));
            return vec![Effect::Send(ClientMessage::Bridge(BridgeRequest::Queue(degrees)))];
        }
        self.show_message(MessageKind::Info, format!("forking a run of degree {degrees} …"));
        vec![Effect::Send(ClientMessage::Bridge(BridgeRequest::Fork(degrees)))]
    }

    /// What takes a while in the engine, how far it is, and how to give it up.
    pub(super) fn task_progress_line(&self) -> Option<String> {
        let errand = self.run_state.snapshot.as_ref()?.errand.as_ref()?;
        let part = match errand.total {
            0 => String::new(),
            total => format!(" {:.0} %", 100.0 * errand.done as f64 / total as f64),
        };
        let more = match errand.waiting {
            0 => String::new(),
            n => format!(", {n} more wait"),
        };
        let key = self.key_label(action!("cancel"));
        Some(format!("{}{part}{more}; {key} cancels it", errand.name))
    }

    /// The engine exports, searches or measures something besides the job, or was requested to.
    pub(super) fn is_task_running(&self) -> bool {
        let snapshot = self.run_state.snapshot.as_ref();
        snapshot.is_some_and(|s| s.errand.is_some()) || self.awaits_task_reply()
    }

    /// A task that can be cancelled was requested and is not answered.
    pub fn awaits_task_reply(&self) -> bool {
        self.pending.values().any(PendingCommand::is_task)
    }
}

fn round_to_three_digits(x: f64) -> f64 {
    format!("{x:.2e}").parse().unwrap_or(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_rounded_to_what_a_person_reads() {
        assert_eq!(round_to_three_digits(0.123456), 0.123);
    }
}

//! Commands to the engine, and what is waited for until they are answered.

use super::message::MessageKind;
use super::{App, Effect};
use crate::action::Action;
use surfit_core::protocol::{ClientMessage, EngineCommand, RateChange};
use surfit_core::snapshot::EngineState;
use surfit_core::surface::Degrees;

/// A command without a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingCommand {
    /// What it is, for a refusal: `pause`, `export`.
    pub name: &'static str,
    /// Shown while it takes: `exporting the best model …`.
    pub progress_text: Option<String>,
    /// Said when it was carried out and no event says so.
    pub done_text: Option<String>,
    pub(super) order: u64,
}

/// A value that was asked for and has not come yet, so that the next key press goes on from there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct WantedValue<T> {
    pub value: T,
    pub id: u64,
    /// When the engine said yes; what it then reports wins soon after.
    pub accepted_at: Option<f64>,
}

/// Seconds after which a granted wish no longer hides what the engine reports.
const ACCEPTED_REQUEST_TIMEOUT_SECS: f64 = 3.0;

/// Grids that the keys go through; each is of the form that coarse-to-fine measuring likes, or usual.
const GRID_SIZES: [usize; 13] = [3, 5, 7, 9, 11, 15, 21, 25, 31, 41, 51, 81, 101];

impl App {
    /// Sends a command and remembers that it waits.
    pub(super) fn send_command(&mut self, name: &'static str, command: EngineCommand) -> Vec<Effect> {
        let waiting = self.engine_stopped().then(|| "starting the engine …".into());
        self.send_command_with_progress(name, command, waiting)
    }

    pub(super) fn send_command_with_progress(
        &mut self,
        name: &'static str,
        command: EngineCommand,
        waiting: Option<String>,
    ) -> Vec<Effect> {
        let id = self.next_command_id;
        self.next_command_id += 1;
        let order = self.next_message_order();
        self.pending.insert(id, PendingCommand { name, progress_text: waiting, done_text: None, order });
        self.dirty = true;
        vec![Effect::Send(ClientMessage::Command { id, command })]
    }

    /// Degrees as the user sees them: those asked for, else those reported.
    pub fn degrees(&self) -> Degrees {
        let reported = self.run_state.snapshot.as_ref().map(|s| s.degrees);
        let wanted = self.requested_degrees.map(|w| w.value);
        // A picture without a snapshot exists only between two messages; the demo's degrees stand in.
        wanted.or(reported).unwrap_or_else(|| Degrees::new(2, 2).expect("2 is in 1..=8"))
    }

    /// Degrees that were asked for and have not come yet.
    pub fn requested_degrees(&self) -> Option<Degrees> {
        self.requested_degrees.map(|w| w.value)
    }

    fn target_grid(&self) -> usize {
        self.requested_grid.map_or_else(|| self.grid(), |w| w.value)
    }

    /// The next finer grid, if there is one.
    pub fn next_finer_grid(&self) -> Option<usize> {
        GRID_SIZES.into_iter().find(|&g| g > self.target_grid())
    }

    /// The next coarser grid, if there is one.
    pub fn next_coarser_grid(&self) -> Option<usize> {
        GRID_SIZES.into_iter().rev().find(|&g| g < self.target_grid())
    }

    pub(super) fn requested_rate(&self) -> Option<f64> {
        self.requested_rate.map(|w| w.value)
    }

    pub(super) fn requested_draws(&self) -> Option<usize> {
        self.requested_draws.map(|w| w.value)
    }

    pub(super) fn set_rate(&mut self, rate: RateChange) -> Vec<Effect> {
        let value = match rate {
            RateChange::Peak(peak) => peak,
            RateChange::Factor(factor) => self.peak_rate() * factor,
        };
        self.requested_rate = Some(WantedValue { value, id: self.next_command_id, accepted_at: None });
        // The value, not the factor: of several that wait the latest is the right one.
        let rate = RateChange::Peak(value);
        let waiting = format!("changing the learning rate to {value:.3e} …");
        self.send_command_with_progress("rate", EngineCommand::SetRate { rate }, Some(waiting))
    }

    pub(super) fn set_draws(&mut self, value: usize) -> Vec<Effect> {
        self.requested_draws = Some(WantedValue { value, id: self.next_command_id, accepted_at: None });
        let waiting = format!("changing the draws a step to {value} …");
        self.send_command_with_progress("draws", EngineCommand::SetDraws { draws: value }, Some(waiting))
    }

    pub(super) fn set_degrees(&mut self, value: Degrees) -> Vec<Effect> {
        self.degree_plan = None;
        self.requested_degrees = Some(WantedValue { value, id: self.next_command_id, accepted_at: None });
        let waiting = format!("changing the degree to {value} …");
        self.send_command_with_progress("degree", EngineCommand::SetDegree { degrees: value }, Some(waiting))
    }

    pub(super) fn set_grid(&mut self, value: usize) -> Vec<Effect> {
        self.requested_grid = Some(WantedValue { value, id: self.next_command_id, accepted_at: None });
        let waiting = format!("changing the grid to {value}×{value} …");
        let effects = self.send_command_with_progress("grid", EngineCommand::SetGrid { grid: value }, Some(waiting));
        // Nothing measures on it by itself.
        let at_rest = !matches!(
            self.run_state.engine_state(),
            EngineState::Running | EngineState::Paused | EngineState::Starting
        );
        if let Some(pending) = self.pending.values_mut().next_back().filter(|_| at_rest) {
            let key = self.keymap.key_label(Action::Measure, self.theme.is_ascii());
            pending.done_text =
                Some(format!("The grid is {value}×{value}; {key} measures what is not measured on it."));
        }
        effects
    }

    /// An answer came.
    pub(super) fn handle_reply(&mut self, id: u64, error: Option<String>) {
        let Some(pending) = self.pending.remove(&id) else {
            return;
        };
        self.dirty = true;
        let superseded = match pending.name {
            "degree" => self.requested_degrees.is_some_and(|w| w.id > id),
            "grid" => self.requested_grid.is_some_and(|w| w.id > id),
            "rate" => self.requested_rate.is_some_and(|w| w.id > id),
            "draws" => self.requested_draws.is_some_and(|w| w.id > id),
            _ => false,
        };
        self.record_answer(id, error.is_none());
        self.rebase_plan();
        match error {
            // A wish that a later one took the place of may be refused for that reason alone.
            Some(_) if superseded => {}
            Some(why) => self.show_message(MessageKind::Error, format!("{}: {why}", pending.name)),
            None => {
                if let Some(done) = pending.done_text {
                    self.show_message(MessageKind::Info, done);
                }
            }
        }
    }

    /// Notes the answer to a wish.
    fn record_answer(&mut self, id: u64, granted: bool) {
        fn record_one<T>(wanted: &mut Option<WantedValue<T>>, id: u64, granted: bool, now: f64) {
            if let Some(w) = wanted.as_mut().filter(|w| w.id == id) {
                if granted {
                    w.accepted_at = Some(now);
                } else {
                    *wanted = None;
                }
            }
        }
        record_one(&mut self.requested_degrees, id, granted, self.now);
        record_one(&mut self.requested_grid, id, granted, self.now);
        record_one(&mut self.requested_rate, id, granted, self.now);
        record_one(&mut self.requested_draws, id, granted, self.now);
    }

    /// Lets go of wishes that came true, or that the engine had time enough for.
    pub(super) fn drop_fulfilled_requests(&mut self) {
        let Some(s) = &self.run_state.snapshot else {
            return;
        };
        let old = |granted: Option<f64>| granted.is_some_and(|t| t + ACCEPTED_REQUEST_TIMEOUT_SECS < self.now);
        if self.requested_degrees.is_some_and(|w| w.value == s.degrees && w.accepted_at.is_some() || old(w.accepted_at))
        {
            self.requested_degrees = None;
        }
        if self
            .requested_grid
            .is_some_and(|w| w.value == s.heatmap.grid && w.accepted_at.is_some() || old(w.accepted_at))
        {
            self.requested_grid = None;
        }
        if self.requested_rate.is_some_and(|w| w.value == s.peak_rate && w.accepted_at.is_some() || old(w.accepted_at))
        {
            self.requested_rate = None;
        }
        if self.requested_draws.is_some_and(|w| w.value == s.draws && w.accepted_at.is_some() || old(w.accepted_at)) {
            self.requested_draws = None;
        }
    }

    /// Nothing that was asked for will be answered any more.
    pub(super) fn clear_pending_commands(&mut self) {
        self.pending.clear();
        self.requested_degrees = None;
        self.requested_grid = None;
        self.requested_rate = None;
        self.requested_draws = None;
        self.degree_plan = None;
    }
}

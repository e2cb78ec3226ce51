//! Commands to the engine, and what is waited for until they are answered.

use super::message::MessageKind;
use super::{App, Effect};
use crate::action::Action;
use crate::link::Outgoing;
use surfit_core::protocol::{EngineCommand, RateChange};
use surfit_core::snapshot::EngineState;
use surfit_core::surface::Degrees;

/// A command without a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct PendingCommand {
    /// What it is, for a refusal: `pause`, `export`.
    pub name: &'static str,
    /// Shown while it takes: `exporting the best model …`.
    pub waiting: Option<String>,
    /// Said when it was carried out and no event says so.
    pub done: Option<String>,
    pub(super) order: u64,
}

/// A value that was asked for and has not come yet, so that the next key press goes on from there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct WantedValue<T> {
    pub value: T,
    pub id: u64,
    /// When the engine said yes; what it then reports wins soon after.
    pub granted: Option<f64>,
}

/// Seconds after which a granted wish no longer hides what the engine reports.
const PATIENCE: f64 = 3.0;

/// Grids that the keys go through; each is of the form that coarse-to-fine measuring likes, or usual.
const GRIDS: [usize; 13] = [3, 5, 7, 9, 11, 15, 21, 25, 31, 41, 51, 81, 101];

impl App {
    /// Sends a command and remembers that it waits.
    pub(super) fn send(&mut self, name: &'static str, command: EngineCommand) -> Vec<Effect> {
        let waiting = self.sleeps().then(|| "starting the engine …".into());
        self.send_waiting(name, command, waiting)
    }

    pub(super) fn send_waiting(
        &mut self,
        name: &'static str,
        command: EngineCommand,
        waiting: Option<String>,
    ) -> Vec<Effect> {
        let id = self.next_id;
        self.next_id += 1;
        let order = self.next_order();
        self.pending.insert(
            id,
            PendingCommand {
                name,
                waiting,
                done: None,
                order,
            },
        );
        self.dirty = true;
        vec![Effect::Send(Outgoing::Command { id, command })]
    }

    /// Degrees as the user sees them: those asked for, else those reported.
    pub fn degrees(&self) -> Degrees {
        let reported = self.picture.snapshot.as_ref().map(|s| s.degrees);
        let wanted = self.wanted_degrees.map(|w| w.value);
        // A picture without a snapshot exists only between two messages; the demo's degrees stand in.
        wanted
            .or(reported)
            .unwrap_or_else(|| Degrees::new(2, 2).expect("2 is in 1..=8"))
    }

    /// Degrees that were asked for and have not come yet.
    pub fn wanted_degrees(&self) -> Option<Degrees> {
        self.wanted_degrees.map(|w| w.value)
    }

    fn aimed_grid(&self) -> usize {
        self.wanted_grid.map_or_else(|| self.grid(), |w| w.value)
    }

    /// The next finer grid, if there is one.
    pub fn finer_grid(&self) -> Option<usize> {
        GRIDS.into_iter().find(|&g| g > self.aimed_grid())
    }

    /// The next coarser grid, if there is one.
    pub fn coarser_grid(&self) -> Option<usize> {
        GRIDS.into_iter().rev().find(|&g| g < self.aimed_grid())
    }

    pub(super) fn wanted_rate(&self) -> Option<f64> {
        self.wanted_rate.map(|w| w.value)
    }

    pub(super) fn wanted_draws(&self) -> Option<usize> {
        self.wanted_draws.map(|w| w.value)
    }

    pub(super) fn set_rate(&mut self, rate: RateChange) -> Vec<Effect> {
        let value = match rate {
            RateChange::Peak(peak) => peak,
            RateChange::Factor(factor) => self.peak_rate() * factor,
        };
        self.wanted_rate = Some(WantedValue {
            value,
            id: self.next_id,
            granted: None,
        });
        // The value, not the factor: of several that wait the latest is the right one.
        let rate = RateChange::Peak(value);
        let waiting = format!("changing the learning rate to {value:.3e} …");
        self.send_waiting("rate", EngineCommand::SetRate { rate }, Some(waiting))
    }

    pub(super) fn set_draws(&mut self, value: usize) -> Vec<Effect> {
        self.wanted_draws = Some(WantedValue {
            value,
            id: self.next_id,
            granted: None,
        });
        let waiting = format!("changing the draws a step to {value} …");
        self.send_waiting(
            "draws",
            EngineCommand::SetDraws { draws: value },
            Some(waiting),
        )
    }

    pub(super) fn set_degrees(&mut self, value: Degrees) -> Vec<Effect> {
        self.plan = None;
        self.wanted_degrees = Some(WantedValue {
            value,
            id: self.next_id,
            granted: None,
        });
        let waiting = format!("changing the degree to {value} …");
        self.send_waiting(
            "degree",
            EngineCommand::SetDegree { degrees: value },
            Some(waiting),
        )
    }

    pub(super) fn set_grid(&mut self, value: usize) -> Vec<Effect> {
        self.wanted_grid = Some(WantedValue {
            value,
            id: self.next_id,
            granted: None,
        });
        let waiting = format!("changing the grid to {value}×{value} …");
        let effects = self.send_waiting(
            "grid",
            EngineCommand::SetGrid { grid: value },
            Some(waiting),
        );
        // Nothing measures on it by itself.
        let at_rest = !matches!(
            self.picture.state(),
            EngineState::Running | EngineState::Paused | EngineState::Starting
        );
        if let Some(pending) = self.pending.values_mut().next_back().filter(|_| at_rest) {
            let key = self.keymap.shown(Action::Measure, self.theme.ascii());
            pending.done = Some(format!(
                "The grid is {value}×{value}; {key} measures what is not measured on it."
            ));
        }
        effects
    }

    /// An answer came.
    pub(super) fn reply(&mut self, id: u64, error: Option<String>) {
        let Some(pending) = self.pending.remove(&id) else {
            return;
        };
        self.dirty = true;
        let superseded = match pending.name {
            "degree" => self.wanted_degrees.is_some_and(|w| w.id > id),
            "grid" => self.wanted_grid.is_some_and(|w| w.id > id),
            "rate" => self.wanted_rate.is_some_and(|w| w.id > id),
            "draws" => self.wanted_draws.is_some_and(|w| w.id > id),
            _ => false,
        };
        self.settle(id, error.is_none());
        self.plan_from_present();
        match error {
            // A wish that a later one took the place of may be refused for that reason alone.
            Some(_) if superseded => {}
            Some(why) => self.say(MessageKind::Error, format!("{}: {why}", pending.name)),
            None => {
                if let Some(done) = pending.done {
                    self.say(MessageKind::Info, done);
                }
            }
        }
    }

    /// Notes the answer to a wish.
    fn settle(&mut self, id: u64, granted: bool) {
        fn one<T>(wanted: &mut Option<WantedValue<T>>, id: u64, granted: bool, now: f64) {
            if let Some(w) = wanted.as_mut().filter(|w| w.id == id) {
                if granted {
                    w.granted = Some(now);
                } else {
                    *wanted = None;
                }
            }
        }
        one(&mut self.wanted_degrees, id, granted, self.now);
        one(&mut self.wanted_grid, id, granted, self.now);
        one(&mut self.wanted_rate, id, granted, self.now);
        one(&mut self.wanted_draws, id, granted, self.now);
    }

    /// Lets go of wishes that came true, or that the engine had time enough for.
    pub(super) fn compare_wishes(&mut self) {
        let Some(s) = &self.picture.snapshot else {
            return;
        };
        let old = |granted: Option<f64>| granted.is_some_and(|t| t + PATIENCE < self.now);
        if self
            .wanted_degrees
            .is_some_and(|w| w.value == s.degrees && w.granted.is_some() || old(w.granted))
        {
            self.wanted_degrees = None;
        }
        if self
            .wanted_grid
            .is_some_and(|w| w.value == s.heatmap.grid && w.granted.is_some() || old(w.granted))
        {
            self.wanted_grid = None;
        }
        if self
            .wanted_rate
            .is_some_and(|w| w.value == s.peak_rate && w.granted.is_some() || old(w.granted))
        {
            self.wanted_rate = None;
        }
        if self
            .wanted_draws
            .is_some_and(|w| w.value == s.draws && w.granted.is_some() || old(w.granted))
        {
            self.wanted_draws = None;
        }
    }

    /// Nothing that was asked for will be answered any more.
    pub(super) fn forget_pending(&mut self) {
        self.pending.clear();
        self.wanted_degrees = None;
        self.wanted_grid = None;
        self.wanted_rate = None;
        self.wanted_draws = None;
        self.plan = None;
    }
}

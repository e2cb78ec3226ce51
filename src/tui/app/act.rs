//! What every action does: a file for each group of the table.

mod curves;
mod job;
mod models;
mod moves;
mod panes;
mod program;
mod show;
mod surface;

use super::message::Kind;
use super::{App, Effect, Pane};
use crate::action::{Action, Group};

impl App {
    /// Does what an action says, or tells why it cannot be done.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        self.dirty = true;
        if let Err(why) = (action.entry().possible)(self) {
            self.say(Kind::Hint, format!("{}: {why}", action.entry().label));
            return Vec::new();
        }
        self.carry_out(action).unwrap_or_default()
    }

    /// `None` when the group's file has no arm for the action: a test sees that each has.
    pub(super) fn carry_out(&mut self, action: Action) -> Option<Vec<Effect>> {
        match action.entry().group {
            Group::Job => self.steer_job(action),
            Group::Surface => self.shape_surface(action),
            Group::Models => self.take_away(action),
            Group::Move => self.move_about(action),
            Group::Show => self.change_view(action),
            Group::Program => self.run_program(action),
        }
    }

    pub(super) fn focus_on(&mut self, pane: Pane) {
        self.focus = pane;
        self.dirty = true;
    }
}

//! What every action does: a file for each group of the table.

mod curves;
mod job;
mod models;
mod moves;
mod panes;
mod program;
mod show;
mod surface;

use super::message::MessageKind;
use super::{App, Effect, Pane};
use crate::action::{Action, ActionGroup};

impl App {
    /// Does what an action says, or tells why it cannot be done.
    pub fn act(&mut self, action: Action) -> Vec<Effect> {
        self.dirty = true;
        if let Err(why) = (action.entry().possible)(self) {
            self.say(
                MessageKind::Hint,
                format!("{}: {why}", action.entry().label),
            );
            return Vec::new();
        }
        self.carry_out(action).unwrap_or_default()
    }

    /// `None` when the group's file has no arm for the action: a test sees that each has.
    pub(super) fn carry_out(&mut self, action: Action) -> Option<Vec<Effect>> {
        match action.entry().group {
            ActionGroup::Job => self.steer_job(action),
            ActionGroup::Surface => self.shape_surface(action),
            ActionGroup::Models => self.take_away(action),
            ActionGroup::Move => self.move_about(action),
            ActionGroup::Show => self.change_view(action),
            ActionGroup::Program => self.run_program(action),
        }
    }

    pub(super) fn focus_on(&mut self, pane: Pane) {
        self.focus = pane;
        self.dirty = true;
    }
}

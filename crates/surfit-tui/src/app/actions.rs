//! What every action does: a file for each group of the table.

mod curves;
mod job;
mod models;
mod navigation;
mod panes;
mod program;
mod surface;
mod view;

use super::message::MessageKind;
use super::{App, Effect, Pane};
use crate::action::{Action, ActionGroup};

impl App {
    /// Does what an action says, or tells why it cannot be done.
    pub fn perform_action(&mut self, action: Action) -> Vec<Effect> {
        self.dirty = true;
        if let Err(why) = (action.entry().availability)(self) {
            self.show_message(MessageKind::Hint, format!("{}: {why}", action.entry().label));
            return Vec::new();
        }
        self.dispatch_action(action).unwrap_or_default()
    }

    /// `None` when the group's file has no arm for the action: a test sees that each has.
    pub(super) fn dispatch_action(&mut self, action: Action) -> Option<Vec<Effect>> {
        match action.entry().group {
            ActionGroup::Job => self.perform_job_action(action),
            ActionGroup::Surface => self.perform_surface_action(action),
            ActionGroup::Models => self.perform_model_action(action),
            ActionGroup::Move => self.perform_move_action(action),
            ActionGroup::Show => self.perform_view_action(action),
            ActionGroup::Program => self.perform_program_action(action),
        }
    }

    pub(super) fn focus_pane(&mut self, pane: Pane) {
        self.focus = pane;
        self.dirty = true;
    }
}

//! Moving about.

use crate::action::Action;
use crate::app::{App, Effect, Pane};

impl App {
    pub(super) fn perform_move_action(&mut self, action: Action) -> Option<Vec<Effect>> {
        match action {
            Action::FocusLoss => self.focus_pane(Pane::Loss),
            Action::FocusSurface => self.focus_pane(Pane::Surface),
            Action::FocusPoints => self.focus_pane(Pane::Points),
            Action::FocusNext => self.focus_pane(Pane::ALL[(self.focus as usize + 1) % 3]),
            Action::FocusPrevious => self.focus_pane(Pane::ALL[(self.focus as usize + 2) % 3]),
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::Back => self.step_back(),
            Action::Left => self.move_cursor_by(-1, 0),
            Action::Right => self.move_cursor_by(1, 0),
            Action::Up => self.move_cursor_by(0, 1),
            Action::Down => self.move_cursor_by(0, -1),
            Action::First => self.move_cursor_to_end(-1),
            Action::Last => self.move_cursor_to_end(1),
            _ => return None,
        }
        Some(Vec::new())
    }

    /// One step back: the pane that has the whole screen, then the loss cursor, then the part that was zoomed to.
    fn step_back(&mut self) {
        if self.zoomed {
            self.zoomed = false;
        } else if self.focus == Pane::Loss {
            self.loss.clear_cursor_or_zoom();
        } else if self.focus == Pane::Surface && self.surface.show_all() {
        } else {
            self.loss.cursor = None;
        }
    }

    fn move_cursor_by(&mut self, du: i32, dv: i32) {
        match self.focus {
            Pane::Surface => {
                let patch = self.degrees().patch();
                self.surface.move_by(du, dv, self.grid(), patch);
            }
            Pane::Points if self.points.show_distances => {
                self.points.move_pair(du, dv, &self.run_state);
            }
            Pane::Points => {
                if let Some(s) = &self.run_state.snapshot {
                    self.points.move_by(du, dv, s.degrees);
                }
            }
            Pane::Loss => self.loss.move_cursor(&self.run_state, du),
        }
    }

    fn move_cursor_to_end(&mut self, sign: i32) {
        match self.focus {
            Pane::Loss => self.loss.move_cursor_to_end(&self.run_state, sign > 0),
            Pane::Points if self.points.show_distances => {
                self.points.move_pair(1000 * sign, -1000 * sign, &self.run_state);
            }
            _ => self.move_cursor_by(1000 * sign, 1000 * sign),
        }
    }
}

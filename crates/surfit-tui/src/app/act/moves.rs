//! Moving about.

use crate::action::Action;
use crate::app::{App, Effect, Pane};

impl App {
    pub(super) fn move_about(&mut self, action: Action) -> Option<Vec<Effect>> {
        match action {
            Action::FocusLoss => self.focus_on(Pane::Loss),
            Action::FocusSurface => self.focus_on(Pane::Surface),
            Action::FocusPoints => self.focus_on(Pane::Points),
            Action::FocusNext => self.focus_on(Pane::ALL[(self.focus as usize + 1) % 3]),
            Action::FocusPrevious => self.focus_on(Pane::ALL[(self.focus as usize + 2) % 3]),
            Action::Zoom => self.zoomed = !self.zoomed,
            Action::Back => self.back(),
            Action::Left => self.move_by(-1, 0),
            Action::Right => self.move_by(1, 0),
            Action::Up => self.move_by(0, 1),
            Action::Down => self.move_by(0, -1),
            Action::First => self.move_to_end(-1),
            Action::Last => self.move_to_end(1),
            _ => return None,
        }
        Some(Vec::new())
    }

    /// One step back: the pane that has the whole screen, then the loss cursor, then the part that was zoomed to.
    fn back(&mut self) {
        if self.zoomed {
            self.zoomed = false;
        } else if self.focus == Pane::Loss {
            self.loss.step_back();
        } else if self.focus == Pane::Surface && self.surface.show_all() {
        } else {
            self.loss.cursor = None;
        }
    }

    fn move_by(&mut self, du: i32, dv: i32) {
        match self.focus {
            Pane::Surface => {
                let patch = self.degrees().patch();
                self.surface.move_by(du, dv, self.grid(), patch);
            }
            Pane::Points if self.points.distances => {
                self.points.move_pair(du, dv, &self.picture);
            }
            Pane::Points => {
                if let Some(s) = &self.picture.snapshot {
                    self.points.move_by(du, dv, s.degrees);
                }
            }
            Pane::Loss => self.loss.move_cursor(&self.picture, du),
        }
    }

    fn move_to_end(&mut self, sign: i32) {
        match self.focus {
            Pane::Loss => self.loss.cursor_to_end(&self.picture, sign > 0),
            Pane::Points if self.points.distances => {
                self.points
                    .move_pair(1000 * sign, -1000 * sign, &self.picture);
            }
            _ => self.move_by(1000 * sign, 1000 * sign),
        }
    }
}

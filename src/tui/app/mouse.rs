//! The mouse: it does what keys do, at the place it points to.

use super::{App, Effect, Overlay, Pane};
use crate::layout::Screen;
use crate::views;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

/// Two clicks within this many seconds at one place are a double click.
const DOUBLE: f64 = 0.4;

impl App {
    pub(super) fn mouse(&mut self, event: MouseEvent) -> Vec<Effect> {
        let at = Position::new(event.column, event.row);
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => self.click(at),
            MouseEventKind::Drag(MouseButton::Left)
                if self.overlay.is_none() && self.question.is_none() =>
            {
                self.point_at(at);
                Vec::new()
            }
            MouseEventKind::ScrollUp => self.wheel(-1, at),
            MouseEventKind::ScrollDown => self.wheel(1, at),
            _ => Vec::new(),
        }
    }

    fn click(&mut self, at: Position) -> Vec<Effect> {
        self.dirty = true;
        let screen = Screen::of(self);
        if let Some(question) = &self.question {
            let row = views::dialog::choice_at(screen.area, question, at);
            let answer = row.map(|n| question.choices[n].answer);
            return answer.map_or(Vec::new(), |answer| self.answer(answer));
        }
        if screen.footer.contains(at) {
            let hit = views::footer::action_at(self, screen.footer, at.x);
            return hit.map_or(Vec::new(), |action| self.act(action));
        }
        if self.overlay.is_some() {
            return self.click_overlay(&screen, at);
        }
        if let Some(pane) = screen.tab_at(at) {
            self.focus_on(pane);
            return Vec::new();
        }
        let double = self
            .clicked
            .is_some_and(|(t, x, y)| self.now - t <= DOUBLE && (x, y) == (at.x, at.y));
        self.clicked = (!double).then_some((self.now, at.x, at.y));
        if let Some((pane, _)) = screen.pane_at(at) {
            self.focus_on(pane);
            if double {
                self.zoomed = !self.zoomed;
            } else {
                self.point_at(at);
            }
        }
        Vec::new()
    }

    /// Puts the cursor of the pane with the focus where the mouse is.
    fn point_at(&mut self, at: Position) {
        let screen = Screen::of(self);
        let Some((pane, area)) = screen.pane_at(at).filter(|p| p.0 == self.focus) else {
            return;
        };
        match pane {
            Pane::Surface => {
                let cell = self.surface.cell_at(area, at.x, at.y, self.grid());
                self.surface.cursor = cell.unwrap_or(self.surface.cursor);
                self.surface.clamp(self.grid(), self.degrees().patch());
            }
            Pane::Points => {
                let row = self.points.point_at(area, at.x, at.y, &self.picture);
                self.points.cursor = row.unwrap_or(self.points.cursor);
            }
            Pane::Loss => {
                let cursor = self.loss.cursor_at(area, at.x, at.y, &self.picture);
                self.loss.cursor = cursor.or(self.loss.cursor);
            }
        }
        self.dirty = true;
    }

    fn click_overlay(&mut self, screen: &Screen, at: Position) -> Vec<Effect> {
        if !screen.overlay.contains(at) {
            self.overlay = None;
            return Vec::new();
        }
        let inner = views::popup::inner(screen.overlay);
        let row = match &self.overlay {
            Some(Overlay::Palette { selected, .. }) => views::palette::row_at(inner, *selected, at),
            Some(Overlay::Runs { selected }) => views::runs::row_at(inner, *selected, at),
            Some(Overlay::Models { .. }) => views::models::row_at(self, inner, at),
            _ => None,
        };
        let Some(row) = row else { return Vec::new() };
        let enters = match &mut self.overlay {
            Some(Overlay::Palette { selected, .. }) => {
                *selected = row;
                true
            }
            // The first click chooses, the second goes there.
            Some(Overlay::Runs { selected }) => {
                let again = *selected == row;
                *selected = row;
                again && row < self.runs.len()
            }
            Some(Overlay::Models { selected }) => {
                *selected = row;
                false
            }
            _ => false,
        };
        self.clamp_overlay();
        if enters {
            self.enter_in_overlay()
        } else {
            Vec::new()
        }
    }

    fn wheel(&mut self, by: i64, at: Position) -> Vec<Effect> {
        if self.question.is_some() {
            return Vec::new();
        }
        if self.overlay.is_some() {
            self.scroll(3 * by);
            return Vec::new();
        }
        // Over the surface and the points the wheel moves along v, over the curves along the steps.
        if let Some((pane, _)) = Screen::of(self).pane_at(at) {
            let focus = std::mem::replace(&mut self.focus, pane);
            let action = match (pane, by < 0) {
                (Pane::Loss, true) => crate::action::Action::Left,
                (Pane::Loss, false) => crate::action::Action::Right,
                (_, true) => crate::action::Action::Up,
                (_, false) => crate::action::Action::Down,
            };
            let effects = self.act(action);
            self.focus = focus;
            return effects;
        }
        Vec::new()
    }
}

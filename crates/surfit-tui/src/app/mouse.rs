//! The mouse: it does what keys do, at the place it points to.

use super::{AnswerAction, App, Effect, Overlay, Pane};
use crate::action::Action;
use crate::key::Key;
use crate::layout::{ScreenLayout, SidebarList};
use crate::views;
use crate::views::footer::FooterHit;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

/// Two clicks within this many seconds at one place are a double click.
const DOUBLE: f64 = 0.4;

impl App {
    pub(super) fn mouse(&mut self, event: MouseEvent) -> Vec<Effect> {
        let at = Position::new(event.column, event.row);
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => self.click(at),
            MouseEventKind::Drag(MouseButton::Left) => {
                self.drag(at);
                Vec::new()
            }
            MouseEventKind::Up(MouseButton::Left) => {
                self.held = None;
                self.choose_part();
                Vec::new()
            }
            MouseEventKind::Down(MouseButton::Right | MouseButton::Middle) => {
                self.dragged = Some(at);
                Vec::new()
            }
            MouseEventKind::Drag(MouseButton::Right | MouseButton::Middle) => {
                self.pan(at);
                Vec::new()
            }
            MouseEventKind::ScrollUp => self.wheel(-1, at),
            MouseEventKind::ScrollDown => self.wheel(1, at),
            _ => Vec::new(),
        }
    }

    fn click(&mut self, at: Position) -> Vec<Effect> {
        self.dirty = true;
        let screen = ScreenLayout::of(self);
        let hit = match screen.footer.contains(at) {
            true => views::footer::hit_at(self, screen.footer, at.x),
            false => None,
        };
        if let Some(hit) = hit {
            self.begun = None;
            return match hit {
                FooterHit::Act(action) => self.act(action),
                FooterHit::Press(key) => self.press(key.event()),
            };
        }
        if let Some(question) = &self.question {
            if views::dialog::cancels_at(self, screen.area, question, at) {
                return self.answer(AnswerAction::Cancel);
            }
            let row = views::dialog::choice_at(self, screen.area, question, at);
            let answer = row.map(|n| question.choices[n].answer);
            return answer.map_or(Vec::new(), |answer| self.answer(answer));
        }
        if self.take.is_some() {
            return self.click_take(&screen, at);
        }
        if screen.footer.contains(at) {
            return Vec::new();
        }
        if screen.message.contains(at) {
            // A key that can follow is pressed by the click, a plan is confirmed; a sentence leads to the log, where it
            // stands whole.
            let key = views::pending::key_at(self, screen.message, at.x);
            return match (key, self.begun()) {
                (Some(key), _) => self.press(key.event()),
                (None, Some(_)) => self.press(Key::ESC.event()),
                (None, None) if at.y == screen.message.y && self.plan_waits() => {
                    self.press(Key::ENTER.event())
                }
                (None, None) => self.act(Action::Log),
            };
        }
        self.begun = None;
        if self.overlay.is_some() {
            return self.click_overlay(&screen, at);
        }
        if screen.header.contains(at) {
            let hit = views::header::action_at(self, screen.header, at);
            return hit.map_or(Vec::new(), |action| self.act(action));
        }
        match screen.beside_at(at) {
            Some(SidebarList::Models) => return self.act(Action::Models),
            Some(SidebarList::Log) => return self.act(Action::Log),
            None => {}
        }
        if let Some(pane) = screen.tab_at(at) {
            self.focus_on(pane);
            return Vec::new();
        }
        let double = self
            .clicked
            .is_some_and(|(t, x, y)| self.now - t <= DOUBLE && (x, y) == (at.x, at.y));
        self.clicked = (!double).then_some((self.now, at.x, at.y));
        self.held = screen.border_at(at).copied();
        if let Some((pane, _)) = screen.pane_at(at) {
            self.focus_on(pane);
            // What was zoomed to goes before the pane.
            if double && pane == Pane::Loss && self.loss.can_pan() {
                self.loss.zoom_out_fully();
                self.loss.cursor = None;
            } else if double && pane == Pane::Surface && self.surface.show_all() {
            } else if double {
                self.held = None;
                self.zoomed = !self.zoomed;
            } else if self.held.is_none() {
                self.point_at(at);
                self.begin_part(at);
            }
        }
        Vec::new()
    }

    /// The pane under the mouse, when nothing lies over it.
    fn pane_under(&self, at: Position) -> Option<(Pane, Rect)> {
        let free = self.overlay.is_none() && self.question.is_none() && self.take.is_none();
        ScreenLayout::of(self).pane_at(at).filter(|_| free)
    }

    /// The area of the loss pane, when it is on the screen and nothing lies over it.
    fn loss_area(&self) -> Option<Rect> {
        let free = self.overlay.is_none() && self.question.is_none() && self.take.is_none();
        let panes = ScreenLayout::of(self).panes;
        let found = panes.into_iter().find(|p| p.0 == Pane::Loss);
        found.filter(|_| free).map(|p| p.1)
    }

    /// A press on the loss curves begins to choose a part of them.
    fn begin_part(&mut self, at: Position) {
        if let Some(area) = self.loss_area().filter(|a| a.contains(at)) {
            self.loss.choose(area, (at.x, at.y), &self.picture, true);
        }
    }

    /// The button was let go: what was chosen of the curves is zoomed to.
    fn choose_part(&mut self) {
        match self.loss_area() {
            Some(area) => self.loss.zoom_to_chosen(area, &self.picture),
            None => self.loss.span = None,
        }
        self.dirty = true;
    }

    /// Moves what is under the mouse along with it: the loss curves, the part of the surface; a relief is turned.
    fn pan(&mut self, at: Position) {
        let Some((pane, area)) = self.pane_under(at) else {
            return;
        };
        let Some(from) = self.dragged.replace(at) else {
            return;
        };
        let columns = i32::from(at.x) - i32::from(from.x);
        let rows = i32::from(at.y) - i32::from(from.y);
        match pane {
            Pane::Loss => self.loss.drag(area, columns, &self.picture),
            Pane::Surface if self.surface.relief => {
                let camera = &mut self.surface.camera;
                camera.move_by(3.0 * f64::from(columns), 3.0 * f64::from(rows));
            }
            Pane::Surface => {
                let (grid, patch) = (self.grid(), self.degrees().patch());
                let cell = |app: &Self, p: Position| {
                    let picture = &app.picture;
                    app.surface.cell_at(area, p.x, p.y, &app.theme, picture)
                };
                // The cell that was taken hold of stays under the mouse.
                if let (Some(was), Some(is)) = (cell(self, from), cell(self, at)) {
                    let by = (was.0 as i64 - is.0 as i64, was.1 as i64 - is.1 as i64);
                    self.surface.pan_by(by, grid, patch);
                }
            }
            Pane::Points => {}
        }
        self.dirty = true;
    }

    /// Moves the border that is held, or the cursor.
    fn drag(&mut self, at: Position) {
        if self.overlay.is_some() || self.question.is_some() || self.take.is_some() {
            return;
        }
        match self.held {
            Some(border) => {
                self.arrangement.move_border(&border, at.x, at.y);
                self.dirty = true;
            }
            None => {
                let part = self.loss_area().filter(|_| self.loss.span.is_some());
                match part {
                    Some(area) => {
                        self.loss.choose(area, (at.x, at.y), &self.picture, false);
                        self.dirty = true;
                    }
                    None => self.point_at(at),
                }
            }
        }
    }

    /// Puts the cursor of the pane with the focus where the mouse is.
    fn point_at(&mut self, at: Position) {
        let screen = ScreenLayout::of(self);
        let Some((pane, area)) = screen.pane_at(at).filter(|p| p.0 == self.focus) else {
            return;
        };
        match pane {
            Pane::Surface => {
                let cell = self
                    .surface
                    .cell_at(area, at.x, at.y, &self.theme, &self.picture);
                self.surface.cursor = cell.unwrap_or(self.surface.cursor);
                self.surface.clamp(self.grid(), self.degrees().patch());
            }
            Pane::Points => {
                let row = self.points.point_at(area, at.x, at.y, &self.picture);
                self.points.cursor = row.unwrap_or(self.points.cursor);
                let pair = self.points.pair_at(area, at.x, at.y, &self.picture);
                self.points.pair = pair.unwrap_or(self.points.pair);
            }
            Pane::Loss => {
                let cursor = self.loss.cursor_at(area, at.x, at.y, &self.picture);
                self.loss.cursor = cursor.or(self.loss.cursor);
            }
        }
        self.dirty = true;
    }

    fn click_overlay(&mut self, screen: &ScreenLayout, at: Position) -> Vec<Effect> {
        if !screen.overlay.contains(at) || views::popup::closes_at(screen.overlay, at) {
            self.overlay = None;
            return Vec::new();
        }
        let inner = views::popup::inner(screen.overlay);
        let row = match &self.overlay {
            Some(Overlay::Palette { input, selected }) => {
                views::palette::row_at(self, inner, input, *selected, at)
            }
            Some(Overlay::Runs { selected }) => views::runs::row_at(self, inner, *selected, at),
            Some(Overlay::Models { .. }) => views::models::row_at(self, inner, at),
            Some(Overlay::Themes { choices, selected }) => {
                views::themes::row_at(inner, choices.len(), *selected, at)
            }
            _ => None,
        };
        let Some(row) = row else { return Vec::new() };
        let enters = match &mut self.overlay {
            Some(Overlay::Palette { selected, .. }) => {
                *selected = row;
                true
            }
            // The first click chooses, the second goes there.
            Some(
                Overlay::Runs { selected }
                | Overlay::Models { selected }
                | Overlay::Themes { selected, .. },
            ) => std::mem::replace(selected, row) == row,
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
        if let Some(take) = &mut self.take {
            take.move_by(by as isize);
            self.dirty = true;
            return Vec::new();
        }
        if self.overlay.is_some() {
            self.scroll(3 * by);
            return Vec::new();
        }
        // Over the curves and the surface the wheel zooms, over the points it moves the cursor.
        let Some((pane, area)) = ScreenLayout::of(self).pane_at(at) else {
            return Vec::new();
        };
        let factor = if by < 0 { 0.8 } else { 1.25 };
        self.dirty = true;
        match pane {
            Pane::Loss => self.loss.zoom_at(area, (at.x, at.y), &self.picture, factor),
            Pane::Surface => {
                let (theme, picture) = (&self.theme, &self.picture);
                let cell = self.surface.cell_at(area, at.x, at.y, theme, picture);
                if let Some(cell) = cell {
                    self.zoom_surface(factor, Some(cell));
                }
            }
            Pane::Points => {
                let focus = std::mem::replace(&mut self.focus, pane);
                let effects = self.act(if by < 0 { Action::Up } else { Action::Down });
                self.focus = focus;
                return effects;
            }
        }
        Vec::new()
    }
}

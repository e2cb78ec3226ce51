//! The mouse: it does what keys do, at the place it points to.

use super::{AnswerAction, App, Effect, Overlay, Pane};
use crate::key::Key;
use crate::layout::{ScreenLayout, SidebarList};
use crate::views;
use crate::views::footer::FooterHit;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

/// Two clicks within this many seconds at one place are a double click.
const DOUBLE_CLICK_TIMEOUT_SECS: f64 = 0.4;

impl App {
    pub(super) fn handle_mouse(&mut self, event: MouseEvent) -> Vec<Effect> {
        let at = Position::new(event.column, event.row);
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => self.handle_click(at),
            MouseEventKind::Drag(MouseButton::Left) => {
                self.handle_drag(at);
                Vec::new()
            }
            MouseEventKind::Up(MouseButton::Left) => {
                self.dragged_border = None;
                self.finish_zoom_selection();
                Vec::new()
            }
            MouseEventKind::Down(MouseButton::Right | MouseButton::Middle) => {
                self.last_pan_position = Some(at);
                Vec::new()
            }
            MouseEventKind::Drag(MouseButton::Right | MouseButton::Middle) => {
                self.pan_pane(at);
                Vec::new()
            }
            MouseEventKind::ScrollUp => self.handle_wheel(-1, at),
            MouseEventKind::ScrollDown => self.handle_wheel(1, at),
            _ => Vec::new(),
        }
    }

    fn handle_click(&mut self, at: Position) -> Vec<Effect> {
        self.dirty = true;
        let screen = ScreenLayout::of(self);
        let hit = match screen.footer.contains(at) {
            true => views::footer::hit_at(self, screen.footer, at.x),
            false => None,
        };
        if let Some(hit) = hit {
            self.pending_prefix = None;
            return match hit {
                FooterHit::Act(action) => self.perform_action(action),
                FooterHit::Press(key) => self.handle_key(key.to_event()),
            };
        }
        if let Some(question) = &self.question {
            if views::dialog::cancels_at(self, screen.area, question, at) {
                return self.answer_question(AnswerAction::Cancel);
            }
            let row = views::dialog::choice_at(self, screen.area, question, at);
            let answer = row.map(|n| question.choices[n].answer);
            return answer.map_or(Vec::new(), |answer| self.answer_question(answer));
        }
        if self.export_menu.is_some() {
            return self.click_export_menu(&screen, at);
        }
        if screen.footer.contains(at) {
            return Vec::new();
        }
        if screen.message.contains(at) {
            // A key that can follow is pressed by the click, a plan is confirmed; a sentence leads to the log, where it
            // stands whole.
            let key = views::pending_keys::key_at(self, screen.message, at.x);
            return match (key, self.pending_prefix()) {
                (Some(key), _) => self.handle_key(key.to_event()),
                (None, Some(_)) => self.handle_key(Key::ESC.to_event()),
                (None, None) if at.y == screen.message.y && self.awaits_plan_confirmation() => {
                    self.handle_key(Key::ENTER.to_event())
                }
                (None, None) => self.perform_action(action!("log")),
            };
        }
        self.pending_prefix = None;
        if self.overlay.is_some() {
            return self.click_overlay(&screen, at);
        }
        if screen.header.contains(at) {
            let hit = views::header::action_at(self, screen.header, at);
            return hit.map_or(Vec::new(), |action| self.perform_action(action));
        }
        match screen.sidebar_list_at(at) {
            Some(SidebarList::Models) => return self.perform_action(action!("models")),
            Some(SidebarList::Log) => return self.perform_action(action!("log")),
            None => {}
        }
        if let Some(pane) = screen.tab_at(at) {
            self.focus_pane(pane);
            return Vec::new();
        }
        let double = self
            .last_click
            .is_some_and(|(t, x, y)| self.now - t <= DOUBLE_CLICK_TIMEOUT_SECS && (x, y) == (at.x, at.y));
        self.last_click = (!double).then_some((self.now, at.x, at.y));
        self.dragged_border = screen.border_at(at).copied();
        if let Some((pane, _)) = screen.pane_at(at) {
            self.focus_pane(pane);
            // What was zoomed to goes before the pane.
            if double && pane == Pane::Loss && self.loss.can_pan() {
                self.loss.reset_zoom();
                self.loss.cursor = None;
            } else if double && pane == Pane::Surface && self.surface.show_all() {
            } else if double {
                self.dragged_border = None;
                self.zoomed = !self.zoomed;
            } else if self.dragged_border.is_none() {
                self.move_cursor_to_mouse(at);
                self.begin_zoom_selection(at);
            }
        }
        Vec::new()
    }

    /// The pane under the mouse, when nothing lies over it.
    fn uncovered_pane_at(&self, at: Position) -> Option<(Pane, Rect)> {
        let free = self.overlay.is_none() && self.question.is_none() && self.export_menu.is_none();
        ScreenLayout::of(self).pane_at(at).filter(|_| free)
    }

    /// The area of the loss pane, when it is on the screen and nothing lies over it.
    fn uncovered_loss_area(&self) -> Option<Rect> {
        let free = self.overlay.is_none() && self.question.is_none() && self.export_menu.is_none();
        let panes = ScreenLayout::of(self).panes;
        let found = panes.into_iter().find(|p| p.0 == Pane::Loss);
        found.filter(|_| free).map(|p| p.1)
    }

    /// A press on the loss curves begins to choose a part of them.
    fn begin_zoom_selection(&mut self, at: Position) {
        if let Some(area) = self.uncovered_loss_area().filter(|a| a.contains(at)) {
            self.loss.select_range(area, (at.x, at.y), &self.run_state, true);
        }
    }

    /// The button was let go: what was chosen of the curves is zoomed to.
    fn finish_zoom_selection(&mut self) {
        match self.uncovered_loss_area() {
            Some(area) => self.loss.zoom_to_selection(area, &self.run_state),
            None => self.loss.selection = None,
        }
        self.dirty = true;
    }

    /// Moves what is under the mouse along with it: the loss curves, the part of the surface; a relief is turned.
    fn pan_pane(&mut self, at: Position) {
        let Some((pane, area)) = self.uncovered_pane_at(at) else {
            return;
        };
        let Some(from) = self.last_pan_position.replace(at) else {
            return;
        };
        let columns = i32::from(at.x) - i32::from(from.x);
        let rows = i32::from(at.y) - i32::from(from.y);
        match pane {
            Pane::Loss => self.loss.drag(area, columns, &self.run_state),
            Pane::Surface if self.surface.show_relief => {
                let camera = &mut self.surface.camera;
                camera.rotate(3.0 * f64::from(columns), 3.0 * f64::from(rows));
            }
            Pane::Surface => {
                let (grid, patch) = (self.grid(), self.degrees().patch());
                let cell = |app: &Self, p: Position| {
                    let picture = &app.run_state;
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
    fn handle_drag(&mut self, at: Position) {
        if self.overlay.is_some() || self.question.is_some() || self.export_menu.is_some() {
            return;
        }
        match self.dragged_border {
            Some(border) => {
                self.arrangement.move_border(&border, at.x, at.y);
                self.dirty = true;
            }
            None => {
                let part = self.uncovered_loss_area().filter(|_| self.loss.selection.is_some());
                match part {
                    Some(area) => {
                        self.loss.select_range(area, (at.x, at.y), &self.run_state, false);
                        self.dirty = true;
                    }
                    None => self.move_cursor_to_mouse(at),
                }
            }
        }
    }

    /// Puts the cursor of the pane with the focus where the mouse is.
    fn move_cursor_to_mouse(&mut self, at: Position) {
        let screen = ScreenLayout::of(self);
        let Some((pane, area)) = screen.pane_at(at).filter(|p| p.0 == self.focus) else {
            return;
        };
        match pane {
            Pane::Surface => {
                let cell = self.surface.cell_at(area, at.x, at.y, &self.theme, &self.run_state);
                self.surface.cursor = cell.unwrap_or(self.surface.cursor);
                self.surface.clamp(self.grid(), self.degrees().patch());
            }
            Pane::Points => {
                let row = self.points.point_at(area, at.x, at.y, &self.run_state);
                self.points.cursor = row.unwrap_or(self.points.cursor);
                let pair = self.points.pair_at(area, at.x, at.y, &self.run_state);
                self.points.pair = pair.unwrap_or(self.points.pair);
            }
            Pane::Loss => {
                let cursor = self.loss.position_at(area, at.x, at.y, &self.run_state);
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
            Some(Overlay::Palette { input, selected }) => views::palette::row_at(self, inner, input, *selected, at),
            Some(Overlay::Runs { selected }) => views::runs::row_at(self, inner, *selected, at),
            Some(Overlay::Models { .. }) => views::models::row_at(self, inner, at),
            Some(Overlay::Themes { choices, selected }) => views::themes::row_at(inner, choices.len(), *selected, at),
            _ => None,
        };
        let Some(row) = row else { return Vec::new() };
        let enters = match &mut self.overlay {
            Some(Overlay::Palette { selected, .. }) => {
                *selected = row;
                true
            }
            // The first click chooses, the second goes there.
            Some(Overlay::Runs { selected } | Overlay::Models { selected } | Overlay::Themes { selected, .. }) => {
                std::mem::replace(selected, row) == row
            }
            _ => false,
        };
        self.clamp_overlay();
        if enters { self.confirm_overlay() } else { Vec::new() }
    }

    fn handle_wheel(&mut self, by: i64, at: Position) -> Vec<Effect> {
        if self.question.is_some() {
            return Vec::new();
        }
        if let Some(take) = &mut self.export_menu {
            take.move_by(by as isize);
            self.dirty = true;
            return Vec::new();
        }
        if self.overlay.is_some() {
            self.scroll_overlay(3 * by);
            return Vec::new();
        }
        // Over the curves and the surface the wheel zooms, over the points it moves the cursor.
        let Some((pane, area)) = ScreenLayout::of(self).pane_at(at) else {
            return Vec::new();
        };
        let factor = if by < 0 { 0.8 } else { 1.25 };
        self.dirty = true;
        match pane {
            Pane::Loss => self.loss.zoom_at(area, (at.x, at.y), &self.run_state, factor),
            Pane::Surface => {
                let (theme, picture) = (&self.theme, &self.run_state);
                let cell = self.surface.cell_at(area, at.x, at.y, theme, picture);
                if let Some(cell) = cell {
                    self.zoom_surface(factor, Some(cell));
                }
            }
            Pane::Points => {
                let focus = std::mem::replace(&mut self.focus, pane);
                let effects = self.perform_action(if by < 0 { action!("up") } else { action!("down") });
                self.focus = focus;
                return effects;
            }
        }
        Vec::new()
    }
}

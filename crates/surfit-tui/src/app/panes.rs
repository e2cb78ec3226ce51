//! What the panes show, which of them has the focus, and how they share the screen.

use super::message::MessageKind;
use super::{App, Effect, EngineLink, Pane};
use crate::layout::{Border, Preset, ScreenLayout};
use crate::views::surface::Camera;
use ratatui::layout::Rect;
use surfit_core::protocol::EngineCommand;

impl App {
    pub(crate) fn focus_pane(&mut self, pane: Pane) {
        self.focus = pane;
        self.dirty = true;
    }

    /// One step back: the pane that has the whole screen, then what the pane shows, then the loss cursor.
    pub(crate) fn step_back(&mut self) {
        if self.zoomed {
            self.zoomed = false;
            return;
        }
        let mut done = false;
        self.edit_focused_view(|view, app| done = view.step_back(app));
        if !done {
            self.loss.cursor = None;
        }
    }

    pub(crate) fn move_cursor_by(&mut self, columns: i32, rows: i32) {
        self.edit_focused_view(|view, app| view.move_by(app, columns, rows));
    }

    pub(crate) fn move_cursor_to_end(&mut self, sign: i32) {
        self.edit_focused_view(|view, app| view.move_to_end(app, sign));
    }

    /// The pane has the focus, and no overlay covers it.
    pub(crate) fn is_focused(&self, pane: Pane) -> bool {
        pane == self.focus && self.layers.is_empty()
    }

    /// Makes the pane with the focus wider by columns or taller by rows.
    pub(crate) fn resize_pane(&mut self, columns: i32, rows: i32) {
        let screen = ScreenLayout::of(self);
        let Some((_, area)) = screen.panes.iter().find(|p| p.0 == self.focus) else {
            return;
        };
        let upright = columns != 0;
        let Some((border, by)) = border_to_move(&screen.borders, *area, upright, columns + rows) else {
            let pane = self.focus.name();
            let what = if upright { "width" } else { "height" };
            let text = format!("{pane} has all of the {what} already");
            return self.show_message(MessageKind::Hint, text);
        };
        let go = |at: u16, by: i32| (i32::from(at) + by).clamp(0, i32::from(u16::MAX)) as u16;
        // The border's position is that of the second of its two cells.
        let (x, y) = (border.area.x + 1, border.area.y + 1);
        let (x, y) = if upright { (go(x, by), y) } else { (x, go(y, by)) };
        self.arrangement.move_border(&border, x, y);
    }

    pub(crate) fn cycle_arrangement(&mut self) {
        let at = self.arrangement.preset as usize + 1;
        self.arrangement.preset = Preset::ALL[at % Preset::ALL.len()];
        let text = format!("panes: {}", self.arrangement.preset.name());
        self.show_message(MessageKind::Info, text);
    }

    /// Shows less of the surface, or more, about a cell or the cursor.
    pub(crate) fn zoom_surface(&mut self, factor: f64, about: Option<(usize, usize)>) {
        let (grid, patch) = (self.grid(), self.degrees().patch());
        self.surface.zoom_by(factor, about, grid, patch);
    }

    /// Turns and tilts the relief; flat, moves the part that is shown.
    pub(crate) fn turn_or_pan(&mut self, across: i64, up: i64) {
        if self.surface.show_relief {
            let (turn, tilt) = (-15.0 * across as f64, 10.0 * up as f64);
            self.surface.camera.rotate(turn, tilt);
        } else {
            let (grid, patch) = (self.grid(), self.degrees().patch());
            self.surface.pan((across, up), grid, patch);
        }
    }

    /// The distances or the points. Those between the corners are known; the others are measured on request.
    pub(crate) fn toggle_distances(&mut self) {
        self.points.show_distances = !self.points.show_distances;
        let possible = action!("measure-distances").availability;
        if self.points.show_distances && self.run_state.distances.is_none() && possible(self).is_ok() {
            let key = self.key_label(action!("measure-distances"));
            let text = format!("{key} measures the distances between all control points");
            self.show_message(MessageKind::Hint, text);
        }
    }

    pub(crate) fn cycle_metric(&mut self) -> Vec<Effect> {
        let metric = self.surface.metric;
        let metric = self.run_state.snapshot.as_ref().map_or(metric, |s| s.heatmap.next_metric(metric));
        (self.surface.metric, self.metric_initialised) = (metric, true);
        // The engine keeps it for whoever opens the run next; what others look at is theirs.
        match self.connection {
            EngineLink::Connected { .. } if !self.readonly => self.send_command(EngineCommand::SetMetric { metric }),
            _ => Vec::new(),
        }
    }

    /// Fixes the range of colours, in the units of the colour bar.
    pub(super) fn fix_color_range(&mut self, lo: f64, hi: f64) {
        if self.surface.fix_range(&self.run_state, lo, hi) {
            self.show_message(MessageKind::Info, "colour range fixed; `range auto` resets it");
        } else {
            self.show_message(MessageKind::Hint, "range: give two values, the lower one first, as on the colour bar");
        }
    }

    pub(crate) fn reset_surface_view(&mut self) {
        self.surface.show_all();
        self.surface.camera = Camera::default();
    }

    pub(crate) fn move_to_next_best(&mut self) {
        if let Some(s) = &self.run_state.snapshot {
            self.surface.move_to_next_best(&s.heatmap);
        }
    }

    /// Puts the cursor on the cell nearest to `(u, v)`.
    pub(crate) fn move_cursor_to(&mut self, u: f64, v: f64) {
        let last = (self.grid() - 1) as f64;
        self.surface.cursor = ((u * last).round() as usize, (v * last).round() as usize);
        self.surface.clamp(self.grid(), self.degrees().patch());
        self.focus_pane(Pane::Surface);
    }
}

/// The border that bounds `pane`, at its far side when there is one, and which way it moves.
fn border_to_move(borders: &[Border], pane: Rect, upright: bool, by: i32) -> Option<(Border, i32)> {
    let of = |far: bool| {
        borders.iter().copied().find(|b| {
            let edge = match (b.vertical, far) {
                (true, true) => b.area.x + 1 == pane.right(),
                (true, false) => b.area.x + 1 == pane.x,
                (false, true) => b.area.y + 1 == pane.bottom(),
                (false, false) => b.area.y + 1 == pane.y,
            };
            b.vertical == upright && edge
        })
    };
    of(true).map(|b| (b, by)).or_else(|| of(false).map(|b| (b, -by)))
}

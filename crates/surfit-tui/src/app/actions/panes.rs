//! The sizes and the order of the panes.

use crate::app::App;
use crate::app::message::MessageKind;
use crate::layout::{Border, Preset, ScreenLayout};
use ratatui::layout::Rect;

impl App {
    /// Makes the pane with the focus wider by columns or taller by rows.
    pub(super) fn resize_pane(&mut self, columns: i32, rows: i32) {
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
        // The border stands where the second of its two cells is.
        let (x, y) = (border.area.x + 1, border.area.y + 1);
        let (x, y) = if upright { (go(x, by), y) } else { (x, go(y, by)) };
        self.arrangement.move_border(&border, x, y);
    }

    /// The next way to arrange the panes.
    pub(super) fn cycle_arrangement(&mut self) {
        let at = self.arrangement.preset as usize + 1;
        self.arrangement.preset = Preset::ALL[at % Preset::ALL.len()];
        let text = format!("panes: {}", self.arrangement.preset.name());
        self.show_message(MessageKind::Info, text);
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

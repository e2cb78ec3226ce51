//! Where everything is on the screen; drawing and mouse go by the same.

use crate::app::{App, Overlay, Pane};
use ratatui::layout::{Constraint, Layout, Position, Rect};

/// Smallest terminal that can be worked in.
pub const SMALLEST: (u16, u16) = (60, 16);

/// The parts of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screen {
    /// All of it.
    pub area: Rect,
    /// State and progress: one row, or two where there is room.
    pub header: Rect,
    /// Names of the panes, when only one of them has room.
    pub tabs: Option<Rect>,
    /// The panes that are shown.
    pub panes: Vec<(Pane, Rect)>,
    /// What just happened.
    pub message: Rect,
    /// Keys.
    pub footer: Rect,
    /// Where overlays lie.
    pub overlay: Rect,
}

impl Screen {
    /// The layout for the terminal's size and what is open; `None`-like empty panes when it is too small.
    pub fn of(app: &App) -> Self {
        let area = Rect::from((Position::ORIGIN, app.size));
        let header_rows = if area.height >= 28 && area.width >= 90 {
            2
        } else {
            1
        };
        // A banner may need a second row: without an engine it is the most important thing there is.
        let banner = app.banner().map_or(0, |b| b.chars().count());
        let message_rows = if banner + 2 > usize::from(area.width) {
            2
        } else {
            1
        };
        let [header, main, message, footer] = Layout::vertical([
            Constraint::Length(header_rows),
            Constraint::Min(0),
            Constraint::Length(message_rows),
            Constraint::Length(1),
        ])
        .areas(area);
        let single = area.width < 80 || main.height < 16;
        let (tabs, panes) = match (app.zoomed, single) {
            (true, _) => (None, vec![(app.focus, main)]),
            (false, true) => {
                let [tabs, rest] =
                    Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(main);
                (Some(tabs), vec![(app.focus, rest)])
            }
            (false, false) => (None, three(main)),
        };
        Self {
            area,
            header,
            tabs,
            panes,
            message,
            footer,
            overlay: overlay(main, app),
        }
    }

    /// True when there is no room to work in.
    pub fn too_small(&self) -> bool {
        self.area.width < SMALLEST.0 || self.area.height < SMALLEST.1
    }

    /// The pane at a place.
    pub fn pane_at(&self, at: Position) -> Option<(Pane, Rect)> {
        self.panes.iter().copied().find(|p| p.1.contains(at))
    }

    /// The pane whose tab is at a place.
    pub fn tab_at(&self, at: Position) -> Option<Pane> {
        let tabs = self.tabs.filter(|t| t.contains(at))?;
        Pane::ALL
            .into_iter()
            .zip(tab_spans(tabs))
            .find(|(_, span)| span.contains(at))
            .map(|p| p.0)
    }
}

/// Where each tab stands.
pub fn tab_spans(tabs: Rect) -> [Rect; 3] {
    let mut x = tabs.x + 1;
    Pane::ALL.map(|pane| {
        let width = pane.name().len() as u16 + 4;
        let span = Rect { x, width, ..tabs }.intersection(tabs);
        x += width + 1;
        span
    })
}

/// The three panes: curves over control points at the left, the surface large at the right.
fn three(main: Rect) -> Vec<(Pane, Rect)> {
    // The surface is square, and a cell of the terminal is about twice as high as it is wide: it takes what it can
    // use of the width, and the curves get the rest.
    let useful = (main.height.saturating_sub(4)).saturating_mul(2) + 34;
    let most = main.width.saturating_mul(62) / 100;
    let least = main.width / 2 + 3;
    let right = useful.clamp(least.min(most), most);
    let [left, surface] =
        Layout::horizontal([Constraint::Min(0), Constraint::Length(right)]).areas(main);
    let [loss, points] =
        Layout::vertical([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(left);
    vec![
        (Pane::Loss, loss),
        (Pane::Surface, surface),
        (Pane::Points, points),
    ]
}

/// Where an overlay lies: texts take what there is, lists what they need.
fn overlay(main: Rect, app: &App) -> Rect {
    let width = main.width.saturating_sub(4).min(104);
    let most = main
        .height
        .saturating_sub(if main.height > 30 { 4 } else { 0 });
    let needed = match &app.overlay {
        Some(Overlay::Models { .. }) => {
            app.picture.exports.len().max(1) + app.picture.corners.len().max(1) + 5
        }
        Some(Overlay::Runs { .. }) => app.runs.len().max(5) + 3,
        _ => usize::MAX,
    };
    let height = most.min(needed.try_into().unwrap_or(u16::MAX));
    Rect {
        x: main.x + (main.width - width) / 2,
        y: main.y + (main.height - height) / 2,
        width,
        height,
    }
}

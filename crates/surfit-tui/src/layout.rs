//! Where everything is on the screen; drawing and mouse go by the same.

mod arrangement;

pub use arrangement::{Arrangement, Border, Preset};

use crate::app::{App, Pane};
use ratatui::layout::{Constraint, Layout, Position, Rect};

pub const MIN_TERMINAL_SIZE: (u16, u16) = (60, 16);

/// Least main area that fits lists beside the panes, and the width they take.
const MIN_SIDEBAR_AREA: (u16, u16) = (190, 40);
const SIDEBAR_WIDTH: u16 = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SidebarList {
    Models,
    Log,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScreenLayout {
    pub area: Rect,
    /// State and progress: one row, or two where they fit.
    pub header: Rect,
    /// Names of the panes, when only one of them fits.
    pub tabs: Option<Rect>,
    pub panes: Vec<(Pane, Rect)>,
    pub borders: Vec<Border>,
    /// Lists beside the panes, where they fit.
    pub sidebar_lists: Vec<(SidebarList, Rect)>,
    pub message: Rect,
    pub footer: Rect,
    /// The area between header and message, where overlays are drawn.
    pub main: Rect,
}

impl ScreenLayout {
    /// The layout for the terminal's size and what is open; `None`-like empty panes when it is too small.
    pub fn of(app: &App) -> Self {
        let area = Rect::from((Position::ORIGIN, app.size));
        let header_rows = if area.height >= 28 && area.width >= 90 { 2 } else { 1 };
        // A banner may need more than a row: without an engine it is the most important thing there is.
        let message_rows = crate::views::message::row_count(app, area.width);
        let [header, main, message, footer] = Layout::vertical([
            Constraint::Length(header_rows),
            Constraint::Min(0),
            Constraint::Length(message_rows),
            Constraint::Length(1),
        ])
        .areas(area);
        let single = area.width < 80 || main.height < 16;
        let mut screen = Self {
            area,
            header,
            tabs: None,
            panes: Vec::new(),
            borders: Vec::new(),
            sidebar_lists: Vec::new(),
            message,
            footer,
            main,
        };
        match (app.zoomed, single) {
            (true, _) => screen.panes = vec![(app.focus, main)],
            (false, true) => {
                let [tabs, rest] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(main);
                screen.tabs = Some(tabs);
                screen.panes = vec![(app.focus, rest)];
            }
            (false, false) => {
                let main = screen.split_off_sidebar(main, app);
                let (panes, borders) = app.arrangement.split_area(main);
                (screen.panes, screen.borders) = (panes.into(), borders.into());
            }
        }
        screen
    }

    /// Gives the right edge of a generous screen to the lists, and what is left to the panes.
    fn split_off_sidebar(&mut self, main: Rect, app: &App) -> Rect {
        if !app.sidebar_shown || main.width < MIN_SIDEBAR_AREA.0 || main.height < MIN_SIDEBAR_AREA.1 {
            return main;
        }
        let [rest, side] = Layout::horizontal([Constraint::Min(0), Constraint::Length(SIDEBAR_WIDTH)]).areas(main);
        let [models, log] = Layout::vertical([Constraint::Percentage(50), Constraint::Min(0)]).areas(side);
        self.sidebar_lists = vec![(SidebarList::Models, models), (SidebarList::Log, log)];
        rest
    }

    pub fn is_too_small(&self) -> bool {
        self.area.width < MIN_TERMINAL_SIZE.0 || self.area.height < MIN_TERMINAL_SIZE.1
    }

    /// Area of a pane; empty when it is not on the screen.
    pub fn pane_area(&self, pane: Pane) -> Rect {
        self.panes.iter().find(|p| p.0 == pane).map_or(Rect::ZERO, |p| p.1)
    }

    /// An overlay in the middle of the main area, of at most `most` columns, up to `rows` rows high within
    /// its frame.
    pub fn centered_overlay(&self, most: u16, rows: usize) -> Rect {
        let main = self.main;
        let width = main.width.saturating_sub(4).min(most);
        let room = main.height.saturating_sub(if main.height > 30 { 4 } else { 0 });
        let height = room.min(rows.saturating_add(2).try_into().unwrap_or(u16::MAX));
        Rect { x: main.x + (main.width - width) / 2, y: main.y + (main.height - height) / 2, width, height }
    }

    /// All but the message and the keys, which stay readable below a question.
    pub fn content_area(&self) -> Rect {
        Rect { height: self.message.y - self.area.y, ..self.area }
    }

    pub fn pane_at(&self, at: Position) -> Option<(Pane, Rect)> {
        self.panes.iter().copied().find(|p| p.1.contains(at))
    }

    /// The border at a place. Where two meet, the vertical one.
    pub fn border_at(&self, at: Position) -> Option<&Border> {
        self.borders.iter().find(|b| b.area.contains(at))
    }

    pub fn sidebar_list_at(&self, at: Position) -> Option<SidebarList> {
        let found = self.sidebar_lists.iter().find(|b| b.1.contains(at));
        found.map(|b| b.0)
    }

    pub fn tab_at(&self, at: Position) -> Option<Pane> {
        let tabs = self.tabs.filter(|t| t.contains(at))?;
        Pane::ALL.into_iter().zip(tab_spans(tabs)).find(|(_, span)| span.contains(at)).map(|p| p.0)
    }
}

pub fn tab_spans(tabs: Rect) -> [Rect; 3] {
    let mut x = tabs.x + 1;
    Pane::ALL.map(|pane| {
        let width = pane.name().len() as u16 + 4;
        let span = Rect { x, width, ..tabs }.intersection(tabs);
        x += width + 1;
        span
    })
}

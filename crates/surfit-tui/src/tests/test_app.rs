//! The real workbench for tests: keys in, screen and effects out, at any size and depth.

use crate::app::{App, AppMessage, Effect};
use crate::color::ColorDepth;
use crate::fixture;
use crate::key::Key;
use crate::keymap::Keymap;
use crate::link::WorkbenchOptions;
use crate::theme::{GlyphSet, Theme};
use crate::views::screen;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Rect, Size};
use surfit_core::protocol::{BridgeMessage, ClientMessage, EngineCommand, ServerMessage};
use surfit_core::run_state::RunState;

pub(crate) struct TestApp {
    pub app: App,
    pub effects: Vec<Effect>,
}

impl TestApp {
    /// A workbench without a run state.
    pub fn new(width: u16, height: u16) -> Self {
        let options = WorkbenchOptions {
            theme: None,
            color: Some(ColorDepth::Truecolor),
            images: None,
            glyphs: None,
            mouse: true,
            run: fixture::RUN_ID.into(),
            grid: 21,
            degrees: fixture::degrees(2, 2),
            host: None,
            readonly: false,
        };
        let theme = Theme::built_in("dark", ColorDepth::Truecolor).unwrap();
        let app = App::new(&options, theme, Keymap::default(), Size::new(width, height));
        Self { app, effects: Vec::new() }
    }

    pub fn with_run_state(width: u16, height: u16, run_state: RunState) -> Self {
        let mut rig = Self::new(width, height);
        let snapshot = run_state.snapshot.clone();
        rig.receive(fixture::welcome(4242));
        rig.receive(BridgeMessage::RunState(Box::new(run_state)));
        if let Some(snapshot) = snapshot {
            rig.receive(ServerMessage::Snapshot(Box::new(snapshot)));
        }
        rig
    }

    pub fn with_theme(mut self, theme: &str, depth: ColorDepth, ascii: bool) -> Self {
        let glyphs = if ascii { GlyphSet::Ascii } else { GlyphSet::Braille };
        self.app.theme = Theme::built_in(theme, depth).unwrap().with_glyphs(glyphs);
        self
    }

    pub fn update(&mut self, message: AppMessage) -> &mut Self {
        let effects = self.app.update(message);
        self.effects.extend(effects);
        self
    }

    pub fn receive(&mut self, message: impl Into<ServerMessage>) -> &mut Self {
        self.update(AppMessage::Server(message.into()))
    }

    /// Presses keys, written as in `keys.toml`, apart by spaces.
    pub fn press(&mut self, keys: &str) -> &mut Self {
        for word in keys.split_whitespace() {
            let event = word.parse::<Key>().unwrap().to_event();
            self.update(AppMessage::Key(event));
        }
        self
    }

    pub fn type_text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.update(AppMessage::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)));
        }
        self
    }

    pub fn mouse(&mut self, kind: MouseEventKind, column: u16, row: u16) -> &mut Self {
        let modifiers = KeyModifiers::NONE;
        self.update(AppMessage::Mouse(MouseEvent { kind, column, row, modifiers }))
    }

    pub fn click(&mut self, column: u16, row: u16) -> &mut Self {
        self.mouse(MouseEventKind::Down(MouseButton::Left), column, row)
    }

    pub fn tick(&mut self, now: f64) -> &mut Self {
        self.update(AppMessage::Tick(now))
    }

    /// Commands sent since the last call, with their ids.
    pub fn take_sent_commands(&mut self) -> Vec<(u64, EngineCommand)> {
        let command = |e| match e {
            Effect::Send(ClientMessage::Command { id, command }) => Some((id, command)),
            _ => None,
        };
        std::mem::take(&mut self.effects).into_iter().filter_map(command).collect()
    }

    pub fn accept_pending_commands(&mut self) -> &mut Self {
        for id in self.app.pending.keys().copied().collect::<Vec<_>>() {
            self.receive(ServerMessage::Reply { id, error: None, events: None });
        }
        self
    }

    pub fn draw(&self) -> Buffer {
        let mut buf = Buffer::empty(Rect::from((ratatui::layout::Position::ORIGIN, self.app.size)));
        screen::render(&self.app, &mut buf);
        buf
    }

    pub fn screen_text(&self) -> String {
        buffer_text(&self.draw())
    }

    /// The first cell of `needle`.
    pub fn cell_of(&self, needle: &str) -> Cell {
        let buf = self.draw();
        let (x, y) = find_text(&buf, needle).unwrap_or_else(|| panic!("no `{needle}` in\n{}", buffer_text(&buf)));
        buf[(x, y)].clone()
    }
}

pub(crate) fn find_text(buf: &Buffer, needle: &str) -> Option<(u16, u16)> {
    for y in 0..buf.area.height {
        for x in 0..buf.area.width {
            let row: String = (x..buf.area.width).map(|x| buf[(x, y)].symbol()).collect();
            if row.starts_with(needle) {
                return Some((x, y));
            }
        }
    }
    None
}

pub(crate) fn buffer_text(buf: &Buffer) -> String {
    let row = |y| (0..buf.area.width).map(|x| buf[(x, y)].symbol()).collect::<String>();
    (0..buf.area.height).map(|y| row(y).trim_end().to_string() + "\n").collect()
}

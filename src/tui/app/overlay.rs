//! What lies over the main area: help, palette, log, models, runs.

use super::message::Kind;
use super::{App, Connection, Effect};
use crate::action::Action;
use crate::key::Key;
use crate::layout::Screen;
use crate::link::Outgoing;
use crate::views;
use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use surfit_core::picture::Picture;
use surfit_core::snapshot::Snapshot;
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

/// See the module.
#[derive(Clone, Debug)]
pub enum Overlay {
    /// Every key.
    Help {
        /// First line shown.
        scroll: usize,
    },
    /// Actions by name.
    Palette {
        /// What was typed.
        input: Input,
        /// Line of the list.
        selected: usize,
    },
    /// What happened.
    Log {
        /// Lines between the end and the last one shown.
        back: usize,
    },
    /// Corners and exported models.
    Models {
        /// Model of the list, latest first.
        selected: usize,
    },
    /// Runs.
    Runs {
        /// Line of the list.
        selected: usize,
    },
}

impl Overlay {
    pub(super) fn help() -> Self {
        Overlay::Help { scroll: 0 }
    }

    pub(super) fn palette() -> Self {
        Overlay::Palette {
            input: Input::default(),
            selected: 0,
        }
    }

    pub(super) fn log() -> Self {
        Overlay::Log { back: 0 }
    }

    pub(super) fn models() -> Self {
        Overlay::Models { selected: 0 }
    }

    pub(super) fn runs() -> Self {
        Overlay::Runs { selected: 0 }
    }

    /// The place in the list or text.
    fn place(&mut self) -> &mut usize {
        match self {
            Overlay::Help { scroll: at }
            | Overlay::Palette { selected: at, .. }
            | Overlay::Log { back: at }
            | Overlay::Models { selected: at }
            | Overlay::Runs { selected: at } => at,
        }
    }
}

impl App {
    /// Opens an overlay, or closes it when it is open.
    pub(super) fn toggle(&mut self, overlay: Overlay) {
        let same = self
            .overlay
            .as_ref()
            .is_some_and(|open| std::mem::discriminant(open) == std::mem::discriminant(&overlay));
        self.overlay = (!same).then_some(overlay);
        self.dirty = true;
    }

    pub(super) fn key_in_overlay(&mut self, event: KeyEvent) -> Vec<Effect> {
        self.dirty = true;
        let page = i64::from(self.size.height / 2);
        match event.code {
            KeyCode::Esc => self.overlay = None,
            KeyCode::Up => self.scroll(-1),
            KeyCode::Down => self.scroll(1),
            KeyCode::PageUp => self.scroll(-page),
            KeyCode::PageDown => self.scroll(page),
            KeyCode::Enter => return self.enter_in_overlay(),
            _ if matches!(self.overlay, Some(Overlay::Palette { .. })) => {
                self.type_in_palette(event)
            }
            KeyCode::Home => self.scroll(i64::MIN / 2),
            KeyCode::End => self.scroll(i64::MAX / 2),
            _ => return self.other_key_in_overlay(event),
        }
        Vec::new()
    }

    fn type_in_palette(&mut self, event: KeyEvent) {
        if let Some(Overlay::Palette { input, selected }) = &mut self.overlay {
            if event.code == KeyCode::Backspace && input.value().is_empty() {
                self.overlay = None;
                return;
            }
            input.handle_event(&TerminalEvent::Key(event));
            *selected = 0;
        }
    }

    fn other_key_in_overlay(&mut self, event: KeyEvent) -> Vec<Effect> {
        match self.keymap.action(Key::from(event)) {
            Some(Action::Quit) => self.overlay = None,
            Some(Action::Up) => self.scroll(-1),
            Some(Action::Down) => self.scroll(1),
            Some(
                action @ (Action::Help
                | Action::Palette
                | Action::Log
                | Action::Models
                | Action::Runs
                | Action::Theme
                | Action::Copy
                | Action::Redraw
                | Action::Detach
                | Action::Resume
                | Action::Suspend),
            ) => return self.act(action),
            _ => {}
        }
        Vec::new()
    }

    /// Moves in the open overlay, down for positive numbers.
    pub(super) fn scroll(&mut self, by: i64) {
        let by = if matches!(self.overlay, Some(Overlay::Log { .. })) {
            -by
        } else {
            by
        };
        if let Some(overlay) = &mut self.overlay {
            let place = overlay.place();
            *place = place.saturating_add_signed(by as isize);
            self.clamp_overlay();
            self.dirty = true;
        }
    }

    /// Keeps the place within what there is to see.
    pub(super) fn clamp_overlay(&mut self) {
        let most = match &self.overlay {
            None => return,
            Some(Overlay::Help { .. }) => {
                let inner = views::popup::inner(Screen::of(self).overlay);
                views::help::length(self, inner.width).saturating_sub(inner.height.into())
            }
            Some(Overlay::Palette { input, .. }) => views::palette::matches(self, input.value())
                .len()
                .saturating_sub(1),
            Some(Overlay::Log { .. }) => {
                let inner = views::popup::inner(Screen::of(self).overlay);
                views::log::length(self, inner.width).saturating_sub(inner.height.into())
            }
            Some(Overlay::Models { .. }) => self.picture.exports.len().saturating_sub(1),
            Some(Overlay::Runs { .. }) => self.runs.len().saturating_sub(1),
        };
        if let Some(overlay) = &mut self.overlay {
            let place = overlay.place();
            *place = (*place).min(most);
        }
    }

    pub(super) fn enter_in_overlay(&mut self) -> Vec<Effect> {
        match self.overlay.take() {
            Some(Overlay::Palette { input, selected }) => {
                if let Some(done) = self.typed(input.value()) {
                    return done;
                }
                match views::palette::matches(self, input.value()).get(selected) {
                    Some(&action) => self.act(action),
                    None => {
                        self.say(
                            Kind::Hint,
                            format!("no action is called `{}`", input.value()),
                        );
                        Vec::new()
                    }
                }
            }
            Some(Overlay::Runs { selected }) => self.open_run(selected),
            _ => Vec::new(),
        }
    }

    fn open_run(&mut self, selected: usize) -> Vec<Effect> {
        let Some(line) = self.runs.get(selected).cloned() else {
            return Vec::new();
        };
        if line.id == self.run && matches!(self.connection, Connection::Connected { .. }) {
            return Vec::new();
        }
        // What was seen of the other run must not be taken for this one.
        let snapshot = Some(Snapshot::empty(self.degrees(), self.grid()));
        self.picture = Picture {
            snapshot,
            ..Picture::default()
        };
        self.forget_pending();
        self.connection = Connection::Connecting;
        self.placed = false;
        self.awaiting_picture = true;
        self.say(Kind::Info, format!("opening {} …", line.id));
        self.run = line.id;
        vec![Effect::Send(Outgoing::OpenRun(line.path))]
    }
}

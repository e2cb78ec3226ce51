//! What lies over the main area: help, palette, log, models, runs, machine, themes.

use super::message::MessageKind;
use super::press::over;
use super::{App, Effect, Pane};
use crate::action::{Action, KeyScope};
use crate::key::Key;
use crate::keymap::KeyLookup;
use crate::layout::ScreenLayout;
use crate::theme::ThemeChoice;
use crate::views;
use crossterm::event::{Event as TerminalEvent, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;

/// See the module.
#[derive(Clone, Debug)]
pub enum Overlay {
    /// Help with every key.
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
    /// Log of the run's events.
    Log {
        /// Lines between the end and the last one shown.
        back: usize,
    },
    /// Corners and exported models.
    Models {
        /// Model of the list, latest first.
        selected: usize,
    },
    /// List of the runs.
    Runs {
        /// Line of the list.
        selected: usize,
    },
    /// The heatmap, its slices or the curves as a picture.
    Picture {
        /// Which of them.
        subject: PictureSubject,
        /// Number of contour lines.
        lines: usize,
    },
    /// Load of the machine and progress of the work.
    Machine {
        /// First line shown.
        scroll: usize,
    },
    /// A text on the whole screen, without a frame, to be selected by hand.
    Text {
        /// Text that is shown.
        text: String,
        /// First line shown.
        scroll: usize,
    },
    /// List of the themes.
    Themes {
        /// What there is to choose from.
        choices: Vec<ThemeChoice>,
        /// Line of the list.
        selected: usize,
    },
}

/// What a picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureSubject {
    /// Heatmap of the surface.
    Map,
    /// Its slices through the cursor.
    Slices,
    /// The loss curves.
    Curves,
}

impl PictureSubject {
    /// The next one, round about.
    pub fn next(self) -> Self {
        match self {
            PictureSubject::Map => PictureSubject::Slices,
            PictureSubject::Slices => PictureSubject::Curves,
            PictureSubject::Curves => PictureSubject::Map,
        }
    }
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

    pub(super) fn machine() -> Self {
        Overlay::Machine { scroll: 0 }
    }

    /// The picture of what a pane shows.
    pub(super) fn picture(pane: Pane) -> Self {
        let subject = match pane {
            Pane::Loss => PictureSubject::Curves,
            _ => PictureSubject::Map,
        };
        Overlay::Picture { subject, lines: 6 }
    }

    /// The place in the list or text.
    fn place(&mut self) -> &mut usize {
        match self {
            Overlay::Help { scroll: at }
            | Overlay::Palette { selected: at, .. }
            | Overlay::Log { back: at }
            | Overlay::Models { selected: at }
            | Overlay::Picture { lines: at, .. }
            | Overlay::Machine { scroll: at }
            | Overlay::Runs { selected: at }
            | Overlay::Text { scroll: at, .. }
            | Overlay::Themes { selected: at, .. } => at,
        }
    }
}

impl App {
    /// Shows the next thing there is a picture of.
    pub(super) fn next_picture(&mut self) {
        if let Some(Overlay::Picture { subject, .. }) = &mut self.overlay {
            *subject = subject.next();
        }
    }

    /// The scope of what has the keys, or of the pane whose picture lies over it.
    pub(super) fn looked_at(&self) -> KeyScope {
        match self.overlay {
            Some(Overlay::Picture {
                subject: PictureSubject::Curves,
                ..
            }) => KeyScope::Loss,
            Some(Overlay::Picture {
                subject: PictureSubject::Slices,
                ..
            }) => KeyScope::Surface,
            _ => KeyScope::here(self),
        }
    }

    /// Opens an overlay, or closes it when it is open.
    pub(super) fn toggle(&mut self, overlay: Overlay) {
        let same = self
            .overlay
            .as_ref()
            .is_some_and(|open| std::mem::discriminant(open) == std::mem::discriminant(&overlay));
        self.overlay = (!same).then_some(overlay);
        self.help = Default::default();
        self.log.search.typing = false;
        self.runs_view.search.typing = false;
        self.dirty = true;
    }

    pub(super) fn key_in_overlay(
        &mut self,
        event: KeyEvent,
        begun: Option<Key>,
        meaning: KeyLookup,
    ) -> Vec<Effect> {
        self.dirty = true;
        let key = Key::from(event);
        let Some(overlay) = &self.overlay else {
            return Vec::new();
        };
        let typing = matches!(overlay, Overlay::Palette { .. });
        match meaning {
            // Where text is typed a letter is a letter.
            _ if typing && key.is_letter() => {}
            KeyLookup::Opens => {
                self.begun = self.keymap_opens(key);
                return Vec::new();
            }
            // What the overlay itself says goes before its usual keys below.
            KeyLookup::Does(action) if action.entry().scope == KeyScope::of_overlay(overlay) => {
                return self.act(action);
            }
            KeyLookup::Does(action) if begun.is_some() && over(overlay, action) => {
                return self.act_over(action);
            }
            _ if begun.is_some() => return Vec::new(),
            _ => {}
        }
        let page = i64::from(self.size.height / 2);
        match event.code {
            KeyCode::Esc if self.clear_help() => {}
            KeyCode::Esc => self.overlay = None,
            // Above the list lies what was typed before.
            KeyCode::Up if self.recall() => {}
            KeyCode::Up => self.scroll(-1),
            KeyCode::Down => self.scroll(1),
            KeyCode::PageUp => self.scroll(-page),
            KeyCode::PageDown => self.scroll(page),
            KeyCode::Enter => return self.enter_in_overlay(),
            _ if typing => match meaning {
                KeyLookup::Does(
                    action @ (Action::Palette | Action::Help | Action::Redraw | Action::Suspend),
                ) if !key.is_letter() => return self.act(action),
                _ => self.type_in_palette(event),
            },
            KeyCode::Home => self.scroll(i64::MIN / 2),
            KeyCode::End => self.scroll(i64::MAX / 2),
            _ => {
                if let (KeyLookup::Does(action), Some(overlay)) = (meaning, &self.overlay)
                    && over(overlay, action)
                {
                    return self.act_over(action);
                }
            }
        }
        Vec::new()
    }

    /// The key, when something that can be done over the overlay follows it.
    fn keymap_opens(&self, key: Key) -> Option<Key> {
        let overlay = self.overlay.as_ref()?;
        let follow = self.keymap.continuations(KeyScope::here(self), key);
        follow.iter().any(|(_, a)| over(overlay, *a)).then_some(key)
    }

    /// Does what an action means while something lies over the panes.
    fn act_over(&mut self, action: Action) -> Vec<Effect> {
        match action {
            // In the list of themes the next one is the line below.
            Action::Theme if matches!(self.overlay, Some(Overlay::Themes { .. })) => self.scroll(1),
            Action::Quit => self.overlay = None,
            Action::Up => self.scroll(-1),
            Action::Down => self.scroll(1),
            Action::First => self.scroll(i64::MIN / 2),
            Action::Last => self.scroll(i64::MAX / 2),
            _ => return self.act(action),
        }
        Vec::new()
    }

    /// Keeps a typed command for the next time, once and as the latest.
    fn remember_typed(&mut self, text: &str) {
        let text = text.trim().to_string();
        self.history.retain(|t| *t != text);
        self.history.push(text);
        let excess = self.history.len().saturating_sub(crate::remember::HISTORY);
        self.history.drain(..excess);
    }

    /// At the top of the palette's list: the command that was typed before the one in the line. False elsewhere.
    fn recall(&mut self) -> bool {
        let Some(Overlay::Palette { input, selected: 0 }) = &mut self.overlay else {
            return false;
        };
        let now = self.history.iter().position(|t| t == input.value());
        let before = match now {
            Some(n) => n.checked_sub(1),
            None if input.value().is_empty() => self.history.len().checked_sub(1),
            None => None,
        };
        if let Some(text) = before.and_then(|n| self.history.get(n)) {
            *input = Input::new(text.clone());
        }
        before.is_some()
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

    /// Moves in the open overlay, down for positive numbers.
    pub(super) fn scroll(&mut self, by: i64) {
        match self.overlay {
            Some(Overlay::Picture {
                subject: PictureSubject::Curves,
                ..
            }) => {
                self.dirty = true;
                return self.loss.smooth_by(-by.signum() as i32);
            }
            // Slices have nothing to choose.
            Some(Overlay::Picture {
                subject: PictureSubject::Slices,
                ..
            }) => return,
            _ => {}
        }
        let by = if matches!(
            self.overlay,
            Some(Overlay::Log { .. } | Overlay::Picture { .. })
        ) {
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
                let inner = views::popup::inner(ScreenLayout::of(self).overlay);
                let body = views::help::body(self, inner);
                views::help::length(self, inner.width).saturating_sub(body.height.into())
            }
            Some(Overlay::Palette { input, .. }) => views::palette::matches(self, input.value())
                .len()
                .saturating_sub(1),
            Some(Overlay::Log { .. }) => {
                let inner = views::popup::inner(ScreenLayout::of(self).overlay);
                views::log::most_back(self, inner)
            }
            Some(Overlay::Picture { .. }) => views::image::LINES,
            Some(Overlay::Machine { .. }) => {
                let inner = views::popup::inner(ScreenLayout::of(self).overlay);
                views::machine::length(self, inner).saturating_sub(inner.height.into())
            }
            Some(Overlay::Text { text, .. }) => {
                let room = usize::from(self.size.height.saturating_sub(1));
                views::plain_text::rows(text, self.size.width)
                    .len()
                    .saturating_sub(room)
            }
            Some(Overlay::Models { .. }) => views::models::items(self).len().saturating_sub(1),
            Some(Overlay::Runs { .. }) => views::runs::shown(self).len().saturating_sub(1),
            Some(Overlay::Themes { choices, .. }) => choices.len().saturating_sub(1),
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
                    self.remember_typed(input.value());
                    return done;
                }
                match views::palette::matches(self, input.value()).get(selected) {
                    Some(&action) => self.act(action),
                    None => {
                        self.say(
                            MessageKind::Hint,
                            format!("no action is called `{}`", input.value()),
                        );
                        Vec::new()
                    }
                }
            }
            Some(Overlay::Runs { selected }) => {
                let line = views::runs::shown(self).get(selected).copied().cloned();
                line.map_or(Vec::new(), |line| self.open_run(line))
            }
            Some(Overlay::Models { selected }) => self.go_to_model(selected),
            Some(Overlay::Themes { choices, selected }) => {
                if let Some(choice) = choices.get(selected) {
                    self.keep_theme(&choice.name);
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Puts the cursor where a model, a point or a corner of the list lies.
    fn go_to_model(&mut self, selected: usize) -> Vec<Effect> {
        let Some(&item) = views::models::items(self).get(selected) else {
            self.say(MessageKind::Hint, "go there: nothing is listed yet");
            return Vec::new();
        };
        match views::models::place_of(self, item) {
            Some((u, v)) => self.go_to(u, v),
            None => self.say(
                MessageKind::Hint,
                "the mean of the surface is no point of the surface",
            ),
        }
        Vec::new()
    }
}

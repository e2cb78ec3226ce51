//! What lies over the main area: help, palette, log, models, runs, machine, themes.

use super::key_input::allowed_in_overlay;
use super::message::MessageKind;
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
        lines_from_end: usize,
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
    Image {
        /// Which of them.
        subject: PictureSubject,
        /// Number of contour lines.
        contour_lines: usize,
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
    Heatmap,
    /// Its slices through the cursor.
    Slices,
    /// The loss curves.
    Curves,
}

impl PictureSubject {
    /// The next one, round about.
    pub fn next(self) -> Self {
        match self {
            PictureSubject::Heatmap => PictureSubject::Slices,
            PictureSubject::Slices => PictureSubject::Curves,
            PictureSubject::Curves => PictureSubject::Heatmap,
        }
    }
}

impl Overlay {
    pub(crate) fn help() -> Self {
        Overlay::Help { scroll: 0 }
    }

    pub(crate) fn palette() -> Self {
        Overlay::Palette { input: Input::default(), selected: 0 }
    }

    pub(crate) fn log() -> Self {
        Overlay::Log { lines_from_end: 0 }
    }

    pub(crate) fn models() -> Self {
        Overlay::Models { selected: 0 }
    }

    pub(super) fn runs() -> Self {
        Overlay::Runs { selected: 0 }
    }

    pub(crate) fn machine() -> Self {
        Overlay::Machine { scroll: 0 }
    }

    /// The picture of what a pane shows.
    pub(crate) fn image(pane: Pane) -> Self {
        let subject = match pane {
            Pane::Loss => PictureSubject::Curves,
            _ => PictureSubject::Heatmap,
        };
        Overlay::Image { subject, contour_lines: 6 }
    }

    /// The place in the list or text.
    fn position_mut(&mut self) -> &mut usize {
        match self {
            Overlay::Help { scroll: at }
            | Overlay::Palette { selected: at, .. }
            | Overlay::Log { lines_from_end: at }
            | Overlay::Models { selected: at }
            | Overlay::Image { contour_lines: at, .. }
            | Overlay::Machine { scroll: at }
            | Overlay::Runs { selected: at }
            | Overlay::Text { scroll: at, .. }
            | Overlay::Themes { selected: at, .. } => at,
        }
    }
}

impl App {
    /// Shows the next thing there is a picture of.
    pub(crate) fn next_image(&mut self) {
        if let Some(Overlay::Image { subject, .. }) = &mut self.overlay {
            *subject = subject.next();
        }
    }

    /// The scope of what has the keys, or of the pane whose picture lies over it.
    pub(super) fn content_scope(&self) -> KeyScope {
        match self.overlay {
            Some(Overlay::Image { subject: PictureSubject::Curves, .. }) => KeyScope::Loss,
            Some(Overlay::Image { subject: PictureSubject::Slices, .. }) => KeyScope::Surface,
            _ => KeyScope::of_focus(self),
        }
    }

    /// Opens an overlay, or closes it when it is open.
    pub(crate) fn toggle_overlay(&mut self, overlay: Overlay) {
        let same =
            self.overlay.as_ref().is_some_and(|open| std::mem::discriminant(open) == std::mem::discriminant(&overlay));
        self.overlay = (!same).then_some(overlay);
        self.help = Default::default();
        self.log.search.typing = false;
        self.runs_view.search.typing = false;
        self.dirty = true;
    }

    pub(super) fn handle_overlay_key(
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
            KeyLookup::Prefix => {
                self.pending_prefix = self.overlay_prefix(key);
                return Vec::new();
            }
            // What the overlay itself says goes before its usual keys below.
            KeyLookup::Action(action) if action.scope == KeyScope::of_overlay(overlay) => {
                return self.perform_action(action);
            }
            KeyLookup::Action(action) if begun.is_some() && allowed_in_overlay(overlay, action) => {
                return self.perform_overlay_action(action);
            }
            _ if begun.is_some() => return Vec::new(),
            _ => {}
        }
        let page = i64::from(self.size.height / 2);
        match event.code {
            KeyCode::Esc if self.clear_help_search() => {}
            KeyCode::Esc => self.overlay = None,
            // Above the list lies what was typed before.
            KeyCode::Up if self.recall_previous_command() => {}
            KeyCode::Up => self.scroll_overlay(-1),
            KeyCode::Down => self.scroll_overlay(1),
            KeyCode::PageUp => self.scroll_overlay(-page),
            KeyCode::PageDown => self.scroll_overlay(page),
            KeyCode::Enter => return self.confirm_overlay(),
            _ if typing => match meaning {
                KeyLookup::Action(action)
                    if !key.is_letter()
                        && [action!("palette"), action!("help"), action!("redraw"), action!("suspend")]
                            .contains(&action) =>
                {
                    return self.perform_action(action);
                }
                _ => self.type_in_palette(event),
            },
            KeyCode::Home => self.scroll_overlay(i64::MIN / 2),
            KeyCode::End => self.scroll_overlay(i64::MAX / 2),
            _ => {
                if let (KeyLookup::Action(action), Some(overlay)) = (meaning, &self.overlay)
                    && allowed_in_overlay(overlay, action)
                {
                    return self.perform_overlay_action(action);
                }
            }
        }
        Vec::new()
    }

    /// The key, when something that can be done over the overlay follows it.
    fn overlay_prefix(&self, key: Key) -> Option<Key> {
        let overlay = self.overlay.as_ref()?;
        let follow = self.keymap.continuations(KeyScope::of_focus(self), key);
        follow.iter().any(|(_, a)| allowed_in_overlay(overlay, a)).then_some(key)
    }

    /// Does what an action means while something lies over the panes.
    fn perform_overlay_action(&mut self, action: &Action) -> Vec<Effect> {
        // In the list of themes the next one is the line below.
        let themes = matches!(self.overlay, Some(Overlay::Themes { .. }));
        match action {
            a if a == action!("theme") && themes => self.scroll_overlay(1),
            a if a == action!("quit") => self.overlay = None,
            a if a == action!("up") => self.scroll_overlay(-1),
            a if a == action!("down") => self.scroll_overlay(1),
            a if a == action!("first") => self.scroll_overlay(i64::MIN / 2),
            a if a == action!("last") => self.scroll_overlay(i64::MAX / 2),
            _ => return self.perform_action(action),
        }
        Vec::new()
    }

    /// Keeps a typed command for the next time, once and as the latest.
    fn push_command_history(&mut self, text: &str) {
        let text = text.trim().to_string();
        self.command_history.retain(|t| *t != text);
        self.command_history.push(text);
        let excess = self.command_history.len().saturating_sub(crate::remembered_choices::MAX_HISTORY);
        self.command_history.drain(..excess);
    }

    /// At the top of the palette's list: the command that was typed before the one in the line. False elsewhere.
    fn recall_previous_command(&mut self) -> bool {
        let Some(Overlay::Palette { input, selected: 0 }) = &mut self.overlay else {
            return false;
        };
        let now = self.command_history.iter().position(|t| t == input.value());
        let before = match now {
            Some(n) => n.checked_sub(1),
            None if input.value().is_empty() => self.command_history.len().checked_sub(1),
            None => None,
        };
        if let Some(text) = before.and_then(|n| self.command_history.get(n)) {
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
    pub(super) fn scroll_overlay(&mut self, by: i64) {
        match self.overlay {
            Some(Overlay::Image { subject: PictureSubject::Curves, .. }) => {
                self.dirty = true;
                return self.loss.adjust_smoothing(-by.signum() as i32);
            }
            // Slices have nothing to choose.
            Some(Overlay::Image { subject: PictureSubject::Slices, .. }) => return,
            _ => {}
        }
        let by = if matches!(self.overlay, Some(Overlay::Log { .. } | Overlay::Image { .. })) { -by } else { by };
        if let Some(overlay) = &mut self.overlay {
            let place = overlay.position_mut();
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
                views::help::line_count(self, inner.width).saturating_sub(body.height.into())
            }
            Some(Overlay::Palette { input, .. }) => {
                views::palette::matching_actions(self, input.value()).len().saturating_sub(1)
            }
            Some(Overlay::Log { .. }) => {
                let inner = views::popup::inner(ScreenLayout::of(self).overlay);
                views::log::max_scroll(self, inner)
            }
            Some(Overlay::Image { .. }) => views::image::MAX_CONTOUR_LINES,
            Some(Overlay::Machine { .. }) => {
                let inner = views::popup::inner(ScreenLayout::of(self).overlay);
                views::machine::line_count(self, inner).saturating_sub(inner.height.into())
            }
            Some(Overlay::Text { text, .. }) => {
                let room = usize::from(self.size.height.saturating_sub(1));
                views::plain_text::wrap_lines(text, self.size.width).len().saturating_sub(room)
            }
            Some(Overlay::Models { .. }) => views::models::items(self).len().saturating_sub(1),
            Some(Overlay::Runs { .. }) => views::runs::visible_runs(self).len().saturating_sub(1),
            Some(Overlay::Themes { choices, .. }) => choices.len().saturating_sub(1),
        };
        if let Some(overlay) = &mut self.overlay {
            let place = overlay.position_mut();
            *place = (*place).min(most);
        }
    }

    pub(super) fn confirm_overlay(&mut self) -> Vec<Effect> {
        match self.overlay.take() {
            Some(Overlay::Palette { input, selected }) => {
                if let Some(done) = self.perform_typed_command(input.value()) {
                    self.push_command_history(input.value());
                    return done;
                }
                match views::palette::matching_actions(self, input.value()).get(selected) {
                    Some(action) => self.perform_action(action),
                    None => {
                        self.show_message(MessageKind::Hint, format!("no action is called `{}`", input.value()));
                        Vec::new()
                    }
                }
            }
            Some(Overlay::Runs { selected }) => {
                let line = views::runs::visible_runs(self).get(selected).copied().cloned();
                line.map_or(Vec::new(), |line| self.open_run(line))
            }
            Some(Overlay::Models { selected }) => self.move_cursor_to_model(selected),
            Some(Overlay::Themes { choices, selected }) => {
                if let Some(choice) = choices.get(selected) {
                    self.confirm_theme(&choice.name);
                }
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Puts the cursor where a model, a point or a corner of the list lies.
    fn move_cursor_to_model(&mut self, selected: usize) -> Vec<Effect> {
        let Some(&item) = views::models::items(self).get(selected) else {
            self.show_message(MessageKind::Hint, "go there: nothing is listed yet");
            return Vec::new();
        };
        match views::models::item_parameters(self, item) {
            Some((u, v)) => self.move_cursor_to(u, v),
            None => self.show_message(MessageKind::Hint, "the mean of the surface is no point of the surface"),
        }
        Vec::new()
    }
}

//! Choosing a theme: the screen takes each on as the cursor comes to it, enter keeps it, everything else takes it back.

use super::message::MessageKind;
use super::{App, Overlay};
use crate::theme::{Theme, list_themes};

impl App {
    /// Opens the list of themes at the present one, or closes it.
    pub(crate) fn toggle_themes(&mut self) {
        if matches!(self.overlay, Some(Overlay::Themes { .. })) {
            self.overlay = None;
            return;
        }
        let choices = list_themes(self.theme.depth());
        let selected = choices.iter().position(|c| c.name == self.theme.name()).unwrap_or(0);
        self.toggle_overlay(Overlay::Themes { choices, selected });
        self.theme_before_preview = Some(self.theme.clone());
    }

    /// The screen takes on the theme that is chosen in the list, and is as it was when none is open. A file that cannot
    /// be read changes nothing.
    pub(super) fn preview_theme(&mut self) {
        let Some(Overlay::Themes { choices, selected }) = &self.overlay else {
            if let Some(before) = self.theme_before_preview.take() {
                self.theme = before;
            }
            return;
        };
        if let Some(Ok(theme)) = choices.get(*selected).map(|c| &c.theme)
            && theme.name() != self.theme.name()
        {
            self.theme = theme.clone().with_terminal_of(&self.theme);
        }
    }

    /// Keeps the theme that is chosen in the list.
    pub(super) fn confirm_theme(&mut self, name: &str) {
        self.theme_before_preview = None;
        self.use_theme(name);
    }

    /// The theme that stays when the list of themes is left without a choice.
    pub fn confirmed_theme(&self) -> &Theme {
        self.theme_before_preview.as_ref().unwrap_or(&self.theme)
    }

    pub(crate) fn cycle_theme(&mut self) {
        // A file that cannot be read is passed over: the list of themes says what is wrong with it.
        let usable: Vec<String> =
            list_themes(self.theme.depth()).into_iter().filter(|c| c.theme.is_ok()).map(|c| c.name).collect();
        let next = usable.iter().position(|n| n == self.theme.name()).map_or(0, |i| i + 1);
        if let Some(name) = usable.get(next % usable.len().max(1)) {
            self.use_theme(name);
        }
    }

    /// Takes the usual theme for the terminal's background, which was told late, unless one was chosen meanwhile.
    pub(super) fn apply_background_theme(&mut self, name: &str) {
        if !self.theme_chosen
            && self.theme_before_preview.is_none()
            && let Some(theme) = Theme::built_in(name, self.theme.depth())
        {
            self.theme = theme.with_terminal_of(&self.theme);
            self.dirty = true;
        }
    }

    pub(super) fn use_theme(&mut self, name: &str) {
        match Theme::load(name, self.theme.depth()) {
            Ok(theme) => {
                self.show_message(MessageKind::Info, format!("theme {name}: {}", theme.description()));
                self.theme_chosen = true;
                self.theme = theme.with_glyphs(self.theme.glyphs());
            }
            Err(why) => self.show_message(MessageKind::Error, why.to_string()),
        }
    }
}

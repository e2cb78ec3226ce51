//! Searching in what lies over the main area.

use super::message::MessageKind;
use super::{App, Overlay};
use crate::layout::ScreenLayout;
use crate::views::search::SearchField;
use crate::views::{help, log, popup};
use crossterm::event::KeyEvent;

impl App {
    /// The search line of what is open, if it has one.
    pub(super) fn search(&mut self) -> Option<&mut SearchField> {
        match self.overlay {
            Some(Overlay::Help { .. }) => Some(&mut self.help.search),
            Some(Overlay::Log { .. }) => Some(&mut self.log.search),
            Some(Overlay::Runs { .. }) => Some(&mut self.runs_view.search),
            _ => None,
        }
    }

    /// True while keys go into a search line.
    pub fn types_search(&self) -> bool {
        match self.overlay {
            Some(Overlay::Help { .. }) => self.help.search.typing,
            Some(Overlay::Log { .. }) => self.log.search.typing,
            Some(Overlay::Runs { .. }) => self.runs_view.search.typing,
            _ => false,
        }
    }

    /// Opens the search line.
    pub(super) fn begin_search(&mut self) {
        if let Some(search) = self.search() {
            *search = SearchField::open();
        }
    }

    /// A key for the search line. What is found is shown while it is typed.
    pub(super) fn key_in_search(&mut self, event: KeyEvent) {
        if let Some(search) = self.search() {
            search.key(event);
        }
        self.show_found();
    }

    /// Shows what the text of the search line finds, after a change of it.
    pub(super) fn show_found(&mut self) {
        self.log.hit = None;
        if let Some(Overlay::Help { scroll }) = &mut self.overlay {
            (*scroll, self.help.hit) = (0, 0);
        }
        if matches!(self.overlay, Some(Overlay::Log { .. })) && !self.log.search.is_empty() {
            self.find_in_log(false);
        }
        self.clamp_overlay();
    }

    /// Goes to the next line of the log that was found, or to the one before.
    pub(super) fn find_next(&mut self, forward: bool) {
        if self.log.search.is_empty() {
            self.say(MessageKind::Hint, "nothing is searched for yet");
        } else if !self.find_in_log(forward) {
            let text = format!("`{}` is not in the log", self.log.search.text());
            self.say(MessageKind::Hint, text);
        }
    }

    /// Goes to the next key that was found in the help, or to the one before, round.
    pub(super) fn next_help(&mut self, forward: bool) {
        let inner = popup::inner(ScreenLayout::of(self).overlay);
        let found = help::found(self, inner.width);
        match found.len() {
            0 if self.help.search.is_empty() => {
                self.say(MessageKind::Hint, "nothing is searched for yet");
            }
            0 => {
                let text = format!("no key is about `{}`", self.help.search.text());
                self.say(MessageKind::Hint, text);
            }
            n => {
                let by = if forward { 1 } else { n - 1 };
                self.help.hit = (self.help.hit.min(n - 1) + by) % n;
                let row = found[self.help.hit];
                let middle = usize::from(help::body(self, inner).height) / 2;
                if let Some(Overlay::Help { scroll }) = &mut self.overlay {
                    *scroll = row.saturating_sub(middle);
                }
                self.clamp_overlay();
            }
        }
    }

    /// Esc in the help takes back a search first; false when there is none.
    pub(super) fn clear_help(&mut self) -> bool {
        let searched =
            matches!(self.overlay, Some(Overlay::Help { .. })) && !self.help.search.is_empty();
        if searched {
            self.help = Default::default();
            self.clamp_overlay();
        }
        searched
    }

    fn find_in_log(&mut self, forward: bool) -> bool {
        let inner = popup::inner(ScreenLayout::of(self).overlay);
        let found = log::next_hit(self, inner, forward);
        if let (Some((hit, at)), Some(Overlay::Log { back })) = (found, &mut self.overlay) {
            self.log.hit = Some(hit);
            *back = at;
        }
        found.is_some()
    }

    /// Rows that the latest line of the log pushes up what is looked at, when that is not the end.
    pub(super) fn log_grew(&mut self) {
        let width = popup::inner(ScreenLayout::of(self).overlay).width;
        let rows = log::rows_of_last(self, width);
        if let Some(Overlay::Log { back }) = &mut self.overlay
            && *back > 0
        {
            *back += rows;
        }
    }
}

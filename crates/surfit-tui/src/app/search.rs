//! Searching in what lies over the main area.

use super::message::MessageKind;
use super::{App, Overlay};
use crate::layout::ScreenLayout;
use crate::views::search::SearchField;
use crate::views::{help, log, popup};
use crossterm::event::KeyEvent;

impl App {
    /// The search line of what is open, if it has one.
    pub(super) fn active_search(&mut self) -> Option<&mut SearchField> {
        match self.overlay {
            Some(Overlay::Help { .. }) => Some(&mut self.help.search),
            Some(Overlay::Log { .. }) => Some(&mut self.log.search),
            Some(Overlay::Runs { .. }) => Some(&mut self.runs_view.search),
            _ => None,
        }
    }

    /// True while keys go into a search line.
    pub fn is_typing_search(&self) -> bool {
        match self.overlay {
            Some(Overlay::Help { .. }) => self.help.search.typing,
            Some(Overlay::Log { .. }) => self.log.search.typing,
            Some(Overlay::Runs { .. }) => self.runs_view.search.typing,
            _ => false,
        }
    }

    /// Opens the search line.
    pub(crate) fn open_search(&mut self) {
        if let Some(search) = self.active_search() {
            *search = SearchField::open();
        }
    }

    /// A key for the search line. What is found is shown while it is typed.
    pub(super) fn handle_search_key(&mut self, event: KeyEvent) {
        if let Some(search) = self.active_search() {
            search.handle_key(event);
        }
        self.show_search_results();
    }

    /// Shows what the text of the search line finds, after a change of it.
    pub(super) fn show_search_results(&mut self) {
        self.log.current_match = None;
        if let Some(Overlay::Help { scroll }) = &mut self.overlay {
            (*scroll, self.help.current_match) = (0, 0);
        }
        if matches!(self.overlay, Some(Overlay::Log { .. })) && !self.log.search.is_empty() {
            self.find_in_log(false);
        }
        self.clamp_overlay();
    }

    /// Goes to the next line of the log that was found, or to the one before.
    pub(crate) fn find_next_log_line(&mut self, forward: bool) {
        if self.log.search.is_empty() {
            self.show_message(MessageKind::Hint, "nothing is searched for yet");
        } else if !self.find_in_log(forward) {
            let text = format!("`{}` is not in the log", self.log.search.text());
            self.show_message(MessageKind::Hint, text);
        }
    }

    /// Goes to the next key that was found in the help, or to the one before, round.
    pub(crate) fn find_next_help_key(&mut self, forward: bool) {
        let inner = popup::inner(ScreenLayout::of(self).overlay);
        let found = help::matching_rows(self, inner.width);
        match found.len() {
            0 if self.help.search.is_empty() => {
                self.show_message(MessageKind::Hint, "nothing is searched for yet");
            }
            0 => {
                let text = format!("no key is about `{}`", self.help.search.text());
                self.show_message(MessageKind::Hint, text);
            }
            n => {
                let by = if forward { 1 } else { n - 1 };
                self.help.current_match = (self.help.current_match.min(n - 1) + by) % n;
                let row = found[self.help.current_match];
                let middle = usize::from(help::body(self, inner).height) / 2;
                if let Some(Overlay::Help { scroll }) = &mut self.overlay {
                    *scroll = row.saturating_sub(middle);
                }
                self.clamp_overlay();
            }
        }
    }

    /// Esc in the help takes back a search first; false when there is none.
    pub(super) fn clear_help_search(&mut self) -> bool {
        let searched = matches!(self.overlay, Some(Overlay::Help { .. })) && !self.help.search.is_empty();
        if searched {
            self.help = Default::default();
            self.clamp_overlay();
        }
        searched
    }

    pub(crate) fn next_log_topic(&mut self) {
        self.log.next_topic();
        self.clamp_overlay();
    }

    fn find_in_log(&mut self, forward: bool) -> bool {
        let inner = popup::inner(ScreenLayout::of(self).overlay);
        let found = log::next_match(self, inner, forward);
        if let (Some((hit, at)), Some(Overlay::Log { lines_from_end: back })) = (found, &mut self.overlay) {
            self.log.current_match = Some(hit);
            *back = at;
        }
        found.is_some()
    }

    /// Rows that the latest line of the log pushes up what is looked at, when that is not the end.
    pub(super) fn keep_log_position(&mut self) {
        let width = popup::inner(ScreenLayout::of(self).overlay).width;
        let rows = log::last_line_rows(self, width);
        if let Some(Overlay::Log { lines_from_end: back }) = &mut self.overlay
            && *back > 0
        {
            *back += rows;
        }
    }
}

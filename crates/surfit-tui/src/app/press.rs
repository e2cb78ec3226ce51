//! Keys: what a key means where it is pressed, and sequences of two.

use super::message::MessageKind;
use super::{AnswerAction, App, Effect, Overlay};
use crate::action::{Action, KeyScope};
use crate::key::Key;
use crate::keymap::KeyLookup;
use crossterm::event::KeyEvent;

impl App {
    pub(super) fn press(&mut self, event: KeyEvent) -> Vec<Effect> {
        let key = Key::from(event);
        let begun = self.begun.take();
        // Whatever is remapped and whatever is open, ctrl-c asks to leave.
        if key == Key::CTRL_C
            && matches!(
                self.keymap.meaning(KeyScope::here(self), begun, key),
                KeyLookup::Nothing | KeyLookup::Does(Action::Quit)
            )
        {
            (self.overlay, self.take) = (None, None);
            // Pressed at the question itself it is meant: leave, and lose nothing.
            if self.question.is_some() {
                return self.answer(AnswerAction::Detach);
            }
            return self.act(Action::Quit);
        }
        if self.question.is_some() {
            return self.key_in_question(event);
        }
        if self.take.is_some() {
            return self.key_in_take(event);
        }
        if self.types_search() {
            self.key_in_search(event);
            return Vec::new();
        }
        // Esc takes back what was begun, and nothing else.
        if begun.is_some() && key == Key::ESC {
            return Vec::new();
        }
        let meaning = self.keymap.meaning(KeyScope::here(self), begun, key);
        if self.overlay.is_some() {
            return self.key_in_overlay(event, begun, meaning);
        }
        if begun.is_none()
            && let Some(answered) = self.key_in_plan(event)
        {
            return answered;
        }
        match meaning {
            KeyLookup::Does(action) => self.act(action),
            KeyLookup::Opens => {
                self.begun = Some(key);
                Vec::new()
            }
            KeyLookup::Nothing => self.no_meaning(begun, key),
        }
    }

    fn no_meaning(&mut self, begun: Option<Key>, key: Key) -> Vec<Effect> {
        let (help, ascii) = (self.key(Action::Help), self.theme.ascii());
        let text = match (begun, self.keymap.elsewhere(KeyScope::here(self), key)) {
            (Some(first), _) => format!(
                "{} {} has no meaning here; {help} shows every key",
                first.show(ascii),
                key.show(ascii)
            ),
            (None, Some(action)) => {
                let entry = action.entry();
                let place = entry.scope.name();
                format!("{} is {} in the {place} pane", key.show(ascii), entry.label)
            }
            (None, None) => format!(
                "{} has no meaning here; {help} shows every key",
                key.show(ascii)
            ),
        };
        self.say(MessageKind::Hint, text);
        Vec::new()
    }

    /// The first key of a sequence that waits for its second.
    pub fn begun(&self) -> Option<Key> {
        self.begun
    }

    /// What the keys after [`App::begun`] do here.
    pub fn continuations(&self) -> Vec<(Key, Action)> {
        let Some(begun) = self.begun else {
            return Vec::new();
        };
        let mut all = self.keymap.continuations(KeyScope::here(self), begun);
        if let Some(overlay) = &self.overlay {
            all.retain(|(_, action)| over(overlay, *action));
        }
        all
    }
}

/// Whether an action makes sense while `overlay` lies over the panes.
pub(super) fn over(overlay: &Overlay, action: Action) -> bool {
    let scope = action.entry().scope;
    let picture = matches!(overlay, Overlay::Picture { .. });
    let curves = matches!(
        action,
        Action::LogAxis | Action::Recent | Action::Smooth | Action::CornerCurves
    );
    picture && curves
        || scope == KeyScope::of_overlay(overlay)
        || scope == KeyScope::Anywhere
            && matches!(
                action,
                Action::Help
                    | Action::Palette
                    | Action::Log
                    | Action::Models
                    | Action::Runs
                    | Action::Machine
                    | Action::Picture
                    | Action::Metric
                    | Action::Theme
                    | Action::Themes
                    | Action::Cancel
                    | Action::Copy
                    | Action::CopyMenu
                    | Action::WriteFile
                    | Action::Redraw
                    | Action::Detach
                    | Action::Resume
                    | Action::Suspend
                    | Action::Quit
                    | Action::Up
                    | Action::Down
                    | Action::First
                    | Action::Last
            )
}

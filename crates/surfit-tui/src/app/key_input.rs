//! Keys: what a key means where it is pressed, and sequences of two.

use super::message::MessageKind;
use super::{AnswerAction, App, Effect, Overlay};
use crate::action::{Action, KeyScope};
use crate::key::Key;
use crate::keymap::KeyLookup;
use crossterm::event::KeyEvent;

impl App {
    pub(super) fn handle_key(&mut self, event: KeyEvent) -> Vec<Effect> {
        let key = Key::from(event);
        let begun = self.pending_prefix.take();
        // Whatever is remapped and whatever is open, ctrl-c asks to leave.
        if key == Key::CTRL_C
            && match self.keymap.lookup(KeyScope::of_focus(self), begun, key) {
                KeyLookup::Unbound => true,
                KeyLookup::Action(action) => action == action!("quit"),
                KeyLookup::Prefix => false,
            }
        {
            (self.overlay, self.export_menu) = (None, None);
            // Pressed at the question itself it is meant: leave, and lose nothing.
            if self.question.is_some() {
                return self.answer_question(AnswerAction::Detach);
            }
            return self.perform_action(action!("quit"));
        }
        if self.question.is_some() {
            return self.handle_question_key(event);
        }
        if self.export_menu.is_some() {
            return self.handle_export_menu_key(event);
        }
        if self.is_typing_search() {
            self.handle_search_key(event);
            return Vec::new();
        }
        // Esc takes back what was begun, and nothing else.
        if begun.is_some() && key == Key::ESC {
            return Vec::new();
        }
        let meaning = self.keymap.lookup(KeyScope::of_focus(self), begun, key);
        if self.overlay.is_some() {
            return self.handle_overlay_key(event, begun, meaning);
        }
        if begun.is_none()
            && let Some(answered) = self.handle_plan_key(event)
        {
            return answered;
        }
        match meaning {
            KeyLookup::Action(action) => self.perform_action(action),
            KeyLookup::Prefix => {
                self.pending_prefix = Some(key);
                Vec::new()
            }
            KeyLookup::Unbound => self.report_unbound_key(begun, key),
        }
    }

    fn report_unbound_key(&mut self, begun: Option<Key>, key: Key) -> Vec<Effect> {
        let (help, ascii) = (self.key_label(action!("help")), self.theme.is_ascii());
        let text = match (begun, self.keymap.find_in_other_scope(KeyScope::of_focus(self), key)) {
            (Some(first), _) => format!(
                "{} {} has no meaning here; {help} shows every key",
                first.display_label(ascii),
                key.display_label(ascii)
            ),
            (None, Some(action)) => {
                format!("{} is {} in the {} pane", key.display_label(ascii), action.label, action.scope.name())
            }
            (None, None) => format!("{} has no meaning here; {help} shows every key", key.display_label(ascii)),
        };
        self.show_message(MessageKind::Hint, text);
        Vec::new()
    }

    /// The first key of a sequence that waits for its second.
    pub fn pending_prefix(&self) -> Option<Key> {
        self.pending_prefix
    }

    /// What the keys after [`App::pending_prefix`] do here.
    pub fn continuations(&self) -> Vec<(Key, &'static Action)> {
        let Some(begun) = self.pending_prefix else {
            return Vec::new();
        };
        let mut all = self.keymap.continuations(KeyScope::of_focus(self), begun);
        if let Some(overlay) = &self.overlay {
            all.retain(|(_, action)| allowed_in_overlay(overlay, action));
        }
        all
    }
}

/// Whether an action makes sense while `overlay` lies over the panes.
pub(super) fn allowed_in_overlay(overlay: &Overlay, action: &Action) -> bool {
    let curve_actions = [action!("log-axis"), action!("recent"), action!("smooth"), action!("corner-curves")];
    action.in_overlays
        || action.scope == KeyScope::of_overlay(overlay)
        || matches!(overlay, Overlay::Image { .. }) && curve_actions.contains(&action)
}

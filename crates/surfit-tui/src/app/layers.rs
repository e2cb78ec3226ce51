//! The stack of views: overlays and dialogs over the panes. Keys, the mouse and pasted text go through it from the top down, and
//! the first view that takes them ends it.

use super::{App, Effect, Pane, Question};
use crate::action::KeyScope;
use crate::key::Key;
use crate::keymap::KeyLookup;
use crate::layout::{ScreenLayout, SidebarList};
use crate::link::LeaveReason;
use crate::views;
use crate::views::footer::FooterHit;
use crate::views::search::SearchField;
use crate::views::view::{BusyView, InputOutcome, KeyPress, MouseInput, View};
use crossterm::event::{KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};
use std::any::Any;
use tui_input::{Input, InputRequest};

/// Two clicks within this many seconds at one place are a double click.
const DOUBLE_CLICK_TIMEOUT_SECS: f64 = 0.4;
/// Most characters that a text field holds after a paste.
const MAX_FIELD_CHARS: usize = 4096;

fn as_view<V: View>(view: &dyn View) -> Option<&V> {
    (view as &dyn Any).downcast_ref()
}

impl App {
    pub(crate) fn overlay(&self) -> Option<&dyn View> {
        self.layers.iter().rev().find(|v| !v.is_modal()).map(|v| &**v)
    }

    /// The view that has the focus, below any dialog: the topmost overlay, else the pane.
    pub(crate) fn focused_view(&self) -> &dyn View {
        self.overlay().unwrap_or_else(|| self.focus.view())
    }

    pub(crate) fn view<V: View>(&self) -> Option<&V> {
        self.layers.iter().find_map(|v| as_view(&**v))
    }

    pub(crate) fn overlay_area(&self) -> Rect {
        let screen = ScreenLayout::of(self);
        self.overlay().map_or(Rect::ZERO, |overlay| overlay.area(&screen, self))
    }

    pub(crate) fn push_dialog(&mut self, dialog: impl View) {
        self.layers.retain(|v| (&**v as &dyn Any).type_id() != dialog.type_id());
        self.layers.push(Box::new(dialog));
        self.dirty = true;
    }

    pub(crate) fn close_view<V: View>(&mut self) -> Option<Box<V>> {
        let place = self.layers.iter().position(|v| as_view::<V>(&**v).is_some())?;
        self.dirty = true;
        (self.layers.remove(place) as Box<dyn Any>).downcast().ok()
    }

    /// Closes the overlays; dialogs stay.
    pub(crate) fn close_overlays(&mut self) {
        self.layers.retain(|v| v.is_modal());
        (self.help_search, self.log.search) = Default::default();
        self.dirty = true;
    }

    pub(crate) fn open_overlay(&mut self, overlay: impl View) {
        self.close_overlays();
        self.runs_view.search.typing = false;
        self.layers.insert(0, Box::new(overlay));
    }

    pub(crate) fn toggle_overlay<V: View>(&mut self, overlay: V) {
        match self.view::<V>().is_some() {
            true => self.close_overlays(),
            false => self.open_overlay(overlay),
        }
    }

    /// Lets `change` change the open view of this type; nothing when there is none.
    pub(crate) fn edit_view<V: View>(&mut self, change: impl FnOnce(&mut V, &mut App)) {
        let Some(place) = self.layers.iter().position(|v| as_view::<V>(&**v).is_some()) else {
            return;
        };
        self.edit_layer(place, |view, app| {
            if let Some(view) = (view as &mut dyn Any).downcast_mut() {
                change(view, app);
            }
            InputOutcome::DONE
        });
    }

    pub(crate) fn edit_focused_view(&mut self, change: impl FnOnce(&mut dyn View, &mut App)) {
        let run = |view: &mut dyn View, app: &mut App| {
            change(view, app);
            InputOutcome::DONE
        };
        match self.layers.iter().rposition(|v| !v.is_modal()) {
            Some(place) => drop(self.edit_layer(place, run)),
            None => drop(self.edit_pane(self.focus, run)),
        }
    }

    /// Lets a layer handle something: a stand-in keeps its place meanwhile, so that it can be given all of the state.
    fn edit_layer(
        &mut self,
        place: usize,
        handle: impl FnOnce(&mut dyn View, &mut App) -> InputOutcome,
    ) -> Option<Vec<Effect>> {
        self.dirty = true;
        let mut view = std::mem::replace(&mut self.layers[place], Box::new(BusyView));
        let outcome = handle(&mut *view, self);
        // It is gone when what was done took its place.
        let place = self.layers.iter().position(|v| as_view::<BusyView>(&**v).is_some());
        let closes = matches!(outcome, InputOutcome::Close(_) | InputOutcome::CloseAndPerform(_));
        match place {
            Some(_) if closes && !view.is_modal() => self.close_overlays(),
            Some(place) if closes => drop(self.layers.remove(place)),
            Some(place) => self.layers[place] = view,
            None => {}
        }
        self.follow(outcome)
    }

    fn edit_pane(
        &mut self,
        pane: Pane,
        handle: impl FnOnce(&mut dyn View, &mut App) -> InputOutcome,
    ) -> Option<Vec<Effect>> {
        self.dirty = true;
        let outcome = handle(&mut *pane.boxed_view(), self);
        self.follow(outcome)
    }

    /// The effects of an outcome; `None` when it was not taken.
    fn follow(&mut self, outcome: InputOutcome) -> Option<Vec<Effect>> {
        match outcome {
            InputOutcome::Ignored => None,
            InputOutcome::Done(effects) | InputOutcome::Close(effects) => Some(effects),
            InputOutcome::Perform(action) | InputOutcome::CloseAndPerform(action) => Some(self.perform_action(action)),
        }
    }

    /// Offers something to the layers from the top down.
    fn offer(&mut self, mut handle: impl FnMut(&mut dyn View, &mut App) -> InputOutcome) -> Option<Vec<Effect>> {
        for place in (0..self.layers.len()).rev() {
            let modal = self.layers[place].is_modal();
            let done = self.edit_layer(place, &mut handle);
            if done.is_some() || modal {
                return Some(done.unwrap_or_default());
            }
        }
        None
    }

    /// Keeps the place in every list within its bounds.
    pub(super) fn clamp_views(&mut self) {
        for place in 0..self.layers.len() {
            self.edit_layer(place, |view, app| {
                view.scroll(app, 0);
                InputOutcome::DONE
            });
        }
    }

    pub fn is_typing_search(&self) -> bool {
        let modal = self.layers.last().is_some_and(|v| v.is_modal());
        !modal && self.focused_view().search().is_some_and(|(search, _)| search(self).typing)
    }

    pub(crate) fn open_search(&mut self) {
        self.edit_focused_view(|view, app| {
            if let Some((_, search)) = view.search() {
                *search(app) = SearchField::open();
            }
        });
    }
}

impl App {
    pub(super) fn handle_key(&mut self, event: KeyEvent) -> Vec<Effect> {
        let key = Key::from(event);
        let prefix = self.pending_prefix.take();
        let lookup = self.keymap.lookup(KeyScope::of_focus(self), prefix, key);
        // Whatever is remapped and whatever is open, ctrl-c requests to quit.
        let quits = match lookup {
            KeyLookup::Unbound => true,
            KeyLookup::Action(action) => action == action!("quit"),
            KeyLookup::Prefix => false,
        };
        if key == Key::CTRL_C && quits {
            // Pressed again at the question it means: detach, and lose nothing.
            let asked = self.view::<Question>().is_some();
            self.layers.clear();
            return match asked {
                true => vec![Effect::Exit(LeaveReason::Detached)],
                false => self.perform_action(action!("quit")),
            };
        }
        if self.is_typing_search() {
            self.edit_focused_view(|view, app| {
                if let Some((_, search)) = view.search() {
                    search(app).handle_key(event);
                }
                view.on_search_changed(app);
            });
            return Vec::new();
        }
        // Esc takes back what was begun, and nothing else.
        if prefix.is_some() && key == Key::ESC && !self.layers.last().is_some_and(|v| v.is_modal()) {
            return Vec::new();
        }
        let press = KeyPress { event, prefix, lookup };
        if let Some(effects) = self.offer(|view, app| view.on_key(app, press)) {
            return effects;
        }
        if !self.layers.is_empty() {
            return Vec::new();
        }
        if prefix.is_none()
            && let Some(answered) = self.handle_plan_key(event)
        {
            return answered;
        }
        match lookup {
            KeyLookup::Action(action) => self.perform_action(action),
            KeyLookup::Prefix => {
                self.pending_prefix = Some(key);
                Vec::new()
            }
            KeyLookup::Unbound => self.report_unbound_key(prefix, key),
        }
    }

    fn report_unbound_key(&mut self, begun: Option<Key>, key: Key) -> Vec<Effect> {
        let (help, ascii) = (self.key_label(action!("help")), self.theme.is_ascii());
        let text = match (begun, self.keymap.find_in_other_scope(KeyScope::of_focus(self), key)) {
            (Some(first), _) => format!(
                "{} {} has no action here; {help} shows all keys",
                first.display_label(ascii),
                key.display_label(ascii)
            ),
            (None, Some(action)) => {
                format!("{} is {} in the {} pane", key.display_label(ascii), action.label, action.scope.name())
            }
            (None, None) => format!("{} has no action here; {help} shows all keys", key.display_label(ascii)),
        };
        self.show_hint(text)
    }

    /// The first key of a sequence that waits for its second.
    pub fn pending_prefix(&self) -> Option<Key> {
        self.pending_prefix
    }

    /// What the keys after [`App::pending_prefix`] do here.
    pub fn continuations(&self) -> Vec<(Key, &'static crate::action::Action)> {
        let Some(begun) = self.pending_prefix else {
            return Vec::new();
        };
        let mut all = self.keymap.continuations(KeyScope::of_focus(self), begun);
        if let Some(overlay) = self.overlay() {
            all.retain(|(_, action)| overlay.allows(action));
        }
        all
    }
}

/// The mouse: it does what keys do, at the place it points to.
impl App {
    pub(super) fn handle_mouse(&mut self, event: MouseEvent) -> Vec<Effect> {
        let at = Position::new(event.column, event.row);
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => self.handle_click(at),
            MouseEventKind::Drag(MouseButton::Left) => self.handle_drag(at),
            MouseEventKind::Up(MouseButton::Left) => {
                self.dragged_border = None;
                self.dirty = true;
                if self.layers.is_empty() {
                    self.mouse_on_pane(self.focus, MouseInput::Release);
                }
                self.loss.selection = None;
                Vec::new()
            }
            MouseEventKind::Down(MouseButton::Right | MouseButton::Middle) => {
                self.last_pan_position = Some(at);
                Vec::new()
            }
            MouseEventKind::Drag(MouseButton::Right | MouseButton::Middle) => {
                let pane = ScreenLayout::of(self).pane_at(at).filter(|_| self.layers.is_empty());
                if let Some((pane, _)) = pane
                    && let Some(from) = self.last_pan_position.replace(at)
                {
                    self.mouse_on_pane(pane, MouseInput::Pan(from, at));
                }
                Vec::new()
            }
            MouseEventKind::ScrollUp => self.handle_wheel(at, -1),
            MouseEventKind::ScrollDown => self.handle_wheel(at, 1),
            _ => Vec::new(),
        }
    }

    fn mouse_on_pane(&mut self, pane: Pane, input: MouseInput) -> Option<Vec<Effect>> {
        let screen = ScreenLayout::of(self);
        let area = screen.panes.iter().find(|p| p.0 == pane).map_or(Rect::ZERO, |p| p.1);
        self.edit_pane(pane, |view, app| view.on_mouse(app, area, input))
    }

    fn mouse_on_layers(&mut self, input: MouseInput) -> Option<Vec<Effect>> {
        self.offer(|view, app| {
            let area = view.area(&ScreenLayout::of(app), app);
            view.on_mouse(app, area, input)
        })
    }

    fn handle_wheel(&mut self, at: Position, by: i64) -> Vec<Effect> {
        let input = MouseInput::Wheel(at, by);
        if let Some(effects) = self.mouse_on_layers(input) {
            return effects;
        }
        if let Some((pane, _)) = ScreenLayout::of(self).pane_at(at) {
            self.mouse_on_pane(pane, input);
        }
        Vec::new()
    }

    /// Moves the border that is held, or what the focused pane lets be dragged.
    fn handle_drag(&mut self, at: Position) -> Vec<Effect> {
        if !self.layers.is_empty() {
            return Vec::new();
        }
        match self.dragged_border {
            Some(border) => {
                self.arrangement.move_border(&border, at.x, at.y);
                self.dirty = true;
            }
            None => drop(self.mouse_on_pane(self.focus, MouseInput::Drag(at))),
        }
        Vec::new()
    }

    fn handle_click(&mut self, at: Position) -> Vec<Effect> {
        self.dirty = true;
        let screen = ScreenLayout::of(self);
        if screen.footer.contains(at)
            && let Some(hit) = views::footer::hit_at(self, screen.footer, at.x)
        {
            self.pending_prefix = None;
            return match hit {
                FooterHit::Act(action) => self.perform_action(action),
                FooterHit::Press(key) => self.handle_key(key.to_event()),
            };
        }
        // A dialog takes every click; below an overlay the message line stays of use.
        if !self.layers.last().is_some_and(|v| v.is_modal()) {
            if screen.footer.contains(at) {
                return Vec::new();
            }
            if screen.message.contains(at) {
                return self.click_message(&screen, at);
            }
            self.pending_prefix = None;
        }
        if let Some(effects) = self.mouse_on_layers(MouseInput::Click(at)) {
            return effects;
        }
        if screen.header.contains(at) {
            let hit = views::header::action_at(self, screen.header, at);
            return hit.map_or(Vec::new(), |action| self.perform_action(action));
        }
        match screen.sidebar_list_at(at) {
            Some(SidebarList::Models) => return self.perform_action(action!("models")),
            Some(SidebarList::Log) => return self.perform_action(action!("log")),
            None => {}
        }
        if let Some(pane) = screen.tab_at(at) {
            self.focus_pane(pane);
            return Vec::new();
        }
        let double = self
            .last_click
            .is_some_and(|(t, x, y)| self.now - t <= DOUBLE_CLICK_TIMEOUT_SECS && (x, y) == (at.x, at.y));
        self.last_click = (!double).then_some((self.now, at.x, at.y));
        self.dragged_border = screen.border_at(at).copied();
        if let Some((pane, _)) = screen.pane_at(at) {
            self.focus_pane(pane);
            if double {
                // What was zoomed to goes before the pane.
                self.dragged_border = None;
                if self.mouse_on_pane(pane, MouseInput::DoubleClick(at)).is_none() {
                    self.zoomed = !self.zoomed;
                }
            } else if self.dragged_border.is_none() {
                self.mouse_on_pane(pane, MouseInput::Click(at));
            }
        }
        Vec::new()
    }

    /// A key that can follow is pressed by the click, a plan is confirmed; a sentence opens the log with its full text.
    fn click_message(&mut self, screen: &ScreenLayout, at: Position) -> Vec<Effect> {
        let key = views::footer::pending_key_at(self, screen.message, at.x);
        match (key, self.pending_prefix()) {
            (Some(key), _) => self.handle_key(key.to_event()),
            (None, Some(_)) => self.handle_key(Key::ESC.to_event()),
            (None, None) if at.y == screen.message.y && self.awaits_plan_confirmation() => {
                self.handle_key(Key::ENTER.to_event())
            }
            (None, None) => self.perform_action(action!("log")),
        }
    }
}

impl App {
    /// Inserts pasted text at the cursor of the text field that has the keys. Without one it does nothing at all: the
    /// letters of a path are no keys.
    pub(super) fn insert_pasted_text(&mut self, text: &str) {
        if self.is_typing_search() {
            self.edit_focused_view(|view, app| {
                if let Some((_, search)) = view.search() {
                    insert_single_line(search(app).input_mut(), text);
                }
                view.on_search_changed(app);
            });
        } else if let Some(top) = self.layers.last_mut()
            && let Some(input) = top.input_mut()
        {
            insert_single_line(input, text);
            // What is found is another list.
            if let Some(at) = top.position_mut() {
                *at = 0;
            }
            self.dirty = true;
        }
    }
}

/// Inserts `text` as one line of at most [`MAX_FIELD_CHARS`]: line breaks and tabs become single spaces, those at its
/// ends and other control characters are dropped.
fn insert_single_line(input: &mut Input, text: &str) {
    let line = text.trim_matches(['\r', '\n']).replace("\r\n", "\n");
    let spaced = line.chars().map(|c| match c {
        '\r' | '\n' | '\t' => ' ',
        c => c,
    });
    let room = MAX_FIELD_CHARS.saturating_sub(input.value().chars().count());
    let at = input.cursor();
    let new: Vec<char> = spaced.filter(|c| !c.is_control()).take(room).collect();
    let old = input.value().chars();
    let value: String = old.clone().take(at).chain(new.iter().copied()).collect();
    let value = value + &old.skip(at).collect::<String>();
    *input = Input::new(value);
    input.handle(InputRequest::SetCursor(at + new.len()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paste_is_one_line_without_control_characters_and_bounded() {
        let mut input = Input::new("ab".into());
        input.handle(InputRequest::SetCursor(1));
        insert_single_line(&mut input, "\r\nx\r\ny\tz\x1b[31m\x07é\n");
        assert_eq!((input.value(), input.cursor()), ("ax y z[31méb", 11));
        insert_single_line(&mut input, &"w".repeat(100_000));
        assert_eq!(input.value().chars().count(), MAX_FIELD_CHARS);
        assert!(input.value().ends_with('b'));
    }
}

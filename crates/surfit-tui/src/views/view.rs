//! What every pane and every overlay is: one trait. [`crate::app::App`] keeps the overlays and dialogs that are open as a stack
//! of layers over the panes; keys and the mouse go through it from the top down, and the first view that takes an event ends it.

use super::footer::FooterItem;
use super::popup;
use super::search::SearchField;
use crate::action::{Action, KeyScope};
use crate::app::{App, Effect, ExportItem};
use crate::key::Key;
use crate::keymap::KeyLookup;
use crate::layout::ScreenLayout;
use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use std::any::Any;
use std::fmt::Debug;
use tui_input::Input;

#[derive(Clone, Copy, Debug)]
pub struct KeyPress {
    pub event: KeyEvent,
    /// The first key of a sequence, when this one ends it.
    pub prefix: Option<Key>,
    /// What it means in the scope of the topmost view that has a scope.
    pub lookup: KeyLookup,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MouseInput {
    Click(Position),
    DoubleClick(Position),
    /// The mouse moved with the left button down.
    Drag(Position),
    Release,
    /// The mouse moved from the first place to the second with another button down.
    Pan(Position, Position),
    /// The wheel turned at a place, down for positive numbers.
    Wheel(Position, i64),
}

#[derive(Debug)]
pub enum InputOutcome {
    /// Nothing; the view below gets it.
    Ignored,
    /// It was taken, and the view stays open.
    Done(Vec<Effect>),
    Close(Vec<Effect>),
    /// The view stays open, and this is done.
    Perform(&'static Action),
    CloseAndPerform(&'static Action),
}

impl InputOutcome {
    pub const DONE: InputOutcome = InputOutcome::Done(Vec::new());
    pub const CLOSE: InputOutcome = InputOutcome::Close(Vec::new());
}

/// The command line that shows or makes the same as a view; without the leading `surfit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShellCommand {
    Open,
    Words(Vec<String>),
}

/// A search line of the app, to read and to change.
pub type SearchAccess = (fn(&App) -> &SearchField, fn(&mut App) -> &mut SearchField);

/// A pane, an overlay or a dialog.
pub trait View: Any + Debug {
    /// Where the keys of its own count; its name.
    fn scope(&self) -> KeyScope;

    fn title(&self, _app: &App) -> String {
        String::new()
    }

    fn remark(&self, _app: &App) -> String {
        String::new()
    }

    /// Its area: an overlay in the middle of the main area.
    fn area(&self, screen: &ScreenLayout, _app: &App) -> Rect {
        screen.centered_overlay(MAX_OVERLAY_WIDTH, usize::MAX)
    }

    /// The area within its frame.
    fn inner(&self, app: &App) -> Rect {
        popup::inner(self.area(&ScreenLayout::of(app), app))
    }

    /// Draws it with its frame.
    fn render(&self, area: Rect, buf: &mut Buffer, app: &App) {
        let inner = popup::draw(area, buf, &app.theme, &self.title(app), &self.remark(app));
        self.render_body(inner, buf, app);
    }

    fn render_body(&self, _inner: Rect, _buf: &mut Buffer, _app: &App) {}

    /// Keys of use for the footer; the key that closes it comes last. A pane has those of the actions.
    fn hints(&self, _app: &App) -> Vec<FooterItem> {
        Vec::new()
    }

    fn is_modal(&self) -> bool {
        false
    }

    /// It has the whole screen, without a frame, and does not capture the mouse.
    fn is_fullscreen(&self) -> bool {
        false
    }

    fn allows(&self, action: &Action) -> bool {
        action.in_overlays || action.scope == self.scope()
    }

    /// Takes a key; by default as lists do.
    fn on_key(&mut self, app: &mut App, press: KeyPress) -> InputOutcome {
        take_overlay_key(self, app, press)
    }

    /// Takes what is selected; by default the view closes.
    fn on_enter(&mut self, _app: &mut App) -> InputOutcome {
        InputOutcome::CLOSE
    }

    /// Closes the view, or takes back a step within it.
    fn on_escape(&mut self, _app: &mut App) -> InputOutcome {
        InputOutcome::CLOSE
    }

    fn on_mouse(&mut self, app: &mut App, area: Rect, input: MouseInput) -> InputOutcome {
        match input {
            MouseInput::Click(at) | MouseInput::DoubleClick(at) => {
                if !area.contains(at) || popup::closes_at(area, at) {
                    return InputOutcome::CLOSE;
                }
                let Some(row) = self.row_at(app, popup::inner(area), at) else {
                    return InputOutcome::DONE;
                };
                // The first click chooses, the second takes it.
                let before = self.position_mut().map(|at| std::mem::replace(at, row));
                match before == Some(row) || self.takes_first_click() {
                    true => self.on_enter(app),
                    false => InputOutcome::DONE,
                }
            }
            MouseInput::Wheel(_, by) => {
                self.scroll(app, 3 * by);
                InputOutcome::DONE
            }
            _ => InputOutcome::DONE,
        }
    }

    fn takes_first_click(&self) -> bool {
        false
    }

    fn row_at(&self, _app: &App, _inner: Rect, _at: Position) -> Option<usize> {
        None
    }

    fn position_mut(&mut self) -> Option<&mut usize> {
        None
    }

    fn last_position(&self, _app: &App) -> usize {
        0
    }

    /// Moves in its list or text, down for positive numbers, within its bounds.
    fn scroll(&mut self, app: &mut App, by: i64) {
        let last = self.last_position(app);
        if let Some(at) = self.position_mut() {
            *at = at.saturating_add_signed(by as isize).min(last);
        }
    }

    /// Moves its cursor by columns and rows, up for positive rows.
    fn move_by(&mut self, app: &mut App, _columns: i32, rows: i32) {
        self.scroll(app, -i64::from(rows));
    }

    /// Moves its cursor to the first place for a negative sign, else to the last.
    fn move_to_end(&mut self, app: &mut App, sign: i32) {
        self.scroll(app, i64::from(sign) * (i64::MAX / 2));
    }

    /// Takes back one step of what is shown; false when there is none.
    fn step_back(&mut self, _app: &mut App) -> bool {
        false
    }

    /// Where its search line is.
    fn search(&self) -> Option<SearchAccess> {
        None
    }

    /// Shows what the text of its search line finds, after a change of it.
    fn on_search_changed(&mut self, app: &mut App) {
        self.scroll(app, 0);
    }

    /// The text field that has its keys.
    fn input_mut(&mut self) -> Option<&mut Input> {
        None
    }

    /// What can be copied or saved of it.
    fn exports(&self, _app: &App) -> Vec<ExportItem> {
        Vec::new()
    }

    fn shell_command(&self, _app: &App, _run: &str) -> ShellCommand {
        ShellCommand::Open
    }
}

/// Widest that an overlay gets when it does not request more.
const MAX_OVERLAY_WIDTH: u16 = 104;

/// Takes a key as overlays with a list or a text do: its own keys first, then those of lists, then those of actions that make
/// sense over it.
pub fn take_overlay_key<V: View + ?Sized>(view: &mut V, app: &mut App, press: KeyPress) -> InputOutcome {
    let KeyPress { event, prefix, lookup } = press;
    let key = Key::from(event);
    let typing = view.input_mut().is_some();
    match lookup {
        // Where text is typed a letter is a letter.
        _ if typing && key.is_letter() => {}
        KeyLookup::Prefix => {
            let follow = app.keymap.continuations(view.scope(), key);
            app.pending_prefix = follow.iter().any(|(_, action)| view.allows(action)).then_some(key);
            return InputOutcome::DONE;
        }
        KeyLookup::Action(action) if action.scope == view.scope() => return InputOutcome::Perform(action),
        KeyLookup::Action(action) if prefix.is_some() && view.allows(action) => return InputOutcome::Perform(action),
        _ if prefix.is_some() => return InputOutcome::DONE,
        _ => {}
    }
    let page = i64::from(app.size.height / 2);
    match (event.code, lookup) {
        (KeyCode::Esc, _) => return view.on_escape(app),
        (KeyCode::Enter, _) => return view.on_enter(app),
        (KeyCode::Up, _) => view.scroll(app, -1),
        (KeyCode::Down, _) => view.scroll(app, 1),
        (KeyCode::PageUp, _) => view.scroll(app, -page),
        (KeyCode::PageDown, _) => view.scroll(app, page),
        (KeyCode::Home, _) if !typing => view.move_to_end(app, -1),
        (KeyCode::End, _) if !typing => view.move_to_end(app, 1),
        (_, KeyLookup::Action(action)) if view.allows(action) && !typing => return InputOutcome::Perform(action),
        _ => return InputOutcome::Ignored,
    }
    InputOutcome::DONE
}

/// Stands in the stack for a view that is handling something.
#[derive(Debug)]
pub struct BusyView;

impl View for BusyView {
    fn scope(&self) -> KeyScope {
        KeyScope::Anywhere
    }
}

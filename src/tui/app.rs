//! The state of the workbench. Everything that changes it goes through [`App::update`], which touches neither terminal
//! nor clock nor connection.

mod act;
mod choose;
mod command;
mod incoming;
mod message;
mod mouse;
mod overlay;
mod typed;

pub use choose::{Answer, Choice, Question};
pub use command::Pending;
pub use message::{Kind, Message as Note};
pub use overlay::Overlay;
pub use typed::{FORMS, Typed, parse};

use crate::action::Action;
use crate::key::Key;
use crate::keymap::Keymap;
use crate::link::{Incoming, Leave, Options, Outgoing, RunLine};
use crate::theme::Theme;
use crate::views::{loss::LossView, points::PointsView, surface::SurfaceView};
use crossterm::event::{KeyEvent, KeyEventKind, MouseEvent};
use ratatui::layout::Size;
use std::collections::BTreeMap;
use surfit_core::picture::{LogLine, Picture};
use surfit_core::snapshot::{ControlPoint, Snapshot};
use surfit_core::surface::Degrees;

/// A pane of the main area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    /// Loss curves.
    Loss,
    /// The heatmap.
    Surface,
    /// Control points.
    Points,
}

impl Pane {
    /// Every pane in the order of its key.
    pub const ALL: [Pane; 3] = [Pane::Loss, Pane::Surface, Pane::Points];

    /// The pane's name.
    pub fn name(self) -> &'static str {
        ["Loss", "Surface", "Control points"][self as usize]
    }
}

/// How it stands between the workbench and the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Connection {
    /// Nothing was heard yet.
    Connecting,
    /// An engine listens.
    Connected {
        /// Its process.
        pid: u32,
    },
    /// The connection ended for this reason.
    Lost(String),
    /// The engine's process is gone.
    Dead,
}

/// Something that happened to the workbench.
#[derive(Debug)]
pub enum Message {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse was used.
    Mouse(MouseEvent),
    /// The terminal has this size now.
    Resize(Size),
    /// From the program that carries the workbench.
    Incoming(Box<Incoming>),
    /// The time, in seconds since the workbench began.
    Tick(f64),
    /// Leave without a question: a signal, or the terminal is gone.
    Hangup,
    /// The program's end of the link is gone.
    LinkEnded,
}

/// Something the loop shall do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send this.
    Send(Outgoing),
    /// End the workbench.
    Leave(Leave),
    /// Draw every cell anew.
    Redraw,
    /// Back to the shell until continued.
    Suspend,
    /// Put text into the clipboard of the user's own terminal.
    Copy(String),
}

/// Figures of the header that change all the time, taken at most once a second so that they can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Calm {
    /// Units a second.
    pub rate: f64,
    /// Seconds left.
    pub seconds_left: Option<f64>,
    /// Bytes of the engine.
    pub memory: u64,
    taken: Option<f64>,
}

/// See the module.
pub struct App {
    /// Colours.
    pub theme: Theme,
    /// Keys.
    pub keymap: Keymap,
    /// The run as far as it is known.
    pub picture: Picture,
    /// The run's id.
    pub run: String,
    /// See [`Connection`].
    pub connection: Connection,
    /// The pane that has the keys.
    pub focus: Pane,
    /// It has the whole main area.
    pub zoomed: bool,
    /// What lies over the main area.
    pub overlay: Option<Overlay>,
    /// A question that waits for its answer.
    pub question: Option<Question>,
    /// Loss pane.
    pub loss: LossView,
    /// Surface pane.
    pub surface: SurfaceView,
    /// Control points pane.
    pub points: PointsView,
    /// Header figures.
    pub calm: Calm,
    /// Runs, as last told.
    pub runs: Vec<RunLine>,
    /// Commands without a reply, by id.
    pub pending: BTreeMap<u64, Pending>,
    /// Sentences of the workbench itself, for the log.
    pub notes: Vec<LogLine>,
    /// Terminal size in cells.
    pub size: Size,
    /// Seconds since the workbench began.
    pub now: f64,
    /// Something visible may have changed since the last drawing.
    pub dirty: bool,
    note: Option<Note>,
    order: u64,
    next_id: u64,
    wanted_degrees: Option<command::Wanted<Degrees>>,
    wanted_grid: Option<command::Wanted<usize>>,
    placed: bool,
    /// Another run was asked for; until its picture comes, what comes is of the one before.
    awaiting_picture: bool,
    clicked: Option<(f64, u16, u16)>,
}

impl App {
    /// The workbench before anything is known but its options.
    pub fn new(options: &Options, theme: Theme, keymap: Keymap, size: Size) -> Self {
        let grid = options
            .grid
            .clamp(2, surfit_core::heatmap::Heatmap::MAX_GRID);
        let snapshot = Some(Snapshot::empty(options.degrees, grid));
        Self {
            theme,
            keymap,
            picture: Picture {
                snapshot,
                ..Picture::default()
            },
            run: options.run.clone(),
            connection: Connection::Connecting,
            focus: Pane::Surface,
            zoomed: false,
            overlay: None,
            question: None,
            loss: LossView::default(),
            surface: SurfaceView {
                cursor: (grid / 2, grid / 2),
                ..SurfaceView::default()
            },
            points: PointsView::default(),
            calm: Calm::default(),
            runs: Vec::new(),
            pending: BTreeMap::new(),
            notes: Vec::new(),
            size,
            now: 0.0,
            dirty: true,
            note: None,
            order: 0,
            next_id: 1,
            wanted_degrees: None,
            wanted_grid: None,
            placed: false,
            awaiting_picture: false,
            clicked: None,
        }
    }

    /// Takes in what happened and says what shall be done about it.
    pub fn update(&mut self, message: Message) -> Vec<Effect> {
        match message {
            Message::Tick(now) => {
                self.now = now;
                self.expire();
                Vec::new()
            }
            Message::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
            Message::Key(key) => {
                self.dirty = true;
                self.press(key)
            }
            Message::Mouse(event) => self.mouse(event),
            Message::Resize(size) => {
                self.size = size;
                self.dirty = true;
                vec![Effect::Redraw]
            }
            Message::Incoming(incoming) => self.incoming(*incoming),
            Message::Hangup => vec![
                Effect::Send(Outgoing::Detach),
                Effect::Leave(Leave::Detached),
            ],
            Message::LinkEnded => {
                let why = "a part of the program ended that talks to the engine; training goes on, \
                           `surfit open` comes back to it";
                vec![Effect::Leave(Leave::Lost(why.into()))]
            }
        }
    }

    fn press(&mut self, event: KeyEvent) -> Vec<Effect> {
        let key = Key::from(event);
        // Whatever is remapped and whatever is open, ctrl-c asks to leave.
        let leaves = key == "ctrl-c".parse().unwrap_or(key) && event.modifiers.bits() != 0;
        if leaves && self.keymap.action(key).is_none_or(|a| a == Action::Quit) {
            self.overlay = None;
            // Pressed at the question itself it is meant: leave, and lose nothing.
            if self.question.is_some() {
                return self.answer(Answer::Detach);
            }
            return self.act(Action::Quit);
        }
        if self.question.is_some() {
            return self.key_in_question(event);
        }
        if self.overlay.is_some() {
            return self.key_in_overlay(event);
        }
        match self.keymap.action(key) {
            Some(action) => self.act(action),
            None => {
                let help = self.key(Action::Help);
                self.say(
                    Kind::Hint,
                    format!("{key} has no meaning here; {help} shows every key"),
                );
                Vec::new()
            }
        }
    }

    /// The key of an action as the screen shows it.
    pub fn key(&self, action: Action) -> String {
        self.keymap.shown(action, self.theme.ascii())
    }

    /// Points per axis of the heatmap.
    pub fn grid(&self) -> usize {
        self.picture.snapshot.as_ref().map_or(2, |s| s.heatmap.grid)
    }

    /// The control point that is chosen, if there is one.
    pub fn chosen_point(&self) -> Option<&ControlPoint> {
        self.picture
            .snapshot
            .as_ref()?
            .control_points
            .get(self.points.cursor)
    }

    /// When something on the screen changes by itself next, in seconds since the workbench began.
    pub fn deadline(&self) -> Option<f64> {
        self.note.as_ref().and_then(|n| n.until)
    }
}

#[cfg(test)]
mod tests;

//! The state of the workbench. Everything that changes it goes through [`App::update`], which touches neither terminal
//! nor clock nor connection.

mod act;
mod beside;
mod choose;
mod command;
mod find;
mod follow;
mod incoming;
mod line;
mod message;
mod mouse;
mod overlay;
mod paste;
mod plan;
mod press;
mod runs;
mod steer;
mod take;
mod themes;
mod typed;

pub use choose::{AnswerAction, AnswerChoice, Question};
pub use command::PendingCommand;
pub use line::RemoteLine;
pub use message::{Banner, MessageKind, ScreenMessage as Note};
pub use overlay::{Overlay, PictureSubject};
pub use steer::SteerCommand;
pub use take::{ExportMenu, FilenamePrompt, ItemMenu, MOST, MenuItem};
pub use typed::{FORMS, TypedCommand, parse};

use crate::action::Action;
use crate::key::Key;
use crate::keymap::Keymap;
use crate::layout::{Arrangement, Border};
use crate::link::{Incoming, LeaveReason, NewFile, Outgoing, RunLine, WorkbenchOptions};
use crate::theme::Theme;
use crate::views::{
    help::HelpView, log::LogView, machine::LoadHistory, models::ModelsView, runs::RunsView,
};
use crate::views::{loss::LossView, points::PointsView, surface::SurfaceView};
use crossterm::event::{KeyEvent, KeyEventKind, MouseEvent};
use ratatui::layout::{Position, Size};
use std::collections::BTreeMap;
use surfit_core::machine::MachineLoad;
use surfit_core::picture::{LogLine, RunState};
use surfit_core::snapshot::{ControlPoint, EngineState, Snapshot};
use surfit_core::surface::Degrees;

/// Seconds without a word after which an engine that works is said to be silent.
const SILENCE: f64 = 5.0;

/// The most seconds that are waited for the word of an engine whose steps are slow.
const LONGEST_STEP: f64 = 300.0;

/// A pane of the main area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    /// Pane of the loss curves.
    Loss,
    /// Pane of the surface's heatmap.
    Surface,
    /// Pane of the control points.
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
pub enum EngineLink {
    /// Nothing was heard yet.
    Connecting,
    /// An engine listens.
    Connected {
        /// Process id of the engine.
        pid: u32,
    },
    /// The connection ended for this reason.
    Lost(String),
    /// It works on the machine of this name and cannot be reached; what is shown comes from the run's files.
    Elsewhere(String),
    /// The engine's process is gone.
    Dead,
}

/// Something that happened to the workbench.
#[derive(Debug)]
pub enum AppMessage {
    /// A key was pressed.
    Key(KeyEvent),
    /// The mouse was used.
    Mouse(MouseEvent),
    /// tmux answered to a copy.
    Copied {
        /// The text that tmux did not take, which goes to the terminal instead; `None` when it is in tmux's buffer.
        unsent: Option<String>,
    },
    /// The terminal told its background, for which this is the usual theme.
    Ground(&'static str),
    /// The terminal answered that it shows any colour.
    Truecolor,
    /// Text was pasted.
    Paste(String),
    /// The terminal has this size now.
    Resize(Size),
    /// From the program that carries the workbench.
    Incoming(Box<Incoming>),
    /// The time, in seconds since the workbench began.
    Tick(f64),
    /// Leave without a question: a signal, or the terminal is gone.
    Hangup,
    /// A batch system asks for a checkpoint.
    CheckpointRequest,
    /// The program's end of the link is gone.
    LinkEnded,
}

/// Something the loop shall do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send this message over the link.
    Send(Outgoing),
    /// End the workbench.
    Leave(LeaveReason),
    /// Draw every cell anew.
    Redraw,
    /// Back to the shell until continued.
    Suspend,
    /// Put text into the clipboard of the user's own terminal.
    Copy(String),
}

/// Figures of the header that change all the time, taken at most once a second so that they can be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ThrottledStats {
    /// Units a second.
    pub rate: f64,
    /// Seconds left of the stage.
    pub seconds_left: Option<f64>,
    /// Seconds left of the whole job.
    pub job_seconds_left: Option<f64>,
    /// Training images a second.
    pub images: f64,
    /// Bytes of the engine.
    pub memory: u64,
    /// The machine that the engine works on.
    pub machine: MachineLoad,
    taken: Option<f64>,
}

/// See the module.
pub struct App {
    /// Theme of the screen.
    pub theme: Theme,
    /// Key bindings of all actions.
    pub keymap: Keymap,
    /// The run as far as it is known.
    pub picture: RunState,
    /// The run's id.
    pub run: String,
    /// State of the connection to the engine.
    pub connection: EngineLink,
    /// The line to the machine that the run is on, when it is another one.
    pub line: Option<RemoteLine>,
    /// The batch job that ends the engine, when this screen is part of it too.
    pub batch_job: Option<String>,
    /// Nothing may be changed, only watched.
    pub readonly: bool,
    /// The pane that has the keys.
    pub focus: Pane,
    /// It has the whole main area.
    pub zoomed: bool,
    /// How the panes share the main area.
    pub arrangement: Arrangement,
    /// Show lists beside the panes where there is room.
    pub beside: bool,
    /// What lies over the main area.
    pub overlay: Option<Overlay>,
    /// What is about to be copied or written.
    pub take: Option<ExportMenu>,
    /// Where the run lies, and what the command line calls it, once that was told.
    pub place: Option<take::RunLocation>,
    /// A question that waits for its answer.
    pub question: Option<Question>,
    /// State of the loss pane.
    pub loss: LossView,
    /// State of the surface pane.
    pub surface: SurfaceView,
    /// Control points pane.
    pub points: PointsView,
    /// What is looked for in the help.
    pub help: HelpView,
    /// What of the log is shown.
    pub log: LogView,
    /// How models are sorted.
    pub models: ModelsView,
    /// How this terminal shows pictures, if it can.
    pub images: Option<crate::images::ImageProtocol>,
    /// The machine's load over the last minutes.
    pub machine: LoadHistory,
    /// Header figures, renewed at most once a second.
    pub calm: ThrottledStats,
    /// Runs, as last told.
    pub runs: Vec<RunLine>,
    /// What of the list of runs is shown.
    pub runs_view: RunsView,
    /// Commands without a reply, by id.
    pub pending: BTreeMap<u64, PendingCommand>,
    /// Sentences of the workbench itself, for the log.
    pub notes: Vec<LogLine>,
    /// Commands typed into the palette, the latest last.
    pub history: Vec<String>,
    /// Terminal size in cells.
    pub size: Size,
    /// Seconds since the workbench began.
    pub now: f64,
    /// When the workbench began, seconds since the Unix epoch; `None` where that shall not matter.
    pub epoch: Option<f64>,
    /// When the engine was last heard of, seconds since the workbench began.
    pub heard: Option<f64>,
    /// Something visible may have changed since the last drawing.
    pub dirty: bool,
    /// tmux is asked to take what is copied.
    pub(crate) in_tmux: bool,
    last_copy: Option<take::LastCopy>,
    /// The first key of a sequence that waits for its second.
    begun: Option<Key>,
    note: Option<Note>,
    /// The theme is the user's choice, now or before, and not what goes with the terminal's background.
    pub(crate) theme_chosen: bool,
    /// The theme before others were tried.
    theme_before: Option<Theme>,
    order: u64,
    next_id: u64,
    wanted_degrees: Option<command::WantedValue<Degrees>>,
    wanted_grid: Option<command::WantedValue<usize>>,
    wanted_rate: Option<command::WantedValue<f64>>,
    wanted_draws: Option<command::WantedValue<usize>>,
    /// When the key for another run was pressed last.
    another_pressed: Option<f64>,
    /// A change of degree that waits for enter.
    plan: Option<plan::DegreePlan>,
    placed: bool,
    /// The metric is the user's, or was taken from the run when it was opened.
    metric_known: bool,
    /// Another run was asked for; until its picture comes, what comes is of the one before.
    awaiting_picture: bool,
    /// Other runs that are being read, and what for.
    wishes: beside::PendingComparisons,
    /// Other runs whose growth is told, and the run whose surface is shown beside this one's.
    followed: follow::FollowedRuns,
    clicked: Option<(f64, u16, u16)>,
    told_silence: Option<u64>,
    /// The border that the mouse holds.
    held: Option<Border>,
    /// Where the mouse was last while it drags along what is shown.
    dragged: Option<Position>,
    /// A file that is there already, until the question about it is answered.
    in_the_way: Option<NewFile>,
}

impl App {
    /// The workbench before anything is known but its options.
    pub fn new(options: &WorkbenchOptions, theme: Theme, keymap: Keymap, size: Size) -> Self {
        let grid = options
            .grid
            .clamp(2, surfit_core::heatmap::Heatmap::MAX_GRID);
        let snapshot = Some(Snapshot::empty(options.degrees, grid));
        Self {
            theme,
            keymap,
            picture: RunState {
                snapshot,
                ..RunState::default()
            },
            run: options.run.clone(),
            connection: EngineLink::Connecting,
            line: options.host.clone().map(RemoteLine::new),
            batch_job: None,
            readonly: options.readonly,
            focus: Pane::Surface,
            zoomed: false,
            arrangement: Arrangement::default(),
            beside: true,
            overlay: None,
            take: None,
            place: None,
            question: None,
            loss: LossView::default(),
            surface: SurfaceView {
                cursor: (grid / 2, grid / 2),
                ..SurfaceView::default()
            },
            points: PointsView::default(),
            help: HelpView::default(),
            log: LogView::default(),
            models: ModelsView::default(),
            images: None,
            machine: LoadHistory::default(),
            calm: ThrottledStats::default(),
            runs: Vec::new(),
            runs_view: RunsView::default(),
            pending: BTreeMap::new(),
            notes: Vec::new(),
            history: Vec::new(),
            size,
            now: 0.0,
            epoch: None,
            heard: None,
            dirty: true,
            in_tmux: false,
            last_copy: None,
            begun: None,
            note: None,
            theme_chosen: false,
            theme_before: None,
            order: 0,
            next_id: 1,
            wanted_degrees: None,
            wanted_grid: None,
            wanted_rate: None,
            wanted_draws: None,
            another_pressed: None,
            plan: None,
            placed: false,
            metric_known: false,
            awaiting_picture: false,
            wishes: beside::PendingComparisons::default(),
            followed: follow::FollowedRuns::default(),
            clicked: None,
            told_silence: None,
            held: None,
            dragged: None,
            in_the_way: None,
        }
    }

    /// Takes in what happened and says what shall be done about it.
    pub fn update(&mut self, message: AppMessage) -> Vec<Effect> {
        let mut effects = self.take_in(message);
        self.try_theme();
        effects.extend(self.follow_others());
        effects
    }

    fn take_in(&mut self, message: AppMessage) -> Vec<Effect> {
        match message {
            AppMessage::Tick(now) => {
                self.now = now;
                self.expire();
                self.age();
                self.ask_again_for_runs()
            }
            AppMessage::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
            AppMessage::Key(key) => {
                self.dirty = true;
                let mut effects = self.press(key);
                effects.extend(self.try_line());
                effects
            }
            AppMessage::Mouse(event) => self.mouse(event),
            AppMessage::Copied { unsent } => {
                self.tell_copied(unsent.is_none());
                Vec::new()
            }
            AppMessage::Truecolor => {
                let theme = self.theme.clone();
                self.theme = theme.with_depth(crate::ColorDepth::Truecolor);
                self.dirty = true;
                Vec::new()
            }
            AppMessage::Ground(theme) => {
                self.follow_ground(theme);
                Vec::new()
            }
            AppMessage::Paste(text) => {
                self.paste(&text);
                Vec::new()
            }
            AppMessage::Resize(size) => {
                self.size = size;
                self.dirty = true;
                vec![Effect::Redraw]
            }
            AppMessage::Incoming(incoming) => self.incoming(*incoming),
            AppMessage::Hangup => vec![
                Effect::Send(Outgoing::Detach),
                Effect::Leave(LeaveReason::Detached),
            ],
            // One that does not listen makes none, and needs none.
            AppMessage::CheckpointRequest if self.is_connected() && !self.readonly => {
                self.dirty = true;
                self.act(Action::Checkpoint)
            }
            AppMessage::CheckpointRequest => Vec::new(),
            AppMessage::LinkEnded => {
                let why = "a part of the program ended that talks to the engine; training goes on, \
                           `surfit open` comes back to it";
                vec![Effect::Leave(LeaveReason::Lost(why.into()))]
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

    /// An engine listens.
    pub fn is_connected(&self) -> bool {
        matches!(self.connection, EngineLink::Connected { .. })
    }

    /// The run is at rest, finished or stopped in good order, and no engine works on it: one starts when it is asked for
    /// something, does that and nothing else.
    pub fn sleeps(&self) -> bool {
        let down = self.line.as_ref().is_some_and(RemoteLine::is_down);
        let lost = matches!(self.connection, EngineLink::Lost(_) | EngineLink::Dead);
        lost && self.rests() && !self.awaiting_picture && !down
    }

    /// Nothing was under way when the engine went: the run was closed, or its job is done.
    pub(crate) fn rests(&self) -> bool {
        self.picture.closed || self.picture.state() == EngineState::Finished
    }

    /// When something on the screen changes by itself next, in seconds since the workbench began.
    pub fn deadline(&self) -> Option<f64> {
        let note = self.note.as_ref().and_then(|n| n.until);
        let line = self.line.as_ref().and_then(|l| l.deadline(self.now));
        note.into_iter()
            .chain(line)
            .chain(self.next_silence())
            .chain(self.next_list_of_runs())
            .min_by(f64::total_cmp)
    }

    /// Seconds since the engine's process began; `None` when it is not known or there is none.
    pub fn uptime(&self) -> Option<f64> {
        let EngineLink::Connected { .. } = self.connection else {
            return None;
        };
        let up = self.epoch? + self.now - self.picture.started?;
        Some(up.max(0.0))
    }

    /// Seconds for which an engine that works has said nothing, when that is long enough to be told. A line to another
    /// machine tells its own silence.
    pub fn silence(&self) -> Option<f64> {
        let silent = self.now - self.heard.filter(|_| self.works())?;
        (silent >= self.patience()).then_some(silent)
    }

    /// Seconds after which an engine counts as silent: one that speaks between slow steps is not.
    fn patience(&self) -> f64 {
        match self.picture.snapshot.as_ref().map(|s| s.rate) {
            Some(rate) if rate > 0.0 => (3.0 / rate).clamp(SILENCE, LONGEST_STEP),
            _ => SILENCE,
        }
    }

    /// An engine of this machine is at work.
    fn works(&self) -> bool {
        let connected = matches!(self.connection, EngineLink::Connected { .. });
        connected && self.line.is_none() && self.picture.state() == EngineState::Running
    }

    /// When the silence changes what the screen says: first after [`App::patience`], then every second.
    fn next_silence(&self) -> Option<f64> {
        let heard = self.heard.filter(|_| self.works())?;
        let silent = (self.now - heard).max(0.0);
        Some(heard + (silent.floor() + 1.0).max(self.patience()))
    }
}

#[cfg(test)]
mod tests;

//! The state of the workbench. Everything that changes it goes through [`App::update`], which touches neither terminal
//! nor clock nor connection.

mod degree_plan;
mod engine_commands;
mod exports;
mod figures;
mod layers;
mod message;
mod models;
mod other_runs;
mod panes;
mod pending_setting;
mod questions;
mod remote_line;
mod server_messages;
mod typed_commands;

pub use engine_commands::PendingCommand;
pub use exports::{ExportDestination, ExportItem, ExportSource, MAX_COPY_BYTES};
pub(crate) use figures::{FigureKind, FigureSubject};
pub use message::{Banner, MessageKind, ScreenMessage as Note};
pub use questions::Question;
pub use remote_line::RemoteLine;
pub use typed_commands::{TYPED_COMMAND_EXAMPLES, parse};

use crate::action::Action;
use crate::images::{FigureImage, ImageProtocol};
use crate::key::Key;
use crate::keymap::Keymap;
use crate::layout::{Arrangement, Border};
use crate::link::{LeaveReason, RunLine, WorkbenchOptions};
use crate::terminal_query::TerminalAnswer;
use crate::theme::Theme;
use crate::views::loss::{LossPane, LossView};
use crate::views::points::{PointsPane, PointsView};
use crate::views::surface::{SurfacePane, SurfaceView};
use crate::views::view::View;
use crate::views::{log::LogView, machine::LoadHistory, models::ModelsView, runs::RunsView, search::SearchField};
use crossterm::event::{KeyEvent, KeyEventKind, MouseEvent};
use ratatui::layout::{Position, Size};
use std::collections::BTreeMap;
use surfit_core::machine::MachineLoad;
use surfit_core::protocol::{ClientMessage, OpenedRun, ServerMessage};
use surfit_core::run_state::{LogLine, RunState};
use surfit_core::snapshot::{ControlPoint, EngineState, Snapshot};
use surfit_report::ReportError;

/// Seconds without a message after which a working engine is shown as silent.
const STALL_TIMEOUT_SECS: f64 = 5.0;

/// The longest silence, in seconds, that is expected of an engine whose steps are slow.
const MAX_STALL_TIMEOUT_SECS: f64 = 300.0;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    Loss,
    #[default]
    Surface,
    Points,
}

impl Pane {
    /// Every pane in the order of its key.
    pub const ALL: [Pane; 3] = [Pane::Loss, Pane::Surface, Pane::Points];

    pub fn name(self) -> &'static str {
        ["Loss", "Surface", "Control points"][self as usize]
    }

    pub(crate) fn view(self) -> &'static dyn View {
        match self {
            Pane::Loss => &LossPane,
            Pane::Surface => &SurfacePane,
            Pane::Points => &PointsPane,
        }
    }

    pub(crate) fn boxed_view(self) -> Box<dyn View> {
        match self {
            Pane::Loss => Box::new(LossPane),
            Pane::Surface => Box::new(SurfacePane),
            Pane::Points => Box::new(PointsPane),
        }
    }

    /// The pane after it; after the last the first.
    pub fn next(self) -> Self {
        Pane::ALL[(self as usize + 1) % 3]
    }

    /// The pane before it; before the first the last.
    pub fn previous(self) -> Self {
        Pane::ALL[(self as usize + 2) % 3]
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum EngineLink {
    #[default]
    Connecting,
    Connected {
        pid: u32,
    },
    Lost(String),
    /// It works on the machine of this name and cannot be reached; what is shown comes from the run's files.
    OnOtherNode(String),
    Dead,
}

#[derive(Debug)]
pub enum AppMessage {
    Key(KeyEvent),
    Mouse(MouseEvent),
    CopyFinished {
        /// The text that tmux did not take, which goes to the terminal instead; `None` when it is in tmux's buffer.
        unsent: Option<String>,
    },
    /// The terminal answered a question.
    Terminal(TerminalAnswer),
    /// The image of a figure was drawn, or could not be.
    Image(Result<FigureImage, ReportError>),
    Paste(String),
    Resize(Size),
    /// From the engine, or from the bridge to it.
    Server(ServerMessage),
    /// The time, in seconds since the workbench began.
    Tick(f64),
    /// Leave without a question: a signal, or the terminal is gone.
    Hangup,
    CheckpointRequest,
    Suspend,
    Continued,
    LinkEnded,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    Send(ClientMessage),
    Exit(LeaveReason),
    Redraw,
    Suspend,
    RetakeTerminal,
    /// Put text into the clipboard of the user's own terminal.
    Copy(String),
}

/// Figures of the header that change all the time, taken at most once a second so that they can be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ThrottledStats {
    pub units_per_second: f64,
    pub seconds_left: Option<f64>,
    pub job_seconds_left: Option<f64>,
    pub images_per_second: f64,
    pub memory_bytes: u64,
    pub machine: MachineLoad,
    sampled_at: Option<f64>,
}

#[derive(Default)]
pub struct App {
    pub theme: Theme,
    pub keymap: Keymap,
    pub run_state: RunState,
    pub run: String,
    pub connection: EngineLink,
    /// The line to the machine that the run is on, when it is another one.
    pub remote_line: Option<RemoteLine>,
    /// The batch job that ends the engine, when this screen is part of it too.
    pub batch_job: Option<String>,
    pub readonly: bool,
    pub focus: Pane,
    pub zoomed: bool,
    pub arrangement: Arrangement,
    /// Show lists beside the panes where they fit.
    pub sidebar_shown: bool,
    /// What is open over the panes, the topmost last: at most one overlay, and dialogs over it.
    pub layers: Vec<Box<dyn View>>,
    /// Where the run is on its own machine, once reported.
    pub run_location: Option<OpenedRun>,
    pub loss: LossView,
    pub surface: SurfaceView,
    pub points: PointsView,
    pub help_search: SearchField,
    pub log: LogView,
    pub models: ModelsView,
    /// How this terminal shows images, if it can.
    pub image_protocol: Option<ImageProtocol>,
    /// The image of the figure that is shown or was last, or why it could not be drawn.
    pub figure_image: Option<Result<FigureImage, ReportError>>,
    pub load_history: LoadHistory,
    pub header_stats: ThrottledStats,
    pub runs: Vec<RunLine>,
    pub runs_view: RunsView,
    /// Commands without a reply, by id.
    pub pending: BTreeMap<u64, PendingCommand>,
    /// Sentences of the workbench itself, for the log.
    pub local_log_lines: Vec<LogLine>,
    /// Commands typed into the palette, the latest last.
    pub command_history: Vec<String>,
    /// Terminal size in cells.
    pub size: Size,
    /// Seconds since the workbench began.
    pub now: f64,
    /// When the workbench began, seconds since the Unix epoch; `None` where that shall not matter.
    pub started_at_unix: Option<f64>,
    /// When the engine's last message arrived, seconds since the workbench began.
    pub last_message_at: Option<f64>,
    /// Something visible may have changed since the last drawing.
    pub dirty: bool,
    /// tmux is asked to take what is copied.
    pub(crate) in_tmux: bool,
    /// The text that was copied last, in a line.
    last_copy: Option<String>,
    /// The first key of a sequence that waits for its second.
    pub(crate) pending_prefix: Option<Key>,
    status_message: Option<Note>,
    /// The theme is the user's choice, now or before, and not what goes with the terminal's background.
    pub(crate) theme_chosen: bool,
    pub(crate) theme_before_preview: Option<Theme>,
    last_message_order: u64,
    next_command_id: u64,
    settings: pending_setting::PendingSettings,
    last_new_run_at: Option<f64>,
    degree_plan: Option<degree_plan::DegreePlan>,
    cursor_initialised: bool,
    /// The metric is the user's, or was taken from the run when it was opened.
    metric_initialised: bool,
    /// Another run was requested; messages before its run state belong to the previous run.
    awaiting_run_state: bool,
    pending_comparisons: other_runs::PendingComparisons,
    /// Other runs whose new events are reported, and the run whose surface is shown beside this one's.
    followed_runs: other_runs::FollowedRuns,
    last_click: Option<(f64, u16, u16)>,
    shown_stall_secs: Option<u64>,
    dragged_border: Option<Border>,
    last_pan_position: Option<Position>,
}

impl App {
    pub fn new(options: &WorkbenchOptions, theme: Theme, keymap: Keymap, size: Size) -> Self {
        let grid = options.grid.clamp(2, surfit_core::heatmap::Heatmap::MAX_GRID);
        let snapshot = Some(Snapshot::empty(options.degrees, grid));
        Self {
            theme,
            keymap,
            run_state: RunState { snapshot, ..RunState::default() },
            run: options.run.clone(),
            remote_line: options.host.clone().map(RemoteLine::new),
            readonly: options.readonly,
            sidebar_shown: true,
            surface: SurfaceView { cursor: (grid / 2, grid / 2), ..SurfaceView::default() },
            size,
            dirty: true,
            next_command_id: 1,
            ..Self::default()
        }
    }

    pub fn update(&mut self, message: AppMessage) -> Vec<Effect> {
        let mut effects = self.handle_message(message);
        self.preview_theme();
        effects.extend(self.update_followed_runs());
        effects
    }

    fn handle_message(&mut self, message: AppMessage) -> Vec<Effect> {
        match message {
            AppMessage::Tick(now) => {
                self.now = now;
                self.expire_status_message();
                self.update_line_age();
                self.poll_run_list()
            }
            AppMessage::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
            AppMessage::Key(key) => {
                self.dirty = true;
                let mut effects = self.handle_key(key);
                effects.extend(self.reconnect_line());
                effects
            }
            AppMessage::Mouse(event) => self.handle_mouse(event),
            AppMessage::CopyFinished { unsent } => {
                self.report_copied(unsent.is_none());
                Vec::new()
            }
            AppMessage::Image(image) => {
                self.figure_image = Some(image);
                self.dirty = true;
                Vec::new()
            }
            AppMessage::Terminal(TerminalAnswer::Truecolor) => {
                self.theme.depth = crate::ColorDepth::Truecolor;
                self.dirty = true;
                Vec::new()
            }
            AppMessage::Terminal(TerminalAnswer::Background(ground)) => {
                self.apply_background_theme(ground.default_theme());
                Vec::new()
            }
            AppMessage::Paste(text) => {
                self.insert_pasted_text(&text);
                Vec::new()
            }
            AppMessage::Resize(size) => {
                self.size = size;
                self.dirty = true;
                vec![Effect::Redraw]
            }
            AppMessage::Server(message) => self.handle_server_message(message),
            AppMessage::Hangup => vec![Effect::Exit(LeaveReason::Detached)],
            AppMessage::Suspend => vec![Effect::Suspend],
            AppMessage::Continued => vec![Effect::RetakeTerminal],
            // One that does not listen makes none, and needs none.
            AppMessage::CheckpointRequest if self.is_connected() && !self.readonly => {
                self.dirty = true;
                self.perform_action(action!("checkpoint"))
            }
            AppMessage::CheckpointRequest => Vec::new(),
            AppMessage::LinkEnded => {
                let why = "lost the connection to the engine (internal error); training continues, \
                           reopen with `surfit open`";
                vec![Effect::Exit(LeaveReason::LinkLost(why.into()))]
            }
        }
    }

    /// Carries out an action, or shows why it is not available.
    pub fn perform_action(&mut self, action: &Action) -> Vec<Effect> {
        self.dirty = true;
        match (action.availability)(self) {
            Ok(()) => (action.run)(self),
            Err(why) => self.show_hint(format!("{} not available: {why}", action.label)),
        }
    }

    pub fn key_label(&self, action: &Action) -> String {
        self.keymap.key_label(action, self.theme.is_ascii())
    }

    /// Points per axis of the heatmap.
    pub fn grid(&self) -> usize {
        self.run_state.snapshot.as_ref().map_or(2, |s| s.heatmap.grid)
    }

    pub fn selected_point(&self) -> Option<&ControlPoint> {
        self.run_state.snapshot.as_ref()?.control_points.get(self.points.cursor)
    }

    pub fn is_connected(&self) -> bool {
        matches!(self.connection, EngineLink::Connected { .. })
    }

    /// The run is at rest, finished or stopped in good order, and no engine works on it: one starts on request for
    /// something, does that and nothing else.
    pub fn engine_stopped(&self) -> bool {
        let down = self.remote_line.as_ref().is_some_and(RemoteLine::is_down);
        let lost = matches!(self.connection, EngineLink::Lost(_) | EngineLink::Dead);
        lost && self.is_run_idle() && !self.awaiting_run_state && !down
    }

    /// Nothing was under way when the engine went: the run was closed, or its job is done.
    pub(crate) fn is_run_idle(&self) -> bool {
        self.run_state.closed || self.run_state.engine_state() == EngineState::Finished
    }

    /// When something on the screen changes by itself next, in seconds since the workbench began.
    pub fn next_redraw_at(&self) -> Option<f64> {
        let note = self.status_message.as_ref().and_then(|n| n.expires_at);
        let line = self.remote_line.as_ref().and_then(|l| l.next_redraw_at(self.now));
        note.into_iter()
            .chain(line)
            .chain(self.next_stall_update())
            .chain(self.next_run_list_request_at())
            .min_by(f64::total_cmp)
    }

    /// Seconds since the engine's process began; `None` when it is not known or there is none.
    pub fn uptime(&self) -> Option<f64> {
        let up = self.started_at_unix? + self.now - self.run_state.started?;
        self.is_connected().then_some(up.max(0.0))
    }

    /// Seconds for which an engine that works has sent nothing, when that is long enough to be shown. A line to another
    /// machine reports its own silence.
    pub fn stalled_for(&self) -> Option<f64> {
        let silent = self.now - self.last_message_at.filter(|_| self.is_engine_running())?;
        (silent >= self.stall_timeout()).then_some(silent)
    }

    /// Seconds after which an engine counts as silent; slow steps make it longer.
    fn stall_timeout(&self) -> f64 {
        match self.run_state.snapshot.as_ref().map(|s| s.rate) {
            Some(rate) if rate > 0.0 => (3.0 / rate).clamp(STALL_TIMEOUT_SECS, MAX_STALL_TIMEOUT_SECS),
            _ => STALL_TIMEOUT_SECS,
        }
    }

    /// An engine of this machine is at work.
    fn is_engine_running(&self) -> bool {
        self.is_connected() && self.remote_line.is_none() && self.run_state.engine_state() == EngineState::Running
    }

    /// When the silence changes the screen: first after [`App::stall_timeout`], then every second.
    fn next_stall_update(&self) -> Option<f64> {
        let last_message = self.last_message_at.filter(|_| self.is_engine_running())?;
        let silent = (self.now - last_message).max(0.0);
        Some(last_message + (silent.floor() + 1.0).max(self.stall_timeout()))
    }
}

#[cfg(test)]
mod tests;

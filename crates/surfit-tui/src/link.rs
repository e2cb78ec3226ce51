//! How a workbench and the bridge that feeds it are put together.

pub use surfit_core::figure::{Figure, FigureForm};
pub use surfit_core::new_file::{FileContent, NewFile, local_figures_dir};
pub use surfit_core::protocol::{LineState, RunLine};

use crate::app::AppMessage;
use crate::color::ColorDepth;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use surfit_core::protocol::{ClientMessage, ServerMessage};
use surfit_core::surface::Degrees;

/// Messages that wait before those who send them have to.
pub(crate) const MAX_QUEUED_MESSAGES: usize = 1024;

/// Accepts messages for a terminal; false when that is gone. It waits while the terminal does not keep up.
pub type MessageSink = Arc<dyn Fn(ServerMessage) -> bool + Send + Sync>;

/// Takes what a terminal asks of its bridge or of the engine behind it, and never waits.
pub type RequestSink = Box<dyn Fn(ClientMessage) + Send>;

/// Queue of everything that happens to a workbench: it is there before the workbench, so that a bridge can begin.
#[derive(Debug)]
pub struct WorkbenchInbox {
    pub(crate) sender: SyncSender<AppMessage>,
    pub(crate) receiver: Receiver<AppMessage>,
}

impl WorkbenchInbox {
    pub fn new() -> Self {
        let (sender, receiver) = sync_channel(MAX_QUEUED_MESSAGES);
        Self { sender, receiver }
    }

    /// Returns the sink for a bridge's messages. When the last clone of it is gone, the workbench ends.
    pub fn message_sink(&self) -> MessageSink {
        let end = EndNotice(self.sender.clone());
        Arc::new(move |message| end.0.send(AppMessage::Server(message)).is_ok())
    }
}

impl Default for WorkbenchInbox {
    fn default() -> Self {
        Self::new()
    }
}

/// Tells the workbench that nobody feeds it any more.
struct EndNotice(SyncSender<AppMessage>);

impl Drop for EndNotice {
    fn drop(&mut self) {
        let _ = self.0.send(AppMessage::LinkEnded);
    }
}

#[derive(Clone, Debug)]
pub struct WorkbenchOptions {
    /// Theme by name; `None` for the usual one.
    pub theme: Option<String>,
    /// Colours to use; `None` to find out.
    pub color: Option<ColorDepth>,
    /// How images are shown; `None` to go by `SURFIT_IMAGES`.
    pub images: Option<crate::images::ImageMode>,
    /// Characters to draw with; `None` to go by `SURFIT_GLYPHS`, the locale and the terminal.
    pub glyphs: Option<crate::glyphs::GlyphSet>,
    /// Let the mouse click; the terminal's own selection then needs shift.
    pub mouse: bool,
    /// The run's id, shown before anything is known of it.
    pub run: String,
    /// Points per axis of the heatmap before the engine reports them.
    pub grid: usize,
    /// Degrees of the surface before the engine reports them.
    pub degrees: Degrees,
    /// The machine the run is on, when it is another one.
    pub host: Option<String>,
    pub readonly: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaveReason {
    /// The user detached, or the terminal went away; the engine keeps running.
    Detached,
    Quit {
        stop_engine: bool,
    },
    /// The program's own connection ended; a sentence.
    LinkLost(String),
}

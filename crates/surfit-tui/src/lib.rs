//! The terminal workbench of surfit.
//!
//! [`run`] draws a run and steers it through a [`MessageSink`] and a [`RequestSink`]: this crate depends on neither sockets nor
//! engines. State changes are pure (`App::update`), drawing is a function of the state (`views::screen::render`), and every
//! key comes from one table (`action::TABLE`).

#[macro_use]
mod action;
mod app;
mod canvas;
mod color;
mod event_loop;
mod glyphs;
mod images;
mod key;
mod keymap;
mod layout;
mod link;
mod paths;
mod remembered_choices;
mod signals;
mod terminal;
mod terminal_query;
#[cfg(test)]
mod tests;
mod theme;
mod views;

#[cfg(test)]
use tests::{fixture, test_app};

pub use color::ColorDepth;
pub use event_loop::run;
pub use glyphs::GlyphSet;
pub use images::{ImageMode, ImageProtocol};
pub use keymap::{KeyRow, Keymap, key_rows};
pub use link::{LeaveReason, MessageSink, RequestSink, WorkbenchInbox, WorkbenchOptions};
pub use theme::{Theme, ThemeChoice, ThemeError, list_themes};

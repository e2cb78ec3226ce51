//! The terminal workbench of surfit.
//!
//! [`run`] draws a run and steers it; what it shows and what it asks for goes over a [`MessageSink`] and a [`RequestSink`], so that this crate knows
//! neither sockets nor engines. State changes are pure ([`app::App::update`]), drawing is a function of the state
//! ([`views::screen::render`]), and every key comes from one table ([`action::TABLE`]).

#[macro_use]
pub mod action;
pub mod app;
pub mod canvas;
pub mod color;
mod event_loop;
#[cfg(test)]
mod fixture;
pub mod glyphs;
pub mod images;
pub mod key;
pub mod keymap;
pub mod layout;
pub mod link;
mod paths;
mod remembered_choices;
mod signals;
mod terminal;
mod terminal_query;
#[cfg(test)]
mod test_app;
pub mod theme;
pub mod views;

pub use color::ColorDepth;
pub use event_loop::run;
pub use keymap::{KeyRow, Keymap, key_rows};
pub use link::{LeaveReason, MessageSink, RequestSink, WorkbenchInbox, WorkbenchOptions};
pub use theme::{Theme, ThemeError};

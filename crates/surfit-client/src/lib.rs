//! Finds, starts and connects to the engine of a run.
//!
//! Nothing here draws or prints: [`EngineConnection`] is one connection over the socket, [`spawn_engine()`] starts an engine
//! process, [`RunFollower`] turns both into a stream of events that survives an engine's death, and [`bridge`]
//! feeds the terminal's channels.

pub mod bridge;
mod child_setup;
mod connection;
mod engine_process;
mod engine_session;
mod error;
mod file_writer;
mod follow;
pub mod fork;
mod frame;
mod launch;
pub mod queue;
pub mod remote;
pub mod remove;
pub mod runs;
pub mod signals;

#[cfg(any(test, feature = "fake-engine"))]
pub mod fake;
#[cfg(test)]
mod tests;

pub use child_setup::ignore_checkpoint_requests;
pub use connection::{EngineConnection, connect, connect_read_only};
pub use engine_process::signal_engine;
pub use engine_session::{EngineSession, end_started_engine};
pub use error::ClientError;
pub use follow::{FollowedItem, RunFollower};
pub use launch::{
    EngineLaunch, connect_or_start, engine_command, engine_program, spawn_engine, start_engine, wait_for_engine_exit,
};

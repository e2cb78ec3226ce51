//! The whole workbench, driven by keys and by what the engine tells.

mod commands;
mod curves;
mod engine;
mod keys;
mod line;
mod mouse;
mod overlays;
mod screens;
mod surface;
mod table;
mod take;

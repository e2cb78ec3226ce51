//! The whole workbench, driven by keys and by what the engine tells.

mod commands;
mod engine;
mod mouse;
mod overlays;
mod screens;

//! The whole workbench, driven by keys and by what the engine tells.

mod banner;
mod commands;
mod curves;
mod engine;
mod export_dialog;
mod file_inputs;
mod keys;
mod mouse;
mod other_runs;
mod overlays;
mod paste;
mod plan;
mod readonly;
mod remote_line;
mod screens;
mod surface;
mod table;
mod typed;

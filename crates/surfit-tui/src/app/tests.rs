//! The whole workbench, driven by keys and by what the engine tells.

mod banner;
mod commands;
mod curves;
mod engine;
mod keys;
mod letters;
mod line;
mod mouse;
mod others;
mod overlays;
mod paste;
mod plan;
mod readonly;
mod screens;
mod surface;
mod table;
mod take;
mod typed;

//! What is drawn: one file per view, each a pure function of what it shows.

pub mod dialog;
pub mod footer;
pub mod header;
pub mod help;
pub mod log;
pub mod loss;
pub mod message;
pub mod models;
pub mod palette;
pub mod pane;
pub mod plot;
pub mod points;
pub mod popup;
pub mod progress;
pub mod runs;
pub mod scale;
pub mod screen;
pub mod slices;
pub mod surface;

//! Plain data and mathematics of surfit.
//!
//! Everything that the engine, the terminal and the command line share lives here: the tensor-product Bézier
//! surface, the configuration, the protocol between engine and clients, and the run directory. This crate
//! knows neither tensors nor terminals, so its parts are tested in microseconds and link nowhere heavy.

#![warn(missing_docs)]

pub mod axis_scale;
pub mod bernstein;
pub mod color_range;
pub mod colormap;
pub mod config;
pub mod corner_cache;
pub mod cost;
pub mod data_sets;
pub mod draws;
pub mod event;
pub mod figure;
pub mod files;
pub mod filter;
pub mod heatmap;
pub mod logging;
pub mod machine;
pub mod metrics;
pub mod model_card;
pub mod networks;
pub mod new_file;
pub mod numbers;
pub mod projection;
pub mod protocol;
pub mod random;
pub mod run_dir;
pub mod run_state;
pub mod schedule;
pub mod series;
pub mod snapshot;
pub mod study;
pub mod surface;
pub mod table;
pub mod text;

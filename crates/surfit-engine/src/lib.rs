//! Training, fitting and measuring surfaces: the only crate that sees libtorch.
//!
//! One engine process works on one run: [`serve::serve_run`] takes the run's lock, opens its socket, and lets the
//! actor do the work. Every report about the work goes through [`journal`].

pub mod actor;
pub mod align;
pub mod baselines;
pub mod bench;
pub mod checkpoint;
pub mod corner_cache;
pub mod data;
pub mod device;
pub mod digest;
pub mod error;
pub mod evaluate;
pub mod export;
mod export_folder;
pub mod geometry;
pub mod identity;
pub mod journal;
pub mod layout;
pub mod machine;
pub mod memory;
pub mod model;
pub mod model_file;
pub mod networks;
pub mod optimizer;
pub mod serve;
pub mod server;
pub mod surface;
pub mod trainer;

/// Release of libtorch that the engine is built with.
pub(crate) const LIBTORCH_VERSION: &str = "2.13.0";

pub use error::{EngineError, Result};

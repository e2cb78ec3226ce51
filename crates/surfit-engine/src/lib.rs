//! Training, fitting and measuring surfaces: the only crate that sees libtorch.
//!
//! One engine process works on one run: [`serve::serve_run`] takes the run's lock, opens its socket, and lets the
//! actor do the work. Every report about the work goes through `journal.rs`.

mod actor;
mod align;
mod baselines;
pub mod bench;
mod checkpoint;
mod corner_cache;
mod data;
mod device;
mod digest;
mod error;
mod evaluate;
mod export;
mod export_folder;
mod geometry;
mod identity;
mod journal;
mod layout;
mod machine;
mod memory;
mod model;
mod model_file;
mod networks;
mod optimizer;
mod serve;
mod server;
mod surface;
mod trainer;

pub(crate) const LIBTORCH_VERSION: &str = "2.13.0";

pub use actor::ServeOptions;
pub use error::{EngineError, Result};
pub use evaluate::MeasuredSplit;
pub use export::{config_from_card, evaluate_model};
pub use memory::configure_malloc;
pub use serve::serve_run;

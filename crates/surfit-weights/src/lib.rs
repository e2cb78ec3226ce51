//! Networks' weights without tensors: the files that hold them, and their names in these files.
//!
//! Nothing here sees libtorch, so that the terminal program can refuse a file before an engine is started.

#![warn(missing_docs)]

mod error;
pub mod file;
mod matched_file;
pub mod names;

pub use error::NetworkError;
pub use file::{TensorEntry, WeightFile, WeightFileError};
pub use matched_file::{MatchedFile, check_corner_files};
pub use safetensors::Dtype;

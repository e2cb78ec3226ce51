//! Networks' weights without tensors: their positions in a flat vector, their names, and the files that hold them.
//!
//! Nothing here sees libtorch, so that the terminal program can refuse a file before an engine is started.

pub mod file;
pub mod layout;
mod matched_file;
pub mod names;
pub mod networks;

pub use file::{TensorEntry, WeightFile, WeightFileError};
pub use matched_file::MatchedFile;
pub use safetensors::Dtype;

//! Data sets: where their files are, how they are fetched, checked and decoded to plain bytes.
//!
//! [`load`] gives three splits of images as bytes with everything that describes them. Which images a limit or a split
//! takes is a function of the seed, with every class in equal parts. No tensors and no terminal are in sight here.

#![warn(missing_docs)]

mod cache;
mod class_order;
mod class_sampling;
mod description;
mod digest;
mod error;
pub mod fetch;
pub mod find;
mod formats;
mod image_files;
mod images;
mod jpeg;
mod load;
pub mod pickle;
mod source;
mod splits;
pub mod verify;

pub use description::{SetDescription, describe_set};
pub use error::{DataError, Result};
pub use images::LabeledImages;
pub use load::{LoadedSet, load, normalization};

#[cfg(test)]
mod tests;

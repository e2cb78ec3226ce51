//! Data sets: the catalogue, where files are, how they are fetched, checked and decoded to plain bytes.
//!
//! [`load`] gives three splits of images as bytes with everything that describes them. Which images a limit or a split
//! takes is a function of the seed, with every class in equal parts. No tensors and no terminal are in sight here.

mod cache;
pub mod catalogue;
mod cifar;
mod class_order;
mod class_sampling;
mod description;
mod digest;
mod error;
mod fashion_small;
pub mod fetch;
pub mod find;
mod folder;
mod idx;
mod image_files;
mod images;
mod jpeg;
mod load;
pub mod pickle;
mod source;
mod splits;
mod tiny_imagenet;
pub mod verify;

pub use catalogue::{CATALOGUE, CatalogueEntry, find_entry};
pub use description::{SetDescription, describe_set};
pub use error::{DataError, Result};
pub use images::LabeledImages;
pub use load::{LoadedSet, load, normalization};

#[cfg(test)]
mod tests;

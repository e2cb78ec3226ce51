//! What panes and lists show, as tables of plain figures: for the clipboard and for files. Accuracies are fractions, times
//! seconds, and what is not known is left out.

mod curves;
mod lists;
mod surface;

pub use curves::{losses, readout as loss_readout};
pub use lists::{log, machine, models, runs};
pub use surface::{distances, format_point, points, readout as surface_readout, slices};

#[cfg(test)]
mod tests;

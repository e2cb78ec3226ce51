//! Parts that the panes draw with: a braille canvas, sparklines, curve sampling, text that flows.

pub mod chrome;
pub mod curve_plot;
pub mod curves;
pub mod dots;
pub mod spark;
pub mod text;

#[cfg(test)]
pub mod fixture;

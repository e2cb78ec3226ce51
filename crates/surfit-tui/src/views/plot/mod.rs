//! Parts that the panes draw with: a braille canvas, sparklines, curve sampling, text that flows.

pub mod blocks;
pub mod columns;
mod curve_draw;
mod curve_marks;
pub mod curve_plot;
pub mod curves;
pub mod dots;
pub mod pane_frame;
pub mod sparkline;
pub mod text;
pub mod ticks;
pub mod window;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub use tests::fixture;

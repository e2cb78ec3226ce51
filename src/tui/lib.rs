//! The terminal workbench of surfit.

pub mod color;
#[cfg(test)]
mod fixture;
mod paths;
pub mod theme;
pub mod views;

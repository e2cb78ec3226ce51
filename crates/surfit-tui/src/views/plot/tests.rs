//! What the tests of plots share.

pub mod fixture;

//! What the tests of several modules share: runs at their stages, and a workbench without a terminal.

pub(crate) mod fixture;
pub(crate) mod test_app;

//! What the tests of figures share.

pub(crate) mod test_data;

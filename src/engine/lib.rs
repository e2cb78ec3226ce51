//! Training, fitting and measuring surfaces: the only crate that sees libtorch

//! The terminal workbench of surfit

//! Figures and the written report of surfit

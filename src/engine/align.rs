//! Alignment.
use crate::Result;
use crate::layout::Layout;
use crate::networks::Network;
use surfit_core::config::AlignMethod;
use tch::Tensor;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report { pub moved: f64, pub logit_change: f64, pub distance: [f64;2] }
pub fn align(_network: &dyn Network, _reference: &Tensor, _other: &Tensor, _method: AlignMethod, _images: &Tensor) -> Result<(Tensor, Report)> { unimplemented!() }
pub fn permute(_layout: &Layout, _flat: &Tensor, _permutations: &[Vec<i64>]) -> Tensor { unimplemented!() }

//! The linear assignment problem.

use crate::{EngineError, Result};
use ndarray::Array2;
use tch::{Device, Kind, Tensor};

/// The permutation `p` for which `Σ_i score[i, p[i]]` is largest, for a square `score`. Values that are not finite
/// count as 0. Deterministic; of several equally good permutations it prefers the identity where it is one of them.
///
/// # Errors
/// When memory is short: a group of `n` units takes `16·n²` bytes.
pub(super) fn solve_assignment(score: &Tensor) -> Result<Vec<i64>> {
    let n = score.size()[0] as usize;
    let score = score.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?.f_nan_to_num(0.0, 0.0, 0.0)?;
    let values = Vec::<f64>::try_from(score.f_contiguous()?.f_view(-1)?)?;
    let failed = |e: &dyn std::fmt::Display| {
        EngineError::input(format!("cannot match {n} units: {e}; switch alignment off with align.enabled = false"))
    };
    let cost = Array2::from_shape_vec((n, n), values).map_err(|e| failed(&e))?.mapv_into(|v| -v);
    let (rows, _) = lapjv::lapjv(&cost).map_err(|e| failed(&e))?;
    // Dead units tie with each other. Moving them for nothing would make two equal networks look different.
    let total = |p: &dyn Fn(usize) -> usize| (0..n).map(|i| cost[(i, p(i))]).sum::<f64>();
    if total(&|i| i) <= total(&|i| rows[i]) {
        return Ok((0..n as i64).collect());
    }
    Ok(rows.into_iter().map(|j| j as i64).collect())
}

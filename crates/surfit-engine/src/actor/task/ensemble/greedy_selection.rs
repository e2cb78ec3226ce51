//! The vote of several networks: the mean of their class probabilities.

use crate::data::DataSplit;
use crate::evaluate::{measure_ensemble, measure_probability_sum};
use crate::layout::RunningStats;
use crate::model::Measurement;
use crate::{EngineError, Result};
use tch::{Kind, Tensor};

/// A network that was measured on the validation split.
#[derive(Debug)]
pub(super) struct VotingMember {
    pub uv: (f64, f64),
    pub stats: RunningStats,
    pub accuracy: f64,
    /// Probabilities of the classes for every validation image, `[N, classes]`.
    pub validation_probabilities: Tensor,
}

/// The `count` members that make the ensemble best on validation, each chosen after the one before it (Caruana et al. 2004);
/// ties by loss, then by order.
pub(super) fn select_greedily(
    mut pool: Vec<VotingMember>,
    count: usize,
    split: &DataSplit,
) -> Result<Vec<VotingMember>> {
    let mut members: Vec<VotingMember> = Vec::new();
    let mut sum: Option<Tensor> = None;
    while members.len() < count && !pool.is_empty() {
        let mut best: Option<(Measurement, usize)> = None;
        for (index, candidate) in pool.iter().enumerate() {
            let with = match &sum {
                Some(sum) => sum + &candidate.validation_probabilities,
                None => candidate.validation_probabilities.shallow_clone(),
            };
            let m = measure_probability_sum(&with, members.len() + 1, split)?;
            if best.as_ref().is_none_or(|(b, _)| m.selection_key() > b.selection_key()) {
                best = Some((m, index));
            }
        }
        let Some((_, index)) = best else { break };
        let member = pool.remove(index);
        sum = Some(match sum {
            Some(sum) => sum + &member.validation_probabilities,
            None => member.validation_probabilities.copy(),
        });
        members.push(member);
    }
    Ok(members)
}

/// The ensemble of these members on the validation split.
pub(super) fn measure_members(members: &[VotingMember], split: &DataSplit) -> Result<Measurement> {
    let all: Vec<Tensor> = members.iter().map(|m| m.validation_probabilities.shallow_clone()).collect();
    let sum = Tensor::f_stack(&all, 0)?.f_sum_dim_intlist([0i64].as_slice(), false, Kind::Float)?;
    measure_ensemble(&sum, all.len(), split)
}

pub(super) fn require_probabilities(all: Option<Tensor>) -> Result<Tensor> {
    all.ok_or_else(|| EngineError::input("there are no images to measure an ensemble on"))
}

//! Which unit of one network is which of the other's.

use super::{assignment, image_batches, permute_parameter};
use crate::Result;
use crate::layout::{LayoutTensors, NormStatistics, WeightLayout};
use crate::networks::{ActivationHooks, Network};
use std::collections::BTreeSet;
use tch::{Device, Kind, Tensor};

/// The search for each group's permutation, in steps of a batch or a group.
#[derive(Debug)]
pub(super) enum PermutationSearch {
    /// For each group the permutation of `other` under which activations correlate best with those of `reference`, over
    /// images and positions (Li et al. 2015).
    Activations {
        /// Batches of images seen, and in all.
        batches_done: usize,
        batch_count: usize,
        /// One for every place where a group's units are seen, with the group.
        moments: Vec<(usize, ActivationMoments)>,
        permutations: Vec<Vec<i64>>,
        groups: usize,
    },
    /// Matching by inner products of weights.
    Weights(WeightMatching),
}

/// For each group the permutation of `other` under which the inner product of the weights with those of `reference` is
/// largest, group by group until no group gains by another (Ainsworth et al. 2023, algorithm 1, but with the groups in the
/// layout's order).
#[derive(Debug)]
pub(super) struct WeightMatching {
    permutations: Vec<Vec<i64>>,
    neighbours: Vec<Vec<usize>>,
    /// A group's inner products change with its neighbours' permutations alone.
    stale: Vec<bool>,
    /// The group that comes next, and how often all were gone through.
    next_group: usize,
    sweeps: usize,
}

impl PermutationSearch {
    pub(super) fn by_activations(layout: &WeightLayout, parts: usize) -> Self {
        Self::Activations {
            batches_done: 0,
            batch_count: parts,
            moments: Vec::new(),
            permutations: Vec::new(),
            groups: layout.groups.len(),
        }
    }

    /// Steps done and in all; the number of sweeps over the weights is not known beforehand.
    pub(super) fn progress(&self) -> (u64, u64) {
        match self {
            Self::Activations { batches_done: seen, batch_count: parts, permutations, groups, .. } => {
                ((seen + permutations.len()) as u64, (parts + groups) as u64)
            }
            Self::Weights(WeightMatching { stale, .. }) => {
                let left = stale.iter().filter(|&&s| s).count() as u64;
                (stale.len() as u64 - left, stale.len() as u64)
            }
        }
    }

    /// One batch or one group; every group's permutation at the end.
    pub(super) fn step(
        &mut self,
        network: &Network,
        reference: &Tensor,
        other: &Tensor,
        images: &Tensor,
    ) -> Result<Option<Vec<Vec<i64>>>> {
        let layout = network.layout();
        match self {
            Self::Activations { batches_done: seen, batch_count: count, moments: sums, permutations, groups } => {
                if *seen < *count {
                    let part = &image_batches(images)[*seen];
                    record_activations(network, reference, other, part, sums)?;
                    *seen += 1;
                    return Ok(None);
                }
                if permutations.len() < *groups {
                    let group = permutations.len();
                    // The correlations at all places together, so that a place with large activations counts no more
                    // than the others.
                    let size = layout.groups[group].size;
                    let mut score = Tensor::f_zeros([size, size], (Kind::Double, Device::Cpu))?;
                    for (_, sum) in sums.iter().filter(|(of, _)| *of == group) {
                        score += sum.correlation()?;
                    }
                    permutations.push(assignment::solve_assignment(&score)?);
                    return Ok(None);
                }
                Ok(Some(std::mem::take(permutations)))
            }
            Self::Weights(weights) => weights.step(layout, reference, other),
        }
    }
}

impl WeightMatching {
    pub(super) fn new(layout: &WeightLayout) -> Self {
        let permutations: Vec<Vec<i64>> = layout.groups.iter().map(|group| (0..group.size).collect()).collect();
        Self {
            neighbours: neighbouring_groups(layout),
            stale: vec![true; permutations.len()],
            permutations,
            next_group: 0,
            sweeps: 0,
        }
    }

    /// One group; every group's permutation at the end.
    pub(super) fn step(
        &mut self,
        layout: &WeightLayout,
        reference: &Tensor,
        other: &Tensor,
    ) -> Result<Option<Vec<Vec<i64>>>> {
        /// The inner product rises with every change, so that the search ends by itself; this guards against rounding.
        const MAX_SWEEPS: usize = 100;
        let Some(at) = (self.next_group..self.stale.len()).find(|&g| self.stale[g]) else {
            self.sweeps += 1;
            self.next_group = 0;
            let over = !self.stale.contains(&true) || self.sweeps >= MAX_SWEEPS;
            return Ok(over.then(|| std::mem::take(&mut self.permutations)));
        };
        self.stale[at] = false;
        self.next_group = at + 1;
        let targets = layout.views(reference);
        let score = weight_score(layout, &targets, other, at, &self.permutations)?;
        let better = assignment::solve_assignment(&score)?;
        let total = |p: &[i64]| -> f64 { p.iter().enumerate().map(|(i, &j)| score.double_value(&[i as i64, j])).sum() };
        let (old, new) = (total(&self.permutations[at]), total(&better));
        if new > old + 1e-9 * old.abs() {
            self.permutations[at] = better;
            for &near in &self.neighbours[at] {
                self.stale[near] = true;
            }
        }
        Ok(None)
    }
}

/// Adds what both networks' units do on some images to the sums.
fn record_activations(
    network: &Network,
    reference: &Tensor,
    other: &Tensor,
    images: &Tensor,
    sums: &mut Vec<(usize, ActivationMoments)>,
) -> Result<()> {
    let layout = network.layout();
    let mut taps = [ActivationHooks::default(), ActivationHooks::default()];
    for (flat, taps) in [reference, other].into_iter().zip(&mut taps) {
        // Only what it leaves in `taps` matters.
        let views = layout.views(flat);
        let _ = network.forward(views.as_slice().into(), images, &mut NormStatistics::Batch, Some(taps));
    }
    let [a, b] = taps;
    for (place, ((group, a), (_, b))) in a.0.into_iter().zip(b.0).enumerate() {
        let moments = ActivationMoments::from_activations(&unit_rows(&a)?, &unit_rows(&b)?)?;
        match sums.get_mut(place) {
            Some((_, sum)) => sum.add(&moments),
            None => sums.push((group, moments)),
        }
    }
    Ok(())
}

/// Activations `[N, units, …]` as `[units, N·…]`.
fn unit_rows(taps: &Tensor) -> Result<Tensor> {
    let units = taps.size()[1];
    Ok(taps.f_transpose(0, 1)?.f_reshape([units, -1])?.f_to_kind(Kind::Float)?)
}

/// Sums over observations of two sets of units, in `f64` on the CPU, from which their correlations follow.
#[derive(Debug)]
pub(super) struct ActivationMoments {
    count: f64,
    /// Sums of each unit, and of its squares, `[units]`, for both networks.
    sums: [Tensor; 2],
    square_sums: [Tensor; 2],
    /// Sums of products, `[units, units]`.
    product_sums: Tensor,
}

impl ActivationMoments {
    fn from_activations(a: &Tensor, b: &Tensor) -> Result<Self> {
        // Not every device has `f64`, so that only the results become wide.
        let wide = |x: Tensor| x.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double);
        let first = |x: &Tensor| wide(x.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Float)?);
        let second = |x: &Tensor| first(&x.f_square()?);
        Ok(Self {
            count: a.size()[1] as f64,
            sums: [first(a)?, first(b)?],
            square_sums: [second(a)?, second(b)?],
            product_sums: wide(a.f_matmul(&b.f_transpose(0, 1)?)?)?,
        })
    }

    fn add(&mut self, more: &ActivationMoments) {
        self.count += more.count;
        for i in 0..2 {
            self.sums[i] += &more.sums[i];
            self.square_sums[i] += &more.square_sums[i];
        }
        self.product_sums += &more.product_sums;
    }

    /// Correlations, `[units of a, units of b]`; 0 for units that never change.
    fn correlation(&self) -> Result<Tensor> {
        let mean = [&self.sums[0] / self.count, &self.sums[1] / self.count];
        let deviation = |i: usize| -> Result<Tensor> {
            let variance = &self.square_sums[i] / self.count - mean[i].f_square()?;
            // Rounding leaves constant units a little variance of either sign, nothing that may be divided by.
            let floor = &self.square_sums[i] * (1e-6 / self.count);
            Ok(variance.where_self(&variance.gt_tensor(&floor), &Tensor::from(f64::INFINITY)).f_sqrt()?)
        };
        let covariance = &self.product_sums / self.count - mean[0].f_outer(&mean[1])?;
        Ok(covariance.f_div(&deviation(0)?.f_outer(&deviation(1)?)?)?)
    }
}

/// For each group the others that share a parameter with it.
fn neighbouring_groups(layout: &WeightLayout) -> Vec<Vec<usize>> {
    let of = |group: usize| {
        let groups = layout.parameters.iter().map(|p| {
            let axes = p.axes.iter().flatten();
            axes.map(|axis| axis.group).collect::<BTreeSet<_>>()
        });
        let mut near = BTreeSet::new();
        groups.filter(|groups| groups.contains(&group)).for_each(|groups| near.extend(groups));
        near.remove(&group);
        near.into_iter().collect()
    };
    (0..layout.groups.len()).map(of).collect()
}

/// Inner products of the weights that belong to each unit of `group` in the reference, `targets`, and in `other`
/// with the other groups permuted, `[units, units]`, `f64` on the CPU.
fn weight_score(
    layout: &WeightLayout,
    targets: &[Tensor],
    other: &Tensor,
    group: usize,
    permutations: &[Vec<i64>],
) -> Result<Tensor> {
    let size = layout.groups[group].size;
    let mut score = Tensor::f_zeros([size, size], (Kind::Double, Device::Cpu))?;
    for (index, parameter) in layout.parameters.iter().enumerate() {
        for (dim, axis) in parameter.axes.iter().enumerate() {
            if axis.is_none_or(|axis| axis.group != group) {
                continue;
            }
            let repeat = axis.map_or(1, |axis| axis.repeat);
            let rows = |tensor: &Tensor| -> Result<Tensor> {
                // A unit's block is contiguous, so that it becomes part of the unit's row.
                Ok(tensor
                    .f_movedim_int(dim as i64, 0)?
                    .f_reshape([repeat, size, -1])?
                    .f_transpose(0, 1)?
                    .f_reshape([size, -1])?)
            };
            let a = rows(&targets[index])?;
            let b = rows(&permute_parameter(layout, other, index, permutations, Some(dim)))?;
            let products = a.f_matmul(&b.f_transpose(0, 1)?)?;
            score += products.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?;
        }
    }
    Ok(score)
}

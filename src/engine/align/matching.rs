//! Which unit of one network is which of the other's.

use super::{assignment, parts, permuted_parameter};
use crate::Result;
use crate::layout::{Layout, Norms};
use crate::networks::{Network, Taps};
use std::collections::BTreeSet;
use tch::{Device, Kind, Tensor};

/// For each group the permutation of `other` under which activations correlate best with those of `reference`, over
/// images and positions (Li et al. 2015).
pub(super) fn by_activations(
    network: &dyn Network,
    reference: &Tensor,
    other: &Tensor,
    images: &Tensor,
) -> Result<Vec<Vec<i64>>> {
    let layout = network.layout();
    let weights = [layout.views(reference), layout.views(other)];
    // One for every place where a group's units are seen, with the group.
    let mut sums: Vec<(usize, Moments)> = Vec::new();
    for part in parts(images) {
        let mut taps = [Taps::default(), Taps::default()];
        for (weights, taps) in weights.iter().zip(&mut taps) {
            // Only what it leaves in `taps` matters.
            let _ = network.forward(weights, &part, &mut Norms::Batch, Some(taps));
        }
        let [a, b] = taps;
        for (place, ((group, a), (_, b))) in a.into_iter().zip(b).enumerate() {
            let moments = Moments::of(&unit_rows(&a)?, &unit_rows(&b)?)?;
            match sums.get_mut(place) {
                Some((_, sum)) => sum.add(&moments),
                None => sums.push((group, moments)),
            }
        }
    }
    (0..layout.groups.len())
        .map(|group| {
            // The correlations at all places together, so that a place with large activations counts no more than
            // the others.
            let size = layout.groups[group].size;
            let mut score = Tensor::f_zeros([size, size], (Kind::Double, Device::Cpu))?;
            for (_, sum) in sums.iter().filter(|(of, _)| *of == group) {
                score += sum.correlation()?;
            }
            assignment::largest(&score)
        })
        .collect()
}

/// Activations `[N, units, …]` as `[units, N·…]`.
fn unit_rows(taps: &Tensor) -> Result<Tensor> {
    let units = taps.size()[1];
    Ok(taps
        .f_transpose(0, 1)?
        .f_reshape([units, -1])?
        .f_to_kind(Kind::Float)?)
}

/// Sums over observations of two sets of units, in `f64` on the CPU, from which their correlations follow.
struct Moments {
    count: f64,
    /// Sums of each unit, and of its squares, `[units]`, for both networks.
    first: [Tensor; 2],
    second: [Tensor; 2],
    /// Sums of products, `[units, units]`.
    product: Tensor,
}

impl Moments {
    fn of(a: &Tensor, b: &Tensor) -> Result<Self> {
        // Not every device has `f64`, so that only the results become wide.
        let wide = |x: Tensor| x.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double);
        let first =
            |x: &Tensor| wide(x.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Float)?);
        let second = |x: &Tensor| first(&x.f_square()?);
        Ok(Self {
            count: a.size()[1] as f64,
            first: [first(a)?, first(b)?],
            second: [second(a)?, second(b)?],
            product: wide(a.f_matmul(&b.f_transpose(0, 1)?)?)?,
        })
    }

    fn add(&mut self, more: &Moments) {
        self.count += more.count;
        for i in 0..2 {
            self.first[i] += &more.first[i];
            self.second[i] += &more.second[i];
        }
        self.product += &more.product;
    }

    /// Correlations, `[units of a, units of b]`; 0 for units that never change.
    fn correlation(&self) -> Result<Tensor> {
        let mean = [&self.first[0] / self.count, &self.first[1] / self.count];
        let deviation = |i: usize| -> Result<Tensor> {
            let variance = &self.second[i] / self.count - mean[i].f_square()?;
            // Rounding leaves constant units a little variance of either sign, nothing that may be divided by.
            let floor = &self.second[i] * (1e-6 / self.count);
            Ok(variance
                .where_self(&variance.gt_tensor(&floor), &Tensor::from(f64::INFINITY))
                .f_sqrt()?)
        };
        let covariance = &self.product / self.count - mean[0].f_outer(&mean[1])?;
        Ok(covariance.f_div(&deviation(0)?.f_outer(&deviation(1)?)?)?)
    }
}

/// For each group the permutation of `other` under which the inner product of the weights with those of `reference`
/// is largest, group by group until no group gains by another (Ainsworth et al. 2023, algorithm 1, but with the
/// groups in the layout's order).
pub(super) fn by_weights(
    layout: &Layout,
    reference: &Tensor,
    other: &Tensor,
) -> Result<Vec<Vec<i64>>> {
    /// The inner product rises with every change, so that the loop ends by itself; this guards against rounding.
    const SWEEPS: usize = 100;
    let mut permutations: Vec<Vec<i64>> = layout
        .groups
        .iter()
        .map(|group| (0..group.size).collect())
        .collect();
    let targets = layout.views(reference);
    let neighbours = neighbours(layout);
    // A group's inner products change with its neighbours' permutations alone.
    let mut stale = vec![true; permutations.len()];
    for _ in 0..SWEEPS {
        for group in 0..permutations.len() {
            if !std::mem::take(&mut stale[group]) {
                continue;
            }
            let score = weight_score(layout, &targets, other, group, &permutations)?;
            let better = assignment::largest(&score)?;
            let total = |p: &[i64]| -> f64 {
                p.iter()
                    .enumerate()
                    .map(|(i, &j)| score.double_value(&[i as i64, j]))
                    .sum()
            };
            let (old, new) = (total(&permutations[group]), total(&better));
            if new > old + 1e-9 * old.abs() {
                permutations[group] = better;
                neighbours[group].iter().for_each(|&n| stale[n] = true);
            }
        }
        if !stale.contains(&true) {
            break;
        }
    }
    Ok(permutations)
}

/// For each group the others that share a parameter with it.
fn neighbours(layout: &Layout) -> Vec<Vec<usize>> {
    let of = |group: usize| {
        let groups = layout.parameters.iter().map(|p| {
            let axes = p.axes.iter().flatten();
            axes.map(|axis| axis.group).collect::<BTreeSet<_>>()
        });
        let mut near = BTreeSet::new();
        groups
            .filter(|groups| groups.contains(&group))
            .for_each(|groups| near.extend(groups));
        near.remove(&group);
        near.into_iter().collect()
    };
    (0..layout.groups.len()).map(of).collect()
}

/// Inner products of the weights that belong to each unit of `group` in the reference, `targets`, and in `other`
/// with the other groups permuted, `[units, units]`, `f64` on the CPU.
fn weight_score(
    layout: &Layout,
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
                // A unit's block lies together, so that it becomes part of the unit's row.
                Ok(tensor
                    .f_movedim_int(dim as i64, 0)?
                    .f_reshape([repeat, size, -1])?
                    .f_transpose(0, 1)?
                    .f_reshape([size, -1])?)
            };
            let a = rows(&targets[index])?;
            let b = rows(&permuted_parameter(
                layout,
                other,
                index,
                permutations,
                Some(dim),
            ))?;
            let products = a.f_matmul(&b.f_transpose(0, 1)?)?;
            score += products.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?;
        }
    }
    Ok(score)
}

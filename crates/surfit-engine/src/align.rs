//! Alignment: permuting a network's hidden units to match another's.
//!
//! Hidden units can be renumbered without changing what a network computes. Two networks that were trained apart
//! number alike units differently, and most of the barrier between them comes from that (Entezari et al. 2022).
//! Units are matched by their activations (Li et al. 2015) or by their weights (Ainsworth, Hayase, Srinivasa, "Git
//! Re-Basin", ICLR 2023), each group of units by a linear assignment.

mod assignment;
mod permutation_search;

use crate::evaluate::batch_size;
use crate::layout::{LayoutTensors, NormStatistics, WeightLayout};
use crate::networks::Network;
use crate::{EngineError, Result};
use permutation_search::{PermutationSearch, WeightMatching};
use surfit_core::config::AlignMethod;
use surfit_core::event::Alignment;
use tch::{Device, Tensor};

/// Rounding in another order of summation changes logits by less than this, a wrong permutation by much more.
const MAX_LOGIT_CHANGE: f64 = 1e-3;
/// The same on a GPU, whose convolutions may round what they multiply to ten bits.
const MAX_LOGIT_CHANGE_GPU: f64 = 2e-2;

/// An alignment in small steps, so that commands can be processed in between. A function of its arguments: nothing is
/// drawn.
#[derive(Debug)]
pub struct AlignmentRun {
    reference: Tensor,
    other: Tensor,
    images: Tensor,
    search: PermutationSearch,
}

impl AlignmentRun {
    /// Permutes the hidden units of `other`, `[P]`, to match those of `reference`, `[P]`, and checks on some of `images`,
    /// `[N, C, H, W]`, normalized, that the permuted network computes what it did.
    pub fn new(network: &Network, reference: &Tensor, other: &Tensor, method: AlignMethod, images: &Tensor) -> Self {
        let layout = network.layout();
        let matching = match method {
            AlignMethod::Activation => PermutationSearch::by_activations(layout, image_batches(images).len()),
            AlignMethod::Weight => PermutationSearch::Weights(WeightMatching::new(layout)),
        };
        Self {
            reference: reference.shallow_clone(),
            other: other.shallow_clone(),
            images: images.shallow_clone(),
            search: matching,
        }
    }

    /// Steps done and in all, as far as they can be known.
    pub fn progress(&self) -> (u64, u64) {
        let (done, total) = self.search.progress();
        (done, total + 1)
    }

    /// One batch, or one group of units; the aligned network at the end, with a report in which the corner's number is left open.
    ///
    /// # Errors
    /// When the permuted network's logits differ, which weights that are not finite bring about, and when memory is
    /// short.
    pub fn step(&mut self, network: &Network) -> Result<Option<(Tensor, Alignment)>> {
        let _guard = tch::no_grad_guard();
        let (reference, other) = (&self.reference, &self.other);
        match self.search.step(network, reference, other, &self.images)? {
            None => Ok(None),
            Some(permutations) => apply_and_verify(network, reference, other, &permutations, &self.images).map(Some),
        }
    }
}

fn apply_and_verify(
    network: &Network,
    reference: &Tensor,
    other: &Tensor,
    permutations: &[Vec<i64>],
    images: &Tensor,
) -> Result<(Tensor, Alignment)> {
    let aligned = permute(network.layout(), other, permutations);
    let units: usize = permutations.iter().map(Vec::len).sum();
    let moved = permutations.iter().flat_map(|p| p.iter().enumerate()).filter(|&(to, &from)| to as i64 != from).count();
    let logit_change = relative_logit_change(network, other, &aligned, images);
    let largest = match other.device() {
        Device::Cpu => MAX_LOGIT_CHANGE,
        _ => MAX_LOGIT_CHANGE_GPU,
    };
    if logit_change.is_nan() || logit_change > largest {
        return Err(EngineError::input(format!(
            "aligning changed what a corner computes by {logit_change:.1e} of its largest logit; its weights may \
             have diverged: use another corner, or switch alignment off with align.enabled = false"
        )));
    }
    let distance = |flat: &Tensor| (flat - reference).norm().double_value(&[]);
    let report = Alignment {
        index: 0,
        moved: moved as f64 / units.max(1) as f64,
        logit_change,
        distance: [distance(other), distance(&aligned)],
    };
    Ok((aligned, report))
}

/// Permutes a network's units: unit `i` of group `g` becomes what unit `permutations[g][i]` is in `flat`, `[P]`. Gives
/// a new vector, `[P]`, on the same device.
pub fn permute(layout: &WeightLayout, flat: &Tensor, permutations: &[Vec<i64>]) -> Tensor {
    let result = flat.detach().copy();
    for (index, parameter) in layout.parameters.iter().enumerate() {
        let permuted = permute_parameter(layout, flat, index, permutations, None);
        result.narrow(0, parameter.offset, parameter.len()).copy_(&permuted.reshape([-1]));
    }
    result
}

/// One parameter of `flat` with every axis permuted but `except`.
fn permute_parameter(
    layout: &WeightLayout,
    flat: &Tensor,
    index: usize,
    permutations: &[Vec<i64>],
    except: Option<usize>,
) -> Tensor {
    let parameter = &layout.parameters[index];
    let mut tensor = flat.detach().narrow(0, parameter.offset, parameter.len()).view(parameter.shape.as_slice());
    for (dim, axis) in parameter.axes.iter().enumerate() {
        let Some(axis) = axis.filter(|_| except != Some(dim)) else {
            continue;
        };
        let entries = axis.permuted_entries(&permutations[axis.group]);
        let entries = Tensor::from_slice(&entries).to_device(flat.device());
        tensor = tensor.index_select(dim as i64, &entries);
    }
    tensor
}

/// The images in parts of about a training batch, of nearly equal size, so that none has just one image: batch
/// norm can do nothing with that. As evaluations on a CPU, on whatever device.
fn image_batches(images: &Tensor) -> Vec<Tensor> {
    let pixels = images.size()[2..].iter().product();
    let part = batch_size(pixels, Device::Cpu);
    images.tensor_split((images.size()[0] + part - 1) / part, 0)
}

/// Largest difference between the logits of two weight vectors, relative to the largest logit of the first.
fn relative_logit_change(network: &Network, a: &Tensor, b: &Tensor, images: &Tensor) -> f64 {
    /// A wrong permutation shows on any image.
    const MAX_CHECKED_IMAGES: i64 = 256;
    let images = images.narrow(0, 0, images.size()[0].min(MAX_CHECKED_IMAGES));
    let (a, b) = (network.layout().views(a), network.layout().views(b));
    let (mut difference, mut largest) = (0f64, 0f64);
    // `f64::max` would pass over a value that is not a number.
    let worst = |a: f64, b: f64| if b.is_nan() || b > a { b } else { a };
    for part in image_batches(&images) {
        let logits = |weights: &[Tensor]| network.forward(weights.into(), &part, &mut NormStatistics::Batch, None);
        let (a, b) = (logits(&a), logits(&b));
        difference = worst(difference, (&a - &b).abs().max().double_value(&[]));
        largest = worst(largest, a.abs().max().double_value(&[]));
    }
    if difference == 0.0 && largest.is_finite() { 0.0 } else { difference / largest }
}

#[cfg(test)]
mod tests;

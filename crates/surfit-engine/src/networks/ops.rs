//! Operations that several networks share.

use super::{ActivationHooks, DeferredConvGrads, ForwardWeights};
use crate::layout::NormStatistics;
use tch::Tensor;

/// A forward pass on its way through the parameters, in the layout's order.
#[derive(Debug)]
pub struct ForwardWalk<'a, 'b> {
    weights: ForwardWeights<'a>,
    norms: &'a mut NormStatistics<'b>,
    hooks: Option<&'a mut ActivationHooks>,
    /// Parameters and batch-norm layers passed so far.
    parameter: usize,
    layer: usize,
}

impl<'a, 'b> ForwardWalk<'a, 'b> {
    pub(super) fn new(
        weights: ForwardWeights<'a>,
        norms: &'a mut NormStatistics<'b>,
        hooks: Option<&'a mut ActivationHooks>,
    ) -> Self {
        Self { weights, norms, hooks, parameter: 0, layer: 0 }
    }

    /// Whether activations are recorded.
    pub(super) fn has_hooks(&self) -> bool {
        self.hooks.is_some()
    }

    /// Shows activations `x`, `[N, units, …]`, of the units of `group` to their recorder.
    pub(super) fn record(&mut self, group: usize, x: &Tensor) {
        if let Some(hooks) = &mut self.hooks {
            hooks.record(group, x);
        }
    }

    pub(super) fn next_parameter(&mut self) -> &'a Tensor {
        self.parameter += 1;
        self.weights.views.get(self.parameter - 1).expect("a forward pass reads the parameters of its layout")
    }

    /// A convolution without bias, padded by half its kernel.
    pub(super) fn conv(&mut self, x: &Tensor, stride: i64) -> Tensor {
        let weight = self.next_parameter();
        let parameter = self.parameter - 1;
        self.convolve_deferred(|products| products.convolve(parameter, weight, x, stride))
            .unwrap_or_else(|| x.conv2d(weight, None::<&Tensor>, stride, weight.size()[2] / 2, 1, 1))
    }

    /// A convolution with bias, padded by half its kernel.
    pub(super) fn conv_with_bias(&mut self, x: &Tensor) -> Tensor {
        let (weight, bias) = (self.next_parameter(), self.next_parameter());
        let parameter = self.parameter - 2;
        self.convolve_deferred(|products| products.convolve(parameter, weight, x, 1))
            .map(|y| y + bias.view([1, -1, 1, 1]))
            .unwrap_or_else(|| x.conv2d(weight, Some(bias), 1, weight.size()[2] / 2, 1, 1))
    }

    /// A convolution whose weight gradient is formed apart, where one is wanted.
    fn convolve_deferred(&mut self, convolve: impl FnOnce(&mut DeferredConvGrads) -> Option<Tensor>) -> Option<Tensor> {
        self.weights.deferred_grads.as_deref_mut().and_then(convolve)
    }

    /// The next batch-norm layer.
    pub(super) fn batch_norm(&mut self, x: &Tensor) -> Tensor {
        let (weight, bias) = (self.next_parameter(), self.next_parameter());
        self.layer += 1;
        self.norms.apply(self.layer - 1, x, weight, bias)
    }

    /// A linear layer with bias.
    pub(super) fn linear(&mut self, x: &Tensor) -> Tensor {
        let (weight, bias) = (self.next_parameter(), self.next_parameter());
        x.linear(weight, Some(bias))
    }

    /// A layer norm over the last axis of `x`, `f32`.
    pub(super) fn layer_norm(&mut self, x: &Tensor, eps: f64) -> Tensor {
        let (weight, bias) = (self.next_parameter(), self.next_parameter());
        x.layer_norm(weight.size(), Some(weight), Some(bias), eps, true)
    }
}

/// `x`, `[N, C, H, W]`, with the channels of a pixel side by side in memory. On a CPU that makes pooling ten times
/// as fast, batch norm twice, and changes no result but by rounding.
pub(super) fn channels_last(x: &Tensor) -> Tensor {
    let size = x.size();
    // By way of a flat view: with one channel the strides would otherwise stay those of the other order, and
    // libtorch goes by strides.
    x.permute([0, 2, 3, 1]).contiguous().view(-1).view([size[0], size[2], size[3], size[1]]).permute([0, 3, 1, 2])
}

/// Max pooling of 2×2 pixels; of an odd number of pixels the last one is left out.
pub(super) fn max_pool(x: &Tensor) -> Tensor {
    if x.requires_grad() {
        return x.max_pool2d(2, 2, 0, 1, false);
    }
    // Without a gradient the largest pixel's index is not needed, and this is three times as fast.
    let size = x.size();
    let half = |x: &Tensor, dim: i64, first: i64| x.slice(dim, first, size[dim as usize] / 2 * 2, 2);
    let rows = half(x, 2, 0).maximum(&half(x, 2, 1));
    half(&rows, 3, 0).maximum(&half(&rows, 3, 1))
}

//! Interprets the operations of an [`Architecture`](surfit_core::networks::Architecture) with tensors.

use super::{ActivationHooks, DeferredConvGrads, ForwardWeights};
use crate::layout::NormStatistics;
use surfit_core::networks::{MaxPooling, Operation};
use tch::{Device, Kind, Tensor};

/// What layer norm adds to the variance; timm's own, not PyTorch's default.
const LAYER_NORM_EPS: f64 = 1e-6;

/// A forward pass on its way through the parameters, in the layout's order.
#[derive(Debug)]
pub(super) struct ForwardWalk<'a, 'b> {
    weights: ForwardWeights<'a>,
    norms: &'a mut NormStatistics<'b>,
    hooks: Option<&'a mut ActivationHooks>,
    /// Type that the network computes in.
    kind: Kind,
    /// Parameters and batch-norm layers passed so far.
    parameter: usize,
    layer: usize,
}

/// What an operation made, and whether the next may overwrite it: nobody else holds it, and no backward pass needs it.
struct Activation {
    values: Tensor,
    is_free: bool,
}

impl<'a, 'b> ForwardWalk<'a, 'b> {
    pub fn new(
        weights: ForwardWeights<'a>,
        norms: &'a mut NormStatistics<'b>,
        hooks: Option<&'a mut ActivationHooks>,
        kind: Kind,
    ) -> Self {
        Self { weights, norms, hooks, kind, parameter: 0, layer: 0 }
    }

    /// The values that `operations` make of `x`, one after the other.
    pub fn compute(&mut self, operations: &[Operation], x: Tensor) -> Tensor {
        self.apply_all(operations, Activation { values: x, is_free: false }).values
    }

    fn apply_all(&mut self, mut operations: &[Operation], mut x: Activation) -> Activation {
        loop {
            (x, operations) = match operations {
                [] => return x,
                // ReLU and maximum commute, and behind the pooling there is a quarter of the work.
                [Operation::Relu { group }, Operation::MaxPool(pooling), rest @ ..] => {
                    if self.hooks.is_some() {
                        self.record(*group, &x.values.relu());
                    }
                    let pooled = max_pool(&x.values, *pooling);
                    (Activation { values: pooled, is_free: true }.relu(), rest)
                }
                [operation, rest @ ..] => (self.apply(operation, x), rest),
            }
        }
    }

    fn apply(&mut self, operation: &Operation, x: Activation) -> Activation {
        let of = |values: Tensor, is_free: bool| Activation { values, is_free };
        match operation {
            Operation::Convolution { stride, has_bias, is_deferrable } => {
                // A deferred gradient is that of the output as it is, so that nothing may be written over it.
                of(self.convolve(&x.values, *stride, *has_bias, *is_deferrable), *has_bias)
            }
            Operation::BatchNorm => of(self.batch_norm(&x.values), true),
            Operation::LayerNorm => of(self.layer_norm(&x.values), false),
            Operation::Linear => of(self.linear(&x.values), false),
            Operation::Relu { group } => {
                let x = x.relu();
                self.record(*group, &x.values);
                x
            }
            Operation::Gelu { group } => {
                let y = x.values.gelu("none");
                self.record(*group, &y);
                of(y, false)
            }
            Operation::MaxPool(pooling) => of(max_pool(&x.values, *pooling), true),
            Operation::GlobalAveragePooling => of(x.values.mean_dim([2i64, 3].as_slice(), false, None), false),
            Operation::AdaptiveAveragePooling { side } => {
                of(x.values.adaptive_avg_pool2d([*side, *side]).flatten(1, -1), false)
            }
            Operation::Flatten => of(x.values.flatten(1, -1), false),
            Operation::PatchTokens { patch, group } => {
                let tokens = self.patch_tokens(&x.values, *patch);
                self.record(Some(*group), &tokens);
                of(tokens, false)
            }
            Operation::Attention { heads, group } => of(self.attention(&x.values, *heads, *group), false),
            Operation::ClassToken => of(x.values.select(1, 0), false),
            Operation::Residual { branch, shortcut, group } => {
                let shared = || of(x.values.shallow_clone(), false);
                let mut y = self.apply_all(branch, shared());
                let around = self.apply_all(shortcut, shared()).values;
                // Of different types the sum has the wider one.
                let sum = match y.is_free && y.values.kind() == around.kind() {
                    true => y.values.g_add_(&around),
                    false => &y.values + &around,
                };
                self.record(*group, &sum);
                of(sum, group.is_none())
            }
        }
    }

    /// Shows activations `x`, `[N, units, …]` or tokens `[N, T, units]`, of the units of `group` to their recorder.
    fn record(&mut self, group: Option<usize>, x: &Tensor) {
        if let (Some(hooks), Some(group)) = (&mut self.hooks, group) {
            // Units come before tokens in what is shown.
            if x.dim() == 3 { hooks.record(group, &x.transpose(1, 2)) } else { hooks.record(group, x) }
        }
    }

    fn next_parameter(&mut self) -> &'a Tensor {
        self.parameter += 1;
        self.weights.views.get(self.parameter - 1).expect("a forward pass reads the parameters of its layout")
    }

    /// A convolution, padded by half its kernel.
    fn convolve(&mut self, x: &Tensor, stride: i64, has_bias: bool, is_deferrable: bool) -> Tensor {
        let parameter = self.parameter;
        let weight = self.next_parameter();
        let bias = has_bias.then(|| self.next_parameter());
        let deferred = self.weights.deferred_grads.as_deref_mut().filter(|_| is_deferrable);
        match deferred.and_then(|deferred: &mut DeferredConvGrads| deferred.convolve(parameter, weight, x, stride)) {
            Some(y) => match bias {
                Some(bias) => y + bias.view([1, -1, 1, 1]),
                None => y,
            },
            None => x.conv2d(weight, bias, stride, weight.size()[2] / 2, 1, 1),
        }
    }

    /// The next batch-norm layer.
    fn batch_norm(&mut self, x: &Tensor) -> Tensor {
        let (weight, bias) = (self.next_parameter(), self.next_parameter());
        self.layer += 1;
        self.norms.apply(self.layer - 1, x, weight, bias)
    }

    /// A linear layer with bias.
    fn linear(&mut self, x: &Tensor) -> Tensor {
        let (weight, bias) = (self.next_parameter(), self.next_parameter());
        x.linear(weight, Some(bias))
    }

    /// A layer norm over the last axis of `x`, computed in `f32`.
    fn layer_norm(&mut self, x: &Tensor) -> Tensor {
        let (weight, bias) = (self.next_parameter(), self.next_parameter());
        x.layer_norm(weight.size(), Some(weight), Some(bias), LAYER_NORM_EPS, true).to_kind(self.kind)
    }

    /// Tokens `[N, 1 + patches, features]` of images: a class token and every patch, with positions added.
    fn patch_tokens(&mut self, x: &Tensor, patch: i64) -> Tensor {
        let (class, positions) = (self.next_parameter(), self.next_parameter());
        let (weight, bias) = (self.next_parameter(), self.next_parameter());
        let patches = split_into_patches(x, patch).linear(&weight.flatten(1, -1), Some(bias));
        let size = patches.size();
        let class = class.expand([size[0], 1, size[2]], false);
        Tensor::cat(&[class, patches], 1) + positions
    }

    /// Self-attention over tokens `x`, `[N, T, dim]`; shows the attention of every head of `group`, `[N, heads, T, T]`.
    fn attention(&mut self, x: &Tensor, heads: i64, group: usize) -> Tensor {
        let size = x.size();
        let qkv = self.linear(x).view([size[0], size[1], 3, heads, size[2] / heads]).permute([2, 0, 3, 1, 4]);
        let (q, k, v) = (qkv.get(0), qkv.get(1), qkv.get(2));
        // For the few tokens of small images the plain products are several times as fast on a CPU as libtorch's fused
        // attention, whose backward pass is slow there; on a GPU it is the other way round.
        let y = if self.hooks.is_some() || x.device() == Device::Cpu {
            let scale = (size[2] as f64 / heads as f64).powf(-0.5);
            let attention = (q * scale).matmul(&k.transpose(-2, -1)).softmax(-1, x.kind());
            // Which tokens a head looks at does not depend on how its own dimensions are turned, as its output does.
            self.record(Some(group), &attention);
            attention.matmul(&v)
        } else {
            let mask = None::<&Tensor>;
            Tensor::scaled_dot_product_attention(&q, &k, &v, mask, 0.0, false, None, false)
        };
        self.linear(&y.transpose(1, 2).reshape(size.as_slice()))
    }
}

impl Activation {
    fn relu(mut self) -> Self {
        let values = if self.is_free { self.values.relu_() } else { self.values.relu() };
        // Its backward pass reads the result.
        Self { values, is_free: false }
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

/// Max pooling; an incomplete square at the end counts or is left out.
fn max_pool(x: &Tensor, pooling: MaxPooling) -> Tensor {
    let MaxPooling { kernel, stride, padding, rounds_up } = pooling;
    let size = x.size();
    let is_even = size[2..].iter().all(|side| side % 2 == 0);
    let halves = (kernel, stride, padding) == (2, 2, 0) && (is_even || !rounds_up);
    if x.requires_grad() || !halves {
        return x.max_pool2d(kernel, stride, padding, 1, rounds_up);
    }
    // Without a gradient the largest pixel's index is not needed, and this is three times as fast.
    let half = |x: &Tensor, dim: i64, first: i64| x.slice(dim, first, size[dim as usize] / 2 * 2, 2);
    let rows = half(x, 2, 0).maximum(&half(x, 2, 1));
    half(&rows, 3, 0).maximum(&half(&rows, 3, 1))
}

/// The patches of images `[N, C, H, W]` as rows in the order of a convolution's weights, `[N, patches, C·p·p]`.
fn split_into_patches(x: &Tensor, patch: i64) -> Tensor {
    let size = x.size();
    let (rows, columns) = (size[2] / patch, size[3] / patch);
    x.reshape([size[0], size[1], rows, patch, columns, patch]).permute([0, 2, 4, 1, 3, 5]).reshape([
        size[0],
        rows * columns,
        -1,
    ])
}

//! Forward pass of `vit-tiny` and `vit-small`, as [`surfit_weights::networks::Vit`] describes them.

use super::{ForwardWalk, Network};
use crate::layout::WeightLayout;
use surfit_weights::networks::Vit;
use tch::{Device, Tensor};

/// What layer norm adds to the variance; timm's own, not PyTorch's default.
const LAYER_NORM_EPS: f64 = 1e-6;

impl Network for Vit {
    fn layout(&self) -> &WeightLayout {
        &self.layout
    }

    fn compute_logits(&self, walk: &mut ForwardWalk, x: &Tensor) -> Tensor {
        let kind = x.kind();
        let (class, positions) = (walk.next_parameter(), walk.next_parameter());
        let (weight, bias) = (walk.next_parameter(), walk.next_parameter());
        let patches = patches(x, self.patch).linear(&weight.flatten(1, -1), Some(bias));
        let size = patches.size();
        let class = class.expand([size[0], 1, size[2]], false);
        let mut x = Tensor::cat(&[class, patches], 1) + positions;
        // Units come before tokens in what is shown.
        let record = |walk: &mut ForwardWalk, group: usize, x: &Tensor| {
            if walk.has_hooks() {
                walk.record(group, &x.transpose(1, 2));
            }
        };
        record(walk, self.stream, &x);
        for block in &self.blocks {
            let y = walk.layer_norm(&x, LAYER_NORM_EPS).to_kind(kind);
            let y = attention(walk, &y, self.heads, block.heads);
            // Not in place: layer norm needs its input for the backward pass.
            x = y + &x;
            record(walk, self.stream, &x);
            let y = walk.layer_norm(&x, LAYER_NORM_EPS).to_kind(kind);
            let y = walk.linear(&y).gelu("none");
            record(walk, block.hidden, &y);
            x = walk.linear(&y) + &x;
            record(walk, self.stream, &x);
        }
        // Only the class token is read, and layer norm looks at one token at a time.
        let class = x.select(1, 0);
        let class = walk.layer_norm(&class, LAYER_NORM_EPS).to_kind(kind);
        walk.linear(&class)
    }
}

/// The patches of images `[N, C, H, W]` as rows in the order of a convolution's weights, `[N, patches, C·p·p]`.
fn patches(x: &Tensor, patch: i64) -> Tensor {
    let size = x.size();
    let (rows, columns) = (size[2] / patch, size[3] / patch);
    x.reshape([size[0], size[1], rows, patch, columns, patch]).permute([0, 2, 4, 1, 3, 5]).reshape([
        size[0],
        rows * columns,
        -1,
    ])
}

/// Self-attention over tokens `x`, `[N, T, dim]`; shows the attention of every head of `group`, `[N, heads, T, T]`.
fn attention(walk: &mut ForwardWalk, x: &Tensor, heads: i64, group: usize) -> Tensor {
    let size = x.size();
    let qkv = walk.linear(x).view([size[0], size[1], 3, heads, size[2] / heads]).permute([2, 0, 3, 1, 4]);
    let (q, k, v) = (qkv.get(0), qkv.get(1), qkv.get(2));
    // For the few tokens of small images the plain products are several times as fast on a CPU as libtorch's fused
    // attention, whose backward pass is slow there; on a GPU it is the other way round.
    let y = if walk.has_hooks() || x.device() == Device::Cpu {
        let scale = (size[2] as f64 / heads as f64).powf(-0.5);
        let attention = (q * scale).matmul(&k.transpose(-2, -1)).softmax(-1, x.kind());
        // Which tokens a head looks at does not depend on how its own dimensions are turned, as its output does.
        walk.record(group, &attention);
        attention.matmul(&v)
    } else {
        let mask = None::<&Tensor>;
        Tensor::scaled_dot_product_attention(&q, &k, &v, mask, 0.0, false, None, false)
    };
    walk.linear(&y.transpose(1, 2).reshape(size.as_slice()))
}

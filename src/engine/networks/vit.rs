//! `vit-tiny` and `vit-small`: vision transformers (Dosovitskiy et al. 2021).
//!
//! As a PyTorch module this is timm's `VisionTransformer(img_size=…, patch_size=…, in_chans=…, num_classes=…,
//! embed_dim=…, depth=…, num_heads=…)`, or `create_model('vit_tiny_patch16_224', img_size=…, patch_size=…, …)`: a class
//! token, learned positions, pre-norm blocks with a hidden layer four times as wide, exact GELU.
//!
//! Three kinds of permutation groups: the features of the residual stream (layer norm treats all alike), the heads of
//! every attention, which move with their queries, keys, values and outputs, and the hidden units of every
//! perceptron.

use super::ops::{Walk, uniform};
use super::{Network, Shape, Taps, Weights};
use crate::Result;
use crate::layout::{Axis, Init, Layout, Norms};
use tch::{Device, Tensor};

/// Hidden units of a block's perceptron for each feature of the stream.
const RATIO: i64 = 4;
/// What layer norm adds to the variance; timm's own, not PyTorch's default.
const EPS: f64 = 1e-6;

/// See the module's documentation.
#[derive(Debug)]
struct Vit {
    layout: Layout,
    patch: i64,
    heads: i64,
    stream: usize,
    blocks: Vec<Block>,
}

/// The permutation groups of a block.
#[derive(Debug)]
struct Block {
    heads: usize,
    hidden: usize,
}

pub(super) fn tiny(shape: &Shape) -> Result<Box<dyn Network>> {
    make(shape, [192, 12, 3])
}

pub(super) fn small(shape: &Shape) -> Result<Box<dyn Network>> {
    make(shape, [384, 12, 6])
}

fn make(shape: &Shape, own: [usize; 3]) -> Result<Box<dyn Network>> {
    let [dim, depth, heads] = shape.exactly(own, "features, blocks, heads")?;
    let [channels, height, width] = shape.input;
    let patch = shape.patch;
    let tokens = (height / patch * (width / patch)) as i64 + 1;
    let (channels, patch, classes) = (channels as i64, patch as i64, shape.classes as i64);

    let mut layout = Layout::default();
    let stream = layout.group("stream", dim);
    let features = Some(Axis::of(stream));
    let positions = [None, None, features];
    for (name, length, std) in [("cls_token", 1, 1e-6), ("pos_embed", tokens, 0.02)] {
        layout.parameter(name, &[1, length, dim], Init::Normal(std), &positions);
        // With these the residual stream is f32 from its beginning: every block adds a little to it.
        layout.keep_wide();
    }
    let fan = channels * patch * patch;
    layout.parameter(
        "patch_embed.proj.weight",
        &[dim, channels, patch, patch],
        uniform(fan),
        &[features],
    );
    layout.parameter("patch_embed.proj.bias", &[dim], uniform(fan), &[features]);
    let mut blocks = Vec::new();
    for i in 0..depth {
        let prefix = |part: &str| format!("blocks.{i}.{part}");
        let block = Block {
            heads: layout.group(&prefix("attn"), heads),
            hidden: layout.group(&prefix("mlp"), RATIO * dim),
        };
        let head = Axis {
            block: dim / heads,
            ..Axis::of(block.heads)
        };
        let thrice = Some(Axis { repeat: 3, ..head });
        let (head, hidden) = (Some(head), Some(Axis::of(block.hidden)));
        layout.scale_and_shift(&prefix("norm1"), dim, Some(stream));
        linear(
            &mut layout,
            &prefix("attn.qkv"),
            [3 * dim, dim],
            [thrice, features],
        );
        linear(
            &mut layout,
            &prefix("attn.proj"),
            [dim, dim],
            [features, head],
        );
        layout.scale_and_shift(&prefix("norm2"), dim, Some(stream));
        linear(
            &mut layout,
            &prefix("mlp.fc1"),
            [RATIO * dim, dim],
            [hidden, features],
        );
        linear(
            &mut layout,
            &prefix("mlp.fc2"),
            [dim, RATIO * dim],
            [features, hidden],
        );
        blocks.push(block);
    }
    layout.scale_and_shift("norm", dim, Some(stream));
    linear(&mut layout, "head", [classes, dim], [None, features]);
    Ok(Box::new(Vit {
        layout,
        patch,
        heads,
        stream,
        blocks,
    }))
}

/// A linear layer as timm starts it; `axes` are those of its weight.
fn linear(layout: &mut Layout, name: &str, shape: [i64; 2], axes: [Option<Axis>; 2]) {
    layout.parameter(&format!("{name}.weight"), &shape, Init::Normal(0.02), &axes);
    layout.parameter(
        &format!("{name}.bias"),
        &shape[..1],
        Init::Zeros,
        &axes[..1],
    );
}

impl Vit {
    /// The patches of images `[N, C, H, W]` as rows in the order of a convolution's weights, `[N, patches, C·p·p]`.
    fn patches(&self, x: &Tensor) -> Tensor {
        let size = x.size();
        let (rows, columns) = (size[2] / self.patch, size[3] / self.patch);
        x.reshape([size[0], size[1], rows, self.patch, columns, self.patch])
            .permute([0, 2, 4, 1, 3, 5])
            .reshape([size[0], rows * columns, -1])
    }

    /// Self-attention over tokens `x`, `[N, T, dim]`; shows the attention of every head to `see`, `[N, heads, T, T]`.
    fn attention(
        &self,
        walk: &mut Walk,
        x: &Tensor,
        see: Option<&mut dyn FnMut(&Tensor)>,
    ) -> Tensor {
        let size = x.size();
        let qkv = walk
            .linear(x)
            .view([size[0], size[1], 3, self.heads, size[2] / self.heads])
            .permute([2, 0, 3, 1, 4]);
        let (q, k, v) = (qkv.get(0), qkv.get(1), qkv.get(2));
        // For the few tokens of small images the plain products are several times as fast on a CPU as libtorch's fused
        // attention, whose backward pass is slow there; on a GPU it is the other way round.
        let y = if see.is_some() || x.device() == Device::Cpu {
            let scale = (size[2] as f64 / self.heads as f64).powf(-0.5);
            let attention = (q * scale)
                .matmul(&k.transpose(-2, -1))
                .softmax(-1, x.kind());
            if let Some(see) = see {
                // Which tokens a head looks at does not depend on how its own dimensions are turned, as its output
                // does.
                see(&attention);
            }
            attention.matmul(&v)
        } else {
            let mask = None::<&Tensor>;
            Tensor::scaled_dot_product_attention(&q, &k, &v, mask, 0.0, false, None, false)
        };
        walk.linear(&y.transpose(1, 2).reshape(size.as_slice()))
    }
}

impl Network for Vit {
    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn forward(
        &self,
        weights: Weights,
        x: &Tensor,
        norms: &mut Norms,
        mut taps: Option<&mut Taps>,
    ) -> Tensor {
        let (mut walk, kind) = (Walk::new(weights, norms), x.kind());
        let (class, positions) = (walk.next(), walk.next());
        let (weight, bias) = (walk.next(), walk.next());
        let patches = self.patches(x).linear(&weight.flatten(1, -1), Some(bias));
        let size = patches.size();
        let class = class.expand([size[0], 1, size[2]], false);
        let mut x = Tensor::cat(&[class, patches], 1) + positions;
        // Units come before tokens in what is shown.
        let see = |taps: &mut Option<&mut Taps>, group: usize, x: &Tensor| {
            if let Some(taps) = taps {
                taps.see(group, &x.transpose(1, 2));
            }
        };
        see(&mut taps, self.stream, &x);
        for block in &self.blocks {
            let y = walk.layer_norm(&x, EPS).to_kind(kind);
            let y = match taps.as_deref_mut() {
                None => self.attention(&mut walk, &y, None),
                Some(taps) => {
                    let mut show = |attention: &Tensor| taps.see(block.heads, attention);
                    self.attention(&mut walk, &y, Some(&mut show))
                }
            };
            // Not in place: layer norm needs its input for the backward pass.
            x = y + &x;
            see(&mut taps, self.stream, &x);
            let y = walk.layer_norm(&x, EPS).to_kind(kind);
            let y = walk.linear(&y).gelu("none");
            see(&mut taps, block.hidden, &y);
            x = walk.linear(&y) + &x;
            see(&mut taps, self.stream, &x);
        }
        // Only the class token is read, and layer norm looks at one token at a time.
        let class = x.select(1, 0);
        let class = walk.layer_norm(&class, EPS).to_kind(kind);
        walk.linear(&class)
    }
}

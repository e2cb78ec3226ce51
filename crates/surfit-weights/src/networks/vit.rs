//! `vit-tiny` and `vit-small`: vision transformers (Dosovitskiy et al. 2021).
//!
//! As a PyTorch module this is timm's `VisionTransformer(img_size=…, patch_size=…, in_chans=…, num_classes=…,
//! embed_dim=…, depth=…, num_heads=…)`, or `create_model('vit_tiny_patch16_224', img_size=…, patch_size=…, …)`: a class
//! token, learned positions, pre-norm blocks with a hidden layer four times as wide, exact GELU.
//!
//! Three kinds of permutation groups: the features of the residual stream (layer norm treats all alike), the heads of
//! every attention, which move with their queries, keys, values and outputs, and the hidden units of every
//! perceptron.

use super::{Architecture, NetworkError, NetworkShape, uniform};
use crate::layout::{GroupAxis, ParameterInit, WeightLayout};

/// Hidden units of a block's perceptron for each feature of the stream.
const RATIO: i64 = 4;

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct Vit {
    /// Layout of the network's weights.
    pub layout: WeightLayout,
    /// Height and width of a patch, in pixels.
    pub patch: i64,
    /// Rows and columns of patches in an image.
    pub grid: [i64; 2],
    /// Heads of an attention.
    pub heads: i64,
    /// The permutation group of the residual stream's features.
    pub stream: usize,
    /// Its blocks, in order.
    pub blocks: Vec<VitBlock>,
}

/// The permutation groups of a block.
#[derive(Clone, Debug)]
pub struct VitBlock {
    /// That of the attention's heads.
    pub heads: usize,
    /// That of the perceptron's hidden units.
    pub hidden: usize,
}

pub(super) fn tiny(shape: &NetworkShape) -> Result<Architecture, NetworkError> {
    describe(shape, [192, 12, 3])
}

pub(super) fn small(shape: &NetworkShape) -> Result<Architecture, NetworkError> {
    describe(shape, [384, 12, 6])
}

fn describe(shape: &NetworkShape, own: [usize; 3]) -> Result<Architecture, NetworkError> {
    let [dim, depth, heads] = shape.exactly(own, "features, blocks, heads")?;
    let [channels, height, width] = shape.input;
    let patch = shape.patch;
    let grid = [(height / patch) as i64, (width / patch) as i64];
    let tokens = grid[0] * grid[1] + 1;
    let (channels, patch, classes) = (channels as i64, patch as i64, shape.classes as i64);

    let mut layout = WeightLayout::default();
    let stream = layout.group("stream", dim);
    let features = Some(GroupAxis::of(stream));
    let positions = [None, None, features];
    for (name, length, std) in [("cls_token", 1, 1e-6), ("pos_embed", tokens, 0.02)] {
        layout.parameter(
            name,
            &[1, length, dim],
            ParameterInit::Normal(std),
            &positions,
        );
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
        let block = VitBlock {
            heads: layout.group(&prefix("attn"), heads),
            hidden: layout.group(&prefix("mlp"), RATIO * dim),
        };
        let head = GroupAxis {
            block: dim / heads,
            ..GroupAxis::of(block.heads)
        };
        let thrice = Some(GroupAxis { repeat: 3, ..head });
        let (head, hidden) = (Some(head), Some(GroupAxis::of(block.hidden)));
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
    Ok(Architecture::Vit(Vit {
        layout,
        patch,
        grid,
        heads,
        stream,
        blocks,
    }))
}

/// A linear layer as timm starts it; `axes` are those of its weight.
fn linear(layout: &mut WeightLayout, name: &str, shape: [i64; 2], axes: [Option<GroupAxis>; 2]) {
    layout.parameter(
        &format!("{name}.weight"),
        &shape,
        ParameterInit::Normal(0.02),
        &axes,
    );
    layout.parameter(
        &format!("{name}.bias"),
        &shape[..1],
        ParameterInit::Zeros,
        &axes[..1],
    );
}

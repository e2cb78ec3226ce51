//! `vit-tiny` and `vit-small`: vision transformers (Dosovitskiy et al. 2021).
//!
//! As a PyTorch module this is timm's `VisionTransformer(img_size=…, patch_size=…, in_chans=…, num_classes=…,
//! embed_dim=…, depth=…, num_heads=…)`, or `create_model('vit_tiny_patch16_224', img_size=…, patch_size=…, …)`: a class
//! token, learned positions, pre-norm blocks with a hidden layer four times as wide, exact GELU.
//!
//! Three kinds of permutation groups: the features of the residual stream (layer norm treats all alike), the heads of
//! every attention, which move with their queries, keys, values and outputs, and the hidden units of every
//! perceptron.

use super::{Architecture, NetworkError, NetworkShape, uniform_init};
use crate::layout::{GroupAxis, ParameterInit, WeightLayout};

/// Hidden units of a block's perceptron for each feature of the stream.
const MLP_RATIO: i64 = 4;

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
    let [dim, depth, heads] = shape.exact_widths(own, "features, blocks, heads")?;
    let [channels, height, width] = shape.input;
    let patch = shape.patch;
    let grid = [(height / patch) as i64, (width / patch) as i64];
    let tokens = grid[0] * grid[1] + 1;
    let (channels, patch, classes) = (channels as i64, patch as i64, shape.classes as i64);

    let mut layout = WeightLayout::default();
    let stream = layout.add_group("stream", dim);
    let features = Some(GroupAxis::for_group(stream));
    let positions = [None, None, features];
    for (name, length, std) in [("cls_token", 1, 1e-6), ("pos_embed", tokens, 0.02)] {
        layout.add_parameter(name, &[1, length, dim], ParameterInit::Normal(std), &positions);
        // With these the residual stream is f32 from its beginning: every block adds a little to it.
        layout.mark_last_as_f32();
    }
    let fan = channels * patch * patch;
    layout.add_parameter("patch_embed.proj.weight", &[dim, channels, patch, patch], uniform_init(fan), &[features]);
    layout.add_parameter("patch_embed.proj.bias", &[dim], uniform_init(fan), &[features]);
    let mut blocks = Vec::new();
    for i in 0..depth {
        let prefix = |part: &str| format!("blocks.{i}.{part}");
        let block = VitBlock {
            heads: layout.add_group(&prefix("attn"), heads),
            hidden: layout.add_group(&prefix("mlp"), MLP_RATIO * dim),
        };
        let head = GroupAxis { block: dim / heads, ..GroupAxis::for_group(block.heads) };
        let thrice = Some(GroupAxis { repeat: 3, ..head });
        let (head, hidden) = (Some(head), Some(GroupAxis::for_group(block.hidden)));
        layout.add_scale_and_shift(&prefix("norm1"), dim, Some(stream));
        add_linear(&mut layout, &prefix("attn.qkv"), [3 * dim, dim], [thrice, features]);
        add_linear(&mut layout, &prefix("attn.proj"), [dim, dim], [features, head]);
        layout.add_scale_and_shift(&prefix("norm2"), dim, Some(stream));
        add_linear(&mut layout, &prefix("mlp.fc1"), [MLP_RATIO * dim, dim], [hidden, features]);
        add_linear(&mut layout, &prefix("mlp.fc2"), [dim, MLP_RATIO * dim], [features, hidden]);
        blocks.push(block);
    }
    layout.add_scale_and_shift("norm", dim, Some(stream));
    add_linear(&mut layout, "head", [classes, dim], [None, features]);
    Ok(Architecture::Vit(Vit { layout, patch, grid, heads, stream, blocks }))
}

/// A linear layer as timm starts it; `axes` are those of its weight.
fn add_linear(layout: &mut WeightLayout, name: &str, shape: [i64; 2], axes: [Option<GroupAxis>; 2]) {
    layout.add_parameter(&format!("{name}.weight"), &shape, ParameterInit::Normal(0.02), &axes);
    layout.add_parameter(&format!("{name}.bias"), &shape[..1], ParameterInit::Zeros, &axes[..1]);
}

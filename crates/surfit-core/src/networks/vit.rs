//! `vit-tiny` and `vit-small`: vision transformers (Dosovitskiy et al. 2021).
//!
//! As a PyTorch module this is timm's `VisionTransformer(img_size=…, patch_size=…, in_chans=…, num_classes=…,
//! embed_dim=…, depth=…, num_heads=…)`, or `create_model('vit_tiny_patch16_224', img_size=…, patch_size=…, …)`: a class
//! token, learned positions, pre-norm blocks with a hidden layer four times as wide, exact GELU.
//!
//! Three kinds of permutation groups: the features of the residual stream (layer norm treats all alike), the heads of
//! every attention, which move with their queries, keys, values and outputs, and the hidden units of every
//! perceptron.

use super::builder::{LayerInit, NetworkBuilder};
use super::naming::replace_first;
use super::{Architecture, FamilyNaming, NetworkShape, NetworkSpec, UndeterminedWidth, UnsuitableSetting, WidthSpec};

/// Hidden units of a block's perceptron for each feature of the stream.
const MLP_RATIO: usize = 4;
/// Features of a head in timm's networks.
const HEAD_FEATURES: usize = 64;
/// As timm starts linear layers.
const INIT: LayerInit = LayerInit::Normal(0.02);

pub(super) const VIT_TINY: NetworkSpec = NetworkSpec {
    name: "vit-tiny",
    description: "timm's `vit_tiny_patch16_224` with `img_size` and `patch_size` of the images",
    widths: WidthSpec {
        meaning: "features, blocks and heads",
        default: &[192, 12, 3],
        has_fixed_count: true,
        search_template: Some(|depth| vec![2, depth, 1]),
        undetermined: Some(UndeterminedWidth { index: 2, default: |widths| (widths[0] / HEAD_FEATURES).max(1) }),
    },
    divides_images: true,
    refuse_widths,
    refuse_images: refuse_undivided_images,
    namings: &[
        FamilyNaming::own_names("timm"),
        FamilyNaming::new("torchvision", |_, name| torchvision_name(name, ["mlp.0", "mlp.3"])),
        FamilyNaming::new("torchvision before 0.13", |_, name| {
            torchvision_name(name, ["mlp.linear_1", "mlp.linear_2"])
        }),
        FamilyNaming::new("Hugging Face", hugging_face_name),
    ],
    ..NetworkSpec::new(build)
};

pub(super) const VIT_SMALL: NetworkSpec = NetworkSpec {
    name: "vit-small",
    description: "timm's `vit_small_patch16_224` with `img_size` and `patch_size` of the images",
    widths: WidthSpec { default: &[384, 12, 6], ..VIT_TINY.widths },
    ..VIT_TINY
};

fn refuse_widths(widths: &[usize]) -> Result<(), UnsuitableSetting> {
    let (features, heads) = (widths[0], widths[2]);
    if features.is_multiple_of(heads) {
        return Ok(());
    }
    let reason = format!("{features} features do not divide into {heads} heads; use a multiple");
    Err(UnsuitableSetting::new("network.widths", reason))
}

fn refuse_undivided_images(shape: &NetworkShape) -> Result<(), UnsuitableSetting> {
    let (patch, [_, height, width]) = (shape.patch, shape.input);
    if patch > 0 && height % patch == 0 && width % patch == 0 {
        return Ok(());
    }
    Err(UnsuitableSetting::new(
        "network.patch",
        format!(
            "images of {height}×{width} pixels do not divide into patches of {patch}×{patch}; use a divisor of both"
        ),
    ))
}

fn build(shape: &NetworkShape, network: &mut NetworkBuilder) {
    let (features, depth, heads) = (shape.widths[0], shape.widths[1], shape.widths[2]);
    let grid = [1, 2].map(|side| (shape.input[side] / shape.patch) as i64);
    let stream = network.add_group("stream", features);
    network.patch_tokens(stream, shape.patch, grid);
    for i in 0..depth {
        let name = |part: &str| format!("blocks.{i}.{part}");
        let heads = network.add_group(&name("attn"), heads);
        let hidden = network.add_group(&name("mlp"), MLP_RATIO * features);
        network.compared_residual(|branch| {
            branch.layer_norm(&name("norm1"));
            branch.attention(&name("attn"), heads, INIT);
        });
        network.compared_residual(|branch| {
            branch.layer_norm(&name("norm2"));
            branch.linear(&name("mlp.fc1"), hidden, INIT);
            branch.gelu();
            branch.linear(&name("mlp.fc2"), stream, INIT);
        });
    }
    // Only the class token is read, and layer norm looks at one token at a time.
    network.class_token();
    network.layer_norm("norm");
    network.logits("head", shape.classes, INIT);
}

/// `blocks.I.REST` as `I` and `REST`.
fn split_block_name(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix("blocks.")?.split_once('.')
}

fn torchvision_name(name: &str, [first, second]: [&str; 2]) -> Vec<String> {
    let Some((index, rest)) = split_block_name(name) else {
        return vec![match name {
            "cls_token" => "class_token".into(),
            "pos_embed" => "encoder.pos_embedding".into(),
            _ => replace_first(name, &[("patch_embed.proj", "conv_proj"), ("norm", "encoder.ln")]),
        }];
    };
    let rest = match rest.strip_prefix("attn.qkv.") {
        Some(what) => format!("self_attention.in_proj_{what}"),
        None => replace_first(
            rest,
            &[
                ("norm1", "ln_1"),
                ("attn.proj", "self_attention.out_proj"),
                ("norm2", "ln_2"),
                ("mlp.fc1", first),
                ("mlp.fc2", second),
            ],
        ),
    };
    vec![format!("encoder.layers.encoder_layer_{index}.{rest}")]
}

fn hugging_face_name(_: &Architecture, name: &str) -> Vec<String> {
    let Some((index, rest)) = split_block_name(name) else {
        return vec![match name {
            "cls_token" => "embeddings.cls_token".into(),
            "pos_embed" => "embeddings.position_embeddings".into(),
            _ => replace_first(
                name,
                &[("patch_embed.proj", "embeddings.patch_embeddings.projection"), ("norm", "layernorm")],
            ),
        }];
    };
    let layer = format!("encoder.layer.{index}");
    if let Some(what) = rest.strip_prefix("attn.qkv.") {
        return ["query", "key", "value"].map(|part| format!("{layer}.attention.attention.{part}.{what}")).into();
    }
    let rest = replace_first(
        rest,
        &[
            ("norm1", "layernorm_before"),
            ("attn.proj", "attention.output.dense"),
            ("norm2", "layernorm_after"),
            ("mlp.fc1", "intermediate.dense"),
            ("mlp.fc2", "output.dense"),
        ],
    );
    vec![format!("{layer}.{rest}")]
}

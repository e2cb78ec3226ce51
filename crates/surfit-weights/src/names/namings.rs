//! What the same network's tensors are called by those who write it.
//!
//! A naming maps the layout's name of a tensor, which is torchvision's or timm's, to another name; the linear layers at the
//! end are found by themselves (`heads.rs`).

use crate::networks::{Architecture, Vgg};

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct FamilyNaming {
    /// Whose names they are, for people to read.
    pub name: &'static str,
    translate: fn(&Architecture, &str) -> Vec<String>,
}

impl FamilyNaming {
    /// The names of a tensor; several are parts of it along the first axis, in this order.
    pub fn translate(&self, architecture: &Architecture, name: &str) -> Vec<String> {
        (self.translate)(architecture, name)
    }
}

const fn family_naming(name: &'static str, call: fn(&Architecture, &str) -> Vec<String>) -> FamilyNaming {
    FamilyNaming { name, translate: call }
}

const PLAIN_NAMINGS: [FamilyNaming; 1] = [family_naming("surfit", unchanged_name)];
const RESNET_NAMINGS: [FamilyNaming; 5] = [
    family_naming("torchvision", unchanged_name),
    family_naming("kuangliu/pytorch-cifar", resnet_shortcut),
    family_naming("weiaicunzai/pytorch-cifar100", resnet_residual_function),
    family_naming("a Sequential of torchvision's layers", resnet_sequential),
    family_naming("Hugging Face", resnet_hugging_face),
];
const VGG_NAMINGS: [FamilyNaming; 2] =
    [family_naming("torchvision", unchanged_name), family_naming(super::MODE_CONNECTIVITY_NAMING, vgg_layer_blocks)];
const VIT_NAMINGS: [FamilyNaming; 4] = [
    family_naming("timm", unchanged_name),
    family_naming("torchvision", vit_torchvision),
    family_naming("torchvision before 0.13", vit_torchvision_old),
    family_naming("Hugging Face", vit_hugging_face),
];

/// The namings of a network.
pub(super) fn namings_of(architecture: &Architecture) -> &'static [FamilyNaming] {
    match architecture {
        Architecture::Cnn(_) | Architecture::Mlp(_) => &PLAIN_NAMINGS,
        Architecture::ResNet(_) => &RESNET_NAMINGS,
        Architecture::Vgg(_) => &VGG_NAMINGS,
        Architecture::Vit(_) => &VIT_NAMINGS,
    }
}

fn unchanged_name(_: &Architecture, name: &str) -> Vec<String> {
    vec![name.into()]
}

/// `layerS.I.REST` as `S`, counted from 0, `I` and `MIN_DETAIL_WIDTHS`; `None` for a ResNet's first convolution and batch norm.
fn resnet_block(name: &str) -> Option<(usize, &str, &str)> {
    let (stage, rest) = name.strip_prefix("layer")?.split_once('.')?;
    let (index, rest) = rest.split_once('.')?;
    Some((stage.parse::<usize>().ok()?.checked_sub(1)?, index, rest))
}

/// A name with its first component replaced by the pair's that begins with it.
fn replace_first(name: &str, pairs: &[(&str, &str)]) -> String {
    let mut pairs = pairs.iter();
    pairs
        .find_map(|(from, to)| Some(format!("{to}.{}", name.strip_prefix(from)?.strip_prefix('.')?)))
        .unwrap_or_else(|| name.into())
}

fn resnet_shortcut(_: &Architecture, name: &str) -> Vec<String> {
    vec![name.replace(".downsample.", ".shortcut.")]
}

fn resnet_residual_function(_: &Architecture, name: &str) -> Vec<String> {
    let Some((stage, index, rest)) = resnet_block(name) else {
        return vec![replace_first(name, &[("conv1", "conv1.0"), ("bn1", "conv1.1")])];
    };
    let rest = replace_first(
        rest,
        &[
            ("conv1", "residual_function.0"),
            ("bn1", "residual_function.1"),
            ("conv2", "residual_function.3"),
            ("bn2", "residual_function.4"),
            ("downsample", "shortcut"),
        ],
    );
    vec![format!("conv{}_x.{index}.{rest}", stage + 2)]
}

fn resnet_sequential(_: &Architecture, name: &str) -> Vec<String> {
    match resnet_block(name) {
        // ReLU and max pooling are the modules 2 and 3.
        Some((stage, index, rest)) => vec![format!("{}.{index}.{rest}", stage + 4)],
        None => vec![replace_first(name, &[("conv1", "0"), ("bn1", "1")])],
    }
}

fn resnet_hugging_face(_: &Architecture, name: &str) -> Vec<String> {
    let Some((stage, index, rest)) = resnet_block(name) else {
        let pairs = [("conv1", "convolution"), ("bn1", "normalization")];
        let rest = replace_first(name, &pairs);
        return vec![format!("embedder.embedder.{rest}")];
    };
    let rest = replace_first(
        rest,
        &[
            ("conv1", "layer.0.convolution"),
            ("bn1", "layer.0.normalization"),
            ("conv2", "layer.1.convolution"),
            ("bn2", "layer.1.normalization"),
            ("downsample.0", "shortcut.convolution"),
            ("downsample.1", "shortcut.normalization"),
        ],
    );
    vec![format!("encoder.stages.{stage}.layers.{index}.{rest}")]
}

/// `features.N` counts the modules of all stages; here a stage is a list of convolutions and batch norms.
fn vgg_layer_blocks(architecture: &Architecture, name: &str) -> Vec<String> {
    let per_convolution = match architecture {
        Architecture::Vgg(network) if network.normed => 3,
        _ => 2,
    };
    let number = name.strip_prefix("features.").and_then(|rest| {
        let (number, what) = rest.split_once('.')?;
        Some((number.parse::<usize>().ok()?, what))
    });
    let Some((mut module, what)) = number else {
        return vec![name.into()];
    };
    for (stage, convolutions) in Vgg::CONVOLUTIONS_PER_STAGE.into_iter().enumerate() {
        let modules = convolutions * per_convolution;
        if module < modules {
            // ReLUs are not in the list.
            let at = module / per_convolution * (per_convolution - 1) + module % per_convolution;
            return vec![format!("layer_blocks.{stage}.{at}.{what}")];
        }
        module = module.saturating_sub(modules + 1);
    }
    vec![name.into()]
}

/// `blocks.I.REST` as `I` and `MIN_DETAIL_WIDTHS`.
fn vit_block(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix("blocks.")?.split_once('.')
}

fn vit_torchvision(_: &Architecture, name: &str) -> Vec<String> {
    torchvision_block(name, ["mlp.0", "mlp.3"])
}

fn vit_torchvision_old(_: &Architecture, name: &str) -> Vec<String> {
    torchvision_block(name, ["mlp.linear_1", "mlp.linear_2"])
}

fn torchvision_block(name: &str, [first, second]: [&str; 2]) -> Vec<String> {
    let Some((index, rest)) = vit_block(name) else {
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

fn vit_hugging_face(_: &Architecture, name: &str) -> Vec<String> {
    let Some((index, rest)) = vit_block(name) else {
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

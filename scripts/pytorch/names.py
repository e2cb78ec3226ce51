"""How other projects name the tensors of the same networks, as functions of torchvision's and timm's names."""

import re


def kuangliu_resnet(name):
    """kuangliu/pytorch-cifar: the skip connection is `shortcut`, the last layer `linear`."""
    return re.sub(r"^fc\.", "linear.", name.replace(".downsample.", ".shortcut."))


def weiaicunzai_resnet(name):
    """weiaicunzai/pytorch-cifar100: stages `conv2_x` to `conv5_x`, the layers of a block in one `residual_function`."""
    name = re.sub(r"^conv1\.", "conv1.0.", name)
    name = re.sub(r"^bn1\.", "conv1.1.", name)
    inner = {"conv1": 0, "bn1": 1, "conv2": 3, "bn2": 4}

    def block(match):
        stage, number, layer = match.groups()
        if layer == "downsample":
            return f"conv{int(stage) + 1}_x.{number}.shortcut."
        return f"conv{int(stage) + 1}_x.{number}.residual_function.{inner[layer]}."

    return re.sub(r"^layer(\d)\.(\d)\.(\w+)\.", block, name)


def by_hand(name):
    """A naming that no table knows."""
    return "stem" if name == "conv1.weight" else re.sub(r"^layer(\d)\.", r"stage\1_", name)


def layer_blocks(normed):
    """timgaripov/dnn-mode-connectivity: `layer_blocks.BLOCK.INDEX`, an index for each convolution and batch norm."""
    step, sizes = 2 if normed else 1, [2, 2, 3, 3, 3]
    table, place = {}, 0
    for block, convolutions in enumerate(sizes):
        for i in range(convolutions):
            for part in range(step):
                table[place + part] = (block, step * i + part)
            place += 3 if normed else 2
        place += 1

    def rename(name):
        match = re.match(r"^features\.(\d+)\.(.*)", name)
        if not match:
            return name
        block, index = table[int(match[1])]
        return f"layer_blocks.{block}.{index}.{match[2]}"

    return rename


def torchvision_vit(state):
    """torchvision's VisionTransformer."""
    table = [
        (r"^cls_token$", "class_token"),
        (r"^pos_embed$", "encoder.pos_embedding"),
        (r"^patch_embed\.proj\.", "conv_proj."),
        (r"^norm\.", "encoder.ln."),
        (r"^head\.", "heads.head."),
        (r"^blocks\.(\d+)\.norm1\.", r"encoder.layers.encoder_layer_\1.ln_1."),
        (r"^blocks\.(\d+)\.norm2\.", r"encoder.layers.encoder_layer_\1.ln_2."),
        (r"^blocks\.(\d+)\.attn\.qkv\.(weight|bias)$", r"encoder.layers.encoder_layer_\1.self_attention.in_proj_\2"),
        (r"^blocks\.(\d+)\.attn\.proj\.", r"encoder.layers.encoder_layer_\1.self_attention.out_proj."),
        (r"^blocks\.(\d+)\.mlp\.fc1\.", r"encoder.layers.encoder_layer_\1.mlp.0."),
        (r"^blocks\.(\d+)\.mlp\.fc2\.", r"encoder.layers.encoder_layer_\1.mlp.3."),
    ]

    def rename(name):
        for pattern, to in table:
            name = re.sub(pattern, to, name)
        return name

    return {rename(name): value for name, value in state.items()}

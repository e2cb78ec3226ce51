#!/usr/bin/env python3
"""Make crates/surfit-engine/src/networks/fixtures/pytorch.json: logits of torchvision's and timm's networks, and
crates/surfit-engine/src/model_file/fixtures/positions.json: position embeddings as timm brings them to other images.

Weights and images come from the formula in zoo.py, so only logits are stored. Run it in an environment with torch,
torchvision and timm (`make test-pytorch` makes one in target/pytorch) when a network is added or the formula changes.
"""

import json
import sys
from pathlib import Path

import timm
import torch
import torchvision
import zoo

ENGINE = Path(__file__).resolve().parents[2] / "crates/surfit-engine/src"
OUT = ENGINE / "networks/fixtures/pytorch.json"
POSITIONS = ENGINE / "model_file/fixtures/positions.json"
IMAGES = 2
# Network, shape of an image, classes, and where they are not the network's own: widths, patch, hidden.
CASES = [
    ("cnn", [1, 28, 28], 10),
    ("cnn", [3, 32, 32], 100, [8, 12]),
    ("mlp", [1, 28, 28], 10),
    ("mlp", [3, 32, 32], 10, [48]),
    ("resnet18", [3, 64, 64], 200),
    ("resnet18", [3, 32, 32], 10),
    ("resnet18", [1, 28, 28], 10, [8, 16, 24, 40]),
    ("resnet18-cifar", [3, 32, 32], 100),
    ("resnet18-cifar", [1, 28, 28], 10, [8, 16, 24, 40]),
    ("vgg16", [3, 32, 32], 100),
    ("vgg16-bn", [3, 64, 64], 200),
    ("vgg16-cifar", [3, 32, 32], 10),
    ("vgg16-cifar", [3, 40, 40], 10),
    ("vgg16", [3, 40, 40], 10, [8, 12, 16, 20, 24]),
    ("vgg16-bn-cifar", [3, 64, 64], 200),
    ("vgg16-bn-cifar", [3, 32, 32], 100),
    ("vgg16-bn-cifar", [1, 28, 28], 10, [8, 12, 16, 20, 24]),
    # As in dnn-mode-connectivity and in pytorch-cifar100, and between torchvision's and those.
    ("vgg16-cifar", [3, 32, 32], 10, [], 0, [512, 512]),
    ("vgg16-bn-cifar", [3, 32, 32], 100, [8, 12, 16, 20, 24], 0, [4096, 4096]),
    ("vgg16-bn", [1, 40, 40], 10, [8, 12, 16, 20, 24], 0, [48]),
    ("vit-tiny", [3, 32, 32], 10),
    ("vit-tiny", [3, 64, 64], 200),
    ("vit-tiny", [1, 28, 28], 10),
    ("vit-tiny", [3, 32, 32], 10, [48, 3, 4], 8),
    ("vit-small", [3, 32, 32], 100),
    ("wrn16-4", [3, 32, 32], 10),
    ("wrn16-4", [3, 32, 32], 100),
    ("wrn16-4", [1, 28, 28], 10, [8, 8, 16, 20]),
]


def positions():
    """Position embeddings of a square of patches, and what timm makes of them for other numbers of rows and columns."""
    cases = []
    for side, grid in [(3, [5, 5]), (7, [4, 4]), (4, [3, 6]), (14, [2, 2])]:
        before = zoo.tensor("pos_embed", [1, 1 + side * side, 3])
        after = timm.layers.resample_abs_pos_embed(before, grid)
        flat = lambda x: [float(f"{v:.7g}") for v in x.flatten().tolist()]
        cases.append(json.dumps({"side": side, "grid": grid, "before": flat(before), "after": flat(after)}))
    POSITIONS.parent.mkdir(exist_ok=True)
    POSITIONS.write_text("[\n" + ",\n".join(cases) + "\n]\n")


def main():
    positions()
    torch.set_num_threads(2)
    lines = []
    for network, shape, classes, *more in CASES:
        widths = more[0] if more else []
        patch = more[1] if len(more) > 1 else 0
        hidden = more[2] if len(more) > 2 else []
        model = zoo.fill(zoo.module(network, shape, classes, widths, patch, hidden))
        with torch.no_grad():
            logits = model(zoo.images(IMAGES, shape))
        case = {
            "network": {"name": network, "widths": widths, "patch": patch, "hidden": hidden},
            "input": shape,
            "classes": classes,
            "parameters": sum(p.numel() for p in model.parameters()),
            "logits": [[float(f"{v:.7g}") for v in row] for row in logits.tolist()],
        }
        print(f"{network} {shape}: logits of up to {logits.abs().max():.3g}", file=sys.stderr)
        lines.append(json.dumps(case))
    made = f"torch {torch.__version__}, torchvision {torchvision.__version__}, timm {timm.__version__}"
    made = made.replace("+cpu", "").replace("+cu130", "")
    OUT.parent.mkdir(exist_ok=True)
    cases = ",\n".join(lines)
    OUT.write_text(f'{{"made_with": "{made}",\n"images": {IMAGES},\n"cases": [\n{cases}\n]}}\n')


if __name__ == "__main__":
    main()

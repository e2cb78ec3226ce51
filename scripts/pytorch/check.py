#!/usr/bin/env python3
"""Both ways between surfit and PyTorch, on real images, for every network.

There: four state dicts that torchvision and timm made (`.pt`, `.pth`, `.safetensors`, and one inside a training checkpoint
of a data-parallel model) are corners of a run, and `surfit eval` measures what PyTorch measures. Back: points of the
surface are exported, loaded strictly into the torchvision or timm module, and PyTorch measures what the card says.

    check.py SURFIT [NETWORK...]      SURFIT is the program, built beside `surfit-engine`
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
import zoo

REPOSITORY = Path(__file__).resolve().parents[2]
# PyTorch goes by the same variable; on a busy machine one thread is faster than several.
THREADS = int(os.environ.get("OMP_NUM_THREADS") or 0)
CLASSES = 10
SHAPE = [1, 28, 28]
# Images of the data set inside the program that are used, so that full-size networks take seconds.
SPLITS = {"train": 800, "validation": 200, "test": 400}
# Network and its widths; full size except where that would only take longer.
CASES = [
    ("cnn", []),
    ("mlp", []),
    ("resnet18", []),
    ("resnet18-cifar", [16, 32, 64, 128]),
    ("vgg16-cifar", []),
    ("vgg16-bn-cifar", []),
    ("vit-tiny", []),
    ("vit-small", [384, 4, 6]),
]
CONFIG = """
name = "pytorch"
compute = "f32"
threads = {threads}
[data]
set = "fashion-mnist-16k"
dir = {data}
calibration_images = 200
[network]
name = "{network}"
widths = {widths}
[corners]
from = {corners}
[align]
images = 256
[fit]
edge_epochs = 0.0
epochs = 0.0
[heatmap]
grid = 2
[export]
best = false
"""


class Fault(Exception):
    """Carries one sentence."""


def idx(name):
    """An array from one of the embedded IDX files."""
    found = sorted(REPOSITORY.glob(f"src/**/fashion-mnist-16k/{name}-ubyte.gz"))
    if not found:
        raise Fault(f"{name}-ubyte.gz of the embedded data set was not found below src/")
    data = gzip.decompress(found[0].read_bytes())
    axes = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * len(axes)).reshape(axes)


def write_data(folder):
    """The first images of each split as IDX files of their own."""
    for split, count in SPLITS.items():
        for part in ("images-idx3", "labels-idx1"):
            array = idx(f"{split}-{part}")[:count]
            head = [0x800 + array.ndim, *array.shape]
            words = b"".join(n.to_bytes(4, "big") for n in head)
            (folder / f"{split}-{part}-ubyte").write_bytes(words + array.tobytes())


def images(split, mean, std):
    count = SPLITS[split]
    x = torch.from_numpy(idx(f"{split}-images-idx3")[:count].astype(np.float32))[:, None] / 255
    labels = idx(f"{split}-labels-idx1")[:count].astype(np.int64)
    return (x - mean) / std, torch.from_numpy(labels)


def measure(model, data):
    """Correct images and mean cross-entropy of a module in evaluation mode."""
    correct, loss = 0, 0.0
    with torch.no_grad():
        for x, y in zip(data[0].split(200), data[1].split(200)):
            logits = model(x)
            correct += int((logits.argmax(1) == y).sum())
            loss += float(F.cross_entropy(logits, y, reduction="sum"))
    return correct, loss / len(data[1])


def train(network, widths, seed, data, steps=12):
    """A module started as its library does and trained for a few steps, so that its accuracy is not chance."""
    torch.manual_seed(seed)
    model = zoo.module(network, SHAPE, CLASSES, widths).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    order = torch.randperm(len(data[1]))
    for step in range(steps):
        chosen = order[step * 64 : (step + 1) * 64]
        loss = F.cross_entropy(model(data[0][chosen]), data[1][chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def agree(what, ours, theirs, images):
    """Ours and theirs are correct images and mean loss."""
    # Images whose two best classes are equal up to rounding may fall either way.
    close = abs(ours[0] - theirs[0]) <= 1 + images // 1000
    if not close or abs(ours[1] - theirs[1]) > 1e-4 * max(1.0, abs(theirs[1])):
        raise Fault(f"{what}: surfit measures {ours}, PyTorch {theirs} (correct of {images}, loss)")


class Surfit:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.env = {**os.environ, "SURFIT_RUNS": str(folder / "runs")}

    def __call__(self, *arguments):
        """Runs a command with `--json`; gives its lines."""
        command = [self.program, *map(str, arguments), "--json"]
        done = subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=1200
        )
        if done.returncode != 0:
            raise Fault(f"surfit {' '.join(map(str, arguments))} failed: {done.stderr.strip()}")
        return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


def save(models, folder):
    """The four forms of files in which people keep state dicts."""
    states = [model.state_dict() for model in models]
    torch.save(states[0], folder / "a.pt")
    wrapped = {f"module.{name}": value for name, value in states[1].items()}
    torch.save({"epoch": 3, "state_dict": wrapped, "best": 0.5}, folder / "b.pth")
    safetensors.torch.save_file(states[2], folder / "c.safetensors")
    torch.save(states[3], folder / "d.pt")
    return [folder / name for name in ("a.pt", "b.pth", "c.safetensors", "d.pt")]


def check(surfit, network, widths, folder):
    train_data = images("train", 0.286, 0.353)
    models = [train(network, widths, seed, train_data) for seed in range(4)]
    files = save(models, folder)
    config = folder / "config.toml"
    corners = json.dumps([str(f) for f in files])
    write_data(folder)
    data = json.dumps(str(folder))
    fields = {"network": network, "widths": widths, "corners": corners, "threads": THREADS, "data": data}
    config.write_text(CONFIG.format(**fields))

    surfit("run", config, "--run-dir", folder / "run")
    points = {"0,0": models[0], "1,1": None, "0.5,0.5": None}
    test = None
    for at, original in points.items():
        out = folder / f"at-{at}"
        surfit("export", folder / "run", "--at", at, "--out", out)
        card = json.loads((out / "model.json").read_text())
        if test is None:
            test = images("test", card["mean"][0], card["std"][0])
            for file, model in zip(files, models):
                ours = surfit("eval", file, "--config", config, "--split", "test")[-1]
                theirs = measure(model, test)
                agree(file.name, (ours["correct"], ours["loss"]), theirs, len(test[1]))
        model = zoo.module(network, SHAPE, CLASSES, widths)
        model.load_state_dict(safetensors.torch.load_file(out / "model.safetensors"), strict=True)
        count = card["test_images"]
        ours = (round(card["test_accuracy"] * count), card["test_loss"])
        agree(f"export at {at}", ours, measure(model, test), count)
        if original is not None:
            for name, value in original.named_parameters():
                if not torch.equal(value, dict(model.named_parameters())[name]):
                    raise Fault(f"export at {at}: `{name}` is not what corner 1 has")
    events = [json.loads(line) for line in open(folder / "run" / "events.jsonl")]
    changes = [e["logit_change"] for e in map(flat, events) if "logit_change" in e]
    if len(changes) != 3 or max(changes) > 1e-4:
        raise Fault(f"alignment changed the corners' logits by {changes}")
    return measure(models[0], test)[0] / len(test[1]), max(changes)


def flat(event):
    """An event's fields, wherever they are nested."""
    fields = {}
    for key, value in event.items():
        fields.update(flat(value) if isinstance(value, dict) else {key: value})
    return fields


def main():
    program = Path(sys.argv[1]).resolve()
    failed = 0
    for network, widths in CASES:
        if sys.argv[2:] and network not in sys.argv[2:]:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="surfit-") as folder:
            try:
                accuracy, change = check(Surfit(program, Path(folder)), network, widths, Path(folder))
                said = f"agrees both ways ({accuracy:.1%} on test; alignment changes logits by {change:.0e})"
            except Fault as fault:
                failed += 1
                said = f"FAILED: {fault}"
        print(f"{network:16} {said}, {time.monotonic() - began:.0f} s", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

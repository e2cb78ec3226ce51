#!/usr/bin/env python3
"""Both ways between surfit and PyTorch, on real images, for every network.

There: four state dicts that torchvision and timm made (`.pt`, `.pth`, `.safetensors`, and one inside a training checkpoint
of a data-parallel model) are corners of a run, and `surfit eval` measures what PyTorch measures. Back: points of the
surface are exported, loaded strictly into the torchvision or timm module, and PyTorch measures what the card says. Last,
files that are no state dicts of the network are refused in one sentence.

    check.py SURFIT [NETWORK...]      SURFIT is the program, built beside `surfit-engine`
    check.py SURFIT --all             the full-size VGG16 as well, of half a gigabyte for every corner
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import images
import refusals
import safetensors.torch
import torch
import torch.nn.functional as F
import zoo
from images import COLOUR, GREY

# PyTorch goes by the same variable; on a busy machine one thread is faster than several.
THREADS = int(os.environ.get("OMP_NUM_THREADS") or 0)
CLASSES = 10
# Network, images, and widths: full size except where that would only take longer.
CASES = [
    ("cnn", GREY, []),
    ("mlp", GREY, []),
    ("resnet18", COLOUR, []),
    ("resnet18-cifar", GREY, [16, 32, 64, 128]),
    ("vgg16-cifar", GREY, [16, 32, 64, 128, 128]),
    ("vgg16-bn-cifar", COLOUR, []),
    ("vit-tiny", COLOUR, []),
    ("vit-small", GREY, [384, 4, 6]),
    ("wrn16-4", COLOUR, [16, 32, 64, 128]),
    ("vgg16", COLOUR, []),
    ("vgg16-bn", COLOUR, []),
]
# Left out unless they are named or all are asked for: minutes each.
SLOW = ["vgg16", "vgg16-bn"]
CONFIG = """
name = "pytorch"
precision = "f32"
threads = {threads}
[data]
{data}
[network]
name = "{network}"
widths = {widths}
[corners]
from = {corners}
[align]
images = 200
[fit]
degree = [1, 1]
boundary_epochs = 0.0
epochs = 0.0
[heatmap]
grid = 2
[export]
best = false
"""


class Fault(Exception):
    """Carries one sentence."""


def measure(model, data):
    """Correct images and mean cross-entropy of a module in evaluation mode."""
    correct, loss = 0, 0.0
    with torch.no_grad():
        for x, y in zip(data[0].split(200), data[1].split(200)):
            logits = model(x)
            correct += int((logits.argmax(1) == y).sum())
            loss += float(F.cross_entropy(logits, y, reduction="sum"))
    return correct, loss / len(data[1])


def train(network, shape, widths, seed, data, steps=12):
    """A module started as its library does and trained for a few steps, so that its accuracy is not chance."""
    torch.manual_seed(seed)
    model = zoo.module(network, shape, CLASSES, widths).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    order = torch.randperm(len(data[1]))
    for step in range(steps):
        chosen = order[step * 64 : (step + 1) * 64]
        loss = F.cross_entropy(model(data[0][chosen]), data[1][chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def agree(what, ours, theirs, count):
    """Ours and theirs are correct images and mean loss."""
    # An image whose two best classes are equal up to rounding may fall either way.
    close = abs(ours[0] - theirs[0]) <= 1
    if not close or abs(ours[1] - theirs[1]) > 1e-4 * max(1.0, abs(theirs[1])):
        raise Fault(f"{what}: surfit measures {ours}, PyTorch {theirs} (correct of {count}, loss)")


class Surfit:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        self.env = {**os.environ, "SURFIT_RUNS": str(folder / "runs")}

    def start(self, *arguments):
        return self.start_plain(*arguments, "--json")

    def start_plain(self, *arguments):
        command = [self.program, *map(str, arguments)]
        return subprocess.run(
            command, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=3600
        )

    def __call__(self, *arguments):
        """Runs a command with `--json`; gives its lines."""
        done = self.start(*arguments)
        if done.returncode != 0:
            raise Fault(f"surfit {' '.join(map(str, arguments))} failed: {done.stderr.strip()}")
        return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]

    def eval(self, file, config):
        """Correct test images and mean loss of a model file."""
        line = self("eval", file, "--config", config, "--split", "test")[-1]
        return line["correct"], line["loss"]


def save(models, folder):
    """The four forms of files in which people keep state dicts."""
    states = [model.state_dict() for model in models]
    torch.save(states[0], folder / "a.pt")
    wrapped = {f"module.{name}": value for name, value in states[1].items()}
    torch.save({"epoch": 3, "state_dict": wrapped, "best": 0.5}, folder / "b.pth")
    safetensors.torch.save_file(states[2], folder / "c.safetensors")
    torch.save(states[3], folder / "d.pt")
    return [folder / name for name in ("a.pt", "b.pth", "c.safetensors", "d.pt")]


def check(surfit, network, shape, widths, folder):
    guess = ([0.3] * shape[0], [0.35] * shape[0])
    data = images.normalized("train", shape, *guess)
    models = [train(network, shape, widths, seed, data) for seed in range(4)]
    files = save(models, folder)
    config = folder / "config.toml"
    fields = {
        "network": network,
        "widths": widths,
        "corners": json.dumps([str(f) for f in files]),
        "data": images.write(folder, shape),
        "threads": THREADS,
    }
    config.write_text(CONFIG.format(**fields))

    surfit("run", config, "--run-dir", folder / "run")
    test = None
    for at in ("0,0", "1,1", "0.5,0.5"):
        out = folder / f"at-{at}"
        surfit("export", folder / "run", "--at", at, "--out", out)
        card = json.loads((out / "model.json").read_text())
        if test is None:
            test = images.normalized("test", shape, card["mean"], card["std"])
            for file, model in zip(files, models):
                agree(file.name, surfit.eval(file, config), measure(model, test), len(test[1]))
        model = zoo.module(network, shape, CLASSES, widths)
        model.load_state_dict(safetensors.torch.load_file(out / "model.safetensors"), strict=True)
        count = card["test_images"]
        ours = (round(card["test_accuracy"] * count), card["test_loss"])
        agree(f"export at {at}", ours, measure(model, test), count)
        if at == "0,0":
            same = dict(model.named_parameters())
            for name, value in models[0].named_parameters():
                if not torch.equal(value, same[name]):
                    raise Fault(f"export at {at}: `{name}` is not what corner 1 has")
    events = [json.loads(line) for line in open(folder / "run" / "events.jsonl")]
    changes = [e["logit_change"] for e in map(flat, events) if "logit_change" in e]
    if len(changes) != 3 or max(changes) > 1e-4:
        raise Fault(f"alignment changed the corners' logits by {changes}")
    if network == "resnet18":
        refusals.check(surfit, models[0], config, folder, lambda model: measure(model, test))
    return measure(models[0], test)[0] / len(test[1]), max(changes)


def flat(event):
    """An event's fields, wherever they are nested."""
    fields = {}
    for key, value in event.items():
        fields.update(flat(value) if isinstance(value, dict) else {key: value})
    return fields


def main():
    program, chosen = Path(sys.argv[1]).resolve(), sys.argv[2:]
    everything = "--all" in chosen
    chosen = [name for name in chosen if name != "--all"]
    unknown = set(chosen) - {case[0] for case in CASES}
    if unknown:
        sys.exit(f"check.py: no network is called {', '.join(unknown)}; known: {', '.join(zoo.MAKERS)}")
    failed = 0
    for network, shape, widths in CASES:
        if chosen and network not in chosen:
            continue
        if network in SLOW and not everything and network not in chosen:
            print(f"{network:16} left out; `make test-pytorch ALL=1` or `ARGS={network}` takes it", flush=True)
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="surfit-") as folder:
            folder = Path(folder)
            try:
                accuracy, change = check(Surfit(program, folder), network, shape, widths, folder)
                said = f"agrees both ways ({accuracy:.1%} on test; alignment changes logits by {change:.0e})"
            except (Fault, refusals.Accepted) as fault:
                failed += 1
                said = f"FAILED: {fault}"
        print(f"{network:16} {said}, {time.monotonic() - began:.0f} s", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

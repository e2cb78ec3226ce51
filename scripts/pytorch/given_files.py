#!/usr/bin/env python3
"""Files of networks as people have them, written by real PyTorch, timm and Lightning.

Each case writes a file (or a folder) with one network's weights. `surfit eval` has to measure what PyTorch measures with the
weights that the file stands for, or to refuse the file in one sentence with the words that the case names. `surfit config
check` has to accept the same files and to refuse the others.

    given_files.py SURFIT [CASE...]     SURFIT is the program, built beside `surfit-engine`
"""

import copy
import json
import logging
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

import check
import images
import lightning
import names
import safetensors.torch
import timm
import torch
import torch.distributed.checkpoint
import torch.nn.functional as F
import torchmetrics
import zoo
from images import COLOUR
from lightning.pytorch.callbacks import EMAWeightAveraging
from torch import nn
from torch.nn.utils import parametrizations, prune

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
CLASSES = 10
RESNET = ("resnet18-cifar", [8, 8, 16, 16], {})
VGG = ("vgg16-bn-cifar", [8, 8, 16, 16, 16], {})
VIT = ("vit-tiny", [24, 2, 2], {"patch": 4})
CONFIG = """
name = "given"
precision = "f32"
[data]
{data}
{more_data}
[network]
name = "{network}"
widths = {widths}
{more_network}
[corners]
from = {corners}
{more_corners}
[align]
images = 200
"""


class Case:
    """One file. `network` is (name, widths, further keys of [network]); `write(folder, model)` gives the path, and the
    model to compare with where it is not the one that it got; `refused` holds words of the refusal, if there is to be one."""

    def __init__(self, name, network, write, refused=(), corners="", data="", size=32, constants=(0.3, 0.35)):
        self.name, self.network, self.write = name, network, write
        self.refused, self.corners, self.data, self.size, self.constants = refused, corners, data, size, constants


CASES = []


def case(name, network=RESNET, **options):
    """Registers the function that writes a file."""

    def register(write):
        CASES.append(Case(name, network, write, **options))
        return write

    return register


def save(content, path, **options):
    torch.save(content, path, **options)
    return path


def renamed(state, rename):
    return {rename(name): value for name, value in state.items()}


def prefixed(state, prefix):
    return renamed(state, lambda name: prefix + name)


# 1. The content decides, not the ending.

for ending in ("pth.tar", "th", "bin", "ckpt", "t7", "pkl", "safetensors", ""):

    def write_ending(folder, model, ending=ending):
        return save(model.state_dict(), folder / f"weights{'.' if ending else ''}{ending}")

    case(f"ending-{ending or 'none'}")(write_ending)


@case("safetensors-as-pt")
def _(folder, model):
    safetensors.torch.save_file(model.state_dict(), folder / "weights.pt")
    return folder / "weights.pt"


@case("text", refused=["weights.pt", "Git LFS"])
def _(folder, model):
    (folder / "weights.pt").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    return folder / "weights.pt"


# 2. Forms of archives and tensors.


@case("before-1.6")
def _(folder, model):
    return save(model.state_dict(), folder / "old.pth", _use_new_zipfile_serialization=False)


@case("before-1.6-checkpoint")
def _(folder, model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    content = {"epoch": 7, "arch": "r", "state_dict": prefixed(model.state_dict(), "module."), "best_prec1": torch.tensor(1.0)}
    content["optimizer"] = optimizer.state_dict()
    return save(content, folder / "old.pth.tar", _use_new_zipfile_serialization=False)


for protocol in (1, 3, 4):

    def write_protocol(folder, model, protocol=protocol):
        return save(model.state_dict(), folder / "weights.pt", pickle_protocol=protocol)

    case(f"pickle-protocol-{protocol}")(write_protocol)


@case("no-checksums")
def _(folder, model):
    torch.serialization.set_crc32_options(False)
    try:
        return save(model.state_dict(), folder / "weights.pt")
    finally:
        torch.serialization.set_crc32_options(True)


@case("expanded")
def _(folder, model):
    state = model.state_dict()
    for name in [n for n in state if n.endswith("running_mean")]:
        state[name] = state[name].mean().expand(state[name].shape)
    model.load_state_dict(state)
    return save(state, folder / "weights.pt")


@case("transposed-views-of-one-storage")
def _(folder, model):
    state = model.state_dict()
    flat = torch.cat([state["conv1.weight"].reshape(-1), state["fc.weight"].t().reshape(-1)])
    count = state["conv1.weight"].numel()
    state["conv1.weight"] = flat[:count].view(state["conv1.weight"].shape)
    state["fc.weight"] = flat[count:].view(state["fc.weight"].t().shape).t()
    return save(state, folder / "weights.pt")


@case("lazily-negated")
def _(folder, model):
    state = model.state_dict()
    weight = state["fc.weight"]
    state["fc.weight"] = torch.complex(torch.zeros_like(weight), -weight).conj().imag
    assert state["fc.weight"].is_neg() and torch.equal(state["fc.weight"].resolve_neg(), weight)
    return save(state, folder / "weights.pt")


for kind in (torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn, torch.float8_e5m2):

    def rounded(model, kind=kind):
        state = {k: v.to(kind) if v.is_floating_point() and v.ndim > 1 else v for k, v in model.state_dict().items()}
        model.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
        return state

    def write_safe_kind(folder, model, rounded=rounded):
        safetensors.torch.save_file(rounded(model), folder / "weights.safetensors")
        return folder / "weights.safetensors"

    name = str(kind).removeprefix("torch.")
    case(name)(lambda folder, model, rounded=rounded: save(rounded(model), folder / "weights.pt"))
    case(f"{name}-safetensors")(write_safe_kind)


@case("pruned")
def _(folder, model):
    for layer in (model.conv1, model.layer3[0].conv2, model.fc):
        prune.l1_unstructured(layer, "weight", amount=0.3)
    return save(model.state_dict(), folder / "weights.pt")


@case("weight-normed-old")
def _(folder, model):
    torch.nn.utils.weight_norm(model.layer2[0].conv1)
    torch.nn.utils.weight_norm(model.fc, dim=1)
    with torch.no_grad():
        model.fc.weight_g.mul_(1.1)
    return save(model.state_dict(), folder / "weights.pt")


@case("weight-normed-new")
def _(folder, model):
    parametrizations.weight_norm(model.layer2[0].conv1)
    parametrizations.weight_norm(model.fc)
    with torch.no_grad():
        model.fc.parametrizations.weight.original0.mul_(1.1)
    return save(model.state_dict(), folder / "weights.pt")


@case("spectral-normed", refused=["parametrization"])
def _(folder, model):
    parametrizations.spectral_norm(model.fc)
    return save(model.state_dict(), folder / "weights.pt")


case("sparse", refused=["`fc.weight`", "to_dense()"])(
    lambda f, m: save({**m.state_dict(), "fc.weight": m.fc.weight.data.to_sparse()}, f / "weights.pt")
)


@case("quantized", refused=["`conv1.weight`", "dequantize()"])
def _(folder, model):
    state = {k: torch.quantize_per_tensor(v, 0.1, 0, torch.qint8) if v.ndim == 4 else v for k, v in model.state_dict().items()}
    return save(state, folder / "weights.pt")


@case("int8", refused=["I8", "float"])
def _(folder, model):
    return save({k: v.to(torch.int8) for k, v in model.state_dict().items()}, folder / "weights.pt")


@case("whole-module", refused=["ResNet", "state_dict"])
def _(folder, model):
    return save(model, folder / "weights.pt")


@case("torchscript", refused=["TorchScript", "torch.jit.load(FILE).state_dict()"])
def _(folder, model):
    torch.jit.script(model).save(folder / "weights.pt")
    return folder / "weights.pt"


@case("exported-program", refused=["torch.export", "torch.export.load(FILE).state_dict"])
def _(folder, model):
    program = torch.export.export(model, (torch.zeros(2, *COLOUR),))
    torch.export.save(program, folder / "weights.pt2")
    return folder / "weights.pt2"


@case("distributed-checkpoint")
def _(folder, model):
    torch.distributed.checkpoint.save(model.state_dict(), checkpoint_id=folder / "step-100")
    return folder / "step-100"


@case("distributed-checkpoint-with-optimizer")
def _(folder, model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    F.cross_entropy(model(torch.zeros(2, *COLOUR)), torch.zeros(2, dtype=torch.long)).backward()
    optimizer.step()
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": 3}
    torch.distributed.checkpoint.save(state, checkpoint_id=folder / "step-100")
    return folder / "step-100"


def write_shards(folder, model, name, index, write):
    state = model.state_dict()
    keys = sorted(state)
    weight_map = {}
    for number, part in enumerate((keys[::2], keys[1::2]), 1):
        file = name.format(number)
        write({k: state[k] for k in part}, folder / file)
        weight_map.update({k: file for k in part})
    size = sum(v.numel() * v.element_size() for v in state.values())
    (folder / index).write_text(json.dumps({"metadata": {"total_size": size}, "weight_map": weight_map}))


@case("sharded-safetensors-folder")
def _(folder, model):
    (folder / "sharded").mkdir()
    write_shards(folder / "sharded", model, "model-{:05}-of-00002.safetensors", "model.safetensors.index.json", safetensors.torch.save_file)
    return folder / "sharded"


@case("sharded-safetensors-index")
def _(folder, model):
    write_shards(folder, model, "model-{:05}-of-00002.safetensors", "model.safetensors.index.json", safetensors.torch.save_file)
    return folder / "model.safetensors.index.json"


@case("sharded-pickles")
def _(folder, model):
    (folder / "sharded").mkdir()
    write_shards(folder / "sharded", model, "pytorch_model-{:05}-of-00002.bin", "pytorch_model.bin.index.json", torch.save)
    return folder / "sharded"


# 3. Which weights.


def averaged(model):
    """A network near the model, as an average of its weights is."""
    other = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(0.9)
    return other


for key, raw in (("state_dict_ema", "state_dict"), ("model_ema", "model"), ("ema_state_dict", "state_dict"), ("params_ema", "params")):

    def write_ema(folder, model, key=key, raw=raw):
        average = averaged(model)
        return save({raw: model.state_dict(), key: average.state_dict()}, folder / "both.pth"), average

    def write_raw(folder, model, key=key, raw=raw):
        return save({raw: model.state_dict(), key: averaged(model).state_dict()}, folder / "both.pth")

    case(f"average-{key}")(write_ema)
    case(f"raw-beside-{key}", corners='weights = "raw"')(write_raw)


def write_timm_checkpoint(folder, model):
    from timm.utils import CheckpointSaver, ModelEmaV3

    average = ModelEmaV3(model, decay=0.5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.1)
    average.update(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    saver = CheckpointSaver(model, optimizer, model_ema=average, checkpoint_dir=str(folder), recovery_dir=str(folder))
    saver.save_checkpoint(0, metric=0.5)
    return folder / "last.pth.tar", average.module


case("timm-checkpoint-average")(write_timm_checkpoint)
case("timm-checkpoint-raw", corners='weights = "raw"')(lambda folder, model: write_timm_checkpoint(folder, model)[0])


class Lit(lightning.LightningModule):
    """A training as Lightning's users write it."""

    def __init__(self, net):
        super().__init__()
        self.net = net
        self.accuracy = torchmetrics.classification.MulticlassConfusionMatrix(num_classes=CLASSES)
        self.accuracy.persistent(True)
        self.loss = nn.CrossEntropyLoss(weight=torch.ones(CLASSES))

    def training_step(self, batch, _):
        logits = self.net(batch[0])
        self.accuracy(logits, batch[1])
        return self.loss(logits, batch[1])

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01, momentum=0.9)


def train_lightning(folder, model, callbacks):
    x, y = images.normalized("train", COLOUR, [0.3] * 3, [0.35] * 3)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x[:256], y[:256]), batch_size=64)
    module = Lit(model.train())
    trainer = lightning.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        default_root_dir=folder, callbacks=callbacks, enable_checkpointing=False,
    )
    trainer.fit(module, loader)
    trainer.save_checkpoint(folder / "last.ckpt")
    return module


@case("lightning")
def _(folder, model):
    module = train_lightning(folder, model, [])
    return folder / "last.ckpt", module.net


def write_lightning_average(folder, model, key):
    train_lightning(folder, model, [EMAWeightAveraging(decay=0.5)])
    saved = torch.load(folder / "last.ckpt", weights_only=False)[key]
    model.load_state_dict({k.removeprefix("net."): v for k, v in saved.items() if k.startswith("net.")})
    return folder / "last.ckpt", model


case("lightning-average")(lambda f, m: write_lightning_average(f, m, "state_dict"))
case("lightning-raw-beside-average", corners='weights = "raw"')(lambda f, m: write_lightning_average(f, m, "current_model_state"))


# 4. Names.

for prefix in ("module.", "model.", "net.", "backbone.", "encoder.", "1.", "_orig_mod.", "module._orig_mod.model."):

    def write_prefix(folder, model, prefix=prefix):
        return save(prefixed(model.state_dict(), prefix), folder / "weights.pt")

    case(f"prefix-{prefix}")(write_prefix)


@case("normalizing-layer-first")
def _(folder, model):
    class Normalize(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("mean", torch.full((1, 3, 1, 1), 0.3))
            self.register_buffer("std", torch.full((1, 3, 1, 1), 0.35))

        def forward(self, x):
            return (x - self.mean) / self.std

    return save(nn.Sequential(Normalize(), model).state_dict(), folder / "weights.pt")


@case("head-under-another-prefix")
def _(folder, model):
    def rename(name):
        return f"head.{name}" if name.startswith("fc.") else f"backbone.{name}"

    return save(renamed(model.state_dict(), rename), folder / "weights.pt")


@case("data-parallel-features", network=VGG)
def _(folder, model):
    return save(renamed(model.state_dict(), lambda n: n.replace("features.", "features.module.")), folder / "weights.pt")


for inner in ("_fsdp_wrapped_module.", "_checkpoint_wrapped_module.", "_orig_mod."):

    def write_wrapped(folder, model, inner=inner):
        def rename(name):
            head, _, rest = name.partition(".")
            return f"{head}.{inner}{rest}" if head.startswith("layer") else name

        return save(renamed(model.state_dict(), rename), folder / "weights.pt")

    case(f"inside-{inner}")(write_wrapped)


@case("averaged-model")
def _(folder, model):
    average = torch.optim.swa_utils.AveragedModel(model)
    average.update_parameters(averaged(model))
    average.update_parameters(model)
    return save({"state_dict": prefixed(average.state_dict(), "model.")}, folder / "swa.pt"), average.module


@case("counters-of-other-types")
def _(folder, model):
    state = model.state_dict()
    for name in state:
        if name.endswith("num_batches_tracked"):
            state[name] = state[name].to(torch.int32)
    state["_extra_state"] = torch.zeros(0)
    return save(state, folder / "weights.pt")


@case("deepspeed")
def _(folder, model):
    return save({"module": model.state_dict(), "optimizer": None, "global_steps": 10, "dp_world_size": 1}, folder / "mp_rank_00_model_states.pt")


case("kuangliu-resnet")(lambda f, m: save({"net": prefixed(renamed(m.state_dict(), names.kuangliu_resnet), "module."), "acc": 95.0, "epoch": 199}, f / "ckpt.pth"))
case("weiaicunzai-resnet")(lambda f, m: save(renamed(m.state_dict(), names.weiaicunzai_resnet), f / "resnet18-200-regular.pth"))
case("renamed-by-hand", corners="rename = [['^stage(\\d)_', 'layer$1.'], ['^stem$', 'conv1.weight']]")(
    lambda f, m: save(renamed(m.state_dict(), names.by_hand), f / "mine.pt")
)
case("unknown-names", refused=["stage1_0.conv1.weight"])(lambda f, m: save(renamed(m.state_dict(), names.by_hand), f / "mine.pt"))
case("wrong-widths", refused=["network.widths = [8, 8, 16, 24]"])(
    lambda f, m: save(zoo.module("resnet18-cifar", COLOUR, CLASSES, [8, 8, 16, 24]).state_dict(), f / "wide.pt")
)
case("other-classes", refused=["100 classes", "10"])(
    lambda f, m: save(zoo.module("resnet18-cifar", COLOUR, 100, RESNET[1]).state_dict(), f / "hundred.pt")
)
case("kuangliu-vgg", network=VGG)(lambda f, m: save(prefixed(m.state_dict(), "module."), f / "ckpt.pth"))
case("timm-vit", network=VIT)(lambda f, m: save(m.state_dict(), f / "vit.pt"))
case("torchvision-vit", network=VIT)(lambda f, m: save(names.torchvision_vit(m.state_dict()), f / "vit.pt"))


# 5. CIFAR's VGGs with three linear layers, and a ViT for other sizes.


class SmallVgg(nn.Module):
    """VGG16 for CIFAR with hidden layers in its classifier; `places` says where the linear layers are in it."""

    def __init__(self, features, width, hidden, places):
        super().__init__()
        self.features = features
        layers, fan = [nn.Identity() for _ in range(places[-1] + 1)], width
        for place, units in zip(places, [*hidden, CLASSES]):
            layers[place] = nn.Linear(fan, units)
            if place != places[-1]:
                layers[place + 1] = nn.ReLU()
            fan = units
        self.classifier = nn.Sequential(*layers)

    def forward(self, x):
        return self.classifier(F.adaptive_avg_pool2d(self.features(x), 1).flatten(1))


for normed in (False, True):
    for places, hidden in (((0, 3, 6), (24, 24)), ((1, 4, 6), (24, 24)), ((0, 3, 6), (48, 40))):

        def write_vgg(folder, model, places=places, hidden=hidden):
            whole = SmallVgg(model.features, 16, hidden, places)
            return save(whole.state_dict(), folder / "vgg.pt"), whole

        name = "vgg16-bn-cifar" if normed else "vgg16-cifar"
        case(f"{name}-{'/'.join(map(str, places))}-{hidden[0]}", network=(name, VGG[1], {"hidden": list(hidden)}))(write_vgg)

    def write_layer_blocks(folder, model, normed=normed):
        whole = SmallVgg(model.features, 16, (24, 24), (1, 4, 6))
        rename = names.layer_blocks(normed)
        return save({"epoch": 200, "state_dict": renamed(whole.state_dict(), rename)}, folder / "checkpoint-200.pt"), whole

    name = "vgg16-bn-cifar" if normed else "vgg16-cifar"
    case(f"{name}-layer-blocks", network=(name, VGG[1], {"hidden": [24, 24]}))(write_layer_blocks)


# Side of a patch, side of the images that the file was made for, and of those here.
for patch, made_for, size in ((4, 48, 32), (8, 56, 32), (8, 24, 64), (16, 224, 64), (32, 224, 96), (16, 224, 224)):

    def write_vit(folder, model, patch=patch, made_for=made_for):
        other = zoo.module("vit-tiny", [3, made_for, made_for], CLASSES, VIT[1], patch)
        state = other.state_dict()
        model.load_state_dict(timm.models.vision_transformer.checkpoint_filter_fn(state, model))
        return save(state, folder / "vit.pt")

    case(
        f"vit-of-patch-{patch}-for-{made_for}-at-{size}",
        network=(VIT[0], VIT[1], {"patch": patch}),
        data=f"image_size = {size}",
        size=size,
    )(write_vit)


@case("vit-of-another-patch", network=VIT, refused=["network.patch = 8", "data.image_size = 56"])
def _(folder, model):
    return save(zoo.module("vit-tiny", [3, 56, 56], CLASSES, VIT[1], 8).state_dict(), folder / "vit.pt")


# 6. Normalization and image size.

for name, constants, said in (
    ("half", (0.5, 0.5), 'mean = "half"\nstd = "half"'),
    ("none", (0.0, 1.0), 'mean = "none"\nstd = "none"'),
    ("imagenet", ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]), 'mean = "imagenet"\nstd = "imagenet"'),
    ("kuangliu", ([0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]), "mean = [0.4914, 0.4822, 0.4465]\nstd = [0.2023, 0.1994, 0.2010]"),
):
    case(f"constants-{name}", data=said, constants=constants)(lambda f, m: save(m.state_dict(), f / "weights.pt"))

case("resized", data="image_size = 56", size=56)(lambda f, m: save(m.state_dict(), f / "weights.pt"))


def prepare(split, case_):
    """Images as the network of a case reads them."""
    mean, std = ([v] * 3 if isinstance(v, float) else v for v in case_.constants)
    x, y = images.normalized(split, COLOUR, [0.0] * 3, [1.0] * 3)
    if case_.size != 32:
        x = F.interpolate(x, size=(case_.size, case_.size), mode="bilinear", antialias=True, align_corners=False)
    mean, std = (torch.tensor(v).view(-1, 1, 1) for v in (mean, std))
    return (x - mean) / std, y


def run(surfit, case_, folder):
    """Writes the file of a case and compares; gives what there is to say."""
    network, widths, more = case_.network
    torch.manual_seed(hash_of(case_.name))
    train, test = prepare("train", case_), prepare("test", case_)
    model = zoo.module(network, [3, case_.size, case_.size], CLASSES, widths, more.get("patch", 0)).train()
    fit(model, train)
    done = case_.write(folder, model.eval())
    path, model = done if isinstance(done, tuple) else (done, model)
    config = folder / "config.toml"
    data = images.write(folder, COLOUR)
    if "mean" not in case_.data:
        data += f"mean = {[case_.constants[0]] * 3}\nstd = {[case_.constants[1]] * 3}\n"
    config.write_text(
        CONFIG.format(
            data=data, more_data=case_.data, network=network, widths=widths, corners=json.dumps([str(path), str(path)]),
            more_network="\n".join(f"{key} = {value}" for key, value in more.items()), more_corners=case_.corners,
        )
    )
    checked = surfit.start_plain("config", "check", config)
    told = surfit.start("eval", path, "--config", config, "--split", "test")
    if case_.refused:
        for command, got, code in (("config check", checked, 2), ("eval", told, 1)):
            said = got.stderr.strip()
            missing = [word for word in case_.refused if word.lower() not in said.lower()]
            if got.returncode != code or missing or "\n" in said:
                raise check.Fault(f"{command} ended with {got.returncode}, not {code}, and said: {said} (wants {missing})")
        return "refused: " + told.stderr.strip().split(str(folder))[-1]
    for command, got in (("config check", checked), ("eval", told)):
        if got.returncode != 0:
            raise check.Fault(f"{command} refused it: {got.stderr.strip()}")
    line = json.loads(told.stdout.splitlines()[-1])
    theirs = check.measure(model.eval(), test)
    check.agree("eval", (line["correct"], line["loss"]), theirs, len(test[1]))
    return f"{theirs[0]} of {len(test[1])} right"


def hash_of(name):
    """A seed that is the same in every process."""
    return int.from_bytes(name.encode()[:6].ljust(6, b" "), "big") % 2**31


def fit(model, data, steps=12):
    """Trains a network a little, so that its accuracy is not chance."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    for step in range(steps):
        part = slice(64 * step % 640, 64 * step % 640 + 64)
        loss = F.cross_entropy(model(data[0][part]), data[1][part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def main():
    program, chosen = Path(sys.argv[1]).resolve(), sys.argv[2:]
    unknown = set(chosen) - {c.name for c in CASES}
    if unknown:
        sys.exit(f"given_files.py: no case is called {', '.join(sorted(unknown))}; there are {', '.join(c.name for c in CASES)}")
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or 1))
    print(f"given files: torch {torch.__version__}, timm {timm.__version__}, lightning {lightning.__version__}", flush=True)
    failed, began = [], time.monotonic()
    for case_ in CASES:
        if chosen and case_.name not in chosen:
            continue
        with tempfile.TemporaryDirectory(prefix="surfit-") as folder:
            try:
                said = run(check.Surfit(program, Path(folder)), case_, Path(folder))
            except check.Fault as fault:
                failed.append(case_.name)
                said = f"FAILED: {str(fault).replace(folder, '…')}"
        print(f"{case_.name:40} {said}", flush=True)
    print(f"{len(chosen or CASES) - len(failed)} of {len(chosen or CASES)} agree, {time.monotonic() - began:.0f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

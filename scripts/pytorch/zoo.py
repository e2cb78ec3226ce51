"""The networks as PyTorch modules of torchvision and timm, and weights from one closed formula.

surfit's tests compute the same formula, so that a file of logits is all that has to be stored to compare them.
"""

import numpy as np
import timm
import torch
import torchvision
from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.models.vgg import VGG, cfgs, make_layers

TABLE = 65521  # a prime, so that no layer's rows repeat each other


def cnn(widths, patch, shape, classes):
    widths = widths or [16, 32, 64]
    blocks, fan = [], shape[0]
    for i, width in enumerate(widths):
        pool = nn.MaxPool2d(2) if i + 1 < len(widths) else nn.AdaptiveAvgPool2d(1)
        conv = nn.Conv2d(fan, width, 3, padding=1, bias=False)
        blocks.append(nn.Sequential(conv, nn.BatchNorm2d(width), nn.ReLU(), pool))
        fan = width

    class Cnn(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(*blocks)
            self.classifier = nn.Linear(fan, classes)

        def forward(self, x):
            return self.classifier(self.features(x).flatten(1))

    return Cnn()


def mlp(widths, patch, shape, classes):
    sizes = [int(np.prod(shape)), *(widths or [256, 128]), classes]

    class Mlp(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))

        def forward(self, x):
            x = x.flatten(1)
            for layer in self.layers[:-1]:
                x = layer(x).relu()
            return self.layers[-1](x)

    return Mlp()


def resnet18(cifar):
    def make(widths, patch, shape, classes):
        if not widths:
            model = torchvision.models.resnet18(num_classes=classes)
        else:
            # torchvision fixes the widths in its constructor and asks only `inplanes` of the instance.
            model = ResNet(BasicBlock, [2, 2, 2, 2], num_classes=classes)
            model.inplanes = widths[0]
            model.bn1 = nn.BatchNorm2d(widths[0])
            for i, width in enumerate(widths):
                layer = model._make_layer(BasicBlock, width, 2, stride=1 if i == 0 else 2)
                setattr(model, f"layer{i + 1}", layer)
            model.fc = nn.Linear(widths[-1], classes)
        width = model.bn1.num_features
        if cifar:
            model.conv1 = nn.Conv2d(shape[0], width, 3, padding=1, bias=False)
            model.maxpool = nn.Identity()
        else:
            model.conv1 = nn.Conv2d(shape[0], width, 7, stride=2, padding=3, bias=False)
        return model

    return make


def vgg16(normed, cifar):
    def make(widths, patch, shape, classes):
        name = "vgg16_bn" if normed else "vgg16"
        if not widths and shape[0] == 3:
            model = getattr(torchvision.models, name)(num_classes=classes)
        else:
            own = dict(zip([64, 128, 256], widths or []))
            layers = [own.get(v, v) for v in cfgs["D"]]
            if widths:
                tens = [i for i, v in enumerate(layers) if v == 512]
                layers = [
                    v if i not in tens else widths[3 + tens.index(i) // 3]
                    for i, v in enumerate(layers)
                ]
            model = VGG(make_layers(layers, batch_norm=normed), num_classes=classes)
            first = model.features[0]
            model.features[0] = nn.Conv2d(shape[0], first.out_channels, 3, padding=1)
            last = layers[-2]
            if last != 512:
                model.classifier[0] = nn.Linear(last * 49, 4096)
        if cifar:
            for module in model.features:
                if isinstance(module, nn.MaxPool2d):
                    module.ceil_mode = True
            model.avgpool = nn.AdaptiveAvgPool2d(1)
            model.classifier = nn.Linear((widths or [512])[-1], classes)
        return model

    return make


def vit(name):
    def make(widths, patch, shape, classes):
        options = {}
        if widths:
            options = dict(zip(["embed_dim", "depth", "num_heads"], widths))
        return timm.create_model(
            name,
            img_size=tuple(shape[1:]),
            patch_size=patch or -(-shape[1] // 8),
            in_chans=shape[0],
            num_classes=classes,
            **options,
        )

    return make


def wide_resnet(widths, patch, shape, classes):
    """As xternalz/WideResNet-pytorch has it, with 16 layers and without dropout."""
    widths = widths or [16, 64, 128, 256]

    class Block(nn.Module):
        def __init__(self, before, after, stride):
            super().__init__()
            self.bn1 = nn.BatchNorm2d(before)
            self.conv1 = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(after)
            self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
            equal = before == after and stride == 1
            self.convShortcut = None if equal else nn.Conv2d(before, after, 1, stride=stride, bias=False)

        def forward(self, x):
            normed = self.bn1(x).relu()
            out = self.conv2(self.bn2(self.conv1(normed)).relu())
            return out + (x if self.convShortcut is None else self.convShortcut(normed))

    class Stage(nn.Module):
        def __init__(self, before, after, stride):
            super().__init__()
            self.layer = nn.Sequential(Block(before, after, stride), Block(after, after, 1))

        def forward(self, x):
            return self.layer(x)

    class WideResNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(shape[0], widths[0], 3, padding=1, bias=False)
            self.block1 = Stage(widths[0], widths[1], 1)
            self.block2 = Stage(widths[1], widths[2], 2)
            self.block3 = Stage(widths[2], widths[3], 2)
            self.bn1 = nn.BatchNorm2d(widths[3])
            self.fc = nn.Linear(widths[3], classes)

        def forward(self, x):
            x = self.block3(self.block2(self.block1(self.conv1(x))))
            return self.fc(self.bn1(x).relu().mean((2, 3)))

    return WideResNet()


MAKERS = {
    "cnn": cnn,
    "mlp": mlp,
    "resnet18": resnet18(cifar=False),
    "resnet18-cifar": resnet18(cifar=True),
    "vgg16": vgg16(normed=False, cifar=False),
    "vgg16-bn": vgg16(normed=True, cifar=False),
    "vgg16-cifar": vgg16(normed=False, cifar=True),
    "vgg16-bn-cifar": vgg16(normed=True, cifar=True),
    "vit-tiny": vit("vit_tiny_patch16_224"),
    "vit-small": vit("vit_small_patch16_224"),
    "wrn16-4": wide_resnet,
}


def module(network, shape, classes, widths=(), patch=0, hidden=()):
    """The PyTorch module of a network for images of `shape` (channels, height, width), in evaluation mode."""
    model = MAKERS[network](list(widths), patch, shape, classes)
    if hidden:
        model.classifier = hidden_classifier(model.classifier, hidden, classes)
    return model.eval()


def hidden_classifier(before, hidden, classes):
    """A VGG's classifier with other hidden layers than it has `before`, in torchvision's order of modules."""
    first = before if isinstance(before, nn.Linear) else before[0]
    layers, fan = [], first.in_features
    for units in hidden:
        layers += [nn.Linear(fan, units), nn.ReLU(), nn.Dropout()]
        fan = units
    return nn.Sequential(*layers, nn.Linear(fan, classes))


def noise(name, count):
    """`count` numbers in [-1, 1) that depend on the name and their place alone."""
    h = np.arange(TABLE, dtype=np.uint32) * np.uint32(2654435761)
    h ^= h >> np.uint32(15)
    h *= np.uint32(2246822519)
    h ^= h >> np.uint32(13)
    h *= np.uint32(3266489917)
    h ^= h >> np.uint32(16)
    start = 0
    for byte in name.encode():
        start = (start * 31 + byte) % TABLE
    table = np.roll(h / 2.0**31 - 1.0, -start)
    return np.tile(table, -(-count // TABLE))[:count]


def tensor(name, shape):
    """The formula's value of a parameter or statistic."""
    x = noise(name, int(np.prod(shape)))
    if name.endswith("running_mean"):
        x = 0.1 * x
    elif name.endswith("running_var"):
        x = 1.0 + 0.5 * x
    elif len(shape) == 1:
        x = 1.0 + 0.25 * x if name.endswith("weight") else 0.1 * x
    elif len(shape) == 3:
        x = 0.5 * x  # class token and positions
    else:
        x = (6.0 / np.prod(shape[1:])) ** 0.5 * x
    return torch.from_numpy(x.astype(np.float32).reshape(tuple(shape)))


def fill(model):
    """Puts the formula's values into a module; counters of batches stay."""
    state = model.state_dict()
    for name, value in state.items():
        if value.is_floating_point():
            value.copy_(tensor(name, value.shape))
    model.load_state_dict(state, strict=True)
    return model


def images(count, shape):
    """The formula's images, normalized."""
    x = 1.7 * noise("images", count * int(np.prod(shape)))
    return torch.from_numpy(x.astype(np.float32).reshape(count, *shape))

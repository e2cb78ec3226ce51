"""Real images for check.py: the first ones of the data set inside the program, grey as they are or as CIFAR-10's files."""

import gzip
from pathlib import Path

import numpy as np
import torch

REPOSITORY = Path(__file__).resolve().parents[2]
# So few that full-size networks take seconds.
SPLITS = {"train": 800, "validation": 200, "test": 400}
GREY, COLOUR = [1, 28, 28], [3, 32, 32]
# A configuration's [data] for either.
TABLES = {
    1: 'name = "fashion-mnist-16k"\nroot = {dir}\nbn_images = 200\n',
    3: 'name = "cifar10"\nroot = {dir}\nvalidation_images = 200\nbn_images = 200\n',
}


def idx(name):
    """An array from one of the embedded IDX files."""
    found = sorted(REPOSITORY.glob(f"crates/*/fashion-mnist-16k/{name}-ubyte.gz"))
    if not found:
        raise FileNotFoundError(f"{name}-ubyte.gz of the embedded data set was not found below crates/")
    data = gzip.decompress(found[0].read_bytes())
    axes = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * len(axes)).reshape(axes)


def pixels(split, shape):
    """The images and labels of a split as bytes, `[N, C, H, W]` and `[N]`."""
    x = idx(f"{split}-images-idx3")[: SPLITS[split], None]
    labels = idx(f"{split}-labels-idx1")[: SPLITS[split]]
    if shape == COLOUR:
        x = np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)))
        x = np.concatenate([x, 255 - x, x // 2], axis=1)
    return x, labels


def write(folder, shape):
    """Writes the data set's files, as surfit reads them; gives the [data] table of a configuration."""
    if shape == GREY:
        for split in SPLITS:
            x, labels = pixels(split, shape)
            for part, array in (("images-idx3", x[:, 0]), ("labels-idx1", labels)):
                head = [0x800 + array.ndim, *array.shape]
                words = b"".join(n.to_bytes(4, "big") for n in head)
                (folder / f"{split}-{part}-ubyte").write_bytes(words + array.tobytes())
    else:
        inner = folder / "cifar-10-batches-bin"
        inner.mkdir()
        for split, files in (("train", range(1, 6)), ("test", None)):
            x, labels = pixels(split, shape)
            records = np.concatenate([labels[:, None], x.reshape(len(x), -1)], axis=1)
            names = [f"data_batch_{n}.bin" for n in files] if files else ["test_batch.bin"]
            for name, part in zip(names, np.array_split(records, len(names))):
                (inner / name).write_bytes(part.tobytes())
    return TABLES[shape[0]].format(dir=f'"{folder}"')


def normalized(split, shape, mean, std):
    """The images and labels of a split as a network reads them."""
    x, labels = pixels(split, shape)
    mean, std = (torch.tensor(v, dtype=torch.float32).view(-1, 1, 1) for v in (mean, std))
    x = torch.from_numpy(x.astype(np.float32)) / 255
    return (x - mean) / std, torch.from_numpy(labels.astype(np.int64))

#!/usr/bin/env python3
"""Cut the embedded data set `fashion-mnist-16k` from the original Fashion-MNIST files.

12,000 training and 2,000 validation images (disjoint, both from the original training file) and
2,000 test images (from the original test file), every class equally often. The choice and the order
depend on the seed alone, so that anyone can make the same files again. Needs only Python >= 3.9.
"""

import argparse
import gzip
import hashlib
import struct
import sys
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = Path("/usr/share/datasets/fashion-mnist")  # Debian package `dataset-fashion-mnist`
TARGET = HERE.parent / "src" / "data" / "fashion-mnist-16k"
CLASSES, SIDE = 10, 28
# split -> (original file prefix, images in the original, images per class)
SPLITS = {
    "train": ("train", 60_000, 1_200),
    "validation": ("train", 60_000, 200),
    "test": ("t10k", 10_000, 200),
}
MASK = (1 << 64) - 1


class DatasetError(Exception):
    """Carries one sentence for the user."""


def mix(seed, purpose, index):
    """SplitMix64 of (seed, purpose, index): the same on every machine and Python version."""
    z = (seed * 0x9E3779B97F4A7C15 + purpose * 0xD1B54A32D192ED03 + index) & MASK
    for _ in range(2):
        z = (z + 0x9E3779B97F4A7C15) & MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        z ^= z >> 31
    return z


def read_idx(path, magic, header_fields, payload):
    """The payload of one gzipped IDX file, with its magic number, dimensions and length checked."""
    try:
        data = gzip.decompress(path.read_bytes())
    except FileNotFoundError:
        raise DatasetError(
            f"{path} is missing: install the Debian package dataset-fashion-mnist, "
            "or give the folder of the original files with --source."
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} cannot be unpacked ({error}): fetch it again.") from None
    header = struct.pack(f">{1 + len(header_fields)}I", magic, *header_fields)
    if data[: len(header)] != header or len(data) != len(header) + payload:
        raise DatasetError(
            f"{path} is not the original Fashion-MNIST file (magic number, dimensions or length "
            "differ): fetch it again."
        )
    return data[len(header) :]


def read_original(source, prefix, count):
    """Images and labels of one original file pair."""
    size = SIDE * SIDE
    images = read_idx(
        source / f"{prefix}-images-idx3-ubyte.gz", 0x803, (count, SIDE, SIDE), count * size
    )
    labels = read_idx(source / f"{prefix}-labels-idx1-ubyte.gz", 0x801, (count,), count)
    if any(labels.count(c) * CLASSES != count for c in range(CLASSES)):
        raise DatasetError(f"{source}/{prefix}-labels-idx1-ubyte.gz: classes are not balanced.")
    return images, labels


def choose(labels, seed, per_class):
    """For each entry of `per_class`, a balanced, shuffled, mutually disjoint list of indices."""
    chosen = [[] for _ in per_class]
    for c in range(CLASSES):
        pool = [i for i, label in enumerate(labels) if label == c]
        pool.sort(key=lambda i: mix(seed, 1, i))
        start = 0
        for indices, count in zip(chosen, per_class):
            indices += pool[start : start + count]
            start += count
    for indices in chosen:
        indices.sort(key=lambda i: mix(seed, 2, i))
    return chosen


def gzip_bytes(data):
    """A gzip member without name and time; the header is fixed because Python's own differs by version."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    body = packer.compress(data) + packer.flush()
    tail = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + body + tail


def make(source, seed):
    """All six files as {name: (unpacked bytes)}."""
    files = {}
    for prefix in ("train", "t10k"):
        names = [name for name, split in SPLITS.items() if split[0] == prefix]
        images, labels = read_original(source, prefix, SPLITS[names[0]][1])
        size = SIDE * SIDE
        for name, indices in zip(names, choose(labels, seed, [SPLITS[n][2] for n in names])):
            pixels = b"".join(images[i * size : (i + 1) * size] for i in indices)
            header = struct.pack(">IIII", 0x803, len(indices), SIDE, SIDE)
            files[f"{name}-images-idx3-ubyte"] = header + pixels
            header = struct.pack(">II", 0x801, len(indices))
            files[f"{name}-labels-idx1-ubyte"] = header + bytes(labels[i] for i in indices)
    return files


ORIGIN = """\
# fashion-mnist-16k

A class-balanced part of Fashion-MNIST, small enough to live inside the program: 28×28 grey-scale
images of clothing in 10 classes, in the original's own file format (gzipped IDX).

| split | images | per class | taken from |
| --- | --- | --- | --- |
| train | 12,000 | 1,200 | the original training file |
| validation | 2,000 | 200 | the original training file, disjoint from train |
| test | 2,000 | 200 | the original test file |

Classes: 0 T-shirt/top, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag,
9 ankle boot.

## Where it is from

Fashion-MNIST by Zalando Research (https://github.com/zalandoresearch/fashion-mnist):
Han Xiao, Kashif Rasul, Roland Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
Learning Algorithms", arXiv:1708.07747, 2017. No pixel and no label was changed. Which images were
chosen, and in which order, follows from the seed alone; this command made the files from those of the
Debian package `dataset-fashion-mnist`:

    python3 scripts/make_dataset.py --seed {seed}

## Checksums

The compressed bytes are those of zlib {zlib}; another zlib may pack them differently, the unpacked
bytes are the same everywhere. `python3 scripts/make_dataset.py --seed {seed} --check` compares.

| file | bytes | SHA-256 of the file | SHA-256 of the unpacked bytes |
| --- | --- | --- | --- |
{table}

## Licence

Fashion-MNIST is under the MIT licence, and so are these files:

    The MIT License (MIT)

    Copyright © 2017 Zalando SE, https://tech.zalando.com

    Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
    associated documentation files (the "Software"), to deal in the Software without restriction,
    including without limitation the rights to use, copy, modify, merge, publish, distribute,
    sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
    furnished to do so, subject to the following conditions:

    The above copyright notice and this permission notice shall be included in all copies or
    substantial portions of the Software.

    THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
    NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
    NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
    DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT
    OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def write(target, files, seed):
    """Write the six files and ORIGIN.md."""
    target.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, data in files.items():
        packed = gzip_bytes(data)
        (target / f"{name}.gz").write_bytes(packed)
        sums = (hashlib.sha256(b).hexdigest() for b in (packed, data))
        rows.append(f"| {name}.gz | {len(packed):,} | " + " | ".join(f"`{s}`" for s in sums) + " |")
        print(f"wrote {target / name}.gz ({len(packed):,} bytes)")
    text = ORIGIN.format(seed=seed, zlib=zlib.ZLIB_RUNTIME_VERSION, table="\n".join(rows))
    (target / "ORIGIN.md").write_text(text, encoding="utf-8")


def check(target, files):
    """Raise unless the files in `target` hold exactly these bytes."""
    for name, data in files.items():
        path = target / f"{name}.gz"
        try:
            same = gzip.decompress(path.read_bytes()) == data
        except (OSError, EOFError, zlib.error) as error:
            raise DatasetError(f"{path} cannot be read ({error}): make it again.") from None
        if not same:
            raise DatasetError(f"{path} differs from what this seed makes: make it again.")
    print(f"{target}: all {len(files)} files are as this seed makes them")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--source", type=Path, default=SOURCE, help="folder of the original files")
    parser.add_argument("--target", type=Path, default=TARGET, help="folder to write to")
    parser.add_argument("--seed", type=int, default=16, help="default: %(default)s")
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    options = parser.parse_args(arguments)
    try:
        files = make(options.source, options.seed)
        if options.check:
            check(options.target, files)
        else:
            write(options.target, files, options.seed)
    except DatasetError as error:
        print(f"make_dataset: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"make_dataset: cannot write to {options.target} ({error}).", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

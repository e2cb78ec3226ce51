#!/usr/bin/env python3
"""Hold surfit's networks against real PyTorch: `make test-pytorch`.

Installs PyTorch, torchvision, timm and Lightning into target/pytorch unless this Python has them, then runs two scripts
there: pytorch/given_files.py, for files of networks as people have them, and pytorch/check.py, for every network both ways.
The versions are those that people use today; the build's libtorch is another. With a number of gigabytes to download the
first time, it is no part of `make test`.

    test_pytorch.py SURFIT files [CASE...]           only the files, or some of them
    test_pytorch.py SURFIT [NETWORK...] [--all]      the files and the networks, or only some networks
"""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
HOME = REPOSITORY / "target" / "pytorch"
VERSIONS = {"torch": "2.15.0", "torchvision": "0.29.2", "timm": "1.0.31", "lightning": "2.6.6"}
PACKAGES = [f"{name}=={version}" for name, version in VERSIONS.items()] + ["numpy", "safetensors"]
SPACE = 8e9  # bytes that the packages and their download take
PROBE = (
    "import torch, torchvision, timm, lightning, numpy, safetensors.torch;"
    f"want = {VERSIONS!r};"
    "have = {name: globals()[name].__version__.split('+')[0] for name in want};"
    "assert have == want, have"
)


def say(text):
    print(f"test-pytorch: {text}", flush=True)


def has_packages(python):
    return subprocess.run([python, "-c", PROBE], capture_output=True).returncode == 0


def environment():
    """A Python with the packages."""
    if has_packages(sys.executable):
        return sys.executable
    folder = "Scripts" if sys.platform == "win32" else "bin"
    python = HOME / folder / "python"
    if python.exists() and has_packages(str(python)):
        return str(python)
    HOME.parent.mkdir(exist_ok=True)
    free = shutil.disk_usage(HOME.parent).free
    if free < SPACE:
        sys.exit(
            f"test-pytorch: {HOME.parent} has {free / 1e9:.1f} GB free, and PyTorch takes up to {SPACE / 1e9:.0f} GB; "
            "make room, or name a Python that has it with `make test-pytorch PYTHON=...`."
        )
    say(f"installing {', '.join(PACKAGES)} into {HOME}")
    venv.create(HOME, with_pip=True, clear=True)
    install = [str(python), "-m", "pip", "install", "--no-cache-dir", "--quiet", *PACKAGES]
    if subprocess.run(install).returncode != 0:
        sys.exit(
            "test-pytorch: pip could not install PyTorch (its message is above); name a Python that has "
            f"{', '.join(PACKAGES)} with `make test-pytorch PYTHON=...`."
        )
    return str(python)


def main():
    python = environment()
    program, *chosen = sys.argv[1:]
    only_files = chosen[:1] == ["files"]
    networks = [name for name in chosen if not name.startswith("--")]
    runs = []
    if only_files or not networks:
        runs.append(["given_files.py", program, *(chosen[1:] if only_files else [])])
    if not only_files:
        runs.append(["check.py", program, *chosen])
    scripts = REPOSITORY / "scripts" / "pytorch"
    codes = [subprocess.run([python, "-B", str(scripts / run[0]), *run[1:]]).returncode for run in runs]
    sys.exit(max(codes))


if __name__ == "__main__":
    main()

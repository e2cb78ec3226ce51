#!/usr/bin/env python3
"""Hold surfit's networks against real PyTorch: `make test-pytorch`.

Installs PyTorch, torchvision and timm into target/pytorch unless this Python has them, then runs pytorch/check.py there.
With a number of gigabytes to download the first time, it is no part of `make test`.
"""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
HOME = REPOSITORY / "target" / "pytorch"
TORCH = "2.13.0"
PACKAGES = [f"torch=={TORCH}", "torchvision", "timm", "numpy", "safetensors"]
SPACE = 8e9  # bytes that the packages and their download take
PROBE = (
    "import torch, torchvision, timm, numpy, safetensors.torch;"
    f"assert torch.__version__.split('+')[0] == '{TORCH}', torch.__version__"
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
            "test-pytorch: pip could not install PyTorch (its message is above); name a Python that has torch "
            f"{TORCH}, torchvision and timm with `make test-pytorch PYTHON=...`."
        )
    return str(python)


def main():
    python = environment()
    check = REPOSITORY / "scripts" / "pytorch" / "check.py"
    sys.exit(subprocess.run([python, "-B", str(check), *sys.argv[1:]]).returncode)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Find libtorch 2.13.0, or install it into the user's cache, and tell Cargo where it is.

Looked for in this order: the LIBTORCH variable, what .cargo/config.toml named last time, a PyTorch of
exactly this version installed for this Python, the cache. Otherwise the PyTorch wheel is downloaded, of
which only the C++ libraries and headers are kept: about 0.5 GB without a GPU, 3.6 GB with one.
Needs Python >= 3.9 and, for the download, pip.
"""

import argparse
import contextlib
import errno
import importlib.metadata
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

if sys.version_info < (3, 9):
    sys.exit("libtorch.py: Python 3.9 or newer is needed: name one with `make PYTHON=...`.")
sys.dont_write_bytecode = True
import wheels  # noqa: E402 (beside this file)
from wheels import SetupError  # noqa: E402

VERSION = "2.13.0"
REPOSITORY = Path(__file__).resolve().parent.parent
MARKER = "surfit-complete.json"
HEADER = "# Written by scripts/libtorch.py"
# Bytes of wheels and unpacked files together, as a first look before anything is downloaded.
SPACE = {"cpu": 1.1e9, "cuda": 6.5e9}
# What libtorch_cpu.so is linked to even where there is no GPU.
ALWAYS = re.compile(r"cuda-toolkit|nvidia-cuda-(runtime|cupti)(-cu\d+)?")
WITH_GPU = re.compile(r"cuda-toolkit|nvidia-.*")


def say(text):
    print(f"libtorch: {text}", flush=True)


# --- what is on this machine ---------------------------------------------------------------------


def check_tools():
    """The C++ compiler to name in Cargo's configuration, or None where the usual name works."""
    for tool in ("cargo", "rustc"):
        if shutil.which(tool) is None:
            home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
            if (home / "bin" / tool).exists():
                raise SetupError(f"`{tool}` is not on PATH: run `. {home}/env` or open a new shell.")
            raise SetupError(
                f"Rust is missing (no `{tool}` on PATH): install it with rustup, see "
                "https://rustup.rs, and open a new shell."
            )
    if os.environ.get("CXX", "").strip():
        # CXX may carry a wrapper or flags, such as `ccache g++`.
        command = shlex.split(os.environ["CXX"])[0]
        if shutil.which(command) is None:
            raise SetupError(
                f"The C++ compiler that CXX names, `{command}`, was not found: correct or unset CXX."
            )
        return None
    for compiler in ("c++", "g++", "clang++"):
        if shutil.which(compiler):
            # Build scripts call `c++` when nobody tells them otherwise.
            return None if compiler == "c++" else compiler
    raise SetupError(
        "No C++ compiler was found (c++, g++ and clang++ are not on PATH): install one (Debian and "
        "Ubuntu: build-essential, Fedora: gcc-c++, macOS: xcode-select --install), or set CXX."
    )


def gpu_here():
    if sys.platform != "linux":
        return False
    if Path("/dev/nvidia0").exists():
        return True
    try:
        asked = subprocess.run(["nvidia-smi", "-L"], capture_output=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0 and b"GPU" in asked.stdout


def version_in(root):
    """The version of the libtorch in `root` (a folder with include and lib), or None."""
    suffix = "dylib" if sys.platform == "darwin" else "so"
    if not (root / "lib" / f"libtorch_cpu.{suffix}").exists():
        return None
    for header in ("headeronly/version.h", "csrc/api/include/torch/version.h"):
        with contextlib.suppress(OSError):
            text = (root / "include" / "torch" / header).read_text("utf-8", "replace")
            numbers = dict(re.findall(r"#define TORCH_VERSION_(MAJOR|MINOR|PATCH) (\d+)", text))
            if len(numbers) == 3:
                return ".".join(numbers[key] for key in ("MAJOR", "MINOR", "PATCH"))
    return None


def has_gpu_libraries(root):
    return any((root / "lib" / f"libtorch_{kind}.so").exists() for kind in ("cuda", "hip"))


def installed_pytorch():
    """The folder of an installed PyTorch of this version; PyTorch is not imported."""
    try:
        if importlib.metadata.version("torch").split("+")[0] != VERSION:
            return None
        spec = importlib.util.find_spec("torch")
    except (importlib.metadata.PackageNotFoundError, ImportError, ValueError):
        return None
    places = list(spec.submodule_search_locations or ()) if spec else []
    return Path(places[0]) if places else None


# --- the user's cache ----------------------------------------------------------------------------


def cache():
    named = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification has relative paths ignored.
    return (Path(named) if os.path.isabs(named) else Path.home() / ".cache") / "surfit"


def cache_folder(device):
    return cache() / f"libtorch-{VERSION}{'-cuda' if device == 'cuda' else ''}"


def complete(folder):
    """Whether `folder` was installed to the end and its libraries still have their sizes."""
    try:
        marker = json.loads((folder / MARKER).read_text("utf-8"))
        sizes = marker["files"].items()
        return marker["version"] == VERSION and all(
            (folder / name).stat().st_size == size for name, size in sizes
        )
    except (OSError, ValueError, KeyError, AttributeError):
        return False


@contextlib.contextmanager
def lock(path):
    """Held by one process at a time; the system frees it when the process ends, however it ends."""
    import fcntl

    with open(path, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another setup is at work, waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:
            pass  # some network file systems have no locks
        yield


def locate(gpu):
    """(root, where from) of a usable libtorch on this machine, or None."""

    def usable(root):
        if root.is_relative_to(cache()) and not complete(root.parent):
            return False
        return version_in(root) == VERSION and (not gpu or has_gpu_libraries(root))

    if os.environ.get("LIBTORCH"):
        root = Path(os.environ["LIBTORCH"])
        version = version_in(root)
        if version != VERSION or not root.is_absolute():
            holds = f"libtorch {version}" if version else "no libtorch (include/ and lib/)"
            raise SetupError(
                f"LIBTORCH is set to {root}, which holds {holds}, but surfit needs {VERSION} at an "
                "absolute path: unset LIBTORCH or point it there."
            )
        return root, "from LIBTORCH"
    found = [(configured(), "as before"), (installed_pytorch(), "of the installed PyTorch")]
    found += [(cache_folder(device) / "torch", "from the cache") for device in ("cuda", "cpu")]
    return next(((root, origin) for root, origin in found if root and usable(root)), None)


# --- installing ----------------------------------------------------------------------------------


def nvidia_wheels(pip, metadata, gpu, folder):
    """NVIDIA's libraries at the versions that the wheel's metadata demands, and their own demands."""
    wanted = WITH_GPU if gpu else ALWAYS
    queue, found = pip.requirements(metadata), {}
    while queue:
        queue.sort(key=lambda demand: "==" not in demand[1])  # exact demands settle the others
        name, specifier, extras = queue.pop(0)
        if name not in found and wanted.fullmatch(name):
            found[name] = wheels.get(pip, name + specifier, folder)
            queue += pip.requirements(wheels.metadata(found[name]), extras)
    return list(found.values())


def keep(name, gpu):
    """Whether a file of a wheel belongs into the cache."""
    base = name.rpartition("/")[2]
    if name.startswith("torch/lib/"):
        # Of no use outside Python; and in the second line, without a GPU.
        return not re.match(r"libtorch_python|libshm", base) and (
            gpu or not re.search(r"cuda|nvshmem|nvrtc", base)
        )
    if name.startswith("nvidia/"):
        return ".so" in base and (gpu or bool(re.match(r"libcudart\.|libcupti\.", base)))
    return name.startswith(("torch/include/", "torch/.dylibs/", "torch.libs/")) or (
        ".dist-info/" in name and re.match(r"METADATA|LICEN[CS]E|NOTICE", base, re.I) is not None
    )


def unpack(paths, target, gpu):
    """Unpack what is needed of the wheels into the new folder `target`, the marker last."""
    build = VERSION
    for path in paths:
        with ZipFile(path) as archive:
            files = [f for f in archive.infolist() if not f.is_dir() and keep(f.filename, gpu)]
            wheels.need_space(target.parent, sum(f.file_size for f in files))
            for file in files:
                archive.extract(file, target)
            if "torch/version.py" in archive.namelist():
                text = archive.read("torch/version.py").decode()
                build = re.search(r"__version__ = ['\"]([^'\"]+)", text).group(1)
    (target / "torch" / "build-version").write_text(f"{build}\n")  # torch-sys looks for it
    gomp = target / "torch" / "lib" / "libgomp.so"
    if gomp.with_name("libgomp.so.1").exists():
        gomp.symlink_to("libgomp.so.1")  # torch-sys links to it; clang alone does not bring one
    if version_in(target / "torch") != VERSION:
        raise SetupError(f"{paths[0].name} does not hold libtorch {VERSION}: look at pip's index.")
    libraries = [p for p in target.rglob("*") if re.search(r"\.(so|dylib)", p.name)]
    sizes = {str(p.relative_to(target)): p.stat().st_size for p in libraries}
    marker = {"version": VERSION, "build": build, "files": sizes}
    (target / MARKER).write_text(json.dumps(marker, indent=1, sort_keys=True))


def install(gpu):
    """Download and unpack into the cache; the root of the new libtorch."""
    device = "cuda" if gpu else "cpu"
    final, downloads = cache_folder(device), cache() / "downloads"
    try:
        downloads.mkdir(parents=True, exist_ok=True)
        with lock(cache() / "libtorch.lock"):
            if complete(final):
                return final / "torch"
            present = sum(p.stat().st_size for p in downloads.iterdir() if p.is_file())
            wheels.need_space(cache(), SPACE[device] - present)
            say(f"downloading {VERSION} ({'with' if gpu else 'without'} GPU libraries) to {cache()}")
            pip = wheels.Pip()
            torch = wheels.get(pip, f"torch=={VERSION}", downloads)
            paths = [torch] + nvidia_wheels(pip, wheels.metadata(torch), gpu, downloads)
            say(f"unpacking to {final}")
            temporary, old = (final.with_name(final.name + end) for end in (".new", ".old"))
            for folder in (temporary, old):
                shutil.rmtree(folder, ignore_errors=True)
            unpack(paths, temporary, gpu)
            if final.exists():
                final.rename(old)
            temporary.rename(final)
            for folder in (old, downloads):
                shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise wheels.disk_full(cache()) from None
        raise SetupError(
            f"Cannot write to {error.filename or cache()} ({error.strerror or error}): correct this, "
            "or set XDG_CACHE_HOME to a folder you can write to."
        ) from None
    return final / "torch"


# --- Cargo's configuration -----------------------------------------------------------------------

CONFIG = REPOSITORY / ".cargo" / "config.toml"


def configured():
    """The root that the configuration names, or None."""
    with contextlib.suppress(OSError, ValueError):
        line = re.search(r"^LIBTORCH = (\".*\")$", CONFIG.read_text("utf-8"), re.M)
        return Path(json.loads(line.group(1))) if line else None
    return None


def configuration(root, compiler):
    env = {"LIBTORCH": str(root), **({"CXX": compiler} if compiler else {})}
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in env.items()]
    return f"{HEADER} for this machine; `make setup` writes it anew.\n[env]\n" + "\n".join(lines) + "\n"


def write_configuration(text):
    """Write only what is new: Cargo rebuilds on a change."""
    present = CONFIG.read_text("utf-8") if CONFIG.exists() else None
    if present == text:
        return
    if present is not None and not present.startswith(HEADER):
        raise SetupError(
            f"{CONFIG} was not written by this script: move it elsewhere (Cargo also reads "
            "config.toml in ~/.cargo) and run this again."
        )
    CONFIG.parent.mkdir(exist_ok=True)
    # A name of its own: two set-ups at once must not rename each other's file away.
    temporary = CONFIG.with_name(f"config.{os.getpid()}.new")
    try:
        temporary.write_text(text, "utf-8")
        temporary.replace(CONFIG)
    finally:
        temporary.unlink(missing_ok=True)
    say(f"wrote {CONFIG}")


def run(options):
    compiler = check_tools()
    gpu = options.device == "cuda" or (options.device == "auto" and gpu_here())
    found = locate(gpu)
    if options.check:
        if found is None:
            raise SetupError(f"libtorch {VERSION} is not installed: run `make setup`.")
        text = CONFIG.read_text("utf-8") if CONFIG.exists() else ""
        if text != configuration(found[0], compiler):
            raise SetupError(f"{CONFIG} is missing or out of date: run `make setup`.")
    elif found is None:
        try:
            found = install(gpu), "newly installed"
        except SetupError as error:
            # A node with a GPU but without a network shall still work.
            found = locate(False) if gpu and options.device == "auto" else None
            if found is None:
                raise
            print(f"libtorch: going on WITHOUT the GPU: {error}", file=sys.stderr)
    root, origin = found
    if not options.check:
        write_configuration(configuration(root, compiler))
    kind = "with GPU libraries" if has_gpu_libraries(root) else "without GPU libraries"
    say(f"{VERSION} ({kind}, {origin}): {root}")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="verify only: no download, no writing")
    parser.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default=os.environ.get("SURFIT_LIBTORCH", "auto"),
        help="which libraries to install; auto looks for an NVIDIA GPU (default: $SURFIT_LIBTORCH)",
    )
    try:
        run(parser.parse_args(arguments))
    except SetupError as error:
        print(f"libtorch: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nlibtorch: interrupted; what was downloaded is kept for next time.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

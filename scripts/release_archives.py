#!/usr/bin/env python3
"""Make the two archives of a release, and prove that their programs start in an empty environment.

  surfit-VERSION-TARGET.tar.gz         the terminal program alone: needs neither libtorch nor Python
  surfit-engine-VERSION-TARGET.tar.gz  the engine with the libraries of libtorch that it loads, in `lib/`

Unpacked into one folder (`tar -xf … --strip-components=1`), `bin/surfit` finds `bin/surfit-engine` beside it. The same sources
give the same bytes of the archives when compiler and libtorch are the same. Needs Python >= 3.9; run `make setup` first.
"""

import argparse
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
# What belongs to the system and not into an archive: the loader, the libraries of C, and those of a graphics driver.
SYSTEM = re.compile(r"(linux-vdso|ld-linux|lib(c|m|dl|rt|pthread|util|gcc_s|stdc\+\+|z|cuda|nvidia-[\w-]+)\.so)")
# Seconds for a program that should start, and for a whole small job.
START_LIMIT, JOB_LIMIT = 60, 900
DEMO = REPOSITORY / "configs/quick.toml"
SHELLS = {"bash": "surfit.bash", "zsh": "_surfit", "fish": "surfit.fish", "elvish": "surfit.elv"}


def say(text):
    print(f"release: {text}", flush=True)


def output(*command, timeout=START_LIMIT, **options):
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=timeout, **options)
    except subprocess.TimeoutExpired:
        sys.exit(f"release: {command[0]} did not end in {timeout} s")
    except subprocess.CalledProcessError as error:
        sys.exit(f"release: {command[0]} failed with {error.returncode}: {error.stderr.strip()}")
    return done.stdout


def version_and_target():
    metadata = json.loads(output("cargo", "metadata", "--no-deps", "--format-version", "1", cwd=REPOSITORY))
    version = next(p["version"] for p in metadata["packages"] if p["name"] == "surfit")
    host = re.search(r"^host: (\S+)$", output("rustc", "-vV"), re.M)[1]
    return version, host, Path(metadata["target_directory"])


def build(package, **environment):
    """Build one program with the profile `dist`."""
    say(f"building {package}")
    command = ["cargo", "build", "--profile", "dist", "--locked", "-p", package]
    if subprocess.run(command, cwd=REPOSITORY, env={**os.environ, **environment}).returncode:
        sys.exit(f"release: {package} does not build")


def loaded(program, **environment):
    """Libraries that the loader finds for a program, by name, and the names that it does not find."""
    text = output(program, env={"LD_TRACE_LOADED_OBJECTS": "1", **environment})
    found = dict(re.findall(r"^\s*(\S+) => (/\S+)", text, re.M))
    return found, re.findall(r"^\s*(\S+) => not found", text, re.M)


def libtorch():
    """The folder of libtorch's libraries that Cargo builds with."""
    root = os.environ.get("LIBTORCH")
    config = REPOSITORY / ".cargo/config.toml"
    if not root and config.exists():
        line = re.search(r'^LIBTORCH = "(.*)"$', config.read_text(), re.M)
        root = line and line[1]
    if not root:
        sys.exit("release: no libtorch is set up; run `make setup`, or set LIBTORCH")
    return Path(root) / "lib"


def client_files(dist):
    program = dist / "surfit"
    found, missing = loaded(program)
    foreign = [name for name in [*found, *missing] if not SYSTEM.match(name)]
    if foreign:
        sys.exit(f"release: surfit loads {', '.join(foreign)}, which not every system has")
    files = {"bin/surfit": program.read_bytes()}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, "man", "--out", folder], check=True, stdout=subprocess.DEVNULL)
        for page in Path(folder).glob("*.1"):
            files[f"share/man/man1/{page.name}"] = page.read_bytes()
    for shell, name in SHELLS.items():
        files[f"share/completions/{name}"] = output(program, "completions", shell).encode()
    for name in ("README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"):
        files[name] = (REPOSITORY / name).read_bytes()
    return files


def engine_files(dist):
    program = dist / "surfit-engine"
    found, missing = loaded(program, LD_LIBRARY_PATH=str(libtorch()))
    if missing:
        sys.exit(f"release: {', '.join(missing)} of surfit-engine is not found; run `make setup`")
    files = {"bin/surfit-engine": program.read_bytes()}
    libraries = {name: Path(path) for name, path in found.items() if not SYSTEM.match(name)}
    if any("cuda" in name for name in libraries):
        # The CUDA build opens cuBLAS, cuDNN, NVRTC and others while it runs, so that the loader does not name them.
        libraries |= {path.name: path for path in libtorch().glob("*.so*")}
    files |= {f"lib/{name}": path.read_bytes() for name, path in libraries.items()}
    for name in ("LICENSE-MIT", "LICENSE-APACHE"):
        files[name] = (REPOSITORY / name).read_bytes()
    for name in ("LICENSE", "NOTICE"):
        path = libtorch().parent / name
        if path.exists():
            files[f"share/libtorch/{name}"] = path.read_bytes()
    return files


def write_archive(path, files):
    """A tar.gz with the same bytes for the same files: sorted, owned by nobody, with the time of the last commit."""
    stamp = os.environ.get("SOURCE_DATE_EPOCH") or output("git", "log", "-1", "--format=%ct", cwd=REPOSITORY)
    top = path.name[: -len(".tar.gz")]
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for name, data in sorted(files.items()):
                entry = tarfile.TarInfo(f"{top}/{name}")
                entry.size, entry.mtime = len(data), int(stamp)
                entry.mode = 0o755 if name.startswith(("bin/", "lib/")) else 0o644
                with tempfile.SpooledTemporaryFile(1 << 24) as body:
                    body.write(data)
                    body.seek(0)
                    tar.addfile(entry, body)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    Path(f"{path}.sha256").write_text(f"{digest}  {path.name}\n")
    say(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, sha256 {digest}")


def unpack(archive, folder):
    subprocess.run(["tar", "-xf", archive, "-C", folder, "--strip-components=1"], check=True)


def prove_client(client, folder):
    """Start the client alone in an empty environment; without an engine it has to say what is missing."""
    empty = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    alone = folder / "alone"
    alone.mkdir()
    unpack(client, alone)
    surfit = alone / "bin/surfit"
    say(output(surfit, "--version", env=empty).strip())
    say(output(surfit, "config", "check", DEMO, env=empty).strip())
    run = [surfit, "run", DEMO, "--run-dir", folder / "refused"]
    without = subprocess.run(run, capture_output=True, text=True, env=empty, timeout=START_LIMIT)
    if without.returncode == 0 or "surfit-engine" not in without.stderr:
        sys.exit(f"release: the client alone does not say what is missing: {without.stderr}")
    say(without.stderr.strip())


def prove_engine(client, engine, folder):
    """Unpack both into one folder, check what the engine loads, and do a whole small job in an empty environment."""
    empty = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    both = folder / "both"
    both.mkdir()
    for archive in (client, engine):
        unpack(archive, both)
    program = both / "bin/surfit-engine"
    found, missing = loaded(program)
    strangers = [p for n, p in found.items() if not SYSTEM.match(n) and not Path(p).resolve().is_relative_to(both)]
    if missing or strangers:
        sys.exit(f"release: surfit-engine needs what is not in its archive: {missing + strangers}")
    say(output(program, "--version", env=empty).strip())
    job = [both / "bin/surfit", "run", DEMO, "--run-dir", folder / "run", "--json"]
    last = output(*job, env=empty, timeout=JOB_LIMIT).strip().splitlines()[-1]
    say(f"a whole job: {last[:200]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=REPOSITORY / "target/release-archives", help="folder of the archives")
    parser.add_argument("--client", action="store_true", help="the client's archive only")
    arguments = parser.parse_args()
    version, host, target = version_and_target()
    arguments.out.mkdir(parents=True, exist_ok=True)
    build("surfit")
    client = arguments.out / f"surfit-{version}-{host}.tar.gz"
    write_archive(client, client_files(target / "dist"))
    with tempfile.TemporaryDirectory(prefix="surfit-release-", dir="/tmp") as folder:
        prove_client(client, Path(folder))
        if arguments.client:
            return
        # The engine looks for its libraries beside itself.
        build("surfit-engine", SURFIT_RUN_PATH="$ORIGIN/../lib")
        engine = arguments.out / f"surfit-engine-{version}-{host}.tar.gz"
        write_archive(engine, engine_files(target / "dist"))
        prove_engine(client, engine, Path(folder))


if __name__ == "__main__":
    main()

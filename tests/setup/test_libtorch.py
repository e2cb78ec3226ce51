"""Tests of scripts/libtorch.py, run as a user runs it. No network: see fake_index.py.

    python3 -m unittest discover -s tests/setup
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import unittest
from pathlib import Path
from unittest import mock

from fake_index import SCRIPTS, SO, TORCH, VERSION_H, WITH_NVIDIA, Case
import libtorch  # found through fake_index

HAS_PIP = importlib.util.find_spec("pip") is not None
needs_pip = unittest.skipUnless(HAS_PIP, "this Python has no pip")


class SetupCase(Case):
    """The whole script, run from a copy of the repository with tools of its own on PATH."""

    def setUp(self):
        super().setUp()
        shutil.copytree(SCRIPTS, self.folder / "repo" / "scripts")
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        for tool in ("cargo", "rustc", "c++"):
            self.tool(tool)
        self.cache = self.folder / "cache" / "surfit"
        self.config = self.folder / "repo" / ".cargo" / "config.toml"
        self.root = self.cache / f"libtorch-{libtorch.VERSION}" / "torch"
        self.env = {
            "PATH": str(self.bin),
            "HOME": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": f"{self.index.url}/simple/",
            "PIP_NO_CACHE_DIR": "1",
            "PIP_RETRIES": "0",
            "PYTHONNOUSERSITE": "1",
            "SURFIT_LIBTORCH": "cpu",  # whatever GPU the machine that runs these tests has
        }

    def tool(self, name, script="exit 0"):
        (self.bin / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.bin / name).chmod(0o755)

    def command(self, *arguments, python=sys.executable):
        return [python, str(self.folder / "repo" / "scripts" / "libtorch.py"), *arguments]

    def good(self, *arguments, **env):
        run = subprocess.run(
            self.command(*arguments), env={**self.env, **env}, capture_output=True, text=True
        )
        self.assertEqual((run.returncode, run.stderr), (0, ""), run.stdout)
        return run.stdout

    def bad(self, sentence, *arguments, python=sys.executable, **env):
        """Exactly one line on standard error, and exit code 1."""
        run = subprocess.run(
            self.command(*arguments, python=python),
            env={**self.env, **env},
            capture_output=True,
            text=True,
        )
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        self.assertRegex(run.stderr, rf"\Alibtorch: .*{sentence}.*\.\n\Z")
        return run.stdout

    def libtorch(self, root, version_h=VERSION_H):
        (root / "include/torch/headeronly").mkdir(parents=True)
        (root / "include/torch/headeronly/version.h").write_text(version_h)
        (root / "lib").mkdir()
        (root / "lib" / f"libtorch_cpu.{SO}").write_text("library")
        return root


class Setup(SetupCase):
    """Finding, installing, and every way it can fail."""

    @needs_pip
    def test_installs_once_and_writes_the_configuration(self):
        self.bad("not installed: run `make setup`", "--check")
        self.assertFalse(self.cache.exists() or self.config.exists())
        self.good()
        self.assertEqual(libtorch.version_in(self.root), libtorch.VERSION)
        names = sorted(p.name for p in (self.root / "lib").iterdir())
        self.assertEqual(names, ["libgomp.so", "libgomp.so.1", f"libtorch_cpu.{SO}"])
        self.assertEqual((self.root / "build-version").read_text(), f"{libtorch.VERSION}+test\n")
        self.assertFalse((self.cache / "downloads").exists())
        self.assertIn(f'[env]\nLIBTORCH = "{self.root}"\n', self.config.read_text())

        before = self.config.stat().st_mtime_ns
        self.good()
        self.good("--check")
        self.assertEqual(self.config.stat().st_mtime_ns, before)
        self.assertEqual(len(self.index.requests), 1)

        (self.root / "lib" / f"libtorch_cpu.{SO}").write_text("cut off")
        self.bad("not installed", "--check")
        self.good()
        self.assertEqual(len(self.index.requests), 2)

    @needs_pip
    def test_half_unpacked_folder_is_replaced(self):
        self.libtorch(self.root)  # without the marker
        (self.root.parent.with_name(self.root.parent.name + ".new") / "junk").mkdir(parents=True)
        self.good()
        left = sorted(p.name for p in self.cache.iterdir())
        self.assertEqual(left, [self.root.parent.name, "libtorch.lock"])

    @needs_pip
    def test_two_runs_at_once_download_once(self):
        self.index.delay = 1.0
        runs = [
            subprocess.Popen(self.command(), env=self.env, stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        texts = [run.communicate()[0] for run in runs]
        self.assertEqual([run.returncode for run in runs], [0, 0], texts)
        self.assertEqual(len(self.index.requests), 1)
        self.assertEqual(sum("waiting for it" in text for text in texts), 1)

    def test_runs_at_once_write_the_configuration_each_by_itself(self):
        # All want to write at the same moment: none may rename away what another is writing.
        script = (
            "import sys, time, libtorch; from pathlib import Path\n"
            "libtorch.CONFIG = Path(sys.argv[1]); time.sleep(float(sys.argv[2]) - time.time())\n"
            "for round in range(200): libtorch.write_configuration(f'{libtorch.HEADER} {round}')\n"
        )
        self.config.parent.mkdir(exist_ok=True)
        arguments = [str(self.config), str(time.time() + 1.0)]
        runs = [
            subprocess.Popen(
                [sys.executable, "-B", "-c", script, *arguments],
                cwd=Path(libtorch.__file__).parent,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        self.assertEqual([run.communicate()[1] for run in runs], [""] * len(runs))
        self.assertEqual(self.config.read_text(), f"{libtorch.HEADER} 199")
        self.assertEqual([p.name for p in self.config.parent.iterdir()], ["config.toml"])

    @needs_pip
    def test_pip_downloads_where_the_server_refuses_us(self):
        self.index.refuses = True
        self.assertIn("asking pip", self.good())
        self.assertEqual(libtorch.version_in(self.root), libtorch.VERSION)

    @needs_pip
    def test_faults_of_the_network_are_one_sentence(self):
        self.bad("Cannot reach the Python package index", PIP_INDEX_URL="http://127.0.0.1:9/simple/")
        with mock.patch.dict(self.files, clear=True):
            self.bad("has no torch==.* wheel for this machine")
        self.index.wrong = True
        self.bad("does not match")
        self.assertFalse(self.config.exists() or self.root.exists())

    def test_missing_tools(self):
        (self.bin / "c++").unlink()
        self.bad(r"No C\+\+ compiler was found")
        self.bad("CXX names, `nonesuch`", CXX="nonesuch -O2")
        self.tool("c++")
        (self.bin / "cargo").unlink()
        self.bad("Rust is missing.*rustup")
        (self.folder / ".cargo" / "bin").mkdir(parents=True)
        (self.folder / ".cargo" / "bin" / "cargo").touch()
        self.bad("not on PATH: run")

    def test_missing_pip(self):
        venv = self.folder / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
        self.bad("pip is missing.*python3-pip", python=str(venv / "bin" / "python"))

    def test_unwritable_cache(self):
        (self.folder / "file").touch()
        self.bad("Cannot write to", XDG_CACHE_HOME=str(self.folder / "file"))

    def test_libtorch_variable(self):
        right = self.libtorch(self.folder / "right")
        self.assertIn("from LIBTORCH", self.good(LIBTORCH=str(right)))
        self.assertIn(f'LIBTORCH = "{right}"', self.config.read_text())
        wrong = self.libtorch(self.folder / "wrong", VERSION_H.replace("MAJOR 2", "MAJOR 1"))
        self.bad("holds libtorch 1.*unset LIBTORCH", LIBTORCH=str(wrong))
        self.bad("holds no libtorch", LIBTORCH=str(self.folder))
        self.assertIn("as before", self.good())

    def test_installed_pytorch_is_used_without_importing_it(self):
        site = self.folder / "site"
        root = self.libtorch(site / "torch")
        (root / "__init__.py").write_text(TORCH["torch/__init__.py"])
        info = site / f"torch-{libtorch.VERSION}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: torch\nVersion: {libtorch.VERSION}+cu130\n"
        (info / "METADATA").write_text(metadata)
        self.assertIn(f"installed PyTorch): {root}", self.good(PYTHONPATH=str(site)))
        self.config.unlink()
        (info / "METADATA").write_text(metadata.replace(libtorch.VERSION, "2.1.0"))
        self.bad("not installed", "--check", PYTHONPATH=str(site))

    def test_compiler_that_cargo_would_not_guess_is_named(self):
        (self.bin / "c++").rename(self.bin / "clang++")
        self.good(LIBTORCH=str(self.libtorch(self.folder / "right")))
        self.assertIn('CXX = "clang++"\n', self.config.read_text())

    def test_configuration_of_somebody_else_is_left_alone(self):
        self.config.parent.mkdir()
        self.config.write_text("[build]\njobs = 1\n")
        self.bad("not written by this", LIBTORCH=str(self.libtorch(self.folder / "right")))
        self.assertEqual(self.config.read_text(), "[build]\njobs = 1\n")


@unittest.skipUnless(sys.platform == "linux", "GPU libraries are for Linux")
@needs_pip
class Nvidia(SetupCase):
    """Wheels that demand NVIDIA's libraries."""

    files = WITH_NVIDIA

    def libraries(self, device):
        marker = self.cache / f"libtorch-{libtorch.VERSION}{device}" / libtorch.MARKER
        return [name for name in json.loads(marker.read_text())["files"] if "nvidia" in name]

    def test_without_a_gpu_only_what_the_cpu_library_is_linked_to(self):
        self.good()
        cu13 = "nvidia/cu13/lib/"
        self.assertEqual(self.libraries(""), [cu13 + "libcudart.so.13", cu13 + "libcupti.so.13"])
        self.assertFalse((self.root / "lib" / "libtorch_cuda.so").exists())

    def test_with_a_gpu_everything_at_the_demanded_versions(self):
        if not Path("/dev/nvidia0").exists():
            self.tool("nvidia-smi", "echo 'GPU 0: a test'")
        auto = {"SURFIT_LIBTORCH": "auto"}
        self.assertIn("with GPU libraries", self.good(**auto))
        self.assertEqual(len(self.libraries("-cuda")), 5)
        asked = {name for name, _ in self.index.requests}
        self.assertEqual(asked, set(WITH_NVIDIA) - {"nvidia_cublas-13.9-py3-none-any.whl"})
        self.index.requests.clear()
        self.assertIn("with GPU libraries", self.good())  # on a machine without, they serve too
        self.assertEqual(self.index.requests, [])

    def test_with_a_gpu_but_no_network_the_cpu_libraries_serve(self):
        self.good()
        self.tool("nvidia-smi", "echo 'GPU 0: a test'")
        env = {**self.env, "SURFIT_LIBTORCH": "auto", "PIP_INDEX_URL": "http://127.0.0.1:9/"}
        run = subprocess.run(self.command(), env=env, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0)
        self.assertIn("WITHOUT the GPU", run.stderr)


if __name__ == "__main__":
    unittest.main()

"""A package index on 127.0.0.1 that misbehaves on demand, with wheels of a few kilobytes."""

import contextlib
import hashlib
import http.server
import io
import os
import re
import sys
import tempfile
import threading
import time
import unittest
import zipfile
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
sys.dont_write_bytecode = True
sys.path.insert(0, str(SCRIPTS))
import libtorch  # noqa: E402

SO = "dylib" if sys.platform == "darwin" else "so"
VERSION_H = "".join(
    f"#define TORCH_VERSION_{part} {number}\n"
    for part, number in zip(("MAJOR", "MINOR", "PATCH"), libtorch.VERSION.split("."))
)
TORCH = {
    "torch/__init__.py": "raise SystemExit('must not be imported')",
    "torch/version.py": f"__version__ = '{libtorch.VERSION}+test'\n",
    "torch/include/torch/headeronly/version.h": VERSION_H,
    f"torch/lib/libtorch_cpu.{SO}": os.urandom(300_000),
    f"torch/lib/libtorch_python.{SO}": "python",
    "torch/lib/libtorch_cuda.so": "cuda",
    "torch/lib/libgomp.so.1": "gomp",
    "torch/bin/protoc": "tool",
}


def wheel(name, version, files, requires=()):
    """(file name, bytes) of a wheel."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {r}\n" for r in requires)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return f"{name.replace('-', '_')}-{version}-py3-none-any.whl", data.getvalue()


PLAIN = dict([wheel("torch", libtorch.VERSION, TORCH)])
WITH_NVIDIA = dict(
    [
        wheel(
            "torch",
            libtorch.VERSION,
            TORCH,
            (
                "sympy",
                'cuda-toolkit[cudart,cupti,cublas]==13.0.3; platform_system == "Linux"',
                'nvidia-cudnn-cu13==9.1; platform_system == "Linux"',
                'nvidia-elsewhere==1; platform_system == "Plan9"',
            ),
        ),
        wheel(
            "cuda-toolkit",
            "13.0.3",
            {},
            [
                f'nvidia-{n}==13.0.*; sys_platform == "linux" and extra == "{e}"'
                for n, e in (
                    ("cuda-runtime", "cudart"),
                    ("cuda-cupti", "cupti"),
                    ("cublas", "cublas"),
                    ("npp", "npp"),
                )
            ],
        ),
        wheel("nvidia-cuda-runtime", "13.0.9", {"nvidia/cu13/lib/libcudart.so.13": "r"}),
        wheel(
            "nvidia-cuda-cupti",
            "13.0.8",
            {"nvidia/cu13/lib/libcupti.so.13": "c", "nvidia/cu13/lib/libnvperf_host.so": "p"},
        ),
        wheel("nvidia-cublas", "13.0.1", {"nvidia/cu13/lib/libcublas.so.13": "b"}),
        wheel("nvidia-cublas", "13.9", {"nvidia/cu13/lib/libcublas.so.13": "newer"}),
        wheel("nvidia-cudnn-cu13", "9.1", {"nvidia/cudnn/lib/libcudnn.so.9": "d"}, ["nvidia-cublas"]),
    ]
)


class Index(http.server.ThreadingHTTPServer):
    """A package index whose faults the tests switch on."""

    daemon_threads = True

    def __init__(self, files):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.requests = []  # (file, Range header)
        self.breaks = 0  # how many more file answers end half-way
        self.wrong = self.ignores_range = self.refuses = False
        self.delay = 0.0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def found(self, name):
        digest = hashlib.sha256(self.files[name]).hexdigest()
        return {"url": f"{self.url}/files/{name}", "sha256": digest, "proxies": {}, "ca": ""}

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def reply(self, code, body, headers=()):
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        for key, value in headers:
            self.send_header(key, value)
        self.end_headers()
        if self.server.breaks and self.path.startswith("/files/"):
            self.server.breaks -= 1
            body = body[: len(body) // 2]
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def do_GET(self):
        server, (_, kind, name, *_) = self.server, (self.path + "//").split("/")
        if kind == "simple":
            links = [n for n in server.files if n.startswith(name.replace("-", "_") + "-")]
            sums = {n: hashlib.sha256(server.files[n]).hexdigest() for n in links}
            page = "".join(f'<a href="/files/{n}#sha256={sums[n]}">{n}</a>\n' for n in links)
            html = f"<!DOCTYPE html><html><body>{page}</body></html>".encode()
            return self.reply(200 if links else 404, html, [("Content-Type", "text/html")])
        wanted = self.headers.get("Range")
        server.requests.append((name, wanted))
        time.sleep(server.delay)
        if server.refuses and "pip/" not in self.headers.get("User-Agent", ""):
            return self.reply(403, b"")
        data = server.files[name]
        if server.wrong:
            data = b"\0" * len(data)
        if not wanted or server.ignores_range:
            return self.reply(200, data)
        start = int(re.match(r"bytes=(\d+)-$", wanted).group(1))
        if start >= len(data):
            return self.reply(416, b"", [("Content-Range", f"bytes */{len(data)}")])
        where = f"bytes {start}-{len(data) - 1}/{len(data)}"
        return self.reply(206, data[start:], [("Content-Range", where)])


class Case(unittest.TestCase):
    files = PLAIN

    def setUp(self):
        self.folder = Path(self.enter(tempfile.TemporaryDirectory()))
        self.index = Index(self.files)
        self.addCleanup(self.index.close)

    def enter(self, context):
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

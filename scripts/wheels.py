"""Fetch wheels the way pip would, but resumably: pip says where a wheel is and what its checksum is
(so that its index, proxy and certificate settings hold), and this module downloads it.

pip's own dry run would download the whole wheel first when the index has no separate metadata for it,
so a short program asks pip's package finder instead; when that fails, `pip download` does the work.
"""

import base64
import errno
import hashlib
import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from zipfile import BadZipFile, ZipFile

ATTEMPTS = 5  # without a single new byte, before giving up
# What pip logs when an index did not answer; a 404 is an answer: it does not know the package.
NO_NETWORK = re.compile("Retrying|Could not fetch URL(?!.* 404 )|ConnectionError")
CHUNK = 1 << 20
TIMEOUT = 60  # seconds without a byte
# A library does not care for which Python its wheel was made, so that any will do.
OTHER_PYTHON = ["--python-version", "3.12", "--only-binary=:all:"]

# Runs in the interpreter that has pip. Prints one JSON object, or null when there is no such wheel.
FINDER = """
import json, logging, sys
logging.basicConfig(stream=sys.stderr, level=logging.DEBUG, format="%(message)s")
from pip._internal.cli import cmdoptions
from pip._internal.commands import create_command
from pip._vendor import certifi
from pip._vendor.packaging.requirements import Requirement
wanted = Requirement(sys.argv[1])
command = create_command("download")
options, _ = command.parse_args(sys.argv[2:] + [wanted.name])
with command._build_session(options) as session:
    finder = command._build_package_finder(
        options=options, session=session, target_python=cmdoptions.make_target_python(options))
    best = finder.find_best_candidate(wanted.name, wanted.specifier).best_candidate
    found = None
    if best is not None and best.link.is_wheel:
        link = best.link
        sums = getattr(link, "_hashes", None) or {link.hash_name: link.hash}
        verify = session.verify
        found = {"url": link.url_without_fragment, "filename": link.filename,
                 "sha256": sums.get("sha256"), "proxies": dict(session.proxies),
                 "ca": verify if isinstance(verify, str) else certifi.where()}
    print(json.dumps(found))
"""

# Runs there too: the requirements in the metadata on standard input that hold for this machine.
REQUIREMENTS = """
import json, sys
from pip._vendor.packaging.requirements import Requirement
extras = sys.argv[1:] or [""]
for line in sys.stdin.buffer.read().decode("utf-8", "replace").split("\\n\\n")[0].splitlines():
    if line.lower().startswith("requires-dist:"):
        r = Requirement(line.split(":", 1)[1].strip())
        if r.marker is None or any(r.marker.evaluate({"extra": e}) for e in extras):
            print(json.dumps([r.name.lower().replace("_", "-"), str(r.specifier), sorted(r.extras)]))
"""


class SetupError(Exception):
    """Carries one sentence for the user."""


class Refused(Exception):
    """The server answers, or would answer, to pip but not to us."""


class Broken(Exception):
    """The connection failed in a way that another attempt may mend."""


def disk_full(path):
    return SetupError(
        f"The disk that holds {path} is full: free some space, or set XDG_CACHE_HOME to a folder "
        "on a larger disk, and run this again."
    )


def need_space(folder, size):
    """Raise unless `size` bytes are free on the disk of `folder`."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise SetupError(
            f"Not enough disk space: {size / 1e9:.1f} GB are needed in {folder}, {free / 1e9:.1f} GB "
            "are free; free some space, or set XDG_CACHE_HOME to a folder on a larger disk."
        )


class Progress:
    """One line that is redrawn on a terminal, a plain line every few seconds elsewhere."""

    def __init__(self, name, out=None, every=5.0):
        self.name, self.out = name, out or sys.stdout
        self.terminal = self.out.isatty()
        self.every = 0.2 if self.terminal else every
        self.began = self.shown = time.monotonic()
        self.received = 0

    def show(self, new, done, total, last=False):
        """`new` bytes arrived, which makes `done` of `total` (0 when unknown)."""
        now = time.monotonic()
        self.received += new
        if not last and now - self.shown < self.every:
            return
        self.shown = now
        share = f"{100 * done / total:3.0f} %  " if total else ""
        size = f" of {total / 1e6:.1f}" if total else ""
        rate = self.received / 1e6 / max(now - self.began, 1e-3)
        text = f"  {self.name}: {share}{done / 1e6:.1f}{size} MB  {rate:.1f} MB/s"
        if self.terminal:
            width = shutil.get_terminal_size().columns - 1
            text = "\r" + (text if len(text) <= width else "  " + text[-width + 2 :]) + "\x1b[K"
        self.out.write(text + ("\n" if last or not self.terminal else ""))
        self.out.flush()


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(CHUNK), b""):
            digest.update(block)
    return digest.hexdigest()


def size_of(path):
    return path.stat().st_size if path.exists() else 0


class Pip:
    """The first Python here that has pip."""

    def __init__(self):
        names = [sys.executable, shutil.which("python3"), shutil.which("python")]
        for python in dict.fromkeys(n for n in names if n):
            asked = subprocess.run([python, "-m", "pip", "--version"], capture_output=True)
            if asked.returncode == 0:
                self.python = python
                return
        raise SetupError(
            f"pip is missing for {sys.executable}: install it (Debian and Ubuntu: python3-pip), or "
            "name a Python that has it with `make PYTHON=...`; it is needed to fetch libtorch."
        )

    def run(self, program, arguments, **more):
        return subprocess.run(
            [self.python, "-c", program, *arguments],
            capture_output=True,
            env={"PIP_RETRIES": "2", **os.environ},
            **more,
        )

    def find(self, requirement):
        """Where the wheel is, as the finder prints it; None when pip itself has to be asked."""
        for arguments in ([], OTHER_PYTHON):
            asked = self.run(FINDER, [requirement, *arguments])
            found = None
            if asked.returncode == 0:
                found = json.loads(asked.stdout.decode().splitlines()[-1])
            if found:
                remote = found["sha256"] and not found["url"].startswith("file:")
                return found if remote else None
            if NO_NETWORK.search(asked.stderr.decode("utf-8", "replace")):
                raise offline(requirement)
            if asked.returncode != 0:
                return None
        raise SetupError(
            f"The package index has no {requirement} wheel for this machine "
            f"({sys.platform}, {os.uname().machine}): build libtorch from source and set LIBTORCH to it."
        )

    def requirements(self, metadata, extras=()):
        """The (name, specifier, extras) that wheel metadata demands on this machine."""
        asked = self.run(REQUIREMENTS, extras, input=metadata)
        if asked.returncode != 0:
            raise SetupError(
                f"The pip of {self.python} cannot read wheel metadata: upgrade it with "
                f"`{self.python} -m pip install --upgrade pip` and run this again."
            )
        return [tuple(json.loads(line)) for line in asked.stdout.decode().splitlines()]

    def download(self, requirement, folder):
        """`pip download`, with pip's own progress; the wheel's path."""
        print(f"  asking pip to download {requirement}", flush=True)
        folder = folder / "pip"
        shutil.rmtree(folder, ignore_errors=True)
        command = [self.python, "-m", "pip", "download", "--no-deps", "--no-input", "-d", str(folder)]
        for arguments in (["--only-binary=:all:"], OTHER_PYTHON):
            subprocess.run([*command, *arguments, requirement], stderr=subprocess.STDOUT)
            for wheel in folder.glob("*.whl"):
                return wheel
        raise offline(requirement)


def offline(requirement):
    return SetupError(
        f"Cannot reach the Python package index for {requirement}: check the network and pip's proxy "
        "settings (`pip config list`), or set LIBTORCH to an unpacked libtorch."
    )


def fetch_once(found, part, progress):
    """One request for what is missing of `part`; returns once it is complete."""
    have = size_of(part)
    url = urllib.parse.urlsplit(found["url"])
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    if url.username:  # urllib does not understand user:password@host
        user = f"{urllib.parse.unquote(url.username)}:{urllib.parse.unquote(url.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
        url = url._replace(netloc=url.netloc.rpartition("@")[2])
    # None lets urllib look at the environment, as pip does.
    handlers = [urllib.request.ProxyHandler(found["proxies"] or None)]
    if url.scheme == "https":
        context = ssl.create_default_context()
        kind = "capath" if os.path.isdir(found["ca"]) else "cafile"
        context.load_verify_locations(**{kind: found["ca"]})
        handlers.append(urllib.request.HTTPSHandler(context=context))
    opener = urllib.request.build_opener(*handlers)
    try:
        request = urllib.request.Request(url.geturl(), headers=headers)
        answer = opener.open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # the part is as long as the file, or longer than it
            if error.headers.get("Content-Range", "").endswith(f"/{have}"):
                return
            part.unlink()
            raise Broken("the server has a shorter file") from None
        if error.code >= 500 or error.code in (408, 429):
            raise Broken(f"the server answers {error.code}") from None
        raise Refused(f"the server answers {error.code}") from None
    except ssl.SSLError as error:
        raise Refused(str(error)) from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise (Refused if isinstance(reason, ssl.SSLError) else Broken)(str(reason)) from None
    with answer:
        resumed = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(
            f"bytes {have}-"
        )
        if not resumed:
            have = 0  # the server sends the file from its start
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else 0
        need_space(part.parent, total - have)
        with open(part, "ab" if resumed else "wb") as file:
            while True:
                try:
                    block = answer.read(CHUNK)
                except (OSError, http.client.HTTPException) as error:
                    raise Broken(str(error)) from None
                if not block:
                    break
                file.write(block)
                have += len(block)
                progress.show(len(block), have, total)
        if total and have != total:
            raise Broken("the connection was closed before the end")
        progress.show(0, have, total, last=True)


def fetch(found, target, pause=1.0):
    """Download to `target` through `target.part`, resuming after breaks; the checksum decides."""
    part = target.with_name(target.name + ".part")
    start = size_of(part)
    fresh, failures, progress = start == 0, 0, Progress(" ".join(target.name.split("-")[:2]))
    if start:
        print(f"  {target.name}: going on from {start / 1e6:.1f} MB", flush=True)
    while True:
        before = size_of(part)
        try:
            fetch_once(found, part, progress)
        except Broken as error:
            failures = 1 if size_of(part) > before else failures + 1
            if failures >= ATTEMPTS and size_of(part) > start:
                raise SetupError(
                    f"The download of {target.name} broke off ({error}): run this again, it goes on "
                    "from where it stopped."
                ) from None
            if failures >= ATTEMPTS:
                raise Refused(str(error)) from None
            print(f"  {target.name}: {error}, trying again", flush=True)
            time.sleep(pause * failures)
            continue
        if sha256_of(part) == found["sha256"]:
            part.replace(target)
            return
        part.unlink()
        if fresh:
            raise SetupError(
                f"The downloaded {target.name} does not match the index's SHA-256 checksum and was "
                "deleted: run this again, and if it stays so, look at the proxy or mirror in between."
            )
        # What an earlier run left may have been of another file; only a fresh copy can tell.
        fresh, start = True, 0


def get(pip, requirement, folder):
    """The path of a checked wheel in `folder` that satisfies `requirement`."""
    found = pip.find(requirement)
    if found is None:
        return pip.download(requirement, folder)
    target = folder / found["filename"]
    if target.exists():
        if sha256_of(target) == found["sha256"]:
            return target
        target.unlink()
    try:
        fetch(found, target)
    except Refused as error:
        print(f"  {target.name}: direct download refused ({error})", flush=True)
        return pip.download(requirement, folder)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise disk_full(folder) from None
        raise
    return target


def metadata(wheel):
    """The METADATA file of a wheel, as bytes."""
    try:
        with ZipFile(wheel) as archive:
            name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
            return archive.read(name)
    except (BadZipFile, StopIteration):
        raise SetupError(f"{wheel} is not a wheel: delete it and run this again.") from None

#!/usr/bin/env python3
"""Injects faults into a tiny job, at one file operation after the other, and compares what it comes to with an undisturbed run.

Kinds of faults: the process is killed before the operation (kill), the operation is refused (EIO, ENOSPC, EROFS, EDQUOT), a
write takes half of its bytes (short), or the machine loses its power there (power): what was not synced is gone, file contents
and names in folders alike. The run is then resumed. Models, surface, tables, loss curves, results, exports and leftovers have
to be those of the undisturbed run, and what a program had told before the power went has to be there after it.

Operations are seen by a small library that is compiled with gcc and preloaded (`faults/shim.c`); Linux only. The script prints
a table of counts and exits with 1 when anything differs. `make inject-faults` builds the program first.
"""

import argparse
import concurrent.futures
import errno
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ERRORS = ["EIO", "ENOSPC", "EROFS", "EDQUOT"]
KINDS = ["kill", *ERRORS, "short", "power"]
PROMISES = ["exported", "heatmap_complete", "finished"]
JOB = """
name = 'tiny'
seed = 3
threads = 1
data = { train_images = 300, validation_images = 100, calibration_images = 50 }
network = { name = 'mlp', widths = [8] }
corners = { epochs = 2, batch = 50, cache = false }
fit = { epochs = 6.0, edge_epochs = 1.0, batch = 50, draws = 2 }
heatmap = { grid = 4, live_images = 100, budget = 0.3 }
checkpoint = { every_seconds = 0.05 }
"""
# A run that takes longer hangs.
LIMIT = 120


class Place:
    """A folder with a run, and the programs that work on it."""

    def __init__(self, base, name, program, shim):
        self.folder = base / name
        self.root = self.folder / "r"
        self.run = self.root / "job"
        self.program, self.shim = program, shim
        for folder in [self.root, self.folder / "rt", self.folder / "home"]:
            folder.mkdir(parents=True)
        (self.folder / "job.toml").write_text(JOB)
        (self.folder / "counter").write_bytes(bytes(8))
        self.told = ""

    def environment(self, **extra):
        home = str(self.folder / "home")
        names = ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "SURFIT_CACHE", "SURFIT_DATA", "HOME"]
        env = {**os.environ, **dict.fromkeys(names, home)}
        env |= {"SURFIT_RUNS": str(self.root), "SURFIT_STATE": home + "/screen.toml"}
        env |= {"XDG_RUNTIME_DIR": str(self.folder / "rt")}
        return {**env, **extra}

    def injected(self, **extra):
        return self.environment(
            LD_PRELOAD=str(self.shim),
            FAULTS_ROOT=str(self.root),
            FAULTS_COUNTER=str(self.folder / "counter"),
            **extra,
        )

    def counted(self):
        return struct.unpack("Q", (self.folder / "counter").read_bytes())[0]

    def surfit(self, *arguments, env):
        """Runs surfit to its end and waits for the engine it may have left; gives the exit code, None when it hangs."""
        command = [self.program, *map(str, arguments)]
        child = subprocess.Popen(
            command, env=env, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            out, _ = child.communicate(timeout=LIMIT)
            self.told += out.decode(errors="replace")
            code = child.returncode
        except subprocess.TimeoutExpired:
            child.kill()
            out, _ = child.communicate()
            self.told += out.decode(errors="replace")
            code = None
        self.wait_for_engines(kill=code is None)
        return code

    def engines(self):
        """Process ids of engines of this run."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if str(self.run).encode() in words and b"serve" in words:
                    found.append(int(entry.name))
        return found

    def wait_for_engines(self, kill=False):
        end = time.monotonic() + LIMIT / 2
        while engines := self.engines():
            if kill or time.monotonic() > end:
                for pid in engines:
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    def begin(self, env):
        return self.surfit("run", "job.toml", "--run-dir", self.run, "--json", env=env)

    def is_finished(self):
        return any(e["event"] == "finished" for e in events(self.run))

    def resume(self):
        """Does what a user does after a fault: begins again, or goes on."""
        for _ in range(3):
            if not (self.run / "config.toml").is_file():
                # Nothing was begun that could be lost.
                shutil.rmtree(self.run, ignore_errors=True)
                self.begin(self.environment())
            elif not self.is_finished():
                self.surfit("resume", self.run, "--json", env=self.environment())
        # Of a finished run this puts in order what a program left that was killed after its end.
        self.surfit("resume", self.run, "--json", env=self.environment())


def is_temporary(name):
    return name.startswith(".") and name.endswith(".tmp")


def events(run):
    try:
        lines = (run / "events.jsonl").read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    found = []
    for line in lines[:-1]:
        try:
            found.append(json.loads(line))
        except ValueError:
            found.append({"event": "damaged", "seq": -1})
    return found


def outcome(run):
    """Everything that a run came to and reports, by name. Times are left out."""
    result = {}
    for pattern in ["corners/*", "surface/*", "exports/*/*", "heatmaps/*"]:
        for path in sorted(run.glob(pattern)):
            result[f"file {path.relative_to(run)}"] = path.read_bytes()
    expected = {"config.toml", "events.jsonl", "log.txt", "lock", "status.json", "snapshot.json", "identity.json", "socket"}
    expected |= {"corners", "surface", "heatmaps", "exports", "figures"}
    result["leftovers"] = sorted(p.name for p in run.iterdir() if p.name not in expected)
    result["leftovers in folders"] = sorted(str(p.relative_to(run)) for p in run.rglob(".*"))
    try:
        snapshot = json.loads((run / "snapshot.json").read_bytes())
    except (OSError, ValueError) as error:
        snapshot = {"error": str(error)}
    for key in ["heatmap", "degrees", "fit_step", "metric", "marks", "error"]:
        result[f"snapshot {key}"] = snapshot.get(key)
    try:
        result["status"] = json.loads((run / "status.json").read_bytes())["state"]
    except (OSError, ValueError) as error:
        result["status"] = str(error)
    losses, validated, exports = {}, {}, []
    for number, e in enumerate(events(run), 1):
        if e["seq"] != number:
            result["numbers of events"] = f"{e['seq']} at line {number}"
        kind = e["event"]
        if kind == "resumed":
            for by_curve in [losses, validated]:
                kept = by_curve.get('"surface"', {})
                by_curve['"surface"'] = {step: v for step, v in kept.items() if step < e["step"] + (by_curve is validated)}
        elif kind == "losses":
            curve = losses.setdefault(json.dumps(e["curve"]), {})
            first = e["first_step"]
            for step in [s for s in curve if s >= first]:
                del curve[step]
            curve.update(enumerate(e["values"], first))
        elif kind == "validated":
            curve = validated.setdefault(json.dumps(e["curve"]), {})
            curve[e["step"]] = (e["loss"], e["accuracy"])
        elif kind == "exported":
            exports.append({**told(e), "dir": Path(e["dir"]).name})
        elif kind in ["corner_ready", "aligned", "geometry", "heatmap_complete", "phase_began"]:
            number = e.get("index", e.get("aligned", e.get("phase")))
            result[f"{kind} {number}"] = told(e)
        elif kind == "finished":
            result["finished"] = {**told(e), "export": Path(e["export"]).name}
        elif kind == "failed":
            result["failed"] = e["message"]
        elif kind == "started":
            result.pop("failed", None)
    result |= {"losses": losses, "validated": validated, "exports": exports}
    return result


def told(event):
    return {k: v for k, v in event.items() if k not in ["seq", "time", "seconds"]}


def differences(reference, found):
    names = {*reference, *found}
    return sorted(n for n in names if reference.get(n) != found.get(n))


class Disk:
    """What a machine has of some files after it lost its power: of a file what was there when it was synced last, of a folder
    the names that it had then."""

    def __init__(self, root):
        self.root = root
        self.folders = {root: {}}  # Names now: of files their number, of folders their path.
        self.durable = {root: {}}
        self.content, self.synced = [], []

    def place(self, path):
        folder, name = path.rsplit("/", 1)
        return self.folders.setdefault(folder, {}), name

    def file(self, path):
        folder, name = self.place(path)
        if name not in folder:
            folder[name] = len(self.content)
            self.content.append(bytearray())
            self.synced.append(b"")
        return folder[name]

    def apply(self, kind, path, to, offset, data):
        if kind in "tco":
            number = self.file(path)
            if kind == "t":
                self.content[number].clear()
        elif kind == "w":
            content = self.content[self.file(path)]
            content.extend(bytes(max(0, offset - len(content))))
            content[offset : offset + len(data)] = data
        elif kind == "l":
            content = self.content[self.file(path)]
            content.extend(bytes(max(0, offset - len(content))))
            del content[offset:]
        elif kind == "s":
            if path in self.folders:
                self.durable[path] = dict(self.folders[path])
            else:
                number = self.file(path)
                self.synced[number] = bytes(self.content[number])
        elif kind == "d":
            folder, name = self.place(path)
            # A number of its own: a folder of an earlier time may have had the same name.
            folder[name] = path
            self.folders[path], self.durable[path] = {}, {}
        elif kind == "u":
            folder, name = self.place(path)
            folder.pop(name, None)
        elif kind in "rh":
            (folder, name), (new_folder, new_name) = self.place(path), self.place(to)
            value = folder.get(name)
            if kind == "r":
                folder.pop(name, None)
            if isinstance(value, str):
                # What is in a folder goes along with it; nobody moves one that holds others here.
                self.folders[to] = self.folders.pop(value)
                self.durable[to] = self.durable[value]
                value = to
            new_folder[new_name] = value

    def write(self, target, folder=None):
        """Writes what is durable into a folder."""
        target.mkdir(exist_ok=True)
        for name, value in self.durable[folder or self.root].items():
            if isinstance(value, str):
                self.write(target / name, value)
            else:
                (target / name).write_bytes(self.synced[value])


def operations(log):
    data, at = log.read_bytes(), 0
    while at < len(data):
        kind, offset, *lengths = struct.unpack_from("8sQQQQ", data, at)
        at += 40
        parts = []
        for length in lengths:
            parts.append(data[at : at + length])
            at += length
        path, to, content = parts
        yield kind[:1].decode(), path.decode(), to.decode(), offset, content


class Script:
    def __init__(self, arguments):
        self.arguments = arguments
        self.base = Path(tempfile.mkdtemp(prefix="faults-", dir="/tmp"))
        self.shim = self.base / "shim.so"
        source = ROOT / "scripts/faults/shim.c"
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", self.shim, source, "-ldl", "-lpthread"], check=True)
        self.end = time.monotonic() + arguments.seconds

    def place(self, name):
        return Place(self.base, name, self.arguments.surfit, self.shim)

    def reference(self):
        place = self.place("reference")
        log = place.folder / "log"
        log.touch()
        code = place.begin(place.injected(FAULTS_LOG=str(log)))
        if code != 0 or not place.is_finished():
            sys.exit(f"inject_faults: the undisturbed run failed ({code}):\n{place.told}")
        return place, list(operations(log)), place.counted()

    def inject(self, kind, number):
        place = self.place(f"{kind}-{number}")
        mode = {"kill": "kill", "short": "short"}.get(kind) or f"error:{getattr(errno, kind)}"
        code = place.begin(place.injected(FAULTS_MODE=mode, FAULTS_AT=str(number)))
        hangs = ["hangs"] if code is None else []
        place.resume()
        return place, hangs

    def cut(self, number, done):
        place = self.place(f"power-{number}")
        root = str(self.reference_root)
        disk, said = Disk(root), b""
        for kind, path, to, offset, data in done:
            if kind == "a":
                said += data
            else:
                disk.apply(kind, path, to, offset, data)
        disk.write(place.root)
        lost = self.broken_promises(place.run, said)
        place.resume()
        return place, lost

    def broken_promises(self, run, said):
        """What a program had told on its standard output and the disk does not have."""
        here = {e["seq"]: e for e in events(run)}
        lost = []
        for line in said.split(b"\n")[:-1]:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event.get("event") not in PROMISES:
                continue
            if here.get(event["seq"]) != event:
                lost.append(f"told and lost: {event['event']}")
            if event["event"] == "exported":
                for name in ["model.safetensors", "model.json"]:
                    path = f"exports/{Path(event['dir']).name}/{name}"
                    content = (run / path).read_bytes() if (run / path).is_file() else None
                    if content != self.wanted[f"file {path}"]:
                        lost.append(f"told and lost: {path}")
        return lost

    def check(self, kind, number, *more):
        if time.monotonic() > self.end:
            return None
        place, faults = self.cut(number, *more) if kind == "power" else self.inject(kind, number)
        log = place.run / "log.txt"
        said = place.told + (log.read_text(errors="replace") if log.is_file() else "")
        if "panicked" in said:
            faults.append("panics")
        faults += differences(self.wanted, outcome(place.run))
        if not faults or not self.arguments.keep:
            shutil.rmtree(place.folder, ignore_errors=True)
        return faults

    def main(self):
        reference, done, count = self.reference()
        self.reference_root = reference.root
        self.wanted = outcome(reference.run)
        again = self.place("again")
        again.begin(again.environment())
        if unlike := differences(self.wanted, outcome(again.run)):
            print(f"two undisturbed runs differ in: {', '.join(unlike)}")
            return 1
        print(f"{count} file operations in an undisturbed run, {len(self.wanted)} things to compare")
        every = self.arguments.every
        work = []
        for index, kind in enumerate(self.arguments.kinds):
            last = len(done) if kind == "power" else count
            # Of each kind other operations, so that all kinds together leave few out.
            numbers = range(1 + index % every, last + 1, every)
            work += [(k / max(1, len(numbers)), kind, n) for k, n in enumerate(numbers)]
        # All kinds side by side, so that each has its share when the time is over.
        work.sort()
        table = {kind: [0, 0, len([w for w in work if w[1] == kind])] for kind in self.arguments.kinds}
        with concurrent.futures.ThreadPoolExecutor(self.arguments.jobs) as pool:
            pending = {}
            for _, kind, number in work:
                more = [done[:number]] if kind == "power" else []
                pending[pool.submit(self.check, kind, number, *more)] = (kind, number)
            for future in concurrent.futures.as_completed(pending):
                kind, number = pending[future]
                faults = future.result()
                if faults is None:
                    continue
                table[kind][0] += 1
                if faults:
                    table[kind][1] += 1
                    print(f"{kind} at operation {number}: {'; '.join(faults)}", flush=True)
        print(f"{'fault':8}{'made':>8}{'planned':>10}{'unlike':>8}")
        for kind, (made, unlike, planned) in table.items():
            print(f"{kind:8}{made:8}{planned:10}{unlike:8}")
        if not self.arguments.keep:
            shutil.rmtree(self.base, ignore_errors=True)
        else:
            print(f"kept in {self.base}")
        return 1 if any(unlike for _, unlike, _ in table.values()) else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("surfit", nargs="?", default=str(ROOT / "target/release/surfit"), help="the program")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="at every N-th operation only")
    parser.add_argument("--seconds", type=float, default=3600, metavar="S", help="begin no injection after so long")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="injections at a time")
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS, help="kinds of faults")
    parser.add_argument("--keep", action="store_true", help="keep the runs that differ")
    given = parser.parse_args()
    given.surfit = str(Path(given.surfit).resolve())
    return given


if __name__ == "__main__":
    sys.exit(Script(arguments()).main())

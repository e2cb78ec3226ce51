#!/usr/bin/env python3
"""Injects faults into tiny jobs, at one file operation after the other, and compares what they come to with undisturbed ones.

Kinds of faults: the process is killed before the operation (kill), the operation is refused (EIO, ENOSPC, EROFS, EDQUOT), a
write takes half of its bytes (short), or the machine loses its power there (power): what was not synced is gone, file contents
and names in folders alike. Scenarios are the commands that write into a run or where the user says. After the fault the same
command is given again, as a user does, and the runs are resumed. Models, surface, tables, loss curves, results, exports and
leftovers have to be those of the undisturbed command, and what a program had told before the power went has to be there after it.

Operations are seen at the boundary of the system calls by a small tracer that is compiled with cc (`faults/trace.c`); Linux on
x86-64 only. The script prints a table of counts and exits with 1 when anything differs. `make inject-faults` builds the
program first.
"""

import argparse
import concurrent.futures
import errno
import itertools
import json
import os
import re
import shutil
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
data = { train_images = 300, validation_images = 100, bn_images = 50 }
network = { name = 'mlp', widths = [8] }
corners = { epochs = 2, batch_size = 50, cache = false }
fit = { epochs = 6.0, boundary_epochs = 1.0, batch_size = 50, points_per_step = 2 }
heatmap = { grid = 4, live_images = 100, live_compute_fraction = 0.3 }
checkpoint = { interval_secs = 0.05 }
"""
# What a command begins with, and its words. Paths are relative to the folder that is watched.
SCENARIOS = {
    "run": ("nothing", "run job.toml --run-dir r/job --json"),
    "resume": ("killed", "resume r/job --json"),
    "export": ("finished", "export r/job --at 0.3,0.3 --out out/model --json"),
    "replace": ("exported", "export r/job --at 0.6,0.2 --out out/model --force --json"),
    "ensemble": ("finished", "export r/job --ensemble 2 --out out/model --json"),
    "heatmap": ("finished", "heatmap r/job --grid 5 --keep --out out/map.csv"),
    "picture": ("finished", "heatmap r/job --grid 3 --out out/map.png"),
    "fork": ("finished", "fork r/job --degree 3 --run-dir r/fork --json"),
    "degree": ("finished", "degree r/job 3 --json"),
    "set": ("finished", "set r/job heatmap.grid=5 --json"),
    "fit": ("finished", "fit r/job --epochs 1 --json"),
    "rm": ("finished", "rm r/job --yes"),
    "report": ("finished", "report r/job"),
    "queue": ("finished", "queue add job.toml --set fit.epochs=2 --json"),
    "start": ("queued", "queue start"),
}
# A command that takes longer hangs.
LIMIT = 120


class Place:
    """A folder with runs, and the programs that work on it."""

    numbers = itertools.count()

    def __init__(self, base, program, tracer, template=None):
        # All are of the same length: files of a run name it, and are copied from one place to another.
        self.folder = base / f"{next(self.numbers):06}"
        self.work = self.folder / "work"
        self.program, self.tracer = program, tracer
        for folder in [self.folder / "rt", self.folder / "home"]:
            folder.mkdir(parents=True)
        if template:
            Disk(template).write(self.work)
        else:
            (self.work / "r").mkdir(parents=True)
            (self.work / "out").mkdir()
            (self.work / "job.toml").write_text(JOB)
        self.told = ""

    def environment(self):
        home = str(self.folder / "home")
        names = ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "SURFIT_CACHE", "SURFIT_DATA", "HOME"]
        env = {**os.environ, **dict.fromkeys(names, home)}
        env |= {"SURFIT_RUNS": str(self.work / "r"), "SURFIT_STATE": home + "/screen.toml"}
        return env | {"XDG_RUNTIME_DIR": str(self.folder / "rt")}

    def surfit(self, command, mode="none", number=0, log=""):
        """Runs surfit and the engines that it starts to their end; gives the exit code, None when one of them hangs."""
        report = self.folder / "report"
        words = [self.tracer, self.work, report, log, mode, number, self.program, *command.split()]
        child = subprocess.Popen(
            [str(word) for word in words],
            env=self.environment(),
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        code = None
        try:
            out, _ = child.communicate(timeout=LIMIT)
            code = child.returncode
        except subprocess.TimeoutExpired:
            # All that it traces goes with it.
            child.kill()
            out, _ = child.communicate()
        self.told += out.decode(errors="replace")
        if code == 125:
            sys.exit(f"inject_faults: the tracer failed: {self.told}")
        if code is not None:
            count, self.disturbed = report.read_text().split("\n")[:2]
            self.count = int(count)
        return code

    def runs(self):
        return sorted(path.parent for path in self.work.glob("r/*/config.toml") if not path.parent.name.startswith("."))

    def repair(self, command, code):
        """Does what a user does after a fault: gives the command again, and goes on with every run."""
        # What would come twice is not asked for again when it is there.
        made = {"queue add": "r/.queue/*.json", "fork": "r/fork/config.toml", "fit": "r/job/exports/*-step48"}
        if command.startswith("fit") and code != 0:
            # A further round that had begun goes on; where it had not, nothing is done.
            self.surfit("resume r/job --json")
        pattern = next((made[words] for words in made if command.startswith(words)), "no file")
        for _ in range(3):
            if code == 0 or [*self.work.glob(pattern)]:
                break
            code = self.surfit(command)
        for run in self.runs():
            # Of a finished run this puts in order what a program left that was killed after its end.
            self.surfit(f"resume {run} --json")


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


def read(path):
    """A file's content without the name of the scenario's folder, which reports have in them; None when there is none."""
    return re.sub(rb"/tmp/faults-[^/]+/[^/]+/work/", b"", path.read_bytes()) if path.is_file() else None


def checkpoint(path):
    """A checkpoint without its heatmap and its checksum: in a finished run a later heatmap may be in the snapshot alone, which is
    compared for itself and from which the next engine takes it."""
    content = path.read_bytes()
    begin = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:begin])
    stored = json.loads(header["__metadata__"]["surfit"])
    return header | {"__metadata__": {**stored, "live": None}}, content[begin:-4]


def outcome(work):
    """Everything that a folder of runs came to and what lies where the user said, by name."""
    result = {"leftovers": sorted(str(p.relative_to(work)) for p in work.rglob(".*.*"))}
    for path in sorted(work.glob("out/**/*")):
        if path.is_file():
            result[f"file {path.relative_to(work)}"] = read(path)
    # Numbers may be left out.
    result["queue"] = [json.loads(path.read_bytes())["title"] for path in sorted(work.glob("r/.queue/*.json"))]
    for config in work.glob("r/*/config.toml"):
        run = config.parent
        result |= {f"{run.name}: {key}": value for key, value in outcome_of_run(run).items()}
    return result


def outcome_of_run(run):
    """Everything that a run came to and reports, by name. Times are left out."""
    result = {}
    for pattern in ["corners/*", "surface/*", "exports/*/*", "heatmaps/*", "figures/*"]:
        for path in sorted(run.glob(pattern)):
            result[f"file {path.relative_to(run)}"] = checkpoint(path) if path.parent.name == "surface" else read(path)
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


class Inode:
    """A file's content or a folder's names: as they are now, and as they were when they were synced last."""

    def __init__(self, now):
        self.now, self.durable = now, type(now)()

    def sync(self):
        self.durable = self.now.copy()


class Disk:
    """What a machine has of a folder after it lost its power."""

    def __init__(self, template, root=None):
        self.template, self.root = template, str(root or template)
        self.top = self.load(template)

    def load(self, path):
        inode = Inode({p.name: self.load(p) for p in path.iterdir()} if path.is_dir() else bytearray(path.read_bytes()))
        inode.sync()
        return inode

    def place(self, path):
        """The names of the folder that a path lies in, and its own name."""
        *folders, name = path[len(self.root) + 1 :].split("/")
        at = self.top
        for folder in folders:
            at = at.now[folder]
        return at.now, name

    def apply(self, kind, path, to, offset, data):
        if path == self.root:
            self.top.sync()
            return
        names, name = self.place(path)
        if kind in "tc" and name not in names:
            names[name] = Inode(bytearray())
        if kind == "d":
            names[name] = Inode({})
        elif kind == "u":
            del names[name]
        elif kind in "rh":
            new_names, new_name = self.place(to)
            new_names[new_name] = names[name]
            if kind == "r":
                del names[name]
        elif name in names:  # What was removed may still be written to.
            inode = names[name]
            if kind == "t":
                inode.now.clear()
            elif kind == "s":
                inode.sync()
            elif kind in "wl":
                inode.now.extend(bytes(max(0, offset - len(inode.now))))
                inode.now[offset : offset + len(data) if kind == "w" else None] = data

    def write(self, target):
        """Writes what is durable to another folder, as if it had always been there."""
        self.write_inode(self.top, target, str(target).encode())

    def write_inode(self, inode, path, target):
        if isinstance(inode.durable, dict):
            path.mkdir()
            for name, below in inode.durable.items():
                self.write_inode(below, path / name, target)
        else:
            content = inode.durable.replace(str(self.template).encode(), target)
            path.write_bytes(content.replace(self.root.encode(), target))


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


class Scenario:
    """A command, what it begins with, and what it comes to when nothing disturbs it."""

    def __init__(self, script, name):
        self.script, self.name = script, name
        start, self.command = SCENARIOS[name]
        self.template = script.template(start)
        reference = script.place(self.template)
        log = reference.folder / "log"
        if reference.surfit(self.command, log=log) != 0:
            sys.exit(f"inject_faults: undisturbed `surfit {self.command}` failed:\n{reference.told}")
        self.count, self.root = reference.count, reference.work
        self.done = list(operations(log))
        reference.repair(self.command, 0)
        self.wanted = outcome(reference.work)
        again = script.place(self.template)
        again.repair(self.command, again.surfit(self.command))
        if unlike := differences(self.wanted, outcome(again.work)):
            sys.exit(f"inject_faults: two undisturbed `surfit {self.command}` differ in: {', '.join(unlike)}")
        shutil.rmtree(again.folder)

    def last(self, kind):
        return len(self.done) if kind == "power" else self.count

    def inject(self, place, kind, number):
        mode = {"kill": "kill", "short": "short"}.get(kind) or f"error:{getattr(errno, kind)}"
        code = place.surfit(self.command, mode, number)
        where = place.disturbed if code is not None else ""
        if not where and code is not None:
            return "", None
        place.repair(self.command, code)
        return where, ["hangs"] if code is None else []

    def cut_power(self, place, number):
        disk, said = Disk(self.template, self.root), b""
        for kind, path, to, offset, data in self.done[:number]:
            if kind == "a":
                said += data
            else:
                disk.apply(kind, path, to, offset, data)
        shutil.rmtree(place.work)
        disk.write(place.work)
        lost = self.broken_promises(place.work, said.decode())
        place.repair(self.command, None)
        kind, path, to = self.done[number - 1][:3]
        return f"{kind} {path} {to}", lost

    def broken_promises(self, work, said):
        """What a program had told on its standard output and the disk does not have."""
        here = {e["seq"]: e for e in events(work / "r/job")}
        lost = []
        for line in said.split("\n")[:-1]:
            if '"event":' in line:
                event = json.loads(line.replace(str(self.root), str(work)))
                if event["event"] not in PROMISES:
                    continue
                if here.get(event["seq"]) != event:
                    lost.append(f"told and lost: {event['event']}")
            # Files, and folders with all that is in them.
            for word in re.findall(r'[^\s":,]+', line.replace(f"{self.root}/", "")):
                named = self.root / word
                if (named / "config.toml").is_file():
                    continue  # A run that has begun; what it comes to is not told by that.
                for path in [named, *named.rglob("*")] if (work / "r") != (work / word) and "/" in word else []:
                    if "out" not in path.parts and "exports" not in path.parts and "figures" not in path.parts:
                        continue
                    there = work / path.relative_to(self.root)
                    if path.is_file() and read(there) != read(path):
                        lost.append(f"told and lost: {path.relative_to(self.root)}")
        return lost

    def check(self, kind, number):
        """What differs after one fault, by name; None when time is over, or when the command had ended before."""
        if time.monotonic() > self.script.end:
            return None
        place = self.script.place(self.template)
        where, faults = self.cut_power(place, number) if kind == "power" else self.inject(place, kind, number)
        if faults is not None:
            log = "".join(p.read_text(errors="replace") for p in place.work.glob("r/*/log.txt"))
            if "panicked" in place.told + log:
                faults.append("panics")
            faults += differences(self.wanted, outcome(place.work))
            if faults:
                where = where.replace(f"{place.work}/", "").replace(f"{self.root}/", "")
                print(f"{self.name}: {kind} at operation {number} ({where}): {'; '.join(faults)}", flush=True)
        if faults and self.script.arguments.keep:
            print(f"  kept in {place.folder}", flush=True)
            (place.folder / "told").write_text(place.told)
        else:
            shutil.rmtree(place.folder, ignore_errors=True)
        return faults


class Script:
    def __init__(self, arguments):
        self.arguments = arguments
        self.base = Path(tempfile.mkdtemp(prefix="faults-", dir="/tmp"))
        self.tracer = self.base / "trace"
        source = ROOT / "scripts/faults/trace.c"
        subprocess.run(["cc", "-O1", "-o", self.tracer, source], check=True)
        self.templates = {}

    def place(self, template=None):
        return Place(self.base, self.arguments.surfit, self.tracer, template)

    def template(self, name):
        """A folder of runs that a command begins with."""
        if name not in self.templates:
            before = {"nothing": None, "killed": None, "finished": "killed", "exported": "finished", "queued": "finished"}[name]
            place = self.place(before and self.template(before))
            if name == "killed":
                # In the fit, where there is a checkpoint and an open record.
                whole = self.place()
                whole.surfit(SCENARIOS["run"][1])
                place.surfit(SCENARIOS["run"][1], "kill", whole.count * 2 // 3)
            elif name != "nothing":
                scenario = {"finished": "resume", "exported": "export", "queued": "queue"}[name]
                place.surfit(SCENARIOS[scenario][1])
            for path in place.work.glob("r/*/socket"):
                path.unlink()
            self.templates[name] = place.work
        return self.templates[name]

    def main(self):
        given = self.arguments
        scenarios = [Scenario(self, name) for name in given.scenarios]
        for s in scenarios:
            print(f"{s.name}: {s.count} file operations, {len(s.wanted)} things to compare", flush=True)
        self.end = time.monotonic() + given.seconds
        work = []
        for index, kind in enumerate(given.kinds):
            for scenario in scenarios:
                # Of each kind other operations, so that all kinds together leave few out.
                numbers = range(1 + index * given.every // len(given.kinds), scenario.last(kind) + 1, given.every)
                work += [(k / max(1, len(numbers)), len(work) + k, scenario, kind, n) for k, n in enumerate(numbers)]
        # All side by side, so that each has its share when the time is over.
        work.sort(key=lambda w: w[:2])
        table = {(s.name, kind): [0, 0] for s in scenarios for kind in given.kinds}
        with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
            pending = {pool.submit(s.check, kind, n): (s.name, kind) for *_, s, kind, n in work}
            for future in concurrent.futures.as_completed(pending):
                faults = future.result()
                if faults is not None:
                    table[pending[future]][0] += 1
                    table[pending[future]][1] += bool(faults)
        made, unlike = self.print_table(table, [s.name for s in scenarios])
        print(f"{made} faults of {len(work)} planned, {unlike} unlike")
        if not given.keep:
            shutil.rmtree(self.base, ignore_errors=True)
        return 1 if unlike else 0

    def print_table(self, table, names):
        """Prints faults made and, after a slash, those after which something differs; gives the sums."""
        kinds = self.arguments.kinds
        print("".join(["fault   ", *(f"{name:>10}" for name in [*names, "all"])]))
        sums = [0, 0]
        for kind in kinds:
            cells = [table[name, kind] for name in names]
            cells.append([sum(c[0] for c in cells), sum(c[1] for c in cells)])
            sums = [sums[0] + cells[-1][0], sums[1] + cells[-1][1]]
            print("".join([f"{kind:8}", *(f"{f'{made}/{unlike}':>10}" for made, unlike in cells)]))
        return sums


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("surfit", nargs="?", default=str(ROOT / "target/release/surfit"), help="the program")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="at every N-th operation only")
    parser.add_argument("--seconds", type=float, default=3600, metavar="S", help="begin no injection after so long")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="injections at a time")
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS, help="kinds of faults")
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS), choices=SCENARIOS, help="what is disturbed")
    parser.add_argument("--keep", action="store_true", help="keep the runs that differ")
    given = parser.parse_args()
    given.surfit = str(Path(given.surfit).resolve())
    return given


if __name__ == "__main__":
    sys.exit(Script(arguments()).main())

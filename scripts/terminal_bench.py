#!/usr/bin/env python3
"""Measures the terminal program on a live demo: first frame, key to screen, output rate, processor use.

It runs the real `surfit` in a pseudo-terminal of 140×44 while the demo's engine trains on every core, and prints one
JSON object. Only Python's standard library is needed. `make bench-terminal` builds the program first.
"""

import fcntl
import json
import os
import pty
import random
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "target/release/surfit")


def start(arguments, environment, columns=140, lines=44):
    """Starts the program in a pseudo-terminal; gives process id, descriptor and the time of the start."""
    began = time.perf_counter()
    pid, fd = pty.fork()
    if pid == 0:
        # The size is there before the program asks for it.
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        os.execve(PROGRAM, [PROGRAM, *arguments], environment)
    return pid, fd, began


def read_for(fd, seconds):
    """Bytes that come within some seconds."""
    out, end = b"", time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        if select.select([fd], [], [], left)[0]:
            out += os.read(fd, 1 << 16)
    return out


def first_frame(fd, began):
    """Milliseconds until the header of the first frame is out."""
    out = b""
    while b"surfit" not in out:
        if not select.select([fd], [], [], 10)[0]:
            sys.exit("terminal_bench: no frame within 10 s")
        out += os.read(fd, 1 << 16)
    return 1e3 * (time.perf_counter() - began)


def key_latency(fd, key, expected):
    """Milliseconds from a key to the end of the frame that shows its effect."""
    while select.select([fd], [], [], 0)[0]:
        os.read(fd, 1 << 16)
    began, out = time.perf_counter(), b""
    os.write(fd, key)
    while expected not in out:
        if not select.select([fd], [], [], 5)[0]:
            return None
        out += os.read(fd, 1 << 16)
    return 1e3 * (time.perf_counter() - began)


def processor_seconds(pid):
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def leave(pid, fd, keys=b"d"):
    os.write(fd, keys)
    end = time.time() + 10
    while time.time() < end and os.waitpid(pid, os.WNOHANG)[0] == 0:
        if select.select([fd], [], [], 0.1)[0]:
            try:
                os.read(fd, 1 << 16)
            except OSError:
                pass
    os.close(fd)


def main():
    folder = tempfile.mkdtemp(prefix="surfit-")
    environment = dict(os.environ, SURFIT_RUNS=folder + "/runs", XDG_CONFIG_HOME=folder, TERM="xterm-256color",
                       COLORTERM="truecolor", LANG="C.UTF-8")
    environment.pop("NO_COLOR", None)
    config = str(ROOT / "configs/demo.toml")
    try:
        pid, fd, began = start(["open", config], environment)
        frames = [first_frame(fd, began)]
        # The fit draws most: wait until it is under way.
        text, end = b"", time.time() + 600
        run = None
        while time.time() < end:
            text = read_for(fd, 1)
            runs = list(Path(folder, "runs").glob("*/status.json"))
            if runs and json.loads(runs[0].read_text())["stage"] == "fit":
                run = runs[0].parent
                break
        if run is None:
            sys.exit("terminal_bench: the fit did not begin within 10 minutes")
        seconds = 10
        cpu = processor_seconds(pid)
        sent = len(read_for(fd, seconds))
        cpu = (processor_seconds(pid) - cpu) / seconds
        latencies = []
        for _ in range(40):
            # The help overlay opens and closes: both are large changes of the screen.
            # The help overlay is a large change of the screen, and nothing but the key brings its words.
            latencies.append(key_latency(fd, b"?", b"bright: possible now"))
            time.sleep(random.uniform(0.1, 0.3))
            os.write(fd, b"\x1b")
            read_for(fd, random.uniform(0.3, 0.6))
        leave(pid, fd)
        for _ in range(4):
            pid, fd, began = start(["open", str(run)], environment)
            frames.append(first_frame(fd, began))
            read_for(fd, 1)
            leave(pid, fd)
        while json.loads((run / "status.json").read_text())["state"] not in ("finished", "failed", "closed"):
            time.sleep(1)
        pid, fd, began = start(["open", str(run)], environment)
        read_for(fd, 4)
        idle = len(read_for(fd, 5))
        leave(pid, fd)
        subprocess.run([PROGRAM, "stop", str(run)], env=environment, stdout=subprocess.DEVNULL, check=False)
        # A key that was not answered took for ever.
        known = sorted(float("inf") if x is None else x for x in latencies)
        print(json.dumps({
            "first_frame_ms": sorted(round(f, 1) for f in frames),
            "key_to_screen_ms_median": round(known[len(known) // 2], 1),
            "key_to_screen_ms_95th": round(known[int(0.95 * (len(known) - 1))], 1),
            "keys_measured": len(known),
            "output_kb_per_second_fitting": round(sent / seconds / 1e3, 2),
            "output_bytes_idle_5s": idle,
            "client_processor_percent_of_core": round(100 * cpu, 2),
        }))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

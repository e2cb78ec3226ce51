#!/usr/bin/env python3
"""Takes the pictures in screenshots/ from the real program.

It starts `surfit` on the demo in a pseudo-terminal, presses keys, waits for what the screen should say, and draws the
screen as PNG. Run it through `make screenshots`, which builds the program first. It needs pyte, Pillow and a font;
they are installed into a folder of the user's cache on the first call.
"""

import argparse
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "surfit" / "screenshots"
# matplotlib carries DejaVu Sans Mono, which has the line-drawing characters; nothing else of it is used.
PACKAGES = ["pyte==0.8.2", "wcwidth", "pillow", "matplotlib"]


def install():
    """Puts the packages into the cache, once."""
    if not (CACHE / "complete").exists():
        shutil.rmtree(CACHE, ignore_errors=True)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(CACHE)]
        if subprocess.run(command + PACKAGES).returncode != 0:
            sys.exit("screenshots: pip could not install pyte, Pillow and matplotlib; check the network")
        (CACHE / "complete").touch()
    sys.path.insert(0, str(CACHE))


install()
import pyte  # noqa: E402
from PIL import Image, ImageDraw, ImageFont  # noqa: E402

CELL = (10, 20)
FONTS = CACHE / "matplotlib" / "mpl-data" / "fonts" / "ttf"
REGULAR = ImageFont.truetype(str(FONTS / "DejaVuSansMono.ttf"), 16)
BOLD = ImageFont.truetype(str(FONTS / "DejaVuSansMono-Bold.ttf"), 16)
NAMES = {
    "black": "000000", "red": "cc4444", "green": "44aa44", "brown": "ccaa44", "blue": "4466cc",
    "magenta": "aa44aa", "cyan": "44aaaa", "white": "cccccc", "brightblack": "666666", "brightred": "ff6666",
    "brightgreen": "66dd66", "brightbrown": "eedd66", "brightblue": "6688ff", "brightmagenta": "dd66dd",
    "brightcyan": "66dddd", "brightwhite": "ffffff",
}


def color(name, default):
    """A pyte colour as (red, green, blue)."""
    if name == "default":
        return default
    text = NAMES.get(name, name)
    return tuple(int(text[i:i + 2], 16) for i in (0, 2, 4))


def mixed(a, b, share):
    return tuple(round(x * share + y * (1 - share)) for x, y in zip(a, b))


def arms():
    """Of every line-drawing character the weights of its arms: left, right, up, down; 0 none, 1 light, 2 heavy."""
    known = {}
    for light, heavy in (("─│┌┐└┘├┤┬┴┼╴╵╶╷╭╮╰╯", None), ("━┃┏┓┗┛┣┫┳┻╋╸╹╺╻", 2)):
        shapes = ["lr", "ud", "rd", "ld", "ru", "lu", "rud", "lud", "lrd", "lru", "lrud", "l", "u", "r", "d",
                  "rd", "ld", "ru", "lu"]
        for char, shape in zip(light, shapes):
            known[char] = tuple((heavy or 1) if arm in shape else 0 for arm in "lrud")
    known["╌"] = known["┄"] = known["┈"] = (1, 1, 0, 0)
    known["╎"] = known["┆"] = known["┊"] = (0, 0, 1, 1)
    return known


ARMS = arms()
DASHED = "╌┄┈╎┆┊"
# Quarters of a cell: upper left, upper right, lower left, lower right.
QUARTERS = {"▖": 4, "▗": 8, "▘": 1, "▙": 13, "▚": 9, "▛": 7, "▜": 11, "▝": 2, "▞": 6, "▟": 14}


def draw_lines(draw, left, top, char, fg):
    """A line-drawing character: its arms meet those of the next cell, which the letters of a font do not always do."""
    (w, h), (l, r, u, d) = CELL, ARMS[char]
    x, y = left + w // 2 - 1, top + h // 2 - 1
    across, down = max(l, r), max(u, d)
    if char in DASHED:
        if across:
            draw.rectangle([left + 1, y, left + w // 2 - 1, y], fill=fg)
            draw.rectangle([left + w // 2 + 2, y, left + w - 2, y], fill=fg)
        else:
            draw.rectangle([x, top + 2, x, top + h // 2 - 2], fill=fg)
            draw.rectangle([x, top + h // 2 + 2, x, top + h - 3], fill=fg)
        return
    if l:
        draw.rectangle([left, y, x + max(down, 1) - 1, y + l - 1], fill=fg)
    if r:
        draw.rectangle([x, y, left + w - 1, y + r - 1], fill=fg)
    if u:
        draw.rectangle([x, top, x + u - 1, y + max(across, 1) - 1], fill=fg)
    if d:
        draw.rectangle([x, y, x + d - 1, top + h - 1], fill=fg)


def sextants(code):
    """The six parts of a block sextant (U+1FB00 on) as bits, row by row."""
    n = code - 0x1FB00 + 1
    # Those that half and full blocks have already are left out of the row.
    return n + (n >= 0x15) + (n + (n >= 0x15) >= 0x2A)


def draw_cell(draw, x, y, char, fg, bg, bold, dim):
    """One character cell. Blocks, lines and braille are drawn as shapes, as good terminals do."""
    (w, h), code = CELL, ord(char[0]) if char else 32
    left, top = x * w, y * h
    draw.rectangle([left, top, left + w - 1, top + h - 1], fill=bg)
    if dim:
        fg = mixed(fg, bg, 0.6)
    if code == 0x2580:
        draw.rectangle([left, top, left + w - 1, top + h // 2 - 1], fill=fg)
    elif 0x2581 <= code <= 0x2588:
        part = h * (code - 0x2580) // 8
        draw.rectangle([left, top + h - part, left + w - 1, top + h - 1], fill=fg)
    elif 0x2589 <= code <= 0x258F:
        draw.rectangle([left, top, left + max(1, w * (0x2590 - code) // 8) - 1, top + h - 1], fill=fg)
    elif code == 0x2590:
        draw.rectangle([left + w // 2, top, left + w - 1, top + h - 1], fill=fg)
    elif 0x2591 <= code <= 0x2593:
        share = (code - 0x2590) / 4
        draw.rectangle([left, top, left + w - 1, top + h - 1], fill=mixed(fg, bg, share))
    elif char in QUARTERS:
        for bit in range(4):
            if QUARTERS[char] >> bit & 1:
                cx, cy = left + w // 2 * (bit & 1), top + h // 2 * (bit >> 1)
                draw.rectangle([cx, cy, cx + w // 2 - 1, cy + h // 2 - 1], fill=fg)
    elif 0x1FB00 <= code <= 0x1FB3B:
        rows = [0, 7, 13, h]
        for bit in range(6):
            if sextants(code) >> bit & 1:
                cx, row = left + w // 2 * (bit & 1), bit >> 1
                draw.rectangle([cx, top + rows[row], cx + w // 2 - 1, top + rows[row + 1] - 1], fill=fg)
    elif char in ARMS:
        draw_lines(draw, left, top, char, fg)
    elif 0x2800 <= code <= 0x28FF:
        places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]
        for bit, (column, row) in enumerate(places):
            if (code - 0x2800) >> bit & 1:
                cx, cy = left + 2 + 5 * column, top + 2 + 5 * row
                draw.rectangle([cx, cy, cx + 1, cy + 1], fill=fg)
    elif code > 32:
        draw.text((left, top), char, font=BOLD if bold else REGULAR, fill=fg)


def picture(screen, path):
    """Draws a pyte screen."""
    image = Image.new("RGB", (screen.columns * CELL[0], screen.lines * CELL[1]), (16, 16, 20))
    draw = ImageDraw.Draw(image)
    for y in range(screen.lines):
        for x in range(screen.columns):
            c = screen.buffer[y][x]
            fg, bg = color(c.fg, (208, 208, 208)), color(c.bg, (16, 16, 20))
            if c.reverse:
                fg, bg = bg, fg
            draw_cell(draw, x, y, c.data, fg, bg, c.bold, False)
            if c.underscore:
                bottom = (y + 1) * CELL[1] - 2
                draw.line([x * CELL[0], bottom, (x + 1) * CELL[0] - 1, bottom], fill=fg)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, optimize=True)
    print(f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}  {screen.columns}×{screen.lines}")


class Terminal:
    """The program in a pseudo-terminal, and its screen."""

    def __init__(self, arguments, columns, lines, environment):
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # The size is there before the program asks for it.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.execve(arguments[0], arguments, environment)

    def look(self, seconds):
        """Reads for some seconds."""
        end = time.time() + seconds
        while (left := end - time.time()) > 0:
            if select.select([self.fd], [], [], left)[0]:
                try:
                    self.stream.feed(os.read(self.fd, 1 << 16))
                except OSError:
                    return

    def shows(self, text):
        return text in "\n".join(self.screen.display)

    def wait(self, text, seconds=600):
        """Reads until the screen shows a text."""
        end = time.time() + seconds
        while not self.shows(text):
            if time.time() > end:
                shown = "\n".join(self.screen.display)
                sys.exit(f"screenshots: the screen did not show {text!r} in {seconds} s; it shows:\n{shown}")
            self.look(0.05)

    def press(self, keys):
        """Presses keys, apart by spaces; `esc` and `tab` by name."""
        for key in keys.split():
            os.write(self.fd, {"esc": "\x1b", "tab": "\t", "enter": "\r", "down": "\x1b[B"}.get(key, key).encode())
            self.look(0.4)

    def close(self):
        """Detaches."""
        self.press("esc esc d")
        os.close(self.fd)
        os.waitpid(self.pid, 0)


WIDE, LARGE, SMALL, SMALLEST = (140, 44), (220, 60), (80, 24), (60, 16)

# What is pressed on a fit under way, on the workbench as it opens, and the picture's name.
DURING = [
    ("g l b", "corner-curves"), ("g l L", "log-axis"), ("?", "help"), (":", "palette"), ("i", "log"),
    ("g w", "models"), ("g m", "machine"), ("q", "leaving"), ("2 u", "degree-preview"), ("Y", "copy"),
]
# The same on a finished run.
AFTER = [
    ("2 n", "finished"), ("2 n |", "slices"), ("2 T", "relief"), ("2 z T", "relief-zoomed"), ("2 O", "contours"),
    ("2 z O", "contours-zoomed"), ("2 D", "gain"), ("2 I", "confidence"), ("2 P", "peaks"), ("2 z #", "numbers"),
    ("1 z", "loss-zoomed"), ("3 z", "points-zoomed"), ("3 D", "distances"), ("g w", "models-finished"),
    ("g o", "runs"), ("g t down", "themes"), ("i", "log-finished"),
]


class Shoot:
    """One session of taking pictures, in a folder of its own."""

    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.base = {k: v for k, v in os.environ.items() if not k.startswith(("SURFIT", "NO_COLOR"))}
        self.base |= {
            "SURFIT_RUNS": folder + "/runs", "SURFIT_CACHE": folder + "/cache", "XDG_CONFIG_HOME": folder,
            "XDG_STATE_HOME": folder, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8",
        }

    def wanted(self, *names):
        """Whether one of the pictures was asked for."""
        return not self.args.only or any(n in self.args.only for n in names)

    def open(self, run, size=WIDE, options=(), **environment):
        # What one picture's keys chose must not be remembered in the next.
        (Path(self.folder) / "surfit" / "screen.toml").unlink(missing_ok=True)
        return Terminal([self.args.program, *options, "open", str(run)], *size, self.base | environment)

    def shot(self, terminal, name):
        if self.wanted(name):
            picture(terminal.screen, self.args.out / f"{name}.png")

    def one(self, name, run, keys="", size=WIDE, wait=None, options=(), **environment):
        """Opens a run, presses keys, takes the picture and leaves."""
        if not self.wanted(name):
            return
        t = self.open(run, size, options, **environment)
        t.look(1.5)
        if wait:
            t.wait(wait, 60)
        t.press(keys)
        t.look(0.6)
        self.shot(t, name)
        t.close()

    def job(self, name, *changes):
        """Does a whole job without a terminal; it may fail."""
        command = [self.args.program, "run", self.args.config, "--run-dir", f"{self.folder}/runs/{name}"]
        for change in changes:
            command += ["--set", change]
        subprocess.run(command, env=self.base, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        return name

    def stop(self, run):
        subprocess.run([self.args.program, "stop", run], env=self.base, stdout=subprocess.DEVNULL, check=False)

    def status(self, run):
        return json.loads(Path(self.folder, "runs", run, "status.json").read_text())

    def take(self):
        t = self.open(self.args.config)
        t.wait("surfit", 20)
        t.look(0.2)
        self.shot(t, "first")
        t.wait("corner 2")
        t.look(3)
        self.shot(t, "corners")
        t.wait("✓ align")
        t.look(10)
        self.shot(t, "fit")
        t.close()
        run = next(Path(self.folder, "runs").iterdir()).name
        for size, name in ((LARGE, "fit-220x60"), (SMALL, "fit-80x24"), (SMALLEST, "fit-60x16")):
            self.one(name, run, size=size)
        for keys, name in DURING:
            self.one(name, run, keys)
        while self.status(run)["state"] not in ("finished", "failed"):
            time.sleep(1)
        for keys, name in AFTER:
            self.one(name, run, keys, wait="finished")
        for size, name in ((LARGE, "finished-220x60"), (SMALL, "finished-80x24"), (SMALLEST, "finished-60x16")):
            self.one(name, run, "2 n", size=size)
        for keys, name in (("?", "help-80x24"), (":", "palette-80x24"), ("g t", "themes-80x24"),
                           ("g w", "models-80x24"), ("g m", "machine-80x24")):
            self.one(name, run, keys, size=SMALL)
        listed = subprocess.run([self.args.program, "themes"], env=self.base, capture_output=True, text=True)
        for line in listed.stdout.split("\n\n")[0].splitlines():
            theme = line.split()[0]
            self.one(f"theme-{theme}", run, "2 n", options=["--theme", theme], wait="finished")
        for depth in ("256", "16", "none"):
            self.one(f"colors-{depth}", run, "2 n", options=["--color", depth], wait="finished")
        self.one("ascii", run, "2 n", options=["--ascii", "--color", "none"], wait="finished")
        self.one("too-small", run, size=(48, 12))
        self.stop(run)
        if self.wanted("diverged"):
            self.job("diverged", "fit.learning_rate=1e6")
            self.one("diverged", "diverged")
        if self.wanted("failed"):
            self.job("failed", "corners.learning_rate=1e6")
            self.one("failed", "failed")
        if self.wanted("dead", "long-names"):
            name = "resnet-like-cnn-on-fashion-mnist-degree-3-with-four-draws-seed-7-second-try"
            t = Terminal([self.args.program, "run", self.args.config, "--run-dir", f"{self.folder}/runs/{name}",
                          "--detach"], *SMALL, self.base)
            t.look(4)
            os.close(t.fd)
            os.waitpid(t.pid, 0)
            while self.status(name)["stage"] not in ("fit", "heatmap"):
                time.sleep(0.5)
            time.sleep(8)
            self.one("long-names", name)
            t = self.open(name)
            t.look(1.5)
            os.kill(self.status(name)["pid"], signal.SIGKILL)
            t.look(2)
            self.shot(t, "dead")
            t.close()


def main():
    parser = argparse.ArgumentParser(description="Takes the pictures in screenshots/ from the real program.")
    parser.add_argument("only", nargs="*", help="pictures to take, by name without .png; all of them for none")
    parser.add_argument("--program", default=str(ROOT / "target/release/surfit"))
    parser.add_argument("--config", default=str(ROOT / "configs/demo.toml"))
    parser.add_argument("--out", type=Path, default=ROOT / "screenshots")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="surfit-")
    try:
        Shoot(args, folder).take()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Takes the pictures in screenshots/ from the real program.

It starts `surfit` on the demo in a pseudo-terminal, presses keys, waits for what the screen should say, and draws the
screen as PNG. Run it through `make screenshots`, which builds the program first. It needs pyte, Pillow and a font;
they are installed into a folder of the user's cache on the first call.
"""

import argparse
import fcntl
import os
import pty
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


def draw_cell(draw, x, y, char, fg, bg, bold, dim):
    """One character cell. Blocks and braille are drawn as shapes, as good terminals do."""
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
            os.execve(arguments[0], arguments, environment)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def look(self, seconds):
        """Reads for some seconds."""
        end = time.time() + seconds
        while (left := end - time.time()) > 0:
            if select.select([self.fd], [], [], left)[0]:
                try:
                    self.stream.feed(os.read(self.fd, 1 << 16))
                except OSError:
                    return

    def wait(self, text, seconds=600):
        """Reads until the screen shows a text."""
        end = time.time() + seconds
        while text not in "\n".join(self.screen.display):
            if time.time() > end:
                shown = "\n".join(self.screen.display)
                sys.exit(f"screenshots: the screen did not show {text!r} in {seconds} s; it shows:\n{shown}")
            self.look(0.2)

    def press(self, keys):
        for key in keys:
            os.write(self.fd, key.encode())
            self.look(0.4)

    def close(self):
        """Detaches."""
        self.press(["\x1b", "d"])
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def main():
    parser = argparse.ArgumentParser(description="Takes the pictures in screenshots/ from the real program.")
    parser.add_argument("--program", default=str(ROOT / "target/release/surfit"))
    parser.add_argument("--config", default=str(ROOT / "configs/demo.toml"))
    parser.add_argument("--out", type=Path, default=ROOT / "screenshots")
    args = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="surfit-")
    base = {k: v for k, v in os.environ.items() if not k.startswith(("SURFIT", "NO_COLOR"))}
    base |= {
        "SURFIT_RUNS": folder + "/runs", "XDG_CONFIG_HOME": folder, "TERM": "xterm-256color",
        "COLORTERM": "truecolor", "LANG": "C.UTF-8",
    }

    def attach(size, run=None, **more):
        arguments = [args.program, *(more.pop("options", [])), "open", run or args.config]
        return Terminal(arguments, *size, base | more)

    wide, small = (140, 44), (80, 24)
    shot = lambda t, name: picture(t.screen, args.out / name)  # noqa: E731
    try:
        t = attach(wide)
        t.wait("corner 2")
        t.look(3)
        shot(t, "corners.png")
        t.wait("✓ align")
        t.look(14)
        t.press(["u"])
        t.look(4)
        shot(t, "fit.png")
        t.close()
        run = next(Path(folder, "runs").iterdir()).name
        t = attach(small, run)
        t.look(3)
        shot(t, "small.png")
        t.close()
        t = attach(wide, run)
        t.wait("✓ finished", 900)
        t.press(["2", "n"])
        t.look(1)
        shot(t, "finished.png")
        t.press(["?"])
        shot(t, "help.png")
        t.press(["\x1b", "z"])
        t.look(1)
        shot(t, "zoom.png")
        t.close()
        for theme in ("light", "high-contrast"):
            t = attach(wide, run, options=["--theme", theme])
            t.wait("✓ finished")
            t.press(["2", "n"])
            shot(t, f"{theme}.png")
            t.close()
        t = attach(wide, run, NO_COLOR="1")
        t.wait("✓ finished")
        shot(t, "no-color.png")
        t.close()
        t = attach((48, 12), run)
        t.look(2)
        shot(t, "too-small.png")
        t.close()
        subprocess.run([args.program, "stop", run], env=base, check=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

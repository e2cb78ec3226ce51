"""Tests of scripts/wheels.py: downloads from a faulty server on 127.0.0.1."""

import contextlib
import errno
import io
import unittest
from unittest import mock

from fake_index import Case
import wheels  # found through fake_index


class Fetching(Case):
    """wheels.fetch against a faulty server."""

    def setUp(self):
        super().setUp()
        (self.name, self.data), *_ = self.files.items()
        self.target = self.folder / self.name
        self.part = self.folder / (self.name + ".part")

    def fetch(self):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            wheels.fetch(self.index.found(self.name), self.target, pause=0.0)
        self.assertEqual(self.target.read_bytes(), self.data)
        self.assertFalse(self.part.exists())
        return out.getvalue()

    def ranges(self):
        return [wanted for _, wanted in self.index.requests]

    def test_breaks_are_resumed_with_range_requests(self):
        self.index.breaks = 3
        self.assertIn("trying again", self.fetch())
        size, starts = len(self.data), [0]
        for _ in range(3):
            starts.append(starts[-1] + (size - starts[-1]) // 2)
        self.assertEqual(self.ranges(), [None] + [f"bytes={s}-" for s in starts[1:]])

    def test_goes_on_from_what_an_earlier_run_left(self):
        self.part.write_bytes(self.data[:1000])
        self.assertIn("going on", self.fetch())
        self.assertEqual(self.ranges(), ["bytes=1000-"])

    def test_complete_part_is_only_checked(self):
        self.part.write_bytes(self.data)
        self.fetch()
        self.assertEqual(len(self.index.requests), 1)

    def test_too_long_part_is_fetched_anew(self):
        self.part.write_bytes(self.data + b"more")
        self.fetch()

    def test_server_without_range_starts_over(self):
        self.index.ignores_range = True
        self.part.write_bytes(b"x" * 1000)
        self.fetch()

    def test_part_of_another_file_is_fetched_anew_once(self):
        self.part.write_bytes(b"x" * 1000)
        self.fetch()
        self.assertEqual(self.ranges(), ["bytes=1000-", None])

    def test_wrong_bytes_are_never_used(self):
        self.index.wrong = True
        with self.assertRaisesRegex(wheels.SetupError, "does not match.*SHA-256.*run this again"):
            self.fetch()
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_gives_up_but_keeps_what_it_has(self):
        self.index.breaks = 100
        with self.assertRaisesRegex(wheels.SetupError, "broke off.*goes on from where it stopped"):
            self.fetch()
        self.assertGreater(self.part.stat().st_size, len(self.data) // 2)

    def test_disk_space_is_looked_at_first(self):
        usage = mock.Mock(free=1000)
        with mock.patch("shutil.disk_usage", return_value=usage):
            with self.assertRaisesRegex(wheels.SetupError, "Not enough disk space"):
                self.fetch()

    def test_disk_full_while_writing(self):
        pip = mock.Mock(find=lambda _: {**self.index.found(self.name), "filename": self.name})
        full = OSError(errno.ENOSPC, "No space left on device")
        with mock.patch.object(wheels, "fetch_once", side_effect=full):
            with self.assertRaisesRegex(wheels.SetupError, "disk .* is full"):
                wheels.get(pip, "torch", self.folder)

    def test_progress_is_plain_lines_where_there_is_no_terminal(self):
        out = io.StringIO()
        progress = wheels.Progress("file", out, every=0.0)
        progress.show(2_000_000, 2_000_000, 8_000_000)
        progress.show(6_000_000, 8_000_000, 8_000_000, last=True)
        self.assertRegex(out.getvalue(), r"^  file:  25 %  2.0 of 8.0 MB  [\d.]+ MB/s\n  file: 100 %")
        self.assertNotIn("\r", out.getvalue())


if __name__ == "__main__":
    unittest.main()

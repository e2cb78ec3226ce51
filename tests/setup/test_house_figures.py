"""Tests of scripts/house_figures.py on small repositories, in both layouts of crates."""

import contextlib
import io
import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import fake_index  # noqa: F401 (puts the scripts on the path of modules)
import house_figures

LIBRARY = '''\
//! A library.

/// A pair
pub struct LossBuffer;
pub(crate) enum Part { A }
trait Shape {
    type Err;
}
/// Returns the loss of a step.
///
/// Short
pub fn emit_event() -> Result<Vec<u8>, String> { unsafe { go() } }
    pub(crate) const fn part() -> Result<(), Part> { unsafe_name() }
fn private() {}
'''
TESTS = '''\
use super::*;
/// Tests
struct Part;
pub fn helper() -> Result<(), String> { unsafe { go() } }
'''
README = '''\
# A title that is no sentence

![a picture](of.png)

One two three. Four five six seven eight: no more.

| a table | of words. |

```sh
run this. And that one too.
```
'''


class Repository(unittest.TestCase):
    """A repository of its own for each test."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name) / "tests"  # the name of the root itself says nothing
        self.root.mkdir()
        plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        plain.update(GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_NOSYSTEM="1")
        environment = mock.patch.dict(os.environ, plain, clear=True)
        environment.start()
        self.addCleanup(environment.stop)
        self.git("init", "--quiet")

    def git(self, *arguments):
        author = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        command = ["git", "-C", str(self.root), *author, *arguments]
        subprocess.run(command, check=True, capture_output=True)

    def write(self, **files):
        for path, text in files.items():
            path = self.root / path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def commit(self, title):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", title)

    def run_script(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = house_figures.main([str(self.root), *arguments])
        self.assertEqual((code, err.getvalue()), (0, ""))
        return out.getvalue()

    def figures(self, *arguments):
        return json.loads(self.run_script("--json", *arguments))

    def fails(self, *arguments):
        err = io.StringIO()
        with contextlib.redirect_stderr(err):
            self.assertEqual(house_figures.main([str(self.root), *arguments]), 1)
        return err.getvalue()


class Figures(Repository):
    """Every figure, counted by hand."""

    def check_layout(self, crate, engine):
        self.write(**{
            f"{crate}/lib.rs": LIBRARY,
            f"{crate}/tests.rs": TESTS,
            f"{crate}/tests/more.rs": TESTS,
            f"{engine}/lib.rs": "unsafe fn f() {}\n",
            "src/bin/surfit-engine.rs": "unsafe fn f() {}\n",
            "README.md": README,
        })
        self.commit("core: say something")
        self.assertEqual(
            self.figures(),
            {
                "files": 5,
                "lines": 14 + 4 + 4 + 1 + 1,
                "non_test_lines": 16,
                "types": 4,  # LossBuffer, Part, Shape, Err
                "one_word_types": 75.0,
                "repeated_types": 1,
                "repeated_names": {"Part": 3},
                "pub_fns": 4,  # test files count here, too
                "one_word_pub_fns": 75.0,
                "pub_fn_length": (10 + 4 + 6 + 6) / 4,
                "short_docs": 2,  # `A pair`, and `Tests` of tests.rs
                "string_errors": 1,
                "unsafe": 3,
                "unsafe_outside_engine": 2,
                "readme_words": len(README.split()),
                "readme_sentence": 4.0,
                "longest_title": 19,
            },
        )

    def test_crates_below_src(self):
        self.check_layout("src/core", "src/engine")

    def test_crates_in_a_folder_of_their_own(self):
        self.check_layout("crates/surfit-core/src", "crates/surfit-engine/src")

    def test_nested_results_and_words_of_names(self):
        functions = ["fn a() -> Result<Vec<u8>, String> {}", "fn b() -> Result<u8, my::String> {}"]
        self.write(**{"a.rs": "\n".join([*functions, "struct F32;", "struct IOError;", ""])})
        self.git("add", "--all")
        figures = self.figures()
        self.assertEqual(figures["string_errors"], 1)
        self.assertEqual(figures["one_word_types"], 50.0)

    def test_modules_that_are_only_compiled_for_tests_are_no_code(self):
        self.write(**{
            "a/lib.rs": "mod b;\n#[cfg(test)]\nmod fake;\n#[cfg(test)]\npub(crate) mod tried;\nfn f() {}\n",
            "a/fake.rs": "unsafe fn f() {}\n",
            "a/tried/mod.rs": "fn f() {}\n",
            "a/tried/inner.rs": "fn f() {}\n",
            "a/b.rs": '#[cfg(any(test, feature = "x"))]\npub mod c;\nmod d;\n',
            "a/b/c.rs": "fn f() {}\n",
            "a/b/d.rs": "fn f() {\n    #[cfg(test)]\n    mod e {\n        fn g() {}\n    }\n}\n\n"
            "#[cfg(test)]\n#[allow(unused)]\nmod tests {\n    unsafe fn f() {\n    }\n}\n\nfn after() {}\n",
        })
        self.git("add", "--all")
        figures = self.figures()
        self.assertEqual(figures["non_test_lines"], 2 + 1 + 5)
        self.assertEqual((figures["unsafe"], figures["lines"]), (0, 6 + 3 + 3 + 1 + 15))

    def test_only_tracked_files_count(self):
        self.write(**{"a.rs": "struct A;\n", "b.py": "struct B;\n"})
        self.git("add", "--all")
        self.write(**{"target/c.rs": "struct C;\n"})
        self.assertEqual(self.figures()["types"], 1)

    def test_a_tree_without_anything(self):
        figures = self.figures()
        self.assertEqual(figures.pop("repeated_names"), {})
        self.assertEqual(set(figures.values()), {0})


class Comparing(Repository):
    """Two columns: a revision and the working tree."""

    def setUp(self):
        super().setUp()
        self.write(**{"src/a.rs": "struct A;\n", "README.md": "One two three.\n"})
        self.commit("a title of 24 characters")
        self.write(**{"src/a.rs": "struct MicroBatch;\nstruct RunState;\n"})

    def test_json_has_both(self):
        both = self.figures("--against", "HEAD")
        self.assertEqual(list(both), ["before", "after"])
        self.assertEqual([both[when]["types"] for when in both], [1, 2])
        self.assertEqual([both[when]["one_word_types"] for when in both], [100.0, 0.0])
        self.assertEqual([both[when]["readme_words"] for when in both], [3, 3])
        self.assertEqual([both[when]["longest_title"] for when in both], [24, 24])

    def test_an_unchanged_tree_has_equal_columns(self):
        self.commit("b")
        both = self.figures("--against", "HEAD")
        self.assertEqual(both["before"], both["after"])

    def test_table(self):
        table = self.run_script("--against", "HEAD")
        self.assertRegex(table, r"^ +before +after\n")
        self.assertRegex(table, r"(?m)^one-word type names +100 % +0 %$")
        self.assertRegex(table, r"(?m)^repeated, after: none$")
        self.assertRegex(self.run_script(), r"^ +now\nRust files +1\n")

    def test_unknown_revisions_are_named(self):
        self.assertIn("no commit `nothing`", self.fails("--against", "nothing"))

    def test_a_folder_outside_git_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            self.root = Path(folder)
            self.assertIn("git ls-files failed", self.fails())


class Table(unittest.TestCase):
    """The table of labels."""

    def test_every_figure_has_a_line_in_the_table(self):
        figures = house_figures.measure(house_figures.Tree({}, "", []))
        shown = {key for key, _, _ in house_figures.TABLE}
        self.assertEqual(shown | {"repeated_names"}, set(figures))


if __name__ == "__main__":
    unittest.main()

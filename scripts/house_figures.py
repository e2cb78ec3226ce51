#!/usr/bin/env python3
"""Print figures of the names and words in a Rust tree: a report for reviews, and no gate.

    python3 scripts/house_figures.py                    # the working tree
    python3 scripts/house_figures.py --against HEAD~20  # beside an earlier commit
    python3 scripts/house_figures.py --json PATH        # another checkout, for a program

Only files that git tracks are counted. A file is a test file when it is called `tests.rs`, lies in
a folder called `tests`, or is declared by a `mod` under `#[cfg(test)]`; so the figures do not
depend on where the crates of a workspace lie. Modules `#[cfg(test)] mod NAME { … }` of formatted
files count as tests, too.
Needs only Python >= 3.9 and git.
"""

import argparse
import collections
import io
import json
import re
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ENGINE_CRATE = "surfit-engine"
LAST_TITLES = 60  # commits whose titles are measured
REPEATED = 3  # definitions from which on a name counts as repeated
SHORT_DOC = 2  # words up to which a doc comment counts as short

TYPE = re.compile(r"^\s*(?:pub(?:\([a-z ]+\))? )?(?:struct|enum|trait|type|union) ([A-Z]\w*)", re.M)
PUB_FN = re.compile(
    r'^\s*pub(?:\([a-z ]+\))? (?:const |async |unsafe |extern "C" )*fn (\w+)', re.M
)
CAMEL_WORD = re.compile(r"[A-Z][a-z0-9]*")
# A doc comment of a single line, which no other line of documentation precedes or follows.
LONE_DOC = re.compile(r"(?:^|\n)(?!\s*///)[^\n]*\n\s*/// ([^\n]*)\n(?!\s*///)")
STRING_ERROR = re.compile(r"\bResult<[^<>]*(?:<[^<>]*>)?[^<>]*,\s*String>")
# A module that is only compiled for tests: `;` or its body, and its name.
TEST_MODULE = re.compile(
    r"^( *)#\[cfg\((?:any\()?test\b[^\n]*\]\n(?: *#\[[^\n]*\]\n)*"
    r"\1(?:pub(?:\([a-z ]+\))? )?mod (\w+)(;\n| \{\n(?:[^\n]*\n)*?\1\}\n)",
    re.M,
)
UNSAFE = re.compile(r"\bunsafe\b")
CODE_BLOCK = re.compile(r"```.*?```", re.S)
NO_PROSE = re.compile(r"^(\||#|!\[).*$", re.M)  # tables, headings, images
SENTENCE_END = re.compile(r"[.!?:]\s")

# Key of a figure, its label, and the form of its value.
TABLE = [
    ("files", "Rust files", "{}"),
    ("lines", "lines", "{}"),
    ("non_test_lines", "non-test lines", "{}"),
    ("types", "type names", "{}"),
    ("one_word_types", "one-word type names", "{:.0f} %"),
    ("repeated_types", "type names defined three or more times", "{}"),
    ("pub_fns", "pub fn", "{}"),
    ("one_word_pub_fns", "one-word pub fn names", "{:.0f} %"),
    ("pub_fn_length", "mean length of pub fn names", "{:.1f}"),
    ("short_docs", "doc comments of one or two words", "{}"),
    ("string_errors", "Result<_, String>", "{}"),
    ("unsafe", "unsafe", "{}"),
    ("unsafe_outside_engine", f"unsafe outside {ENGINE_CRATE}", "{}"),
    ("readme_words", "README words", "{}"),
    ("readme_sentence", "README words a sentence", "{:.1f}"),
    ("longest_title", f"longest title of {LAST_TITLES} commits", "{}"),
]


class FiguresError(Exception):
    """Carries one sentence for the user."""


@dataclass
class Tree:
    """What is measured: texts of the Rust files by path, the README, and the last commit titles."""

    sources: dict
    readme: str
    titles: list


def run_git(root, *arguments):
    """Return what git prints, as bytes."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True)
    except OSError as error:
        raise FiguresError(f"git cannot be run: {error}.") from error
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        raise FiguresError(f"git {arguments[0]} failed in {root}: {lines[0]}")
    return done.stdout


def decode(data):
    """Return a file's text with plain line ends."""
    return data.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")


def commit_titles(root, revision):
    """Return the titles of the last commits up to a revision; none where there is no commit."""
    try:
        log = run_git(root, "log", f"-{LAST_TITLES}", "--format=%s", revision)
    except FiguresError:
        if revision != "HEAD":
            raise
        return []
    return decode(log).splitlines()


def read_working_tree(root):
    """Read the files that git tracks, as they are on disk."""
    names = run_git(root, "ls-files", "-z", "*.rs").decode(errors="surrogateescape").split("\0")
    paths = {name: root / name for name in names if name}
    sources = {name: decode(path.read_bytes()) for name, path in paths.items() if path.is_file()}
    readme = root / "README.md"
    readme = decode(readme.read_bytes()) if readme.is_file() else ""
    return Tree(sources, readme, commit_titles(root, "HEAD"))


def read_revision(root, revision):
    """Read the files of a revision, without a checkout."""
    try:
        commit = run_git(root, "rev-parse", "--verify", revision + "^{commit}").decode().strip()
    except FiguresError as error:
        raise FiguresError(f"{root} has no commit `{revision}`; see `git log`.") from error
    archive = io.BytesIO(run_git(root, "archive", "--format=tar", commit))
    sources, readme = {}, ""
    with tarfile.open(fileobj=archive) as members:
        for member in members:
            if not member.isfile():
                continue
            if member.name.endswith(".rs"):
                sources[member.name] = decode(members.extractfile(member).read())
            elif member.name == "README.md":
                readme = decode(members.extractfile(member).read())
    return Tree(sources, readme, commit_titles(root, commit))


def in_tests_folder(path):
    return "tests" in PurePosixPath(path).parts


def is_test(path):
    return in_tests_folder(path) or PurePosixPath(path).name == "tests.rs"


def remove_tests(sources):
    """Return the files that are no tests, without their modules of tests."""
    code, modules = {}, []
    for path, text in sources.items():
        if is_test(path):
            continue
        code[path] = TEST_MODULE.sub("", text)
        file = PurePosixPath(path)
        folder = file.parent if file.stem in ("lib", "main", "mod") else file.with_suffix("")
        modules += [folder / name for _, name, body in TEST_MODULE.findall(text) if body == ";\n"]
    files = {str(module) + ".rs" for module in modules}
    return {
        path: text
        for path, text in code.items()
        if path not in files and not any(PurePosixPath(path).is_relative_to(m) for m in modules)
    }


def is_engine(path):
    """True for files of the engine's crate, in `crates/surfit-engine` or in `src/engine`."""
    parts = PurePosixPath(path).parts
    return ENGINE_CRATE in parts or parts[:2] == ("src", "engine")


def percent(count, total):
    return 100 * count / total if total else 0.0


def mean(numbers):
    numbers = list(numbers)
    return sum(numbers) / len(numbers) if numbers else 0.0


def count_matches(pattern, sources):
    return sum(len(pattern.findall(text)) for text in sources.values())


def type_figures(sources):
    """Figures of type names; a name counts once, however often it is defined."""
    types = collections.Counter(name for text in sources.values() for name in TYPE.findall(text))
    one_word = sum(len(CAMEL_WORD.findall(name)) <= 1 for name in types)
    repeated = {name: count for name, count in types.items() if count >= REPEATED}
    return {
        "types": len(types),
        "one_word_types": percent(one_word, len(types)),
        "repeated_types": len(repeated),
        "repeated_names": dict(sorted(repeated.items(), key=lambda item: (-item[1], item[0]))),
    }


def function_figures(sources):
    """Figures of functions with any `pub`; every definition counts."""
    names = [name for text in sources.values() for name in PUB_FN.findall(text)]
    return {
        "pub_fns": len(names),
        "one_word_pub_fns": percent(sum("_" not in name for name in names), len(names)),
        "pub_fn_length": mean(map(len, names)),
    }


def readme_figures(text):
    """Figures of the README; sentences are those of its prose that have three words or more."""
    prose = NO_PROSE.sub(" ", CODE_BLOCK.sub(" ", text))
    lengths = [len(sentence.split()) for sentence in SENTENCE_END.split(prose)]
    return {
        "readme_words": len(text.split()),
        "readme_sentence": mean(length for length in lengths if length > 2),
    }


def measure(tree):
    """Return every figure of a tree by its key."""
    sources = tree.sources
    code = remove_tests(sources)
    documented = {path: text for path, text in sources.items() if not in_tests_folder(path)}
    outside = {path: text for path, text in code.items() if not is_engine(path)}
    docs = [doc for text in documented.values() for doc in LONE_DOC.findall(text)]
    return {
        "files": len(sources),
        "lines": sum(text.count("\n") for text in sources.values()),
        "non_test_lines": sum(text.count("\n") for text in code.values()),
        **type_figures(sources),
        **function_figures(sources),
        "short_docs": sum(len(doc.split()) <= SHORT_DOC for doc in docs),
        "string_errors": count_matches(STRING_ERROR, code),
        "unsafe": count_matches(UNSAFE, code),
        "unsafe_outside_engine": count_matches(UNSAFE, outside),
        **readme_figures(tree.readme),
        "longest_title": max(map(len, tree.titles), default=0),
    }


def format_table(columns):
    """Return the table of `(heading, figures)` columns, and the names that are repeated."""
    rows = [["", *(heading for heading, _ in columns)]]
    for key, label, form in TABLE:
        rows.append([label, *(form.format(figures[key]) for _, figures in columns)])
    widths = [max(map(len, cells)) for cells in zip(*rows)]
    lines = []
    for label, *cells in rows:
        right = [cell.rjust(width) for cell, width in zip(cells, widths[1:])]
        lines.append("  ".join([label.ljust(widths[0]), *right]).rstrip())
    lines.append("")
    for heading, figures in columns:
        names = (f"{name} {count}" for name, count in figures["repeated_names"].items())
        lines.append(f"repeated, {heading}: " + (", ".join(names) or "none"))
    return "\n".join(lines)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "path",
        nargs="?",
        type=Path,
        default=Path("."),
        metavar="PATH",
        help="root of the tree (default: the working directory)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--against", metavar="REV", help="print the figures of a revision, too")
    options = parser.parse_args(arguments)
    try:
        now = measure(read_working_tree(options.path))
        columns = [("now", now)]
        if options.against is not None:
            before = measure(read_revision(options.path, options.against))
            columns = [("before", before), ("after", now)]
    except (FiguresError, OSError) as error:
        print(f"house_figures: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(now if options.against is None else dict(columns), indent=2))
    else:
        print(format_table(columns))
    return 0


if __name__ == "__main__":
    sys.exit(main())

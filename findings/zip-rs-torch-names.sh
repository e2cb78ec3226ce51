#!/usr/bin/env bash
# Whether the Rust crate zip reads a PyTorch file with its default configuration depends on the length of the file's name: a
# checkpoint whose name has 21 letters before its extension is refused, InvalidArchive("Invalid Central Directory header"), and
# so is an exported program whose name has 8. Names one letter shorter or longer are read.
#
# PyTorch puts 76 bytes of zip64 records between the list of an archive and its end, although nothing in it needs them, and
# names the archive's folder after the file. The crate first tries the beginning that the size of the list implies when nothing
# lies between, 76 bytes too late. When the first entry of the list is 76 bytes long (46 and a name of 30 letters, as
# NAME/data.pkl), the second entry begins just there and is taken for the first. ArchiveOffset::Known(0) reads every such file,
# and so do Python's zipfile and torch.load.
#
# Version: zip 9.8.2 (crates.io), torch 2.15.0 (PyPI), CPU, Python 3.11.
# Source: zip::read::ArchiveOffset of that crate; torch.serialization and torch.export of that package.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-cache-dir torch==2.15.0 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import pathlib
import sys
import zipfile

import torch

print("torch", torch.__version__)
folder = pathlib.Path(sys.argv[1])
module = torch.nn.Linear(2, 3)
for letters in (20, 21, 22):
    path = folder / f"{'c' * letters}.pt"
    torch.save(module.state_dict(), path)
    torch.load(path)
for letters in (7, 8, 9):
    path = folder / f"{'e' * letters}.pt2"
    torch.export.save(torch.export.export(module, (torch.zeros(1, 2),)), path)
    torch.export.load(path)
for path in sorted(folder.glob("*.pt*")):
    assert zipfile.ZipFile(path).testzip() is None
PYTHON
mkdir -p "$folder/reader/src"
cat > "$folder/reader/Cargo.toml" <<'TOML'
[package]
name = "reader"
version = "0.0.0"
edition = "2021"
[dependencies]
zip = { version = "=9.8.2", default-features = false }
TOML
cat > "$folder/reader/src/main.rs" <<'RUST'
use std::fs::File;
use std::path::Path;
use zip::read::{ArchiveOffset, Config};
use zip::ZipArchive;

fn main() {
    for path in std::env::args().skip(1) {
        let default = ZipArchive::new(File::open(&path).expect("the file")).map(|z| z.len());
        let mut config = Config::default();
        config.archive_offset = ArchiveOffset::Known(0);
        let known = ZipArchive::with_config(config, File::open(&path).expect("the file")).map(|z| z.len());
        let letters = Path::new(&path).file_stem().map_or(0, |stem| stem.len());
        println!("zip 9.8.2, a name of {letters}: default {default:?}, Known(0) {known:?}");
        assert_eq!(default.is_err(), [8, 21].contains(&letters), "the behaviour has changed");
        assert!(known.is_ok(), "the behaviour has changed");
    }
}
RUST
cargo run --quiet --manifest-path "$folder/reader/Cargo.toml" -- "$folder"/*.pt "$folder"/*.pt2

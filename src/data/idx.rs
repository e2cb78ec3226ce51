//! The IDX format of the MNIST family, plain or gzipped.
//!
//! A big-endian header (two zero bytes, the type, the number of axes, their lengths), then the values. Nothing the
//! header says is believed before it is checked, and no more is unpacked than it promises.
//!
//! The sets of the family have files of the same names and forms, so that one set's files in the folder of another, or
//! test images under the name of training images, would be read without complaint. Published files are therefore known
//! by the checksum of their content, and refused under a name that is not theirs.

use crate::catalogue::{ENTRIES, Entry, Family};
use crate::images::Images;
use crate::load::RawSet;
use crate::source::Source;
use crate::{Error, Result, digest};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};

/// More images than any set in this format has; a header that says more is damaged.
const MAX_IMAGES: usize = 1_000_000;

const KINDS: [&str; 2] = ["images-idx3-ubyte", "labels-idx1-ubyte"];

/// Names under which the file of one kind may lie, the published one without `.gz` first.
fn names(part: &str, kind: &str) -> [String; 4] {
    let dotted = kind.replace("-idx", ".idx");
    [
        format!("{part}-{kind}"),
        format!("{part}-{kind}.gz"),
        format!("{part}-{dotted}"),
        format!("{part}-{dotted}.gz"),
    ]
}

/// The files of the parts of a set in `dir`, each where it is there, and the names of those that are not.
pub(crate) fn find(dir: &Path, parts: &[&str]) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let (mut files, mut missing) = (Vec::new(), Vec::new());
    for part in parts {
        for kind in KINDS {
            match there(dir, part, kind) {
                Some(path) => files.push(path),
                None => missing.push(dir.join(format!("{part}-{kind}"))),
            }
        }
    }
    (files, missing)
}

fn there(dir: &Path, part: &str, kind: &str) -> Option<PathBuf> {
    names(part, kind)
        .into_iter()
        .map(|name| dir.join(name))
        .find(|path| path.is_file())
}

/// Reads the training and test images of a set in `dir`.
pub(crate) fn read_set(entry: &'static Entry, dir: &Path) -> Result<RawSet> {
    Ok(RawSet {
        train: read_part(entry, dir, "train")?,
        validation: None,
        test: Some(read_part(entry, dir, "t10k")?),
        classes: entry.class_names(),
    })
}

/// Reads the images and labels of one part of the set in `dir`.
pub(crate) fn read_part(entry: &Entry, dir: &Path, part: &str) -> Result<Images> {
    let file = |kind| {
        there(dir, part, kind).ok_or_else(|| {
            Error::input(format!(
                "{}: no such file, plain or with .gz; data.dir must hold the files of {}",
                dir.join(format!("{part}-{kind}")).display(),
                entry.name
            ))
        })
    };
    let [images, labels] = [file(KINDS[0])?, file(KINDS[1])?];
    read(entry, &Source::File(&images), &Source::File(&labels))
}

/// Reads the header and gives the length of each of the `axes` axes.
fn header(source: &Source, input: &mut dyn Read, axes: usize, what: &str) -> Result<Vec<usize>> {
    let mut magic = [0u8; 4];
    input
        .read_exact(&mut magic)
        .map_err(|e| source.unreadable(&e))?;
    let expected = [0, 0, 8, axes as u8];
    if magic != expected {
        return Err(source.bad(format!(
            "not an IDX file of {what}: it begins with {:08x}, expected {:08x}",
            u32::from_be_bytes(magic),
            u32::from_be_bytes(expected)
        )));
    }
    let mut lengths = vec![0u8; 4 * axes];
    input
        .read_exact(&mut lengths)
        .map_err(|e| source.unreadable(&e))?;
    let lengths: Vec<usize> = lengths
        .chunks_exact(4)
        .map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize)
        .collect();
    if lengths[0] == 0 || lengths[0] > MAX_IMAGES {
        return Err(source.bad(format!(
            "its header says {} {what}, expected 1 to {MAX_IMAGES}",
            lengths[0]
        )));
    }
    Ok(lengths)
}

/// Reads the `size` bytes behind the header, and makes sure that nothing follows them.
fn body(source: &Source, input: &mut dyn Read, size: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input
        .take(size as u64)
        .read_to_end(&mut bytes)
        .map_err(|e| source.unreadable(&e))?;
    if bytes.len() < size {
        return Err(source.bad(format!(
            "the file is cut short: its header promises {size} bytes, {} are there",
            bytes.len()
        )));
    }
    // Reading past the end is also what makes the decoder compare the checksum.
    match input.read(&mut [0]).map_err(|e| source.unreadable(&e))? {
        0 => Ok(bytes),
        _ => Err(source.bad(format!(
            "more bytes follow the {size} that its header promises"
        ))),
    }
}

/// Reads images of the entry's size and their labels.
///
/// # Errors
/// A sentence that names the file and what was expected, for anything else than two whole files that belong
/// together.
pub(crate) fn read(entry: &Entry, images: &Source, labels: &Source) -> Result<Images> {
    let [channels, height, width] = entry.shape.unwrap_or([1, 28, 28]);
    let mut input = Hashed::new(images)?;
    let lengths = header(images, &mut input, 3, "images")?;
    if lengths[1..] != [height, width] {
        return Err(images.bad(format!(
            "its images are {}×{}, expected {height}×{width}",
            lengths[1], lengths[2]
        )));
    }
    let count = lengths[0];
    let pixels = body(images, &mut input, count * height * width)?;
    input.check(entry, images)?;

    let mut input = Hashed::new(labels)?;
    let lengths = header(labels, &mut input, 1, "labels")?;
    if lengths[0] != count {
        return Err(labels.bad(format!(
            "it has {} labels, expected {count}, one for each image of {}",
            lengths[0],
            images.name()
        )));
    }
    let values = body(labels, &mut input, count)?;
    if let Some(i) = values
        .iter()
        .position(|&l| usize::from(l) >= entry.class_count)
    {
        return Err(labels.bad(format!(
            "label {} of image {i} is no class: expected 0 to {}",
            values[i],
            entry.class_count - 1
        )));
    }
    input.check(entry, labels)?;
    Ok(Images {
        shape: [channels, height, width],
        pixels,
        labels: values.into_iter().map(u16::from).collect(),
    })
}

/// A file's content, and its checksum as far as it was read.
struct Hashed<'a> {
    input: Box<dyn Read + 'a>,
    hash: Sha256,
}

impl<'a> Hashed<'a> {
    fn new(source: &'a Source) -> Result<Self> {
        Ok(Self {
            input: source.open()?,
            hash: Sha256::new(),
        })
    }

    /// Refuses content that was published under another name than the file's.
    fn check(self, entry: &Entry, source: &Source) -> Result<()> {
        let Source::File(path) = source else {
            return Ok(());
        };
        let found = digest::hex(self.hash);
        let own = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .replace(".idx", "-idx");
        let own = own.trim_end_matches(".gz");
        let published = ENTRIES
            .iter()
            .filter(|e| e.family == Family::Idx)
            .flat_map(|e| e.published().map(move |file| (e, file)))
            .find(|(_, file)| file.unpacked == found);
        match published {
            Some((set, file))
                if set.name != entry.name || file.name.trim_end_matches(".gz") != own =>
            {
                Err(source.bad(format!(
                    "its content is {} of {}, expected {own} of {}",
                    file.name.trim_end_matches(".gz"),
                    set.name,
                    entry.name
                )))
            }
            _ => Ok(()),
        }
    }
}

impl Read for Hashed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.hash.update(&buffer[..n]);
        Ok(n)
    }
}

//! The IDX format of the MNIST family, plain or gzipped.
//!
//! A big-endian header (two zero bytes, the type, the number of axes, their lengths), then the values. Nothing the
//! header states is believed before it is checked, and no more is unpacked than it promises.
//!
//! The sets of the family have files of the same names and forms, so that one set's files in the folder of another, or
//! test images under the name of training images, would be read without complaint. Published files are therefore known
//! by the checksum of their content, and refused under a name that is not theirs.

use super::{SetFiles, SetFormat};
use crate::description::SetOutline;
use crate::find::FoundSet;
use crate::images::LabeledImages;
use crate::load::RawSet;
use crate::source::NamedFile;
use crate::verify::CheckedFile;
use crate::{DataError, Result, digest};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use surfit_core::config::DataConfig;
use surfit_core::data_sets::{DATA_SETS, DataSetSpec, PublishedFile};

/// More images than any set in this format has; a header that states more is damaged.
const MAX_IMAGES: usize = 1_000_000;

/// Names that files of a set's splits begin with, of a set as it is published.
const PUBLISHED_SPLITS: &[&str] = &["train", "t10k"];
/// What any set in this format has.
pub(super) const FIRST_FILE: &str = "train-images-idx3-ubyte";
pub(super) const NAMING_REMARK: &str = ", plain or with .gz";

pub(super) struct IdxFormat;

impl SetFormat for IdxFormat {
    fn find_forms(&self, spec: &'static DataSetSpec, dir: &Path) -> Vec<FoundSet> {
        IdxFolder::find(spec, dir, PUBLISHED_SPLITS)
    }

    fn expected_files(&self, _spec: &DataSetSpec) -> Vec<&'static str> {
        vec![FIRST_FILE]
    }

    fn naming_remark(&self) -> &'static str {
        NAMING_REMARK
    }

    fn is_named_like(&self, published: &str, name: &str) -> bool {
        plain_name(published) == plain_name(name)
    }
}

/// A folder with two files for each split.
#[derive(Debug)]
pub(super) struct IdxFolder {
    dir: PathBuf,
    /// Names that files of the splits begin with: training, validation where the set has it, test.
    splits: &'static [&'static str],
}

impl IdxFolder {
    /// The set in `dir` with these splits, when there is something of it.
    pub(super) fn find(spec: &'static DataSetSpec, dir: &Path, splits: &'static [&'static str]) -> Vec<FoundSet> {
        let (files, missing) = find_parts(dir, splits);
        FoundSet::new(spec, files, missing, Self { dir: dir.to_owned(), splits }).into_iter().collect()
    }

    /// What `read` gives for each split: training, validation where the set has it, and test.
    fn read_splits<T>(&self, read: impl Fn(&str) -> Result<T>) -> Result<(T, Option<T>, T)> {
        Ok(match self.splits {
            [train, validation, test] => (read(train)?, Some(read(validation)?), read(test)?),
            [train, .., test] => (read(train)?, None, read(test)?),
            _ => unreachable!("a set has a training and a test split"),
        })
    }
}

impl SetFiles for IdxFolder {
    fn describe_source(&self) -> String {
        self.dir.display().to_string()
    }

    fn read(&self, spec: &'static DataSetSpec, _config: &DataConfig) -> Result<(RawSet, Vec<String>)> {
        let (train, validation, test) = self.read_splits(|split| read_part(spec, &self.dir, split))?;
        if validation.is_none() {
            check_not_swapped(spec, &self.dir, [train.len(), test.len()], train == test)?;
        }
        Ok((RawSet { train, validation, test: Some(test), classes: spec.class_names() }, Vec::new()))
    }

    fn outline(&self, spec: &'static DataSetSpec, _config: &DataConfig) -> Result<SetOutline> {
        let (train, validation, test) = self.read_splits(|split| read_part_labels(spec, &self.dir, split))?;
        if validation.is_none() {
            check_not_swapped(spec, &self.dir, [train.len(), test.len()], false)?;
        }
        Ok(SetOutline::from_labels(spec, train, validation, test))
    }

    fn all_files(&self, _found: &[PathBuf]) -> Vec<PathBuf> {
        let kinds = self.splits.iter().flat_map(|split| FILE_KINDS.map(|kind| find_spellings(&self.dir, split, kind)));
        kinds.flatten().map(|(_, path)| path).collect()
    }

    fn check_by_reading(&self, spec: &'static DataSetSpec) -> Vec<CheckedFile> {
        let files = read_each(spec, &self.dir, self.splits);
        files.into_iter().map(|(path, what)| CheckedFile::of_reading(spec, &path, what)).collect()
    }
}

/// The published name of a file, without `.gz`.
fn plain_name(name: &str) -> String {
    name.replace(".idx", "-idx").trim_end_matches(".gz").to_owned()
}

const FILE_KINDS: [&str; 2] = ["images-idx3-ubyte", "labels-idx1-ubyte"];

/// Names under which the file of one kind may be, the published one without `.gz` first.
fn file_names(part: &str, kind: &str) -> [String; 4] {
    let dotted = kind.replace("-idx", ".idx");
    [format!("{part}-{kind}"), format!("{part}-{kind}.gz"), format!("{part}-{dotted}"), format!("{part}-{dotted}.gz")]
}

/// The files of the parts of a set in `dir`, each where it is there, and the names of those that are not.
fn find_parts(dir: &Path, parts: &[&str]) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let (mut files, mut missing) = (Vec::new(), Vec::new());
    for part in parts {
        for kind in FILE_KINDS {
            match find_file(dir, part, kind) {
                Some(path) => files.push(path),
                None => missing.push(dir.join(format!("{part}-{kind}"))),
            }
        }
    }
    (files, missing)
}

fn find_file(dir: &Path, part: &str, kind: &str) -> Option<PathBuf> {
    let mut under = find_spellings(dir, part, kind);
    (!under.is_empty()).then(|| under.swap_remove(0).1)
}

/// The files of one kind, each with which of its names it has; a run takes the first.
fn find_spellings(dir: &Path, part: &str, kind: &str) -> Vec<(usize, PathBuf)> {
    file_names(part, kind)
        .into_iter()
        .map(|name| dir.join(name))
        .enumerate()
        .filter(|(_, path)| path.is_file())
        .collect()
}

/// A file by its path, with what it was found to have, or what is wrong with it.
type IdxFile = (PathBuf, Result<String>);

/// Reads every file of these parts that is there, for itself: those that a run takes, and those beside them.
fn read_each(spec: &'static DataSetSpec, dir: &Path, parts: &[&str]) -> Vec<IdxFile> {
    let mut all: Vec<IdxFile> = Vec::new();
    let mut whole: Vec<(usize, LabeledImages)> = Vec::new();
    for part in parts {
        let [images, labels] = FILE_KINDS.map(|kind| find_spellings(dir, part, kind));
        let (at, taken) = (all.len(), images.first().map(|(spelling, _)| *spelling));
        let mut pixels = None;
        // Only readable images determine the expected number of labels.
        let mut counts: HashMap<usize, (usize, String)> = HashMap::new();
        for (spelling, path) in images {
            let source = NamedFile::File(&path);
            let read = read_pixels(spec, &source).map(|(n, bytes)| {
                counts.insert(spelling, (n, source.name()));
                if taken == Some(spelling) {
                    pixels = Some(bytes);
                }
                format!("{n} images")
            });
            all.push((path, read));
        }
        let counted = taken.and_then(|spelling| counts.get(&spelling));
        for (i, (spelling, path)) in labels.into_iter().enumerate() {
            // The first are read with the images that a run takes; others belong to those that are named alike.
            let own = counts.get(&spelling).filter(|_| i > 0);
            let count = own.or(counted);
            let read = read_labels(spec, &NamedFile::File(&path), count).map(|values| {
                let compared = match count {
                    Some(_) => "",
                    None => ", not compared with the number of images",
                };
                let said = format!("{} labels{compared}", values.len());
                if i == 0
                    && let Some(pixels) = pixels.take()
                {
                    let [c, h, w] = spec.shape.unwrap_or([1, 28, 28]);
                    whole.push((at, LabeledImages { shape: [c, h, w], pixels, labels: values }));
                }
                said
            });
            all.push((path, read));
        }
    }
    if let [(at, train), (_, test)] = &whole[..]
        && let Err(error) = check_not_swapped(spec, dir, [train.len(), test.len()], train == test)
    {
        all[*at].1 = Err(error);
    }
    all
}

/// The files of images and labels of one part of the set in `dir`.
fn part_files(spec: &DataSetSpec, dir: &Path, part: &str) -> Result<[PathBuf; 2]> {
    let file = |kind| {
        find_file(dir, part, kind).ok_or_else(|| {
            DataError::input(format!(
                "{}: no such file, plain or with .gz; data.root must hold the files of {}",
                dir.join(format!("{part}-{kind}")).display(),
                spec.name
            ))
        })
    };
    Ok([file(FILE_KINDS[0])?, file(FILE_KINDS[1])?])
}

/// Reads the images and labels of one part of the set in `dir`.
fn read_part(spec: &DataSetSpec, dir: &Path, part: &str) -> Result<LabeledImages> {
    let [images, labels] = part_files(spec, dir, part)?;
    read(spec, &NamedFile::File(&images), &NamedFile::File(&labels))
}

/// Reads the labels of one part of the set in `dir`; of its images the header, which must promise what the file has.
fn read_part_labels(spec: &DataSetSpec, dir: &Path, part: &str) -> Result<Vec<u16>> {
    let [images, labels] = part_files(spec, dir, part)?;
    let images = NamedFile::File(&images);
    let [_, height, width] = spec.shape.unwrap_or([1, 28, 28]);
    let mut input = images.open()?;
    let count = read_image_count(spec, &images, &mut input)?;
    copy_body(&images, &mut input, count * height * width, &mut io::sink())?;
    read_labels(spec, &NamedFile::File(&labels), Some(&(count, images.name())))
}

/// Refuses the training images in `dir` when they are the test images too, or when there are as many as were published to test, and
/// the other way around.
fn check_not_swapped(spec: &DataSetSpec, dir: &Path, [train, test]: [usize; 2], are_the_same: bool) -> Result<()> {
    let path = |part| find_file(dir, part, FILE_KINDS[0]).unwrap_or_default();
    let other = path("t10k");
    let other = other.file_name().unwrap_or_default().to_string_lossy();
    let what = match are_the_same {
        true => Some(format!("its images are those of {other}")),
        false => spec.describe_swap(train, test, &other),
    };
    match what {
        Some(what) => Err(NamedFile::File(&path("train")).bad_content_error(what)),
        None => Ok(()),
    }
}

/// Reads the header and gives the length of each of the `axes` axes.
fn read_header(source: &NamedFile, input: &mut dyn Read, axes: usize, what: &str) -> Result<Vec<usize>> {
    let mut magic = [0u8; 4];
    input.read_exact(&mut magic).map_err(|e| source.unreadable_error(&e))?;
    let expected = [0, 0, 8, axes as u8];
    if magic != expected {
        return Err(source.bad_content_error(format!(
            "not an IDX file of {what}: it begins with {:08x}, expected {:08x}",
            u32::from_be_bytes(magic),
            u32::from_be_bytes(expected)
        )));
    }
    let mut lengths = vec![0u8; 4 * axes];
    input.read_exact(&mut lengths).map_err(|e| source.unreadable_error(&e))?;
    let lengths: Vec<usize> =
        lengths.chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize).collect();
    if lengths[0] == 0 || lengths[0] > MAX_IMAGES {
        return Err(
            source.bad_content_error(format!("its header gives {} {what}, expected 1 to {MAX_IMAGES}", lengths[0]))
        );
    }
    Ok(lengths)
}

/// Reads the `size` bytes behind the header, and makes sure that nothing follows them.
fn read_body(source: &NamedFile, input: &mut dyn Read, size: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    copy_body(source, input, size, &mut bytes)?;
    Ok(bytes)
}

/// Copies the `size` bytes behind the header, and makes sure that nothing follows them.
fn copy_body(source: &NamedFile, input: &mut dyn Read, size: usize, output: &mut dyn Write) -> Result<()> {
    let there = io::copy(&mut input.take(size as u64), output).map_err(|e| source.unreadable_error(&e))?;
    if there < size as u64 {
        return Err(source
            .bad_content_error(format!("the file is cut short: its header gives {size} bytes, but it has {there}")));
    }
    // Reading past the end is also what makes the decoder compare the checksum.
    match input.read(&mut [0]).map_err(|e| source.unreadable_error(&e))? {
        0 => Ok(()),
        _ => Err(source.bad_content_error(format!("it has more than the {size} bytes that its header gives"))),
    }
}

/// Reads images of the spec's size and their labels.
///
/// # Errors
/// A sentence that names the file and what was expected, for anything else than two whole files that belong
/// together.
pub(crate) fn read(spec: &DataSetSpec, images: &NamedFile, labels: &NamedFile) -> Result<LabeledImages> {
    let [channels, height, width] = spec.shape.unwrap_or([1, 28, 28]);
    let (count, pixels) = read_pixels(spec, images)?;
    Ok(LabeledImages {
        shape: [channels, height, width],
        pixels,
        labels: read_labels(spec, labels, Some(&(count, images.name())))?,
    })
}

/// Reads the header of a file of images, which must have the spec's size: how many there are.
fn read_image_count(spec: &DataSetSpec, images: &NamedFile, input: &mut dyn Read) -> Result<usize> {
    let [_, height, width] = spec.shape.unwrap_or([1, 28, 28]);
    let lengths = read_header(images, input, 3, "images")?;
    if lengths[1..] != [height, width] {
        return Err(images
            .bad_content_error(format!("its images are {}×{}, expected {height}×{width}", lengths[1], lengths[2])));
    }
    Ok(lengths[0])
}

/// Reads a file of images of the spec's size: how many there are, and their bytes.
fn read_pixels(spec: &DataSetSpec, images: &NamedFile) -> Result<(usize, Vec<u8>)> {
    let [_, height, width] = spec.shape.unwrap_or([1, 28, 28]);
    let mut input = HashedContent::new(images)?;
    let count = read_image_count(spec, images, &mut input)?;
    let pixels = read_body(images, &mut input, count * height * width)?;
    input.verify_published_name(spec, images)?;
    Ok((count, pixels))
}

/// Reads a file of labels: as many as there are images in the file of this name, where they are known.
pub(super) fn read_labels(
    spec: &DataSetSpec,
    labels: &NamedFile,
    images: Option<&(usize, String)>,
) -> Result<Vec<u16>> {
    let mut input = HashedContent::new(labels)?;
    let lengths = read_header(labels, &mut input, 1, "labels")?;
    let count = lengths[0];
    if let Some((expected, name)) = images
        && count != *expected
    {
        return Err(labels
            .bad_content_error(format!("it has {count} labels, expected {expected}, one for each image of {name}")));
    }
    let values = read_body(labels, &mut input, count)?;
    if let Some(i) = values.iter().position(|&l| usize::from(l) >= spec.class_count) {
        return Err(labels.bad_content_error(format!(
            "label {} of image {i} is not a class: expected 0 to {}",
            values[i],
            spec.class_count - 1
        )));
    }
    input.verify_published_name(spec, labels)?;
    Ok(values.into_iter().map(u16::from).collect())
}

/// A file's content, and the checksum of the part that was read.
struct HashedContent<'a> {
    input: Box<dyn Read + 'a>,
    hash: Sha256,
}

impl<'a> HashedContent<'a> {
    fn new(source: &'a NamedFile) -> Result<Self> {
        Ok(Self { input: source.open()?, hash: Sha256::new() })
    }

    /// Refuses content that was published under another name than the file's.
    fn verify_published_name(self, spec: &DataSetSpec, source: &NamedFile) -> Result<()> {
        let NamedFile::File(path) = source else {
            return Ok(());
        };
        let found = digest::to_hex(self.hash);
        let own = plain_name(&path.file_name().unwrap_or_default().to_string_lossy());
        match find_published(DATA_SETS, path, &found) {
            Some((set, file)) if set.name != spec.name || plain_name(file.name) != own => Err(source
                .bad_content_error(format!(
                    "its content is {} of {}, expected {own} of {}",
                    plain_name(file.name),
                    set.name,
                    spec.name
                ))),
            _ => Ok(()),
        }
    }
}

/// The published file that has this content. Where the checksum of what a file unpacks to is not known, the file at `path` must
/// be packed as it was published.
fn find_published(
    sets: &'static [DataSetSpec],
    path: &Path,
    content: &str,
) -> Option<(&'static DataSetSpec, &'static PublishedFile)> {
    let bytes = path.metadata().ok()?.len();
    let is_published = |file: &PublishedFile| match file.unpacked {
        "" => file.size == bytes && digest::sha256_hex_of_file(path).is_ok_and(|sum| sum == file.sha256),
        unpacked => unpacked == content,
    };
    let mut files = sets.iter().flat_map(|set| set.published_files().map(move |file| (set, file)));
    files.find(|(_, file)| is_published(file))
}

impl Read for HashedContent<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.hash.update(&buffer[..n]);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::data_sets::{DataFormat, PublishedForm};

    /// A set that is in no registry: its description is all that finding and reading it need.
    #[test]
    fn published_files_are_known_by_either_checksum() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("train-images-idx3-ubyte");
        std::fs::write(&path, b"packed").unwrap();
        let sets = |size: u64, unpacked: &'static str| -> &'static [DataSetSpec] {
            let sha256 = digest::sha256_hex(b"packed").leak();
            let file = PublishedFile { name: "train-images-idx3-ubyte.gz", size, sha256, unpacked, urls: &["x"] };
            let forms = vec![PublishedForm { name: "idx", files: vec![file].leak() }].leak();
            let mnist = DataSetSpec::find("mnist").unwrap();
            vec![DataSetSpec { name: "letters", format: DataFormat::Idx, forms, ..*mnist }].leak()
        };
        let name = |sets| find_published(sets, &path, "c0ffee").map(|(set, file)| (set.name, file.name));
        let known = Some(("letters", "train-images-idx3-ubyte.gz"));
        assert_eq!(name(sets(6, "")), known);
        assert_eq!(name(sets(6, "c0ffee")), known);
        assert_eq!(name(sets(7, "")), None, "another size");
        // The content decides, where its checksum is known.
        assert_eq!(name(sets(6, "decaf")), None);
    }
}

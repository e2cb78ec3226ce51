//! CIFAR-10 and CIFAR-100 (Krizhevsky 2009) in the two forms in which they are published, packed or not.
//!
//! Both forms have the same images in the same order, so that a split by the seed takes the same ones.

mod binary;
mod misplaced_files;
mod python;

use crate::catalogue::CatalogueEntry;
use crate::images::LabeledImages;
use crate::load::RawSet;
use crate::source::{NamedFile, bad_content_error, unreadable_error};
use crate::{DataError, Result};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// `[C, H, W]` of an image.
const IMAGE_SHAPE: [usize; 3] = [3, 32, 32];
const IMAGE_BYTES: usize = 3072;
/// More bytes than any file of the two sets has; a header that promises more is damaged.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Where one form of a set is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CifarLocation {
    /// An archive as published.
    Archive(PathBuf, CifarForm),
    /// The folder that an archive unpacks to.
    Unpacked(PathBuf, CifarForm),
}

impl CifarLocation {
    pub fn path(&self) -> &Path {
        match self {
            CifarLocation::Archive(path, _) | CifarLocation::Unpacked(path, _) => path,
        }
    }
}

/// A form of a set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CifarForm {
    /// The folder in the archive.
    folder: &'static str,
    /// Files of training images, in order, and the file of test images.
    files: &'static [&'static str],
    /// What the set's files are like.
    kind: CifarKind,
}

/// What a set's files are like.
#[derive(Clone, Copy, Debug, PartialEq)]
enum CifarKind {
    /// Records of this many label bytes, the last of which counts, and an image.
    Binary { labels: usize },
    /// A pickled dictionary with the labels under this key.
    Python { labels: &'static str },
}

const CIFAR10_FORMS: [CifarForm; 2] = [
    CifarForm {
        folder: "cifar-10-batches-bin",
        files: &[
            "data_batch_1.bin",
            "data_batch_2.bin",
            "data_batch_3.bin",
            "data_batch_4.bin",
            "data_batch_5.bin",
            "test_batch.bin",
        ],
        kind: CifarKind::Binary { labels: 1 },
    },
    CifarForm {
        folder: "cifar-10-batches-py",
        files: &["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"],
        kind: CifarKind::Python { labels: "labels" },
    },
];

const CIFAR100_FORMS: [CifarForm; 2] = [
    CifarForm { folder: "cifar-100-binary", files: &["train.bin", "test.bin"], kind: CifarKind::Binary { labels: 2 } },
    CifarForm {
        folder: "cifar-100-python",
        files: &["train", "test"],
        kind: CifarKind::Python { labels: "fine_labels" },
    },
];

fn forms(entry: &CatalogueEntry) -> &'static [CifarForm; 2] {
    if entry.class_count == 100 { &CIFAR100_FORMS } else { &CIFAR10_FORMS }
}

/// Files that are there, and those that are missing.
type CifarFiles = (Vec<PathBuf>, Vec<PathBuf>);

/// The forms in `dir`, unpacked ones first: they need no unpacking.
pub(crate) fn find_forms(entry: &CatalogueEntry, dir: &Path) -> Vec<(CifarLocation, CifarFiles)> {
    let mut all = Vec::new();
    for form in forms(entry) {
        for folder in [dir.join(form.folder), dir.to_owned()] {
            let paths = form.files.iter().map(|name| folder.join(name));
            let parts: (Vec<_>, Vec<_>) = paths.partition(|path| path.is_file());
            all.push((CifarLocation::Unpacked(folder, *form), parts));
        }
    }
    for (form, published) in forms(entry).iter().zip(entry.published_files()) {
        let path = dir.join(published.name);
        if path.is_file() {
            all.push((CifarLocation::Archive(path.clone(), *form), (vec![path], vec![])));
        }
    }
    all
}

/// Reads a whole set.
pub(crate) fn read_set(entry: &'static CatalogueEntry, place: &CifarLocation) -> Result<RawSet> {
    let (form, mut parts) = match place {
        CifarLocation::Unpacked(dir, form) => (form, read_unpacked(entry, dir, form)?),
        CifarLocation::Archive(path, form) => (form, read_archived(entry, path, form)?),
    };
    debug_assert_eq!(parts.len(), form.files.len());
    if let Some((index, what)) = find_misplaced(entry, form, &parts.iter().collect::<Vec<_>>()).pop() {
        let name = match place {
            CifarLocation::Unpacked(dir, _) => dir.join(form.files[index]).display().to_string(),
            CifarLocation::Archive(path, _) => format!("{}: {}", path.display(), form.files[index]),
        };
        return Err(bad_content_error(&name, what));
    }
    let test = parts.pop();
    Ok(RawSet {
        classes: entry.class_names(),
        train: LabeledImages::concatenate(IMAGE_SHAPE, parts),
        validation: None,
        test,
    })
}

/// Training and test images of a set: by the length of its binary files, of pickles by reading them. Of an archive that is as
/// long as the published one they are as many as were published; others are read.
pub(crate) fn count_images(entry: &'static CatalogueEntry, place: &CifarLocation) -> Result<[usize; 2]> {
    let (dir, form) = match place {
        CifarLocation::Unpacked(dir, form) => (dir, form),
        CifarLocation::Archive(path, _) => {
            let bytes = path.metadata().map_err(DataError::io(path))?.len();
            let name = path.file_name().unwrap_or_default();
            if entry.published_files().any(|file| name == file.name && bytes == file.size) {
                return Ok(entry.images);
            }
            let set = read_set(entry, place)?;
            return Ok([set.train.len(), set.test.map_or(0, |test| test.len())]);
        }
    };
    let count = |name: &&str| {
        let path = dir.join(name);
        let CifarKind::Binary { labels } = form.kind else {
            return read_file(entry, form, &path).map(|images| images.len());
        };
        let bytes = path.metadata().map_err(DataError::io(&path))?.len();
        let name = path.display().to_string();
        refuse_length(entry, &name, bytes)?;
        binary::count_records(entry, labels, &name, bytes as usize)
    };
    let mut counts = form.files.iter().map(count).collect::<Result<Vec<_>>>()?;
    if let &[train, test] = &counts[..]
        && let Some(what) = entry.describe_swap(train, test, form.files[1])
    {
        return Err(bad_content_error(&dir.join(form.files[0]).display().to_string(), what));
    }
    let test = counts.pop().unwrap_or_default();
    Ok([counts.iter().sum(), test])
}

fn read_unpacked(entry: &CatalogueEntry, dir: &Path, form: &CifarForm) -> Result<Vec<LabeledImages>> {
    let read = |name: &&str| read_file(entry, form, &dir.join(name));
    form.files.iter().map(read).collect()
}

/// Reads one unpacked file.
fn read_file(entry: &CatalogueEntry, form: &CifarForm, path: &Path) -> Result<LabeledImages> {
    let file = File::open(path).map_err(DataError::io(path))?;
    let bytes = file.metadata().map_err(DataError::io(path))?.len();
    let mut input = BufReader::with_capacity(1 << 20, file);
    read_image_file(entry, form, &path.display().to_string(), bytes, &mut input)
}

/// The files, by their index in the form, that have the images of another, each with what is wrong with it. `parts` are the
/// images of all files.
fn find_misplaced(entry: &CatalogueEntry, form: &CifarForm, parts: &[&LabeledImages]) -> Vec<(usize, String)> {
    let known: &[&str] = match entry.class_count {
        10 => &misplaced_files::CIFAR10_CHECKSUMS,
        _ => &[],
    };
    let mut all = misplaced_files::match_checksums(form.files, known, parts);
    // CIFAR-100 has one file of each; those of CIFAR-10 are all of one length.
    if let [train, test] = parts
        && all.is_empty()
        && let Some(what) = entry.describe_swap(train.len(), test.len(), form.files[1])
    {
        all.push((0, what));
    }
    all.reverse();
    all
}

/// Reads every file of a set that is there, for itself: each with its path and its images, or what is wrong with it.
pub(crate) fn read_each(entry: &'static CatalogueEntry, place: &CifarLocation) -> Vec<(PathBuf, Result<usize>)> {
    let (dir, form) = match place {
        CifarLocation::Archive(path, _) => {
            let images =
                read_set(entry, place).map(|set| set.train.len() + set.test.as_ref().map_or(0, LabeledImages::len));
            return vec![(path.clone(), images)];
        }
        CifarLocation::Unpacked(dir, form) => (dir, form),
    };
    let mut all: Vec<(PathBuf, Result<LabeledImages>)> = form
        .files
        .iter()
        .map(|name| dir.join(name))
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), read_file(entry, form, &path)))
        .collect();
    let parts: Vec<&LabeledImages> = all.iter().filter_map(|(_, r)| r.as_ref().ok()).collect();
    // Which file has whose images is only known when all are there.
    if parts.len() == form.files.len() {
        for (index, what) in find_misplaced(entry, form, &parts) {
            let name = all[index].0.display().to_string();
            all[index].1 = Err(bad_content_error(&name, what));
        }
    }
    all.into_iter().map(|(path, images)| (path, images.map(|i| i.len()))).collect()
}

/// Reads one file of a set. `bytes` is its expected length.
fn read_image_file(
    entry: &CatalogueEntry,
    form: &CifarForm,
    name: &str,
    bytes: u64,
    input: &mut dyn Read,
) -> Result<LabeledImages> {
    refuse_length(entry, name, bytes)?;
    match form.kind {
        CifarKind::Binary { labels } => binary::read_records(entry, labels, name, bytes as usize, input),
        CifarKind::Python { labels } => python::read_batch(entry, labels, name, bytes as usize, input),
    }
}

/// Refuses a file that is longer than any of the set.
fn refuse_length(entry: &CatalogueEntry, name: &str, bytes: u64) -> Result<()> {
    if bytes > MAX_FILE_BYTES {
        return Err(bad_content_error(name, format!("it has {bytes} bytes, more than any file of {}", entry.name)));
    }
    Ok(())
}

/// Reads the files out of an archive in their order there.
fn read_archived(entry: &CatalogueEntry, path: &Path, form: &CifarForm) -> Result<Vec<LabeledImages>> {
    let archive_name = path.display().to_string();
    let source = NamedFile::File(path);
    let mut archive = tar::Archive::new(source.open()?);
    let broken = |e: &io::Error| match e.kind() {
        io::ErrorKind::Other => bad_content_error(&archive_name, format!("it is cut short or not a tar archive ({e})")),
        _ => unreadable_error(&archive_name, e),
    };
    let mut parts: Vec<Option<LabeledImages>> = form.files.iter().map(|_| None).collect();
    let mut first = None;
    // Raw, because long names and the like are otherwise read whole into memory, whatever length they state. The
    // published archives need none.
    for member in archive.entries().map_err(|e| broken(&e))?.raw(true) {
        let mut member = member.map_err(|e| broken(&e))?;
        if !member.header().entry_type().is_file() {
            continue;
        }
        let inside = String::from_utf8_lossy(&member.path_bytes()).trim_start_matches("./").to_owned();
        let index = form
            .files
            .iter()
            .position(|name| inside.strip_prefix(form.folder).and_then(|rest| rest.strip_prefix('/')) == Some(*name));
        if let Some(index) = index {
            let name = format!("{archive_name}: {inside}");
            let bytes = member.size();
            parts[index] = Some(read_image_file(entry, form, &name, bytes, &mut member)?);
        } else if !inside.ends_with('/') {
            first.get_or_insert(inside);
        }
    }
    // Reading past the end is also what makes the decoder compare the checksum.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(|e| broken(&e))?;
    let mut all = Vec::new();
    for (images, file) in parts.into_iter().zip(form.files) {
        let Some(images) = images else {
            let instead = first.map_or_else(String::new, |name| format!(", but {name}"));
            return Err(bad_content_error(&archive_name, format!("it does not have {}/{file}{instead}", form.folder)));
        };
        all.push(images);
    }
    Ok(all)
}

/// The class of a label byte.
fn class_of_label(entry: &CatalogueEntry, name: &str, label: i64, image: usize) -> Result<u16> {
    if (0..entry.class_count as i64).contains(&label) {
        return Ok(label as u16);
    }
    Err(bad_content_error(
        name,
        format!(
            "label {label} of image {image} is not a class of {}: expected 0 to {}",
            entry.name,
            entry.class_count - 1
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_images_in_each_file_as_were_published_in_the_other_are_refused() {
        let entry = crate::find_entry("cifar100").unwrap();
        let part = |n: usize| LabeledImages { shape: [1, 1, 1], pixels: vec![7; n], labels: vec![3; n] };
        let [train, test] = [50_000, 10_000].map(part);
        for (form, names) in forms(entry).iter().zip([["train.bin", "test.bin"], ["train", "test"]]) {
            assert_eq!(form.files, names);
            assert_eq!(find_misplaced(entry, form, &[&train, &test]), []);
            let [(0, what)] = &find_misplaced(entry, form, &[&test, &train])[..] else {
                panic!("not refused");
            };
            let parts = [
                format!("it has 10000 images and {} has 50000", names[1]),
                "expected 50000 to train on and 10000 to test".into(),
            ];
            assert!(parts.iter().all(|part| what.contains(part)), "{what}");
        }
    }
}

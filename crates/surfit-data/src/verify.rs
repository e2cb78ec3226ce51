//! Checking files that are there: against what was published, and by reading them.

use crate::catalogue::{CatalogueEntry, PublishedFile, SetFamily};
use crate::find::{self, FoundSet, SetLayout};
use crate::image_files::{self, PictureFile, PictureOrigin};
use crate::images::LabeledImages;
use crate::source::NamedFile;
use crate::{DataError, Result, cifar, digest, fashion_small, folder, idx, tiny_imagenet};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What is found of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileVerdict {
    /// Its checksum, or that of what it unpacks to, is the published one.
    Published,
    /// It is not the published file, or none was published in this form, but it was read to its end.
    Readable,
    /// It was not read.
    Unchecked,
    /// It cannot be used.
    Damaged,
    /// The system forbids to read it: nothing is known of what is in it.
    Unreadable,
    /// It is not there.
    Missing,
}

/// A checked file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckedFile {
    /// Name of the data set.
    pub set: &'static str,
    /// The file, or the folder of a set that has no published files.
    pub file: PathBuf,
    /// What was found.
    pub verdict: FileVerdict,
    /// What was looked at, such as `60000 images`.
    pub checked: String,
    /// In how far it differs from what was expected.
    pub note: Option<String>,
}

impl CheckedFile {
    fn new(set: &'static str, file: &Path, verdict: FileVerdict, checked: impl Into<String>) -> Self {
        Self { set, file: file.to_owned(), verdict, checked: checked.into(), note: None }
    }
}

/// Damaged images of one folder that are named; the others are counted.
const MAX_NAMED_FAULTS: usize = 100;

/// Checks every file of a set that was found, each for itself, and those beside it that hold the same in another packing.
/// What differs from the published files is read from its beginning to its end: the file, never the cache of decoded
/// images, which stays as it is. A file that a disk does not give back is damaged like any other.
pub fn verify(found: &FoundSet) -> Vec<CheckedFile> {
    let (entry, set) = (found.entry, found.entry.name);
    let files = match &found.layout {
        SetLayout::Idx(dir) => idx::all_files(dir, &idx::PUBLISHED_PARTS),
        SetLayout::EmbeddedFiles(dir) => idx::all_files(dir, &idx::EMBEDDED_SPLITS),
        _ => found.files.clone(),
    };
    let checked =
        |file: &PathBuf| compare_with_published(entry, file).unwrap_or_else(|error| damaged_file(entry, file, &error));
    let mut all: Vec<CheckedFile> = files.iter().map(checked).collect();
    if all.iter().any(|c| c.verdict == FileVerdict::Unchecked) || found.is_embedded() {
        for read in check_by_reading(found) {
            // The checksum of a published file is sufficient evidence.
            let known = all.iter_mut().find(|c| c.file == read.file);
            match known {
                Some(known) if known.verdict == FileVerdict::Unchecked => {
                    known.verdict = read.verdict;
                    known.checked = read.checked;
                    known.note = read.note.or(known.note.take());
                }
                Some(_) => {}
                None => all.push(read),
            }
        }
    }
    let missing = |file: &PathBuf| CheckedFile::new(set, file, FileVerdict::Missing, "nothing");
    all.extend(found.missing.iter().map(missing));
    all
}

/// Reads every file of a set.
fn check_by_reading(found: &FoundSet) -> Vec<CheckedFile> {
    let entry = found.entry;
    let told = |path: &Path, result: Result<String>| match result {
        Ok(what) => CheckedFile::new(entry.name, path, FileVerdict::Readable, what),
        Err(error) => damaged_file(entry, path, &error),
    };
    match &found.layout {
        SetLayout::Embedded { .. } => {
            let read = fashion_small::read_embedded(entry).map(|set| {
                let others = set.validation.iter().chain(&set.test).map(LabeledImages::len);
                format_image_count(set.train.len() + others.sum::<usize>())
            });
            vec![told(Path::new("embedded"), read)]
        }
        SetLayout::Idx(dir) => into_checked_files(idx::read_each(entry, dir, &idx::PUBLISHED_PARTS), told),
        SetLayout::EmbeddedFiles(dir) => into_checked_files(idx::read_each(entry, dir, &idx::EMBEDDED_SPLITS), told),
        SetLayout::Cifar(place) => cifar::read_each(entry, place)
            .into_iter()
            .map(|(path, count)| told(&path, count.map(format_image_count)))
            .collect(),
        SetLayout::TinyImageNet(path) => match tiny_imagenet::list_pictures(path) {
            Err(error) => vec![damaged_file(entry, path, &error)],
            Ok((origin, listed)) => {
                let pictures: Vec<&PictureFile> = listed.train.iter().chain(&listed.val).collect();
                let size = entry.shape.map(|[_, height, width]| (width, height));
                check_pictures(entry, path, &origin, &pictures, size)
            }
        },
        SetLayout::Folder(dir) => match folder::list_pictures(dir, &mut Default::default()) {
            Err(error) => vec![damaged_file(entry, dir, &error)],
            Ok(listed) => {
                let pictures: Vec<&PictureFile> = listed.splits().flatten().collect();
                let origin = PictureOrigin::Folder(dir.clone());
                let mut all = check_pictures(entry, dir, &origin, &pictures, None);
                if let Some(whole) = all.first_mut() {
                    let notes = whole.note.take().into_iter().chain(listed.skipped_notices);
                    whole.note = notes.reduce(|a, b| format!("{a}; {b}"));
                }
                all
            }
        },
    }
}

fn format_image_count(count: usize) -> String {
    format!("{count} images")
}

fn into_checked_files(
    files: Vec<(PathBuf, Result<String>)>,
    told: impl Fn(&Path, Result<String>) -> CheckedFile,
) -> Vec<CheckedFile> {
    files.into_iter().map(|(path, what)| told(&path, what)).collect()
}

/// The folders of a set's places, or of `dir`, that are there and cannot be looked into.
///
/// # Errors
/// A sentence for an unknown name.
pub fn check_inaccessible(entry: &CatalogueEntry, dir: Option<&Path>) -> Result<Vec<CheckedFile>> {
    let told = |error: &DataError| match error {
        DataError::Io { path, .. } => damaged_file(entry, path, error),
        DataError::Input(_) => damaged_file(entry, Path::new(""), error),
    };
    Ok(find::inaccessible_folders(entry.name, dir)?.iter().map(told).collect())
}

/// A file that cannot be used, or not be read.
fn damaged_file(entry: &CatalogueEntry, path: &Path, error: &DataError) -> CheckedFile {
    let (verdict, seen) = match error.is_permission_denied() {
        true => (FileVerdict::Unreadable, "nothing"),
        false => (FileVerdict::Damaged, "as far as it can be read"),
    };
    let mut checked = CheckedFile::new(entry.name, path, verdict, seen);
    checked.note = Some(error.to_string());
    checked
}

/// Decodes all images of a folder or an archive: the whole of it, then each that is damaged.
fn check_pictures(
    entry: &CatalogueEntry,
    path: &Path,
    origin: &PictureOrigin,
    pictures: &[&PictureFile],
    size: Option<(usize, usize)>,
) -> Vec<CheckedFile> {
    let seen = match image_files::check_decodable(origin, pictures, size) {
        Ok(seen) => seen,
        Err(error) => return vec![damaged_file(entry, path, &error)],
    };
    let beside = match origin {
        PictureOrigin::Folder(dir) if entry.family == SetFamily::Folder => {
            debug_assert_eq!(dir, path);
            ""
        }
        _ => " of train and val; other files were not checked",
    };
    let mut whole = CheckedFile::new(
        entry.name,
        path,
        FileVerdict::Readable,
        format!("{}{beside}", format_image_count(pictures.len())),
    );
    if let [(w, h), (other_w, other_h)] = seen.sizes[..] {
        whole.note = Some(format!("images of {w}×{h}, {other_w}×{other_h} and so on: a run needs data.image_size"));
    }
    if let Some((verdict, note)) = describe_faults(&seen.faults) {
        whole.verdict = verdict;
        whole.note = Some(note);
    }
    let mut all = vec![whole];
    for (name, error) in seen.faults.iter().take(MAX_NAMED_FAULTS) {
        all.push(damaged_file(entry, &path.join(name), error));
    }
    all
}

/// The report on a folder or an archive some of whose images are faulty; `None` when none is.
fn describe_faults(faults: &[(String, DataError)]) -> Option<(FileVerdict, String)> {
    let forbidden = faults.iter().filter(|(_, e)| e.is_permission_denied()).count();
    let images = |n: usize, one: &str, many: &str| match n {
        0 => None,
        1 => Some(format!("one image {one}")),
        n => Some(format!("{n} images {many}")),
    };
    let all = [
        images(faults.len() - forbidden, "is damaged", "are damaged"),
        images(forbidden, "may not be read", "may not be read"),
    ];
    let verdict = match &all {
        [None, None] => return None,
        [None, Some(_)] => FileVerdict::Unreadable,
        _ => FileVerdict::Damaged,
    };
    let mut note = all.into_iter().flatten().collect::<Vec<_>>().join(" and ");
    if faults.len() > MAX_NAMED_FAULTS {
        note += &format!(", of which {MAX_NAMED_FAULTS} are named");
    }
    Some((verdict, note))
}

/// How a file compares with the published one of its name; `Unchecked` when it is another.
fn compare_with_published(entry: &CatalogueEntry, path: &Path) -> Result<CheckedFile> {
    let set = entry.name;
    let unread = || CheckedFile::new(set, path, FileVerdict::Unchecked, "nothing");
    if path.is_dir() {
        return Ok(unread());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = |name: &str| name.replace(".idx", "-idx").trim_end_matches(".gz").to_owned();
    let same = |file: &&PublishedFile| match entry.family {
        SetFamily::Idx => stem(file.name) == stem(&name),
        _ => file.name == name,
    };
    match entry.published_files().find(same) {
        Some(file) => compare_with(set, file, path),
        None => Ok(unread()),
    }
}

/// How a file compares with this published one.
pub(crate) fn compare_with(set: &'static str, file: &PublishedFile, path: &Path) -> Result<CheckedFile> {
    let found = digest::sha256_hex_of_file(path)?;
    if found == file.sha256 {
        return Ok(CheckedFile::new(set, path, FileVerdict::Published, "SHA-256"));
    }
    if !file.unpacked.is_empty()
        && let Ok(mut content) = NamedFile::File(path).open()
        && digest::sha256_hex_of_reader(&mut *content).is_ok_and(|d| d == file.unpacked)
    {
        let mut checked = CheckedFile::new(set, path, FileVerdict::Published, "SHA-256 of its content");
        checked.note = Some("packed anew".into());
        return Ok(checked);
    }
    let bytes = path.metadata().map_or(0, |m| m.len());
    let mut checked = CheckedFile::new(set, path, FileVerdict::Unchecked, "nothing");
    checked.note = Some(format!(
        "not the published file: {bytes} bytes with SHA-256 {found}, expected {} bytes with {}",
        file.size, file.sha256
    ));
    Ok(checked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    #[test]
    fn what_may_not_be_read_is_not_called_damaged() {
        let entry = crate::find_entry("mnist").unwrap();
        let path = Path::new("/data/t10k-images-idx3-ubyte");
        let of = |kind: ErrorKind| {
            let error = crate::source::unreadable_error(&path.display().to_string(), &kind.into());
            damaged_file(entry, path, &error)
        };
        let forbidden = of(ErrorKind::PermissionDenied);
        assert_eq!(forbidden.verdict, FileVerdict::Unreadable);
        assert_eq!(forbidden.checked, "nothing");
        let note = forbidden.note.unwrap();
        assert!(note.contains("change its permissions") && !note.contains("original file"), "{note}");
        for kind in [ErrorKind::UnexpectedEof, ErrorKind::InvalidData, ErrorKind::Other] {
            assert_eq!(of(kind).verdict, FileVerdict::Damaged, "{kind}");
        }
    }

    #[test]
    fn images_that_may_not_be_read_are_counted_for_themselves() {
        let fault = |kind: ErrorKind| ("a.png".to_owned(), DataError::io("a.png")(kind.into()));
        let (forbidden, other) = (ErrorKind::PermissionDenied, ErrorKind::Other);
        let of = |kinds: &[ErrorKind]| describe_faults(&kinds.iter().map(|k| fault(*k)).collect::<Vec<_>>());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[forbidden, forbidden]), Some((FileVerdict::Unreadable, "2 images may not be read".into())));
        let (verdict, note) = of(&[forbidden, other]).unwrap();
        assert_eq!(verdict, FileVerdict::Damaged);
        assert_eq!(note, "one image is damaged and one image may not be read");
        let (_, note) = of(&[other; MAX_NAMED_FAULTS + 1]).unwrap();
        assert_eq!(note, "101 images are damaged, of which 100 are named");
    }
}

//! Checking files that are there: against what was published, and by reading them.

use crate::catalogue::{CatalogueEntry, PublishedFile, SetFamily};
use crate::find::{self, FoundSet, SetLayout};
use crate::images::LabeledImages;
use crate::pictures::{self, PictureFile, PictureOrigin};
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
    fn new(
        set: &'static str,
        file: &Path,
        verdict: FileVerdict,
        checked: impl Into<String>,
    ) -> Self {
        Self {
            set,
            file: file.to_owned(),
            verdict,
            checked: checked.into(),
            note: None,
        }
    }
}

/// Damaged pictures of one folder that are named; the others are counted.
const NAMED: usize = 100;

/// Checks every file of a set that was found, each for itself, and those beside it that hold the same in another packing.
/// What differs from the published files is read from its beginning to its end: the file, never the cache of decoded
/// images, which stays as it is. A file that a disk does not give back is damaged like any other.
pub fn verify(found: &FoundSet) -> Vec<CheckedFile> {
    let (entry, set) = (found.entry, found.entry.name);
    let files = match &found.layout {
        SetLayout::Idx(dir) => idx::all(dir, &idx::PARTS),
        SetLayout::Splits(dir) => idx::all(dir, &idx::SPLITS),
        _ => found.files.clone(),
    };
    let checked =
        |file: &PathBuf| compared(entry, file).unwrap_or_else(|error| damaged(entry, file, &error));
    let mut all: Vec<CheckedFile> = files.iter().map(checked).collect();
    if all.iter().any(|c| c.verdict == FileVerdict::Unchecked) || found.is_embedded() {
        for read in read(found) {
            // The checksum of a published file has said all there is to say.
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
fn read(found: &FoundSet) -> Vec<CheckedFile> {
    let entry = found.entry;
    let told = |path: &Path, result: Result<String>| match result {
        Ok(what) => CheckedFile::new(entry.name, path, FileVerdict::Readable, what),
        Err(error) => damaged(entry, path, &error),
    };
    match &found.layout {
        SetLayout::Embedded { .. } => {
            let read = fashion_small::embedded(entry).map(|set| {
                let others = set
                    .validation
                    .iter()
                    .chain(&set.test)
                    .map(LabeledImages::len);
                images(set.train.len() + others.sum::<usize>())
            });
            vec![told(Path::new("embedded"), read)]
        }
        SetLayout::Idx(dir) => looked(idx::read_each(entry, dir, &idx::PARTS), told),
        SetLayout::Splits(dir) => looked(idx::read_each(entry, dir, &idx::SPLITS), told),
        SetLayout::Cifar(place) => cifar::read_each(entry, place)
            .into_iter()
            .map(|(path, count)| told(&path, count.map(images)))
            .collect(),
        SetLayout::TinyImageNet(path) => match tiny_imagenet::list(path) {
            Err(error) => vec![damaged(entry, path, &error)],
            Ok((origin, listed)) => {
                let pictures: Vec<&PictureFile> = listed.train.iter().chain(&listed.val).collect();
                let size = entry.shape.map(|[_, height, width]| (width, height));
                decoded(entry, path, &origin, &pictures, size)
            }
        },
        SetLayout::Folder(dir) => match folder::list(dir, &mut Default::default()) {
            Err(error) => vec![damaged(entry, dir, &error)],
            Ok(listed) => {
                let pictures: Vec<&PictureFile> = listed.splits().flatten().collect();
                let origin = PictureOrigin::Folder(dir.clone());
                let mut all = decoded(entry, dir, &origin, &pictures, None);
                if let Some(whole) = all.first_mut() {
                    let notes = whole.note.take().into_iter().chain(listed.left_out);
                    whole.note = notes.reduce(|a, b| format!("{a}; {b}"));
                }
                all
            }
        },
    }
}

fn images(count: usize) -> String {
    format!("{count} images")
}

fn looked(
    files: Vec<(PathBuf, Result<String>)>,
    told: impl Fn(&Path, Result<String>) -> CheckedFile,
) -> Vec<CheckedFile> {
    files
        .into_iter()
        .map(|(path, what)| told(&path, what))
        .collect()
}

/// The folders of a set's places, or of `dir`, that are there and cannot be looked into.
///
/// # Errors
/// A sentence for an unknown name.
pub fn closed(entry: &CatalogueEntry, dir: Option<&Path>) -> Result<Vec<CheckedFile>> {
    let told = |error: &DataError| match error {
        DataError::Io { path, .. } => damaged(entry, path, error),
        DataError::Input(_) => damaged(entry, Path::new(""), error),
    };
    Ok(find::closed(entry.name, dir)?.iter().map(told).collect())
}

/// A file that cannot be used, or not be read.
fn damaged(entry: &CatalogueEntry, path: &Path, error: &DataError) -> CheckedFile {
    let (verdict, seen) = match error.is_forbidden() {
        true => (FileVerdict::Unreadable, "nothing"),
        false => (FileVerdict::Damaged, "as far as it can be read"),
    };
    let mut checked = CheckedFile::new(entry.name, path, verdict, seen);
    checked.note = Some(error.to_string());
    checked
}

/// Decodes all pictures of a folder or an archive: the whole of it, then each that is damaged.
fn decoded(
    entry: &CatalogueEntry,
    path: &Path,
    origin: &PictureOrigin,
    pictures: &[&PictureFile],
    size: Option<(usize, usize)>,
) -> Vec<CheckedFile> {
    let seen = match pictures::check(origin, pictures, size) {
        Ok(seen) => seen,
        Err(error) => return vec![damaged(entry, path, &error)],
    };
    let beside = match origin {
        PictureOrigin::Folder(dir) if entry.family == SetFamily::Folder => {
            debug_assert_eq!(dir, path);
            ""
        }
        _ => " of train and val; what else is there was not looked at",
    };
    let mut whole = CheckedFile::new(
        entry.name,
        path,
        FileVerdict::Readable,
        format!("{}{beside}", images(pictures.len())),
    );
    if let [(w, h), (other_w, other_h)] = seen.sizes[..] {
        whole.note = Some(format!(
            "images of {w}×{h}, {other_w}×{other_h} and so on: a run needs data.image_size"
        ));
    }
    if let Some((verdict, note)) = faulty(&seen.faults) {
        whole.verdict = verdict;
        whole.note = Some(note);
    }
    let mut all = vec![whole];
    for (name, error) in seen.faults.iter().take(NAMED) {
        all.push(damaged(entry, &path.join(name), error));
    }
    all
}

/// What is said of a folder or an archive some of whose images are faulty; `None` when none is.
fn faulty(faults: &[(String, DataError)]) -> Option<(FileVerdict, String)> {
    let forbidden = faults.iter().filter(|(_, e)| e.is_forbidden()).count();
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
    if faults.len() > NAMED {
        note += &format!(", of which {NAMED} are named");
    }
    Some((verdict, note))
}

/// How a file compares with the published one of its name; `Unchecked` when it is another.
fn compared(entry: &CatalogueEntry, path: &Path) -> Result<CheckedFile> {
    let set = entry.name;
    let unread = || CheckedFile::new(set, path, FileVerdict::Unchecked, "nothing");
    if path.is_dir() {
        return Ok(unread());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = |name: &str| {
        name.replace(".idx", "-idx")
            .trim_end_matches(".gz")
            .to_owned()
    };
    let same = |file: &&PublishedFile| match entry.family {
        SetFamily::Idx => stem(file.name) == stem(&name),
        _ => file.name == name,
    };
    match entry.published().find(same) {
        Some(file) => compared_with(set, file, path),
        None => Ok(unread()),
    }
}

/// How a file compares with this published one.
pub(crate) fn compared_with(
    set: &'static str,
    file: &PublishedFile,
    path: &Path,
) -> Result<CheckedFile> {
    let found = digest::of_file(path)?;
    if found == file.sha256 {
        return Ok(CheckedFile::new(
            set,
            path,
            FileVerdict::Published,
            "SHA-256",
        ));
    }
    if !file.unpacked.is_empty()
        && let Ok(mut content) = NamedFile::File(path).open()
        && digest::of_reader(&mut *content).is_ok_and(|d| d == file.unpacked)
    {
        let mut checked =
            CheckedFile::new(set, path, FileVerdict::Published, "SHA-256 of its content");
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
        let entry = crate::entry("mnist").unwrap();
        let path = Path::new("/data/t10k-images-idx3-ubyte");
        let of = |kind: ErrorKind| {
            let error = crate::source::unreadable(&path.display().to_string(), &kind.into());
            damaged(entry, path, &error)
        };
        let forbidden = of(ErrorKind::PermissionDenied);
        assert_eq!(forbidden.verdict, FileVerdict::Unreadable);
        assert_eq!(forbidden.checked, "nothing");
        let note = forbidden.note.unwrap();
        assert!(
            note.contains("change its permissions") && !note.contains("original file"),
            "{note}"
        );
        for kind in [
            ErrorKind::UnexpectedEof,
            ErrorKind::InvalidData,
            ErrorKind::Other,
        ] {
            assert_eq!(of(kind).verdict, FileVerdict::Damaged, "{kind}");
        }
    }

    #[test]
    fn images_that_may_not_be_read_are_counted_for_themselves() {
        let fault = |kind: ErrorKind| ("a.png".to_owned(), DataError::io("a.png")(kind.into()));
        let (forbidden, other) = (ErrorKind::PermissionDenied, ErrorKind::Other);
        let of = |kinds: &[ErrorKind]| faulty(&kinds.iter().map(|k| fault(*k)).collect::<Vec<_>>());
        assert_eq!(of(&[]), None);
        assert_eq!(
            of(&[forbidden, forbidden]),
            Some((FileVerdict::Unreadable, "2 images may not be read".into()))
        );
        let (verdict, note) = of(&[forbidden, other]).unwrap();
        assert_eq!(verdict, FileVerdict::Damaged);
        assert_eq!(note, "one image is damaged and one image may not be read");
        let (_, note) = of(&[other; NAMED + 1]).unwrap();
        assert_eq!(note, "101 images are damaged, of which 100 are named");
    }
}

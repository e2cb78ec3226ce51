//! Checking files that are there: against what was published, and by reading them.

use crate::find::{self, FoundSet};
use crate::formats::set_format;
use crate::image_files::{self, ImageFile, ImageOrigin};
use crate::source::NamedFile;
use crate::{DataError, Result, digest};
use serde::Serialize;
use std::path::{Path, PathBuf};
use surfit_core::data_sets::{DataSetSpec, PublishedFile};

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

    /// A file that was read to its end: what was seen, or why it cannot be used.
    pub(crate) fn of_reading(spec: &DataSetSpec, file: &Path, seen: Result<String>) -> Self {
        match seen {
            Ok(seen) => Self::new(spec.name, file, FileVerdict::Readable, seen),
            Err(error) => damaged_file(spec, file, &error),
        }
    }
}

/// Damaged images of one folder that are named; the others are counted.
const MAX_NAMED_FAULTS: usize = 100;

/// Checks every file of a set that was found, each for itself, and those beside it that hold the same in another packing.
/// What differs from the published files is read from its beginning to its end: the file, never the cache of decoded
/// images, which stays as it is. A file that a disk does not give back is damaged like any other.
pub fn verify(found: &FoundSet) -> Vec<CheckedFile> {
    let (spec, set) = (found.spec, found.spec.name);
    let checked =
        |file: &PathBuf| compare_with_published(spec, file).unwrap_or_else(|error| damaged_file(spec, file, &error));
    let mut all: Vec<CheckedFile> = found.reader.all_files(&found.files).iter().map(checked).collect();
    if all.iter().any(|c| c.verdict == FileVerdict::Unchecked) || found.is_embedded() {
        for read in found.reader.check_by_reading(spec) {
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

pub(crate) fn format_image_count(count: usize) -> String {
    format!("{count} images")
}

/// The folders of a set's places, or of `dir`, that are there and cannot be looked into.
pub fn check_inaccessible(spec: &'static DataSetSpec, dir: Option<&Path>) -> Vec<CheckedFile> {
    let describe = |error: &DataError| match error {
        DataError::Io { path, .. } => damaged_file(spec, path, error),
        _ => damaged_file(spec, Path::new(""), error),
    };
    find::inaccessible_folders(spec, dir).iter().map(describe).collect()
}

/// A file that cannot be used, or not be read.
fn damaged_file(spec: &DataSetSpec, path: &Path, error: &DataError) -> CheckedFile {
    let (verdict, seen) = match error.is_permission_denied() {
        true => (FileVerdict::Unreadable, "nothing"),
        false => (FileVerdict::Damaged, "as far as it can be read"),
    };
    let mut checked = CheckedFile::new(spec.name, path, verdict, seen);
    checked.note = Some(error.to_string());
    checked
}

/// Decodes all images of a folder or an archive: the whole of it, then each that is damaged. `remark` follows their number.
pub(crate) fn check_images(
    spec: &DataSetSpec,
    path: &Path,
    origin: &ImageOrigin,
    images: &[&ImageFile],
    size: Option<(usize, usize)>,
    remark: &str,
) -> Vec<CheckedFile> {
    let seen = match image_files::check_decodable(origin, images, size) {
        Ok(seen) => seen,
        Err(error) => return vec![damaged_file(spec, path, &error)],
    };
    let mut whole = CheckedFile::new(
        spec.name,
        path,
        FileVerdict::Readable,
        format!("{}{remark}", format_image_count(images.len())),
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
        all.push(damaged_file(spec, &path.join(name), error));
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
fn compare_with_published(spec: &DataSetSpec, path: &Path) -> Result<CheckedFile> {
    let set = spec.name;
    let unread = || CheckedFile::new(set, path, FileVerdict::Unchecked, "nothing");
    if path.is_dir() {
        return Ok(unread());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let format = set_format(spec.format);
    let same = |file: &&PublishedFile| format.is_named_like(file.name, &name);
    match spec.published_files().find(same) {
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
        let spec = DataSetSpec::find("mnist").unwrap();
        let path = Path::new("/data/t10k-images-idx3-ubyte");
        let of = |kind: ErrorKind| {
            let error = crate::source::unreadable_error(&path.display().to_string(), &kind.into());
            damaged_file(spec, path, &error)
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

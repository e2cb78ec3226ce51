//! Checking files that are there: against what was published, and by reading them.

use crate::catalogue::{Entry, Family, Published};
use crate::find::{Found, Layout};
use crate::source::Source;
use crate::{Result, digest, load};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What is found of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Its checksum, or that of what it unpacks to, is the published one.
    Published,
    /// It is not the published file, or none was published in this form, but the set can be read.
    Readable,
    /// It cannot be used.
    Damaged,
    /// It is not there.
    Missing,
}

/// A checked file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checked {
    /// The set.
    pub set: &'static str,
    /// The file, or the folder of a set that has no published files.
    pub file: PathBuf,
    /// What was found.
    pub verdict: Verdict,
    /// In how far it differs from what was expected.
    pub note: Option<String>,
}

/// Checks every file of a set that was found. What differs from the published files is read from its beginning to its
/// end, as a run would.
///
/// # Errors
/// When a file cannot be read for the system's reasons.
pub fn verify(found: &Found) -> Result<Vec<Checked>> {
    let set = found.entry.name;
    let mut all = Vec::new();
    for file in &found.files {
        let (verdict, note) = compared(found.entry, file)?;
        all.push(Checked {
            set,
            file: file.clone(),
            verdict,
            note,
        });
    }
    if found.is_embedded() {
        all.push(Checked {
            set,
            file: PathBuf::from("embedded"),
            verdict: Verdict::Readable,
            note: None,
        });
    }
    all.extend(found.missing.iter().map(|file| Checked {
        set,
        file: file.clone(),
        verdict: Verdict::Missing,
        note: None,
    }));
    let whole = found.is_complete();
    if whole
        && all.iter().any(|c| c.verdict != Verdict::Published)
        && let Err(error) = load::read(found, size_to_read(found))
    {
        let sentence = error.to_string();
        let names = |c: &Checked| sentence.contains(&*c.file.to_string_lossy());
        let any = all.iter().any(names);
        for checked in &mut all {
            if checked.verdict != Verdict::Published && (names(checked) || !any) {
                checked.verdict = Verdict::Damaged;
                checked.note = Some(sentence.clone());
            }
        }
    }
    Ok(all)
}

/// Class folders may have images of several sizes, which a run brings to one.
fn size_to_read(found: &Found) -> usize {
    match found.layout {
        Layout::Folder(_) => 32,
        _ => 0,
    }
}

/// How a file compares with the published one of its name.
fn compared(entry: &Entry, path: &Path) -> Result<(Verdict, Option<String>)> {
    let readable = |note: Option<String>| Ok((Verdict::Readable, note));
    if path.is_dir() {
        return readable(None);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = |name: &str| {
        name.replace(".idx", "-idx")
            .trim_end_matches(".gz")
            .to_owned()
    };
    let same = |file: &&Published| match entry.family {
        Family::Idx => stem(file.name) == stem(&name),
        _ => file.name == name,
    };
    let Some(file) = entry.published().find(same) else {
        return readable(None);
    };
    let found = digest::of_file(path)?;
    if found == file.sha256 {
        return Ok((Verdict::Published, None));
    }
    if !file.unpacked.is_empty()
        && let Ok(mut content) = Source::File(path).open()
        && digest::of_reader(&mut *content).is_ok_and(|d| d == file.unpacked)
    {
        return Ok((Verdict::Published, Some("packed anew".into())));
    }
    let bytes = path.metadata().map_or(0, |m| m.len());
    readable(Some(format!(
        "not the published file: {bytes} bytes with SHA-256 {found}, expected {} bytes with {}",
        file.size, file.sha256
    )))
}

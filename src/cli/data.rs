//! `surfit data`: what data sets there are, fetching and checking them.

mod download;

use super::args::{DataLsArgs, DataSub, VerifyArgs};
use super::fault::Fault;
use super::out;
use serde::Serialize;
use std::path::{Path, PathBuf};
use surfit_data::find::{self, Found};
use surfit_data::verify::{Checked, Verdict, verify};
use surfit_data::{ENTRIES, Entry, Error, entry};

/// Does what was asked for.
pub fn data(command: DataSub) -> Result<(), Fault> {
    match command {
        DataSub::Ls(args) => ls(&args),
        DataSub::Fetch(args) => download::fetch(args),
        DataSub::Verify(args) => check(args),
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Failure(error.to_string())
    }
}

/// The set of a name on the command line.
fn named(name: &str) -> Result<&'static Entry, Fault> {
    entry(name).map_err(|e| Fault::Usage(e.to_string()))
}

#[derive(Serialize)]
struct File {
    file: &'static str,
    form: &'static str,
    bytes: u64,
    sha256: &'static str,
}

/// A data set as it stands here.
#[derive(Serialize)]
struct Line {
    set: &'static str,
    about: &'static str,
    splits: &'static str,
    mean: &'static [f64],
    std: &'static [f64],
    state: &'static str,
    source: Option<String>,
    bytes: u64,
    missing: Vec<PathBuf>,
    files: Vec<File>,
}

impl Line {
    fn of(entry: &'static Entry, found: Option<Found>) -> Self {
        let state = match &found {
            Some(found) if found.is_embedded() => "embedded",
            Some(found) if found.is_complete() => "complete",
            Some(_) => "partial",
            None if entry.is_published() => "absent",
            None => "folder",
        };
        let files = entry.forms.iter().flat_map(|form| {
            form.files.iter().map(|file| File {
                file: file.name,
                form: form.name,
                bytes: file.size,
                sha256: file.sha256,
            })
        });
        Self {
            set: entry.name,
            about: entry.about,
            splits: entry.splits,
            mean: entry.mean,
            std: entry.std,
            state,
            bytes: found.as_ref().map_or(0, Found::bytes),
            missing: found.as_ref().map_or_else(Vec::new, |f| f.missing.clone()),
            source: found.map(|f| f.source()),
            files: files.collect(),
        }
    }

    /// What one reads of it.
    fn sentence(&self) -> String {
        let size = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
        let fetched = || {
            let first = self.files.first().map_or("", |f| f.form);
            let bytes = self.files.iter().filter(|f| f.form == first);
            format!(
                "`surfit data fetch {}` gets {}",
                self.set,
                size(bytes.map(|f| f.bytes).sum())
            )
        };
        let source = self.source.as_deref().unwrap_or_default();
        match self.state {
            "embedded" => "inside the program".into(),
            "complete" => format!("{} in {source}", size(self.bytes)),
            "partial" => {
                let first = self.missing.first().map(|p| p.display().to_string());
                format!(
                    "{} of it in {source}, without {}; {}",
                    size(self.bytes),
                    first.unwrap_or_default(),
                    fetched()
                )
            }
            "folder" => "where data.dir says".into(),
            _ => fetched(),
        }
    }
}

fn ls(args: &DataLsArgs) -> Result<(), Fault> {
    let lines = ENTRIES
        .iter()
        .map(|entry| Ok(Line::of(entry, find::present(entry.name, None)?)))
        .collect::<Result<Vec<Line>, Error>>()?;
    if args.json {
        return lines.iter().try_for_each(out::json);
    }
    let width = lines.iter().map(|l| l.set.len()).max().unwrap_or(0);
    let mut text = String::new();
    for line in &lines {
        let (set, state) = (line.set, line.state);
        text += &format!("{set:<width$}  {state:<8}  {}\n", line.sentence());
        text += &format!("{:<width$}  {}\n", "", line.about);
    }
    out::bytes(text.as_bytes())
}

fn check(args: VerifyArgs) -> Result<(), Fault> {
    let mut sets: Vec<Found> = Vec::new();
    match &args.set {
        Some(name) => {
            let entry = named(name)?;
            let found = find::present(entry.name, args.dir.as_deref())?;
            sets.push(found.ok_or_else(|| Fault::Failure(absent(entry, args.dir.as_deref())))?);
        }
        None => {
            for entry in ENTRIES {
                sets.extend(find::present(entry.name, None)?);
            }
        }
    }
    let mut bad = 0;
    for found in &sets {
        for checked in verify(found)? {
            bad += usize::from(matches!(
                checked.verdict,
                Verdict::Damaged | Verdict::Missing
            ));
            match args.json {
                true => out::json(&checked)?,
                false => out::line(told(&checked))?,
            }
        }
    }
    match bad {
        0 => Ok(()),
        1 => Err(Fault::Failure(
            "one file is damaged or missing; delete it, then fetch the set again, or put the original file in its place".into(),
        )),
        n => Err(Fault::Failure(format!(
            "{n} files are damaged or missing; delete them, then fetch the sets again, or put the original files in their place"
        ))),
    }
}

fn told(checked: &Checked) -> String {
    let verdict = match checked.verdict {
        Verdict::Published => "published",
        Verdict::Readable => "readable",
        Verdict::Damaged => "damaged",
        Verdict::Missing => "missing",
    };
    let file = checked.file.display();
    match &checked.note {
        Some(note) => format!("{:<14} {verdict:<9} {file} ({note})", checked.set),
        None => format!("{:<14} {verdict:<9} {file}", checked.set),
    }
}

fn absent(entry: &Entry, dir: Option<&Path>) -> String {
    let places = match dir {
        Some(dir) => vec![dir.to_owned()],
        None => find::places(entry),
    };
    let places: Vec<String> = places.iter().map(|p| p.display().to_string()).collect();
    let remedy = match entry.is_published() {
        true => format!("`surfit data fetch {}` gets it", entry.name),
        false => "name its folder with --dir".into(),
    };
    format!("{} is not in {}; {remedy}", entry.name, places.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_here_and_what_to_do() {
        let cifar = entry("cifar10").unwrap();
        let absent = Line::of(cifar, None);
        assert_eq!(
            absent.sentence(),
            "`surfit data fetch cifar10` gets 170.1 MB"
        );
        assert_eq!((absent.state, absent.files.len()), ("absent", 2));
        let json = serde_json::to_value(&absent).unwrap();
        assert_eq!(json["files"][1]["form"], "python");
        let embedded = find::present("fashion-mnist-16k", None).unwrap();
        let line = Line::of(entry("fashion-mnist-16k").unwrap(), embedded);
        assert_eq!(line.sentence(), "inside the program");
    }
}

//! `surfit data`: lists, downloads and verifies data sets.

mod download;

use super::args::{DataLsArgs, DataSub, VerifyArgs};
use super::error::CliError;
use super::output;
use serde::Serialize;
use std::path::Path;
use surfit_core::data_sets::{DATA_SETS, DataSetSpec, PublishedFile};
use surfit_data::DataError;
use surfit_data::find::{self, FoundSet};
use surfit_data::verify::{CheckedFile, FileVerdict, check_inaccessible, verify};

pub fn run_command(command: DataSub) -> Result<(), CliError> {
    match command {
        DataSub::Ls(args) => ls(&args),
        DataSub::Fetch(args) => download::fetch_set(args),
        DataSub::Verify(args) => verify_sets(args),
    }
}

/// Returns the data set of a name on the command line.
fn spec_by_name(name: &str) -> Result<&'static DataSetSpec, CliError> {
    Ok(DataSetSpec::find(name)?)
}

/// A data set, and what there is of it.
struct DataSetStatus {
    spec: &'static DataSetSpec,
    found: Option<FoundSet>,
    /// Why its state is unknown.
    closed: Option<DataError>,
}

/// A line of `surfit data ls --json`.
#[derive(Serialize)]
struct DataSetJson<'a> {
    set: &'a str,
    about: &'a str,
    splits: &'a str,
    mean: &'a [f64],
    std: &'a [f64],
    state: &'a str,
    source: Option<String>,
    bytes: u64,
    missing: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    files: Vec<DataFileJson<'a>>,
}

#[derive(Serialize)]
struct DataFileJson<'a> {
    file: &'a str,
    form: &'a str,
    bytes: u64,
    sha256: &'a str,
}

impl DataSetStatus {
    fn state(&self) -> &'static str {
        match &self.found {
            Some(found) if found.is_embedded() => "embedded",
            Some(found) if found.is_complete() => "complete",
            Some(_) => "partial",
            None if self.closed.is_some() => "unreadable",
            None if self.spec.is_fetchable() => "absent",
            None => "folder",
        }
    }

    fn to_json(&self) -> DataSetJson<'_> {
        let (spec, found) = (self.spec, self.found.as_ref());
        let files = spec.forms.iter().flat_map(|form| {
            let to_json = |file: &PublishedFile| DataFileJson {
                file: file.name,
                form: form.name,
                bytes: file.size,
                sha256: file.sha256,
            };
            form.files.iter().map(to_json)
        });
        DataSetJson {
            set: spec.name,
            about: spec.about,
            splits: spec.splits,
            mean: spec.mean,
            std: spec.std,
            state: self.state(),
            source: found.map(FoundSet::source),
            bytes: found.map_or(0, FoundSet::bytes),
            missing: found.into_iter().flat_map(|f| &f.missing).map(|path| path.display().to_string()).collect(),
            why: self.closed.as_ref().map(ToString::to_string),
            files: files.collect(),
        }
    }

    fn status_text(&self) -> String {
        let size = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
        let fetched = || {
            let bytes = self.spec.forms.first().map_or(0, |form| form.files.iter().map(|file| file.size).sum());
            format!("download {} with `surfit data fetch {}`", size(bytes), self.spec.name)
        };
        match (&self.found, &self.closed) {
            (Some(found), _) if found.is_embedded() => "built in".into(),
            (Some(found), _) => {
                let place = format!("{} in {}", size(found.bytes()), found.source());
                match found.missing.first() {
                    None => place,
                    Some(first) => format!("{place}, but {} is missing; {}", first.display(), fetched()),
                }
            }
            (None, Some(error)) => error.to_string(),
            (None, None) if self.spec.is_fetchable() => fetched(),
            (None, None) => "in data.root".into(),
        }
    }
}

fn ls(args: &DataLsArgs) -> Result<(), CliError> {
    let lines = DATA_SETS
        .iter()
        .map(|spec| {
            let found = find::find_partial(spec);
            let closed = match found {
                Some(_) => None,
                None => find::inaccessible_folders(spec, None).into_iter().next(),
            };
            DataSetStatus { spec, found, closed }
        })
        .collect::<Vec<DataSetStatus>>();
    if args.json {
        return lines.iter().try_for_each(|line| output::print_json(&line.to_json()));
    }
    let width = lines.iter().map(|l| l.spec.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for line in &lines {
        let (set, state) = (line.spec.name, line.state());
        text += &format!("{set:<width$}  {state:<10}  {}\n", line.status_text());
        text += &format!("{:<width$}  {}\n", "", line.spec.about);
    }
    output::print_lines(&text)
}

fn verify_sets(args: VerifyArgs) -> Result<(), CliError> {
    let (specs, dir) = match &args.set {
        Some(name) => (vec![spec_by_name(name)?], args.dir.as_deref()),
        None => (DATA_SETS.iter().collect(), None),
    };
    let mut faults = FaultCount::default();
    for spec in specs {
        let sets = find::find_all(spec, dir);
        let closed = check_inaccessible(spec, dir);
        if args.set.is_some() && sets.is_empty() && closed.is_empty() {
            return Err(CliError::Failure(absent_message(spec, dir)));
        }
        for checked in sets.iter().flat_map(verify).chain(closed) {
            faults.count(checked.verdict);
            match args.json {
                true => output::print_json(&checked)?,
                false => output::print_line(format_checked_file(&checked))?,
            }
        }
    }
    faults.error_message().map_or(Ok(()), |s| Err(CliError::Failure(s)))
}

/// Numbers of files with errors.
#[derive(Default)]
struct FaultCount {
    /// Damaged or missing.
    bad: usize,
    unreadable: usize,
}

impl FaultCount {
    fn count(&mut self, verdict: FileVerdict) {
        match verdict {
            FileVerdict::Damaged | FileVerdict::Missing => self.bad += 1,
            FileVerdict::Unreadable => self.unreadable += 1,
            FileVerdict::Published | FileVerdict::Readable | FileVerdict::Unchecked => {}
        }
    }

    /// Returns the error with its remedy; `None` without errors.
    fn error_message(&self) -> Option<String> {
        let bad = match self.bad {
            0 => None,
            1 => Some(
                "1 file is damaged or missing; delete it and fetch the set again, or restore the original".to_owned(),
            ),
            n => Some(format!(
                "{n} files are damaged or missing; delete them and fetch the sets again, or restore the originals"
            )),
        };
        let unreadable = match self.unreadable {
            0 => None,
            1 => Some("1 file or directory cannot be read; change its permissions, then verify again".to_owned()),
            n => Some(format!("{n} files or directories cannot be read; change their permissions, then verify again")),
        };
        let all: Vec<String> = [bad, unreadable].into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

fn format_checked_file(checked: &CheckedFile) -> String {
    let verdict = match checked.verdict {
        FileVerdict::Published => "published",
        FileVerdict::Readable => "readable",
        FileVerdict::Unchecked => "unchecked",
        FileVerdict::Damaged => "damaged",
        FileVerdict::Unreadable => "unreadable",
        FileVerdict::Missing => "missing",
    };
    let (set, file) = (checked.set, checked.file.display());
    let mut text = format!("{set:<17} {verdict:<10} {file}");
    // For the other verdicts the note is enough.
    let seen = match checked.verdict {
        FileVerdict::Damaged | FileVerdict::Unreadable | FileVerdict::Missing => None,
        _ => Some(format!("checked: {}", checked.checked)),
    };
    let said: Vec<&str> = seen.as_deref().into_iter().chain(checked.note.as_deref()).collect();
    if !said.is_empty() {
        text += &format!(" ({})", said.join("; "));
    }
    text
}

fn absent_message(spec: &DataSetSpec, dir: Option<&Path>) -> String {
    let places = match dir {
        Some(dir) => vec![dir.to_owned()],
        None => find::search_folders(spec),
    };
    let places: Vec<String> = places.iter().map(|p| p.display().to_string()).collect();
    let remedy = match spec.is_fetchable() {
        true => format!("download it with `surfit data fetch {}`", spec.name),
        false => "name its directory with --dir".into(),
    };
    format!("{} not found in {}; {remedy}", spec.name, places.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_here_and_what_to_do() {
        let cifar = DataSetSpec::find("cifar10").unwrap();
        let absent = DataSetStatus { spec: cifar, found: None, closed: None };
        assert_eq!(absent.status_text(), "download 170.1 MB with `surfit data fetch cifar10`");
        let json = absent.to_json();
        assert_eq!((json.state, json.files.len(), json.files[1].form), ("absent", 2, "python"));
        let line = serde_json::to_string(&json).unwrap();
        assert!(line.starts_with("{\"set\":\"cifar10\",\"about\":") && !line.contains("\"why\""), "{line}");
        let spec = DataSetSpec::find("fashion-mnist-16k").unwrap();
        let embedded = DataSetStatus { spec, found: find::find_partial(spec), closed: None };
        assert_eq!(embedded.status_text(), "built in");
        let denied = DataError::io("/data/cifar10")(std::io::ErrorKind::PermissionDenied.into());
        let closed = DataSetStatus { spec: cifar, found: None, closed: Some(denied) };
        assert_eq!(closed.state(), "unreadable");
        assert!(
            closed.status_text().starts_with("/data/cifar10: permission denied; change"),
            "{}",
            closed.status_text()
        );
    }

    #[test]
    fn what_may_not_be_read_is_not_to_be_deleted() {
        let of = |verdicts: &[FileVerdict]| {
            let mut faults = FaultCount::default();
            verdicts.iter().for_each(|v| faults.count(*v));
            faults.error_message()
        };
        assert_eq!(of(&[FileVerdict::Published, FileVerdict::Readable]), None);
        let said = of(&[FileVerdict::Unreadable]).unwrap();
        assert!(said.contains("permissions") && !said.contains("delete"), "{said}");
        let said = of(&[FileVerdict::Unreadable, FileVerdict::Missing, FileVerdict::Damaged]).unwrap();
        assert!(
            said.starts_with("2 files are damaged or missing; delete them")
                && said.contains("; 1 file or directory cannot be read"),
            "{said}"
        );
    }
}

//! From TOML text to a configuration, with faults named by file, line and key.

use super::given_keys::{GivenKeys, KeyRemark};
use super::value_errors::unusable_value_message;
use super::{Config, ConfigError, former_keys, paths, present_key};
use crate::files::{self, FileLocation};
use crate::run_dir::MAX_SMALL_FILE_BYTES;
use crate::study::Study;
use crate::surface::Patch;
use std::path::Path;
use toml_edit::{Document, DocumentMut, Item, Table};

/// Reads and checks a configuration file, with `sets` (`KEY=VALUE`, dotted keys, TOML values) on top.
///
/// Paths in the file are resolved against the file's folder, paths in `sets` against the working directory, so that the
/// result means the same from anywhere.
///
/// # Errors
/// A [`ConfigError`] for an unreadable file, a syntax error, an unknown key (with the nearest right one), a value of
/// the wrong type, or one outside its range.
pub fn load(location: &(impl FileLocation + ?Sized), sets: &[String]) -> Result<Config, ConfigError> {
    let text = read_text(location)?;
    let mut config = parse(&text, &location.full_path().display().to_string())?;
    if !sets.is_empty() {
        config = apply_sets(&text, sets)?;
    }
    anchor_paths(config, location.full_path())
}

fn read_text(location: &(impl FileLocation + ?Sized)) -> Result<String, ConfigError> {
    let path = location.full_path();
    let read = match location.confining_folder() {
        // What a user names may be a pipe from another program.
        None => std::fs::read_to_string(path),
        Some(_) => files::read(location, MAX_SMALL_FILE_BYTES)
            .and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other)),
    };
    read.map_err(|e| ConfigError {
        origin: path.display().to_string(),
        line: None,
        message: match e.kind() {
            std::io::ErrorKind::NotFound => "no such file; name an existing TOML file".into(),
            _ => format!("cannot be read ({e}); name a TOML file that you may read"),
        },
    })
}

/// Makes the paths of the configuration in the file `path` mean the same from anywhere.
fn anchor_paths(mut config: Config, path: &Path) -> Result<Config, ConfigError> {
    paths::resolve_paths(&mut config, paths::folder_of(path));
    match paths::non_utf8_path(&config) {
        None => Ok(config),
        Some(named) => Err(ConfigError {
            origin: path.display().to_string(),
            line: None,
            message: format!(
                "it names {}, and the path is not UTF-8; rename the folder that is not, or write the path from the root",
                named.display()
            ),
        }),
    }
}

/// A configuration that was checked to the end.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedConfig {
    /// Keys that are given by former names, each with its present one.
    pub renamed: Vec<ConfigError>,
    /// The configuration, or all of its faults in the order of their places.
    pub outcome: Result<Config, Vec<ConfigError>>,
    /// Index of the fault to report where only one is reported.
    main_fault: usize,
}

/// Reads and checks a configuration file, and reports everything that is wrong with it.
pub fn check_file(path: &Path) -> CheckedConfig {
    let text = match read_text(path) {
        Ok(text) => text,
        Err(fault) => return CheckedConfig { renamed: Vec::new(), outcome: Err(vec![fault]), main_fault: 0 },
    };
    let checked = check_text(&text, &path.display().to_string());
    let outcome = checked.outcome.and_then(|config| anchor_paths(config, path).map_err(|fault| vec![fault]));
    CheckedConfig { outcome, ..checked }
}

/// Checks TOML text; `origin` names it in errors.
///
/// # Errors
/// As [`load`], but for files; of several faults the first, one of a key or a type before one of a rule.
pub fn parse(text: &str, origin: &str) -> Result<Config, ConfigError> {
    let checked = check_text(text, origin);
    checked.outcome.map_err(|mut faults| faults.swap_remove(checked.main_fault))
}

fn check_text(text: &str, origin: &str) -> CheckedConfig {
    let place = |(offset, message): KeyRemark| ConfigError {
        origin: origin.to_owned(),
        line: offset.map(|at| 1 + text[..at.min(text.len())].matches('\n').count()),
        message,
    };
    let refused =
        |remark: KeyRemark| CheckedConfig { renamed: Vec::new(), outcome: Err(vec![place(remark)]), main_fault: 0 };
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            return refused((error.span().map(|span| span.start), ConfigError::first_line(error.message())));
        }
    };
    let mut given = GivenKeys::collect(&document);
    if !given.unknown.is_empty() && Study::is_study_text(text) {
        let message = format!(
            "this is a study, variants of an experiment over several seeds; `surfit study {origin}` does it, \
             `surfit config check {origin}` checks it"
        );
        return refused((None, message));
    }
    let mut config = given.build_config();
    // Files and checkpoints determine the number; a number besides them is a second word for the same, or a mistake.
    if given.find("corners.count").is_none() && Patch::from_corner_count(config.corners.len()).is_some() {
        config.corners.count = config.corners.len();
    }
    let by_itself = given.unknown.drain(..).chain(given.faults.drain(..));
    let mut faults: Vec<(bool, KeyRemark)> = by_itself.map(|fault| (false, fault)).collect();
    let is_partial = !faults.is_empty();
    for (name, remedy) in config.broken_rules() {
        match given.find(&name) {
            Some(key) => faults.push((true, (key.offset, unusable_value_message(&name, &key.written, &remedy)))),
            // A default may only be wrong beside values that are not here yet.
            None if is_partial => {}
            None => faults.push((true, (None, unusable_value_message(&name, "", &remedy)))),
        }
    }
    faults.sort_by_key(|(_, (offset, _))| offset.unwrap_or(usize::MAX));
    // A broken rule may only follow from a value that is not here yet.
    let main_fault = faults.iter().position(|(is_rule, _)| !is_rule).unwrap_or(0);
    CheckedConfig {
        renamed: given.renamed.into_iter().map(place).collect(),
        outcome: match faults.is_empty() {
            true => Ok(config),
            false => Err(faults.into_iter().map(|(_, fault)| place(fault)).collect()),
        },
        main_fault,
    }
}

/// A configuration with one key replaced: `set` is `KEY=VALUE` with a dotted key. A value that is not TOML is taken as
/// text, so that `--set data.name=fashion-mnist` needs no quotes.
///
/// # Errors
/// As [`parse`], with the option itself as the place.
pub fn apply_set(config: &Config, set: &str) -> Result<Config, ConfigError> {
    let mut document: DocumentMut = config.to_toml().parse().expect("a configuration writes itself as TOML");
    // The number follows new files and new checkpoints.
    let key = set.split_once('=').map_or(set, |(key, _)| key).trim();
    if ["corners.checkpoints", "corners.epochs"].contains(&present_key(key))
        && let Some(corners) = document.get_mut("corners").and_then(Item::as_table_mut)
    {
        corners.remove("count");
    }
    apply_sets(&document.to_string(), std::slice::from_ref(&set.to_owned()))
}

/// The configuration of a text that is good by itself, with all the replacements made in it.
fn apply_sets(text: &str, sets: &[String]) -> Result<Config, ConfigError> {
    let mut document: DocumentMut = text.parse().expect("it was parsed before");
    // Replacements may need each other, so only all of them together must be good; the first after which the final
    // fault is there is the one to name.
    let mut stages = Vec::with_capacity(sets.len());
    for set in sets {
        replace_key(&mut document, set)?;
        let origin = format!("--set {set}");
        let outcome = parse(&document.to_string(), &origin);
        stages.push(outcome.map_err(|e| ConfigError { line: None, ..e }));
    }
    let last = stages.last().expect("there is at least one set").clone();
    last.map_err(|fault| {
        let since =
            stages.iter().rposition(|s| !matches!(s, Err(e) if e.message == fault.message)).map_or(0, |at| at + 1);
        match stages.swap_remove(since) {
            Err(named) => named,
            Ok(_) => fault,
        }
    })
}

/// Replaces the value of one key.
fn replace_key(document: &mut DocumentMut, set: &str) -> Result<(), ConfigError> {
    let fault = |message: String| ConfigError { origin: format!("--set {set}"), line: None, message };
    let anchored = paths::resolve_set_paths(set, Path::new("."));
    let (key, value) =
        anchored.split_once('=').ok_or_else(|| fault("write KEY=VALUE, such as fit.degree=[3,3]".into()))?;
    let value: toml_edit::Value = paths::parse_value(value);
    let key = present_key(key.trim());
    let parts: Vec<&str> = key.split('.').collect();
    let (last, tables) = parts.split_last().expect("split gives at least one part");
    let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
    for part in tables {
        table = table
            .entry(part)
            .or_insert_with(|| Item::Table(Table::new()))
            .as_table_like_mut()
            .ok_or_else(|| fault(format!("`{part}` is a value, not a table")))?;
    }
    for former in former_keys(key) {
        table.remove(former.rsplit('.').next().unwrap_or(former));
    }
    table.insert(last, Item::Value(value));
    Ok(())
}

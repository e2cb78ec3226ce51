//! From TOML text to a configuration, with faults named by file, line and key.

use super::value_errors::{describe_value_error, find_unknown_key, locate_key, shorten_value};
use super::{Config, ConfigError, paths};
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
    let path = location.full_path();
    let origin = path.display().to_string();
    let read = match location.confining_folder() {
        // What a user names may be a pipe from another program.
        None => std::fs::read_to_string(path),
        Some(_) => files::read(location, MAX_SMALL_FILE_BYTES)
            .and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other)),
    };
    let text = read.map_err(|e| ConfigError {
        origin: origin.clone(),
        line: None,
        message: format!("cannot be read ({e}); name an existing TOML file"),
    })?;
    let mut config = parse(&text, &origin)?;
    if !sets.is_empty() {
        config = apply_sets(&text, sets)?;
    }
    paths::resolve_paths(&mut config, paths::folder_of(path));
    match paths::non_utf8_path(&config) {
        None => Ok(config),
        Some(path) => Err(ConfigError {
            origin,
            line: None,
            message: format!(
                "it names {}, and the path is not UTF-8; rename the folder that is not, or write the path from the root",
                path.display()
            ),
        }),
    }
}

/// Checks TOML text; `origin` names it in errors.
///
/// # Errors
/// As [`load`], but for files.
pub fn parse(text: &str, origin: &str) -> Result<Config, ConfigError> {
    let fault = |offset: Option<usize>, message: String| ConfigError {
        origin: origin.to_owned(),
        line: offset.map(|at| 1 + text[..at.min(text.len())].matches('\n').count()),
        message,
    };
    let document = Document::parse(text).map_err(|e| fault(e.span().map(|s| s.start), first_line(e.message())))?;
    let model: toml::Table = toml::from_str(&Config::default().to_toml()).expect("defaults are TOML");
    if let Some((offset, message)) = find_unknown_key(document.as_table(), &model, "") {
        if Study::is_study_text(text) {
            return Err(fault(
                None,
                format!(
                    "this is a study, variants of an experiment over several seeds; `surfit study {origin}` does it, \
                     `surfit config check {origin}` checks it"
                ),
            ));
        }
        return Err(fault(offset, message));
    }
    let mut config: Config = toml::from_str(text).map_err(|e| {
        let offset = e.span().map(|s| s.start);
        fault(offset, describe_value_error(document.as_table(), offset, &first_line(e.message())))
    })?;
    // Files and checkpoints say how many there are; a number beside them is a second word for the same, or a mistake.
    let counted = locate_key(document.as_table(), &["corners", "count"]).0.is_some();
    if !counted && Patch::from_corner_count(config.corners.len()).is_some() {
        config.corners.count = config.corners.len();
    }
    match config.broken_rule() {
        None => Ok(config),
        Some((path, remedy)) => {
            let (offset, value) = locate_key(document.as_table(), path);
            let value = value.map(|v| format!(" = {}", shorten_value(&v))).unwrap_or_default();
            Err(fault(offset, format!("`{}{value}` cannot be used; {remedy}", path.join("."))))
        }
    }
}

/// A configuration with one key replaced: `set` is `KEY=VALUE` with a dotted key. A value that is not TOML is taken as
/// text, so that `--set data.set=fashion-mnist` needs no quotes.
///
/// # Errors
/// As [`parse`], with the option itself as the place.
pub fn apply_set(config: &Config, set: &str) -> Result<Config, ConfigError> {
    let mut document: DocumentMut = config.to_toml().parse().expect("a configuration writes itself as TOML");
    // The number follows new files and new checkpoints.
    if ["corners.from", "corners.epochs"].iter().any(|k| set.trim_start().starts_with(k))
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
    let parts: Vec<&str> = key.trim().split('.').collect();
    let (last, tables) = parts.split_last().expect("split gives at least one part");
    let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
    for part in tables {
        table = table
            .entry(part)
            .or_insert_with(|| Item::Table(Table::new()))
            .as_table_like_mut()
            .ok_or_else(|| fault(format!("`{part}` is a value, not a table")))?;
    }
    table.insert(last, Item::Value(value));
    Ok(())
}

pub(super) fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

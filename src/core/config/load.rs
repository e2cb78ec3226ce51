//! From TOML text to a configuration, with faults named by file, line and key.

use super::{Config, ConfigError, nearest};
use std::path::{Path, PathBuf};
use toml_edit::{Document, Item, Table};

/// Reads and checks a configuration file, with `sets` (`KEY=VALUE`, dotted keys, TOML values) on top.
///
/// Paths in it are resolved against the file's folder, so that the result means the same from anywhere.
///
/// # Errors
/// A [`ConfigError`] for an unreadable file, a syntax error, an unknown key (with the nearest right one), a value of
/// the wrong type, or one outside its range.
pub fn load(path: &Path, sets: &[String]) -> Result<Config, ConfigError> {
    let origin = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| ConfigError {
        origin: origin.clone(),
        line: None,
        message: format!("cannot be read ({e}); name an existing TOML file"),
    })?;
    let mut config = parse(&text, &origin)?;
    for set in sets {
        config = apply_set(&config, set)?;
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let resolve = |p: &mut PathBuf| {
        if !p.as_os_str().is_empty() && p.is_relative() {
            *p = folder.join(&*p);
        }
    };
    config.corners.from.iter_mut().for_each(resolve);
    resolve(&mut config.data.dir);
    Ok(config)
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
    let document = Document::parse(text)
        .map_err(|e| fault(e.span().map(|s| s.start), first_line(e.message())))?;
    let model: toml::Table =
        toml::from_str(&Config::default().to_toml()).expect("defaults are TOML");
    if let Some((offset, message)) = unknown_key(document.as_table(), &model, "") {
        return Err(fault(offset, message));
    }
    let config: Config = toml::from_str(text)
        .map_err(|e| fault(e.span().map(|s| s.start), first_line(e.message())))?;
    match config.broken_rule() {
        None => Ok(config),
        Some((path, remedy)) => {
            let (offset, value) = find(document.as_table(), path);
            let value = value
                .map(|v| format!(" = {}", v.trim()))
                .unwrap_or_default();
            Err(fault(
                offset,
                format!("`{}{value}` cannot be used; {remedy}", path.join(".")),
            ))
        }
    }
}

/// A configuration with one key replaced: `set` is `KEY=VALUE` with a dotted key. A value that is not TOML is taken as
/// text, so that `--set data.set=fashion-mnist` needs no quotes.
///
/// # Errors
/// As [`parse`], with the option itself as the place.
pub fn apply_set(config: &Config, set: &str) -> Result<Config, ConfigError> {
    let origin = format!("--set {set}");
    let fault = |message: String| ConfigError {
        origin: origin.clone(),
        line: None,
        message,
    };
    let (key, value) = set
        .split_once('=')
        .ok_or_else(|| fault("write KEY=VALUE, such as fit.degree=[3,3]".into()))?;
    let value: toml_edit::Value = value
        .trim()
        .parse()
        .unwrap_or_else(|_| toml_edit::Value::from(value.trim()));
    let mut document: toml_edit::DocumentMut = config
        .to_toml()
        .parse()
        .expect("a configuration writes itself as TOML");
    let parts: Vec<&str> = key.trim().split('.').collect();
    let (last, tables) = parts.split_last().expect("split gives at least one part");
    let mut table: &mut Table = document.as_table_mut();
    for part in tables {
        table = table
            .entry(part)
            .or_insert_with(toml_edit::table)
            .as_table_mut()
            .ok_or_else(|| fault(format!("`{part}` is a value, not a table")))?;
    }
    table.insert(last, Item::Value(value));
    parse(&document.to_string(), &origin).map_err(|e| ConfigError { line: None, ..e })
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

/// The first key of `table` that the defaults do not have: its byte offset and a sentence.
fn unknown_key(
    table: &Table,
    model: &toml::Table,
    prefix: &str,
) -> Option<(Option<usize>, String)> {
    for (name, item) in table.iter() {
        let offset = table.key(name).and_then(|k| k.span()).map(|s| s.start);
        let Some(known) = model.get(name) else {
            let all: Vec<&str> = model.keys().map(String::as_str).collect();
            let hint = match nearest(name, &all) {
                Some(k) => format!("did you mean `{prefix}{k}`?"),
                None => format!("known here: {}", all.join(", ")),
            };
            return Some((offset, format!("unknown key `{prefix}{name}`; {hint}")));
        };
        let inner = match (item.as_table(), item.as_inline_table(), known.as_table()) {
            (Some(t), _, Some(m)) => unknown_key(t, m, &format!("{prefix}{name}.")),
            (_, Some(t), Some(m)) => {
                unknown_key(&t.clone().into_table(), m, &format!("{prefix}{name}."))
                    .map(|(_, message)| (offset, message))
            }
            _ => None,
        };
        if inner.is_some() {
            return inner;
        }
    }
    None
}

/// Where the key of `path` stands and what its value reads like.
fn find(table: &Table, path: &[&str]) -> (Option<usize>, Option<String>) {
    let (mut item, mut offset): (Option<&Item>, _) = (None, None);
    let mut table_like: Option<&dyn toml_edit::TableLike> = Some(table);
    for part in path {
        let Some((key, value)) = table_like.and_then(|t| t.get_key_value(part)) else {
            return (None, None);
        };
        offset = key.span().map(|s| s.start).or(offset);
        item = Some(value);
        table_like = value.as_table_like();
    }
    (offset, item.map(ToString::to_string))
}

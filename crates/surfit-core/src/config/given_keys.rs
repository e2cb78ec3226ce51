//! The keys that a text gives: where each is, what it is called now, and what is wrong with it by itself.

use super::value_errors::{describe_value_error, unknown_key_message};
use super::{Config, ConfigError, former_keys, present_key, renamed_key};
use toml::{Table, Value};
use toml_edit::{Document, Item, TableLike};

/// A fault or a remark: the byte that it is about, where there is one, and a sentence.
pub(super) type KeyRemark = (Option<usize>, String);

pub(super) struct GivenKey {
    /// Its present name, dotted.
    pub name: String,
    /// Where the key begins.
    pub offset: Option<usize>,
    /// The value as it is written.
    pub written: String,
    value: Value,
    element_offsets: Vec<Option<usize>>,
}

#[derive(Default)]
pub(super) struct GivenKeys {
    /// The keys that a configuration has.
    pub known: Vec<GivenKey>,
    /// Keys that no configuration has.
    pub unknown: Vec<KeyRemark>,
    /// Keys that cannot be used as they are given.
    pub faults: Vec<KeyRemark>,
    /// Keys under former names, with the present ones.
    pub renamed: Vec<KeyRemark>,
}

impl GivenKeys {
    pub fn collect(document: &Document<&str>) -> Self {
        let mut given = Self::default();
        given.collect_table(document.as_table(), &default_values(), "", None);
        given
    }

    fn collect_table(&mut self, table: &dyn TableLike, model: &Table, prefix: &str, outer: Option<usize>) {
        for (name, item) in table.iter() {
            let offset = table.key(name).and_then(|key| key.span()).map(|span| span.start).or(outer);
            let written_key = format!("{prefix}{name}");
            let key = present_key(&written_key);
            let Some(known) = model.get(key.strip_prefix(prefix).unwrap_or(key)) else {
                self.unknown.push((offset, unknown_key_message(prefix, name, model)));
                continue;
            };
            if let Some(present) = renamed_key(&written_key) {
                self.renamed.push((offset, format!("{written_key} is now {present}")));
            }
            if self.known.iter().any(|other| other.name == key) {
                // Their order does not matter: the one that is removed is a former name.
                let former = former_keys(key).filter(|former| table.contains_key(&former[prefix.len()..]));
                let former = former.map(|former| format!("`{former}`")).collect::<Vec<_>>().join(" and ");
                let sentence = format!("`{key}` is given twice; {former} is the same, leave it out");
                self.faults.push((offset, sentence));
                continue;
            }
            match (item.as_table_like(), known.as_table()) {
                (Some(inner), Some(model)) => self.collect_table(inner, model, &format!("{key}."), offset),
                (None, Some(_)) => {
                    let value = item.as_value().map(ToString::to_string).unwrap_or_default();
                    let sentence = describe_value_error(key, &value, "a value, expected a map");
                    self.faults.push((offset, sentence));
                }
                (_, None) => self.collect_value(key.to_owned(), offset, item),
            }
        }
    }

    fn collect_value(&mut self, name: String, offset: Option<usize>, item: &Item) {
        // A table below its own header has lines of its own, which no sentence repeats.
        let written = if item.is_value() { item.to_string() } else { String::new() };
        let elements = item.as_array().into_iter().flatten();
        let element_offsets = elements.map(|e| e.span().map(|span| span.start)).collect();
        let value = match item.is_value() {
            true => toml::from_str::<Table>(&format!("value = {}", written.trim())),
            false => Ok(Table::from_iter([("value".to_owned(), Value::Table(Table::new()))])),
        };
        match value.map(|mut table| table.remove("value")) {
            Ok(Some(value)) => self.known.push(GivenKey { name, offset, written, value, element_offsets }),
            Ok(None) => {}
            Err(error) => self.faults.push((offset, describe_value_error(&name, &written, error.message()))),
        }
    }

    /// The configuration of the values that have the right types, the others being reported as faults.
    pub fn build_config(&mut self) -> Config {
        let with_key = |values: Table, key: &GivenKey| with_value(values, &key.name, key.value.clone());
        if let Ok(config) = self.known.iter().fold(default_values(), with_key).try_into() {
            return config;
        }
        let mut values = default_values();
        for key in &self.known {
            match find_type_error(key) {
                None => values = with_key(values, key),
                Some(fault) => self.faults.push(fault),
            }
        }
        values.try_into().unwrap_or_else(|error: toml::de::Error| {
            self.faults.push((None, ConfigError::first_line(error.message())));
            Config::default()
        })
    }

    pub fn find(&self, name: &str) -> Option<&GivenKey> {
        self.known.iter().find(|key| key.name == name)
    }
}

/// What is wrong with the type of one value: the defaults with it alone are no configuration.
fn find_type_error(key: &GivenKey) -> Option<KeyRemark> {
    let refuse = |value: Value| {
        let values = with_value(default_values(), &key.name, value);
        values.try_into::<Config>().err().map(|error| ConfigError::first_line(error.message()))
    };
    let message = refuse(key.value.clone())?;
    // Of a list, the first element with which it is refused so.
    let elements = key.value.as_array().map(Vec::as_slice).unwrap_or_default();
    let up_to = |end: &usize| refuse(Value::Array(elements[..=*end].to_vec())).as_ref() == Some(&message);
    let element = (0..elements.len()).find(up_to).and_then(|index| *key.element_offsets.get(index)?);
    Some((element.or(key.offset), describe_value_error(&key.name, &key.written, &message)))
}

fn default_values() -> Table {
    Table::try_from(Config::default()).expect("a configuration is plain tables")
}

/// The values with another one for a dotted key.
fn with_value(mut values: Table, name: &str, value: Value) -> Table {
    let (table, key) = name.split_once('.').unwrap_or(("", name));
    match values.get_mut(table).and_then(Value::as_table_mut) {
        Some(table) => table.insert(key.to_owned(), value),
        None => values.insert(key.to_owned(), value),
    };
    values
}

//! What is wrong with a value or a key, in the words of a configuration.

use super::nearest_name;
use toml_edit::{Item, Table, TableLike};

/// A value that its key cannot have, as a sentence: `said` is what the reader of values says of it, `offset` where the value
/// stands.
pub(super) fn describe_value_error(table: &Table, offset: Option<usize>, reader_message: &str) -> String {
    let place = offset.and_then(|at| find_key_at(table, at, ""));
    let Some((key, value)) = place else {
        return reader_message.to_owned();
    };
    let remedy = match reader_message.split_once(", expected ") {
        Some((_, wanted)) => format!("use {}", describe_expected_value(wanted, &value)),
        None => reader_message.to_owned(),
    };
    format!("`{key} = {}` cannot be used; {remedy}", shorten_value(&value))
}

/// A value as a sentence repeats it: of a long one, such as a number of hundreds of digits, the beginning.
pub(super) fn shorten_value(value: &str) -> String {
    const MAX_VALUE_CHARS: usize = 60;
    let value = value.trim();
    match value.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

/// The key whose value stands at `offset`, dotted, and that value.
fn find_key_at(table: &dyn TableLike, offset: usize, prefix: &str) -> Option<(String, String)> {
    table.iter().find_map(|(name, item)| {
        let key = format!("{prefix}{name}");
        if !matches!(item, Item::Value(toml_edit::Value::InlineTable(_)))
            && item.is_value()
            && item.span().is_some_and(|s| s.contains(&offset))
        {
            return Some((key, item.to_string()));
        }
        find_key_at(item.as_table_like()?, offset, &format!("{key}."))
    })
}

/// What the reader of values expects, in a user's words.
fn describe_expected_value(expected: &str, value: &str) -> String {
    let names: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    if let Some((last, others)) = names.split_last() {
        let given = value.trim().trim_matches(['"', '\'']);
        let all = match others {
            [] => (*last).to_owned(),
            others => format!("{} or {last}", others.join(", ")),
        };
        return match nearest_name(given, &names) {
            Some(name) => format!("{all} (did you mean `{name}`?)"),
            None => all,
        };
    }
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more".into(),
        "i64" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a string" => "a name or text in quotes".into(),
        "path string" => "a path in quotes".into(),
        // What TOML cannot read as a list was taken as text.
        "a sequence" if value.trim().trim_start_matches(['"', '\'']).starts_with('[') => {
            format!("a list that TOML can read: whole numbers up to {}, text in quotes", i64::MAX)
        }
        "a sequence" => "a list in brackets, such as [1, 2]".into(),
        other if other.starts_with("struct ") || other == "a map" => "a table, such as [fit] with keys below it".into(),
        other => other.to_owned(),
    }
}

/// The key of the same table that another name stands for: `surfit set` and the screen call it so.
fn key_alias(key: &str) -> Option<&'static str> {
    matches!(key, "fit.rate" | "fit.lr" | "corners.rate" | "corners.lr").then_some("learning_rate")
}

/// The first key of `table` that the defaults do not have: its byte offset and a sentence.
pub(super) fn find_unknown_key(table: &Table, model: &toml::Table, prefix: &str) -> Option<(Option<usize>, String)> {
    for (name, item) in table.iter() {
        let offset = table.key(name).and_then(|k| k.span()).map(|s| s.start);
        let Some(known) = model.get(name) else {
            let all: Vec<&str> = model.keys().map(String::as_str).collect();
            let hint = match key_alias(&format!("{prefix}{name}")).or_else(|| nearest_name(name, &all)) {
                Some(k) => format!("did you mean `{prefix}{k}`?"),
                None => format!("known here: {}", all.join(", ")),
            };
            return Some((offset, format!("unknown key `{prefix}{name}`; {hint}")));
        };
        let inner = match (item.as_table(), item.as_inline_table(), known.as_table()) {
            (Some(t), _, Some(m)) => find_unknown_key(t, m, &format!("{prefix}{name}.")),
            (_, Some(t), Some(m)) => find_unknown_key(&t.clone().into_table(), m, &format!("{prefix}{name}."))
                .map(|(_, message)| (offset, message)),
            _ => None,
        };
        if inner.is_some() {
            return inner;
        }
    }
    None
}

/// Where the key of `path` stands and what its value reads like.
pub(super) fn locate_key(table: &Table, path: &[&str]) -> (Option<usize>, Option<String>) {
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

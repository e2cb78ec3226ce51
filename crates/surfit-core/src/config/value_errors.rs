//! What is wrong with a value or a key, in the words of a configuration.

use super::renamed_keys::RENAMED_KEYS;
use super::{nearest_name, present_key};

/// A value that its key cannot have, as a sentence; `reader_message` is the parser's message.
pub(super) fn describe_value_error(key: &str, value: &str, reader_message: &str) -> String {
    let remedy = match reader_message.split_once(", expected ") {
        Some((_, wanted)) => format!("use {}", describe_expected_value(wanted, value)),
        None => reader_message.to_owned(),
    };
    unusable_value_message(key, value, &remedy)
}

/// The sentence for a value that cannot be used; an empty one is not repeated.
pub(super) fn unusable_value_message(key: &str, value: &str, remedy: &str) -> String {
    join_lines(&match shorten_value(value) {
        value if value.is_empty() => format!("`{key}` cannot be used; {remedy}"),
        value => format!("`{key} = {value}` cannot be used; {remedy}"),
    })
}

/// A sentence in one line, whatever text of several lines it repeats.
fn join_lines(sentence: &str) -> String {
    sentence.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// A value as a sentence repeats it: of a long one, such as a number of hundreds of digits, the beginning.
fn shorten_value(value: &str) -> String {
    const MAX_VALUE_CHARS: usize = 60;
    let value = value.trim();
    match value.char_indices().nth(MAX_VALUE_CHARS) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

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

/// The sentence for a key that the table `prefix` does not have, with the one that was probably meant.
pub(super) fn unknown_key_message(prefix: &str, name: &str, model: &toml::Table) -> String {
    let present: Vec<&str> = model.keys().map(String::as_str).collect();
    // A former name is only meant when it is nearly written out.
    let former = RENAMED_KEYS.iter().filter_map(|(former, _)| former.strip_prefix(prefix));
    let former = former.filter(|key| !key.contains('.') && strsim::damerau_levenshtein(key, name) <= 2);
    let all: Vec<&str> = former.chain(present.iter().copied()).collect();
    // The screen calls it so.
    let meant = if name == "rate" { Some("learning_rate") } else { nearest_name(name, &all) };
    let hint = match meant.map(|key| format!("{prefix}{key}")) {
        Some(key) => format!("did you mean `{}`?", present_key(&key)),
        None => format!("known here: {}", present.join(", ")),
    };
    join_lines(&format!("unknown key `{prefix}{name}`; {hint}"))
}

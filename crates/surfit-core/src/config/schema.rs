//! The JSON schema of a configuration: what editors complete and check, and what the reference page is made of.

use super::{ChannelConstants, Config, CornerEpochs, DegreeSetting};
use crate::surface::Degrees;
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::sync::LazyLock;

/// Extension of a key's schema that holds the sentence for a value that the key cannot have.
const REMEDY: &str = "remedy";

static WITH_REMEDIES: LazyLock<Value> = LazyLock::new(generate_schema);

/// The schema, with the default of every key.
pub fn config_schema() -> Value {
    let mut schema = WITH_REMEDIES.clone();
    visit_keys(&mut schema, &mut |_, key| drop(key.remove(REMEDY)));
    schema
}

/// What to do about a value that the key cannot have; `None` where the broken rule itself states it.
pub(super) fn find_remedy(key: &str) -> Option<String> {
    let pointer = format!("/properties/{}/{REMEDY}", key.replace('.', "/properties/"));
    Some(WITH_REMEDIES.pointer(&pointer)?.as_str()?.to_owned())
}

fn generate_schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Config>().to_value();
    let defaults = serde_json::to_value(Config::default()).expect("a configuration is plain tables");
    visit_keys(&mut schema, &mut |path, key| {
        // The tables themselves have none: what is left out of a table has the default of its key.
        match defaults.pointer(path) {
            Some(Value::Object(_)) => {
                key.insert("additionalProperties".into(), false.into());
                key.remove("unevaluatedProperties");
                key.remove("default");
                key.remove("required");
            }
            Some(value) => drop(key.insert("default".into(), value.clone())),
            None => {}
        }
        if let Some(Value::String(text)) = key.get_mut("description") {
            *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        }
    });
    schema
}

/// Calls `visit` for a schema and all keys below it, with the pointer to the key's value in a configuration.
fn visit_keys(schema: &mut Value, visit: &mut impl FnMut(&str, &mut Map<String, Value>)) {
    fn descend(path: &str, schema: &mut Value, visit: &mut impl FnMut(&str, &mut Map<String, Value>)) {
        let Some(object) = schema.as_object_mut() else { return };
        visit(path, object);
        let Some(keys) = object.get_mut("properties").and_then(Value::as_object_mut) else { return };
        for (name, key) in keys {
            descend(&format!("{path}/{name}"), key, visit);
        }
    }
    descend("", schema, visit);
}

/// The reference of all keys as Markdown: one table for each table of a configuration, with defaults and values.
pub fn describe_keys_as_markdown() -> String {
    // Unlike the schema, the text of a configuration has the keys in their order.
    let defaults: toml_edit::DocumentMut = Config::default().to_toml().parse().expect("a configuration is TOML");
    let mut page = String::new();
    let mut write_table = |title: &str, about: &str, table: &dyn toml_edit::TableLike, schema: &Value| {
        page += &format!("### {title}\n\n{about}\n\n| key | default | values | meaning |\n| --- | --- | --- | --- |\n");
        for (name, _) in table.iter().filter(|(_, item)| !item.is_table_like()) {
            let key = &schema["properties"][name];
            let about = key["description"].as_str().unwrap_or_default();
            page += &format!("| `{name}` | `{}` | {} | {about} |\n", key["default"], describe_values(key));
        }
        page += "\n";
    };
    write_table("Above the tables", "The run itself.", defaults.as_table(), &WITH_REMEDIES);
    for (name, item) in defaults.iter() {
        let schema = &WITH_REMEDIES["properties"][name];
        let about = schema["description"].as_str().unwrap_or_default();
        if let Some(table) = item.as_table_like() {
            write_table(&format!("`[{name}]`"), about, table, schema);
        }
    }
    page.trim_end().to_owned() + "\n"
}

/// The values that a key may have, in a few words.
fn describe_values(key: &Value) -> String {
    let list = |values: &[Value]| {
        let names = values.iter().map(|value| format!("`{}`", value.as_str().map_or(value.to_string(), str::to_owned)));
        names.collect::<Vec<_>>().join(", ")
    };
    if let Some(remedy) = key[REMEDY].as_str().and_then(|sentence| sentence.strip_prefix("use ")) {
        return remedy.to_owned();
    }
    if let Some(names) = key["enum"].as_array() {
        return list(names);
    }
    if let Some(variants) = key["oneOf"].as_array() {
        return list(&variants.iter().map(|variant| variant["const"].clone()).collect::<Vec<_>>());
    }
    let items = &key["items"];
    let bounds = |key: &Value| match (key["minimum"].as_f64(), key["maximum"].as_f64()) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) if least > 0.0 => format!(", {least} or more"),
        _ => String::new(),
    };
    match key["type"].as_str() {
        Some("integer") => format!("whole number{}", bounds(key)),
        Some("number") => format!("number{}", bounds(key)),
        Some("boolean") => "`true`, `false`".into(),
        Some("string") => "text".into(),
        Some("array") if items["type"] == "integer" => format!("list of whole numbers{}", bounds(items)),
        Some("array") if items["type"] == "number" => format!("list of numbers{}", bounds(items)),
        Some("array") if items["type"] == "array" => "list of pairs of texts".into(),
        Some("array") => "list of texts".into(),
        _ => {
            let choices = key["anyOf"].as_array().map(Vec::as_slice).unwrap_or_default();
            choices.iter().map(describe_values).collect::<Vec<_>>().join("; or ")
        }
    }
}

/// A schema that was written by hand, since the type is read by a visitor of its own.
macro_rules! schema_by_hand {
    ($type:ty, $name:literal, $($schema:tt)+) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($($schema)+)
            }
        }
    };
}

schema_by_hand!(DegreeSetting, "DegreeSetting", {
    "anyOf": [
        { "type": "integer", "minimum": 1, "maximum": Degrees::MAX_DEGREE },
        {
            "type": "array", "minItems": 1, "maxItems": 2,
            "items": { "type": "integer", "minimum": 1, "maximum": Degrees::MAX_DEGREE }
        },
    ]
});

schema_by_hand!(CornerEpochs, "CornerEpochs", {
    "anyOf": [
        { "type": "integer", "minimum": 1, "maximum": 1_000_000 },
        {
            "type": "array", "minItems": 2, "maxItems": 4, "uniqueItems": true,
            "items": { "type": "integer", "minimum": 1, "maximum": 1_000_000 }
        },
    ]
});

schema_by_hand!(ChannelConstants, "ChannelConstants", {
    "anyOf": [
        { "type": "string", "enum": ChannelConstants::NAMES },
        { "type": "number", "minimum": -10, "maximum": 10 },
        { "type": "array", "minItems": 1, "items": { "type": "number", "minimum": -10, "maximum": 10 } },
    ]
});

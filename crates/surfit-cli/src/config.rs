//! `surfit config`: checking configurations, and showing the default one and the schema.

use super::args::ConfigSub;
use super::error::CliError;
use super::preflight::check_runnable;
use super::{output, study};
use std::path::Path;
use surfit_core::config;
use surfit_core::study::Study;

/// The default configuration with every key explained.
const DEFAULT_CONFIG: &str = include_str!("../configs/default.toml");

/// Checks files, or prints the default configuration or the schema.
pub fn run_command(command: ConfigSub) -> Result<(), CliError> {
    let files = match command {
        ConfigSub::Default => return output::print_bytes(DEFAULT_CONFIG.as_bytes()),
        ConfigSub::Schema { markdown: true } => {
            return output::print_bytes(config::describe_keys_as_markdown().as_bytes());
        }
        ConfigSub::Schema { markdown: false } => {
            let schema = serde_json::to_string_pretty(&config::config_schema()).expect("a schema is plain JSON");
            return output::print_bytes(format!("{schema}\n").as_bytes());
        }
        ConfigSub::Check { files } => files,
    };
    let mut faults = Vec::new();
    for file in &files {
        match check(file) {
            Ok(lines) => lines.iter().try_for_each(output::print_line)?,
            Err(found) => {
                for fault in found {
                    match fault {
                        CliError::Usage(sentence) => faults.push(sentence),
                        other => return Err(other),
                    }
                }
            }
        }
    }
    // All faults are told, the last one by the exit.
    let Some(last) = faults.pop() else { return Ok(()) };
    faults.iter().for_each(output::print_warning);
    Err(CliError::Usage(last))
}

/// Returns what there is to say of a good file, a configuration's or a study's, line by line; else all of its faults. Warns of
/// keys that are given by former names.
fn check(file: &Path) -> Result<Vec<String>, Vec<CliError>> {
    if Study::is_study_file(file) {
        warn_of_renamed_keys_in_study(file);
        return study::check_study(file).map(|line| vec![line]).map_err(|fault| vec![fault]);
    }
    let checked = config::check_file(file);
    checked.renamed.iter().for_each(|key| output::print_stderr_line(key.to_string()));
    let config = checked.outcome.map_err(|faults| faults.into_iter().map(CliError::from).collect::<Vec<_>>())?;
    let notices = check_runnable(&config, &file.display().to_string()).map_err(|fault| vec![fault])?;
    let good = format!(
        "{}: good ({}, {} at degree {}, {})",
        file.display(),
        config.name,
        config.network.name,
        config.degrees(),
        config.patch().describe_grid(config.heatmap.grid)
    );
    let notices = notices.into_iter().map(|notice| format!("  {notice}"));
    Ok([good].into_iter().chain(notices).collect())
}

fn warn_of_renamed_keys_in_study(file: &Path) {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    for (line, content) in text.lines().enumerate() {
        for (former, present) in config::RENAMED_KEYS {
            if ['"', '\''].iter().any(|quote| content.contains(&format!("{quote}{former}="))) {
                output::print_stderr_line(format!("{}:{}: {former} is now {present}", file.display(), line + 1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use surfit_core::config::Config;

    fn keys(table: &toml::Table, prefix: &str) -> Vec<String> {
        table
            .iter()
            .flat_map(|(k, v)| match v.as_table() {
                Some(inner) => keys(inner, &format!("{prefix}{k}.")),
                None => vec![format!("{prefix}{k}")],
            })
            .collect()
    }

    #[test]
    fn the_printed_default_is_the_default_and_shows_every_key() {
        assert_eq!(config::parse(DEFAULT_CONFIG, "default.toml").unwrap(), Config::default());
        let shown: toml::Table = DEFAULT_CONFIG.parse().unwrap();
        let all: toml::Table = Config::default().to_toml().parse().unwrap();
        let (mut shown, mut all) = (keys(&shown, ""), keys(&all, ""));
        shown.sort();
        all.sort();
        assert_eq!(shown, all);
    }

    #[test]
    fn the_examples_are_good() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/configs");
        let files: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().collect();
        assert!(files.len() >= 4);
        for file in files.into_iter().filter(|f| f.path().is_file()) {
            config::load(&file.path(), &[]).unwrap();
        }
    }

    /// Says why a schema refuses a value, as far as our schema goes: no other keywords are in it.
    fn find_schema_fault(schema: &Value, value: &Value, place: &str) -> Option<String> {
        let refuse = |what: &str| Some(format!("{place}: {what} for {value}"));
        let number = |key: &str| schema[key].as_f64().zip(value.as_f64());
        let is_type = |name: &str| match name {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            other => panic!("{place}: unknown type {other}"),
        };
        if schema["type"].as_str().is_some_and(|name| !is_type(name)) {
            return refuse("type");
        }
        if number("minimum").is_some_and(|(bound, x)| x < bound)
            || number("maximum").is_some_and(|(bound, x)| x > bound)
        {
            return refuse("range");
        }
        if number("exclusiveMinimum").is_some_and(|(bound, x)| x <= bound)
            || number("exclusiveMaximum").is_some_and(|(bound, x)| x >= bound)
        {
            return refuse("open range");
        }
        if schema["enum"].as_array().is_some_and(|all| !all.contains(value))
            || schema.get("const").is_some_and(|only| only != value)
        {
            return refuse("choice");
        }
        for choices in ["anyOf", "oneOf"] {
            let fits = |choice| find_schema_fault(choice, value, place).is_none();
            if schema[choices].as_array().is_some_and(|all| !all.iter().any(fits)) {
                return refuse(choices);
            }
        }
        let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let length = items.len() as u64;
        if value.is_array()
            && (schema["minItems"].as_u64().is_some_and(|n| length < n)
                || schema["maxItems"].as_u64().is_some_and(|n| length > n))
        {
            return refuse("length");
        }
        let item_schema = |index: usize| schema["items"].get(index).unwrap_or(&schema["items"]);
        let inner = items.iter().enumerate();
        inner.filter_map(|(at, item)| find_schema_fault(item_schema(at), item, place)).next().or_else(|| {
            let keys = value.as_object().into_iter().flatten();
            keys.filter_map(|(name, inner)| match schema["properties"].get(name) {
                Some(key) => find_schema_fault(key, inner, &format!("{place}.{name}")),
                None if schema["additionalProperties"] == Value::Bool(false) => refuse(&format!("unknown key {name}")),
                None => None,
            })
            .next()
        })
    }

    #[test]
    fn the_schema_accepts_the_examples_and_refuses_what_the_rules_refuse() {
        let schema = config::config_schema();
        let fault = |text: &str| {
            let table: toml::Table = text.parse().unwrap();
            find_schema_fault(&schema, &serde_json::to_value(table).unwrap(), "")
        };
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/configs");
        let bases = ["study/cnn-base.toml", "study/resnet18-base.toml"].map(|name| Path::new(folder).join(name));
        let examples =
            std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file());
        for file in examples.chain(bases) {
            let text = std::fs::read_to_string(&file).unwrap();
            assert_eq!(fault(&text), None, "{}", file.display());
        }
        assert_eq!(fault(&Config::default().to_toml()), None);
        for text in [
            "colour = 1",
            "fit = { colour = 2 }",
            "threads = 1025",
            "precision = 'f16'",
            "data = { name = 'cifar' }",
            "data = { channels = 2 }",
            "data = { mean = 'imagnet' }",
            "data = { std = [63.0] }",
            "network = { widths = [0] }",
            "corners = { epochs = [4] }",
            "corners = { rename = ['a'] }",
            "corners = { learning_rate = 0.0 }",
            "fit = { degree = 9 }",
            "fit = { momentum = 1.0 }",
            "fit = { schedule = 'cosin' }",
            "fit = { random_erasing = 1.5 }",
            "heatmap = { grid = 102 }",
            "checkpoint = { interval_secs = 0 }",
        ] {
            assert!(fault(text).is_some(), "{text}");
            assert!(config::parse(text, "x").is_err(), "{text}");
        }
    }

    #[test]
    fn every_key_of_the_schema_has_a_description_and_its_default() {
        let schema = config::config_schema();
        let all: toml::Table = Config::default().to_toml().parse().unwrap();
        for key in keys(&all, "") {
            let found = &schema.pointer(&format!("/properties/{}", key.replace('.', "/properties/"))).unwrap();
            let description = found["description"].as_str().unwrap_or_default();
            assert!(description.len() > 10, "{key}: {description}");
            assert!(found.get("default").is_some() && found.get("remedy").is_none(), "{key}: {found}");
        }
        let text = schema.to_string();
        assert!(!text.contains("$ref") && !text.contains("\"required\""), "{text}");
        assert!(DEFAULT_CONFIG.starts_with("#:schema ./surfit.schema.json\n"));
    }

    #[test]
    fn the_page_of_the_configuration_has_todays_keys() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        let page = std::fs::read_to_string(page).unwrap();
        for (former, present) in config::RENAMED_KEYS {
            assert!(page.contains(&format!("| `{former}` | `{present}` |\n")), "{former}");
        }
        assert!(
            page.ends_with(&config::describe_keys_as_markdown()),
            "docs/configuration.md: put the output of `surfit config schema --markdown` at its end"
        );
    }
}

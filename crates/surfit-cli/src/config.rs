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
pub fn config(command: ConfigSub) -> Result<(), CliError> {
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

/// Warns of former names of keys in the replacements of a study.
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
}

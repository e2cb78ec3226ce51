//! `surfit config`: checking configurations and showing the default one.

use super::args::ConfigSub;
use super::error::CliError;
use super::preflight::check_runnable;
use super::{output, study};
use std::path::Path;
use surfit_core::config;
use surfit_core::study::Study;

/// The default configuration with every key explained.
const DEFAULT_CONFIG: &str = include_str!("../configs/default.toml");

/// Checks files, or prints the default configuration.
pub fn config(command: ConfigSub) -> Result<(), CliError> {
    let files = match command {
        ConfigSub::Default => return output::print_bytes(DEFAULT_CONFIG.as_bytes()),
        ConfigSub::Check { files } => files,
    };
    let mut last = None;
    for file in &files {
        match check(file) {
            Ok(lines) => lines.iter().try_for_each(output::print_line)?,
            Err(CliError::Usage(fault)) => {
                // All faults are told, the last one by the exit.
                if let Some(earlier) = last.replace(fault) {
                    output::print_warning(earlier);
                }
            }
            Err(other) => return Err(other),
        }
    }
    last.map_or(Ok(()), |fault| Err(CliError::Usage(fault)))
}

/// Returns what there is to say of a good file, a configuration's or a study's, line by line.
fn check(file: &Path) -> Result<Vec<String>, CliError> {
    if Study::is_study_file(file) {
        return Ok(vec![study::check_study(file)?]);
    }
    let config = config::load(file, &[])?;
    let notices = check_runnable(&config, &file.display().to_string())?;
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

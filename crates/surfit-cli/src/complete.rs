//! Completions of runs, themes and configuration keys. The shell runs this program for them, so that they are up to date.

use clap::CommandFactory;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter};
use clap_complete::env::CompleteEnv;
use std::ffi::OsStr;
use surfit_client::runs;
use surfit_core::config::Config;
use surfit_core::data_sets::DATA_SET_NAMES;
use surfit_core::filter::RUN_STATES;
use surfit_core::networks::{NETWORK_NAMES, all_networks};
use surfit_tui::Theme;

pub const COMPLETE_VARIABLE: &str = "COMPLETE";

/// Answers a completion request and ends the process, if there is one.
pub fn complete_and_exit() {
    CompleteEnv::with_factory(super::args::CommandLine::command).var(COMPLETE_VARIABLE).complete();
}

type CompletionCandidates = Vec<CompletionCandidate>;

fn candidates_with_prefix(current: &OsStr, all: impl IntoIterator<Item = (String, String)>) -> CompletionCandidates {
    let current = current.to_string_lossy();
    all.into_iter()
        .filter(|(text, _)| text.starts_with(&*current))
        .map(|(text, help)| CompletionCandidate::new(text).help((!help.is_empty()).then(|| help.into())))
        .collect()
}

fn without_help(names: &[&str]) -> Vec<(String, String)> {
    names.iter().map(|n| ((*n).to_owned(), String::new())).collect()
}

/// Returns the user's runs with their states.
fn run_names(current: &OsStr) -> CompletionCandidates {
    let about = |line: runs::RunSummary| {
        let best = line.best.map(|p| format!(", best {:.2} %", 100.0 * p.accuracy));
        let about = format!("{}{}", line.state, best.unwrap_or_default());
        (line.run, about)
    };
    candidates_with_prefix(current, runs::list().into_iter().map(about))
}

/// Returns a completer with the candidates that begin as the word does.
fn build_completer(candidates: impl Fn() -> Vec<(String, String)> + Send + Sync + 'static) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| candidates_with_prefix(current, candidates()))
}

fn run_or_path_completer(paths: fn() -> PathCompleter) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let mut all = run_names(current);
        all.extend(paths().complete(current));
        all
    })
}

pub fn run_completer() -> ArgValueCompleter {
    run_or_path_completer(PathCompleter::dir)
}

pub fn run_or_config_completer() -> ArgValueCompleter {
    run_or_path_completer(PathCompleter::any)
}

pub fn theme_completer() -> ArgValueCompleter {
    let about = |name: &str| {
        let theme = Theme::built_in(name, surfit_tui::ColorDepth::None);
        (name.to_owned(), theme.map_or_else(String::new, |t| t.description().to_owned()))
    };
    build_completer(move || Theme::built_in_names().map(about).collect())
}

pub fn data_set_completer() -> ArgValueCompleter {
    build_completer(|| without_help(DATA_SET_NAMES))
}

pub fn network_completer() -> ArgValueCompleter {
    build_completer(|| all_networks().iter().map(|spec| (spec.name.to_owned(), spec.description.to_owned())).collect())
}

/// Completes `KEY=VALUE`: the keys, and values that are names.
pub fn setting_completer() -> ArgValueCompleter {
    build_completer(setting_candidates)
}

fn setting_candidates() -> Vec<(String, String)> {
    let defaults: toml::Table = Config::default().to_toml().parse().unwrap_or_default();
    let mut all = Vec::new();
    for (table, value) in &defaults {
        match value.as_table() {
            Some(inner) => {
                all.extend(inner.iter().map(|(key, v)| (format!("{table}.{key}="), v.to_string())));
            }
            None => all.push((format!("{table}="), value.to_string())),
        }
    }
    for (key, names) in [("data.name", DATA_SET_NAMES), ("network.name", NETWORK_NAMES)] {
        all.extend(names.iter().map(|n| (format!("{key}={n}"), String::new())));
    }
    all
}

pub fn filter_completer() -> ArgValueCompleter {
    build_completer(|| {
        let mut all = without_help(&["state:", "net:", "data:", "degree:", "acc>", "loss<", "age<", "name:"]);
        for (key, names) in [("state", RUN_STATES), ("net", NETWORK_NAMES), ("data", DATA_SET_NAMES)] {
            all.extend(names.iter().map(|n| (format!("{key}:{n}"), String::new())));
        }
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completion_values(completer: &ArgValueCompleter, current: &str) -> Vec<String> {
        let all = completer.complete(OsStr::new(current));
        all.iter().map(|c| c.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn values_are_those_there_are() {
        assert_eq!(completion_values(&network_completer(), "resnet18-"), ["resnet18-cifar"]);
        assert_eq!(completion_values(&data_set_completer(), "cifar1"), ["cifar10", "cifar100"]);
        assert!(completion_values(&setting_completer(), "fit.deg").contains(&"fit.degree=".to_owned()));
        assert!(completion_values(&setting_completer(), "data.name=c").contains(&"data.name=cifar10".to_owned()));
        assert_eq!(completion_values(&filter_completer(), "state:run"), ["state:running"]);
        assert_eq!(completion_values(&theme_completer(), "").len(), Theme::built_in_names().count());
    }
}

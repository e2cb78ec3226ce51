//! `surfit` and `surfit open`: the screen, or plain lines where there is none.

use super::args::{Color, OpenArgs, Screen};
use super::fault::Fault;
use super::{foreground, out, place, run};
use crate::client::bridge::{self, Target};
use crate::client::runs;
use std::io::{IsTerminal, stdin, stdout};
use std::path::Path;
use surfit_core::config::{self, Config};
use surfit_core::run_dir::RunDir;
use surfit_tui::{Depth, Leave, Options};

/// What a bare `surfit` runs when nothing is running.
const DEMO: &str = include_str!("../../configs/demo.toml");

/// Opens the most recent live run, else begins the demo.
pub fn bare(screen: Screen) -> Result<(), Fault> {
    let target = match runs::most_recent_live() {
        Some(run) => Target::Existing(run),
        None => Target::New(Box::new(demo()?)),
    };
    show(target, screen)
}

/// Opens what was named, else the most recent run.
pub fn open(args: OpenArgs, screen: Screen) -> Result<(), Fault> {
    let target = match args.what {
        Some(what) if is_config(&what) => {
            Target::New(Box::new(config::load(Path::new(&what), &[])?))
        }
        Some(what) => Target::Existing(place::find(&what)?),
        None => {
            let live = runs::most_recent_live();
            let latest = || RunDir::list(&RunDir::default_root()).into_iter().next();
            match live.or_else(latest) {
                Some(run) => Target::Existing(run),
                None => Target::New(Box::new(demo()?)),
            }
        }
    };
    show(target, screen)
}

fn demo() -> Result<Config, Fault> {
    Ok(config::parse(DEMO, "the built-in demo")?)
}

/// A file, or what can only be meant as one.
fn is_config(what: &str) -> bool {
    let path = Path::new(what);
    path.is_file() || (what.ends_with(".toml") && !path.is_dir())
}

fn show(target: Target, screen: Screen) -> Result<(), Fault> {
    if !(stdout().is_terminal() && stdin().is_terminal()) {
        return plain(target);
    }
    let options = options(&target, screen)?;
    let (bridge, link) =
        bridge::open(target).map_err(|e| Fault::Failure(format!("starting a thread: {e}")))?;
    let left = surfit_tui::run(options, link);
    let stop = matches!(left, Ok(Leave::Quit { stop_engine: true }));
    let run = bridge.end(stop);
    match left {
        Ok(Leave::Lost(why)) => Err(Fault::Failure(why)),
        Ok(Leave::Detached | Leave::Quit { .. }) => farewell(run, stop),
        Err(error) => Err(Fault::Failure(format!("the terminal: {error}"))),
    }
}

/// Says how to come back, when there is something to come back to.
fn farewell(run: Option<RunDir>, stopped: bool) -> Result<(), Fault> {
    match run {
        Some(run) if run.is_alive() && !stopped => out::line(format!(
            "{} goes on; come back with `surfit open {}`",
            run.id(),
            place::name(&run)
        )),
        Some(run) if stopped => out::line(format!(
            "stopped; go on with `surfit resume {}`",
            place::name(&run)
        )),
        _ => Ok(()),
    }
}

fn options(target: &Target, screen: Screen) -> Result<Options, Fault> {
    let (name, config) = match target {
        Target::Existing(run) => (run.id(), run.config()?),
        Target::New(config) => (config.name.clone(), (**config).clone()),
    };
    let named = std::env::var("SURFIT_THEME").ok().filter(|t| !t.is_empty());
    Ok(Options {
        theme: screen.theme.or(named),
        color: screen.color.map(|color| match color {
            Color::None => Depth::None,
            Color::Ansi16 => Depth::Ansi16,
            Color::Ansi256 => Depth::Ansi256,
            Color::Truecolor => Depth::Truecolor,
        }),
        ascii: screen.ascii,
        mouse: !screen.no_mouse,
        run: name,
        grid: config.heatmap.grid,
        degrees: config.fit.degree,
    })
}

/// Plain progress lines: a new run is done as `surfit run` does it, another one is watched.
fn plain(target: Target) -> Result<(), Fault> {
    match target {
        Target::New(config) => {
            crate::client::engine_program()?;
            run::begin(&place::create(&config, None)?, Default::default())
        }
        Target::Existing(run) if run.is_alive() => foreground::watch(&run),
        Target::Existing(run) => foreground::at_rest(&run),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_is_a_good_configuration() {
        assert_eq!(demo().unwrap().name, "demo");
    }

    #[test]
    fn files_are_told_from_runs() {
        let dir = tempfile::tempdir().unwrap();
        assert!(is_config("missing.toml") && !is_config("demo-2026"));
        let folder = dir.path().join("odd.toml");
        std::fs::create_dir(&folder).unwrap();
        assert!(!is_config(folder.to_str().unwrap()));
        let file = dir.path().join("config");
        std::fs::write(&file, "").unwrap();
        assert!(is_config(file.to_str().unwrap()));
    }
}

//! `surfit` and `surfit open`: the screen, or plain lines where there is none.

use super::args::{Color, Images, OpenArgs, Screen};
use super::fault::Fault;
use super::parting::{Standing, parting};
use super::ready::ready;
use super::{foreground, out, place, run};
use crate::client::bridge::{self, Ended, SLOW, Target};
use crate::client::remote::{self, Address};
use crate::client::runs;
use std::io::{IsTerminal, stdin, stdout};
use std::path::Path;
use surfit_core::config::{self, Config};
use surfit_core::run_dir::{RunDir, RunError};
use surfit_tui::glyphs::Glyphs;
use surfit_tui::images::{Protocol, Way};
use surfit_tui::{Depth, Leave, Options};

/// What a bare `surfit` runs when nothing is running.
const DEMO: &str = include_str!("../../configs/demo.toml");

/// Opens the most recent live run, else begins the demo.
pub fn bare(screen: Screen) -> Result<(), Fault> {
    let target = match runs::most_recent_live() {
        Some(run) => Target::Existing(run),
        None => Target::New(Box::new(demo()?)),
    };
    show(target, screen, false)
}

/// Opens what was named, else the most recent run.
pub fn open(args: OpenArgs, screen: Screen) -> Result<(), Fault> {
    if let Some(address) = args.what.as_deref().and_then(Address::parse) {
        return elsewhere(address, screen, args.readonly);
    }
    let target = match args.what {
        Some(what) if is_config(&what) && args.readonly => {
            return Err(Fault::Usage(format!(
                "{what} begins a new run, which --readonly cannot; name a run to watch"
            )));
        }
        Some(what) if is_config(&what) => {
            let config = config::load(Path::new(&what), &[])?;
            ready(&config, &what)?;
            Target::New(Box::new(config))
        }
        Some(what) => Target::Existing(existing(&what)?),
        None => {
            let live = runs::most_recent_live();
            let latest = || RunDir::list(&RunDir::default_root()).into_iter().next();
            match live.or_else(latest) {
                Some(run) => Target::Existing(run),
                None if args.readonly => {
                    return Err(Fault::Usage(
                        "there is no run to watch yet; `surfit` begins one".into(),
                    ));
                }
                None => Target::New(Box::new(demo()?)),
            }
        }
    };
    show(target, screen, args.readonly)
}

fn demo() -> Result<Config, Fault> {
    Ok(config::parse(DEMO, "the built-in demo")?)
}

/// The run of a name. What is none may have been meant as a file.
fn existing(what: &str) -> Result<RunDir, Fault> {
    RunDir::find(&RunDir::default_root(), what).map_err(|error| match error {
        RunError::NotFound(_) => {
            let hint = place::colon_hint(what).map_or(String::new(), |hint| format!("; {hint}"));
            Fault::Usage(format!(
                "`{what}` is neither a run nor a configuration file; `surfit ls` lists the runs there are{hint}"
            ))
        }
        other => other.into(),
    })
}

/// A file, or what can only be meant as one.
fn is_config(what: &str) -> bool {
    let path = Path::new(what);
    path.is_file() || (what.ends_with(".toml") && !path.is_dir())
}

fn show(target: Target, screen: Screen, readonly: bool) -> Result<(), Fault> {
    if !(stdout().is_terminal() && stdin().is_terminal()) {
        return plain(target);
    }
    if let Target::New(_) = &target {
        // Said before the screen is taken and a run is begun that nobody could work on.
        crate::client::engine_program()?;
    }
    let options = options(&target, screen, readonly)?;
    let (bridge, link) = bridge::open(target, readonly)
        .map_err(|e| Fault::Failure(format!("starting a thread: {e}")))?;
    let left = surfit_tui::run(options, link);
    let stop = matches!(left, Ok(Leave::Quit { stop_engine: true }));
    if stop {
        // The terminal is given back already, so a signal acts as it does on any program.
        out::aside("waiting for the checkpoint; ctrl-c leaves");
    }
    let ended = bridge.end_patiently(stop, SLOW, finishing(stop));
    match left {
        Ok(Leave::Lost(why)) => Err(Fault::Failure(why)),
        Ok(Leave::Detached | Leave::Quit { .. }) => farewell(&ended, stop),
        Err(error) => Err(Fault::Failure(format!("the terminal: {error}"))),
    }
}

/// A run on another machine.
fn elsewhere(address: Address, screen: Screen, readonly: bool) -> Result<(), Fault> {
    let host = address.host.clone();
    if !(stdout().is_terminal() && stdin().is_terminal()) {
        let there = format!("surfit open {}", address.run);
        let there = there.trim_end();
        return Err(Fault::Usage(format!(
            "a run on another machine needs a terminal here; for plain lines, run `{there}` on {host}"
        )));
    }
    let reach = remote::reach(&host).map_err(Fault::Usage)?;
    let reaching = out::Reaching::new(&host);
    let opened = remote::open(address, reach, readonly);
    drop(reaching);
    let (remote, link, shown) = opened.map_err(Fault::Failure)?;
    let options = Options {
        run: shown.id,
        grid: shown.grid,
        degrees: shown.degrees,
        host: Some(host),
        readonly,
        ..appearance(screen)
    };
    let left = surfit_tui::run(options, link);
    let stop = matches!(left, Ok(Leave::Quit { stop_engine: true }));
    if stop {
        out::aside("waiting for the checkpoint; ctrl-c leaves");
    }
    let words = remote.end_patiently(stop, SLOW, finishing(stop));
    match left {
        Ok(Leave::Lost(why)) => Err(Fault::Failure(why)),
        Ok(Leave::Detached | Leave::Quit { .. }) => words.map_or(Ok(()), |text| out::lines(&text)),
        Err(error) => Err(Fault::Failure(format!("the terminal: {error}"))),
    }
}

/// Says once that leaving takes a while, unless the reason was said.
fn finishing(mut said: bool) -> impl FnMut() {
    move || {
        if !std::mem::replace(&mut said, true) {
            out::aside("finishing what was asked for last; ctrl-c leaves");
        }
    }
}

/// Says what became of other runs that were asked for, and how to come back, when there is something to come back to.
fn farewell(ended: &Ended, stop: bool) -> Result<(), Fault> {
    ended.made.iter().try_for_each(out::line)?;
    let Some(run) = &ended.run else { return Ok(()) };
    if let Some(why) = &ended.lost {
        return Err(Fault::Failure(why.clone()));
    }
    let standing = Standing::of(run, ended, stop);
    match parting(&run.id(), &place::name(run), standing) {
        Some(text) => out::line(text),
        None => Ok(()),
    }
}

fn options(target: &Target, screen: Screen, readonly: bool) -> Result<Options, Fault> {
    let (name, config) = match target {
        Target::Existing(run) => (run.id(), run.config()?),
        Target::New(config) => (config.name.clone(), (**config).clone()),
    };
    Ok(Options {
        run: name,
        grid: config.heatmap.grid,
        degrees: config.degrees(),
        readonly,
        ..appearance(screen)
    })
}

/// What the command line says of the screen; the rest is the run's.
fn appearance(screen: Screen) -> Options {
    let named = std::env::var("SURFIT_THEME").ok().filter(|t| !t.is_empty());
    let config = Config::default();
    Options {
        theme: screen.theme.or(named),
        color: screen.color.map(|color| match color {
            Color::None => Depth::None,
            Color::Ansi16 => Depth::Ansi16,
            Color::Ansi256 => Depth::Ansi256,
            Color::Truecolor => Depth::Truecolor,
        }),
        images: screen.images.map(|way| match way {
            Images::Auto => Way::Auto,
            Images::Off => Way::Off,
            Images::Kitty => Way::By(Protocol::Kitty),
            Images::Sixel => Way::By(Protocol::Sixel),
            Images::Iterm2 => Way::By(Protocol::Iterm2),
        }),
        glyphs: match screen {
            Screen { ascii: true, .. } => Some(Glyphs::Ascii),
            Screen { blocks: true, .. } => Some(Glyphs::Blocks),
            Screen { unicode: true, .. } => Some(Glyphs::Braille),
            _ => None,
        },
        mouse: !screen.no_mouse,
        run: config.name.clone(),
        grid: config.heatmap.grid,
        degrees: config.degrees(),
        host: None,
        readonly: false,
    }
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
    fn what_is_lost_at_the_end_is_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &demo().unwrap()).unwrap();
        let ended = Ended {
            run: Some(run),
            stopped: true,
            lost: Some("stopped at step 3".into()),
            ..Ended::default()
        };
        let Err(Fault::Failure(why)) = farewell(&ended, true) else {
            panic!("it was told as a success");
        };
        assert_eq!(why, "stopped at step 3");
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

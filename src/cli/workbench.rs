//! `surfit` and `surfit open`: the screen, or plain lines where there is none.

use super::args::{Color, OpenArgs, Screen};
use super::fault::Fault;
use super::{foreground, out, place, run};
use crate::client::bridge::{self, Ended, Target};
use crate::client::runs;
use std::io::{IsTerminal, Write, stderr, stdin, stdout};
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
    if let Target::New(_) = &target {
        // Said before the screen is taken and a run is begun that nobody could work on.
        crate::client::engine_program()?;
    }
    let options = options(&target, screen)?;
    let (bridge, link) =
        bridge::open(target).map_err(|e| Fault::Failure(format!("starting a thread: {e}")))?;
    let left = surfit_tui::run(options, link);
    let stop = matches!(left, Ok(Leave::Quit { stop_engine: true }));
    if stop {
        // The terminal is given back already, so a signal acts as it does on any program.
        let _ = writeln!(stderr(), "waiting for the checkpoint; ctrl-c leaves");
    }
    let ended = bridge.end(stop);
    match left {
        Ok(Leave::Lost(why)) => Err(Fault::Failure(why)),
        Ok(Leave::Detached | Leave::Quit { .. }) => farewell(&ended, stop),
        Err(error) => Err(Fault::Failure(format!("the terminal: {error}"))),
    }
}

/// How a run stands when it is left.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    /// It was asked to stop.
    stop: bool,
    /// It did, as far as the bridge saw.
    stopped: bool,
    /// An engine works on it.
    alive: bool,
    /// One is being started.
    starting: bool,
    /// Its job is done.
    finished: bool,
    /// Its last engine ended in good order.
    closed: bool,
}

/// Says how to come back, when there is something to come back to.
fn farewell(ended: &Ended, stop: bool) -> Result<(), Fault> {
    let Some(run) = &ended.run else { return Ok(()) };
    // Looked at before the file is read, which is complete then.
    let alive = run.is_alive();
    let picture = run.picture().unwrap_or_default();
    let standing = Standing {
        stop,
        stopped: ended.stopped,
        alive,
        starting: ended.starting,
        finished: picture.finished.is_some(),
        closed: picture.closed,
    };
    match parting(&run.id(), &place::name(run), standing) {
        Some(text) => out::line(text),
        None => Ok(()),
    }
}

fn parting(id: &str, name: &str, s: Standing) -> Option<String> {
    Some(if s.alive && s.stop && !s.stopped {
        format!("{id} has not ended yet; see how it stands with `surfit open {name}`")
    } else if s.alive {
        format!("{id} goes on; come back with `surfit open {name}`")
    } else if s.starting {
        format!("an engine is starting for {id}; come back with `surfit open {name}`")
    } else if !s.stop {
        return None;
    } else if s.finished {
        format!("{id} is finished; look at it again with `surfit open {name}`")
    } else if s.closed {
        format!("stopped; go on with `surfit resume {name}`")
    } else {
        format!("the engine of {id} is gone; go on with `surfit resume {name}`")
    })
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
        degrees: config.degrees(),
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
    fn the_last_words_are_true() {
        let told = |s| parting("id", "name", s).unwrap_or_default();
        let left = Standing::default();
        assert_eq!(told(left), "");
        assert!(
            told(Standing {
                alive: true,
                ..left
            })
            .contains("goes on")
        );
        assert!(
            told(Standing {
                starting: true,
                ..left
            })
            .contains("engine is starting")
        );
        let stop = Standing { stop: true, ..left };
        assert!(
            told(Standing {
                alive: true,
                ..stop
            })
            .contains("has not ended yet")
        );
        let gone = Standing {
            stopped: true,
            closed: true,
            ..stop
        };
        assert!(told(gone).contains("stopped; go on with `surfit resume name`"));
        let done = told(Standing {
            finished: true,
            ..gone
        });
        assert!(
            done.contains("finished") && !done.contains("resume"),
            "{done}"
        );
        assert!(!told(stop).contains("stopped"));
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

//! `surfit` and `surfit open`: the screen, or plain lines where there is none.

use super::args::{ColorChoice, ImageChoice, OpenArgs, ScreenOptions};
use super::fault::CliError;
use super::parting::{ExitState, parting};
use super::ready::ready;
use super::{foreground, out, place, run};
use std::io::{IsTerminal, stdin, stdout};
use std::path::Path;
use surfit_client::bridge::{self, BridgeEnd, OpenTarget, SLOW};
use surfit_client::remote::{self, RemoteAddress};
use surfit_client::runs;
use surfit_core::config::{self, Config};
use surfit_core::run_dir::{RunDir, RunError};
use surfit_tui::glyphs::GlyphSet;
use surfit_tui::images::{ImageMode, ImageProtocol};
use surfit_tui::{ColorDepth, LeaveReason, WorkbenchOptions};

/// What a bare `surfit` runs when nothing is running.
const DEMO: &str = include_str!("../configs/demo.toml");

/// Opens the most recent live run, else begins the demo.
pub fn bare(screen: ScreenOptions) -> Result<(), CliError> {
    let target = match runs::most_recent_live() {
        Some(run) => OpenTarget::Existing(run),
        None => OpenTarget::New(Box::new(demo()?)),
    };
    show(target, screen, false)
}

/// Opens what was named, else the most recent run.
pub fn open(args: OpenArgs, screen: ScreenOptions) -> Result<(), CliError> {
    if let Some(address) = args.what.as_deref().and_then(RemoteAddress::parse) {
        return elsewhere(address, screen, args.readonly);
    }
    let target = match args.what {
        Some(what) if is_config(&what) && args.readonly => {
            return Err(CliError::Usage(format!(
                "{what} begins a new run, which --readonly cannot; name a run to watch"
            )));
        }
        Some(what) if is_config(&what) => {
            let config = config::load(Path::new(&what), &[])?;
            ready(&config, &what)?;
            OpenTarget::New(Box::new(config))
        }
        Some(what) => OpenTarget::Existing(existing(&what)?),
        None => {
            let live = runs::most_recent_live();
            let latest = || RunDir::list(&RunDir::default_root()).into_iter().next();
            match live.or_else(latest) {
                Some(run) => OpenTarget::Existing(run),
                None if args.readonly => {
                    return Err(CliError::Usage(
                        "there is no run to watch yet; `surfit` begins one".into(),
                    ));
                }
                None => OpenTarget::New(Box::new(demo()?)),
            }
        }
    };
    show(target, screen, args.readonly)
}

fn demo() -> Result<Config, CliError> {
    Ok(config::parse(DEMO, "the built-in demo")?)
}

/// The run of a name. What is none may have been meant as a file.
fn existing(what: &str) -> Result<RunDir, CliError> {
    RunDir::find(&RunDir::default_root(), what).map_err(|error| match error {
        RunError::NotFound(_) => {
            let hint = place::colon_hint(what).map_or(String::new(), |hint| format!("; {hint}"));
            CliError::Usage(format!(
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

fn show(target: OpenTarget, screen: ScreenOptions, readonly: bool) -> Result<(), CliError> {
    if !(stdout().is_terminal() && stdin().is_terminal()) {
        return plain(target);
    }
    if let OpenTarget::New(_) = &target {
        // Said before the screen is taken and a run is begun that nobody could work on.
        surfit_client::engine_program()?;
    }
    let options = options(&target, screen, readonly)?;
    let (bridge, link) = bridge::open(target, readonly)
        .map_err(|e| CliError::Failure(format!("starting a thread: {e}")))?;
    let left = surfit_tui::run(options, link);
    let stop = matches!(left, Ok(LeaveReason::Quit { stop_engine: true }));
    if stop {
        // The terminal is given back already, so a signal acts as it does on any program.
        out::aside("waiting for the checkpoint; ctrl-c leaves");
    }
    let ended = bridge.end_patiently(stop, SLOW, finishing(stop));
    match left {
        Ok(LeaveReason::Lost(why)) => Err(CliError::Failure(why)),
        Ok(LeaveReason::Detached | LeaveReason::Quit { .. }) => farewell(&ended, stop),
        Err(error) => Err(CliError::Failure(format!("the terminal: {error}"))),
    }
}

/// A run on another machine.
fn elsewhere(
    address: RemoteAddress,
    screen: ScreenOptions,
    readonly: bool,
) -> Result<(), CliError> {
    let host = address.host.clone();
    if !(stdout().is_terminal() && stdin().is_terminal()) {
        let there = format!("surfit open {}", address.run);
        let there = there.trim_end();
        return Err(CliError::Usage(format!(
            "a run on another machine needs a terminal here; for plain lines, run `{there}` on {host}"
        )));
    }
    let reach = remote::reach(&host).map_err(CliError::Usage)?;
    let reaching = out::Reaching::new(&host);
    let opened = remote::open(address, reach, readonly);
    drop(reaching);
    let (remote, link, shown) = opened.map_err(CliError::Failure)?;
    let options = WorkbenchOptions {
        run: shown.id,
        grid: shown.grid,
        degrees: shown.degrees,
        host: Some(host),
        readonly,
        ..appearance(screen)
    };
    let left = surfit_tui::run(options, link);
    let stop = matches!(left, Ok(LeaveReason::Quit { stop_engine: true }));
    if stop {
        out::aside("waiting for the checkpoint; ctrl-c leaves");
    }
    let words = remote.end_patiently(stop, SLOW, finishing(stop));
    match left {
        Ok(LeaveReason::Lost(why)) => Err(CliError::Failure(why)),
        Ok(LeaveReason::Detached | LeaveReason::Quit { .. }) => {
            words.map_or(Ok(()), |text| out::lines(&text))
        }
        Err(error) => Err(CliError::Failure(format!("the terminal: {error}"))),
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
fn farewell(ended: &BridgeEnd, stop: bool) -> Result<(), CliError> {
    ended.made.iter().try_for_each(out::line)?;
    let Some(run) = &ended.run else { return Ok(()) };
    if let Some(why) = &ended.lost {
        return Err(CliError::Failure(why.clone()));
    }
    let standing = ExitState::of(run, ended, stop);
    match parting(&run.id(), &place::name(run), standing) {
        Some(text) => out::line(text),
        None => Ok(()),
    }
}

fn options(
    target: &OpenTarget,
    screen: ScreenOptions,
    readonly: bool,
) -> Result<WorkbenchOptions, CliError> {
    let (name, config) = match target {
        OpenTarget::Existing(run) => (run.id(), run.config()?),
        OpenTarget::New(config) => (config.name.clone(), (**config).clone()),
    };
    Ok(WorkbenchOptions {
        run: name,
        grid: config.heatmap.grid,
        degrees: config.degrees(),
        readonly,
        ..appearance(screen)
    })
}

/// What the command line says of the screen; the rest is the run's.
fn appearance(screen: ScreenOptions) -> WorkbenchOptions {
    let named = std::env::var("SURFIT_THEME").ok().filter(|t| !t.is_empty());
    let config = Config::default();
    WorkbenchOptions {
        theme: screen.theme.or(named),
        color: screen.color.map(|color| match color {
            ColorChoice::None => ColorDepth::None,
            ColorChoice::Ansi16 => ColorDepth::Ansi16,
            ColorChoice::Ansi256 => ColorDepth::Ansi256,
            ColorChoice::Truecolor => ColorDepth::Truecolor,
        }),
        images: screen.images.map(|way| match way {
            ImageChoice::Auto => ImageMode::Auto,
            ImageChoice::Off => ImageMode::Off,
            ImageChoice::Kitty => ImageMode::By(ImageProtocol::Kitty),
            ImageChoice::Sixel => ImageMode::By(ImageProtocol::Sixel),
            ImageChoice::Iterm2 => ImageMode::By(ImageProtocol::Iterm2),
        }),
        glyphs: match screen {
            ScreenOptions { ascii: true, .. } => Some(GlyphSet::Ascii),
            ScreenOptions { blocks: true, .. } => Some(GlyphSet::Blocks),
            ScreenOptions { unicode: true, .. } => Some(GlyphSet::Braille),
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
fn plain(target: OpenTarget) -> Result<(), CliError> {
    match target {
        OpenTarget::New(config) => {
            surfit_client::engine_program()?;
            run::begin(&place::create(&config, None)?, Default::default())
        }
        OpenTarget::Existing(run) if run.is_alive() => foreground::watch(&run),
        OpenTarget::Existing(run) => foreground::at_rest(&run),
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
        let ended = BridgeEnd {
            run: Some(run),
            stopped: true,
            lost: Some("stopped at step 3".into()),
            ..BridgeEnd::default()
        };
        let Err(CliError::Failure(why)) = farewell(&ended, true) else {
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

//! `surfit` and `surfit open`: the screen, or plain lines without a terminal.

use super::args::{ColorChoice, ImageChoice, OpenArgs, ScreenOptions};
use super::error::CliError;
use super::exit_message::{ExitState, exit_message};
use super::preflight::check_runnable;
use super::{foreground, output, run, run_lookup};
use std::io::{IsTerminal, stdin, stdout};
use std::path::Path;
use surfit_client::bridge::{self, BridgeEnd, OpenTarget, SLOW_EXIT_DELAY};
use surfit_client::remote::{self, RemoteAddress};
use surfit_client::runs;
use surfit_core::config::{self, Config};
use surfit_core::run_dir::{RunDir, RunError};
use surfit_tui::{ColorDepth, GlyphSet, ImageMode, ImageProtocol, LeaveReason, WorkbenchInbox, WorkbenchOptions};

/// What a bare `surfit` runs when nothing is running.
const DEMO_CONFIG: &str = include_str!("../configs/demo.toml");

/// Opens the most recent active run, else starts the demo.
pub fn open_default(screen: ScreenOptions) -> Result<(), CliError> {
    let target = match runs::most_recent_active() {
        Some(run) => OpenTarget::Existing(run),
        None => OpenTarget::New(Box::new(demo_config()?)),
    };
    run_workbench(target, screen, false)
}

/// Opens the named run or configuration, else the most recent run.
pub fn open(args: OpenArgs, screen: ScreenOptions) -> Result<(), CliError> {
    let screen = args.screen.with_fallback(screen);
    if let Some(address) = args.what.as_deref().and_then(RemoteAddress::parse) {
        return open_remote_run(address, screen, args.readonly);
    }
    let target = match args.what {
        Some(what) if is_config(&what) && args.readonly => {
            return Err(CliError::Usage(format!(
                "{what} starts a new run, which --readonly does not allow; name a run to watch"
            )));
        }
        Some(what) if is_config(&what) => {
            let config = config::load(Path::new(&what), &[])?;
            check_runnable(&config, &what)?;
            OpenTarget::New(Box::new(config))
        }
        Some(what) => OpenTarget::Existing(find_existing_run(&what)?),
        None => match runs::most_recent() {
            Some(run) => OpenTarget::Existing(run),
            None if args.readonly => {
                return Err(CliError::Usage("no run to watch yet; start one with `surfit`".into()));
            }
            None => OpenTarget::New(Box::new(demo_config()?)),
        },
    };
    run_workbench(target, screen, args.readonly)
}

fn demo_config() -> Result<Config, CliError> {
    Ok(config::parse(DEMO_CONFIG, "the built-in demo")?)
}

/// Finds a run. The error for an unknown name includes how to open a host.
fn find_existing_run(what: &str) -> Result<RunDir, CliError> {
    RunDir::find(&RunDir::default_root(), what).map_err(|error| match &error {
        RunError::NotFound { .. } => {
            let hint = run_lookup::remote_address_hint(what).map_or(String::new(), |hint| format!("; {hint}"));
            CliError::Usage(format!("{error}{hint}"))
        }
        _ => error.into(),
    })
}

/// True for a file, and for a name that can only be a configuration's.
fn is_config(what: &str) -> bool {
    let path = Path::new(what);
    path.is_file() || (what.ends_with(".toml") && !path.is_dir())
}

fn run_workbench(target: OpenTarget, screen: ScreenOptions, readonly: bool) -> Result<(), CliError> {
    if !(stdout().is_terminal() && stdin().is_terminal()) {
        return run_plain(target);
    }
    if let OpenTarget::New(_) = &target {
        // Before the screen is taken and a run is created that no engine could work on.
        surfit_client::engine_program()?;
    }
    let options = workbench_options(&target, screen, readonly)?;
    let inbox = WorkbenchInbox::new();
    let (bridge, requests) = bridge::open(target, readonly, inbox.message_sink())
        .map_err(|e| CliError::Failure(format!("cannot start a thread: {e}")))?;
    let left = surfit_tui::run(options, inbox, requests);
    let stop = matches!(left, Ok(LeaveReason::Quit { stop_engine: true }));
    if stop {
        // The terminal is restored already, so ctrl-c ends this program.
        output::print_stderr_line("waiting for the checkpoint; press ctrl-c to leave");
    }
    let ended = bridge.end_with_progress(stop, SLOW_EXIT_DELAY, slow_exit_notice(stop));
    match left {
        Ok(LeaveReason::LinkLost(why)) => Err(CliError::Failure(why)),
        Ok(LeaveReason::Detached | LeaveReason::Quit { .. }) => print_exit_message(&ended, stop),
        Err(error) => Err(CliError::Failure(format!("terminal error: {error}"))),
    }
}

fn open_remote_run(address: RemoteAddress, screen: ScreenOptions, readonly: bool) -> Result<(), CliError> {
    let host = address.host.clone();
    if !(stdout().is_terminal() && stdin().is_terminal()) {
        let there = format!("surfit open {}", address.run);
        let there = there.trim_end();
        return Err(CliError::Usage(format!(
            "a run on another machine needs a terminal here; for plain lines, run `{there}` on {host}"
        )));
    }
    let host_config = remote::load_host_config(&host)?;
    let reaching = output::Reaching::new(&host);
    let inbox = WorkbenchInbox::new();
    let opened = remote::open(address, host_config, readonly, inbox.message_sink());
    drop(reaching);
    let (remote, requests, shown) = opened?;
    let options = WorkbenchOptions {
        run: shown.id,
        grid: shown.grid,
        degrees: shown.degrees,
        host: Some(host),
        readonly,
        ..screen_options(screen)
    };
    let left = surfit_tui::run(options, inbox, requests);
    let stop = matches!(left, Ok(LeaveReason::Quit { stop_engine: true }));
    if stop {
        output::print_stderr_line("waiting for the checkpoint; press ctrl-c to leave");
    }
    let message = remote.end_with_progress(stop, SLOW_EXIT_DELAY, slow_exit_notice(stop));
    match left {
        Ok(LeaveReason::LinkLost(why)) => Err(CliError::Failure(why)),
        Ok(LeaveReason::Detached | LeaveReason::Quit { .. }) => {
            message.map_or(Ok(()), |text| output::print_lines(&text))
        }
        Err(error) => Err(CliError::Failure(format!("terminal error: {error}"))),
    }
}

/// Prints once that leaving takes a while, unless the reason was printed.
fn slow_exit_notice(mut said: bool) -> impl FnMut() {
    move || {
        if !std::mem::replace(&mut said, true) {
            output::print_stderr_line("finishing the last task; press ctrl-c to leave");
        }
    }
}

/// Prints the outcomes of other requested runs, and how to attach again if that is possible.
fn print_exit_message(ended: &BridgeEnd, stop: bool) -> Result<(), CliError> {
    ended.unreported_outcomes.iter().try_for_each(output::print_line)?;
    let Some(run) = &ended.run else { return Ok(()) };
    if let Some(why) = &ended.stop_error {
        return Err(CliError::Failure(why.clone()));
    }
    let standing = ExitState::of_run(run, ended, stop);
    match exit_message(&run.id(), &runs::open_name(run), standing) {
        Some(text) => output::print_line(text),
        None => Ok(()),
    }
}

fn workbench_options(target: &OpenTarget, screen: ScreenOptions, readonly: bool) -> Result<WorkbenchOptions, CliError> {
    let (name, config) = match target {
        OpenTarget::Existing(run) => (run.id(), run.config()?),
        OpenTarget::New(config) => (config.name.clone(), (**config).clone()),
    };
    Ok(WorkbenchOptions {
        run: name,
        grid: config.heatmap.grid,
        degrees: config.degrees(),
        readonly,
        ..screen_options(screen)
    })
}

/// Returns the options of the screen from the command line; the others depend on the run.
fn screen_options(screen: ScreenOptions) -> WorkbenchOptions {
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

/// Prints plain progress lines: a new run is done as by `surfit run`, another one is watched.
fn run_plain(target: OpenTarget) -> Result<(), CliError> {
    match target {
        OpenTarget::New(config) => {
            surfit_client::engine_program()?;
            run::start_and_follow(&run_lookup::create_run(&config, None)?, Default::default())
        }
        OpenTarget::Existing(run) if run.is_engine_alive() => foreground::watch_run(&run),
        OpenTarget::Existing(run) => foreground::print_stopped_run(&run),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_is_a_good_configuration() {
        assert_eq!(demo_config().unwrap().name, "demo");
    }

    #[test]
    fn what_is_lost_at_the_end_is_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &demo_config().unwrap()).unwrap();
        let ended = BridgeEnd {
            run: Some(run),
            stopped: true,
            stop_error: Some("stopped at step 3".into()),
            ..BridgeEnd::default()
        };
        let Err(CliError::Failure(why)) = print_exit_message(&ended, true) else {
            panic!("it was reported as a success");
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

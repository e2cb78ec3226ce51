//! The command line: one file per subcommand.

mod args;
mod bench;
mod bridge;
mod cache;
mod complete;
mod completions;
mod config;
mod data;
mod degree;
mod engine_child;
mod engine_request;
mod error;
mod eval;
mod exit_message;
mod export;
mod fit;
mod foreground;
mod fork;
mod heatmap;
mod keys;
mod ls;
mod man;
mod output;
mod preflight;
mod progress;
mod queue;
mod report;
mod resume;
mod rm;
mod run;
mod run_lookup;
mod search;
mod set;
mod stop;
mod study;
mod themes;
mod workbench;

#[cfg(test)]
mod tests;

use args::{CliCommand, CommandLine};
use clap::Parser;
use clap::error::ErrorKind;
use error::CliError;
use std::process::ExitCode;
use surfit_client::ignore_checkpoint_requests;
use surfit_core::{files, logging};
use surfit_tui::{ColorDepth, Theme};

pub fn main() -> ExitCode {
    ignore_checkpoint_requests();
    complete::complete_and_exit();
    start_logging();
    let result = match CommandLine::try_parse() {
        Ok(cli) => dispatch(cli),
        Err(error) if is_help(error.kind()) => {
            // clap prints help in its colours, and that of a group without a subcommand to standard error. A closed pipe is
            // no failure.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
        Err(error) => Err(error::from_clap(&error, std::env::args_os())),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => fault.report(std::env::args_os().any(|word| word == "--json")),
    }
}

/// Logs to `client.log` in the folder for state when `SURFIT_LOG` is set. Nothing is logged to the screen, which is drawn on.
fn start_logging() {
    let Some(filter) = logging::requested_filter() else { return };
    let Some(folder) = files::state_folder() else { return };
    let path = folder.join("client.log");
    let started = files::create_folder(&folder).and_then(|()| logging::start_logging(&path, Some(&filter)));
    if let Err(error) = started {
        output::print_warning(format!("{}: {error}; nothing is logged", path.display()));
    }
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    tracing::info!("surfit {}, process {}: {arguments:?}", env!("CARGO_PKG_VERSION"), std::process::id());
}

/// True for what clap prints as whole pages, which are no errors of one sentence.
fn is_help(kind: ErrorKind) -> bool {
    use ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    matches!(kind, DisplayHelp | DisplayHelpOnMissingArgumentOrSubcommand | DisplayVersion)
}

fn dispatch(cli: CommandLine) -> Result<(), CliError> {
    // A misspelt theme is an error even where nothing is drawn, before the subcommand or behind it.
    let opened = match &cli.command {
        Some(CliCommand::Open(args)) => args.screen.theme.as_ref(),
        _ => None,
    };
    for name in cli.screen.theme.iter().chain(opened) {
        Theme::load(name, ColorDepth::None).map_err(|e| CliError::Usage(format!("--theme: {e}")))?;
    }
    match cli.command {
        None => workbench::open_default(cli.screen),
        Some(CliCommand::Open(args)) => workbench::open(args, cli.screen),
        Some(CliCommand::Run(args)) => run::run_command(args),
        Some(CliCommand::Resume(args)) => resume::run_command(args),
        Some(CliCommand::Stop(args)) => stop::run_command(args),
        Some(CliCommand::Degree(args)) => degree::run_command(args),
        Some(CliCommand::Fit(args)) => fit::run_command(args),
        Some(CliCommand::Set(args)) => set::run_command(args),
        Some(CliCommand::Fork(args)) => fork::run_command(args),
        Some(CliCommand::Queue(args)) => queue::run_command(args),
        Some(CliCommand::Search(args)) => search::run_command(args),
        Some(CliCommand::Cancel(args)) => search::cancel_task(args),
        Some(CliCommand::Ls(args)) => ls::run_command(args),
        Some(CliCommand::Rm(args)) => rm::run_command(args),
        Some(CliCommand::Heatmap(args)) => heatmap::run_command(args),
        Some(CliCommand::Export(args)) => export::run_command(args),
        Some(CliCommand::Eval(args)) => eval::run_command(args),
        Some(CliCommand::Study(args)) => study::run_command(args),
        Some(CliCommand::Report(args)) => report::run_command(args),
        Some(CliCommand::Data(args)) => data::run_command(args.command),
        Some(CliCommand::Cache(args)) => cache::run_command(&args.command),
        Some(CliCommand::Bench(args)) => bench::run_command(args),
        Some(CliCommand::Config(args)) => config::run_command(args.command),
        Some(CliCommand::Themes) => themes::run_command(),
        Some(CliCommand::Keys(args)) => keys::run_command(&args),
        Some(CliCommand::Bridge(args)) => bridge::run_command(args),
        Some(CliCommand::Completions(args)) => completions::run_command(&args),
        Some(CliCommand::Man(args)) => man::run_command(args),
    }
}

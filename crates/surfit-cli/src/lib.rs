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
        Some(CliCommand::Run(args)) => run::run(args),
        Some(CliCommand::Resume(args)) => resume::resume(args),
        Some(CliCommand::Stop(args)) => stop::stop(args),
        Some(CliCommand::Degree(args)) => degree::degree(args),
        Some(CliCommand::Fit(args)) => fit::fit(args),
        Some(CliCommand::Set(args)) => set::set(args),
        Some(CliCommand::Fork(args)) => fork::fork(args),
        Some(CliCommand::Queue(args)) => queue::queue(args),
        Some(CliCommand::Search(args)) => search::search(args),
        Some(CliCommand::Cancel(args)) => search::cancel(args),
        Some(CliCommand::Ls(args)) => ls::ls(args),
        Some(CliCommand::Rm(args)) => rm::rm(args),
        Some(CliCommand::Heatmap(args)) => heatmap::heatmap(args),
        Some(CliCommand::Export(args)) => export::export(args),
        Some(CliCommand::Eval(args)) => eval::eval(args),
        Some(CliCommand::Study(args)) => study::study(args),
        Some(CliCommand::Report(args)) => report::report(args),
        Some(CliCommand::Data(args)) => data::data(args.command),
        Some(CliCommand::Cache(args)) => cache::cache(&args.command),
        Some(CliCommand::Bench(args)) => bench::bench(args),
        Some(CliCommand::Config(args)) => config::config(args.command),
        Some(CliCommand::Themes) => themes::themes(),
        Some(CliCommand::Keys(args)) => keys::keys(&args),
        Some(CliCommand::Bridge(args)) => bridge::bridge(args),
        Some(CliCommand::Completions(args)) => completions::completions(&args),
        Some(CliCommand::Man(args)) => man::man(args),
    }
}

//! The command line: one file per subcommand.

mod args;
mod ask;
mod bench;
mod bridge;
mod cache;
mod complete;
mod completions;
mod config;
mod data;
mod degree;
mod engine_child;
mod eval;
mod export;
mod fault;
mod fit;
mod foreground;
mod fork;
mod heatmap;
mod keys;
mod ls;
mod man;
mod out;
mod parting;
mod place;
mod progress;
mod queue;
mod ready;
mod report;
mod resume;
mod rm;
mod run;
mod search;
mod set;
mod stop;
mod study;
mod themes;
mod workbench;

#[cfg(test)]
mod tests;

use crate::client::signals::ignore_checkpoint_requests;
use args::{Cli, Sub};
use clap::Parser;
use clap::error::ErrorKind;
use fault::Fault;
use std::process::ExitCode;
use surfit_tui::{Depth, theme::Theme};

/// Runs the program.
pub fn main() -> ExitCode {
    ignore_checkpoint_requests();
    complete::answer();
    let result = match Cli::try_parse() {
        Ok(cli) => dispatch(cli),
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            ) =>
        {
            // Printing goes through clap for its colours; a closed pipe is no fault.
            let _ = error.print();
            Ok(())
        }
        Err(error) => Err(fault::from_clap(&error, std::env::args_os())),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => fault.report(),
    }
}

fn dispatch(cli: Cli) -> Result<(), Fault> {
    // A misspelt theme is told also where nothing is drawn.
    if let Some(name) = &cli.screen.theme {
        Theme::load(name, Depth::None).map_err(|e| Fault::Usage(format!("--theme: {e}")))?;
    }
    match cli.command {
        None => workbench::bare(cli.screen),
        Some(Sub::Open(args)) => workbench::open(args, cli.screen),
        Some(Sub::Run(args)) => run::run(args),
        Some(Sub::Resume(args)) => resume::resume(args),
        Some(Sub::Stop(args)) => stop::stop(args),
        Some(Sub::Degree(args)) => degree::degree(args),
        Some(Sub::Fit(args)) => fit::fit(args),
        Some(Sub::Set(args)) => set::set(args),
        Some(Sub::Fork(args)) => fork::fork(args),
        Some(Sub::Queue(args)) => queue::queue(args),
        Some(Sub::Search(args)) => search::search(args),
        Some(Sub::Cancel(args)) => search::cancel(args),
        Some(Sub::Ls(args)) => ls::ls(args),
        Some(Sub::Rm(args)) => rm::rm(args),
        Some(Sub::Heatmap(args)) => heatmap::heatmap(args),
        Some(Sub::Export(args)) => export::export(args),
        Some(Sub::Eval(args)) => eval::eval(args),
        Some(Sub::Study(args)) => study::study(args),
        Some(Sub::Report(args)) => report::report(args),
        Some(Sub::Data(args)) => data::data(args.command),
        Some(Sub::Cache(args)) => cache::cache(&args.command),
        Some(Sub::Bench(args)) => bench::bench(args),
        Some(Sub::Config(args)) => config::config(args.command),
        Some(Sub::Themes) => themes::themes(),
        Some(Sub::Keys(args)) => keys::keys(&args),
        Some(Sub::Bridge(args)) => bridge::bridge(args),
        Some(Sub::Completions(args)) => completions::completions(&args),
        Some(Sub::Man(args)) => man::man(args),
    }
}

//! The command line: one file per subcommand.

mod args;
mod bench;
mod cache;
mod completions;
mod config;
mod data;
mod degree;
mod eval;
mod export;
mod fault;
mod foreground;
mod heatmap;
mod keys;
mod ls;
mod man;
mod out;
mod place;
mod progress;
mod report;
mod resume;
mod run;
mod stop;
mod study;
mod themes;
mod workbench;

#[cfg(test)]
mod tests;

use args::{Cli, Sub};
use clap::Parser;
use clap::error::ErrorKind;
use fault::Fault;
use std::process::ExitCode;

/// Runs the program.
pub fn main() -> ExitCode {
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
    match cli.command {
        None => workbench::bare(cli.screen),
        Some(Sub::Open(args)) => workbench::open(args, cli.screen),
        Some(Sub::Run(args)) => run::run(args),
        Some(Sub::Resume(args)) => resume::resume(args),
        Some(Sub::Stop(args)) => stop::stop(args),
        Some(Sub::Degree(args)) => degree::degree(args),
        Some(Sub::Ls(args)) => ls::ls(args),
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
        Some(Sub::Keys) => keys::keys(),
        Some(Sub::Completions(args)) => completions::completions(args),
        Some(Sub::Man(args)) => man::man(args),
    }
}

//! `surfit completions`: completions for a shell.

use super::args::{Cli, CompletionsArgs};
use super::fault::Fault;
use super::out;
use clap::CommandFactory;

/// Prints the completion script.
pub fn completions(args: CompletionsArgs) -> Result<(), Fault> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "surfit", &mut script);
    out::bytes(&script)
}

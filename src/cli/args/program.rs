//! `surfit config`, `surfit completions`, `surfit man`: about the program itself.

use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;

/// `surfit config`
#[derive(Debug, Args)]
#[command(arg_required_else_help = false)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ConfigSub,
}

/// `surfit config …`
#[derive(Debug, Subcommand)]
pub enum ConfigSub {
    /// Check configuration files; exit code 2 when one has a fault
    Check {
        /// The files
        #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
        files: Vec<PathBuf>,
    },
    /// Print the default configuration, every key explained
    Default,
}

/// `surfit completions`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit completions bash > ~/.local/share/bash-completion/completions/surfit
  surfit completions fish > ~/.config/fish/completions/surfit.fish")]
pub struct CompletionsArgs {
    /// Your shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// `surfit man`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit man | man -l -
  surfit man --out ~/.local/share/man/man1")]
pub struct ManArgs {
    /// Folder to write a page for every command
    #[arg(long, short, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
}

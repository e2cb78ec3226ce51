//! Arguments of `surfit config`, `keys`, `completions` and `man`.

use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;

/// Arguments of `surfit config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ConfigSub,
}

/// `surfit config …`
#[derive(Debug, Subcommand)]
pub enum ConfigSub {
    /// Check configuration and study files; exit code 2 for an error
    Check {
        /// Files to check
        #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
        files: Vec<PathBuf>,
    },
    /// Print the default configuration with every key explained
    Default,
}

/// Arguments of `surfit completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit completions bash > ~/.local/share/bash-completion/completions/surfit
  surfit completions zsh > ~/.zfunc/_surfit            # with ~/.zfunc in $fpath
  surfit completions fish > ~/.config/fish/completions/surfit.fish

Runs, themes and configuration keys are completed too.")]
pub struct CompletionsArgs {
    /// Shell to complete in
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Arguments of `surfit man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit man | man -l -
  surfit man --dir ~/.local/share/man/man1")]
pub struct ManArgs {
    /// Directory to write a page for every command
    #[arg(long = "dir", alias = "out", short, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// Print the reference of all commands in Markdown
    #[arg(long, conflicts_with = "out")]
    pub markdown: bool,
}

/// Arguments of `surfit keys`.
#[derive(Debug, Args)]
#[command(after_help = "\
Change keys in keys.toml in your configuration directory:
  pause = \"f2\"                One key
  finer = [\"f3\", \"g n\"]      Several keys, or a sequence
  stop = []                   No key

A key of a pane or a list precedes the same key elsewhere. \
A key that you give to one action is removed from the action that has it by default. \
surfit warns about this until keys.toml names keys for that action.

With --json, each action is one object: {\"action\",\"keys\",\"scope\",\"group\",\"help\"}.")]
pub struct KeysArgs {
    /// Print JSON, one object per line
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
    /// Print Markdown tables
    #[arg(long)]
    pub markdown: bool,
}

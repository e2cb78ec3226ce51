//! `surfit config`, `surfit completions`, `surfit man`: about the program itself.

use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;

/// Arguments of `surfit config`.
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
    /// Print the JSON schema of configurations, with which editors complete and check them
    Schema {
        /// The keys as Markdown tables: the reference of docs/configuration.md
        #[arg(long, hide = true)]
        markdown: bool,
    },
}

/// Arguments of `surfit completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit completions bash > ~/.local/share/bash-completion/completions/surfit
  surfit completions zsh > ~/.zfunc/_surfit              # with ~/.zfunc in $fpath
  surfit completions fish > ~/.config/fish/completions/surfit.fish

The shell asks surfit itself for what may be written, so runs, themes and keys of configurations are completed too.")]
pub struct CompletionsArgs {
    /// Your shell
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
    /// Folder to write a page for every command
    #[arg(long = "dir", alias = "out", short, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
}

/// Arguments of `surfit keys`.
#[derive(Debug, Args)]
#[command(after_help = "\
Change keys in keys.toml: pause = \"f2\", finer = [\"f3\", \"g n\"], or [] to take them away. A key of a pane or a list goes
before the same key anywhere; one that another action has by default is taken from it, and that is told until the file says
which keys that action is to have.
With --json, a line for each action: {\"action\",\"keys\",\"scope\",\"group\",\"help\"}.")]
pub struct KeysArgs {
    /// Print one JSON object a line
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
    /// Print tables in Markdown
    #[arg(long)]
    pub markdown: bool,
}

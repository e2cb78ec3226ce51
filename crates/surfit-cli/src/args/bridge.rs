//! `surfit bridge`.

use clap::{Args, ValueHint};

/// Arguments of `surfit bridge`.
#[derive(Debug, Args)]
pub struct BridgeArgs {
    /// Run to serve; default: the most recent one
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub run: Option<String>,
    /// Print the list of runs and exit
    #[arg(long, conflicts_with = "run")]
    pub ls: bool,
    /// Refuse all changes
    #[arg(long)]
    pub readonly: bool,
}

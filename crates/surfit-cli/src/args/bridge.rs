//! `surfit bridge`

use clap::{Args, ValueHint};

/// Arguments of `surfit bridge`.
#[derive(Debug, Args)]
pub struct BridgeArgs {
    /// The run; the most recent one when not given
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub run: Option<String>,
    /// Give the list of runs and end
    #[arg(long, conflicts_with = "run")]
    pub ls: bool,
    /// Only watch
    #[arg(long)]
    pub readonly: bool,
}

//! Arguments of `surfit set`, `search`, `cancel`, `fork` and `queue`.

use super::super::complete;
use super::parse_pair;
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;

/// Arguments of `surfit set`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit set RUN fit.learning_rate=0.01      Set the peak learning rate
  surfit set RUN fit.learning_rate=x0.5      Halve it
  surfit set RUN fit.points_per_step=4 'fit.degree=[3,3]' heatmap.grid=21

Changes apply from the next step on. \
They are stored in the checkpoint, so a killed run resumes with them, bit for bit.

With --json, each change is one object: the event `rate_changed`, `draws_changed`, `degree_changed` or `grid_changed`, \
or {\"event\":\"unchanged\"}.")]
pub struct SetArgs {
    /// Run to change
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run_completer())]
    pub run: String,
    /// Value to change: fit.learning_rate, fit.points_per_step, fit.degree or heatmap.grid
    #[arg(value_name = "KEY=VALUE", required = true)]
    pub changes: Vec<String>,
    /// Print JSON, one object per change
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `surfit search`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit search RUN --at 0.4,0.6
  surfit search RUN --at 0.4,0.6 --radius 0.2 --budget 60 --json

Races the neighbours of the best point so far on a growing number of validation images. \
When none is better, the step is halved. \
A running fit waits. The test split is not used.

With --json: {\"from\":{u,v,accuracy,loss,images},\"to\":{…},\"looked_at\",\"images\"}.")]
pub struct SearchArgs {
    /// Run to search
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run_completer())]
    pub run: String,
    /// Point to start at, both numbers from 0 to 1
    #[arg(long, value_name = "U,V", value_parser = parse_pair, allow_hyphen_values = true)]
    pub at: (f64, f64),
    /// Initial step size
    #[arg(long, value_name = "R", default_value_t = 0.1)]
    pub radius: f64,
    /// Maximum number of points to measure
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub budget: usize,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `surfit cancel`.
#[derive(Debug, Args)]
#[command(after_help = "\
Cancels a measurement, a search, an export or an ensemble; else the heatmap or the alignment. \
To stop a fit, use `surfit stop`: it writes a checkpoint first.")]
pub struct CancelArgs {
    /// Run to cancel in
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run_completer())]
    pub run: String,
}

/// Arguments of `surfit fork`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit fork RUN --degree 3 3          The same fit with 4×4 control points
  surfit fork RUN --run-dir /data/b     An independent copy

The new run starts at the present step with the same corners and its own engine. \
The original run continues. \
A finished fit gets a further round if the degree changes. Raising the degree is exact.

With --json: {\"run\",\"dir\",\"pid\",\"from\"}.")]
pub struct ForkArgs {
    /// Run to fork
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run_completer())]
    pub run: String,
    /// Degrees of the new surface, each 1 to 8; default: unchanged
    #[arg(long, value_names = ["M", "N"], num_args = 1..=2)]
    pub degree: Vec<u8>,
    /// Directory of the new run; default: a new directory among your runs
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub run_dir: Option<PathBuf>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `surfit queue`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit queue add a.toml b.toml --set seed=7
  surfit queue fork RUN --degree 3 3    Start after RUN has finished
  surfit queue start --detach           Run all fits, one at a time
  surfit queue ls

A queue has one runner, and a machine runs one queued fit at a time. \
When a runner dies, its fit continues; `surfit queue start` takes over. \
A full disk stops the runner; the fit stays in the queue.")]
pub struct QueueArgs {
    /// What to do
    #[command(subcommand)]
    pub command: QueueSub,
}

/// Subcommands of `surfit queue`.
#[derive(Debug, Subcommand)]
pub enum QueueSub {
    /// Append experiments to the queue
    Add(QueueAddArgs),
    /// Append a fork of a run with another degree
    Fork(QueueForkArgs),
    /// List waiting and running fits
    Ls {
        /// Print JSON, one object per line: number, title, run
        #[arg(long)]
        json: bool,
    },
    /// Remove fits by number
    Rm {
        /// Numbers of the fits
        #[arg(value_name = "NUMBER", required = true)]
        numbers: Vec<u64>,
    },
    /// Run the queue until it is empty; SIGTERM and ctrl-c stop it (exit code 75) and keep the fit
    Start {
        /// Run in the background
        #[arg(long)]
        detach: bool,
    },
}

/// `surfit queue add`
#[derive(Debug, Args)]
pub struct QueueAddArgs {
    /// Configurations of the experiments
    #[arg(value_name = "CONFIG", required = true, value_hint = ValueHint::FilePath)]
    pub configs: Vec<PathBuf>,
    /// Override a value in every configuration, such as `fit.degree=[3,3]`; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Print JSON, one object per line
    #[arg(long)]
    pub json: bool,
}

/// `surfit queue fork`
#[derive(Debug, Args)]
pub struct QueueForkArgs {
    /// Run to fork
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run_completer())]
    pub run: String,
    /// Degrees of the new surface, each 1 to 8
    #[arg(long, value_names = ["M", "N"], num_args = 1..=2, required = true)]
    pub degree: Vec<u8>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

//! Arguments of what steers a run: changes, searches, forks, the queue.

use super::super::complete;
use super::parse_pair;
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;

/// Arguments of `surfit set`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit set RUN learning_rate=0.01     the peak of the learning rate from the next step on
  surfit set RUN learning_rate=x0.5     half of what it is
  surfit set RUN points_per_step=4 degree=[3,3] grid=21

What is set is in the run's checkpoint: a run that is killed and resumed goes on with it, bit for bit.
With --json, one object a change: the event `rate_changed`, `draws_changed`, `degree_changed` or
`grid_changed`, or {\"event\":\"unchanged\"}.")]
pub struct SetArgs {
    /// The run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run())]
    pub run: String,
    /// What to change: fit.learning_rate, fit.points_per_step, fit.degree, heatmap.grid
    #[arg(value_name = "KEY=VALUE", required = true)]
    pub changes: Vec<String>,
    /// One JSON object a change
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `surfit search`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit search RUN --at 0.4,0.6
  surfit search RUN --at 0.4,0.6 --radius 0.2 --budget 60 --json

The neighbours of the best point so far are raced on growing numbers of validation images; the step is
halved when none is better. A fit waits meanwhile. The test split is not touched.
With --json: {\"from\":{u,v,accuracy,loss,images},\"to\":{…},\"looked_at\",\"images\"}.")]
pub struct SearchArgs {
    /// The run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run())]
    pub run: String,
    /// Where to begin, both numbers from 0 to 1
    #[arg(long, value_name = "U,V", value_parser = parse_pair, allow_hyphen_values = true)]
    pub at: (f64, f64),
    /// The first step
    #[arg(long, value_name = "R", default_value_t = 0.1)]
    pub radius: f64,
    /// Points that may be looked at
    #[arg(long, value_name = "N", default_value_t = 40)]
    pub budget: usize,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `surfit cancel`.
#[derive(Debug, Args)]
#[command(
    after_help = "Gives up a measurement, a search, an export or an ensemble, else the heatmap's measurement or the \
                        alignment. A fit is ended with `surfit stop`, which loses nothing."
)]
pub struct CancelArgs {
    /// The run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run())]
    pub run: String,
}

/// Arguments of `surfit fork`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit fork RUN --degree 3 3          the same fit with 4×4 control points, beside the present one
  surfit fork RUN --run-dir /data/b     a copy that goes on by itself

The new run begins at the present step, with the same corners, and has its own engine; the other one goes
on. A fit that was at its end gets a further round when the degree is another. Raising is exact.
With --json: {\"run\",\"dir\",\"pid\",\"from\"}.")]
pub struct ForkArgs {
    /// The run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run())]
    pub run: String,
    /// Degrees of the new run's surface, each 1 to 8; as they are when not given
    #[arg(long, value_names = ["M", "N"], num_args = 1..=2)]
    pub degree: Vec<u8>,
    /// Where the new run lives; by default a new folder among your runs
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub run_dir: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `surfit queue`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit queue add a.toml b.toml --set seed=7
  surfit queue fork RUN --degree 3 3    when RUN has come to its end
  surfit queue start --detach           one after the other, without a terminal
  surfit queue ls

One runner works on a queue at a time, and of several queues' fits one is under way on a machine. When a runner dies its
fit goes on; `surfit queue start` takes over.")]
pub struct QueueArgs {
    /// What to do
    #[command(subcommand)]
    pub command: QueueSub,
}

/// What can be done with the queue.
#[derive(Debug, Subcommand)]
pub enum QueueSub {
    /// Put experiments at the end
    Add(QueueAddArgs),
    /// Put another degree of a run at the end
    Fork(QueueForkArgs),
    /// List what waits and what runs
    Ls {
        /// One JSON object a line: number, title, run
        #[arg(long)]
        json: bool,
    },
    /// Take fits out by their numbers
    Rm {
        /// Their numbers
        #[arg(value_name = "NUMBER", required = true)]
        numbers: Vec<u64>,
    },
    /// Work on the queue until it is empty; a fit that SIGTERM or ctrl-c stops (exit code 75) stays in it
    Start {
        /// Return at once; the work goes on without a terminal
        #[arg(long)]
        detach: bool,
    },
}

/// `surfit queue add`
#[derive(Debug, Args)]
pub struct QueueAddArgs {
    /// The experiments
    #[arg(value_name = "CONFIG", required = true, value_hint = ValueHint::FilePath)]
    pub configs: Vec<PathBuf>,
    /// Replace a value of every configuration, such as `fit.degree=[3,3]`; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// `surfit queue fork`
#[derive(Debug, Args)]
pub struct QueueForkArgs {
    /// The run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run())]
    pub run: String,
    /// Degrees of the new run's surface, each 1 to 8
    #[arg(long, value_names = ["M", "N"], num_args = 1..=2, required = true)]
    pub degree: Vec<u8>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

//! Definition of the command line: subcommands, options and their help.

mod bridge;
mod data;
mod models;
mod program;
mod steer;
mod study;
mod values;

pub use bridge::BridgeArgs;
pub use data::{DataArgs, DataLsArgs, DataSub, FetchArgs, VerifyArgs};
#[cfg(test)]
pub use models::ModelSelector;
pub use models::{EvalArgs, ExportArgs};
pub use program::{CompletionsArgs, ConfigArgs, ConfigSub, KeysArgs, ManArgs};
pub use steer::{CancelArgs, ForkArgs, QueueArgs, QueueSub, SearchArgs, SetArgs};
pub use study::{CacheArgs, CacheCommand, StudyArgs};
pub use values::{
    ColorChoice, HeatmapFormat, ImageChoice, OptionValueError, SplitChoice, colormap_parser, metric_parser, parse_pair,
    parse_point,
};

use super::complete;
use clap::builder::styling::{AnsiColor, Effects, Styles};
use clap::{Args, Parser, Subcommand, ValueHint};
use std::path::PathBuf;
use surfit_core::colormap::Colormap;
use surfit_core::metrics::Metric;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Cyan.on_default().effects(Effects::BOLD))
    .usage(AnsiColor::Cyan.on_default().effects(Effects::BOLD))
    .literal(AnsiColor::Green.on_default().effects(Effects::BOLD))
    .placeholder(AnsiColor::Yellow.on_default());

/// Fit, explore and export Bézier surfaces between neural networks.
///
/// Without a command, surfit opens the most recent run that an engine works on. When there is none, it opens the demo.
#[derive(Debug, Parser)]
#[command(name = "surfit", version, styles = STYLES, propagate_version = true,
          disable_help_subcommand = true, max_term_width = 100, after_help = EXAMPLES)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<CliCommand>,
    /// Options of the screen.
    #[command(flatten)]
    pub screen: ScreenOptions,
}

// Every `after_help` has a paragraph in one line, which clap wraps; only indented lines are broken by hand, at 80 columns.
const EXAMPLES: &str = "\
Examples:
  surfit                                    Watch the demo train
  surfit open mine.toml                     Start a new run, on the screen
  surfit run mine.toml --json > log.jsonl   Run the full pipeline headless
  surfit ls                                 List your runs
  surfit heatmap RUN --out surface.png      Draw the heatmap
  surfit export RUN --best --out model      Export the best network

RUN is a run's directory, its id, or the beginning of its id. \
Runs are in SURFIT_RUNS, or in surfit/runs in your data directory. \
The screen options apply to `surfit` and `surfit open`.

Exit codes: 0 success, 1 failure, 2 wrong usage or configuration, 75 stopped by a signal.";

/// Options of the screen.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Screen")]
pub struct ScreenOptions {
    /// Colour theme; `surfit themes` lists them; SURFIT_THEME sets a default
    #[arg(long, value_name = "NAME", add = complete::theme_completer())]
    pub theme: Option<String>,
    /// Colour depth; detected by default
    #[arg(long, value_name = "DEPTH")]
    pub color: Option<ColorChoice>,
    /// Draw with ASCII characters only
    #[arg(long, overrides_with_all = ["blocks", "unicode"])]
    pub ascii: bool,
    /// Draw with half blocks and plain lines, for fonts without Braille
    #[arg(long, overrides_with_all = ["ascii", "unicode"])]
    pub blocks: bool,
    /// Draw with all characters; ignores the locale and SURFIT_GLYPHS
    #[arg(long, overrides_with_all = ["ascii", "blocks"])]
    pub unicode: bool,
    /// Image protocol of the terminal; ignores SURFIT_IMAGES
    #[arg(long, value_name = "PROTOCOL")]
    pub images: Option<ImageChoice>,
    /// Disable mouse support
    #[arg(long)]
    pub no_mouse: bool,
}

impl ScreenOptions {
    /// Returns these options, with those of `outer` where none is given here.
    pub fn with_fallback(self, outer: Self) -> Self {
        let glyphs = if self.ascii || self.blocks || self.unicode { &self } else { &outer };
        let (ascii, blocks, unicode) = (glyphs.ascii, glyphs.blocks, glyphs.unicode);
        Self {
            theme: self.theme.or(outer.theme),
            color: self.color.or(outer.color),
            ascii,
            blocks,
            unicode,
            images: self.images.or(outer.images),
            no_mouse: self.no_mouse || outer.no_mouse,
        }
    }
}

/// Subcommands of `surfit`.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Open the screen on a new, a running or a finished run
    Open(OpenArgs),
    /// Run the full pipeline headless: train, align, fit, evaluate, export
    Run(RunArgs),
    /// Run variants of an experiment over several seeds and write a report
    Study(StudyArgs),
    /// Resume a run from its last checkpoint
    Resume(ResumeArgs),
    /// Write a checkpoint and end the run's engine
    Stop(StopArgs),
    /// Raise or lower the degree of a surface, during or after its fit
    Degree(DegreeArgs),
    /// Fit a finished surface further, for example after a change of its degree
    Fit(FitArgs),
    /// Change the learning rate, draws, degree or grid of a run
    Set(SetArgs),
    /// Start a new run from another run's checkpoint
    Fork(ForkArgs),
    /// Manage the job queue
    Queue(QueueArgs),
    /// Search for a better point near a given one, off the grid
    Search(SearchArgs),
    /// Cancel the running measurement, search or export
    Cancel(CancelArgs),
    /// List runs, most recent first
    Ls(LsArgs),
    /// Delete runs and their directories
    Rm(RmArgs),
    /// Write a run's heatmap as a table, an array or an image
    Heatmap(HeatmapArgs),
    /// Export a network of the surface as model.safetensors and model.json
    Export(ExportArgs),
    /// Evaluate an exported model
    Eval(EvalArgs),
    /// Write plots and a report into the run's directory
    Report(ReportArgs),
    /// List, download and verify data sets
    Data(DataArgs),
    /// Manage the corner cache
    Cache(CacheArgs),
    /// Measure the cost of steps, cells and memory on this machine
    Bench(BenchArgs),
    /// Check configurations or print the default one
    Config(ConfigArgs),
    /// List the colour themes
    Themes,
    /// List the keys of the screen
    Keys(KeysArgs),
    /// Serve a run of this machine to another machine's screen; started by `surfit open HOST:RUN`
    #[command(hide = true)]
    Bridge(BridgeArgs),
    /// Print shell completions
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for every command
    Man(ManArgs),
}

/// Arguments of `surfit open`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit open                    Open the most recent run
  surfit open mine.toml          Start a new run of mine.toml
  surfit open demo-2026          Open a run by the beginning of its id
  surfit open demo --readonly    Watch without changing anything
  surfit open gpu1:demo-2026     Open a run on another machine through ssh
  surfit open gpu1:              Open the most recent run there

Leaving the screen never ends a fit: `d` detaches, and `surfit open RUN` attaches again. \
Without a terminal, plain progress lines are printed.

HOST:RUN needs surfit on both machines. \
When the connection breaks, surfit reconnects and nothing is lost. \
client.toml in your configuration directory sets how a host is reached. All keys are optional:
  ssh = ['ssh', '-T']             Called with host and command; or SURFIT_SSH
  program = 'surfit'              Program on the host
  [hosts.gpu1]                    The same two keys for one host")]
pub struct OpenArgs {
    /// Configuration for a new run, a run, or a run on another machine; default: the most recent run
    #[arg(value_name = "CONFIG|RUN|HOST:RUN", value_hint = ValueHint::AnyPath, add = complete::run_or_config_completer())]
    pub what: Option<String>,
    /// Watch only; the engine refuses changes from this screen
    #[arg(long)]
    pub readonly: bool,
    /// Options of the screen.
    #[command(flatten)]
    pub screen: ScreenOptions,
}

/// Arguments of `surfit run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit run configs/demo.toml
  surfit run mine.toml --set 'fit.degree=[3,3]' --json > events.jsonl
  surfit run mine.toml --run-dir /data/runs/a --detach

With --run-dir, the same command resumes an unfinished run. \
This suits batch systems that requeue jobs.

Ctrl-c and SIGTERM write a checkpoint and end the engine with exit code 75; `surfit resume RUN` continues. \
SIGUSR1 and SIGUSR2 write a checkpoint and continue. \
A hang-up leaves the engine running (exit code 75). \
In a Slurm script, write `exec surfit run` or `srun surfit run`, so that signals arrive.

With --json, each event is one line, as in the run's events.jsonl:
  {\"seq\":1,\"time\":1763870000.1,\"event\":\"started\",\"run\":…,\"network\":…,
   \"node\":…,\"parameters\":…}
  {\"seq\":5,…,\"event\":\"corner_ready\",\"index\":0,\"source\":\"a.pt\",
   \"accuracy\":…,\"loss\":…,\"own_statistics\":{…},\"warnings\":[…]}
  {\"seq\":9,…,\"event\":\"losses\",\"curve\":\"surface\",\"first_step\":0,
   \"values\":[2.31,…],\"rate\":0.01}
  {\"seq\":99,…,\"event\":\"finished\",\"corners\":[…],\"best\":{\"u\":…,\"v\":…},
   \"interior_mean\":…,\"seconds\":{\"corners\":…,\"fit\":…},…}
The last line is `finished`, or `failed` after an error.

For a given corner, `accuracy` is measured after batch-norm recalibration, like every point. \
`own_statistics` is measured with the statistics in the file.")]
pub struct RunArgs {
    /// Configuration of the experiment
    #[arg(value_name = "CONFIG", value_hint = ValueHint::FilePath)]
    pub config: PathBuf,
    /// Directory of the run; default: a new directory among your runs
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub run_dir: Option<PathBuf>,
    /// Override a configuration value, such as `fit.degree=[3,3]`; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", add = complete::setting_completer())]
    pub sets: Vec<String>,
    /// Run N seeds, starting at the configured one, and print mean and deviation of every value
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: Option<u64>,
    /// How to follow it
    #[command(flatten)]
    pub follow: FollowOptions,
}

/// How a job is followed.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct FollowOptions {
    /// Print events as JSON, one object per line
    #[arg(long)]
    pub json: bool,
    /// Return as soon as the engine runs
    #[arg(long)]
    pub detach: bool,
}

/// Arguments of `surfit resume`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit resume demo-20261123-101500
  surfit resume /data/runs/a --detach

After a kill or a power cut, the run continues from its last checkpoint. \
It arrives at the same surface, bit for bit, as without the interruption. \
A run with a live engine is refused; the error names its node.

Exit codes: 0 finished, now or earlier; 1 failed; 75 stopped by a signal.")]
pub struct ResumeArgs {
    /// Run to resume
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run_completer())]
    pub run: String,
    /// How to follow it
    #[command(flatten)]
    pub follow: FollowOptions,
}

/// Arguments of `surfit stop`.
#[derive(Debug, Args)]
#[command(after_help = "Nothing is lost: `surfit resume RUN` continues at the same step.")]
pub struct StopArgs {
    /// Run to stop
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run_completer())]
    pub run: String,
}

/// Arguments of `surfit degree`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit degree demo-2026 3 2     Use 4×3 control points from now on
  surfit fit demo-2026            Fit a finished surface further

Raising is exact: no point of the surface moves. \
A running fit continues with the new degree. \
For a finished fit, use `surfit fit RUN`.

Lowering is a least-squares fit that keeps the corners. \
The output reports how far the surface moved.

With --json, prints the event `degree_changed`: step, from, to, deviation.")]
pub struct DegreeArgs {
    /// Run to change
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run_completer())]
    pub run: String,
    /// Degree along u, 1 to 8
    #[arg(value_name = "M", value_parser = clap::value_parser!(u8).range(1..=8))]
    pub m: u8,
    /// Degree along v, 1 to 8; default: M. Curves and triangular patches have one degree
    #[arg(value_name = "N", value_parser = clap::value_parser!(u8).range(1..=8))]
    pub n: Option<u8>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `surfit ls`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit ls
  surfit ls state:running,paused
  surfit ls gpu1: 'age<1d'          List the runs of another machine
  surfit ls demo 'acc>0.9' degree:3 'net:resnet*' '!state:failed' 'age<2d'

Filter expressions; all must match:
  demo                              Words of the name
  state: net: data: name:           Values, separated by commas; * as wildcard
  degree:3 degree:3x2               A degree
  acc loss degree age               A bound: < <= > >= =
  !TERM                             Negates a term

A run of several seeds or of a study is called FOLDER/RUN; every command accepts this name. \
The state `interrupted` means that the engine died; `surfit resume RUN` continues the run.

With --json, each run is one object: run, dir, state, alive, stage, done, total, degrees, network, data, \
best ({u, v, accuracy, loss, images} or null), failed, pid, heartbeat, began (Unix seconds), bytes.")]
pub struct LsArgs {
    /// Filter expressions; all must match. `gpu1:` or `me@gpu1:` lists the runs of another machine
    #[arg(value_name = "HOST:|FILTER", add = complete::filter_completer())]
    pub filter: Vec<String>,
    /// Print JSON, one object per line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `surfit rm`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit rm demo-20261123-101500
  surfit rm --failed --yes
  surfit rm study-cnn             Delete all runs of a study or of several seeds

Deletes the run directory, including exports, and links to it among your runs. \
Asks for confirmation (`--yes` to skip). \
Running runs need `--stop`. \
The directory of a study is deleted with its last run, if nothing else is in it.")]
pub struct RmArgs {
    /// Runs to delete
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run_completer(), required_unless_present = "failed")]
    pub runs: Vec<String>,
    /// Delete all failed runs
    #[arg(long, conflicts_with = "runs")]
    pub failed: bool,
    /// Stop the engines of running runs first
    #[arg(long)]
    pub stop: bool,
    /// Skip the confirmation
    #[arg(long, short)]
    pub yes: bool,
}

/// Arguments of `surfit fit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit degree RUN 3 && surfit fit RUN --epochs 5
  surfit fit RUN --steps 2000 --detach

Fits the present surface with a new schedule over the given length. \
Then the heatmap is measured again and the best point is exported. \
On the screen, key `s` does the same. \
To continue an unfinished fit, use `surfit resume RUN`.")]
pub struct FitArgs {
    /// Run to fit further
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run_completer())]
    pub run: String,
    /// Length in epochs of the training images; default: `fit.epochs` of the run's configuration
    #[arg(long, value_name = "E", conflicts_with = "steps", allow_negative_numbers = true)]
    pub epochs: Option<f64>,
    /// Length in optimizer steps
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub steps: Option<u64>,
    /// How to follow it
    #[command(flatten)]
    pub follow: FollowOptions,
}

/// Arguments of `surfit heatmap`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit heatmap RUN --grid 11 --format csv
  surfit heatmap RUN --metric loss --out loss.svg
  surfit heatmap RUN --format npy --out accuracy.npy   # numpy.load: [N, N]

A new grid is measured on the whole validation split by the run's engine, which is started if needed. \
A finer grid becomes the run's own and may change the best point; the output reports it. \
A coarser grid leaves the run unchanged unless --keep is given.

csv has the columns u,v,accuracy,loss,images, then intervals and other metrics by id; a curve has no v. \
json is one object with the cells in the same order.")]
pub struct HeatmapArgs {
    /// Run to read
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run_completer())]
    pub run: String,
    /// Points along each axis, 2 to 101; default: the run's grid
    #[arg(long, value_name = "N")]
    pub grid: Option<usize>,
    /// Make the grid the run's own, even if it is coarser
    #[arg(long, requires = "grid")]
    pub keep: bool,
    /// Metric of images and arrays
    #[arg(long, value_name = "METRIC", default_value_t, value_parser = metric_parser())]
    pub metric: Metric,
    /// Output format; default: from the name of --out, else csv
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<HeatmapFormat>,
    /// Output file; default: standard output
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Colour map of images
    #[arg(long, value_name = "MAP", default_value = "viridis", value_parser = colormap_parser())]
    pub colormap: Colormap,
}

/// Arguments of `surfit report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Writes loss curves, heatmaps and slices as PNG and SVG, and report.md and report.html with plots and tables. \
Works while the run trains, and without an engine.")]
pub struct ReportArgs {
    /// Run to report
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run_completer())]
    pub run: String,
    /// Output directory; default: `figures` in the run's directory
    #[arg(long, short, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
}

/// Arguments of `surfit bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Network to measure; may be repeated; default: four of different kinds
    #[arg(long = "network", value_name = "NAME", add = complete::network_completer())]
    pub networks: Vec<String>,
    /// Measure with few repetitions
    #[arg(long)]
    pub quick: bool,
    /// Print JSON, one object per line
    #[arg(long)]
    pub json: bool,
    /// Further arguments for the benchmark
    #[arg(last = true, value_name = "ARG")]
    pub rest: Vec<String>,
}

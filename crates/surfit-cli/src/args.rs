//! What can be written on the command line.

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
    ColorChoice, HeatmapFormat, ImageChoice, MapArg, MetricArg, OptionValueError, SplitChoice, parse_pair, parse_point,
};

use super::complete;
use clap::builder::styling::{AnsiColor, Effects, Styles};
use clap::{Args, Parser, Subcommand, ValueHint};
use std::path::PathBuf;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Cyan.on_default().effects(Effects::BOLD))
    .usage(AnsiColor::Cyan.on_default().effects(Effects::BOLD))
    .literal(AnsiColor::Green.on_default().effects(Effects::BOLD))
    .placeholder(AnsiColor::Yellow.on_default());

/// Train, fit, look at and select from Bézier surfaces between neural networks.
///
/// Without a command, surfit opens the most recent live run, or the demo when nothing is running.
#[derive(Debug, Parser)]
#[command(name = "surfit", version, styles = STYLES, propagate_version = true,
          disable_help_subcommand = true, max_term_width = 100, after_help = EXAMPLES)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<CliCommand>,
    /// How the screen looks.
    #[command(flatten)]
    pub screen: ScreenOptions,
}

const EXAMPLES: &str = "\
Examples:
  surfit                                    watch the demo train
  surfit open mine.toml                     a new run of your experiment, on the screen
  surfit run mine.toml --json > log.jsonl   the whole job without a terminal
  surfit ls                                 the runs there are
  surfit heatmap RUN --out surface.png      the surface as a picture
  surfit export RUN --best --out model      take the best network away

RUN is a run's directory, its id, or the beginning of its id. Runs live in SURFIT_RUNS,
or in surfit/runs in your data folder. Exit codes: 0 done, 1 failed, 2 wrong use,
75 stopped by a signal.";

/// How the screen looks.
#[derive(Clone, Debug, Default, Args)]
pub struct ScreenOptions {
    /// Colour theme; `surfit themes` lists them; SURFIT_THEME names a usual one
    #[arg(long, value_name = "NAME", global = true, help_heading = "Screen", add = complete::theme())]
    pub theme: Option<String>,
    /// Colours the terminal can show; detected when not given
    #[arg(long, value_name = "DEPTH", global = true, help_heading = "Screen")]
    pub color: Option<ColorChoice>,
    /// Draw with plain characters only: no Braille, no blocks, no lines
    #[arg(long, global = true, help_heading = "Screen", overrides_with_all = ["blocks", "unicode"])]
    pub ascii: bool,
    /// Draw with half blocks and plain lines, for fonts without Braille
    #[arg(long, global = true, help_heading = "Screen", overrides_with_all = ["ascii", "unicode"])]
    pub blocks: bool,
    /// Draw with every character, whatever the locale and SURFIT_GLYPHS say
    #[arg(long, global = true, help_heading = "Screen", overrides_with_all = ["ascii", "blocks"])]
    pub unicode: bool,
    /// How the terminal shows pictures, whatever SURFIT_IMAGES says; auto goes by the environment
    #[arg(long, value_name = "WAY", global = true, help_heading = "Screen")]
    pub images: Option<ImageChoice>,
    /// Leave the mouse to the terminal
    #[arg(long, global = true, help_heading = "Screen")]
    pub no_mouse: bool,
}

/// Subcommands of `surfit`.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Open the workbench on a new, a running or a finished run
    Open(OpenArgs),
    /// Do a whole job without the screen: corners, alignment, fit, heatmap, export
    Run(RunArgs),
    /// Run variants of an experiment over several seeds and write their tables and figures
    Study(StudyArgs),
    /// Go on with a run from its last checkpoint
    Resume(ResumeArgs),
    /// Checkpoint a run and end its engine
    Stop(StopArgs),
    /// Raise or lower a surface's degree, during its fit or afterwards
    Degree(DegreeArgs),
    /// Fit a run's surface further from where it stands, such as after a change of its degree
    Fit(FitArgs),
    /// Change a run's learning rate, draws, degree or grid, while it trains or afterwards
    Set(SetArgs),
    /// Make a new run from the present state of another, with another degree
    Fork(ForkArgs),
    /// Fits that wait for their turn: add, list, remove, start
    Queue(QueueArgs),
    /// Look for a better point near one, off the grid
    Search(SearchArgs),
    /// Give up a measurement, a search or an export that is under way
    Cancel(CancelArgs),
    /// List runs, the most recent first
    Ls(LsArgs),
    /// Remove runs with all that is in their directories
    Rm(RmArgs),
    /// Give a run's heatmap as a table or a picture
    Heatmap(HeatmapArgs),
    /// Write a network of the surface as model.safetensors and model.json
    Export(ExportArgs),
    /// Measure an exported model
    Eval(EvalArgs),
    /// Write figures and a report into the run's directory
    Report(ReportArgs),
    /// Data sets: what is here, download with checksums, verification
    Data(DataArgs),
    /// List or remove the corners that are kept so that they need not be trained again
    Cache(CacheArgs),
    /// Measure what steps, cells and memory cost on this machine
    Bench(BenchArgs),
    /// Check configurations, or print the default one
    Config(ConfigArgs),
    /// List the colour themes
    Themes,
    /// List the keys of the screen
    Keys(KeysArgs),
    /// Serve a run of this machine to the screen of another one; `surfit open HOST:RUN` runs it there
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
  surfit open                    the most recent run
  surfit open mine.toml          begins a new run of mine.toml
  surfit open demo-2026          a run by the beginning of its id
  surfit open demo --readonly    watch without being able to change anything
  surfit open gpu1:demo-2026     a run on another machine, through ssh; gpu1: is its most recent one

Leaving the screen never ends a fit: `d` detaches, `surfit open RUN` comes back.
When standard output is no terminal, plain progress lines are printed.

For HOST:RUN, surfit must be installed on both machines. Keys are answered here; when the line breaks it is dialled
again, and nothing is lost. How a host is reached is up to client.toml in your settings folder, every key optional:
  ssh = ['ssh', '-T']             given the host and a command; SURFIT_SSH goes before it
  program = 'surfit'              the program there
  [hosts.gpu1]                    the same two keys for one host")]
pub struct OpenArgs {
    /// A configuration (a new run), a run, or a run on another machine; the most recent run when not given
    #[arg(value_name = "CONFIG|RUN|HOST:RUN", value_hint = ValueHint::AnyPath, add = complete::run_or_config())]
    pub what: Option<String>,
    /// Only watch: nothing can be changed, and the engine refuses whatever this screen asks for
    #[arg(long)]
    pub readonly: bool,
}

/// Arguments of `surfit run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit run configs/demo.toml
  surfit run mine.toml --set fit.degree=[3,3] --set seed=7 --json > events.jsonl
  surfit run mine.toml --run-dir /data/runs/a --detach

With --run-dir the same line goes on with an unfinished run, as a batch system does that puts a job back into its
queue. SIGTERM and ctrl-c make a checkpoint and end with exit code 75; SIGUSR1 and SIGUSR2 make one and go on. In a
Slurm script, write `exec surfit run` or `srun surfit run`: other lines get no signal.

With --json every event is one object a line, as in the run's events.jsonl:
  {\"seq\":1,\"time\":1763870000.1,\"event\":\"started\",\"run\":…,\"network\":…,\"node\":…,\"parameters\":…}
  {\"seq\":5,…,\"event\":\"corner_ready\",\"index\":0,\"source\":\"a.pt\",\"accuracy\":…,\"loss\":…,
   \"own_statistics\":{\"accuracy\":…,\"loss\":…},\"warnings\":[…]}
  {\"seq\":9,…,\"event\":\"losses\",\"curve\":\"surface\",\"first_step\":0,\"values\":[2.31,…],\"rate\":0.01}
  {\"seq\":99,…,\"event\":\"finished\",\"corners\":[…],\"best\":{\"u\":…,\"v\":…,\"accuracy\":…},
   \"interior_mean\":…,\"seconds\":{\"corners\":…,\"fit\":…},…}
Of a loaded corner, `accuracy` is with batch norm recalibrated, as all points are measured, and
`own_statistics` with the statistics in its file.
The last line is `finished` when the job is done, `failed` when it could not go on.

Ctrl-c checkpoints and ends the engine; `surfit resume RUN` goes on. A hang-up leaves it running (exit code 75).")]
pub struct RunArgs {
    /// The experiment
    #[arg(value_name = "CONFIG", value_hint = ValueHint::FilePath)]
    pub config: PathBuf,
    /// Where the run lives; by default a new folder among your runs
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub run_dir: Option<PathBuf>,
    /// Replace a value of the configuration, such as `fit.degree=[3,3]`; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", add = complete::setting())]
    pub sets: Vec<String>,
    /// Do the job once for each of N seeds, from the configuration's on, and give mean and deviation of every figure
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: Option<u64>,
    /// How to follow it
    #[command(flatten)]
    pub follow: FollowOptions,
}

/// How a job is followed.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct FollowOptions {
    /// Print events as JSON, one object a line
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

After a kill or a power cut the run goes on from its last checkpoint and arrives at the
same surface, bit for bit, as if nothing had happened. An engine that works on it already is refused, with its node.
Exit codes: 0 finished, also before; 1 failed; 75 stopped by a signal.")]
pub struct ResumeArgs {
    /// The run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run())]
    pub run: String,
    /// How to follow it
    #[command(flatten)]
    pub follow: FollowOptions,
}

/// Arguments of `surfit stop`.
#[derive(Debug, Args)]
#[command(after_help = "Nothing is lost: `surfit resume RUN` goes on from the same step.")]
pub struct StopArgs {
    /// The run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run())]
    pub run: String,
}

/// Arguments of `surfit degree`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit degree demo-2026 3 2     4×3 control points from now on
  surfit fit demo-2026            and, when its fit has ended, a further one with them

Raising is exact: every point of the surface stays where it is, and a fit goes on with more freedom: one that is
under way by itself, one that has ended by `surfit fit`.
Lowering is the least-squares fit with the corners held; how far the surface moved is said.
With --json, the event `degree_changed`: step, from, to, deviation.")]
pub struct DegreeArgs {
    /// The run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run())]
    pub run: String,
    /// Degree along u, 1 to 8
    #[arg(value_name = "M")]
    pub m: u8,
    /// Degree along v, 1 to 8; as along u when left out. A curve and a triangular patch have one degree
    #[arg(value_name = "N")]
    pub n: Option<u8>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `surfit ls`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit ls
  surfit ls state:running,paused
  surfit ls gpu1: 'age<1d'          the runs of another machine, through ssh
  surfit ls demo 'acc>0.9' degree:3 net:resnet* '!state:failed' 'age<2d'

All terms must hold: words of the name; state, net, data and name with a value (several with commas, * for
anything); degree:3 or degree:3x2; acc, loss, degree and age with < <= > >= or =; ! before a term for its opposite.
A run of several seeds or of a study has the name FOLDER/RUN, which every command takes.
The state `interrupted` means that the engine died; `surfit resume RUN` goes on.
With --json, one object a line: run, dir, state, alive, stage, done, total, degrees, network, data,
best ({u, v, accuracy, loss, images} or null), failed, pid, heartbeat and began (seconds since 1970), bytes.")]
pub struct LsArgs {
    /// Only runs that all of these hold of; `gpu1:` or `me@gpu1:` among them lists those of another machine
    #[arg(value_name = "HOST:|FILTER", add = complete::filter())]
    pub filter: Vec<String>,
    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `surfit rm`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit rm demo-20261123-101500
  surfit rm --failed --yes
  surfit rm study-cnn             all the runs of a study, or of several seeds

The directory goes with everything in it, models that were exported into it included. On a terminal it is asked
first; elsewhere --yes is needed. A run that an engine works on is refused unless with --stop. Links to it
among your runs go too, and the directory of a study or of several seeds when its last run has gone and nothing else
is in it.")]
pub struct RmArgs {
    /// The runs
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run(), required_unless_present = "failed")]
    pub runs: Vec<String>,
    /// All runs that could not go on
    #[arg(long, conflicts_with = "runs")]
    pub failed: bool,
    /// End the engine of a run that has one, and remove it then
    #[arg(long)]
    pub stop: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// Arguments of `surfit fit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit degree RUN 3 && surfit fit RUN --epochs 5
  surfit fit RUN --steps 2000 --detach

The fit goes on from the present surface on the whole of it, with a new schedule over its own length: warm-up, peak,
decay. The heatmap is measured again after it, and the best point exported. `surfit open RUN`, key `s`, does the same.
A run whose fit has not ended is gone on with by `surfit resume RUN`.")]
pub struct FitArgs {
    /// The run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run())]
    pub run: String,
    /// How long, in epochs of the training images; by default `fit.epochs` of the run's configuration
    #[arg(long, value_name = "E", conflicts_with = "steps", allow_negative_numbers = true)]
    pub epochs: Option<f64>,
    /// How long, in optimizer steps
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
  surfit heatmap RUN --format npy --out accuracy.npy   # numpy.load gives [grid, grid]

A grid that was not measured yet is measured on the whole validation split by the run's engine,
which is started for it when none is running. A finer grid becomes the run's: its best point, that of
`export --best`, may be another then, and it is said. A coarser one leaves the run as it is, unless with --keep.
csv has the columns u,v,accuracy,loss,images (a curve has no v); json is one object with the cells in the same
order.")]
pub struct HeatmapArgs {
    /// The run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run())]
    pub run: String,
    /// Points along each axis, 2 to 101; by default those of the run
    #[arg(long, value_name = "N")]
    pub grid: Option<usize>,
    /// Make the grid the run's own, although it is coarser than the one that was measured
    #[arg(long, requires = "grid")]
    pub keep: bool,
    /// What pictures and arrays show
    #[arg(long, value_name = "METRIC", default_value = "accuracy")]
    pub metric: MetricArg,
    /// Form of the output; by default from the name of --out, else csv
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<HeatmapFormat>,
    /// File to write; standard output when not given
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Colour map of pictures
    #[arg(long, value_name = "MAP", default_value = "viridis")]
    pub colormap: MapArg,
}

/// Arguments of `surfit report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Writes loss curves, heatmaps and slices as PNG and SVG, and report.md and report.html with the
figures and tables, into the run's figures folder. Works while the run trains, and without an engine.")]
pub struct ReportArgs {
    /// The run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath, add = complete::run())]
    pub run: String,
    /// Folder to write; by default `figures` in the run's directory
    #[arg(long, short, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
}

/// Arguments of `surfit bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// A network to measure, may be given several times; without one, four of different kinds
    #[arg(long = "network", value_name = "NAME", add = complete::network())]
    pub networks: Vec<String>,
    /// Measure with few repetitions
    #[arg(long)]
    pub quick: bool,
    /// Print the results as JSON, one object a line
    #[arg(long)]
    pub json: bool,
    /// Further arguments for the benchmark
    #[arg(last = true, value_name = "ARG")]
    pub rest: Vec<String>,
}

//! What can be written on the command line.

mod data;
mod program;
mod study;
mod values;

pub use data::{DataArgs, DataLsArgs, DataSub, FetchArgs, VerifyArgs};
pub use program::{CompletionsArgs, ConfigArgs, ConfigSub, ManArgs};
pub use study::{CacheArgs, CacheCommand, StudyArgs};
pub use values::{Color, Format, MapArg, MetricArg, Split, point};

use clap::builder::styling::{AnsiColor, Effects, Styles};
use clap::{Args, Parser, Subcommand, ValueHint};
use std::path::PathBuf;
use surfit_core::protocol::Selection;

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
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Sub>,
    /// How the screen looks.
    #[command(flatten)]
    pub screen: Screen,
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
or in surfit/runs in your data folder. Exit codes: 0 done, 1 failed, 2 wrong use.";

/// How the screen looks.
#[derive(Clone, Debug, Default, Args)]
pub struct Screen {
    /// Colour theme; `surfit themes` lists them; SURFIT_THEME names a usual one
    #[arg(long, value_name = "NAME", global = true, help_heading = "Screen")]
    pub theme: Option<String>,
    /// Colours the terminal can show; detected when not given
    #[arg(long, value_name = "DEPTH", global = true, help_heading = "Screen")]
    pub color: Option<Color>,
    /// Draw with plain characters only: no Braille, no blocks, no lines
    #[arg(long, global = true, help_heading = "Screen")]
    pub ascii: bool,
    /// Leave the mouse to the terminal
    #[arg(long, global = true, help_heading = "Screen")]
    pub no_mouse: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Sub {
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
    /// List runs, the most recent first
    Ls(LsArgs),
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
    Keys,
    /// Print shell completions
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for every command
    Man(ManArgs),
}

/// `surfit open`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit open                    the most recent run
  surfit open mine.toml          begins a new run of mine.toml
  surfit open demo-2026          a run by the beginning of its id

Leaving the screen never ends a fit: `d` detaches, `surfit open RUN` comes back.
When standard output is no terminal, plain progress lines are printed.")]
pub struct OpenArgs {
    /// A configuration (a new run), or a run; the most recent run when not given
    #[arg(value_name = "CONFIG|RUN", value_hint = ValueHint::AnyPath)]
    pub what: Option<String>,
}

/// `surfit run`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit run configs/demo.toml
  surfit run mine.toml --set fit.degree=[3,3] --set seed=7 --json > events.jsonl
  surfit run mine.toml --run-dir /data/runs/a --detach

With --json every event is one object a line, as in the run's events.jsonl:
  {\"seq\":1,\"time\":1763870000.1,\"event\":\"started\",\"run\":…,\"network\":…,\"parameters\":…}
  {\"seq\":9,…,\"event\":\"losses\",\"curve\":\"surface\",\"first_step\":0,\"values\":[2.31,…],\"rate\":0.01}
  {\"seq\":99,…,\"event\":\"finished\",\"corners\":[…],\"best\":{\"u\":…,\"v\":…,\"accuracy\":…},
   \"interior_mean\":…,\"seconds\":{\"corners\":…,\"fit\":…},…}
The last line is `finished` when the job is done, `failed` when it could not go on.

Ctrl-c checkpoints and ends the engine; `surfit resume RUN` goes on. A hang-up leaves it running.")]
pub struct RunArgs {
    /// The experiment
    #[arg(value_name = "CONFIG", value_hint = ValueHint::FilePath)]
    pub config: PathBuf,
    /// Where the run lives; by default a new folder among your runs
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub run_dir: Option<PathBuf>,
    /// Replace a value of the configuration, such as `fit.degree=[3,3]`; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
    /// Do the job once for each of N seeds, from the configuration's on, and give mean and deviation of every figure
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: Option<u64>,
    /// How to follow it
    #[command(flatten)]
    pub follow: Follow,
}

/// How a job is followed.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Follow {
    /// Print events as JSON, one object a line
    #[arg(long)]
    pub json: bool,
    /// Return as soon as the engine runs
    #[arg(long)]
    pub detach: bool,
}

/// `surfit resume`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit resume demo-20261123-101500
  surfit resume /data/runs/a --detach

After a kill or a power cut the run goes on from its last checkpoint and arrives at the
same surface, bit for bit, as if nothing had happened.")]
pub struct ResumeArgs {
    /// The run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub run: String,
    /// How to follow it
    #[command(flatten)]
    pub follow: Follow,
}

/// `surfit stop`
#[derive(Debug, Args)]
#[command(after_help = "Nothing is lost: `surfit resume RUN` goes on from the same step.")]
pub struct StopArgs {
    /// The run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub run: String,
}

/// `surfit degree`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit degree demo-2026 3 2     4×3 control points from now on

Raising is exact: every point of the surface stays where it is, and the fit goes on with more freedom.
Lowering is the least-squares fit with the corners held; how far the surface moved is said.
With --json, the event `degree_changed`: step, from, to, deviation.")]
pub struct DegreeArgs {
    /// The run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
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

/// `surfit ls`
#[derive(Debug, Args)]
#[command(after_help = "\
With --json, one object a line: run, dir, state, alive, stage, done, total, degrees, network,
best ({u, v, accuracy, loss, images} or null), failed, pid, heartbeat and began (seconds since 1970).
The state `interrupted` means that the engine died; `surfit resume RUN` goes on.")]
pub struct LsArgs {
    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
}

/// `surfit heatmap`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit heatmap RUN --grid 11 --format csv
  surfit heatmap RUN --metric loss --out loss.svg
  surfit heatmap RUN --format npy --out accuracy.npy   # numpy.load gives [grid, grid]

A grid that was not measured yet is measured on the whole validation split by the run's engine,
which is started for it when none is running.
csv has the columns u,v,accuracy,loss,images; json is one object with the cells in the same order.")]
pub struct HeatmapArgs {
    /// The run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub run: String,
    /// Points along each axis, 2 to 101; by default those of the run
    #[arg(long, value_name = "N")]
    pub grid: Option<usize>,
    /// What pictures and arrays show
    #[arg(long, value_name = "METRIC", default_value = "accuracy")]
    pub metric: MetricArg,
    /// Form of the output; by default from the name of --out, else csv
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// File to write; standard output when not given
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Colour map of pictures
    #[arg(long, value_name = "MAP", default_value = "viridis")]
    pub colormap: MapArg,
}

/// `surfit export`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit export RUN --best --out model
  surfit export RUN --at 0.5,0.25 --out model --json
  surfit export RUN --centroid --out model

The choice is made on validation images; the test accuracy is measured once, after it.
model.safetensors has the weights under PyTorch's names, model.json says what they are.
With --json: {\"dir\",\"selection\",\"u\",\"v\",\"validation_accuracy\",\"test_accuracy\"}.")]
pub struct ExportArgs {
    /// The run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub run: String,
    /// What to take
    #[command(flatten)]
    pub which: Which,
    /// Folder to write
    #[arg(long, short, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// Replace a model that is there
    #[arg(long)]
    pub force: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Which network of the surface.
#[derive(Clone, Copy, Debug, Default, Args)]
#[group(multiple = false)]
pub struct Which {
    /// The best grid point by validation accuracy (the default)
    #[arg(long)]
    pub best: bool,
    /// The surface at a point, both numbers from 0 to 1
    #[arg(long, value_name = "U,V", value_parser = point, allow_hyphen_values = true)]
    pub at: Option<(f64, f64)>,
    /// The mean of the whole surface
    #[arg(long)]
    pub centroid: bool,
}

impl Which {
    /// As the engine is asked for it.
    pub fn selection(self) -> Selection {
        match self {
            Which {
                at: Some((u, v)), ..
            } => Selection::At { u, v },
            Which { centroid: true, .. } => Selection::Centroid,
            _ => Selection::Best,
        }
    }
}

/// `surfit eval`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit eval model/model.safetensors
  surfit eval other.safetensors --config mine.toml --split val --json

model.json beside the model says what network and data it is for; --config says it for other files.
With --json: {\"accuracy\",\"loss\",\"correct\",\"images\",\"split\",\"data\"}.")]
pub struct EvalArgs {
    /// The weights
    #[arg(value_name = "MODEL.safetensors", value_hint = ValueHint::FilePath)]
    pub model: PathBuf,
    /// Configuration that names the network and the data
    #[arg(long, value_name = "CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Images to measure on
    #[arg(long, value_name = "SPLIT", default_value = "test")]
    pub split: Split,
    /// Folder with the data set's files
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub data_dir: Option<PathBuf>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `surfit report`
#[derive(Debug, Args)]
#[command(after_help = "\
Writes loss curves, heatmaps and slices as PNG and SVG, and report.md and report.html with the
figures and tables, into the run's figures folder. Works while the run trains, and without an engine.")]
pub struct ReportArgs {
    /// The run
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub run: String,
    /// Folder to write; by default `figures` in the run's directory
    #[arg(long, short, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
}

/// `surfit bench`
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// A network to measure, may be given several times; without one, four of different kinds
    #[arg(long = "network", value_name = "NAME")]
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

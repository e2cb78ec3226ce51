//! Arguments of `surfit study` and `surfit cache`.

use super::super::complete;
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;

/// Arguments of `surfit study`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit study configs/study/cnn.toml --jobs 2
  surfit study configs/study/cnn.toml --seeds 1,2 --only linear-aligned
  surfit study configs/study/cnn.toml --set data.name=cifar10 --dir /data/cifar

A study is a TOML file:
  title = \"Degrees\"              # title of the report; optional
  text = \"What is compared.\"     # Markdown above the tables; optional
  config = \"base.toml\"           # the experiment, relative to this file
  seeds = [1, 2, 3]              # seeds of every variant
  set = [\"fit.epochs=20\"]        # overrides for every variant; optional
  [[variant]]                    # as many as you like
  name = \"degree-3\"              # its runs are degree-3-seed1, …
  title = \"degree 3\"             # title in the tables; optional
  set = [\"fit.degree=3\"]         # overrides that define the variant
  network = false                # true: a single network, its last corner

configs/study/example.toml explains every key. \
`surfit config check STUDY` checks a study.

The same command continues an interrupted study; several processes can share its runs. \
`surfit ls` lists the runs as study-NAME/VARIANT-seedN. \
The report is README.md with its plots.")]
pub struct StudyArgs {
    /// File of the study
    #[arg(value_name = "STUDY", value_hint = ValueHint::FilePath)]
    pub plan: PathBuf,
    /// Directory of the runs; default: a directory among your runs
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// Directory of the report; default: the directory of the runs
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// Number of parallel runs; `threads` in the configuration should share the cores among them
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    /// Override the study's seeds
    #[arg(long, value_name = "SEEDS", value_delimiter = ',')]
    pub seeds: Vec<u64>,
    /// Run only this variant; may be repeated
    #[arg(long, value_name = "VARIANT")]
    pub only: Vec<String>,
    /// Override a value in every variant's configuration; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", add = complete::setting_completer())]
    pub sets: Vec<String>,
    /// Write the report of the finished runs, and run nothing
    #[arg(long)]
    pub report_only: bool,
}

/// Arguments of `surfit cache`.
#[derive(Debug, Args)]
#[command(after_help = "\
Trained corners are reused by runs with the same network, training images, settings, seed, device, precision and threads. \
The cache is in SURFIT_CACHE/corners, or in surfit/corners in your cache directory. \
It is limited to 4 GB; the least recently used corners are removed first. \
`corners.cache = false` in a configuration disables it.")]
pub struct CacheArgs {
    /// What to do
    #[command(subcommand)]
    pub command: CacheCommand,
}

/// Subcommands of `surfit cache`.
#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// List cached corners, most recently used first
    Ls {
        /// Print JSON, one object per line: file, bytes, used (Unix seconds), recipe
        #[arg(long)]
        json: bool,
    },
    /// Remove all cached corners; runs keep theirs
    Clear,
}

//! `surfit study` and `surfit cache`: many runs of one experiment, and the corners that they share.

use super::super::complete;
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;

/// Arguments of `surfit study`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit study configs/study/cnn.toml --jobs 2
  surfit study configs/study/cnn.toml --seeds 1,2 --only linear-aligned
  surfit study configs/study/cnn.toml --set data.name=cifar10 --dir /data/cifar-study

The file of a study, in TOML:
  title = \"Degrees\"              # of the report; may be left out
  text = \"What is compared.\"     # Markdown above the tables; may be left out
  config = \"base.toml\"          # the experiment, relative to this file
  seeds = [1, 2, 3]              # every variant is run with each of them
  set = [\"fit.epochs=20\"]       # replacements for every variant; may be left out
  [[variant]]                    # as many as you like
  name = \"degree-3\"             # its runs are called degree-3-seed1, …
  title = \"degree 3\"            # in the tables; may be left out
  set = [\"fit.degree=3\"]        # what makes the variant
  network = false                # true: it stands for one network, its last corner

configs/study/example.toml is such a file with every key explained, and `surfit config check STUDY` says what
is wrong with yours. Runs that are finished are not done again and those that were begun go on, so the same
command continues a study that was interrupted, and several at a time share its runs. They are listed by `surfit ls` as study-NAME/VARIANT-seedN. The
report is README.md with its figures.")]
pub struct StudyArgs {
    /// The study
    #[arg(value_name = "STUDY", value_hint = ValueHint::FilePath)]
    pub plan: PathBuf,
    /// Where its runs live; by default a folder among your runs
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// Where the report goes; by default beside the runs
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// Runs at a time; set `threads` in the configuration so that together they have one for each core
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    /// Seeds instead of the study's own
    #[arg(long, value_name = "SEEDS", value_delimiter = ',')]
    pub seeds: Vec<u64>,
    /// Only this variant; may be repeated
    #[arg(long, value_name = "VARIANT")]
    pub only: Vec<String>,
    /// Replace a value of every variant's configuration; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", add = complete::setting())]
    pub sets: Vec<String>,
    /// Write the report of what is finished, and run nothing
    #[arg(long)]
    pub report_only: bool,
}

/// Arguments of `surfit cache`.
#[derive(Debug, Args)]
#[command(after_help = "\
A corner is kept under the hash of everything that made it: network, training images, settings, seed, device, compute
type and threads. It lives in SURFIT_CACHE/corners, or surfit/corners in your cache folder, and the least recently used
go when it grows beyond 4 GB. `corners.cache = false` in a configuration leaves it alone.")]
pub struct CacheArgs {
    /// What to do
    #[command(subcommand)]
    pub command: CacheCommand,
}

/// What to do with the cache.
#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// List what is kept, the latest used first
    Ls {
        /// Print one object a line: file, bytes, used (seconds since 1970), recipe
        #[arg(long)]
        json: bool,
    },
    /// Remove all of it; runs keep their corners
    Clear,
}

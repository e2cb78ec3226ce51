//! `surfit data`.

use super::super::complete;
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;

/// Arguments of `surfit data`.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DataSub,
}

/// `surfit data …`
#[derive(Debug, Subcommand)]
pub enum DataSub {
    /// List the data sets with state, place and size
    Ls(DataLsArgs),
    /// Download a data set with checksums; resumes interrupted transfers
    Fetch(FetchArgs),
    /// Verify files against the published checksums; files that differ are read to the end
    Verify(VerifyArgs),
}

/// `surfit data ls`
#[derive(Debug, Args)]
#[command(after_help = "\
Data sets are searched in SURFIT_DATA/SET, in surfit/data/SET of your data directory, and in /usr/share/datasets/SET. \
`data.root` in a configuration names another directory.

With --json, each set is one object: set, about, splits, mean, std, state, source, bytes, missing, \
files ({file, form, bytes, sha256}), and why if its directory cannot be read. \
state is complete, partial, absent, unreadable, embedded, or folder for your own images.")]
pub struct DataLsArgs {
    /// Print JSON, one object per line
    #[arg(long)]
    pub json: bool,
}

/// `surfit data fetch`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  surfit data fetch cifar10
  surfit data fetch cifar100 --form python --dir /data/cifar100
  surfit data fetch mnist --mirror http://files.example.org/data
  surfit data fetch --config mine.toml    Use its set, directory and mirror

A mirror serves the files as MIRROR/SET/FILE; SURFIT_MIRROR sets a default. \
HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY are respected.

With --json, each line is one `event`: begun (file, url, from, bytes), retry (file, why, wait), \
present (path, bytes) or fetched (path, bytes, sha256).")]
pub struct FetchArgs {
    /// Data set; `surfit data ls` lists them
    #[arg(value_name = "SET", required_unless_present = "config", add = complete::data_set_completer())]
    pub set: Option<String>,
    /// Use set, directory and mirror of this configuration
    #[arg(long, value_name = "CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Directory for the files; default: SURFIT_DATA/SET, or surfit/data/SET in your data directory
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// Base URL of a mirror, instead of the publishers' sites
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub mirror: Option<String>,
    /// Published form of the set: binary or python for CIFAR
    #[arg(long, value_name = "FORM")]
    pub form: Option<String>,
    /// Print JSON, one object per line
    #[arg(long)]
    pub json: bool,
}

/// `surfit data verify`
#[derive(Debug, Args)]
#[command(after_help = "\
Checks every file in every form and place of the set, but not the cache of decoded images. \
The form that a run uses comes first. Verdicts:
  published     The checksum is the published one
  readable      Another file or form, which was read to the end
  unchecked     Not read
  damaged       The content is wrong
  unreadable    You have no permission to read it
  missing       The file does not exist

The exit code is 1 if a file is damaged, unreadable or missing. \
In a folder or an archive of images, every image is decoded. \
Damaged and unreadable images have a line each, up to a hundred.

With --json, each file is one object: set, file, verdict, checked (how it was checked) and note.")]
pub struct VerifyArgs {
    /// Data set; default: all that are on this machine
    #[arg(value_name = "SET", add = complete::data_set_completer())]
    pub set: Option<String>,
    /// Directory with the files, instead of the default places
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "set")]
    pub dir: Option<PathBuf>,
    /// Print JSON, one object per line
    #[arg(long)]
    pub json: bool,
}

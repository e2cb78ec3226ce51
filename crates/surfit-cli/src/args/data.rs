//! `surfit data`.

use super::super::complete;
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;

/// Arguments of `surfit data`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = false)]
pub struct DataArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DataSub,
}

/// `surfit data …`
#[derive(Debug, Subcommand)]
pub enum DataSub {
    /// List the data sets: what is here, where, how large, and whether it is complete
    Ls(DataLsArgs),
    /// Download a data set, with checksums; goes on where an earlier call stopped
    Fetch(FetchArgs),
    /// Check the files of data sets against the published checksums, and read what differs
    Verify(VerifyArgs),
}

/// `surfit data ls`
#[derive(Debug, Args)]
#[command(after_help = "\
A set is looked for in SURFIT_DATA/SET, in surfit/data/SET of your data folder, and in
/usr/share/datasets/SET; `data.root` in a configuration names any other folder.
With --json, one object a line: set, about, splits, mean, std, state (complete, partial, absent, unreadable,
embedded, or folder for your own images), source, bytes, missing, files ({file, form, bytes, sha256}), and why when
the set's folder is there but may not be looked into.")]
pub struct DataLsArgs {
    /// Print JSON, one object a line
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
  surfit data fetch --config mine.toml     its data.name, data.root and data.mirror

A mirror has the files as MIRROR/SET/FILE; SURFIT_MIRROR names a usual one. Proxies are taken from
HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.
With --json, one object a line, told by `event`: begun (file, url, from, bytes), retry (file, why,
wait), present (path, bytes) and fetched (path, bytes, sha256).")]
pub struct FetchArgs {
    /// The data set; `surfit data ls` lists them
    #[arg(value_name = "SET", required_unless_present = "config", add = complete::data_set())]
    pub set: Option<String>,
    /// Take set, folder and mirror from this configuration
    #[arg(long, value_name = "CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Folder for the files; by default SURFIT_DATA/SET, or surfit/data/SET in your data folder
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
    /// Base URL to get the files from instead of their publishers' homes
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub mirror: Option<String>,
    /// Form of the set where it is published in several: binary or python for CIFAR
    #[arg(long, value_name = "FORM")]
    pub form: Option<String>,
    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
}

/// `surfit data verify`
#[derive(Debug, Args)]
#[command(after_help = "\
Every file is checked for itself, in every form and place that has the set, and never the cache of decoded
images. The form that a run takes comes first. A file is `published` (its checksum is the published one),
`readable` (another file, or another form, that was read to its end), `unchecked` (not read), `damaged`,
`unreadable` (you may not read it, so that nothing is known of it) or `missing`. The exit code is 1 when one is
damaged, unreadable or missing. Of a folder or an archive of images every image is decoded; each that is damaged
or unreadable has a line of its own, up to a hundred.
With --json, one object a line: set, file, verdict, checked (what was looked at) and note.")]
pub struct VerifyArgs {
    /// The data set; all that are here when not given
    #[arg(value_name = "SET", add = complete::data_set())]
    pub set: Option<String>,
    /// Folder with the files, instead of the usual places
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "set")]
    pub dir: Option<PathBuf>,
    /// Print JSON, one object a line
    #[arg(long)]
    pub json: bool,
}

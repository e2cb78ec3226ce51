//! Fetching published files: resumed after a broken connection, checked before they get their name.
//!
//! A file grows as `NAME.part`, beside a note of the server's version information. Only when its length and its
//! SHA-256 are the published ones does it get its name, so that a file with its name is whole. A call that is interrupted
//! at any point, or killed, continues where it stopped.

mod partial_file;
mod transfer;

use crate::digest;
use crate::{DataError, Result};
use serde::Serialize;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;
use surfit_core::config::unknown_name_message;
use surfit_core::data_sets::{DataSetSpec, PublishedFile, PublishedForm};

/// What is fetched from where to where.
#[derive(Clone, Debug)]
pub struct FetchOptions {
    /// Folder that the files are put into.
    pub dir: PathBuf,
    /// A base URL that has the files as `MIRROR/SET/FILE`, instead of the publishers' URLs.
    pub mirror: Option<String>,
    /// Which form of the set, such as `python`; the first when not given.
    pub form: Option<String>,
    /// How often a broken connection is tried anew.
    pub timeouts: FetchTimeouts,
}

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub struct FetchTimeouts {
    /// Attempts in a row that bring nothing.
    pub max_attempts: u32,
    /// Wait before the second of them; every further one waits twice as long, up to 30 s.
    pub initial_backoff: Duration,
    /// Silence after which a connection is taken for dead.
    pub idle_timeout: Duration,
}

impl Default for FetchTimeouts {
    fn default() -> Self {
        Self { max_attempts: 5, initial_backoff: Duration::from_millis(500), idle_timeout: Duration::from_secs(30) }
    }
}

/// What happens during a fetch.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum FetchEvent {
    /// The file is there already, as published.
    Present {
        /// Path of the file.
        path: PathBuf,
        /// Size of the file in bytes.
        bytes: u64,
    },
    /// A transfer begins, or begins anew.
    Begun {
        /// Name of the file.
        file: &'static str,
        /// Where it comes from.
        url: String,
        /// Bytes that are there already.
        from: u64,
        /// Bytes of the whole file.
        bytes: u64,
    },
    /// Some more bytes have come.
    Progress {
        /// Name of the file.
        file: &'static str,
        /// Bytes that are there.
        done: u64,
        /// Bytes of the whole file.
        bytes: u64,
    },
    /// An attempt failed and another will be made.
    Retry {
        /// Name of the file.
        file: &'static str,
        /// What went wrong.
        why: String,
        /// Seconds until the next attempt.
        wait: f64,
    },
    /// The file is there, checked.
    Fetched {
        /// Path of the file.
        path: PathBuf,
        /// Size of the file in bytes.
        bytes: u64,
        /// SHA-256 checksum of the file, in hexadecimal.
        sha256: &'static str,
    },
}

/// Fetches a set's files, those that are not there yet, and reports progress.
///
/// # Errors
/// A sentence for a set that is not published, an unknown form, another fetch into the same folder, files that cannot be
/// got or are not what was published, and a full disk. What was fetched before stays.
pub fn fetch(spec: &DataSetSpec, options: &FetchOptions, on_event: &mut dyn FnMut(FetchEvent)) -> Result<()> {
    let form = select_form(spec, options.form.as_deref())?;
    let mirror = options.mirror.as_deref();
    if let Some(mirror) = mirror
        && !["http://", "https://"].iter().any(|w| mirror.starts_with(w))
    {
        return Err(DataError::input(format!(
            "the mirror `{mirror}` is not a URL; it must start with http:// or https://"
        )));
    }
    let urls = |file: &PublishedFile| -> Vec<String> {
        match mirror {
            Some(base) => vec![format!("{}/{}/{}", base.trim_end_matches('/'), spec.name, file.name)],
            None => file.urls.iter().map(|url| format!("{url}/{}", file.name)).collect(),
        }
    };
    let files: Vec<(PublishedFile, Vec<String>)> = form.files.iter().map(|f| (*f, urls(f))).collect();
    fetch_files(&files, &options.dir, options.timeouts, on_event)
}

fn select_form<'a>(spec: &'a DataSetSpec, name: Option<&str>) -> Result<&'a PublishedForm> {
    let Some(first) = spec.forms.first() else {
        return Err(DataError::input(format!("{} cannot be downloaded: it is {}", spec.name, spec.about)));
    };
    let Some(name) = name else {
        return Ok(first);
    };
    spec.forms.iter().find(|f| f.name == name).ok_or_else(|| {
        let names: Vec<&str> = spec.forms.iter().map(|f| f.name).collect();
        DataError::input(unknown_name_message(&format!("form of {}", spec.name), name, &names))
    })
}

/// Fetches these files, each from the first of its URLs that gives it.
pub(crate) fn fetch_files(
    files: &[(PublishedFile, Vec<String>)],
    dir: &Path,
    timeouts: FetchTimeouts,
    on_event: &mut dyn FnMut(FetchEvent),
) -> Result<()> {
    std::fs::create_dir_all(dir).map_err(DataError::io(dir))?;
    let _lock = lock_folder(dir)?;
    for (file, urls) in files {
        let path = dir.join(file.name);
        if is_published(&path, file)? {
            on_event(FetchEvent::Present { path, bytes: file.size });
            continue;
        }
        transfer::fetch_file(file, urls, &path, timeouts, on_event)?;
        on_event(FetchEvent::Fetched { path, bytes: file.size, sha256: file.sha256 });
    }
    Ok(())
}

/// Allows one fetch into a folder at a time, for as long as the file is open.
fn lock_folder(dir: &Path) -> Result<File> {
    let path = dir.join(".fetch.lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(DataError::io(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DataError::input(format!(
            "{}: another download is running in this directory; wait for its end",
            dir.display()
        ))),
        Err(TryLockError::Error(error)) => Err(DataError::io(path)(error)),
    }
}

/// True when a file is there and is the published one.
pub(crate) fn is_published(path: &Path, file: &PublishedFile) -> Result<bool> {
    match path.metadata() {
        Ok(data) if data.is_file() && data.len() == file.size => Ok(digest::sha256_hex_of_file(path)? == file.sha256),
        _ => Ok(false),
    }
}

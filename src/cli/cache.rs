//! `surfit cache`: the corners that were trained before.

use super::args::CacheCommand;
use super::fault::Fault;
use super::out;
use crate::client::runs::ago;
use std::time::UNIX_EPOCH;
use surfit_core::corner_cache::{LIMIT, entries, folder};

/// Says what is kept, or lets go of it.
pub fn cache(command: &CacheCommand) -> Result<(), Fault> {
    let folder = folder().ok_or_else(|| {
        Fault::Failure("there is no folder for caches; set SURFIT_CACHE to one".into())
    })?;
    let mut all = entries(&folder);
    all.sort_by_key(|e| std::cmp::Reverse(e.used));
    let bytes: u64 = all.iter().map(|e| e.bytes).sum();
    match command {
        CacheCommand::Ls => {
            for entry in &all {
                let used = entry
                    .used
                    .duration_since(UNIX_EPOCH)
                    .map_or(0.0, |d| d.as_secs_f64());
                let name = entry.path.file_stem().unwrap_or_default().to_string_lossy();
                let short: String = name.chars().take(16).collect();
                out::line(format!(
                    "{short}  {:>9.1} MB  used {}",
                    entry.bytes as f64 / 1e6,
                    ago(used)
                ))?;
            }
            out::line(format!(
                "{} corners, {:.1} of at most {:.0} MB, in {}",
                all.len(),
                bytes as f64 / 1e6,
                LIMIT as f64 / 1e6,
                folder.display()
            ))
        }
        CacheCommand::Clear => {
            for entry in &all {
                std::fs::remove_file(&entry.path).map_err(|e| {
                    Fault::Failure(format!("{}: {e}; remove it by hand", entry.path.display()))
                })?;
            }
            out::line(format!(
                "{} corners removed, {:.1} MB",
                all.len(),
                bytes as f64 / 1e6
            ))
        }
    }
}

//! `surfit cache`: the corners that were trained before.

use super::args::CacheCommand;
use super::fault::CliError;
use super::out;
use serde_json::{Value, json};
use std::time::UNIX_EPOCH;
use surfit_client::runs::ago;
use surfit_core::corner_cache::{CachedCorner, LIMIT, entries, folder, recipe};
use surfit_core::files::remove;

/// Says what is kept, or lets go of it.
pub fn cache(command: &CacheCommand) -> Result<(), CliError> {
    let folder = folder().ok_or_else(|| {
        CliError::Failure("there is no folder for caches; set SURFIT_CACHE to one".into())
    })?;
    let mut all = entries(&folder);
    all.sort_by_key(|e| std::cmp::Reverse(e.used));
    let megabytes = all.iter().map(|e| e.bytes).sum::<u64>() as f64 / 1e6;
    match command {
        CacheCommand::Ls { json: true } => all.iter().try_for_each(|entry| {
            out::json(&json!({
                "file": entry.path,
                "bytes": entry.bytes,
                "used": seconds(entry),
                "recipe": recipe(&entry.path),
            }))
        }),
        CacheCommand::Ls { json: false } => {
            for entry in &all {
                let name = entry.path.file_stem().unwrap_or_default().to_string_lossy();
                let short: String = name.chars().take(12).collect();
                out::line(format!(
                    "{short}  {:>9.1} MB  used {:<14} {}",
                    entry.bytes as f64 / 1e6,
                    ago(seconds(entry)),
                    recipe(&entry.path).map_or_else(|| "damaged".into(), |r| described(&r))
                ))?;
            }
            out::line(format!(
                "{} corners, {megabytes:.1} of at most {:.0} MB, in {}",
                all.len(),
                LIMIT as f64 / 1e6,
                folder.display()
            ))
        }
        CacheCommand::Clear => {
            for entry in &all {
                remove(&entry.path).map_err(|e| {
                    CliError::Failure(format!("{}: {e}; remove it by hand", entry.path.display()))
                })?;
            }
            out::line(format!("{} corners removed, {megabytes:.1} MB", all.len()))
        }
    }
}

fn seconds(entry: &CachedCorner) -> f64 {
    let since = entry.used.duration_since(UNIX_EPOCH);
    since.map_or(0.0, |d| d.as_secs_f64())
}

/// A recipe's network, seed, epochs and place.
fn described(recipe: &Value) -> String {
    format!(
        "{}, seed {}, {} epochs, on {} in {}",
        recipe["network"]["name"].as_str().unwrap_or("?"),
        recipe["seed"],
        recipe["epochs"],
        recipe["device"].as_str().unwrap_or("?"),
        recipe["compute"].as_str().unwrap_or("?"),
    )
}

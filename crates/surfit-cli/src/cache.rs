//! `surfit cache`: lists and clears the corner cache.

use super::args::CacheCommand;
use super::error::CliError;
use super::output;
use serde_json::{Value, json};
use std::time::UNIX_EPOCH;
use surfit_client::runs::format_time_ago;
use surfit_core::corner_cache::{CachedCorner, MAX_CACHE_BYTES, corner_cache_folder, list_cached_corners, read_recipe};
use surfit_core::files::remove;

/// Lists or removes the cached corners.
pub fn run_command(command: &CacheCommand) -> Result<(), CliError> {
    let folder =
        corner_cache_folder().ok_or_else(|| CliError::Failure("no cache directory; set SURFIT_CACHE to one".into()))?;
    let mut all = list_cached_corners(&folder);
    all.sort_by_key(|e| std::cmp::Reverse(e.last_used));
    let megabytes = all.iter().map(|e| e.bytes).sum::<u64>() as f64 / 1e6;
    match command {
        CacheCommand::Ls { json: true } => all.iter().try_for_each(|entry| {
            output::print_json(&json!({
                "file": entry.path,
                "bytes": entry.bytes,
                "used": used_unix_seconds(entry),
                "recipe": read_recipe(&entry.path),
            }))
        }),
        CacheCommand::Ls { json: false } => {
            for entry in &all {
                let name = entry.path.file_stem().unwrap_or_default().to_string_lossy();
                let short: String = name.chars().take(12).collect();
                output::print_line(format!(
                    "{short}  {:>9.1} MB  used {:<14} {}",
                    entry.bytes as f64 / 1e6,
                    format_time_ago(used_unix_seconds(entry)),
                    read_recipe(&entry.path).map_or_else(|| "damaged".into(), |r| describe_recipe(&r))
                ))?;
            }
            output::print_line(format!(
                "{} corners, {megabytes:.1} of at most {:.0} MB, in {}",
                all.len(),
                MAX_CACHE_BYTES as f64 / 1e6,
                folder.display()
            ))
        }
        CacheCommand::Clear => {
            for entry in &all {
                remove(&entry.path)
                    .map_err(|e| CliError::Failure(format!("{}: {e}; remove it yourself", entry.path.display())))?;
            }
            output::print_line(format!("removed {} corners, {megabytes:.1} MB", all.len()))
        }
    }
}

fn used_unix_seconds(entry: &CachedCorner) -> f64 {
    let since = entry.last_used.duration_since(UNIX_EPOCH);
    since.map_or(0.0, |d| d.as_secs_f64())
}

/// Describes a recipe by network, seed, epochs, device and precision.
fn describe_recipe(recipe: &Value) -> String {
    format!(
        "{}, seed {}, {} epochs, on {} in {}",
        recipe["network"]["name"].as_str().unwrap_or("?"),
        recipe["seed"],
        recipe["epochs"],
        recipe["device"].as_str().unwrap_or("?"),
        recipe["compute"].as_str().unwrap_or("?"),
    )
}

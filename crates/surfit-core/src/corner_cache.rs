//! The folder of trained corners, and its content.

use crate::files::cache_folder;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Bytes that the cache may take before the least recently used corners go.
pub const MAX_CACHE_BYTES: u64 = 4 << 30;

/// The key of the metadata under which a corner's file states, as JSON, what made it.
pub const RECIPE_KEY: &str = "surfit-corner";

/// Longest header that is looked at; those of corners have a few thousand bytes.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// A corner in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedCorner {
    /// Path of the corner's file.
    pub path: PathBuf,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// When it was made or used last.
    pub last_used: SystemTime,
}

/// The folder: `SURFIT_CACHE/corners`, else `surfit/corners` in the user's cache folder; `None` when neither is known.
pub fn corner_cache_folder() -> Option<PathBuf> {
    cache_folder("corners")
}

/// Every corner in a folder; none when there is no folder.
pub fn list_cached_corners(folder: &Path) -> Vec<CachedCorner> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let kept = |file: std::fs::DirEntry| {
        let path = file.path();
        let data = file.metadata().ok()?;
        let is_corner = data.is_file() && path.extension().is_some_and(|e| e == "safetensors");
        is_corner.then_some(CachedCorner { bytes: data.len(), last_used: data.modified().ok()?, path })
    };
    files.filter_map(kept).collect()
}

/// What made the corner in a safetensors file, as its header states; `None` when it states nothing that can be read.
pub fn read_recipe(path: &Path) -> Option<serde_json::Value> {
    let mut file = std::fs::File::open(path).ok()?;
    let mut length = [0; 8];
    file.read_exact(&mut length).ok()?;
    let length = Some(u64::from_le_bytes(length)).filter(|n| *n <= MAX_HEADER_BYTES)?;
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header).ok()?;
    let header: serde_json::Value = serde_json::from_slice(&header).ok()?;
    serde_json::from_str(header["__metadata__"][RECIPE_KEY].as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_is_read_from_the_header_alone_and_damage_is_no_recipe() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.safetensors");
        let header = format!("{{\"__metadata__\":{{\"{RECIPE_KEY}\":\"{{\\\"seed\\\":3}}\"}}}}");
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        std::fs::write(&path, &file).unwrap();
        assert_eq!(read_recipe(&path).unwrap()["seed"], 3);
        let found = list_cached_corners(dir.path());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].bytes, file.len() as u64);
        std::fs::write(&path, &file[..file.len() - 1]).unwrap();
        assert!(read_recipe(&path).is_none());
        std::fs::write(&path, u64::MAX.to_le_bytes()).unwrap();
        assert!(read_recipe(&path).is_none());
        std::fs::remove_file(&path).unwrap();
        assert!(list_cached_corners(dir.path()).is_empty());
    }
}

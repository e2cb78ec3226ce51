//! Where trained corners are kept, and what is there.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Bytes that the cache may take before the least recently used corners go.
pub const LIMIT: u64 = 4 << 30;

/// A corner in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// When it was made or used last.
    pub used: SystemTime,
}

/// The folder: `SURFIT_CACHE/corners`, else `surfit/corners` in the user's cache folder; `None` when neither is known.
pub fn folder() -> Option<PathBuf> {
    if let Some(root) = std::env::var_os("SURFIT_CACHE").filter(|r| !r.is_empty()) {
        return Some(PathBuf::from(root).join("corners"));
    }
    use etcetera::BaseStrategy;
    etcetera::choose_base_strategy()
        .ok()
        .map(|base| base.cache_dir().join("surfit").join("corners"))
}

/// Every corner in a folder; none when there is no folder.
pub fn entries(folder: &Path) -> Vec<Kept> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let kept = |file: std::fs::DirEntry| {
        let path = file.path();
        let data = file.metadata().ok()?;
        let is_corner = data.is_file() && path.extension().is_some_and(|e| e == "safetensors");
        is_corner.then_some(Kept {
            bytes: data.len(),
            used: data.modified().ok()?,
            path,
        })
    };
    files.filter_map(kept).collect()
}

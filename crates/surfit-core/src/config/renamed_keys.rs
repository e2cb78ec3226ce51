//! Keys that have had other names: configurations with these names keep working.

/// Former names of keys, with what they are called now.
pub const RENAMED_KEYS: &[(&str, &str)] = &[
    ("compute", "precision"),
    ("data.set", "data.name"),
    ("data.dir", "data.root"),
    ("data.calibration_images", "data.bn_images"),
    ("corners.from", "corners.checkpoints"),
    ("corners.batch", "corners.batch_size"),
    ("corners.shift", "corners.random_crop_padding"),
    ("corners.flip", "corners.horizontal_flip"),
    ("corners.erase", "corners.random_erasing"),
    ("fit.edge_epochs", "fit.boundary_epochs"),
    ("fit.draws", "fit.points_per_step"),
    ("fit.focus", "fit.loss_weighting"),
    ("fit.batch", "fit.batch_size"),
    ("fit.shift", "fit.random_crop_padding"),
    ("fit.flip", "fit.horizontal_flip"),
    ("fit.erase", "fit.random_erasing"),
    ("heatmap.budget", "heatmap.live_compute_fraction"),
    ("checkpoint.every_seconds", "checkpoint.interval_secs"),
];

/// Aliases of keys, which need not be replaced.
const KEY_ALIASES: &[(&str, &str)] = &[("corners.lr", "corners.learning_rate"), ("fit.lr", "fit.learning_rate")];

/// The present name of a dotted key: its own where it has had no other.
pub fn present_key(key: &str) -> &str {
    let names = RENAMED_KEYS.iter().chain(KEY_ALIASES);
    names.into_iter().find(|(former, _)| *former == key).map_or(key, |(_, present)| present)
}

/// The present name of a key that was renamed; `None` for all others.
pub fn renamed_key(key: &str) -> Option<&'static str> {
    RENAMED_KEYS.iter().find(|(former, _)| *former == key).map(|(_, present)| *present)
}

/// All other names of the key that is now called so.
pub fn former_keys(present: &str) -> impl Iterator<Item = &'static str> {
    RENAMED_KEYS.iter().chain(KEY_ALIASES).filter(move |(_, key)| *key == present).map(|(former, _)| *former)
}

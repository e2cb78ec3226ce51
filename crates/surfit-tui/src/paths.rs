//! Paths of a user's own settings.

use etcetera::BaseStrategy;
use std::path::PathBuf;

/// `$XDG_CONFIG_HOME/surfit`, or `~/.config/surfit`; `None` without a home.
pub fn config_folder() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok().map(|s| s.config_dir().join("surfit"))
}

//! What a run was begun with. Its own `config.toml` follows what is changed on request (degrees, grid, seeds of corners),
//! so the first such change keeps the configuration before it as `begun.toml`.

use super::{MAX_SMALL_FILE_BYTES, RunDir, RunError, io_error_at};
use crate::config::{self, Config};
use crate::files::{self, FilePath, write_atomic};

impl RunDir {
    fn initial_config_path(&self) -> FilePath {
        self.join("begun.toml")
    }

    /// Keeps the present configuration as the one that the run was begun with, unless there is one already. To be called
    /// before `config.toml` is replaced.
    ///
    /// # Errors
    /// [`RunError::Io`].
    pub fn persist_initial_config(&self) -> Result<(), RunError> {
        let path = self.initial_config_path();
        if files::exists(&path) {
            return Ok(());
        }
        let present = self.config_path();
        let text = files::read(&present, MAX_SMALL_FILE_BYTES).map_err(io_error_at(&present))?;
        write_atomic(&path, &text).map_err(io_error_at(&path))
    }

    /// The configuration that the run was begun with, whatever was changed in it on request since.
    ///
    /// # Errors
    /// [`RunError::Config`] when it was damaged.
    pub fn initial_config(&self) -> Result<Config, RunError> {
        let path = self.initial_config_path();
        match files::is_file(&path) {
            true => Ok(config::load(&path, &[])?),
            false => self.config(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_configuration_outlives_changes() {
        let dir = tempfile::tempdir().unwrap();
        let begun = Config::default();
        let run = RunDir::create(&dir.path().join("a"), &begun).unwrap();
        assert_eq!(run.initial_config().unwrap(), begun);
        for grid in [7, 9] {
            let mut changed = begun.clone();
            changed.heatmap.grid = grid;
            run.persist_initial_config().unwrap();
            std::fs::write(run.config_path(), changed.to_toml()).unwrap();
            assert_eq!(run.config().unwrap(), changed);
            assert_eq!(run.initial_config().unwrap(), begun);
        }
    }
}

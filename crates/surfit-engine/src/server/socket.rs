//! Where an engine listens: a file of its own in a private folder, made anew when it is taken away.

use crate::{EngineError, Result};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use surfit_core::files;
use surfit_core::run_dir::{RunDir, ensure_private_folder};
use tokio::net::UnixListener;

/// The bound socket; its file goes when this does.
#[derive(Debug)]
pub struct BoundSocket {
    listener: std::os::unix::net::UnixListener,
    path: PathBuf,
}

impl Drop for BoundSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl BoundSocket {
    /// Binds the run's socket in its private folder. A stale file of an earlier engine is replaced: the caller holds
    /// the run's lock, so nobody listens there.
    pub fn bind(run: &RunDir) -> Result<Self> {
        let path = run.new_socket_path();
        ensure_private_folder(path.parent().unwrap_or(Path::new("/")))?;
        crate::checkpoint::remove_file(&path)?;
        let listener = std::os::unix::net::UnixListener::bind(&path).map_err(EngineError::io(&path))?;
        // From here on the file goes when something fails.
        let socket = Self { listener, path };
        let path = &socket.path;
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(path, mode).map_err(EngineError::io(path))?;
        let unblocked = socket.listener.set_nonblocking(true);
        unblocked.map_err(EngineError::io(path))?;
        let note = run.join("socket");
        let text = path.display().to_string();
        let there = files::read(&note, 4096).is_ok_and(|content| content == text.as_bytes());
        if !there && files::write_atomic(&note, text.as_bytes()).is_err() {
            // A full disk must not keep a run from continuing. Without a note clients look where this engine listens,
            // unless they live in another environment; a wrong note would mislead them.
            crate::checkpoint::remove_file(&note)?;
        }
        Ok(socket)
    }

    /// Listens anew when the socket's file is gone; the listener for the runtime when it does. Clients that are there
    /// already stay.
    pub(super) fn rebind_if_missing(&mut self, run: &RunDir) -> Result<Option<UnixListener>> {
        if self.path.exists() {
            return Ok(None);
        }
        let mut new = Self::bind(run)?;
        let listener = new.tokio_listener()?;
        // What is dropped takes the file of its path with it, and old and new have the same path.
        std::mem::swap(self, &mut new);
        new.path.clear();
        Ok(Some(listener))
    }

    pub(super) fn tokio_listener(&self) -> Result<UnixListener> {
        let listener = self.listener.try_clone().map_err(EngineError::io(&self.path))?;
        UnixListener::from_std(listener).map_err(EngineError::io(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::config::Config;

    #[test]
    fn a_socket_that_was_taken_away_is_made_anew_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _inside = runtime.enter();
        let mut socket = BoundSocket::bind(&run).unwrap();
        assert!(socket.rebind_if_missing(&run).unwrap().is_none());
        for _ in 0..2 {
            std::fs::remove_file(&socket.path).unwrap();
            let listener = socket.rebind_if_missing(&run).unwrap().expect("a new listener");
            let path = run.socket_path();
            assert!(std::os::unix::net::UnixStream::connect(&path).is_ok());
            drop(listener);
            assert!(socket.rebind_if_missing(&run).unwrap().is_none(), "it is gone again");
        }
        drop(socket);
        assert!(!run.socket_path().exists());
    }
}

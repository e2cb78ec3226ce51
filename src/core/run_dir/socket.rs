//! Where the engine of a run listens.

use super::{RunDir, RunError, at};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

impl RunDir {
    /// The socket of the run's engine: where its engine says it is (`socket` in the directory), since the client may
    /// live in another environment, else where a new engine would put it. A note travels with a copy of the directory, and
    /// anybody can write one: who answers there must show that this is the directory it works in, and the file is not ours
    /// to remove.
    pub fn socket_path(&self) -> PathBuf {
        let said = fs::read_to_string(self.join("socket")).unwrap_or_default();
        let said = PathBuf::from(said.trim());
        if said.is_absolute() {
            said
        } else {
            self.new_socket_path()
        }
    }

    /// Where a new engine puts its socket: in a private folder, under a short name made from the directory's path,
    /// since a socket's path has room for about a hundred bytes only.
    pub fn new_socket_path(&self) -> PathBuf {
        let canonical = self
            .path
            .canonicalize()
            .unwrap_or_else(|_| self.path.clone());
        // FNV-1a, 64 bits: a name, not a secret.
        let hash = canonical
            .as_os_str()
            .as_encoded_bytes()
            .iter()
            .fold(0xcbf2_9ce4_8422_2325u64, |h, b| {
                (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3)
            });
        socket_folder().join(format!("{hash:016x}.sock"))
    }
}

/// The private folder for sockets: in `XDG_RUNTIME_DIR`, else in the temporary folder under the user's id.
pub fn socket_folder() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    match runtime.filter(|r| r.is_absolute() && r.as_os_str().len() <= 60 && r.is_dir()) {
        Some(folder) => folder.join("surfit"),
        None => PathBuf::from(format!(
            "/tmp/surfit-{}",
            rustix::process::getuid().as_raw()
        )),
    }
}

/// Makes a folder that only its owner can look into, when it is not there, and sees to it that it is one.
///
/// # Errors
/// [`RunError::Foreign`] when it is another user's or a link, [`RunError::Io`].
pub fn private_folder(folder: &Path) -> Result<(), RunError> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder);
    made.map_err(at(folder))?;
    let facts = fs::symlink_metadata(folder).map_err(at(folder))?;
    let me = rustix::process::geteuid().as_raw();
    if !facts.is_dir() || facts.uid() != me {
        return Err(RunError::Foreign(folder.to_owned()));
    }
    if facts.mode() & 0o077 != 0 {
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(folder, mode).map_err(at(folder))?;
    }
    Ok(())
}

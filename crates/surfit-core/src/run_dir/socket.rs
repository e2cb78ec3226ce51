//! Where the engine of a run listens.

use super::{RunDir, RunError, io_error_at};
use crate::files;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Component, Path, PathBuf};

impl RunDir {
    /// The socket of the run's engine: where its engine notes it (`socket` in the directory), since the client may
    /// live in another environment, else where a new engine would put it. A note travels with a copy of the directory, and
    /// anybody can write one: who answers there must show that this is the directory it works in, and the file is not ours
    /// to remove.
    ///
    /// A note that names no socket as engines make them counts as none; [`RunDir::trusted_socket`] reports it.
    pub fn socket_path(&self) -> PathBuf {
        let said = self.read_socket_note().filter(|said| is_engine_socket_path(said));
        said.unwrap_or_else(|| self.new_socket_path())
    }

    /// Returns [`RunDir::socket_path`], when the folder and the socket are this user's alone, so that it may be spoken to.
    /// While no engine works on the run, a note of another user's engine counts as none: it came with a copy of the run.
    ///
    /// # Errors
    /// [`RunError::ForeignSocket`] when an engine works on the run and its note names what is not this user's or no engine's
    /// socket; [`RunError::Io`] for a note that cannot be read; as [`ensure_private_folder`] for the folder of new sockets.
    pub fn trusted_socket(&self) -> Result<PathBuf, RunError> {
        let note = self.join("socket");
        if files::exists(&note) {
            files::open(&note).map_err(io_error_at(&note))?;
        }
        let new = self.new_socket_path();
        if let Some(said) = self.read_socket_note().filter(|said| *said != new) {
            if is_engine_socket_path(&said) && is_private(&said) {
                return Ok(said);
            }
            // An engine that is started writes its own note.
            if self.is_engine_alive() {
                return Err(RunError::ForeignSocket(said));
            }
        }
        if !is_private(&new) {
            ensure_private_folder(new.parent().unwrap_or(Path::new("/")))?;
        }
        Ok(new)
    }

    /// True when a trusted process listens on the run's socket.
    pub(super) fn has_listener(&self) -> bool {
        let path = self.trusted_socket();
        path.is_ok_and(|path| UnixStream::connect(path).is_ok())
    }

    /// The socket that the note in the directory names.
    fn read_socket_note(&self) -> Option<PathBuf> {
        let said = files::read(&self.join("socket"), MAX_NOTE_BYTES).ok()?;
        let said = PathBuf::from(String::from_utf8(said).ok()?.trim());
        said.is_absolute().then_some(said)
    }

    /// Where a new engine puts its socket: in a private folder, under a short name made from the directory's path,
    /// since a socket's path can have about a hundred bytes only.
    pub fn new_socket_path(&self) -> PathBuf {
        let canonical = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        // FNV-1a, 64 bits: a name, not a secret.
        let hash = canonical
            .as_os_str()
            .as_encoded_bytes()
            .iter()
            .fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3));
        socket_folder().join(format!("{hash:016x}.sock"))
    }
}

const MAX_NOTE_BYTES: u64 = 4096;

/// True for a socket that is this user's alone, in a folder that is; where nothing is no process listens.
fn is_private(socket: &Path) -> bool {
    let me = rustix::process::geteuid().as_raw();
    let folder = socket.parent().unwrap_or(Path::new("/")).symlink_metadata();
    match folder {
        Err(error) => error.kind() == ErrorKind::NotFound,
        Ok(m) if !m.is_dir() || m.uid() != me || m.mode() & 0o077 != 0 => false,
        Ok(_) => socket.symlink_metadata().map_or(true, |m| m.file_type().is_socket() && m.uid() == me),
    }
}

/// True for a path as engines make them, in whatever environment: sixteen hexadecimal digits in `surfit` of a runtime
/// folder, or in the user's `/tmp/surfit-ID`.
fn is_engine_socket_path(path: &Path) -> bool {
    let name = |path: &Path| path.file_name().and_then(|n| n.to_str().map(str::to_owned));
    let digits = |n: &String| n.len() == 16 && n.bytes().all(|b| b.is_ascii_hexdigit());
    let named = name(path).and_then(|n| n.strip_suffix(".sock").map(str::to_owned));
    let folder = path.parent().unwrap_or(Path::new("/"));
    let in_temporary = || {
        let user = folder.to_str().and_then(|f| f.strip_prefix("/tmp/surfit-"));
        user.is_some_and(|id| id.parse::<u32>().is_ok())
    };
    let plain = path.components().all(|c| c != Component::ParentDir);
    plain && named.as_ref().is_some_and(digits) && (name(folder).is_some_and(|n| n == "surfit") || in_temporary())
}

/// The private folder for sockets: in `XDG_RUNTIME_DIR`, else in the temporary folder under the user's id.
pub fn socket_folder() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    match runtime.filter(|r| r.is_absolute() && r.as_os_str().len() <= 60 && r.is_dir()) {
        Some(folder) => folder.join("surfit"),
        None => PathBuf::from(format!("/tmp/surfit-{}", rustix::process::getuid().as_raw())),
    }
}

/// Makes a folder that only its owner can look into, when it is not there, and sees to it that it is one.
///
/// # Errors
/// [`RunError::ForeignFolder`] when it is another user's or a link, [`RunError::Io`].
pub fn ensure_private_folder(folder: &Path) -> Result<(), RunError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(io_error_at(folder))?;
    let facts = fs::symlink_metadata(folder).map_err(io_error_at(folder))?;
    let me = rustix::process::geteuid().as_raw();
    if !facts.is_dir() || facts.uid() != me {
        return Err(RunError::ForeignFolder(folder.to_owned()));
    }
    if facts.mode() & 0o077 != 0 {
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(folder, mode).map_err(io_error_at(folder))?;
    }
    Ok(())
}

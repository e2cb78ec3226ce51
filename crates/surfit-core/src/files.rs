//! Files that are either whole or absent, and where those are kept that can be made again.

mod confined;
mod location;
mod log_file;
mod stale_files;

pub use confined::{
    FolderEntry, copy_content, create_folder, create_new_folder, exists, hard_link_or_copy, is_confinement_error,
    is_file, is_folder, list_folder, metadata, open, open_with, read, remove, remove_folder, rename,
};
pub use location::{FileLocation, FilePath};
pub use log_file::LogFile;
pub use stale_files::{lock_unfinished_folder, remove_abandoned, remove_stale, remove_temporary_files};

use rustix::fs::{AtFlags, Mode, OFlags};
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

/// Writes a file so that a crash or a full disk at any instant leaves either the old content or the new: through
/// a temporary name in the same folder, synced, renamed, and the folder synced.
///
/// # Errors
/// Whatever the file system reported; the temporary file is removed and the old content is untouched.
pub fn write_atomic(path: &(impl FileLocation + ?Sized), content: &[u8]) -> io::Result<()> {
    write_atomic_with(path, |file| file.write_all(content))
}

/// As [`write_atomic`], for content that `write` streams into the temporary file.
///
/// # Errors
/// As [`write_atomic`]; an error of `write` is passed on.
pub fn write_atomic_with(
    path: &(impl FileLocation + ?Sized),
    write: impl FnOnce(&mut io::BufWriter<&File>) -> io::Result<()>,
) -> io::Result<()> {
    use rustix::fs::{openat, renameat, unlinkat};
    remove_abandoned(path);
    let (folder, name) = confined::open_parent(path, OFlags::RDONLY)?;
    let temporary = format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id());
    // What is there under this name is of a process that was killed, or of an attacker.
    let _ = unlinkat(&folder, &temporary, AtFlags::empty());
    let result = (|| {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o666);
        let file = File::from(openat(&folder, &temporary, flags, mode)?);
        stale_files::lock_unfinished(&file);
        let mut out = io::BufWriter::with_capacity(1 << 20, &file);
        write(&mut out)?;
        out.flush()?;
        drop(out);
        file.sync_all()?;
        renameat(&folder, &temporary, &folder, name)?;
        sync_folder(path)
    })();
    if result.is_err() {
        let _ = unlinkat(&folder, &temporary, AtFlags::empty());
    }
    result
}

/// A value as JSON.
///
/// # Errors
/// For what JSON cannot represent, such as a path that is not UTF-8.
pub fn encode_json(value: &impl serde::Serialize) -> io::Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(io::Error::from)
}

/// Puts a file of the same content in the place of one: what other names the old one has, keep it.
///
/// # Errors
/// As [`write_atomic`], and when the file cannot be read.
pub fn replace_with_copy(path: &(impl FileLocation + ?Sized)) -> io::Result<()> {
    let mut old = open(path)?;
    write_atomic_with(path, |file| confined::copy_content(&mut old, file.get_ref()))
}

/// As [`replace_with_copy`], for a file that is going to be changed in its place; nothing to do when it has one name, or none.
///
/// # Errors
/// As [`replace_with_copy`].
pub fn break_hard_link(path: &(impl FileLocation + ?Sized)) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    match metadata(path) {
        Ok(m) if m.is_file() && m.nlink() > 1 => replace_with_copy(path),
        _ => Ok(()),
    }
}

/// Makes a rename or creation in the folder of `path` durable.
///
/// # Errors
/// Whatever opening or syncing the folder gives.
pub fn sync_folder(path: &(impl FileLocation + ?Sized)) -> io::Result<()> {
    let folder = crate::config::folder_of(path.full_path());
    sync_path(&FilePath::from_location(path).with_path(folder), OFlags::DIRECTORY)
}

/// Makes a folder durable with everything in it.
///
/// # Errors
/// Whatever reading or syncing gives.
pub fn sync_all(folder: &(impl FileLocation + ?Sized)) -> io::Result<()> {
    let folder = FilePath::from_location(folder);
    for entry in list_folder(&folder)? {
        let path = folder.join(&entry.name);
        if entry.is_folder {
            sync_all(&path)?;
        } else if entry.is_file {
            sync_path(&path, OFlags::empty())?;
        }
    }
    sync_path(&folder, OFlags::DIRECTORY)
}

fn sync_path(path: &FilePath, kind: OFlags) -> io::Result<()> {
    File::from(confined::open_at(path, OFlags::RDONLY | kind, Mode::empty())?).sync_all()?;
    #[cfg(test)]
    SYNCED_PATHS.with_borrow_mut(|all| all.push(path.to_path_buf()));
    Ok(())
}

#[cfg(test)]
thread_local! {
    /// What this thread made durable: nothing else shows a test that it will be there after a power cut.
    static SYNCED_PATHS: std::cell::RefCell<Vec<PathBuf>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// What this thread made durable since the last call.
#[cfg(test)]
pub(crate) fn take_synced_paths() -> Vec<PathBuf> {
    SYNCED_PATHS.take()
}

/// Where files of one kind are kept that only cost time to make again: in `SURFIT_CACHE`, else in `surfit` in the user's cache
/// folder; `None` when neither is known.
pub fn cache_folder(kind: &str) -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    let named = std::env::var_os("SURFIT_CACHE").filter(|root| !root.is_empty());
    let root = match named {
        Some(root) => PathBuf::from(root),
        None => etcetera::choose_base_strategy().ok()?.cache_dir().join("surfit"),
    };
    Some(root.join(kind))
}

/// Where programs keep what they remember and their logs: in the folder of `SURFIT_STATE`, else in `surfit` in the user's
/// folder for state; `None` when neither is known.
pub fn state_folder() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    if let Some(file) = std::env::var_os("SURFIT_STATE").filter(|file| !file.is_empty()) {
        return Some(crate::config::folder_of(file.as_ref()).to_owned());
    }
    let places = etcetera::choose_base_strategy().ok()?;
    Some(places.state_dir().unwrap_or_else(|| places.data_dir()).join("surfit"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn folders_are_durable_in_those_above_them_up_to_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        take_synced_paths();
        create_folder(&dir.path().join("a/b/c")).unwrap();
        let made = [dir.path().to_owned(), dir.path().join("a"), dir.path().join("a/b")];
        assert_eq!(take_synced_paths(), made);
        create_folder(&dir.path().join("a/b/c")).unwrap();
        assert_eq!(take_synced_paths(), Vec::<PathBuf>::new(), "nothing was new");
        fs::write(dir.path().join("file"), "").unwrap();
        assert!(create_folder(&dir.path().join("file/x")).is_err());
    }

    #[test]
    fn failure_keeps_the_old_content_and_leaves_no_litter() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        write_atomic(&path, b"old").unwrap();
        let failed = write_atomic_with(&path, |out| {
            out.write_all(b"half")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(remove(dir.path()).is_err(), "a folder is no file");
    }
}

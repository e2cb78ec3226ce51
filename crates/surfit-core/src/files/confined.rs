//! Opening, making, listing and removing files without leaving the folder that they are confined to.
//!
//! Below a confining folder no symbolic link is followed, at whatever depth: the kernel resolves the path with `openat2`,
//! and where it cannot, every component is opened for itself. Whatever is opened is a regular file: opening a named pipe
//! would wait for its other end, and a device may have no end at all.

use super::FileLocation;
use crate::config::folder_of;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// Opens for a look at what is there, with no right to read it.
#[cfg(target_os = "linux")]
const INSPECT_FLAGS: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const INSPECT_FLAGS: OFlags = OFlags::NONBLOCK;

const FOLDER_FLAGS: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// Why something below a run's directory, or a file of any other, is not opened.
#[derive(Debug, thiserror::Error)]
enum FileRefusal {
    #[error("{} is a symbolic link, which is not followed inside a run; replace it with its target", .0.display())]
    Link(PathBuf),
    #[error("it is {0}, not a file; replace it with the file, or remove it")]
    Irregular(&'static str),
    #[error("it has {length} bytes, more than the limit of {limit}; restore it from a copy")]
    Oversize { length: u64, limit: u64 },
    #[error("the path leads out of {}; name a file inside", .0.display())]
    Outside(PathBuf),
}

impl From<FileRefusal> for io::Error {
    fn from(refusal: FileRefusal) -> Self {
        Self::other(refusal)
    }
}

/// True for an error of this module's own: what is there is not what it should be, and trying again is of no use.
pub fn is_confinement_error(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<FileRefusal>())
}

/// An entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderEntry {
    /// Name of the entry within its folder.
    pub name: OsString,
    /// It is a folder, and no link to one.
    pub is_folder: bool,
    /// It is a regular file.
    pub is_file: bool,
}

/// Opens what is at a location. A folder's own confining folder is opened as the user named it.
pub(super) fn open_at(location: &(impl FileLocation + ?Sized), flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
    let (path, flags) = (location.full_path(), flags | OFlags::CLOEXEC);
    let Some(root) = location.confining_folder() else {
        return Ok(rustix::fs::open(path, flags, mode)?);
    };
    let inside = path_beneath(path, root)?;
    if inside.as_os_str().is_empty() {
        return Ok(rustix::fs::open(root, flags, mode)?);
    }
    let folder = rustix::fs::open(root, FOLDER_FLAGS | INSPECT_FLAGS, Mode::empty())?;
    open_beneath(&folder, inside, flags, mode).map_err(|error| describe_link_error(root, inside, error))
}

/// The part of a path below its confining folder, which has plain names only.
fn path_beneath<'a>(path: &'a Path, root: &Path) -> io::Result<&'a Path> {
    let plain = |part: &Path| part.components().all(|c| matches!(c, Component::Normal(_)));
    match path.strip_prefix(root) {
        Ok(part) if plain(part) => Ok(part),
        _ => Err(FileRefusal::Outside(root.to_owned()).into()),
    }
}

#[cfg(target_os = "linux")]
fn open_beneath(folder: &OwnedFd, inside: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    use rustix::fs::{ResolveFlags, openat2};
    let way = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let flags = flags | OFlags::NOFOLLOW;
    for _ in 0..16 {
        match openat2(folder, inside, flags, mode, way) {
            // Something was renamed meanwhile, so that the kernel could not be sure.
            Err(Errno::AGAIN) => {}
            // Kernels before 5.6, and filters of system calls that do not know it.
            Err(Errno::NOSYS | Errno::PERM) => break,
            done => return done,
        }
    }
    open_by_component(folder, inside, flags, mode)
}

#[cfg(not(target_os = "linux"))]
fn open_beneath(folder: &OwnedFd, inside: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    open_by_component(folder, inside, flags | OFlags::NOFOLLOW, mode)
}

/// Opens component by component, so that none of them can be a link.
fn open_by_component(folder: &OwnedFd, inside: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    let mut parts = inside.components().peekable();
    let mut reached: Option<OwnedFd> = None;
    while let Some(part) = parts.next() {
        let at = reached.as_ref().unwrap_or(folder).as_fd();
        let opened = match parts.peek() {
            Some(_) => openat(at, part.as_os_str(), FOLDER_FLAGS | INSPECT_FLAGS | OFlags::NOFOLLOW, Mode::empty()),
            None => openat(at, part.as_os_str(), flags, mode),
        }?;
        reached = Some(opened);
    }
    reached.ok_or(Errno::INVAL)
}

/// An error in words, when a link is the obstacle.
fn describe_link_error(root: &Path, inside: &Path, error: Errno) -> io::Error {
    let mut path = root.to_owned();
    for part in inside.components() {
        path.push(part);
        if path.symlink_metadata().is_ok_and(|m| m.is_symlink()) {
            return FileRefusal::Link(path).into();
        }
    }
    error.into()
}

/// Opens a regular file with these flags; nothing else, and without waiting.
///
/// # Errors
/// A sentence for a link below the confining folder and for what is no regular file; else the file system's error.
pub fn open_with(location: &(impl FileLocation + ?Sized), flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY;
    // The kernel refuses a mode for what is not made.
    let mode = match flags.contains(OFlags::CREATE) {
        true => Mode::from_raw_mode(0o666),
        false => Mode::empty(),
    };
    let file = open_at(location, flags, mode);
    let file = File::from(file.map_err(|error| {
        let there = || metadata(location).ok().map(|m| irregular_file_kind(&m));
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            // A named pipe without a reader, a socket, a device without a driver.
            Some(Errno::NXIO | Errno::NODEV | Errno::OPNOTSUPP | Errno::ISDIR) => {
                there().flatten().map_or(error, |kind| FileRefusal::Irregular(kind).into())
            }
            _ => error,
        }
    })?);
    match irregular_file_kind(&file.metadata()?) {
        None => Ok(file),
        Some(kind) => Err(FileRefusal::Irregular(kind).into()),
    }
}

fn irregular_file_kind(metadata: &Metadata) -> Option<&'static str> {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    match () {
        () if kind.is_file() => None,
        () if kind.is_dir() => Some("a folder"),
        () if kind.is_fifo() => Some("a named pipe"),
        () if kind.is_socket() => Some("a socket"),
        () if kind.is_symlink() => Some("a symbolic link"),
        () => Some("a device"),
    }
}

/// Opens a regular file for reading.
///
/// # Errors
/// As [`open_with`].
pub fn open(location: &(impl FileLocation + ?Sized)) -> io::Result<File> {
    open_with(location, OFlags::RDONLY)
}

/// Reads a whole regular file of at most `limit` bytes.
///
/// # Errors
/// As [`open_with`], and a sentence for a longer file.
pub fn read(location: &(impl FileLocation + ?Sized), limit: u64) -> io::Result<Vec<u8>> {
    let file = open(location)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    // It may grow while it is read.
    if length <= limit {
        Read::take(file, limit + 1).read_to_end(&mut bytes)?;
    }
    match length.max(bytes.len() as u64) {
        length if length > limit => Err(FileRefusal::Oversize { length, limit }.into()),
        _ => Ok(bytes),
    }
}

/// Facts about what is there; below a confining folder a link is reported as one.
///
/// # Errors
/// As [`open_with`], but for what is no regular file.
pub fn metadata(location: &(impl FileLocation + ?Sized)) -> io::Result<Metadata> {
    #[cfg(target_os = "linux")]
    return File::from(open_at(location, INSPECT_FLAGS, Mode::empty())?).metadata();
    #[cfg(not(target_os = "linux"))]
    match location.confining_folder() {
        None => location.full_path().metadata(),
        Some(_) => open_parent(location, INSPECT_FLAGS).and_then(|_| location.full_path().symlink_metadata()),
    }
}

/// True when something is there; below a confining folder also for a link, wherever it leads.
pub fn exists(location: &(impl FileLocation + ?Sized)) -> bool {
    metadata(location).is_ok()
}

/// True for a regular file.
pub fn is_file(location: &(impl FileLocation + ?Sized)) -> bool {
    metadata(location).is_ok_and(|m| m.is_file())
}

/// True for a folder.
pub fn is_folder(location: &(impl FileLocation + ?Sized)) -> bool {
    metadata(location).is_ok_and(|m| m.is_dir())
}

/// Opens the folder that something is in, and gives its name there.
pub(super) fn open_parent(location: &(impl FileLocation + ?Sized), flags: OFlags) -> io::Result<(OwnedFd, &OsStr)> {
    let path = location.full_path();
    let name = path.file_name().ok_or(Errno::INVAL)?;
    let folder = super::FilePath::from_location(location).with_path(folder_of(path));
    Ok((open_folder(&folder, flags)?, name))
}

pub(super) fn open_folder(folder: &(impl FileLocation + ?Sized), flags: OFlags) -> io::Result<OwnedFd> {
    open_at(folder, FOLDER_FLAGS | flags, Mode::empty())
}

/// Makes a folder and those that it lies in; nothing to do when it is there. Each that is new is durable in the folder above
/// it, so that nothing which is durable inside is lost with it.
///
/// # Errors
/// As [`open_with`].
pub fn create_folder(folder: &(impl FileLocation + ?Sized)) -> io::Result<()> {
    let path = folder.full_path();
    let Some(root) = folder.confining_folder() else {
        return create_unconfined_folder(path);
    };
    let mut made = super::FilePath::beneath(root, "");
    for part in path_beneath(path, root)?.components() {
        let at = open_folder(&made, INSPECT_FLAGS)?;
        match rustix::fs::mkdirat(&at, part.as_os_str(), Mode::from_raw_mode(0o777)) {
            Ok(()) => super::sync_folder(&made.join(part))?,
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        made = made.join(part);
    }
    // What has the last name may be a link, or a file.
    open_folder(&made, INSPECT_FLAGS).map(drop)
}

/// Makes a folder that the user named, whose path may lead over links.
fn create_unconfined_folder(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        create_unconfined_folder(above)?;
    }
    match std::fs::create_dir(path) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        made => made?,
    }
    super::sync_folder(path)
}

/// Gives something another name; a file or an empty folder of that name goes.
///
/// # Errors
/// As [`open_with`].
pub fn rename(from: &(impl FileLocation + ?Sized), to: &(impl FileLocation + ?Sized)) -> io::Result<()> {
    let ((old_folder, old), (new_folder, new)) = (open_parent(from, INSPECT_FLAGS)?, open_parent(to, INSPECT_FLAGS)?);
    Ok(rustix::fs::renameat(old_folder, old, new_folder, new)?)
}

/// Makes a folder in one that is there; durable when the folder above it is synced.
///
/// # Errors
/// As [`open_with`], and when something has that name already, be it a link.
pub fn create_new_folder(folder: &(impl FileLocation + ?Sized)) -> io::Result<()> {
    let (above, name) = open_parent(folder, INSPECT_FLAGS)?;
    let mode = Mode::from_raw_mode(0o777);
    Ok(rustix::fs::mkdirat(above, name, mode)?)
}

/// Removes a folder that may not exist, with all that is in it; of links the links alone, also of one that has the folder's
/// name. Nothing is looked up twice by its path, so that no link which is put there meanwhile is followed.
///
/// # Errors
/// When it is there and stays.
pub fn remove_folder(folder: &(impl FileLocation + ?Sized)) -> io::Result<()> {
    let removed = open_parent(folder, INSPECT_FLAGS).and_then(|(above, name)| Ok(remove_tree(&above, name, 0)?));
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Removes what has a name in an open folder: a folder with all that is in it, or a link.
fn remove_tree(above: &OwnedFd, name: &OsStr, depth: usize) -> Result<(), Errno> {
    /// Folders in each other that are opened at a time.
    const MAX_DEPTH: usize = 256;
    let flags = FOLDER_FLAGS | OFlags::RDONLY | OFlags::NOFOLLOW;
    let opened = match openat(above, name, flags, Mode::empty()) {
        Err(error @ (Errno::NOTDIR | Errno::LOOP)) => {
            let facts = rustix::fs::statat(above, name, AtFlags::SYMLINK_NOFOLLOW)?;
            return match FileType::from_raw_mode(facts.st_mode) {
                FileType::Symlink => rustix::fs::unlinkat(above, name, AtFlags::empty()),
                _ => Err(error),
            };
        }
        opened => opened?,
    };
    for entry in list_open_folder(&opened)? {
        let removed = match entry.is_folder {
            true if depth == MAX_DEPTH => Err(Errno::NAMETOOLONG),
            true => remove_tree(&opened, &entry.name, depth + 1),
            false => rustix::fs::unlinkat(&opened, &entry.name, AtFlags::empty()),
        };
        match removed {
            // Another process was faster.
            Err(Errno::NOENT) => {}
            removed => removed?,
        }
    }
    rustix::fs::unlinkat(above, name, AtFlags::REMOVEDIR)
}

/// What a folder holds, in no order.
///
/// # Errors
/// As [`open_with`].
pub fn list_folder(folder: &(impl FileLocation + ?Sized)) -> io::Result<Vec<FolderEntry>> {
    Ok(list_open_folder(&open_folder(folder, OFlags::RDONLY)?)?)
}

fn list_open_folder(opened: &OwnedFd) -> Result<Vec<FolderEntry>, Errno> {
    let mut all = Vec::new();
    for entry in Dir::read_from(opened)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name == "." || name == ".." {
            continue;
        }
        let kind = match entry.file_type() {
            FileType::Unknown => rustix::fs::statat(opened, name, AtFlags::SYMLINK_NOFOLLOW)
                .map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode)),
            kind => kind,
        };
        all.push(FolderEntry {
            name: name.to_owned(),
            is_folder: kind == FileType::Directory,
            is_file: kind == FileType::RegularFile,
        });
    }
    Ok(all)
}

/// Removes a file that may not exist; of a link the link, never what it leads to.
///
/// # Errors
/// When it is there and stays.
pub fn remove(location: &(impl FileLocation + ?Sized)) -> io::Result<()> {
    let removed = open_parent(location, INSPECT_FLAGS)
        .and_then(|(folder, name)| Ok(rustix::fs::unlinkat(folder, name, AtFlags::empty())?));
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Gives a regular file a second name, or copies it where the file system cannot.
///
/// # Errors
/// As [`open_with`], and when something has that name already.
pub fn hard_link_or_copy(from: &(impl FileLocation + ?Sized), to: &(impl FileLocation + ?Sized)) -> io::Result<()> {
    let mut file = open(from)?;
    let ((from, name), (folder, new)) = (open_parent(from, INSPECT_FLAGS)?, open_parent(to, INSPECT_FLAGS)?);
    match rustix::fs::linkat(&from, name, &folder, new, AtFlags::empty()) {
        Ok(()) => Ok(()),
        Err(_) => {
            let copied = open_with(to, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)?;
            copy_content(&mut file, &copied)
        }
    }
}

/// Copies a file's content into one that is empty. Holes stay holes: a file of nothing else does not fill the disk.
///
/// # Errors
/// Whatever reading or writing gives.
pub fn copy_content(from: &mut File, mut to: &File) -> io::Result<()> {
    let length = from.metadata()?.len();
    let mut end = 0;
    while end < length {
        let begin = match rustix::fs::seek(&*from, rustix::fs::SeekFrom::Data(end)) {
            Ok(begin) => begin,
            Err(Errno::NXIO) => break,
            // The file system does not report holes: all may be data.
            Err(_) => end,
        };
        end = rustix::fs::seek(&*from, rustix::fs::SeekFrom::Hole(begin)).unwrap_or(length);
        from.seek(SeekFrom::Start(begin))?;
        to.seek(SeekFrom::Start(begin))?;
        io::copy(&mut Read::take(&mut *from, end - begin), &mut to)?;
    }
    to.set_len(length)
}

#[cfg(test)]
mod tests;

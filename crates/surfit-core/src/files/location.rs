//! Where a file is, and which folder nothing on the way to it may lead out of.

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};

/// A path, and the folder that it is confined to.
///
/// Paths that the user names may lead over links. Paths below a run's directory may not: the directory can come from
/// somebody else.
pub trait FileLocation {
    /// Returns the full path.
    fn full_path(&self) -> &Path;

    /// The folder below which no link is followed; `None` for a path that may lead over links.
    fn confining_folder(&self) -> Option<&Path>;
}

impl FileLocation for Path {
    fn full_path(&self) -> &Path {
        self
    }

    fn confining_folder(&self) -> Option<&Path> {
        None
    }
}

impl FileLocation for PathBuf {
    fn full_path(&self) -> &Path {
        self
    }

    fn confining_folder(&self) -> Option<&Path> {
        None
    }
}

/// A path of its own, confined to a folder or not. Read and written through [`files`](super), it leads over no link below
/// that folder; as a plain [`Path`] it is for display and for comparing.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FilePath {
    path: PathBuf,
    folder: Option<PathBuf>,
}

impl FilePath {
    /// The path of a location.
    pub fn from_location(location: &(impl FileLocation + ?Sized)) -> Self {
        Self { path: location.full_path().to_owned(), folder: location.confining_folder().map(Path::to_owned) }
    }

    /// A path below `folder`, confined to it.
    pub fn beneath(folder: &Path, part: impl AsRef<Path>) -> Self {
        Self { path: folder.join(part), folder: Some(folder.to_owned()) }
    }

    /// `path`, confined to `folder` when it lies below it.
    pub fn confined_if_beneath(path: &Path, folder: &Path) -> Self {
        match path.strip_prefix(folder) {
            Ok(part) => Self::beneath(folder, part),
            Err(_) => Self::from_location(path),
        }
    }

    /// A path below this one, confined as this one is.
    #[must_use]
    pub fn join(&self, part: impl AsRef<Path>) -> Self {
        Self { path: self.path.join(part), folder: self.folder.clone() }
    }

    /// Another path, confined as this one is.
    #[must_use]
    pub fn with_path(self, path: &Path) -> Self {
        Self { path: path.to_owned(), folder: self.folder }
    }

    /// The bare path.
    pub fn into_path(self) -> PathBuf {
        self.path
    }
}

impl FileLocation for FilePath {
    fn full_path(&self) -> &Path {
        &self.path
    }

    fn confining_folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }
}

impl Deref for FilePath {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

impl AsRef<Path> for FilePath {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

impl From<FilePath> for PathBuf {
    fn from(path: FilePath) -> Self {
        path.path
    }
}

impl From<&FilePath> for PathBuf {
    fn from(path: &FilePath) -> Self {
        path.path.clone()
    }
}

impl From<PathBuf> for FilePath {
    fn from(path: PathBuf) -> Self {
        Self { path, folder: None }
    }
}

impl fmt::Debug for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

//! A part of a file, read as if it were one.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::rc::Rc;

/// What distinguishes a file's content from another's at the same path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileIdentity {
    device: u64,
    inode: u64,
    len: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
}

impl FileIdentity {
    fn from_metadata(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            len: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// `len` bytes of a file from `start` on.
#[derive(Clone, Debug)]
pub(super) struct FileSection {
    file: Rc<File>,
    /// First byte in the file.
    pub start: u64,
    /// Number of bytes.
    pub len: u64,
    /// The whole file's, at the time of opening.
    pub identity: FileIdentity,
    position: u64,
}

impl FileSection {
    /// The whole of a file.
    pub fn from_file(file: File) -> io::Result<Self> {
        let identity = FileIdentity::from_metadata(&file.metadata()?);
        Ok(Self { file: Rc::new(file), start: 0, len: identity.len, identity, position: 0 })
    }

    /// A part of this section, if it lies within.
    pub fn subsection(&self, start: u64, len: u64) -> Option<Self> {
        let end = start.checked_add(len)?;
        (end <= self.len).then(|| Self {
            file: self.file.clone(),
            start: self.start + start,
            len,
            identity: self.identity,
            position: 0,
        })
    }

    /// True when the file was not written to since it was opened.
    pub fn is_unchanged(&self) -> io::Result<bool> {
        Ok(FileIdentity::from_metadata(&self.file.metadata()?) == self.identity)
    }

    /// Bytes from `start` on, `len` of them.
    pub fn read_bytes(&self, start: u64, len: usize) -> io::Result<Vec<u8>> {
        let inside = start.checked_add(len as u64).is_some_and(|e| e <= self.len);
        if !inside {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; len];
        self.file.read_exact_at(&mut bytes, self.start + start)?;
        Ok(bytes)
    }

    /// The first bytes, at most `len`.
    pub fn first_bytes(&self, len: usize) -> io::Result<Vec<u8>> {
        self.read_bytes(0, self.len.min(len as u64) as usize)
    }
}

impl Read for FileSection {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = self.len.saturating_sub(self.position);
        let wanted = left.min(bytes.len() as u64) as usize;
        let read = self.file.read_at(&mut bytes[..wanted], self.start + self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for FileSection {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

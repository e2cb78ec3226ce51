//! One fetch into a folder at a time.

use crate::{DataError, Result};
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::path::Path;

/// Held while files are fetched into a folder; the kernel gives it up when the process ends in any way.
pub(super) struct FetchLock(#[expect(dead_code, reason = "the lock is held by the open file")] File);

impl FetchLock {
    /// Takes the lock of `dir`.
    ///
    /// # Errors
    /// A sentence when another fetch holds it.
    pub fn acquire(dir: &Path) -> Result<Self> {
        let path = dir.join(".fetch.lock");
        let file =
            File::options().create(true).truncate(false).write(true).open(&path).map_err(DataError::io(&path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(DataError::input(format!(
                "{}: another download is running in this directory; wait for its end",
                dir.display()
            ))),
            Err(e) => Err(DataError::io(path)(e.into())),
        }
    }
}

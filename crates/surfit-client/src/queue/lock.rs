//! The locks of a queue's runner and of the machine. The kernel releases them with their holder.

use super::FitQueue;
use crate::ClientError;
use crate::signals::Signals;
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;
use surfit_core::run_dir::{ensure_private_folder, io_error_at};

/// Time that a check for a runner may hold its lock.
const LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(25);

impl FitQueue {
    /// Locks the queue for a runner; `None` when another process has it. The kernel releases it with the process.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn try_lock_runner(&self) -> Result<Option<File>, ClientError> {
        std::fs::create_dir_all(&self.folder).map_err(io_error_at(&self.folder))?;
        // Beside the fits, not in a folder of the login session: runners of all sessions share it.
        let path = self.folder.join("runner");
        let lock = open_lock_file(&path)?;
        // A check holds the lock for an instant only.
        for _ in 0..20 {
            match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Some(lock)),
                Err(Errno::WOULDBLOCK) => std::thread::sleep(LOCK_RETRY_INTERVAL),
                Err(e) => return Err(io_error_at(&path)(e.into()).into()),
            }
        }
        Ok(None)
    }

    /// True while a runner works on the queue. The check does not turn away a runner that is starting.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn has_runner(&self) -> Result<bool, ClientError> {
        let path = self.folder.join("runner");
        let lock = match open(&path, false) {
            Ok(lock) => lock,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(io_error_at(&path)(e).into()),
        };
        // Shared, so that checks at the same time do not take each other for a runner.
        match flock(lock, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(false),
            Err(Errno::WOULDBLOCK) => Ok(true),
            Err(e) => Err(io_error_at(&path)(e.into()).into()),
        }
    }

    /// Waits for the lock of the machine, since two fits at a time would only slow it down. Calls `busy` when another queue has
    /// it. Returns `None` when a signal asked to stop.
    pub(super) fn wait_for_turn(&self, signals: &Signals, busy: impl FnOnce()) -> Result<Option<File>, ClientError> {
        ensure_private_folder(&self.machine_folder)?;
        let path = self.machine_folder.join("queue.lock");
        let lock = open_lock_file(&path)?;
        let mut busy = Some(busy);
        loop {
            match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Some(lock)),
                Err(Errno::WOULDBLOCK) => {}
                Err(e) => return Err(io_error_at(&path)(e.into()).into()),
            }
            if let Some(busy) = busy.take() {
                busy();
            }
            if signals.await_stop() {
                return Ok(None);
            }
        }
    }
}

/// Waits for the lock of a file and holds it.
pub(super) fn lock_exclusively(path: &Path) -> Result<File, ClientError> {
    let lock = open_lock_file(path)?;
    loop {
        match flock(&lock, FlockOperation::LockExclusive) {
            Ok(()) => return Ok(lock),
            Err(Errno::INTR) => {}
            Err(e) => return Err(io_error_at(path)(e.into()).into()),
        }
    }
}

/// Opens a file to lock it, without truncating it.
pub(super) fn open_lock_file(path: &Path) -> Result<File, ClientError> {
    Ok(open(path, true).map_err(io_error_at(path))?)
}

/// Opens a file for a check, which needs no permission to write.
fn open(path: &Path, create: bool) -> std::io::Result<File> {
    File::options()
        .create(create)
        .truncate(false)
        .write(create)
        .read(!create)
        .custom_flags(OFlags::NOFOLLOW.bits() as i32)
        .open(path)
}

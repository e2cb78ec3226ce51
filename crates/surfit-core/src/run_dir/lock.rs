//! Who works on a run: determined by the kernel's lock on a file, never by a process id or a clock.
//!
//! A copy of a run that was made of hard links (`cp -al`) has the very file that the original's engine holds. Who holds a
//! lock therefore writes into it which directory it works in, and a lock that has other names is made anew.

use super::{EngineNode, FileIdentity, MAX_SMALL_FILE_BYTES, ProcessState, RunDir, RunError, io_error_at};
use crate::files::{self, FilePath};
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

/// Held by the engine for as long as it works on a run; the kernel releases it however the process ends.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

/// What its holder writes into the lock.
#[derive(Serialize, Deserialize)]
pub(super) struct LockSignature {
    /// The directory that it works in.
    #[serde(flatten)]
    identity: FileIdentity,
    #[serde(default)]
    pub(super) works_on: Option<EngineNode>,
}

/// Errors of a file system that has no locks, on which no engine works either.
const UNSUPPORTED_LOCK_ERRNOS: [Errno; 3] = [Errno::NOSYS, Errno::OPNOTSUPP, Errno::NOLCK];

/// Why a lock cannot be had, and what to do where the file system has none.
fn lock_refusal(errno: Errno) -> std::io::Error {
    let error = std::io::Error::from(errno);
    if !UNSUPPORTED_LOCK_ERRNOS.contains(&errno) {
        return error;
    }
    std::io::Error::new(
        error.kind(),
        format!(
            "{error}: this file system gives no locks (Lustre needs the mount option flock); keep runs elsewhere, with \
             --run-dir or SURFIT_RUNS"
        ),
    )
}

/// How long those who only test the lock may keep it from an engine.
const LOCK_PROBE_TIMEOUT: Duration = Duration::from_millis(500);

/// How long a killed engine may still hold the lock: its memory is freed first.
const KILLED_ENGINE_TIMEOUT: Duration = Duration::from_secs(5);

impl RunDir {
    /// Waits while nobody but an engine that was killed holds the run, for some seconds at most.
    pub fn await_killed_engine(&self) {
        let began = Instant::now();
        while began.elapsed() < KILLED_ENGINE_TIMEOUT && self.is_engine_alive() && self.is_holder_dead() {
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    fn is_holder_dead(&self) -> bool {
        self.engine_process_state() == Some(ProcessState::Dead)
    }

    /// How the process is that works on the run, or worked last, as far as it can be seen from here.
    pub fn engine_process_state(&self) -> Option<ProcessState> {
        self.engine_node().filter(EngineNode::shares_processes)?;
        Some(ProcessState::of_pid(self.status()?.pid))
    }

    /// Claims the run for this process.
    ///
    /// # Errors
    /// [`RunError::InUse`] when another engine has it.
    pub fn lock(&self) -> Result<RunLock, RunError> {
        let path = self.lock_path();
        if self.is_lock_of_other_directory() {
            files::replace_with_copy(&path).map_err(self.write_error_at(&path))?;
        }
        // An observer tests the lock for an instant; an engine that starts just then waits it out.
        let began = Instant::now();
        while began.elapsed() < LOCK_PROBE_TIMEOUT || began.elapsed() < KILLED_ENGINE_TIMEOUT && self.is_holder_dead() {
            let file = files::open_with(&path, OFlags::WRONLY | OFlags::CREATE).map_err(self.write_error_at(&path))?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                // Another process may have made it anew before it was held.
                Ok(()) if FileIdentity::of_file(&file) != FileIdentity::of_path(&path) => {}
                Ok(()) => {
                    self.write_lock_signature(&file);
                    return Ok(RunLock { _file: file });
                }
                Err(Errno::WOULDBLOCK) => {
                    std::thread::sleep(Duration::from_millis(25));
                }
                Err(e) => return Err(io_error_at(&path)(lock_refusal(e))),
            }
        }
        Err(self.in_use_error())
    }

    /// That another engine works on the run, and where.
    pub fn in_use_error(&self) -> RunError {
        RunError::InUse {
            path: self.path.clone(),
            pid: self.status().map(|s| s.pid),
            node: self.unreachable_engine_node().map(Box::new),
        }
    }

    /// True while an engine works on the run: the lock is held. Needs no trust in process ids or clocks.
    pub fn is_engine_alive(&self) -> bool {
        match files::open(&self.lock_path()) {
            Ok(file) => {
                let asked = flock(&file, FlockOperation::NonBlockingLockShared);
                // A file system without locks refuses everybody; any other error may hide an engine.
                let is_held = asked.is_err_and(|e| !UNSUPPORTED_LOCK_ERRNOS.contains(&e));
                is_held && !self.is_lock_of_other_directory()
            }
            Err(_) => false,
        }
    }

    /// `lock`: what the run's engine holds.
    pub fn lock_path(&self) -> FilePath {
        self.join("lock")
    }

    /// Writes into the lock which directory its holder works in. A disk that does not take it costs nothing but that a copy
    /// made of hard links looks as if an engine worked on it.
    fn write_lock_signature(&self, mut file: &File) {
        if let Some(here) = self.identity() {
            let signature = LockSignature { identity: here, works_on: Some(EngineNode::current().clone()) };
            let text = serde_json::to_vec(&signature).unwrap_or_default();
            let _ = file.set_len(0).and_then(|()| file.write_all(&text));
        }
    }

    /// True when the lock is a further name of the one in another directory, as its holder signed it. What tells directories
    /// apart differs from machine to machine, so that a lock with one name only is never doubted.
    fn is_lock_of_other_directory(&self) -> bool {
        let path = self.lock_path();
        if files::metadata(&path).map_or(1, |m| m.nlink()) < 2 {
            return false;
        }
        let signed: Option<LockSignature> = self.read_json("lock", MAX_SMALL_FILE_BYTES);
        signed.is_some_and(|there| Some(there.identity) != self.identity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_without_locks_is_told_with_a_remedy() {
        for errno in UNSUPPORTED_LOCK_ERRNOS {
            let text = lock_refusal(errno).to_string();
            assert!(text.contains("no locks") && text.contains("SURFIT_RUNS"), "{text}");
        }
        let other = lock_refusal(Errno::IO).to_string();
        assert!(!other.contains("no locks"), "{other}");
    }
}

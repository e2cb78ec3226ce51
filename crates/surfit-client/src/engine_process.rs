//! Signals for the engine process of a run, which need no reply.

use crate::ClientError;
use rustix::process::Signal;
use surfit_core::run_dir::RunDir;

/// Sends a signal to the engine of a run, if the process in its status is the engine: process ids are reused, and a status may
/// come from another machine.
///
/// # Errors
/// [`ClientError::NotTheEngine`] when no process is certainly the engine, [`ClientError::Io`].
#[cfg(target_os = "linux")]
pub fn signal_engine(run: &RunDir, signal: Signal) -> Result<(), ClientError> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};
    let number = run.status().map_or(0, |s| s.pid);
    let stranger = || ClientError::NotTheEngine {
        pid: number,
        status: run.join("status.json").into_path(),
        lock: run.lock_path().into_path(),
    };
    let pid = i32::try_from(number).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or_else(stranger)?;
    // Opened before the check, so that a later process with the same id gets no signal.
    let process = pidfd_open(pid, PidfdFlags::empty()).map_err(|_| stranger())?;
    if !is_engine_of(number, run) {
        return Err(stranger());
    }
    pidfd_send_signal(&process, signal).map_err(|e| ClientError::io(format!("process {number}"))(e.into()))
}

/// True when a process was started as an engine and has the run's lock open.
#[cfg(target_os = "linux")]
fn is_engine_of(pid: u32, run: &RunDir) -> bool {
    use surfit_core::run_dir::FileIdentity;
    let process = std::path::PathBuf::from(format!("/proc/{pid}"));
    let words = std::fs::read(process.join("cmdline")).unwrap_or_default();
    let serves = words.split(|b| *b == 0).nth(1) == Some(b"serve");
    let Some(lock) = FileIdentity::of_path(&run.lock_path()) else {
        return false;
    };
    let files = std::fs::read_dir(process.join("fd")).into_iter().flatten();
    serves && files.flatten().any(|f| FileIdentity::of_path(&f.path()) == Some(lock))
}

/// Refuses: only Linux shows which process has a file open.
///
/// # Errors
/// [`ClientError::UnknownProcess`], always.
#[cfg(not(target_os = "linux"))]
pub fn signal_engine(run: &RunDir, _: Signal) -> Result<(), ClientError> {
    Err(ClientError::UnknownProcess(run.lock_path().into_path()))
}

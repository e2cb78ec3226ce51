//! Starts engine processes that outlive this one.

use super::child_setup;
use super::{ClientError, EngineConnection, connect};
use rustix::fs::OFlags;
use rustix::process::Pid;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use surfit_core::files;
use surfit_core::logging::is_log_record;
use surfit_core::run_dir::{RunDir, RunError, io_error_at};

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EngineLaunch {
    /// Only load the present state and wait for commands.
    pub wait: bool,
    /// Seconds without work and without clients after which it ends; `None` for the engine's own default.
    pub linger: Option<u64>,
}

/// Time that an engine may take until it listens: loading libtorch from a cold network disk is slow.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// Time between two attempts to connect to a starting engine.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Returns the engine program: `SURFIT_ENGINE`, else `surfit-engine` in this program's folder.
///
/// # Errors
/// [`ClientError::NoProgram`] when it is missing.
pub fn engine_program() -> Result<PathBuf, ClientError> {
    let named = std::env::var_os("SURFIT_ENGINE").filter(|p| !p.is_empty()).map(PathBuf::from);
    let program = match named {
        Some(program) => program,
        None => own_program()?.with_file_name("surfit-engine"),
    };
    if program.is_file() { Ok(program) } else { Err(ClientError::NoProgram(program)) }
}

/// Returns this program's own file. After an update the system reports the old file as deleted; then the file that now has its
/// name is returned.
///
/// # Errors
/// [`ClientError::Io`].
pub(super) fn own_program() -> Result<PathBuf, ClientError> {
    let path = std::env::current_exe().map_err(ClientError::io("cannot find this program's own file"))?;
    Ok(strip_deleted_suffix(path))
}

fn strip_deleted_suffix(path: PathBuf) -> PathBuf {
    if path.exists() {
        return path;
    }
    match path.to_str().and_then(|p| p.strip_suffix(" (deleted)")) {
        Some(there) => there.into(),
        None => path,
    }
}

/// Returns a command of the engine program with its environment.
///
/// # Errors
/// [`ClientError::NoProgram`].
pub fn engine_command() -> Result<Command, ClientError> {
    let mut command = Command::new(engine_program()?);
    // Worker threads that spin while they wait make everything else on the machine several times slower, keys in
    // the terminal included; threads that sleep at once make a small network's step twice as long. A spin of some
    // microseconds avoids both (measured: 22.9 ms a step against 42.8 asleep and 32.0 spinning, on two idle cores).
    // OpenMP reads this when libtorch is loaded, so the engine cannot set it for itself.
    let user_decides = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"].iter().any(|name| std::env::var_os(name).is_some());
    if !user_decides {
        command.env("OMP_WAIT_POLICY", "passive").env("GOMP_SPINCOUNT", "3000");
    }
    // A request for a checkpoint must not end an engine that has no handler yet, or none at all.
    child_setup::ignore_checkpoint_requests_in(&mut command);
    Ok(command)
}

/// Starts the engine of a run, detached: own session, no input, output appended to the run's log.
///
/// # Errors
/// [`ClientError::NoProgram`], [`ClientError::Run`] for a log that cannot be opened, [`ClientError::Io`].
pub fn spawn_engine(run: &RunDir, how: EngineLaunch) -> Result<Child, ClientError> {
    let mut command = engine_command()?;
    let log_path = run.log_path();
    files::break_hard_link(&log_path).map_err(run.write_error_at(&log_path))?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND;
    let log = files::open_with(&log_path, flags).map_err(run.write_error_at(&log_path))?;
    let errors = log.try_clone().map_err(io_error_at(&log_path))?;
    command.arg("serve").arg(run.path());
    if how.wait {
        command.arg("--wait");
    }
    if let Some(seconds) = how.linger {
        command.arg("--linger").arg(seconds.to_string());
    }
    command.stdin(Stdio::null()).stdout(log).stderr(errors);
    // The engine must be in its own session before libtorch is loaded, which happens before its `main`: a ctrl-c in
    // that half second would otherwise reach it.
    child_setup::start_in_own_session(&mut command);
    let program = command.get_program().to_string_lossy().into_owned();
    tracing::info!("starting {program} for {}", run.path().display());
    command.spawn().map_err(ClientError::io(format!("starting {program}")))
}

/// Starts the engine of a run and connects to it as soon as it listens.
///
/// # Errors
/// [`RunError::InUse`] when another engine has the run, [`ClientError::DidNotStart`] with the last line of the log when it
/// ends before it listens, else as [`spawn_engine`] and [`connect`].
pub fn start_engine(
    run: &RunDir,
    how: EngineLaunch,
    after: Option<u64>,
) -> Result<(Child, EngineConnection), ClientError> {
    let log_length = files::metadata(&run.log_path()).map_or(0, |m| m.len());
    let mut child = spawn_engine(run, how)?;
    let began = Instant::now();
    loop {
        match connect(run, after) {
            // Of several engines that start at a time, one gets the run.
            Ok(connection) if !belongs_to_child(&child, connection.pid()) => {
                let _ = child.kill().and_then(|()| child.wait());
                return Err(ClientError::Run(run.in_use_error()));
            }
            Ok(connection) => return Ok((child, connection)),
            // An engine that fails at once may still have accepted; its exit status has the reason.
            Err(ClientError::NoEngine(_) | ClientError::Closed) => {}
            // It holds the run, but has not replaced another engine's `socket` file yet.
            Err(ClientError::Run(RunError::ForeignSocket(_))) => {}
            Err(other) => return Err(other),
        }
        let exited = child.try_wait().map_err(ClientError::io("watching the engine"))?;
        if let Some(status) = exited {
            return Err(start_failure(run, log_length, status));
        }
        if began.elapsed() > START_TIMEOUT {
            return Err(ClientError::Timeout(START_TIMEOUT.as_secs()));
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Returns why an engine ended before it listened: another one has the run, or the message in the log after `log_length` bytes.
fn start_failure(run: &RunDir, log_length: u64, status: ExitStatus) -> ClientError {
    if run.is_engine_alive() {
        return ClientError::Run(run.in_use_error());
    }
    let why = last_log_line(run, log_length)
        .unwrap_or_else(|| format!("the engine failed to start ({status}); see {}", run.log_path().display()));
    ClientError::DidNotStart(why)
}

/// True when a process is the started one or its child: the program may be a script that starts another one.
fn belongs_to_child(child: &Child, pid: u32) -> bool {
    let session = || {
        let pid = Pid::from_raw(i32::try_from(pid).ok()?);
        rustix::process::getsid(pid).ok()
    };
    // A process that cannot be inspected counts as the started one.
    pid == child.id() || session().is_none_or(|s| s == Pid::from_child(child))
}

/// Connects to the engine of a run, or starts one that waits for commands. Returns the child if it was started here.
///
/// # Errors
/// As [`start_engine`].
pub fn connect_or_start(
    run: &RunDir,
    how: EngineLaunch,
    after: Option<u64>,
) -> Result<(Option<Child>, EngineConnection), ClientError> {
    let began = Instant::now();
    loop {
        match connect(run, after) {
            Ok(connection) => return Ok((None, connection)),
            Err(ClientError::NoEngine(_)) if !run.is_engine_alive() => {
                match start_engine(run, how, after) {
                    Ok((child, connection)) => return Ok((Some(child), connection)),
                    // Another engine was faster, and serves as well.
                    Err(ClientError::Run(RunError::InUse { .. })) if began.elapsed() < START_TIMEOUT => {}
                    Err(other) => return Err(other),
                }
            }
            // It holds the run but does not listen yet, or does not listen any more.
            Err(ClientError::NoEngine(_)) if began.elapsed() < START_TIMEOUT => std::thread::sleep(POLL_INTERVAL),
            Err(other) => return Err(other),
        }
    }
}

/// Waits until no engine has the run; false after `timeout`.
pub fn wait_for_engine_exit(run: &RunDir, timeout: Duration) -> bool {
    let began = Instant::now();
    while run.is_engine_alive() {
        if began.elapsed() > timeout {
            return false;
        }
        std::thread::sleep(POLL_INTERVAL);
    }
    true
}

/// Returns the last line that the engine wrote to its standard streams after byte `from` of its log, without the program's
/// name.
pub(super) fn last_log_line(run: &RunDir, from: u64) -> Option<String> {
    let mut file = files::open(&run.log_path()).ok()?;
    let length = file.metadata().ok()?.len();
    // A log that is shorter than before was begun anew.
    let from = if length < from { 0 } else { from };
    // Only the end matters; a log may be long.
    file.seek(SeekFrom::Start(from.max(length.saturating_sub(64 << 10)).min(length))).ok()?;
    let mut bytes = Vec::new();
    file.take(64 << 10).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().map(str::trim).rfind(|l| !l.is_empty() && !is_log_record(l))?;
    Some(line.strip_prefix("surfit-engine: ").unwrap_or(line).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_another_one_was_faster_than_is_told_from_one_that_cannot_start() {
        let run = crate::fake::temporary_run();
        let run = &run.dir;
        let log =
            "earlier\nsurfit-engine: no libtorch\n2026-01-02T03:04:05.678901Z  INFO surfit_engine::serve: the end\n";
        std::fs::write(run.log_path(), log).unwrap();
        let ended = || start_failure(run, 0, ExitStatus::default());
        assert!(matches!(ended(), ClientError::DidNotStart(why) if why == "no libtorch"));
        // It was longer before it was begun anew.
        let begun_anew = start_failure(run, 1 << 20, ExitStatus::default());
        assert!(matches!(begun_anew, ClientError::DidNotStart(why) if why == "no libtorch"));
        // It loads a long log, and listens later.
        let _lock = run.lock().unwrap();
        assert!(matches!(ended(), ClientError::Run(RunError::InUse { .. })));
    }

    #[test]
    fn a_program_that_was_replaced_is_started_from_its_place() {
        let gone = PathBuf::from("/nowhere/surfit (deleted)");
        assert_eq!(strip_deleted_suffix(gone), PathBuf::from("/nowhere/surfit"));
        let plain = PathBuf::from("/nowhere/surfit");
        assert_eq!(strip_deleted_suffix(plain.clone()), plain);
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join("surfit (deleted)");
        std::fs::write(&odd, "").unwrap();
        assert_eq!(strip_deleted_suffix(odd.clone()), odd, "a file that is called so");
    }
}

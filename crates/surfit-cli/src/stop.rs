//! `surfit stop`: writes a checkpoint and ends the engine.

use super::args::StopArgs;
use super::error::CliError;
use super::{output, run_lookup};
use rustix::process::Signal;
use std::time::{Duration, Instant};
use surfit_client::{ClientError, runs};
use surfit_core::protocol::{CommandError, EngineCommand, ServerMessage};
use surfit_core::run_dir::{ProcessState, RunDir};

/// Time that an engine may take to write its checkpoint and end.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(120);

const EXIT_POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Ends the engine of a run and waits until it is gone.
pub fn run_command(args: StopArgs) -> Result<(), CliError> {
    let run = run_lookup::find_run(&args.run)?;
    if !run.is_engine_alive() {
        return Err(CliError::Failure(format!(
            "no engine is running for {}; `surfit ls` lists your runs",
            runs::open_name(&run)
        )));
    }
    shut_down_engine(&run)?;
    let done = run.load_state().is_ok_and(|p| p.finished.is_some());
    let next = if done { "open it again with `surfit open" } else { "continue with `surfit resume" };
    output::print_line(format!("stopped; {next} {}`", runs::open_name(&run)))
}

/// Makes the engine of a run write a checkpoint and end, and waits until it is gone.
pub fn shut_down_engine(run: &RunDir) -> Result<(), CliError> {
    match request_shutdown(run) {
        Ok(()) => {}
        // It ends without a checkpoint.
        Err(StopFailure::Refused(why)) => {
            surfit_client::wait_for_engine_exit(run, SHUTDOWN_TIMEOUT);
            return Err(CliError::Refused(why));
        }
        Err(StopFailure::Suspended(why)) => return Err(CliError::Failure(why)),
        // It was ending by itself.
        Err(_) if !run.is_engine_alive() => {}
        // No process of another machine is ended by a signal from here.
        Err(StopFailure::Unreachable(error @ ClientError::Elsewhere { .. }))
            if !run.unreachable_engine_node().is_some_and(|node| node.shares_processes()) =>
        {
            return Err(error.into());
        }
        // It cannot be reached; a signal makes it write a checkpoint and end as well.
        Err(StopFailure::Unreachable(error)) => surfit_client::signal_engine(run, Signal::TERM)
            .map_err(|why| CliError::Failure(format!("{error}; no signal was sent either: {why}")))?,
    }
    let asked = Instant::now();
    while !surfit_client::wait_for_engine_exit(run, EXIT_POLL_INTERVAL) && asked.elapsed() <= SHUTDOWN_TIMEOUT {
        suspended_message(run).map_or(Ok(()), |why| Err(CliError::Failure(why)))?;
    }
    if run.is_engine_alive() {
        return Err(CliError::Failure(format!(
            "the engine did not end within {} s; see {}",
            SHUTDOWN_TIMEOUT.as_secs(),
            run.log_path().display()
        )));
    }
    Ok(())
}

enum StopFailure {
    Refused(CommandError),
    Unreachable(ClientError),
    /// It is suspended; the remedy.
    Suspended(String),
}

fn suspended_message(run: &RunDir) -> Option<String> {
    if !run.is_engine_alive() || run.engine_process_state() != Some(ProcessState::Suspended) {
        return None;
    }
    let pid = run.status()?.pid;
    Some(format!(
        "the engine (pid {pid}) is suspended and cannot write its checkpoint; continue it with `kill -CONT {pid}`, then stop it"
    ))
}

impl From<ClientError> for StopFailure {
    fn from(error: ClientError) -> Self {
        StopFailure::Unreachable(error)
    }
}

/// Asks the engine of a run to write a checkpoint and end, and waits for its reply.
fn request_shutdown(run: &RunDir) -> Result<(), StopFailure> {
    let check = || suspended_message(run).map_or(Ok(()), |why| Err(StopFailure::Suspended(why)));
    check()?;
    let mut connection = match surfit_client::connect(run, None) {
        Err(error) => return check().and(Err(error.into())),
        Ok(connection) => connection,
    };
    let inbox = connection.open_inbox()?;
    let id = connection.send(EngineCommand::Shutdown)?;
    let asked = Instant::now();
    while asked.elapsed() <= SHUTDOWN_TIMEOUT {
        match inbox.next_message(Duration::from_millis(100)) {
            Ok(Some(ServerMessage::Reply { id: of, error, .. })) if of == id => {
                return error.map_or(Ok(()), |why| Err(StopFailure::Refused(why)));
            }
            Ok(_) if run.is_engine_alive() => check()?,
            // It may be gone before it answers.
            Ok(_) | Err(_) => return Ok(()),
        }
    }
    // It does not read its commands; after a signal it can still write a checkpoint.
    let _ = surfit_client::signal_engine(run, Signal::TERM);
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use surfit_core::config::Config;
    use surfit_core::event::JobStage;
    use surfit_core::run_dir::RunStatus;
    use surfit_core::snapshot::EngineState;

    #[test]
    fn a_process_that_is_not_the_runs_engine_gets_no_signal() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        // Held by this process, as by an engine that cannot be reached.
        let _lock = run.lock().unwrap();
        let mut other = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        for pid in [other.id(), std::process::id(), 0, u32::MAX] {
            run.write_status(&RunStatus {
                state: EngineState::Running,
                stage: JobStage::Fit,
                pid,
                node: String::new(),
                heartbeat: 0.0,
                done: 0,
                total: 1,
                degrees: Config::default().degrees(),
                network: "cnn".into(),
                data: "mnist".into(),
                best: None,
                failed: None,
            })
            .unwrap();
            let Err(CliError::Failure(why)) = shut_down_engine(&run) else {
                panic!("process {pid} was taken for an engine");
            };
            assert!(why.contains("is not the engine of"), "{why}");
        }
        assert!(other.try_wait().unwrap().is_none(), "it was ended");
        other.kill().unwrap();
        other.wait().unwrap();
    }
}

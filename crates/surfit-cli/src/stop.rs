//! `surfit stop`: writes a checkpoint and ends the engine.

use super::args::StopArgs;
use super::error::CliError;
use super::{output, run_lookup};
use rustix::process::Signal;
use std::time::{Duration, Instant};
use surfit_client::{ClientError, runs};
use surfit_core::protocol::{EngineCommand, ServerMessage};
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
    match request_shutdown(run)? {
        Ok(()) => {}
        // It was ending by itself.
        Err(_) if !run.is_engine_alive() => {}
        // No process of another machine is ended by a signal from here.
        Err(error @ ClientError::Elsewhere { .. })
            if !run.unreachable_engine_node().is_some_and(|node| node.shares_processes()) =>
        {
            return Err(error.into());
        }
        // It cannot be reached; a signal makes it write a checkpoint and end as well.
        Err(error) => surfit_client::signal_engine(run, Signal::TERM)
            .map_err(|why| CliError::Failure(format!("{error}; no signal was sent either: {why}")))?,
    }
    let asked = Instant::now();
    while !surfit_client::wait_for_engine_exit(run, EXIT_POLL_INTERVAL) && asked.elapsed() <= SHUTDOWN_TIMEOUT {
        refuse_suspended(run)?;
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

/// Refuses an engine that is suspended, with the remedy.
fn refuse_suspended(run: &RunDir) -> Result<(), CliError> {
    let is_suspended = run.is_engine_alive() && run.engine_process_state() == Some(ProcessState::Suspended);
    match run.status().filter(|_| is_suspended) {
        Some(status) => Err(CliError::Failure(format!(
            "the engine (pid {0}) is suspended and cannot write its checkpoint; continue it with `kill -CONT {0}`, then stop it",
            status.pid
        ))),
        None => Ok(()),
    }
}

/// Asks the engine of a run to write a checkpoint and end, and waits for its reply; the inner error is of one that cannot be
/// reached.
fn request_shutdown(run: &RunDir) -> Result<Result<(), ClientError>, CliError> {
    refuse_suspended(run)?;
    let asked = surfit_client::connect(run, None).and_then(|mut connection| {
        let inbox = connection.open_inbox()?;
        let id = connection.send(EngineCommand::Shutdown)?;
        Ok((connection, inbox, id))
    });
    let (_connection, inbox, id) = match asked {
        Ok(asked) => asked,
        Err(error) => return refuse_suspended(run).map(|()| Err(error)),
    };
    let asked_at = Instant::now();
    while asked_at.elapsed() <= SHUTDOWN_TIMEOUT {
        match inbox.next_message(Duration::from_millis(100)) {
            Ok(Some(ServerMessage::Reply { id: of, error: Some(refusal), .. })) if of == id => {
                // It ends without a checkpoint.
                surfit_client::wait_for_engine_exit(run, SHUTDOWN_TIMEOUT);
                return Err(CliError::Refused(refusal));
            }
            Ok(Some(ServerMessage::Reply { id: of, .. })) if of == id => return Ok(Ok(())),
            Ok(_) if run.is_engine_alive() => refuse_suspended(run)?,
            // It may be gone before it answers.
            Ok(_) | Err(_) => return Ok(Ok(())),
        }
    }
    // It does not read its commands; after a signal it can still write a checkpoint.
    let _ = surfit_client::signal_engine(run, Signal::TERM);
    Ok(Ok(()))
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

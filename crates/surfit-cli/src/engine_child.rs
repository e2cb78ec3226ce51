//! Runs the engine program as a child that ends with this command.

use super::error::CliError;
use std::io::Read;
use std::process::{Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;
use surfit_client::ClientError;
use surfit_client::signals::Signals;

const SIGNAL_POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Runs the engine program without input to its end, with its output in pipes. It is killed when this process is asked to
/// stop, since it has no state to keep.
///
/// # Errors
/// [`CliError::Interrupted`] when a signal asked to stop.
pub fn run_engine_program(mut command: Command) -> Result<Output, CliError> {
    let signals = Signals::install_handlers()?;
    let starting = ClientError::io("starting surfit-engine");
    let mut child = command.stdin(Stdio::null()).spawn().map_err(starting)?;
    let (stdout, stderr) = (spawn_pipe_reader(child.stdout.take()), spawn_pipe_reader(child.stderr.take()));
    let mut stopped = false;
    let status = loop {
        let waiting = ClientError::io("waiting for surfit-engine");
        if let Some(status) = child.try_wait().map_err(waiting)? {
            break status;
        }
        if !stopped && (signals.stop_request().is_some() || signals.is_hung_up()) {
            stopped = true;
            // One that has just ended needs no signal.
            let _ = child.kill();
        }
        std::thread::sleep(SIGNAL_POLL_INTERVAL);
    };
    // A batch system, or ctrl-c, may have reached the child a moment before this process.
    if stopped || status.code().is_none() && signals.await_stop() {
        return Err(CliError::Interrupted("stopped before it finished".into()));
    }
    Ok(Output { status, stdout: stdout.join().unwrap_or_default(), stderr: stderr.join().unwrap_or_default() })
}

/// Reads a pipe to its end, so that a full one never stops the child.
fn spawn_pipe_reader(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came before an error is kept.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

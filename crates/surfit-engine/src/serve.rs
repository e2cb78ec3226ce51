//! One engine process: lock, socket, actor, in that order.

use crate::LIBTORCH_VERSION;
use crate::actor::{self, CommandRequest, ServeOptions};
use crate::journal::EventJournal;
use crate::server::{BoundSocket, ServerContext, serve};
use crate::{EngineError, Result};
use std::io::Write;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, OnceLock};
use surfit_core::event::JobStage;
use surfit_core::logging;
use surfit_core::protocol::CommandError;
use surfit_core::run_dir::{EngineNode, RunDir, RunStatus};
use surfit_core::snapshot::EngineState;

/// Commands that may wait for the actor; more are refused with a sentence.
const MAX_QUEUED_COMMANDS: usize = 64;

/// Works on a run until a request to end, or until its linger time is over.
///
/// # Errors
/// When the run is in use, its files cannot be opened, or its work failed (that is in its events too).
pub fn serve_run(run: &RunDir, options: ServeOptions) -> Result<()> {
    let _lock = run.lock()?;
    if let Err(error) = logging::start_logging(&run.log_path(), logging::requested_filter().as_deref()) {
        // Only a user who started the engine by hand can see this message.
        let _ = writeln!(std::io::stderr(), "surfit-engine: {}: {error}", run.log_path().display());
    }
    tracing::info!(
        "surfit-engine {}, libtorch {LIBTORCH_VERSION}, process {}: {}",
        env!("CARGO_PKG_VERSION"),
        std::process::id(),
        run.path().display()
    );
    run.remove_unfinished_files();
    write_starting_status(run);
    let mut journal = EventJournal::open(run)?;
    let socket = BoundSocket::bind(run)?;
    let (requests, inbox) = sync_channel::<CommandRequest>(MAX_QUEUED_COMMANDS);
    let end = Arc::new(OnceLock::new());
    let service = ServerContext {
        directory: run.identity(),
        run: run.clone(),
        event_bus: journal.event_bus(),
        requests,
        actor_end: end.clone(),
    };
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let server = std::thread::Builder::new()
        .name("server".into())
        .spawn(move || serve(socket, service, stopped))
        .map_err(EngineError::io("thread"))?;
    let result = actor::run(run, &mut journal, &inbox, options);
    // Before the commands that wait are dropped, which answers them.
    let _ = end.set(result.as_ref().copied().map_err(CommandError::from));
    // The journal ends the feed, so that connections close after the last event.
    drop(journal);
    drop(inbox);
    let _ = stop.send(());
    let served = server.join().unwrap_or(Err(EngineError::ServerPanicked));
    result.and(served)
}

/// Puts this process into the run's status before data and tensors are loaded, which takes a moment: who requests the
/// engine's process id must not get that of a dead one, and a failure to load needs a status to be reported in.
fn write_starting_status(run: &RunDir) {
    // The actor reports what is wrong with it.
    let Ok(config) = run.config() else { return };
    let before = run.status().unwrap_or(RunStatus {
        state: EngineState::Starting,
        stage: JobStage::Data,
        pid: 0,
        node: String::new(),
        heartbeat: 0.0,
        done: 0,
        total: 0,
        degrees: config.degrees(),
        network: config.network.name,
        data: config.data.name,
        best: None,
        failed: None,
    });
    let (node, heartbeat) = (EngineNode::current().host.clone(), actor::unix_seconds());
    let status = RunStatus { pid: std::process::id(), node, heartbeat, ..before };
    if let Err(error) = run.write_status(&status) {
        tracing::warn!("{error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use surfit_core::config::Config;

    #[test]
    fn half_written_files_of_a_killed_engine_go_from_exports_too() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("a"), &Config::default()).unwrap();
        let folder = run.join("exports").join("best-u0.500-v0.500-step9");
        std::fs::create_dir(&folder).unwrap();
        // No process has the largest number.
        let left = [
            folder.join(format!(".model.safetensors.{}.tmp", i32::MAX)),
            run.join("surface").join(format!(".state.safetensors.{}.tmp", i32::MAX)),
        ];
        left.iter().for_each(|p| std::fs::write(p, "half").unwrap());
        let whole = folder.join("model.safetensors");
        std::fs::write(&whole, "whole").unwrap();
        run.remove_unfinished_files();
        assert!(left.iter().all(|path| !path.exists()) && whole.exists());
    }
}

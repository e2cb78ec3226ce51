//! One engine process: lock, socket, actor, in that order.

use crate::actor::{self, Request, ServeOptions};
use crate::journal::Journal;
use crate::server::{Service, Socket, serve};
use crate::{Error, Result};
use std::sync::mpsc::sync_channel;
use std::time::{SystemTime, UNIX_EPOCH};
use surfit_core::event::Stage;
use surfit_core::run_dir::{RunDir, Status};
use surfit_core::snapshot::State;

/// Commands that may wait for the actor; more are refused with a sentence.
const WAITING: usize = 64;

/// Works on a run until it is told to end, or lingers no longer.
///
/// # Errors
/// When the run is in use, its files cannot be opened, or its work failed (that is in its events too).
pub fn serve_run(run: &RunDir, options: ServeOptions) -> Result<()> {
    let _lock = run.lock()?;
    for folder in ["", "corners", "surface", "heatmaps"] {
        surfit_core::files::clear_temporary(&run.join(folder));
    }
    announce(run);
    let mut journal = Journal::open(run)?;
    let socket = Socket::bind(run)?;
    let (requests, inbox) = sync_channel::<Request>(WAITING);
    let service = Service {
        dir: run.identity(),
        run: run.clone(),
        feed: journal.feed(),
        requests,
    };
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let server = std::thread::Builder::new()
        .name("server".into())
        .spawn(move || serve(socket, service, stopped))
        .map_err(Error::io("thread"))?;
    let result = actor::run(run, &mut journal, &inbox, options);
    // The journal ends the feed, so that connections close after the last event.
    drop(journal);
    drop(inbox);
    let _ = stop.send(());
    let served = server
        .join()
        .unwrap_or_else(|_| Err(Error::input("the server thread panicked")));
    result.and(served)
}

/// Puts this process into the run's status before data and tensors are loaded, which takes a moment: who asks for the
/// engine's process id must not get that of a dead one, and a failure to load needs a status to be told in.
fn announce(run: &RunDir) {
    // The actor says what is wrong with it.
    let Ok(config) = run.config() else { return };
    let before = run.status().unwrap_or(Status {
        state: State::Starting,
        stage: Stage::Data,
        pid: 0,
        heartbeat: 0.0,
        done: 0,
        total: 0,
        degrees: config.degrees(),
        network: config.network.name,
        data: config.data.set,
        best: None,
        failed: None,
    });
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |d| d.as_secs_f64());
    let status = Status {
        pid: std::process::id(),
        heartbeat: now,
        ..before
    };
    if let Err(error) = run.write_status(&status) {
        crate::journal::complain(format_args!("{error}"));
    }
}

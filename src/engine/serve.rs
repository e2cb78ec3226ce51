//! One engine process: lock, socket, actor, in that order.

use crate::actor::{self, Request, ServeOptions};
use crate::journal::Journal;
use crate::server::{Service, Socket, serve};
use crate::{Error, Result};
use std::sync::mpsc::sync_channel;
use surfit_core::run_dir::RunDir;

/// Commands that may wait for the actor; more are refused with a sentence.
const WAITING: usize = 64;

/// Works on a run until it is told to end, or lingers no longer.
///
/// # Errors
/// When the run is in use, its files cannot be opened, or its work failed (that is in its events too).
pub fn serve_run(run: &RunDir, options: ServeOptions) -> Result<()> {
    let _lock = run.lock()?;
    let mut journal = Journal::open(run)?;
    let socket = Socket::bind(run)?;
    let (requests, inbox) = sync_channel::<Request>(WAITING);
    let service = Service { run: run.clone(), feed: journal.feed(), requests };
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
    let served = server.join().unwrap_or_else(|_| Err(Error::input("the server thread panicked")));
    result.and(served)
}

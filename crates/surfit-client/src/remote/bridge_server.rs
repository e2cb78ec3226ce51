//! The far end of a line: a bridge whose terminal is on another machine.

use super::line;
use super::line_queue::LineQueue;
use crate::bridge::{self, BridgeEnd, OpenTarget};
use crate::{ClientError, frame};
use std::io::{Read, Write};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use surfit_core::protocol::{BridgeMessage, BridgeRequest, ClientMessage};
use surfit_core::run_dir::RunDir;

/// The line is closed after this long without a message from the near end, which sends one every five seconds.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(60);
const LINE_CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Serves the run to the client at the other end of `input` and `output`, until it exits. `exit_message` makes the last
/// message from the run's state at the end, whether its engine was to stop, and the run's name at the near end.
///
/// # Errors
/// What is wrong with the run, before anything but the greeting was sent; later [`ClientError::Io`] for a thread that
/// cannot be had.
pub fn serve(
    run: RunDir,
    readonly: bool,
    mut input: impl Read + Send + 'static,
    mut output: impl Write + Send + 'static,
    exit_message: impl FnOnce(&RunDir, &BridgeEnd, bool, &str) -> Option<String>,
) -> Result<(), ClientError> {
    run.config()?;
    if output.write_all(line::format_greeting().as_bytes()).and_then(|()| output.flush()).is_err() {
        return Ok(());
    }
    let Ok(Some(ClientMessage::Hello { after, run: known, .. })) = frame::read_client_message(&mut input) else {
        return Ok(());
    };
    let after = after.filter(|_| known == Some(run.id()));
    let queue = Arc::new(LineQueue::new());
    let [writes, tells, reads] = [(); 3].map(|()| queue.clone());
    let writer = spawn("line writer", move || writes.write_to(output))?;
    let screen = Arc::new(move |message| tells.push(message));
    let (bridge, requests) = bridge::open_after(OpenTarget::Existing(run.clone()), after, readonly, screen)
        .map_err(ClientError::io("starting a thread"))?;
    let last_received = Arc::new(Mutex::new(Instant::now()));
    let (received_at, (leave, left)) = (last_received.clone(), channel());
    spawn("line reader", move || {
        let leave_request = loop {
            let received = frame::read_client_message(&mut input);
            *received_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            match received {
                Ok(Some(ClientMessage::Bridge(BridgeRequest::Leave { stop_engine, name }))) => {
                    break Some((stop_engine, name));
                }
                Ok(Some(ClientMessage::Bridge(BridgeRequest::Taken))) => reads.on_taken(),
                Ok(Some(request)) => requests(request),
                Ok(None) => {}
                Err(_) => break None,
            }
        };
        let _ = leave.send(leave_request);
    })?;
    let leave_request = loop {
        match left.recv_timeout(LINE_CHECK_INTERVAL) {
            Ok(leave_request) => break leave_request,
            Err(RecvTimeoutError::Timeout) => {
                let last_received = *last_received.lock().unwrap_or_else(PoisonError::into_inner);
                if last_received.elapsed() > CLIENT_TIMEOUT || queue.is_closed() {
                    break None;
                }
            }
            Err(RecvTimeoutError::Disconnected) => break None,
        }
    };
    // The bridge's thread may wait for a slot in the queue, which is no longer read.
    match leave_request {
        Some(_) => queue.begin_leaving(),
        None => queue.close(),
    }
    let stop_engine = leave_request.as_ref().is_some_and(|(stop, _)| *stop);
    // The near end waits as long as it receives progress messages.
    let ended = bridge.end_with_progress(stop_engine, LINE_CHECK_INTERVAL, || {
        queue.push(BridgeMessage::KeepAlive.into());
    });
    if let Some((_, name)) = leave_request {
        let run = ended.run.as_ref().unwrap_or(&run);
        queue.end(exit_message(run, &ended, stop_engine, &name));
        // The near end may be gone, which is no fault.
        let _ = writer.join();
    }
    Ok(())
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<std::thread::JoinHandle<()>, ClientError> {
    let thread = std::thread::Builder::new().name(name.into()).spawn(work);
    thread.map_err(ClientError::io("starting a thread"))
}

//! Signals: exit in good order, stop and continue.

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;
use signal_hook::low_level;
use std::io;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalRequest {
    /// Exit; the engine keeps running.
    Exit,
    Stop,
    Continued,
    Checkpoint,
}

/// How long the loop has to exit by itself before the terminal is given back without it: it may be stuck writing to a
/// terminal that does not read.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(2);

/// Sends the requests of signals, from its own thread.
///
/// # Errors
/// When the system refuses to register handlers.
pub fn forward_signals<T: Send + 'static>(
    sender: SyncSender<T>,
    wrap: impl Fn(SignalRequest) -> T + Send + 'static,
) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGUSR1, SIGUSR2])?;
    thread::spawn(move || {
        for signal in &mut signals {
            let what = match signal {
                SIGUSR1 | SIGUSR2 => SignalRequest::Checkpoint,
                SIGTSTP => SignalRequest::Stop,
                SIGCONT => SignalRequest::Continued,
                _ => SignalRequest::Exit,
            };
            if what == SignalRequest::Checkpoint {
                // Of several that wait one is enough.
                let _ = sender.try_send(wrap(what));
            } else if !crate::terminal::is_active() && what != SignalRequest::Continued {
                // Before and after the workbench, and while it is stopped, they act as on any other program.
                let _ = low_level::emulate_default_handler(signal);
            } else if what == SignalRequest::Exit {
                thread::spawn(move || {
                    thread::sleep(LEAVE_TIMEOUT);
                    if crate::terminal::force_cooked_mode() {
                        let _ = low_level::emulate_default_handler(signal);
                    }
                });
                // The loop may be stuck; waiting for a free slot would hide later signals.
                let _ = sender.try_send(wrap(what));
            } else {
                // The loop may have ended; this thread stays, since nobody else acts on signals any more.
                let _ = sender.send(wrap(what));
            }
        }
    });
    Ok(())
}

/// Stops this process as ctrl-z does; returns when it is continued.
///
/// # Errors
/// When the system refuses.
pub fn stop_process() -> io::Result<()> {
    low_level::emulate_default_handler(SIGTSTP)
}

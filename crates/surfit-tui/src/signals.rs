//! Signals: exit in good order, stop and continue.

use crate::app::AppMessage;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;
use signal_hook::low_level;
use std::io;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

/// How long the loop has to exit by itself before the terminal is given back without it: it may be stuck writing to a
/// terminal that does not read.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(2);

/// Sends what signals ask for, from its own thread.
///
/// # Errors
/// When the system refuses to register handlers.
pub fn forward_signals(sender: SyncSender<AppMessage>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGUSR1, SIGUSR2])?;
    thread::spawn(move || {
        for signal in &mut signals {
            let stopped = !crate::terminal::is_active();
            match signal {
                // Of several that wait one is enough.
                SIGUSR1 | SIGUSR2 => drop(sender.try_send(AppMessage::CheckpointRequest)),
                // The loop may have ended; this thread stays, since nobody else acts on signals any more.
                SIGCONT => drop(sender.send(AppMessage::Continued)),
                // Before and after the workbench, and while it is stopped, they act as on any other program.
                _ if stopped => drop(low_level::emulate_default_handler(signal)),
                SIGTSTP => drop(sender.send(AppMessage::Suspend)),
                _ => {
                    thread::spawn(move || {
                        thread::sleep(LEAVE_TIMEOUT);
                        if crate::terminal::force_cooked_mode() {
                            let _ = low_level::emulate_default_handler(signal);
                        }
                    });
                    // The loop may be stuck; waiting for a free slot would hide later signals.
                    let _ = sender.try_send(AppMessage::Hangup);
                }
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

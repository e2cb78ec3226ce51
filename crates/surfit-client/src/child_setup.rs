//! Sets up a child process between `fork` and `exec`: its own session, and ignored signals.
//!
//! The standard library has no safe call for either, so that this file alone in the client has `unsafe` code.
#![expect(unsafe_code, reason = "`pre_exec` and `signal` have no safe form; each block makes bare system calls only")]

use signal_hook::consts::{SIGUSR1, SIGUSR2};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Keeps SIGUSR1 and SIGUSR2 from ending this process and those that it starts: a batch system sends them to whole jobs,
/// and most commands have no checkpoint. [`crate::signals::Signals::install_handlers`] replaces it.
pub fn ignore_checkpoint_requests() {
    for signal in [SIGUSR1, SIGUSR2] {
        // SAFETY: a bare system call; an ignored signal runs no code.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Makes the child ignore requests for checkpoints until it has a handler of its own.
pub fn ignore_checkpoint_requests_in(command: &mut Command) {
    // SAFETY: only bare system calls, allowed between fork and exec; nothing is allocated.
    unsafe {
        command.pre_exec(|| {
            ignore_checkpoint_requests();
            Ok(())
        });
    }
}

/// Makes the child the leader of a new session, without this process's terminal, before its program is loaded.
pub fn start_in_own_session(command: &mut Command) {
    // SAFETY: `setsid` is a bare system call, allowed between fork and exec; nothing is allocated.
    unsafe {
        command.pre_exec(|| {
            let _ = rustix::process::setsid();
            Ok(())
        });
    }
}

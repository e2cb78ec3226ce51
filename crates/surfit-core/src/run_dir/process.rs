//! A process's state, which its lock does not show.

/// How a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// It is gone, or on its way: it executes nothing any more.
    Dead,
    /// It is stopped until it gets SIGCONT.
    Suspended,
    /// It runs or waits, or the system does not report more.
    Running,
}

impl ProcessState {
    /// Of the process with a number.
    #[cfg(target_os = "linux")]
    pub fn of_pid(pid: u32) -> Self {
        match std::fs::read_to_string(format!("/proc/{pid}/status")) {
            Ok(text) => Self::parse_status(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::Dead,
            // It ended while it was read, or is hidden.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error()) => Self::Dead,
            Err(_) => Self::Running,
        }
    }

    /// Of the process with a number.
    #[cfg(not(target_os = "linux"))]
    pub fn of_pid(pid: u32) -> Self {
        use rustix::process::{Pid, test_kill_process};
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        match pid.map(test_kill_process) {
            Some(Err(rustix::io::Errno::SRCH)) | None => Self::Dead,
            _ => Self::Running,
        }
    }

    /// As `/proc/PID/status` reports it: the state, and a SIGKILL that is on its way.
    #[cfg(target_os = "linux")]
    fn parse_status(text: &str) -> Self {
        const SIGKILL_MASK: u64 = 1 << 8;
        let field = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':'));
        let signals = |name| {
            let mask = field(name).and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
            mask.unwrap_or(0)
        };
        if (signals("SigPnd") | signals("ShdPnd")) & SIGKILL_MASK != 0 {
            return Self::Dead;
        }
        match field("State").and_then(|state| state.trim().chars().next()) {
            Some('Z' | 'X' | 'x') => Self::Dead,
            Some('T' | 't') => Self::Suspended,
            _ => Self::Running,
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_as_running_suspended_or_dead() {
        let mut child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        let becomes = |state| {
            (0..1000).any(|_| {
                std::thread::sleep(std::time::Duration::from_millis(5));
                ProcessState::of_pid(child.id()) == state
            })
        };
        assert!(becomes(ProcessState::Running));
        rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
        assert!(becomes(ProcessState::Suspended));
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        // It is a zombie until it is waited for.
        assert!(becomes(ProcessState::Dead));
        child.wait().unwrap();
        assert_eq!(ProcessState::of_pid(child.id()), ProcessState::Dead);
        let killed = "State:\tD (disk sleep)\nSigPnd:\t0000000000000100\nShdPnd:\t0\n";
        assert_eq!(ProcessState::parse_status(killed), ProcessState::Dead);
    }
}

//! Ends what a test started, also when the test's own process is killed: an engine has a session of its own and outlives
//! whoever started it.

use super::sandbox::{is_alive, send_signal};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long processes may take to be gone on a busy machine.
const EXIT_TIMEOUT: Duration = Duration::from_secs(60);

/// Waits for the end of its input, which the test's process holds open and the system closes however that process ends.
/// Then it kills every process with the mark in its environment, until a whole second passes without one: one that is
/// just being started shows its environment only when it is there.
const GUARDIAN_SCRIPT: &str = r#"
mark=$1
folder=$2
trap '' HUP INT TERM
read -r word
test "$word" = done && exit 0
quiet=0
while test $quiet -lt 10; do
    quiet=$((quiet + 1))
    for entry in /proc/[0-9]*; do
        if tr '\0' '\n' < "$entry/environ" 2> /dev/null | grep -qxF -e "$mark"; then
            kill -9 "${entry#/proc/}" 2> /dev/null && quiet=0
        fi
    done
    sleep 0.1
done
rm -rf "$folder"
"#;

/// See the module.
pub struct ProcessGuardian {
    mark: String,
    watcher: Child,
}

impl ProcessGuardian {
    /// Watches over the processes that have `mark`, as `NAME=VALUE`, in their environment. `folder` goes with them when the
    /// test's process is killed.
    pub fn new(mark: String, folder: &Path) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", GUARDIAN_SCRIPT, "guardian", &mark]).arg(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
        // What kills the test's process group must not kill this one.
        command.process_group(0);
        let watcher = command.spawn().expect("a shell");
        Self { mark, watcher }
    }

    /// Processes that have the mark.
    fn marked_processes(&self) -> Vec<i32> {
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let has_mark = |pid: &i32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            let mut variables = environment.split(|&b| b == 0);
            variables.any(|v| v == self.mark.as_bytes())
        };
        entries.filter_map(|e| e.file_name().to_str()?.parse().ok()).filter(has_mark).collect()
    }

    /// Kills every process that has the mark, and those that they are just starting, and waits until they are gone.
    fn kill_all(&self) {
        let began = Instant::now();
        let mut killed: Vec<i32> = Vec::new();
        loop {
            let found = self.marked_processes();
            found.iter().for_each(|&pid| send_signal(pid, rustix::process::Signal::KILL));
            let quiet = found.is_empty();
            killed.extend(found);
            killed.retain(|&pid| is_alive(pid));
            if (quiet && killed.is_empty()) || began.elapsed() > EXIT_TIMEOUT {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for ProcessGuardian {
    fn drop(&mut self) {
        self.kill_all();
        // Nothing is left for it to do.
        if let Some(input) = &mut self.watcher.stdin {
            let _ = input.write_all(b"done\n");
        }
        let _ = self.watcher.wait();
    }
}

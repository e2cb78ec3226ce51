//! A temporary folder with its own runs, sockets and settings, and the programs that work in it.

use super::CommandResult;
use super::process_guardian::ProcessGuardian;
use super::test_slot::TestSlot;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longest time that anything may take on a busy machine; an unloaded one needs a tenth.
pub const TEST_TIMEOUT: Duration = Duration::from_secs(120);

/// See the module.
pub struct Sandbox {
    // Dropped in this order: the processes end before their folder goes, and both before the next test begins.
    _guardian: ProcessGuardian,
    dir: TempDir,
    _slot: TestSlot,
}

/// A whole job of a few seconds on real images: the smallest that goes through every stage.
const TINY_CONFIG: &str = "\
name = 'tiny'
seed = 3
threads = 1
[data]
train_images = 600
bn_images = 100
[network]
widths = [4, 8]
[corners]
cache = false
epochs = 4
batch_size = 50
[align]
images = 100
[fit]
boundary_epochs = 0.5
epochs = 2.0
batch_size = 50
[heatmap]
grid = 5
live_images = 100
[checkpoint]
interval_secs = 0.4
";

impl Sandbox {
    pub fn new() -> Self {
        super::engine_program();
        let slot = TestSlot::acquire();
        // Not the system's temporary folder: a socket's path may have about a hundred bytes only.
        let dir = tempfile::Builder::new().prefix("surfit-").tempdir_in("/tmp").expect("a temporary folder");
        // Not the folder of the runs: a test may have several.
        let mark = format!("XDG_DATA_HOME={}", dir.path().join("data-home").display());
        let place = Self { _guardian: ProcessGuardian::new(mark, dir.path()), dir, _slot: slot };
        for folder in ["runtime", "settings", "data"] {
            std::fs::create_dir(place.path(folder)).expect("a folder");
        }
        place.write("tiny.toml", TINY_CONFIG);
        place
    }

    /// A path in the folder.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file in the folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("a file");
        path
    }

    /// The variables that keep the programs inside the folder.
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("SURFIT_RUNS", self.path("runs")),
            ("SURFIT_STATE", self.path("screen.toml")),
            ("XDG_RUNTIME_DIR", self.path("runtime")),
            ("XDG_CONFIG_HOME", self.path("settings")),
            ("SURFIT_DATA", self.path("data")),
            ("SURFIT_CACHE", self.path("cache")),
            ("XDG_DATA_HOME", self.path("data-home")),
            ("XDG_CACHE_HOME", self.path("cache")),
        ]
    }

    /// Variables of whoever runs the tests that would change what the programs do.
    pub const REMOVED_VARIABLES: [&str; 7] =
        ["SURFIT_ENGINE", "SURFIT_LOG", "SURFIT_THEME", "NO_COLOR", "COLORTERM", "RUST_BACKTRACE", "RUST_LOG"];

    /// A program set up for the folder, which is its working directory.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.envs(self.environment()).current_dir(self.dir.path()).stdin(Stdio::null());
        for name in Self::REMOVED_VARIABLES {
            command.env_remove(name);
        }
        command
    }

    /// `surfit` with arguments, separated by spaces: none of the tests' paths has one.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_surfit"));
        command.args(arguments.split_whitespace());
        command
    }

    /// Runs `surfit` to its end.
    #[track_caller]
    pub fn surfit(&self, arguments: &str) -> CommandResult {
        self.run_to_end(self.command(arguments))
    }

    /// Runs a command to its end and takes what it prints.
    #[track_caller]
    pub fn run_to_end(&self, mut command: Command) -> CommandResult {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let line = words.map(|w| w.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
        let began = Instant::now();
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap_or_else(|e| panic!("{line}: {e}"));
        let (out, err) = (spawn_pipe_reader(child.stdout.take()), spawn_pipe_reader(child.stderr.take()));
        let status = loop {
            if let Some(status) = child.try_wait().expect("the child") {
                break status;
            }
            if began.elapsed() > TEST_TIMEOUT {
                let _ = child.kill();
                let _ = child.wait();
                let (out, err) = (join_reader(out), join_reader(err));
                panic!(
                    "`{line}` did not end within {} s\n-- standard output\n{}\n-- standard error\n{}",
                    TEST_TIMEOUT.as_secs(),
                    String::from_utf8_lossy(&out),
                    String::from_utf8_lossy(&err)
                );
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let (bytes, err) = (join_reader(out), join_reader(err));
        CommandResult {
            line,
            status,
            out: String::from_utf8_lossy(&bytes).into_owned(),
            out_bytes: bytes,
            err: String::from_utf8_lossy(&err).into_owned(),
            seconds: began.elapsed().as_secs_f64(),
        }
    }

    /// Does a whole tiny job in the run directory `name`, with `extra` arguments; gives the directory.
    #[track_caller]
    pub fn run_tiny_job(&self, name: &str, extra: &str) -> PathBuf {
        self.surfit(&format!("run tiny.toml --run-dir {name} --json {extra}")).ok();
        self.path(name)
    }

    /// Starts a tiny job and detaches; returns the run directory and the engine's process id.
    #[track_caller]
    pub fn start_tiny_job(&self, name: &str, extra: &str) -> (PathBuf, i32) {
        let done = self.surfit(&format!("run tiny.toml --run-dir {name} --json --detach {extra}")).ok();
        (self.path(name), detached_pid(&done))
    }

    /// Resumes a run and detaches; returns the engine's process id.
    #[track_caller]
    pub fn resume_detached(&self, name: &str) -> i32 {
        detached_pid(&self.surfit(&format!("resume {name} --json --detach")).ok())
    }

    /// Every run directory in the folder or among its runs.
    fn run_directories(&self) -> Vec<PathBuf> {
        let inside = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
        let mut all: Vec<PathBuf> =
            inside(self.path("")).chain(inside(self.path("runs"))).filter_map(|p| p.canonicalize().ok()).collect();
        all.retain(|p| p.join("config.toml").is_file());
        all.sort();
        all.dedup();
        all
    }

    /// The one socket of the place, once it is there.
    #[track_caller]
    pub fn socket(&self) -> PathBuf {
        wait_for("a socket", || {
            let entries = std::fs::read_dir(self.path("runtime/surfit")).ok()?;
            let mut all: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
            assert!(all.len() < 2, "more than one socket: {all:?}");
            all.pop()
        })
    }

    /// Kills a process as a crash would, and waits until it is gone.
    #[track_caller]
    pub fn kill(&self, pid: i32) {
        send_signal(pid, rustix::process::Signal::KILL);
        wait_for("the killed process to be gone", || (!is_alive(pid)).then_some(()));
    }
}

impl Drop for Sandbox {
    /// When the test failed, prints the engines' last output. They end by the [`Guardian`], which knows them by the
    /// folder in their environment, which no other process has.
    fn drop(&mut self) {
        if std::thread::panicking() {
            for run in self.run_directories() {
                let tail = |name: &str, lines: usize| {
                    let text = std::fs::read_to_string(run.join(name)).unwrap_or_default();
                    let all: Vec<String> = text.lines().map(|l| l.chars().take(400).collect()).collect();
                    all[all.len().saturating_sub(lines)..].join("\n")
                };
                eprintln!("-- {}\n{}\n{}", run.display(), tail("log.txt", 10), tail("events.jsonl", 5));
            }
        }
    }
}

fn detached_pid(done: &CommandResult) -> i32 {
    let pid = done.last_json()["pid"].as_i64().unwrap_or_else(|| panic!("no pid:\n{}", done.describe()));
    i32::try_from(pid).expect("a process id")
}

/// Sends a signal; a process that is gone is no fault.
pub fn send_signal(pid: i32, signal: rustix::process::Signal) {
    if let Some(pid) = rustix::process::Pid::from_raw(pid) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// True while any thread of a process works. A zombie that nobody reaps does not, but a zombie's other threads may still
/// be on their way out and hold its files.
pub fn is_alive(pid: i32) -> bool {
    let Some(id) = rustix::process::Pid::from_raw(pid) else {
        return false;
    };
    if rustix::process::test_kill_process(id).is_err() {
        return false;
    }
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return !cfg!(target_os = "linux");
    };
    let zombie = stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'));
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    !zombie || threads > 1
}

/// Asks again and again until there is an answer.
#[track_caller]
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < TEST_TIMEOUT, "waited {} s for {what}", TEST_TIMEOUT.as_secs());
        std::thread::sleep(Duration::from_millis(15));
    }
}

type OutputReader = std::thread::JoinHandle<Vec<u8>>;

/// Reads on a thread, so that a full pipe never stops the child.
fn spawn_pipe_reader(from: Option<impl Read + Send + 'static>) -> OutputReader {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut from) = from {
            let _ = from.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn join_reader(reader: OutputReader) -> Vec<u8> {
    reader.join().unwrap_or_default()
}

/// Ends a child that a test still holds.
pub struct ChildGuard(pub Child);

impl Drop for ChildGuard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

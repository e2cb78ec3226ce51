//! A stand-in for `ssh`: runs the command here, over a line with configurable delay and faults.
//!
//! It is the test program itself, started again with the name of the test that calls [`run_ssh_stand_in`]; what that prints before
//! the test begins is what a login would print. The line's options are in the file that [`LINE_FILE_VARIABLE`] names, a
//! `key=value` on each line, read anew for each line that is dialled.

use super::{Sandbox, wait_for};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

/// The variable that names the file.
pub const LINE_FILE_VARIABLE: &str = "SURFIT_TEST_LINE";

/// The stand-in's own part, called from a test that does nothing else.
pub fn run_ssh_stand_in() {
    let Some(file) = std::env::var_os(LINE_FILE_VARIABLE).map(PathBuf::from) else {
        return;
    };
    let words: Vec<String> = std::env::args().collect();
    let [.., host, command] = words.as_slice() else {
        return;
    };
    append_log(&file, &format!("dialled {host} {command}"));
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let key = |name: &str| {
        let find = |l: &str| l.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
        text.lines().find_map(find)
    };
    let number = |name: &str| key(name).and_then(|v| v.parse::<f64>().ok());
    if let Some(banner) = key("banner") {
        println!("{banner}");
    }
    if let Some(why) = key("fail") {
        eprintln!("{why}");
        std::process::exit(255);
    }
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let (delay, rate) = (number("delay").unwrap_or(0.0), number("rate").unwrap_or(1e9));
    let cut = number("cut").map(|n| n as u64);
    let up = child.stdin.take().expect("its input");
    std::thread::spawn(move || {
        copy_throttled(std::io::stdin(), up, delay, rate, |_| {});
    });
    let breaker = file.with_extension("cut");
    std::thread::spawn(move || {
        loop {
            if breaker.exists() {
                let _ = std::fs::remove_file(&breaker);
                exit_with_broken_pipe();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    let down = child.stdout.take().expect("its output");
    // Without the lock and the buffer that the test harness knows.
    let out = std::io::stdout();
    let out = std::fs::File::from(rustix::io::dup(&out).expect("standard output"));
    copy_throttled(down, out, delay, rate, |count| {
        append_log(&file, &format!("bytes {count}"));
        if cut.is_some_and(|cut| count >= cut) {
            exit_with_broken_pipe();
        }
    });
    let code = child.wait().ok().and_then(|s| s.code()).unwrap_or(255);
    std::process::exit(code);
}

fn exit_with_broken_pipe() -> ! {
    eprintln!("client_loop: send disconnect: Broken pipe");
    std::process::exit(255);
}

fn append_log(file: &Path, line: &str) {
    let path = file.with_extension("log");
    let open = std::fs::File::options().create(true).append(true).open(path);
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64());
    let _ = open.and_then(|mut f| f.write_all(format!("{seconds:.3} {line}\n").as_bytes()));
}

/// Carries bytes with some milliseconds of delay at some bytes a second, with the 64 kB of buffers that lines have.
fn copy_throttled(mut from: impl Read, mut to: impl Write + Send, delay: f64, rate: f64, mut seen: impl FnMut(u64)) {
    let (sender, receiver) = sync_channel::<(Instant, Vec<u8>)>(128);
    std::thread::scope(move |scope| {
        scope.spawn(move || {
            for (due, bytes) in receiver {
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                if to.write_all(&bytes).and_then(|()| to.flush()).is_err() {
                    return;
                }
            }
        });
        let (mut buffer, mut free, mut count) = ([0; 512], Instant::now(), 0u64);
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            free = free.max(Instant::now()) + Duration::from_secs_f64(n as f64 / rate);
            let due = free + Duration::from_secs_f64(delay / 1e3);
            if sender.send((due, buffer[..n].to_vec())).is_err() {
                return;
            }
            count += n as u64;
            seen(count);
        }
    });
}

/// A machine that is reached through the stand-in.
pub struct StandInHost {
    file: PathBuf,
    command: String,
}

impl StandInHost {
    /// `test` is the name of the test that calls [`run_ssh_stand_in`].
    pub fn new(place: &Sandbox, test: &str) -> Self {
        let settings = place.path("settings/surfit");
        std::fs::create_dir_all(&settings).expect("a folder");
        let program = format!("program = '{}'\n", env!("CARGO_BIN_EXE_surfit"));
        std::fs::write(settings.join("client.toml"), program).expect("settings");
        let me = std::env::current_exe().expect("the test program");
        Self {
            file: place.write("line", ""),
            command: format!("{} --exact {test} --ignored --nocapture", me.display()),
        }
    }

    /// What the line is like for those who dial from now on.
    pub fn set_line(&self, text: &str) {
        std::fs::write(&self.file, text).expect("a file");
    }

    /// Breaks the line that is there.
    pub fn break_line(&self) {
        let breaker = self.file.with_extension("cut");
        std::fs::write(&breaker, "").expect("a file");
        wait_for("the line to break", || (!breaker.exists()).then_some(()));
    }

    /// The variables for `surfit`.
    pub fn environment(&self) -> [(&str, &str); 2] {
        let file = self.file.to_str().expect("a plain path");
        [("SURFIT_SSH", self.command.as_str()), (LINE_FILE_VARIABLE, file)]
    }

    /// What happened on the lines, each with its time.
    fn read_log(&self) -> Vec<(f64, String)> {
        let text = std::fs::read_to_string(self.file.with_extension("log")).unwrap_or_default();
        let line = |l: &str| {
            let (time, what) = l.split_once(' ')?;
            Some((time.parse().ok()?, what.to_owned()))
        };
        text.lines().filter_map(line).collect()
    }

    /// Times at which a line was dialled, and the command.
    pub fn dials(&self) -> Vec<(f64, String)> {
        let mut log = self.read_log();
        log.retain(|l| l.1.starts_with("dialled"));
        log
    }

    /// Bytes that came from the other end of the latest line.
    pub fn received_bytes(&self) -> u64 {
        let log = self.read_log();
        let last = log.iter().rev().find_map(|l| l.1.strip_prefix("bytes ")?.parse().ok());
        last.unwrap_or(0)
    }
}

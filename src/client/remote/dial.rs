//! Starting the command that leads to the other machine, and what it says when it does not get there.

use super::settings::Reach;
use super::wire::{LINK, MARK};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Most that a login may print before the far end speaks.
const BANNER: u64 = 256 << 10;

/// How long a host may take to greet when nobody is asked anything.
const ANSWER: Duration = Duration::from_secs(30);

/// Most that is kept of what the command says on standard error.
const SAID: usize = 8 << 10;

/// A line that carries: the far end has greeted.
#[derive(Debug)]
pub struct Line {
    /// To the far end.
    pub stdin: ChildStdin,
    /// From the far end, after its greeting.
    pub stdout: BufReader<ChildStdout>,
    /// The command, to be ended.
    pub command: Running,
}

/// The command that leads there.
#[derive(Debug)]
pub struct Running {
    child: Arc<Mutex<Child>>,
    said: Said,
}

/// What the command says on standard error, as it comes.
#[derive(Debug)]
struct Said {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    /// Ends the command, and gives the last of what it said, or how it ended when it said nothing.
    pub fn end(&mut self, patience: Duration) -> String {
        let began = Instant::now();
        let status = loop {
            match locked(&self.child).try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if began.elapsed() < patience => {
                    std::thread::sleep(Duration::from_millis(10))
                }
                _ => break None,
            }
        };
        if status.is_none() {
            kill(&self.child);
        }
        let said = self.said.last();
        match status {
            _ if !said.is_empty() => said,
            Some(status) => format!("the connection ended ({status})"),
            None => "the connection ended".into(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        kill(&self.child);
    }
}

fn locked(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kill(child: &Mutex<Child>) {
    let mut child = locked(child);
    let _ = child.kill();
    let _ = child.wait();
}

impl Said {
    fn listen(mut stderr: ChildStderr) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let kept = text.clone();
        let reader = std::thread::Builder::new()
            .name("ssh messages".into())
            .spawn(move || {
                let mut buffer = [0; 1024];
                while let Ok(n @ 1..) = stderr.read(&mut buffer) {
                    let Ok(mut kept) = kept.lock() else { return };
                    kept.push_str(&String::from_utf8_lossy(&buffer[..n]));
                    let mut excess = kept.len().saturating_sub(SAID);
                    while !kept.is_char_boundary(excess) {
                        excess += 1;
                    }
                    kept.drain(..excess);
                }
            });
        Self {
            text,
            reader: reader.ok(),
        }
    }

    /// The last lines, as one sentence.
    fn last(&mut self) -> String {
        // A process that the command left behind may hold the pipe; its words are not waited for.
        let began = Instant::now();
        while self.reader.as_ref().is_some_and(|r| !r.is_finished())
            && began.elapsed() < Duration::from_millis(300)
        {
            std::thread::sleep(Duration::from_millis(10));
        }
        let text = self.text.lock().map(|t| t.clone()).unwrap_or_default();
        let clean = |line: &str| -> String {
            let line = line.trim();
            let line = line.strip_prefix("surfit: ").unwrap_or(line);
            line.chars().filter(|c| !c.is_control()).take(300).collect()
        };
        let lines: Vec<String> = text.lines().map(clean).filter(|l| !l.is_empty()).collect();
        lines[lines.len().saturating_sub(2)..].join("; ")
    }
}

/// Quotes a word for the shell there.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The program there. A path from the home directory stays one that its shell expands.
fn program(name: &str) -> String {
    match name.strip_prefix("~/") {
        Some(rest) => format!("~/{}", quoted(rest)),
        None => quoted(name),
    }
}

/// Runs `surfit` with arguments on a host, and waits for its greeting.
///
/// The first line is dialled before the screen is taken, so that passwords and questions about keys can be answered at
/// the terminal; later ones, with `alone`, in a session without a terminal, where nothing can write over the screen.
///
/// # Errors
/// A clause that says what went wrong, mostly in the command's own words.
pub fn dial(reach: &Reach, host: &str, arguments: &[&str], alone: bool) -> Result<Line, String> {
    // Somebody at the terminal may have a password to write.
    dial_for(reach, host, arguments, alone, alone.then_some(ANSWER))
}

/// As [`dial`], and gives up when the host has not greeted after `patience`.
///
/// # Errors
/// As [`dial`].
pub fn dial_for(
    reach: &Reach,
    host: &str,
    arguments: &[&str],
    alone: bool,
    patience: Option<Duration>,
) -> Result<Line, String> {
    let words = arguments.iter().map(|a| quoted(a));
    let there: Vec<String> = std::iter::once(program(&reach.program))
        .chain(words)
        .collect();
    let mut command = Command::new(&reach.ssh[0]);
    command.args(&reach.ssh[1..]).arg(host).arg(there.join(" "));
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if alone {
        command.env("SSH_ASKPASS_REQUIRE", "never");
        // SAFETY: `setsid` is a bare system call, allowed between fork and exec; nothing is allocated.
        unsafe {
            command.pre_exec(|| {
                let _ = rustix::process::setsid();
                Ok(())
            });
        }
    }
    let mut child = command.spawn().map_err(|e| {
        format!(
            "`{}` cannot be started ({e}); install it, or name another one in SURFIT_SSH",
            reach.ssh[0]
        )
    })?;
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err("the command has no standard streams".into());
    };
    let child = Arc::new(Mutex::new(child));
    let mut running = Running {
        child,
        said: Said::listen(stderr),
    };
    let mut stdout = BufReader::new(stdout);
    // On a thread of its own: what the command has started may hold the pipe open when the command itself is gone.
    let (done, waited) = channel();
    std::thread::Builder::new()
        .name("greeting".into())
        .spawn(move || {
            let greeting = greeted(&mut stdout);
            let _ = done.send((greeting, stdout));
        })
        .map_err(|e| format!("starting a thread: {e}"))?;
    let heard = match patience {
        Some(patience) => waited.recv_timeout(patience),
        None => waited.recv().map_err(|_| RecvTimeoutError::Disconnected),
    };
    let Ok((greeting, stdout)) = heard else {
        drop(stdin);
        let seconds = patience.unwrap_or_default().as_secs_f64();
        let said = match running.end(Duration::ZERO) {
            nothing if nothing.starts_with("the connection ended") => String::new(),
            said => format!(" ({said})"),
        };
        return Err(format!(
            "it did not answer within {seconds:.0} s{said}; see whether `ssh {host}` reaches it"
        ));
    };
    match greeting {
        Ok((LINK, _)) => Ok(Line {
            stdin,
            stdout,
            command: running,
        }),
        Ok((link, version)) => Err(format!(
            "it has surfit {version} there, whose bridge speaks version {link}, and this is surfit {}, which speaks \
             version {LINK}; install the same version on both",
            env!("CARGO_PKG_VERSION")
        )),
        Err(first) => {
            drop(stdin);
            let why = running.end(Duration::from_secs(2));
            Err(explained(why, first, &reach.program))
        }
    }
}

/// Adds what can be done, where that is known.
fn explained(why: String, first: Option<String>, program: &str) -> String {
    let missing = ["not found", "No such file"]
        .iter()
        .any(|s| why.contains(s))
        && why.contains(program);
    if missing {
        format!("{why}; install surfit there, or say where it is with `program` in client.toml")
    } else if why.contains("unrecognized subcommand") {
        format!(
            "{why}; the surfit there is older than this one ({}), install the same version on both",
            env!("CARGO_PKG_VERSION")
        )
    } else {
        match first.filter(|_| why.starts_with("the connection ended")) {
            Some(first) => format!("{why}; it said `{first}` and not what `surfit bridge` says"),
            None => why,
        }
    }
}

/// Reads up to the far end's greeting: its versions, or the first thing that came instead.
fn greeted(from: &mut impl BufRead) -> Result<(u32, String), Option<String>> {
    let mut first = None;
    let mut limited = from.take(BANNER);
    loop {
        let mut line = Vec::new();
        match limited.read_until(b'\n', &mut line) {
            Ok(1..) if line.ends_with(b"\n") => {}
            _ => return Err(first),
        }
        let line = String::from_utf8_lossy(&line);
        if let Some(at) = line.find(MARK) {
            let mut words = line[at + MARK.len()..].split_whitespace();
            let link = words.next().and_then(|w| w.parse().ok());
            return Ok((link.unwrap_or(0), words.next().unwrap_or("?").to_owned()));
        }
        let clean: String = line
            .trim()
            .chars()
            .filter(|c| !c.is_control())
            .take(80)
            .collect();
        first = first.or(Some(clean).filter(|c| !c.is_empty()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::remote::wire::greeting;

    #[test]
    fn a_greeting_is_found_behind_whatever_a_login_prints() {
        let text = format!("Welcome to gpu1\n\nmotd without end {}rest", greeting());
        let mut from = text.as_bytes();
        assert_eq!(
            greeted(&mut from),
            Ok((LINK, env!("CARGO_PKG_VERSION").into()))
        );
        assert_eq!(from, b"rest", "not a byte of the frames is taken");
        assert_eq!(
            greeted(&mut b"Hello\nyou".as_slice()),
            Err(Some("Hello".into()))
        );
        let endless = "x\n".repeat(BANNER as usize);
        assert!(greeted(&mut endless.as_bytes()).is_err());
        assert_eq!(
            greeted(&mut "\x1esurfit-bridge 9 2.0.0\n".as_bytes()),
            Ok((9, "2.0.0".into()))
        );
    }

    #[test]
    fn a_host_that_says_nothing_is_given_up_although_its_pipe_stays_open() {
        let reach = Reach {
            ssh: ["sh", "-c", "sleep 600 & sleep 600"]
                .map(Into::into)
                .to_vec(),
            program: "surfit".into(),
        };
        let patience = Some(Duration::from_millis(50));
        let why = dial_for(&reach, "gpu1", &["bridge"], false, patience).unwrap_err();
        assert!(
            why.contains("did not answer within") && why.contains("ssh gpu1"),
            "{why}"
        );
    }

    #[test]
    fn words_reach_the_shell_there_as_they_are() {
        for word in ["a", "it's", "$HOME `x` \"y\"", "", "a b;c", "~x", "x*?"] {
            let script = format!("printf %s {}", quoted(word));
            let out = Command::new("sh").arg("-c").arg(script).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&out.stdout), word);
        }
        assert_eq!(program("~/bin/surfit"), "~/bin/surfit");
        assert_eq!(program("my surfit"), "'my surfit'");
    }
}

//! Starting the command that leads to the other machine, and its error output when the connection fails.

use super::host_config::HostConfig;
use super::line::HANDSHAKE_PREFIX;
use crate::child_setup;
use rustix::termios;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use surfit_core::protocol::PROTOCOL_VERSION;

/// Most that a login may print before the far end speaks.
const MAX_BANNER_BYTES: u64 = 256 << 10;

/// Time limit for a host's greeting without password prompts.
const GREETING_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a first dial may take, with a password to be written meanwhile: as long as sshd waits for one.
const FIRST_GREETING_TIMEOUT: Duration = Duration::from_secs(120);

const MAX_STDERR_BYTES: usize = 8 << 10;

/// A line that carries: the far end has greeted.
#[derive(Debug)]
pub struct DialedLine {
    /// To the far end.
    pub stdin: ChildStdin,
    /// From the far end, after its greeting.
    pub stdout: BufReader<ChildStdout>,
    pub command: DialCommand,
}

/// Why another machine was not reached.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The command that leads there does not start.
    #[error("`{program}` cannot be started ({source}); install it, or name another one in SURFIT_SSH")]
    NotStarted { program: String, source: std::io::Error },
    /// The command was started without streams.
    #[error("the command has no standard streams")]
    NoStreams,
    /// No thread was started to read what the command prints.
    #[error("starting a thread: {0}")]
    NoThread(#[source] std::io::Error),
    /// The machine sent no greeting in time.
    #[error(
        "it did not answer within {:.0} s{}; see whether `ssh {host}` reaches it",
        patience.as_secs_f64(),
        said.as_ref().map(|said| format!(" ({said})")).unwrap_or_default()
    )]
    NoAnswer {
        /// Name of the machine.
        host: String,
        /// How long it was waited for.
        patience: Duration,
        /// Last error output of the command.
        said: Option<String>,
    },
    /// The surfit there has another protocol.
    #[error("{}", version_message(host, *protocol, version))]
    Version {
        /// Name of the machine.
        host: String,
        protocol: u32,
        /// Its version of surfit.
        version: String,
    },
    /// The command ended before the greeting. The clause has the command's own words, and what can be done.
    #[error("{0}")]
    Ended(String),
}

#[derive(Debug)]
pub struct DialCommand {
    child: Child,
    stderr: StderrText,
}

#[derive(Debug)]
struct StderrText {
    text: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl DialCommand {
    /// Ends the command, and returns its last error output, or its exit status when there was none.
    pub fn end(&mut self, timeout: Duration) -> String {
        let began = Instant::now();
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if began.elapsed() < timeout => std::thread::sleep(Duration::from_millis(10)),
                _ => break None,
            }
        };
        if status.is_none() {
            self.kill();
        }
        let said = self.stderr.last_message();
        match status {
            _ if !said.is_empty() => said,
            Some(status) => format!("the connection ended ({status})"),
            None => "the connection ended".into(),
        }
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for DialCommand {
    fn drop(&mut self) {
        self.kill();
    }
}

impl StderrText {
    fn spawn_reader(mut stderr: ChildStderr) -> Self {
        let text = Arc::new(Mutex::new(String::new()));
        let kept = text.clone();
        let reader = std::thread::Builder::new().name("ssh messages".into()).spawn(move || {
            let mut buffer = [0; 1024];
            while let Ok(n @ 1..) = stderr.read(&mut buffer) {
                let Ok(mut kept) = kept.lock() else { return };
                kept.push_str(&String::from_utf8_lossy(&buffer[..n]));
                let mut excess = kept.len().saturating_sub(MAX_STDERR_BYTES);
                while !kept.is_char_boundary(excess) {
                    excess += 1;
                }
                kept.drain(..excess);
            }
        });
        Self { text, reader: reader.ok() }
    }

    /// Leaves out everything up to here.
    fn clear(&self) {
        if let Ok(mut text) = self.text.lock() {
            text.clear();
        }
    }

    /// The last lines, as one sentence.
    fn last_message(&mut self) -> String {
        // A process that the command left behind may hold the pipe; its output is not awaited.
        let began = Instant::now();
        while self.reader.as_ref().is_some_and(|r| !r.is_finished()) && began.elapsed() < Duration::from_millis(300) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let text = self.text.lock().map(|t| t.clone()).unwrap_or_default();
        let clean = |line: &str| -> String {
            let line = line.trim();
            let line = line.strip_prefix("surfit: ").unwrap_or(line);
            line.chars().filter(|c| !c.is_control()).take(300).collect()
        };
        let lines: Vec<String> = text.lines().map(clean).filter(|l| !l.is_empty()).collect();
        last_error_lines(&lines)
    }
}

/// The last two lines that are messages of ssh, of a shell or of surfit, as one sentence: a server's banner does
/// not explain the failure. Without such lines the last two of all.
fn last_error_lines(lines: &[String]) -> String {
    let messages: Vec<&String> = lines.iter().filter(|line| is_message(line)).collect();
    let all: Vec<&String> = lines.iter().collect();
    let of = if messages.is_empty() { all } else { messages };
    let last: Vec<&str> = of[of.len().saturating_sub(2)..].iter().map(|l| l.as_str()).collect();
    last.join("; ")
}

/// True of a line as ssh, shells and surfit write it when something goes wrong.
fn is_message(line: &str) -> bool {
    const MESSAGE_PREFIXES: [&str; 16] = [
        "ssh: ",
        "ssh_",
        "kex_exchange_identification",
        "client_loop: ",
        "banner exchange: ",
        "packet_write",
        "channel ",
        "mux_client",
        "Connection to ",
        "Connection closed",
        "Connection reset",
        "Connection timed out",
        "Received disconnect",
        "Disconnected from",
        "Timeout, server",
        "Unable to negotiate",
    ];
    const MESSAGE_PARTS: [&str; 9] = [
        "Permission denied",
        "verification failed",
        "Too many authentication failures",
        "ot found",
        "No such file",
        "nknown command",
        "nrecognized subcommand",
        "error:",
        "no run `",
    ];
    MESSAGE_PREFIXES.iter().any(|b| line.starts_with(b)) || MESSAGE_PARTS.iter().any(|p| line.contains(p))
}

/// True when the host refused who dialled: trying again by itself would only be refused again.
pub fn is_refused(why: &str) -> bool {
    [
        "Permission denied (",
        "Permission denied, please",
        "Host key verification failed",
        "Too many authentication failures",
    ]
    .iter()
    .any(|said| why.contains(said))
}

/// The command with password prompts disabled, where ssh is part of it.
fn with_batch_mode(ssh: &[String]) -> Vec<String> {
    let is_ssh = |word: &String| Path::new(word).file_name().is_some_and(|name| name == "ssh");
    let mut words = ssh.to_vec();
    if let Some(at) = words.iter().position(is_ssh) {
        // Of an option given twice ssh takes the first.
        words.splice(at + 1..at + 1, ["-o".into(), "BatchMode=yes".into()]);
    }
    words
}

/// Quotes a word for the shell there.
fn quote_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The words of the program there. A path from the home directory stays one that its shell expands.
fn quote_program(words: &[String]) -> impl Iterator<Item = String> {
    words.iter().map(|word| match word.strip_prefix("~/") {
        Some(rest) => format!("~/{}", quote_word(rest)),
        None => quote_word(word),
    })
}

/// Runs `surfit` with arguments on a host, and waits for its greeting.
///
/// The first line is dialled before the screen is taken, so that passwords and questions about keys can be answered at
/// the terminal; later ones, with `alone`, in a session without a terminal, where nothing can write over the screen.
///
/// # Errors
/// [`DialError`], mostly with the command's own words.
pub fn dial_host(
    host_config: &HostConfig,
    host: &str,
    arguments: &[&str],
    alone: bool,
) -> Result<DialedLine, DialError> {
    let patience = if alone { GREETING_TIMEOUT } else { FIRST_GREETING_TIMEOUT };
    dial_with_timeout(host_config, host, arguments, alone, patience)
}

/// As [`dial`], and fails when the host has not sent its greeting after `patience`.
///
/// # Errors
/// As [`dial`].
pub fn dial_with_timeout(
    host_config: &HostConfig,
    host: &str,
    arguments: &[&str],
    alone: bool,
    patience: Duration,
) -> Result<DialedLine, DialError> {
    let words = arguments.iter().map(|a| quote_word(a));
    let there: Vec<String> = quote_program(&host_config.program).chain(words).collect();
    let ssh = if alone { with_batch_mode(&host_config.ssh) } else { host_config.ssh.clone() };
    let mut command = Command::new(&ssh[0]);
    command.args(&ssh[1..]).arg(host).arg(there.join(" "));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if alone {
        command.env("SSH_ASKPASS_REQUIRE", "never");
        child_setup::start_in_own_session(&mut command);
    }
    let modes = (!alone).then(|| termios::tcgetattr(std::io::stdin()).ok()).flatten();
    let mut child =
        command.spawn().map_err(|source| DialError::NotStarted { program: host_config.ssh[0].clone(), source })?;
    let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(DialError::NoStreams);
    };
    let mut running = DialCommand { child, stderr: StderrText::spawn_reader(stderr) };
    let mut stdout = BufReader::new(stdout);
    // On a thread of its own: what the command has started may hold the pipe open when the command itself is gone.
    let (done, waited) = channel();
    std::thread::Builder::new()
        .name("greeting".into())
        .spawn(move || {
            let greeting = read_greeting(&mut stdout);
            let _ = done.send((greeting, stdout));
        })
        .map_err(DialError::NoThread)?;
    let Ok((greeting, stdout)) = waited.recv_timeout(patience) else {
        drop(stdin);
        let said = running.end(Duration::ZERO);
        if let Some(modes) = modes {
            // An unanswered prompt had switched the echo off.
            let _ = termios::tcsetattr(std::io::stdin(), termios::OptionalActions::Now, &modes);
        }
        let said = Some(said).filter(|said| !said.starts_with("the connection ended"));
        return Err(DialError::NoAnswer { host: host.into(), patience, said });
    };
    match greeting {
        Ok((PROTOCOL_VERSION, _)) => {
            // What came before the greeting is the server's banner, which does not explain why the line ends.
            running.stderr.clear();
            Ok(DialedLine { stdin, stdout, command: running })
        }
        Ok((protocol, version)) => Err(DialError::Version { host: host.into(), protocol, version }),
        Err(first) => {
            drop(stdin);
            // A command that the other machine suggests is typed here.
            let why = running.end(Duration::from_secs(2)).replace("`surfit ls`", &format!("`surfit ls {host}:`"));
            Err(DialError::Ended(add_remedy(why, first, &host_config.program)))
        }
    }
}

/// That the two ends speak different versions, and which of them is to be updated.
fn version_message(host: &str, protocol: u32, version: &str) -> String {
    let (age, outdated) = match protocol < PROTOCOL_VERSION {
        true => ("older", host),
        false => ("newer", "this machine"),
    };
    format!(
        "its surfit {version} speaks protocol {protocol}, {age} than protocol {PROTOCOL_VERSION} of surfit {} here; \
         update surfit on {outdated}",
        env!("CARGO_PKG_VERSION")
    )
}

fn add_remedy(why: String, first: Option<String>, program: &[String]) -> String {
    // The shell there prints the path as it expanded it.
    let names = program.iter().filter_map(|word| Path::new(word).file_name()?.to_str());
    let low = why.to_lowercase();
    let missing = ["not found", "no such file", "unknown command"].iter().any(|s| low.contains(s))
        && names.into_iter().any(|name| why.contains(name));
    if missing
        && let [word] = program
        && word.contains(' ')
    {
        format!(
            "{why}; `program` in client.toml is one word: write several as a list, {:?}",
            word.split_whitespace().collect::<Vec<_>>()
        )
    } else if missing {
        format!("{why}; install surfit there, or correct `program` in client.toml, which is `{}`", program.join(" "))
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
fn read_greeting(from: &mut impl BufRead) -> Result<(u32, String), Option<String>> {
    let mut first = None;
    let mut limited = from.take(MAX_BANNER_BYTES);
    loop {
        let mut line = Vec::new();
        match limited.read_until(b'\n', &mut line) {
            Ok(1..) if line.ends_with(b"\n") => {}
            _ => return Err(first),
        }
        let line = String::from_utf8_lossy(&line);
        if let Some(at) = line.find(HANDSHAKE_PREFIX) {
            let mut words = line[at + HANDSHAKE_PREFIX.len()..].split_whitespace();
            let link = words.next().and_then(|w| w.parse().ok());
            return Ok((link.unwrap_or(0), words.next().unwrap_or("?").to_owned()));
        }
        let clean: String = line.trim().chars().filter(|c| !c.is_control()).take(80).collect();
        first = first.or(Some(clean).filter(|c| !c.is_empty()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::line::format_greeting;
    use std::io::Write;

    #[test]
    fn a_greeting_is_found_behind_whatever_a_login_prints() {
        let text = format!("Welcome to gpu1\n\nmotd without end {}rest", format_greeting());
        let mut from = text.as_bytes();
        assert_eq!(read_greeting(&mut from), Ok((PROTOCOL_VERSION, env!("CARGO_PKG_VERSION").into())));
        assert_eq!(from, b"rest", "not a byte of the frames is taken");
        assert_eq!(read_greeting(&mut b"Hello\nyou".as_slice()), Err(Some("Hello".into())));
        let endless = "x\n".repeat(MAX_BANNER_BYTES as usize);
        assert!(read_greeting(&mut endless.as_bytes()).is_err());
        assert_eq!(read_greeting(&mut "\x1esurfit-bridge 9 2.0.0\n".as_bytes()), Ok((9, "2.0.0".into())));
    }

    #[test]
    fn the_end_that_is_to_be_updated_is_named() {
        let old = version_message("gpu1", 4, "0.1.0");
        assert!(old.contains("older") && old.ends_with("update surfit on gpu1"), "{old}");
        let new = version_message("gpu1", 99, "9.9.9");
        assert!(new.contains("newer") && new.ends_with("update surfit on this machine"), "{new}");
    }

    #[test]
    fn a_host_that_says_nothing_is_given_up_although_its_pipe_stays_open() {
        let host_config = HostConfig {
            ssh: ["sh", "-c", "sleep 600 & sleep 600"].map(Into::into).to_vec(),
            program: vec!["surfit".into()],
        };
        let patience = Duration::from_millis(50);
        let why = dial_with_timeout(&host_config, "gpu1", &["bridge"], false, patience).unwrap_err().to_string();
        assert!(why.contains("did not answer within") && why.contains("ssh gpu1"), "{why}");
    }

    #[test]
    fn words_reach_the_shell_there_as_they_are() {
        for word in ["a", "it's", "$HOME `x` \"y\"", "", "a b;c", "~x", "x*?"] {
            let script = format!("printf %s {}", quote_word(word));
            let out = Command::new("sh").arg("-c").arg(script).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&out.stdout), word);
        }
        let there = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|w| w.to_string()).collect();
            quote_program(&words).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(there(&["~/bin/surfit"]), "~/bin/surfit");
        assert_eq!(there(&["my surfit"]), "'my surfit'");
        assert_eq!(there(&["env", "A=B", "surfit"]), "env A=B surfit");
    }

    #[test]
    fn a_banner_of_the_beginning_is_no_reason_for_the_end() {
        let script = "echo Trespassers will be shot. >&2; sleep 0.3; printf '%s' \"$0\"; read x; \
                      test \"$x\" = quiet || echo client_loop: broken pipe >&2; exit 255";
        for (word, reason) in
            [("quiet", "the connection ended (exit status: 255)"), ("loud", "client_loop: broken pipe")]
        {
            let host_config = HostConfig {
                ssh: ["sh", "-c", script, &format_greeting()].map(Into::into).to_vec(),
                program: vec!["surfit".into()],
            };
            let patience = Duration::from_secs(20);
            let mut line = dial_with_timeout(&host_config, "gpu1", &["bridge"], false, patience).unwrap();
            writeln!(line.stdin, "{word}").unwrap();
            assert_eq!(line.command.end(patience), reason);
        }
    }

    #[test]
    fn what_a_server_greets_with_does_not_stand_for_the_error() {
        let said = |text: &str| {
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            last_error_lines(&lines)
        };
        let banner = "ATTENTION\nAll access is logged.\nDisconnect now if you are not allowed.";
        let refused = "me@gpu1: Permission denied (publickey).";
        assert_eq!(said(&format!("{banner}\n{refused}")), refused);
        assert_eq!(said(&format!("{refused}\n{banner}")), refused);
        assert_eq!(said("some words\nof a proxy"), "some words; of a proxy");
        let missing = "bash: line 1: surfit: command not found";
        assert_eq!(said(&format!("{banner}\n{missing}\nGoodbye.")), missing);
    }

    #[test]
    fn a_program_that_is_not_there_is_told_whatever_the_shell_calls_it() {
        let hint = |why: &str, program: &[&str]| {
            let words: Vec<String> = program.iter().map(|w| w.to_string()).collect();
            add_remedy(why.into(), None, &words)
        };
        for (why, program) in [
            ("bash: line 1: /home/me/bin/surfit: No such file or directory", &["~/bin/surfit"][..]),
            ("env: ‘surfit’: No such file or directory", &["env", "A=B", "surfit"]),
            ("fish: Unknown command: surfit", &["surfit"]),
            ("surfit: Command not found.", &["surfit"]),
        ] {
            let message = hint(why, program);
            assert!(message.contains("install surfit there"), "{message}");
        }
        let message = hint("sh: 1: env A=B surfit: not found", &["env A=B surfit"]);
        assert!(message.contains("[\"env\", \"A=B\", \"surfit\"]"), "{message}");
        assert!(!is_refused("bash: /opt/surfit: Permission denied"));
        assert!(is_refused("me@gpu1: Permission denied (publickey,password)."));
    }

    #[test]
    fn a_line_that_is_dialled_again_asks_for_nothing() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let alone = |text: &str| with_batch_mode(&words(text)).join(" ");
        assert_eq!(alone("ssh -T"), "ssh -o BatchMode=yes -T");
        let wrapped = "sshpass -p x /usr/bin/ssh -o BatchMode=yes -T";
        assert_eq!(alone("sshpass -p x /usr/bin/ssh -T"), wrapped);
        assert_eq!(alone("my-dialler -x"), "my-dialler -x");
    }
}

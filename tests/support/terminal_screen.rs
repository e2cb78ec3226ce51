//! The real program in a pseudo-terminal, with an emulator that shows what a person would see.

use super::sandbox::{is_alive, send_signal};
use super::{Sandbox, TEST_TIMEOUT};
use portable_pty::{CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use vt100::MouseProtocolMode;

/// What keys send that are no letters.
pub mod keys {
    pub const ESC: &str = "\x1b";
    pub const ENTER: &str = "\r";
    pub const RIGHT: &str = "\x1b[C";
    pub const LEFT: &str = "\x1b[D";
    pub const CTRL_C: &str = "\x03";
}

/// Everything that came out of the terminal.
struct CapturedOutput {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    last: Instant,
    /// The line is broken: nobody reads any more.
    hung_up: bool,
}

/// `surfit` in a terminal.
pub struct TerminalScreen {
    output: Arc<Mutex<CapturedOutput>>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    /// Kept open, so that the terminal's modes can be queried after the program has ended.
    slave: Option<Box<dyn SlavePty + Send>>,
    modes: String,
    began: Instant,
    pub pid: i32,
}

fn pty_size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn non_zero(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).expect("a size above 0")
}

impl TerminalScreen {
    /// Starts `surfit` with arguments in a terminal of that size; `environment` on top of the place's.
    #[track_caller]
    pub fn open(place: &Sandbox, arguments: &str, size: (u16, u16), environment: &[(&str, &str)]) -> Self {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        Self::open_with(place, &words, size, environment)
    }

    /// As [`TerminalScreen::connect_and_greet`], with arguments that may hold anything.
    #[track_caller]
    pub fn open_with(
        place: &Sandbox,
        arguments: &[&str],
        (columns, rows): (u16, u16),
        environment: &[(&str, &str)],
    ) -> Self {
        let pair = native_pty_system().openpty(pty_size(columns, rows)).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_surfit"));
        command.args(arguments);
        command.cwd(place.path(""));
        Sandbox::REMOVED_VARIABLES.iter().for_each(|name| command.env_remove(name));
        place.environment().into_iter().for_each(|(name, value)| command.env(name, value));
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("LC_ALL", "C.UTF-8");
        environment.iter().for_each(|(name, value)| command.env(name, value));
        let modes = format!("{:?}", pair.master.get_termios());
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let writer = pair.master.take_writer().expect("a writer");
        let parser = vt100::Parser::new(non_zero(rows), non_zero(columns), 0);
        let tape =
            Arc::new(Mutex::new(CapturedOutput { parser, bytes: Vec::new(), last: Instant::now(), hung_up: false }));
        let recorder = tape.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                let mut tape = recorder.lock().expect("the tape");
                if tape.hung_up {
                    return;
                }
                tape.bytes.extend_from_slice(&buffer[..n]);
                tape.parser.process(&buffer[..n]);
                tape.last = Instant::now();
            }
        });
        let began = Instant::now();
        let child = pair.slave.spawn_command(command).expect("surfit starts");
        let pid = child.process_id().expect("a process id") as i32;
        let (master, slave) = (Some(pair.master), Some(pair.slave));
        Self { output: tape, child, master, writer: Some(writer), slave, modes, began, pid }
    }

    /// What a person sees.
    pub fn text(&self) -> String {
        self.output.lock().expect("the tape").parser.screen().contents()
    }

    /// The raw bytes of everything that was written.
    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.output.lock().expect("the tape").bytes).into_owned()
    }

    /// Waits until `text` was written, on whichever screen; gives everything that was.
    #[track_caller]
    pub fn wait_written(&self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let written = self.written();
            if written.contains(text) {
                return written;
            }
            assert!(began.elapsed() < TEST_TIMEOUT, "`{text}` was never written, but\n{written}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Bytes written so far.
    pub fn byte_count(&self) -> usize {
        self.output.lock().expect("the tape").bytes.len()
    }

    /// Waits until the screen holds `text`; gives the seconds since the program's start.
    #[track_caller]
    pub fn wait_for_text(&self, text: &str) -> f64 {
        self.wait_until(&format!("`{text}` to appear"), |screen| screen.contains(text))
    }

    /// Waits until the screen no longer holds `text`.
    #[track_caller]
    pub fn wait_for_text_gone(&self, text: &str) -> f64 {
        self.wait_until(&format!("`{text}` to go"), |screen| !screen.contains(text))
    }

    #[track_caller]
    pub fn wait_until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> f64 {
        let asked = Instant::now();
        loop {
            let seconds = self.began.elapsed().as_secs_f64();
            let text = self.text();
            if wanted(&text) {
                return seconds;
            }
            let dead = !is_alive(self.pid);
            assert!(
                !dead && asked.elapsed() < TEST_TIMEOUT,
                "waited for {what}{}; the screen shows\n{text}",
                if dead { ", but the program has ended" } else { "" }
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Types.
    #[track_caller]
    pub fn press(&mut self, keys: &str) {
        let writer = self.writer.as_mut().expect("the terminal");
        writer.write_all(keys.as_bytes()).and_then(|()| writer.flush()).expect("the terminal takes keys");
    }

    /// Milliseconds from a key to the first byte that comes out after it, when the screen was at rest before.
    #[track_caller]
    pub fn key_latency_ms(&mut self, keys: &str, changed: impl Fn(&str) -> bool) -> f64 {
        let pressed = Instant::now();
        self.press(keys);
        loop {
            if changed(&self.text()) {
                return pressed.elapsed().as_secs_f64() * 1e3;
            }
            assert!(pressed.elapsed() < TEST_TIMEOUT, "no answer to {keys:?}; the screen shows\n{}", self.text());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        self.output.lock().expect("the tape").parser.set_size(non_zero(rows), non_zero(columns));
        self.master.as_ref().expect("the terminal").resize(pty_size(columns, rows)).expect("another size");
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        send_signal(self.pid, signal);
    }

    /// The terminal goes away, as when an SSH connection breaks: at the latest with the next thing that is drawn, which
    /// wakes the reader.
    pub fn hang_up(&mut self) {
        self.output.lock().expect("the tape").hung_up = true;
        (self.writer, self.slave, self.master) = (None, None, None);
    }

    /// Waits until the program has ended; gives its exit code.
    #[track_caller]
    pub fn wait_for_exit_code(&mut self) -> u32 {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the child") {
                return status.exit_code();
            }
            assert!(began.elapsed() < TEST_TIMEOUT, "the program does not end; the screen shows\n{}", self.text());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for the end and checks that the terminal is restored. Returns the exit code and the text of the
    /// screen.
    #[track_caller]
    pub fn expect_terminal_restored(&mut self) -> (u32, String) {
        let code = self.wait_for_exit_code();
        // What was written last is still on its way through the reader, which may not have begun with it.
        let ended = Instant::now();
        loop {
            let quiet = self.output.lock().expect("the tape").last.elapsed();
            if quiet.min(ended.elapsed()) > Duration::from_millis(150) {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let tape = self.output.lock().expect("the tape");
        let screen = tape.parser.screen();
        assert!(tape.bytes.windows(8).any(|w| w == b"\x1b[?1049h"), "the alternate screen was never used");
        assert!(!screen.alternate_screen(), "the alternate screen was not left");
        assert!(!screen.hide_cursor(), "the cursor stayed hidden");
        assert_eq!(screen.mouse_protocol_mode(), MouseProtocolMode::None, "the mouse stayed captured");
        assert!(!screen.bracketed_paste(), "bracketed paste stayed on");
        let colours = (screen.fgcolor(), screen.bgcolor());
        assert_eq!(colours, (vt100::Color::Default, vt100::Color::Default), "colours stayed on");
        assert!(!screen.bold() && !screen.inverse() && !screen.underline(), "a style stayed on");
        let text = screen.contents();
        drop(tape);
        let modes = format!("{:?}", self.master.as_ref().expect("the terminal").get_termios());
        assert_eq!(modes, self.modes, "echo or line mode were not given back");
        (code, text)
    }
}

impl Drop for TerminalScreen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

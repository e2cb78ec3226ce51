//! Standard output that a reader may close at any time, and standard error. Whatever is written to either by the commands
//! goes through here, so that no text from a file steers the terminal.

use super::error::CliError;
use serde::Serialize;
use std::io::{self, Write};
use surfit_core::text::{MAX_NAME_CHARS, MAX_SENTENCE_CHARS, to_printable, to_printable_json};

fn stdout_error(error: io::Error) -> CliError {
    match error.kind() {
        io::ErrorKind::BrokenPipe => CliError::ClosedPipe,
        _ => CliError::Failure(format!("standard output: {error}")),
    }
}

/// Writes bytes and flushes, so that a reader sees them now.
pub fn print_bytes(bytes: &[u8]) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(stdout_error)
}

/// Writes a line and flushes. Nothing in it steers the terminal, whatever file it comes from.
pub fn print_line(text: impl AsRef<str>) -> Result<(), CliError> {
    print_bytes(format!("{}\n", to_printable(text.as_ref(), usize::MAX)).as_bytes())
}

/// Writes text of several lines, in which nothing steers the terminal.
pub fn print_lines(text: &str) -> Result<(), CliError> {
    text.lines().try_for_each(print_line)
}

/// Writes one JSON object as one line.
pub fn print_json(value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string(value).map_err(|e| CliError::Failure(e.to_string()))?;
    print_bytes(format!("{}\n", to_printable_json(&text)).as_bytes())
}

/// Writes to standard error, which is written for people: when it is gone, there is nobody to tell.
fn write_stderr(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// Writes a sentence of the program to standard error: `surfit: …`, one line of bounded length.
pub fn print_warning(sentence: impl AsRef<str>) {
    let sentence = to_printable(sentence.as_ref(), MAX_SENTENCE_CHARS);
    write_stderr(&format!("surfit: {sentence}\n"));
}

/// Writes a line to standard error.
pub fn print_stderr_line(text: impl AsRef<str>) {
    let text = to_printable(text.as_ref(), MAX_SENTENCE_CHARS);
    write_stderr(&format!("{text}\n"));
}

/// Writes a question to standard error; the answer is typed behind it.
pub fn print_prompt(question: &str) {
    write_stderr(&format!("{question} "));
}

/// Says on a terminal that a machine is being reached, until the value goes.
pub struct Reaching;

impl Reaching {
    /// Begins to say so.
    pub fn new(host: &str) -> Self {
        write_stderr(&format!("reaching {} …\r", to_printable(host, MAX_NAME_CHARS)));
        Self
    }
}

impl Drop for Reaching {
    fn drop(&mut self) {
        write_stderr("\x1b[K");
    }
}

/// Returns a text for the line of a progress bar, which is drawn as it is.
pub fn bar_message(text: &str) -> String {
    to_printable(text, MAX_NAME_CHARS).into_owned()
}

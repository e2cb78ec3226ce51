//! Printing to standard output, which a reader may close at any time, and to standard error. All output of commands is
//! escaped here, so that no text from a file controls the terminal.

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

/// Writes bytes and flushes.
pub fn print_bytes(bytes: &[u8]) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(stdout_error)
}

/// Writes a line with control characters escaped, and flushes.
pub fn print_line(text: impl AsRef<str>) -> Result<(), CliError> {
    print_bytes(format!("{}\n", to_printable(text.as_ref(), usize::MAX)).as_bytes())
}

/// Writes text of several lines with control characters escaped.
pub fn print_lines(text: &str) -> Result<(), CliError> {
    text.lines().try_for_each(print_line)
}

/// Writes one JSON object as one line.
pub fn print_json(value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string(value).map_err(|e| CliError::Failure(e.to_string()))?;
    print_bytes(format!("{}\n", to_printable_json(&text)).as_bytes())
}

/// Writes to standard error; a failure is ignored.
fn write_stderr(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// Writes a message to standard error: `surfit: …`, one line of bounded length.
pub fn print_warning(sentence: impl AsRef<str>) {
    let sentence = to_printable(sentence.as_ref(), MAX_SENTENCE_CHARS);
    write_stderr(&format!("surfit: {sentence}\n"));
}

pub fn print_stderr_line(text: impl AsRef<str>) {
    let text = to_printable(text.as_ref(), MAX_SENTENCE_CHARS);
    write_stderr(&format!("{text}\n"));
}

/// Writes a question to standard error, without a line break.
pub fn print_prompt(question: &str) {
    write_stderr(&format!("{question} "));
}

/// Shows on a terminal that a host is being contacted, until the value is dropped.
pub struct Reaching;

impl Reaching {
    /// Shows the message.
    pub fn new(host: &str) -> Self {
        write_stderr(&format!("connecting to {} …\r", to_printable(host, MAX_NAME_CHARS)));
        Self
    }
}

impl Drop for Reaching {
    fn drop(&mut self) {
        write_stderr("\x1b[K");
    }
}

/// Returns a text for a progress bar, escaped and shortened.
pub fn bar_message(text: &str) -> String {
    to_printable(text, MAX_NAME_CHARS).into_owned()
}

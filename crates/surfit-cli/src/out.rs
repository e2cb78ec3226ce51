//! Standard output that a reader may close at any time, and standard error. Whatever is written to either by the commands
//! goes through here, so that no text from a file steers the terminal.

use super::fault::CliError;
use serde::Serialize;
use std::io::{self, Write};
use surfit_core::text::{MAX_NAME, MAX_SENTENCE, printable, printable_json};

fn fault(error: io::Error) -> CliError {
    match error.kind() {
        io::ErrorKind::BrokenPipe => CliError::Pipe,
        _ => CliError::Failure(format!("standard output: {error}")),
    }
}

/// Writes bytes and flushes, so that a reader sees them now.
pub fn bytes(bytes: &[u8]) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(fault)
}

/// Writes a line and flushes. Nothing in it steers the terminal, whatever file it comes from.
pub fn line(text: impl AsRef<str>) -> Result<(), CliError> {
    bytes(format!("{}\n", printable(text.as_ref(), usize::MAX)).as_bytes())
}

/// Writes text of several lines, in which nothing steers the terminal.
pub fn lines(text: &str) -> Result<(), CliError> {
    text.lines().try_for_each(line)
}

/// Writes one JSON object as one line.
pub fn json(value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string(value).map_err(|e| CliError::Failure(e.to_string()))?;
    bytes(format!("{}\n", printable_json(&text)).as_bytes())
}

/// Writes to standard error, which is written for people: when it is gone, there is nobody to tell.
fn error_text(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// Writes a sentence of the program to standard error: `surfit: …`, one line of bounded length.
pub fn warning(sentence: impl AsRef<str>) {
    let sentence = printable(sentence.as_ref(), MAX_SENTENCE);
    error_text(&format!("surfit: {sentence}\n"));
}

/// Writes a line to standard error.
pub fn aside(text: impl AsRef<str>) {
    let text = printable(text.as_ref(), MAX_SENTENCE);
    error_text(&format!("{text}\n"));
}

/// Writes a question to standard error; the answer is typed behind it.
pub fn prompt(question: &str) {
    error_text(&format!("{question} "));
}

/// Says on a terminal that a machine is being reached, until the value goes.
pub struct Reaching;

impl Reaching {
    /// Begins to say so.
    pub fn new(host: &str) -> Self {
        error_text(&format!("reaching {} …\r", printable(host, MAX_NAME)));
        Self
    }
}

impl Drop for Reaching {
    fn drop(&mut self) {
        error_text("\x1b[K");
    }
}

/// Returns a text for the line of a progress bar, which is drawn as it is.
pub fn bar_message(text: &str) -> String {
    printable(text, MAX_NAME).into_owned()
}

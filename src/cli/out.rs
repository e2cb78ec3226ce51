//! Standard output that a reader may close at any time.

use super::fault::Fault;
use serde::Serialize;
use std::io::{self, Write};
use surfit_core::text::printable;

fn fault(error: io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Fault::Pipe,
        _ => Fault::Failure(format!("standard output: {error}")),
    }
}

/// Writes bytes and flushes, so that a reader sees them now.
pub fn bytes(bytes: &[u8]) -> Result<(), Fault> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(fault)
}

/// Writes a line and flushes. Nothing in it steers the terminal, whatever file it comes from.
pub fn line(text: impl AsRef<str>) -> Result<(), Fault> {
    bytes(format!("{}\n", printable(text.as_ref(), usize::MAX)).as_bytes())
}

/// Writes text of several lines, in which nothing steers the terminal.
pub fn lines(text: &str) -> Result<(), Fault> {
    text.lines().try_for_each(line)
}

/// Writes one JSON object as one line.
pub fn json(value: &impl Serialize) -> Result<(), Fault> {
    let text = serde_json::to_string(value).map_err(|e| Fault::Failure(e.to_string()))?;
    // Its strings are escaped as JSON has it.
    bytes(format!("{text}\n").as_bytes())
}

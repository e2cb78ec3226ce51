//! Standard output that a reader may close at any time.

use super::fault::Fault;
use serde::Serialize;
use std::io::{self, Write};

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

/// Writes a line and flushes.
pub fn line(text: impl AsRef<str>) -> Result<(), Fault> {
    bytes(format!("{}\n", text.as_ref()).as_bytes())
}

/// Writes one JSON object as one line.
pub fn json(value: &impl Serialize) -> Result<(), Fault> {
    line(serde_json::to_string(value).map_err(|e| Fault::Failure(e.to_string()))?)
}

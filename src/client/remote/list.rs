//! The runs of another machine.

use super::dial::dial_for;
use super::settings::Reach;
use super::wire::greeting;
use crate::client::runs::Line;
use std::io::{BufRead, Write};
use std::time::Duration;

/// How long a host may take to greet, with a password to be written before.
const PATIENCE: Duration = Duration::from_secs(60);

/// The runs there are on a host, the most recently begun first.
///
/// # Errors
/// A sentence.
pub fn list(reach: &Reach, host: &str) -> Result<Vec<Line>, String> {
    let mut line = dial_for(reach, host, &["bridge", "--ls"], false, PATIENCE)
        .map_err(|why| format!("{host}: {why}"))?;
    drop(line.stdin);
    let mut lines = Vec::new();
    for text in (&mut line.stdout).lines() {
        let text = text.map_err(|e| format!("{host}: {e}"))?;
        if text == END {
            return Ok(lines);
        }
        let read = serde_json::from_str(&text);
        lines.push(read.map_err(|e| format!("{host} sent a list of runs that cannot be read ({e}); install the same version on both"))?);
    }
    let why = line.command.end(Duration::from_secs(2));
    Err(format!("{host}: {why}"))
}

/// Without it a list that a broken line cut short would pass for whole.
const END: &str = "end";

/// Writes the runs of this machine for [`list`] at the near end.
///
/// # Errors
/// What the line says.
pub fn told(lines: &[Line], out: &mut impl Write) -> std::io::Result<()> {
    let mut text = greeting();
    for line in lines {
        text += &serde_json::to_string(line)?;
        text.push('\n');
    }
    text += END;
    text.push('\n');
    out.write_all(text.as_bytes())?;
    out.flush()
}

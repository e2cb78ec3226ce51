//! The runs of another machine.

use super::dial::dial_with_timeout;
use super::host_config::HostConfig;
use super::line::format_greeting;
use crate::ClientError;
use crate::runs::RunSummary;
use std::io::{BufRead, Read, Write};
use std::time::Duration;

/// How long a host may take to greet, with a password to be written before.
const LIST_TIMEOUT: Duration = Duration::from_secs(60);

/// The runs there are on a host, the most recently begun first.
///
/// # Errors
/// [`ClientError`] when the host cannot be reached, or sends no list.
pub fn list_remote_runs(host_config: &HostConfig, host: &str) -> Result<Vec<RunSummary>, ClientError> {
    let mut line = dial_with_timeout(host_config, host, &["bridge", "--ls"], false, LIST_TIMEOUT)
        .map_err(|source| ClientError::Unreachable { host: host.into(), source })?;
    drop(line.stdin);
    let unreadable = |why: String| ClientError::BadRunList { host: host.into(), why };
    let mut lines = Vec::new();
    let mut limited = (&mut line.stdout).take(MAX_LIST_BYTES);
    loop {
        let mut text = Vec::new();
        limited.read_until(b'\n', &mut text).map_err(ClientError::io(host))?;
        let Some(text) = text.strip_suffix(b"\n") else {
            break;
        };
        if text == END_MARKER.as_bytes() {
            return Ok(lines);
        }
        lines.push(serde_json::from_slice(text).map_err(|e| unreadable(e.to_string()))?);
    }
    if limited.limit() == 0 {
        return Err(unreadable(format!("more than {} MB", MAX_LIST_BYTES >> 20)));
    }
    Err(ClientError::LineEnded { host: host.into(), message: line.command.end(Duration::from_secs(2)) })
}

/// Largest list in bytes: some hundred for each run.
const MAX_LIST_BYTES: u64 = 32 << 20;

/// Without it a list that a broken line cut short would pass for whole.
const END_MARKER: &str = "end";

/// Writes the runs of this machine for [`list_remote_runs`] at the near end.
///
/// # Errors
/// The error of the line.
pub fn write_run_list(lines: &[RunSummary], out: &mut impl Write) -> std::io::Result<()> {
    let mut text = format_greeting();
    for line in lines {
        text += &serde_json::to_string(line)?;
        text.push('\n');
    }
    text += END_MARKER;
    text.push('\n');
    out.write_all(text.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result for a host that sends the greeting and then the output of `script`.
    fn list_from_script(script: &str) -> Result<Vec<RunSummary>, ClientError> {
        let script = format!("printf '%s' \"$0\"; {script}");
        let host_config = HostConfig {
            ssh: ["sh", "-c", &script, &format_greeting()].map(Into::into).to_vec(),
            program: vec!["surfit".into()],
        };
        list_remote_runs(&host_config, "gpu1")
    }

    #[test]
    fn a_host_that_says_anything_else_than_a_list_is_told_and_costs_little() {
        assert_eq!(list_from_script("echo end").unwrap().len(), 0);
        for (script, part) in [
            ("tr '\\0' x < /dev/zero", "more than 32 MB"),
            ("yes '{}'", "cannot be read"),
            ("cat /dev/urandom", "cannot be read"),
            ("echo '[[[[[['", "cannot be read"),
            ("printf end", "the connection ended"),
            ("exit 3", "exit status: 3"),
        ] {
            let why = list_from_script(script).expect_err(script).to_string();
            assert!(why.starts_with("gpu1") && why.contains(part), "{script}: {why}");
            assert!(why.len() < 300, "{script}: {why}");
        }
    }
}

//! A command that has ended.

use serde_json::Value;
use std::process::ExitStatus;

/// Exit status and output of a command.
pub struct CommandResult {
    pub line: String,
    pub status: ExitStatus,
    pub out_bytes: Vec<u8>,
    pub out: String,
    pub err: String,
    pub seconds: f64,
}

impl CommandResult {
    /// Panics with status and output unless the command succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert!(self.status.success(), "should have succeeded:\n{}", self.describe());
        self
    }

    /// Panics unless the command failed with `code` and one plain sentence on standard error that holds all `parts`.
    #[track_caller]
    pub fn fails(self, code: i32, parts: &[&str]) -> Self {
        let story = self.describe();
        assert_eq!(self.status.code(), Some(code), "the exit code should be {code}:\n{story}");
        let lines: Vec<&str> = self.err.lines().filter(|l| !l.trim().is_empty()).collect();
        assert_eq!(lines.len(), 1, "standard error should hold one sentence:\n{story}");
        for part in parts {
            assert!(self.err.contains(part), "the sentence should hold `{part}`:\n{story}");
        }
        for sign in ["panicked", "RUST_BACKTRACE", "stack backtrace", "unwrap", "Os {", "Error("] {
            assert!(!self.err.contains(sign), "`{sign}` is nothing for users:\n{story}");
        }
        self
    }

    /// The output's lines as JSON.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let parse = |l| serde_json::from_str(l).unwrap_or_else(|e| panic!("no JSON ({e}): {l}\n{}", self.describe()));
        self.out.lines().map(parse).collect()
    }

    /// The last line of the output as JSON.
    #[track_caller]
    pub fn last_json(&self) -> Value {
        self.json_lines().pop().unwrap_or_else(|| panic!("no output:\n{}", self.describe()))
    }

    pub fn describe(&self) -> String {
        let short = |text: &str| -> String {
            let skip = text.len().saturating_sub(3000);
            text.get(skip..).unwrap_or(text).to_owned()
        };
        format!(
            "$ {}\n{} after {:.1} s\n-- standard output\n{}\n-- standard error\n{}",
            self.line,
            self.status,
            self.seconds,
            short(&self.out),
            short(&self.err)
        )
    }
}

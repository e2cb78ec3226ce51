//! How a command fails: one sentence on standard error, and an exit code.

use super::args::CommandLine;
use super::output;
use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue};
use std::ffi::OsString;
use std::process::ExitCode;
use surfit_client::ClientError;
use surfit_core::config::{ConfigError, nearest_name};
use surfit_core::protocol::CommandError;
use surfit_core::run_dir::RunError;

/// Exit code of what was stopped by a signal and can go on: `EX_TEMPFAIL`. Codes of 128 and more do not survive a batch
/// system's accounting, which takes them for signals.
pub const EXIT_STOPPED: u8 = 75;

/// A failed command.
#[derive(Debug, PartialEq)]
pub enum CliError {
    /// Wrong use, wrong configuration: exit code 2.
    Usage(String),
    /// It was asked for rightly and did not work: exit code 1.
    Failure(String),
    /// The engine refused a command, or failed at it: exit code 1.
    Refused(CommandError),
    /// A signal asked to stop: exit code [`EXIT_STOPPED`].
    Interrupted(String),
    /// Another program failed and has said so: its exit code.
    ChildExit(u8),
    /// Nobody reads the output any more, which is no fault of ours: exit code 0, in silence.
    ClosedPipe,
}

impl CliError {
    /// Says the sentence and gives the exit code. With `json` a refusal is told by its code on standard output, too.
    pub fn report(self, json: bool) -> ExitCode {
        if let CliError::Refused(CommandError { code, message }) = &self
            && json
        {
            // Whoever closed the output does not want it.
            let _ = output::print_json(&serde_json::json!({ "event": "refused", "code": code, "error": message }));
        }
        let (code, sentence) = match self {
            CliError::Usage(sentence) => (2, sentence),
            CliError::Failure(sentence) => (1, sentence),
            CliError::Refused(refusal) => (1, refusal.message),
            CliError::Interrupted(sentence) => (EXIT_STOPPED, sentence),
            CliError::ChildExit(code) => return ExitCode::from(code),
            CliError::ClosedPipe => return ExitCode::SUCCESS,
        };
        tracing::error!(code, "{sentence}");
        output::print_warning(sentence);
        ExitCode::from(code)
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        CliError::Usage(error.to_string())
    }
}

impl From<RunError> for CliError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::NotFound(_)
            | RunError::Ambiguous { .. }
            | RunError::NotUtf8(_)
            | RunError::NotARun(_)
            | RunError::SeveralRuns { .. }
            | RunError::Exists(_)
            | RunError::InsideRun { .. } => CliError::Usage(error.to_string()),
            RunError::Config(_) => CliError::Usage(error.to_string()),
            RunError::InUse { .. }
            | RunError::ForeignFolder(_)
            | RunError::ForeignSocket(_)
            | RunError::ReadOnly(_)
            | RunError::NoSurface(_)
            | RunError::Damaged { .. }
            | RunError::Io { .. } => CliError::Failure(error.to_string()),
        }
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Run(error) => error.into(),
            ClientError::Refused(refusal) => CliError::Refused(refusal),
            other => CliError::Failure(other.to_string()),
        }
    }
}

/// Turns clap's several lines into one sentence: what is wrong, its tips, and where the help is. `words` are the
/// command line.
pub fn from_clap(error: &clap::Error, words: impl Iterator<Item = OsString>) -> CliError {
    let text = error.render().to_string();
    let (name, here) = find_command(words);
    let first = text.split("\n\n").next().unwrap_or_default();
    let what: Vec<&str> = first.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let what = what.join(" ");
    let tip = text
        .lines()
        .find_map(|l| l.trim().strip_prefix("tip: "))
        // How to pass an option's name as a file's is never what whoever mistook an option wants to know.
        .filter(|t| !t.starts_with("to pass "))
        .map(|t| format!("; {t}"))
        .or_else(|| suggest_subcommand(error, &here));
    CliError::Usage(format!(
        "{}{}; see `{} --help`",
        what.strip_prefix("error: ").unwrap_or(&what),
        tip.unwrap_or_default(),
        name
    ))
}

/// The subcommand of `command` that was probably meant, where letters changed places: clap's own tips do not see that.
fn suggest_subcommand(error: &clap::Error, command: &clap::Command) -> Option<String> {
    let word = match error.get(ContextKind::InvalidSubcommand)? {
        ContextValue::String(word) => word,
        _ => return None,
    };
    let known: Vec<&str> =
        command.get_subcommands().filter(|s| !s.is_hide_set()).map(clap::Command::get_name).collect();
    let name = nearest_name(word, &known)?;
    Some(format!("; did you mean '{name}'?"))
}

/// The command that the words are for, such as `surfit config check`, and its definition.
fn find_command(words: impl Iterator<Item = OsString>) -> (String, clap::Command) {
    let mut name = String::from("surfit");
    let mut here = CommandLine::command();
    for word in words.skip(1) {
        if let Some(sub) = here.find_subcommand(word).cloned() {
            name = format!("{name} {}", sub.get_name());
            here = sub;
        }
    }
    (name, here)
}
